import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { nonEmpty, type Parameters, parseUri } from "./uri.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const;

/** As in libpq; `no-verify`, of Node's drivers, is `require` that looks at no certificate. */
export type SslMode = (typeof sslModes)[number];

export interface Host {
  /** What the certificate must be for. */
  readonly host: string;
  readonly port: number;
  /** Where to connect instead of looking up the name. */
  readonly address?: string | undefined;
  /** The socket, for a host that is a folder. */
  readonly path?: string | undefined;
}

/** How to reach and enter a database. */
export interface DatabaseSettings {
  /** Tried in order. Empty: the local server. */
  readonly hosts: readonly Host[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly sslMode: SslMode;
  readonly directTls: boolean;
  /** PEM files; `system` for the CA stands for the public ones. */
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly channelBinding: "disable" | "prefer" | "require";
  /** Settings of the session, `-c name=value …`. */
  readonly options: string | undefined;
  /** Only a server that can be written to will do. */
  readonly primary: boolean;
}

/** The variables that are read, with libpq's names of their parameters. */
const variables: Readonly<Record<string, string>> = {
  PGHOST: "host",
  PGHOSTADDR: "hostaddr",
  PGPORT: "port",
  PGUSER: "user",
  PGPASSWORD: "password",
  PGDATABASE: "dbname",
  PGSSLMODE: "sslmode",
  PGSSLNEGOTIATION: "sslnegotiation",
  PGSSLROOTCERT: "sslrootcert",
  PGSSLCERT: "sslcert",
  PGSSLKEY: "sslkey",
  PGSSLCRL: "sslcrl",
  PGSSLCRLDIR: "sslcrldir",
  PGSSLMINPROTOCOLVERSION: "ssl_min_protocol_version",
  PGREQUIREAUTH: "require_auth",
  PGREQUIREPEER: "requirepeer",
  PGCHANNELBINDING: "channel_binding",
  PGOPTIONS: "options",
  PGSERVICE: "service",
  PGTARGETSESSIONATTRS: "target_session_attrs",
};

/** What says where a database is; a password or an sslmode alone does not. */
const telling = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE"];

/** To leave these out in silence would be less safe, or another database, than what was asked for. */
const unsupported = [
  "sslcrl",
  "sslcrldir",
  "ssl_min_protocol_version",
  "require_auth",
  "requirepeer",
  "service",
];

/**
 * The database that a task is to use: a URL, else DATABASE_URL, else the PG* variables. What the URL leaves open comes
 * from the PG* variables, as with libpq. Parameters of the URL that only concern an application are passed over.
 * @throws Failure `configuration` where nothing is configured or something is wrong; it shows no secret
 */
export function databaseSettings(url: string | undefined, env: Environment): DatabaseSettings {
  const uri = url || env["DATABASE_URL"];
  const source = url ? "database" : env["DATABASE_URL"] ? "DATABASE_URL" : "the PG* variables";
  if (!uri && !telling.some((name) => env[name])) throw nothingConfigured();
  try {
    const given = uri ? parseUri(uri) : new Map<string, string>();
    return settingsOf(new Map([...fromVariables(env), ...given]));
  } catch (error) {
    throw new Failure("configuration", `${source} ${(error as Error).message}`);
  }
}

const nothingConfigured = (): Failure =>
  new Failure("configuration", "no database is configured", {
    hint: "give --database postgres://…, or set DATABASE_URL, or PGHOST and the other PG* variables, for this container",
  });

const fromVariables = (env: Environment): Parameters =>
  nonEmpty(Object.entries(variables).map(([variable, name]) => [name, env[variable] ?? ""] as const));

/** @throws Error that completes the sentence "database …" */
function settingsOf(parameters: Parameters): DatabaseSettings {
  const foreign = unsupported.find((name) => parameters.has(name));
  if (foreign) throw new Error(`sets ${foreign}, which initkit does not know`);
  const rootCertificate = parameters.get("sslrootcert");
  const sslMode = sslModeOf(parameters.get("sslmode"), rootCertificate);
  return {
    hosts: hostsOf(parameters),
    user: parameters.get("user"),
    password: parameters.get("password"),
    database: parameters.get("dbname") ?? parameters.get("user"),
    sslMode,
    directTls: directTls(parameters.get("sslnegotiation"), sslMode),
    rootCertificate,
    certificate: parameters.get("sslcert"),
    key: parameters.get("sslkey"),
    channelBinding: oneOf(parameters, "channel_binding", ["prefer", "disable", "require"]),
    options: parameters.get("options"),
    primary: ["read-write", "primary"].includes(parameters.get("target_session_attrs") ?? ""),
  };
}

function sslModeOf(text: string | undefined, rootCertificate: string | undefined): SslMode {
  const system = rootCertificate === "system";
  const mode = sslModes.find((each) => each === (text ?? (system ? "verify-full" : "prefer")));
  if (mode === undefined)
    throw new Error(`has sslmode ${quote(text!)}, which is none of ${sslModes.join(", ")}`);
  if (system && mode !== "verify-full")
    throw new Error(`has sslrootcert=system, which needs sslmode=verify-full`);
  return mode;
}

function directTls(negotiation: string | undefined, mode: SslMode): boolean {
  if (negotiation !== "direct") return false;
  if (["disable", "allow", "prefer"].includes(mode)) {
    throw new Error("has sslnegotiation=direct, which needs sslmode=require or stronger");
  }
  return true;
}

function oneOf<const T extends string>(parameters: Parameters, name: string, words: readonly T[]): T {
  const text = parameters.get(name);
  const word = text === undefined ? words[0] : words.find((each) => each === text);
  if (word === undefined)
    throw new Error(`has ${name} ${quote(text!)}, which is none of ${words.join(", ")}`);
  return word;
}

function hostsOf(parameters: Parameters): Host[] {
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
