import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { hostPort } from "../net/host-port.ts";
import { readTlsSettings, type TlsSettings } from "../net/tls.ts";

/** The variables of the process. */
export type Env = Readonly<Record<string, string | undefined>>;

/** How a pod speaks with the API server of its cluster. */
export interface Cluster {
  /** `https://10.96.0.1:443` */
  readonly origin: string;
  readonly tls: TlsSettings;
  /** The pod's own, where it is known. */
  readonly namespace: string | undefined;
  /** As it is now: kubelet replaces it before it expires. */
  readonly readToken: () => string;
}

/**
 * For the planning of a step.
 * @throws Failure `configuration` outside a cluster
 */
export function assertInCluster(env: Env): void {
  originOf(env);
}

/** Every container has these variables (Accessing the Kubernetes API from a Pod). */
function originOf(env: Env): string {
  const host = env["KUBERNETES_SERVICE_HOST"] || undefined;
  if (host === undefined) {
    throw new Failure(
      "configuration",
      "kubernetes: targets are for pods, and this is none: KUBERNETES_SERVICE_HOST is not set, as it is in every container of one",
    );
  }
  const address = hostPort(host, Number(env["KUBERNETES_SERVICE_PORT"] || 443));
  if (!URL.canParse(`https://${address}`)) {
    throw new Failure("configuration", `${quote(address)} is not an address of the Kubernetes API`, {
      hint: "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are set by Kubernetes; do not set them",
    });
  }
  return `https://${address}`;
}

/** Where kubelet mounts the token of the service account. */
export const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws Failure `configuration` outside a cluster, and without a token or a CA */
export async function joinCluster(env: Env, folder: string): Promise<Cluster> {
  const origin = originOf(env);
  const readToken = () => readTokenIn(folder);
  readToken();
  return {
    origin,
    tls: await readCaIn(folder),
    namespace: readNamespaceIn(folder),
    readToken,
  };
}

const unusable = (why: string, cause: unknown): Failure =>
  new Failure("configuration", `service account: ${why}`, {
    hint: "set automountServiceAccountToken to true in the pod, or in its ServiceAccount; or mount a projected volume with token, ca.crt and namespace there",
    cause,
  });

function readTokenIn(folder: string): string {
  const file = join(folder, "token");
  try {
    const token = readFileSync(file, "utf8").trim();
    if (/^[\x21-\x7e]+$/.test(token)) return token;
    throw new Error(token === "" ? "it is empty" : "it holds no token");
  } catch (error) {
    const why = (error as Error).message.replace(/, .*/s, "");
    throw unusable(`${quote(file)} cannot be used: ${why}`, error);
  }
}

async function readCaIn(folder: string): Promise<TlsSettings> {
  const ca = join(folder, "ca.crt");
  const nothing = { cert: undefined, key: undefined, "server-name": undefined, insecure: false };
  try {
    return await readTlsSettings({ ...nothing, ca });
  } catch (error) {
    throw error instanceof Failure ? unusable(error.message, error) : error;
  }
}

/** A projected volume need not have it, and a target that names its namespace does not need it. */
function readNamespaceIn(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, "namespace"), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
