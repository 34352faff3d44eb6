import { hostPort } from "../net/host-port.ts";
import { parseServerUri, type ServerUri } from "../net/server-uri.ts";
import { type Protocol, protocols, type ProtocolName } from "./protocols.ts";

/** Where a server listens. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** Of its Unix socket, instead of host and port. */
  readonly path?: string;
}

/** Servers of one protocol; one of them is enough. */
export interface ServerTarget {
  readonly scheme: "server";
  readonly protocol: ProtocolName;
  /** As it is written: `rediss`, `mongodb+srv`. */
  readonly alias: string;
  /** For messages and the report: without credentials and parameters. */
  readonly name: string;
  /** TLS from the first byte on. */
  readonly tls: boolean;
  readonly servers: readonly Server[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Database, virtual host or service. Empty where there is none. */
  readonly path: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The protocol whose scheme this is, a driver's name in it left out (`mysql+pymysql`). */
function protocolOf(scheme: string): { name: ProtocolName; protocol: Protocol; alias: string } | undefined {
  const plain = scheme.replace(/\+.*/, "");
  for (const [name, protocol] of Object.entries(protocols) as [ProtocolName, Protocol][]) {
    const alias = scheme in protocol.schemes ? scheme : protocol.hasDrivers ? plain : undefined;
    if (alias !== undefined && alias in protocol.schemes) return { name, protocol, alias };
  }
  return undefined;
}

/** Whether a text begins with the scheme of such a protocol. */
export const isServer = (scheme: string): boolean => protocolOf(scheme.toLowerCase()) !== undefined;

/** @throws Error that completes the sentence "target …", and never shows a part of the URI */
export function parseServer(text: string): ServerTarget {
  const scheme = text.slice(0, text.indexOf("://")).toLowerCase();
  const { name, protocol, alias } = protocolOf(scheme)!;
  // Clients of NATS write the scheme before every host.
  const uri = parseServerUri(text.replaceAll(`,${scheme}://`, ","), `write ${alias}://host:port`);
  const transport = protocol.schemes[alias]!;
  const parameters = new Map(uri.parameters);
  const isSocket = transport === "socket";
  const socket = isSocket ? `/${uri.path}` : socketIn(uri, parameters);
  const servers = socket === undefined ? serversOf(uri, protocol, transport) : [atSocket(socket)];
  const path = isSocket ? "" : uri.path;
  return {
    scheme: "server",
    protocol: name,
    alias,
    name: `${alias}://${servers.map(shown).join(",")}${path && `/${path}`}`,
    tls: tlsIn(parameters, protocol) ?? transport === "tls",
    servers,
    user: uri.user || undefined,
    password: uri.password || undefined,
    path,
    parameters,
  };
}

/** What the parameters say about TLS, if they do. Their names have no case. */
function tlsIn(
  parameters: ReadonlyMap<string, string>,
  { tlsParameters = [] }: Protocol,
): boolean | undefined {
  const [, says] = [...parameters].find(([name]) => tlsParameters.includes(name.toLowerCase())) ?? [];
  return says === undefined ? undefined : says === "true";
}

/** As PHP, Ruby and Python have it: a parameter, or the path in the place of the host. */
function socketIn(
  { hosts: [first] }: ServerUri,
  parameters: ReadonlyMap<string, string>,
): string | undefined {
  const named = parameters.get("unix_socket") ?? parameters.get("socket");
  return named ?? (first!.host.startsWith("/") ? first!.host : undefined);
}

const atSocket = (path: string): Server => ({ host: "localhost", port: 0, path });

function serversOf({ hosts }: ServerUri, protocol: Protocol, transport: string): Server[] {
  return hosts.map(({ host, port }) => {
    if (host === "") throw new Error("names no host");
    const usual = (transport === "tls" && protocol.tlsPort) || protocol.port;
    if (port === "" && usual === undefined) throw new Error("names no port");
    const number = port === "" ? usual! : Number(port);
    if (!(number >= 1 && number <= 65_535)) throw new Error("has no port from 1 to 65535");
    return { host, port: number };
  });
}

const shown = ({ host, port, path }: Server): string => path ?? hostPort(host, port);
