import { quote } from "../../format.ts";
import type { TlsSettings } from "../../net/tls.ts";
import { type Digest, shownDigest } from "../checksum.ts";
import { parseDigest } from "./digest.ts";

/** What an `oci://` URL names. */
export interface OciReference {
  /** With its port, in lower case: `registry.example.com:5000`; Docker Hub is always `docker.io`. */
  readonly host: string;
  readonly repository: string;
  /** `latest` where neither a tag nor a digest is given. */
  readonly tag: string | undefined;
  /** Wins over the tag. */
  readonly digest: Digest | undefined;
}

const form = "write oci://registry/repository:tag or oci://registry/repository@sha256:HEX";

/** The grammars of OCI distribution-spec 1.1, "Pulling manifests". */
const repositoryForm = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const hostForm = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;

/**
 * Parses `oci://registry[:port]/repository[:tag][@digest]`.
 * @throws Error that completes the sentence "URL ..."
 */
export function parseOci(text: string): OciReference {
  const [, authority = "", path = ""] = /^oci:\/\/([^/?#]+)\/([^?#]+)$/i.exec(text) ?? [];
  if (path === "") throw new Error(`is no OCI reference; ${form}`);
  const host = parseHost(authority);
  const [, name = "", tag, digest] = /^([^:@]*)(?::([^@]*))?(?:@(.*))?$/s.exec(path) ?? [];
  if (tag !== undefined && !tagForm.test(tag)) throw new Error(`names the tag ${quote(tag)}, which is none`);
  return {
    host,
    repository: parseRepository(name, host),
    tag: tag ?? (digest === undefined ? "latest" : undefined),
    digest: digest === undefined ? undefined : digestIn(digest),
  };
}

function parseHost(authority: string): string {
  if (authority.includes("@")) throw new Error("holds credentials; give them with user or in DOCKER_CONFIG");
  const host = authority.toLowerCase();
  if (!hostForm.test(host) || !URL.canParse(`https://${host}`))
    throw new Error(`names the registry ${quote(authority)}, which is no host; ${form}`);
  return hubHosts.has(host) ? hub : host;
}

const hub = "docker.io";
/** Docker Hub has one name for people and others for programs. */
export const hubHosts: ReadonlySet<string> = new Set([hub, "index.docker.io", "registry-1.docker.io"]);

function parseRepository(name: string, host: string): string {
  if (!repositoryForm.test(name) || name.length > 255)
    throw new Error(`names the repository ${quote(name)}, which is none: it is of small letters; ${form}`);
  return host === hub && !name.includes("/") ? `library/${name}` : name;
}

function digestIn(text: string): Digest {
  const digest = parseDigest(text);
  if (!digest) throw new Error(`names the digest ${quote(text)}, which is neither sha256:HEX nor sha512:HEX`);
  return digest;
}

export const isDockerHub = ({ host }: OciReference): boolean => host === hub;

/**
 * Where the registry answers: over TLS. Only what is on loopback is asked without, as other tools do, unless the
 * options speak of TLS.
 */
export function originOf({ host }: OciReference, tls: TlsSettings): string {
  const wantsTls = tls.ca ?? tls.cert ?? tls.serverName ?? (tls.insecure || undefined);
  const url = new URL(`https://${host === hub ? "registry-1.docker.io" : host}`);
  return isLoopback(url) && wantsTls === undefined ? new URL(`http://${host}`).origin : url.origin;
}

export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.[0-9]+){3}$/.test(hostname);

/** The name of the file where nothing better is known: the last part of the repository. */
export const nameOf = ({ repository }: OciReference): string => repository.split("/").at(-1)!;

/** `registry.example.com/team/app:v1`, for messages. */
export function shownReference({ host, repository, tag, digest }: OciReference): string {
  return `${host}/${repository}${digest ? `@${shownDigest(digest)}` : `:${tag}`}`;
}
