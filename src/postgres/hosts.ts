import type { Parameters } from "./uri.ts";

export interface Host {
  /** What the certificate must be for. */
  readonly host: string;
  readonly port: number;
  /** Where to connect instead of looking up the name. */
  readonly address?: string | undefined;
  /** The socket, for a host that is a folder. */
  readonly path?: string | undefined;
}

/**
 * The servers that a URL or the variables name, in their order; none for the local server.
 * @throws Error that completes the sentence "database …"
 */
export function hostsOf(parameters: Parameters): Host[] {
  const hosts = listOf(parameters, "host");
  const addresses = listOf(parameters, "hostaddr");
  const ports = listOf(parameters, "port");
  const count = Math.max(hosts.length, addresses.length);
  if (ports.length > 1 && ports.length !== count)
    throw new Error(`has ${ports.length} ports for ${count} hosts`);
  if (count === 0 && ports.length > 0) return [{ host: "localhost", port: portOf(ports[0]) }];
  return Array.from({ length: count }, (_, at) =>
    hostOf(hosts[at] ?? "", addresses[at], portOf(ports.length > 1 ? ports[at] : ports[0])),
  );
}

const listOf = (parameters: Parameters, name: string): string[] => parameters.get(name)?.split(",") ?? [];

function hostOf(host: string, address: string | undefined, port: number): Host {
  if (host.startsWith("/")) return socketIn(host, port);
  return { host: host || address || "localhost", port, address: address || undefined };
}

/** The server's socket in a folder. */
export const socketIn = (folder: string, port: number): Host => ({
  host: folder,
  port,
  path: `${folder}/.s.PGSQL.${port}`,
});

function portOf(text: string | undefined): number {
  const port = Number(text || "5432");
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Error("has a port that is none (1 to 65535)");
  return port;
}
