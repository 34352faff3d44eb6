import { Failure } from "../failure.ts";
import { readOrdinary } from "../files/ordinary-file.ts";
import { quote } from "../format.ts";
import { path, text } from "../kinds.ts";
import { flag, option } from "../task.ts";

/** The options of a task that speaks TLS. */
export const tlsFields = {
  ca: option(path, "PEM file with the CA certificates to trust, instead of the public ones"),
  cert: option(path, "PEM file with the client certificate"),
  key: option(path, "PEM file with the key of the client certificate"),
  "server-name": option(text, "name to ask for and to find in the server's certificate, instead of the host"),
  insecure: flag("take any certificate; for tests only"),
};

export interface TlsArguments {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly "server-name": string | undefined;
  readonly insecure: boolean;
}

/** How to speak TLS, with the contents of the files. */
export interface TlsSettings {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly serverName?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** For a task's `check`. @throws Error when the options contradict each other */
export function checkTlsArguments({
  ca,
  cert,
  key,
  "server-name": serverName,
  insecure,
}: TlsArguments): void {
  if (cert !== undefined && key === undefined)
    throw new Error("cert needs key, the file with its private key");
  if (key !== undefined && cert === undefined)
    throw new Error("key needs cert, the file with its certificate");
  if (insecure && (ca !== undefined || serverName !== undefined)) {
    throw new Error("insecure takes any certificate, so ca and server-name have no meaning with it");
  }
}

/** Whether any of the TLS options is given. */
export const hasTlsArguments = (args: TlsArguments): boolean =>
  args.insecure || [args.ca, args.cert, args.key, args["server-name"]].some((value) => value !== undefined);

/**
 * Reads the files that the TLS options name. To be called when the step starts, before any connection.
 * @throws Failure `configuration` where one is missing or cannot be used
 */
export async function readTlsSettings(args: TlsArguments): Promise<TlsSettings> {
  const ca = readPem("ca", args.ca);
  const cert = readPem("cert", args.cert);
  const key = readPem("key", args.key);
  const settings = { ca, cert, key, serverName: args["server-name"], insecure: args.insecure };
  await checkUsable(settings, args);
  return settings;
}

function readPem(name: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readOrdinary(file);
  } catch (error) {
    throw unusable(name, file, (error as Error).message.replace(/, .*/s, ""), error);
  }
}

const unusable = (name: string, file: string, why: string, cause: unknown): Failure =>
  new Failure("configuration", `${name}: ${quote(file)} cannot be used: ${why}`, {
    hint: "check that the Secret or ConfigMap with the file is mounted there and holds PEM",
    cause,
  });

type PemFiles = Pick<TlsArguments, "ca" | "cert" | "key">;

async function checkUsable({ ca, cert, key }: TlsSettings, files: PemFiles): Promise<void> {
  if (ca) await checkCertificates("ca", files.ca!, ca);
  if (cert) await checkCertificates("cert", files.cert!, cert);
  if (!cert || !key) return;
  const { createSecureContext } = await import("node:tls");
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw unusable("key", files.key!, keyProblem(error as Error), error);
  }
}

function keyProblem(error: Error): string {
  if (/MISMATCH/i.test("code" in error ? String(error.code) : ""))
    return "it is not the key of that certificate";
  return /passphrase|password/i.test(error.message)
    ? "it is encrypted"
    : `it holds no private key (${error.message})`;
}

const pemCertificate =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

async function checkCertificates(name: string, file: string, content: Buffer): Promise<void> {
  const certificates = content.toString("latin1").match(pemCertificate);
  if (!certificates) throw unusable(name, file, "it holds no certificate in PEM", undefined);
  const { X509Certificate } = await import("node:crypto");
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (error) {
    throw unusable(name, file, `it holds a broken certificate (${(error as Error).message})`, error);
  }
}
