import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Failure, type FailureCode } from "../failure.ts";
import { quote } from "../format.ts";
import { interrupted, networkFailure, noAnswer } from "./errors.ts";
import type { TlsSettings } from "./tls.ts";

export interface TlsOptions {
  /** As in the URL: what the certificate must be for, where `serverName` does not say otherwise. */
  readonly host: string;
  /** For messages: `auth:443 (10.0.0.3)`. */
  readonly peer: string;
  readonly tls?: TlsSettings | undefined;
  /** Protocols to offer (RFC 7301). */
  readonly alpn?: readonly string[];
  /** Whether the names in the certificate matter; false checks only who signed it. */
  readonly checkName?: boolean;
  readonly signal: AbortSignal;
  readonly code: FailureCode;
  /** The code for a certificate that does not verify; `code` by default. */
  readonly certificateCode?: FailureCode | undefined;
}

/**
 * Speaks TLS on a connected socket, and takes the socket over: it is destroyed when this fails.
 * @throws Failure `tls`, `tls:certificate` or `reset`; the reason of the signal
 */
export async function upgradeToTls(socket: Socket, options: TlsOptions): Promise<TLSSocket> {
  const { connect } = await import("node:tls");
  const secure = connect(connectionOptions(socket, options));
  secure.on("error", () => {});
  try {
    await handshake(secure, options);
    verify(secure, options);
    return secure;
  } catch (error) {
    secure.destroy();
    socket.destroy();
    throw error;
  }
}

/** An error of the certificate is told by `verify`, which can still look at it then. */
function connectionOptions(
  socket: Socket,
  { host, tls = {}, alpn, checkName = true }: TlsOptions,
): ConnectionOptions {
  const name = (tls.serverName ?? host).replace(/\.$/, "");
  const { ca, cert, key } = tls;
  return {
    socket,
    host: name,
    ...(isAddress(name) ? {} : { servername: name }),
    ...(alpn ? { ALPNProtocols: [...alpn] } : {}),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(checkName ? {} : { checkServerIdentity: () => undefined }),
    rejectUnauthorized: false,
  };
}

/** Server names of TLS are never addresses (RFC 6066, section 3). */
const isAddress = (name: string): boolean => name.includes(":") || /^[0-9.]+$/.test(name);

function handshake(secure: TLSSocket, { peer, signal, code }: TlsOptions): Promise<void> {
  const doing = `TLS with ${peer}`;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      secure.off("secureConnect", onSecure).off("error", onError).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const onSecure = () => settle(resolve);
    const onError = (error: Error) => settle(() => reject(networkFailure(code, "tls", doing, error)));
    const onClose = () => onError(Object.assign(new Error("connection closed"), { code: "ECONNRESET" }));
    const onAbort = () =>
      settle(() =>
        reject(interrupted(signal, code, doing, { kind: "tls:timeout", hint: noAnswer }) as Error),
      );
    secure.on("secureConnect", onSecure).on("error", onError).on("close", onClose);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

function verify(secure: TLSSocket, { host, peer, tls = {}, code, certificateCode }: TlsOptions): void {
  if (tls.insecure || secure.authorized) return;
  const name = tls.serverName ?? host;
  const problem = certificateProblem(
    String(secure.authorizationError),
    secure.getPeerX509Certificate(),
    name,
  );
  throw new Failure(
    certificateCode ?? code,
    `TLS with ${peer}: the certificate does not verify: ${problem.says}`,
    {
      kind: "tls:certificate",
      hint: problem.hint,
    },
  );
}

const giveCa = "give the CA that signed it with ca; inside a cluster that is often the ca.crt of its Secret";

/** @param error a code of OpenSSL (X509_V_ERR_…, without the prefix) or of Node */
function certificateProblem(error: string, certificate: X509Certificate | undefined, name: string) {
  const issuer = certificate ? quote(certificate.issuer.replaceAll("\n", ", ")) : "nobody";
  switch (error) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        says: `it is for ${namesIn(certificate)}, not for ${quote(name)}`,
        hint: "connect by one of the names in the certificate, or say which one to expect with server-name",
      };
    case "CERT_HAS_EXPIRED":
      return { says: `it ended on ${certificate?.validTo}`, hint: "renew the certificate of the server" };
    case "CERT_NOT_YET_VALID":
      return { says: `it begins on ${certificate?.validFrom}`, hint: "check the clock of the node" };
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return { says: `it is self-signed and not trusted (it names ${namesIn(certificate)})`, hint: giveCa };
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return { says: `it is signed by a CA that is not trusted, ${issuer} (${error})`, hint: giveCa };
    default:
      return { says: `${error} (it names ${namesIn(certificate)}, signed by ${issuer})`, hint: giveCa };
  }
}

/** What a certificate is for: its subjectAltName, else its subject. */
function namesIn(certificate: X509Certificate | undefined): string {
  const names = certificate?.subjectAltName ?? certificate?.subject;
  return names ? quote(names.replace(/\b(?:DNS|IP Address):/g, "").replaceAll("\n", ", ")) : "nobody";
}
