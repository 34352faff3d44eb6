import { join } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { type Host, hostsOf } from "./hosts.ts";
import { nonEmpty, type Parameters, parseUri } from "./uri.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const;

/** As in libpq; `no-verify`, of Node's drivers, is `require` that looks at no certificate. */
export type SslMode = (typeof sslModes)[number];

const targets = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;

/** Which servers will do (target_session_attrs). */
export type TargetSession = (typeof targets)[number];

/** How to reach and enter a database. */
export interface DatabaseSettings {
  /** Tried in order, or in any (load_balance_hosts). Empty: the local server. */
  readonly hosts: readonly Host[];
  readonly shuffled: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Where to look for the password that is not given. */
  readonly passwordFile: string | undefined;
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
  readonly target: TargetSession;
  /** Bound on the login at one server, in milliseconds. */
  readonly connectTimeout: number;
}

/** The variables that are read, with libpq's names of their parameters. */
const variables: Readonly<Record<string, string>> = {
  PGHOST: "host",
  PGHOSTADDR: "hostaddr",
  PGPORT: "port",
  PGUSER: "user",
  PGPASSWORD: "password",
  PGPASSFILE: "passfile",
  PGDATABASE: "dbname",
  PGSSLMODE: "sslmode",
  PGSSLNEGOTIATION: "sslnegotiation",
  PGSSLROOTCERT: "sslrootcert",
  PGSSLCERT: "sslcert",
  PGSSLKEY: "sslkey",
  PGSSLCRL: "sslcrl",
  PGSSLCRLDIR: "sslcrldir",
  PGSSLCERTMODE: "sslcertmode",
  PGSSLMINPROTOCOLVERSION: "ssl_min_protocol_version",
  PGSSLMAXPROTOCOLVERSION: "ssl_max_protocol_version",
  PGGSSENCMODE: "gssencmode",
  PGREQUIREAUTH: "require_auth",
  PGREQUIREPEER: "requirepeer",
  PGCHANNELBINDING: "channel_binding",
  PGOPTIONS: "options",
  PGSERVICE: "service",
  PGCONNECT_TIMEOUT: "connect_timeout",
  PGTARGETSESSIONATTRS: "target_session_attrs",
  PGLOADBALANCEHOSTS: "load_balance_hosts",
};

/** What says where a database is; a password or an sslmode alone does not. */
const telling = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE"];

/**
 * To leave these out in silence would be less safe than what was asked for, unless they ask for what is so anyway
 * (Node.js speaks TLS 1.2 and later).
 */
const unsupported: Readonly<Record<string, readonly string[]>> = {
  sslcrl: [],
  sslcrldir: [],
  sslcertmode: ["allow"],
  ssl_min_protocol_version: ["TLSv1", "TLSv1.1", "TLSv1.2"],
  ssl_max_protocol_version: ["TLSv1.3"],
  gssencmode: ["disable", "prefer"],
  require_auth: [],
  requirepeer: [],
};

/**
 * The database that a task is to use: a URL, else DATABASE_URL, else the PG* variables. What the URL leaves open comes
 * from the service that is named, then from the PG* variables, as with libpq. Parameters of the URL that only concern
 * an application are passed over.
 * @param service what the service stands for; without it, a service cannot be named
 * @throws Failure `configuration` where nothing is configured or something is wrong; it shows no secret
 */
export function databaseSettings(
  url: string | undefined,
  env: Environment,
  service?: Parameters,
): DatabaseSettings {
  return withSource(url, env, (given) => {
    if (!service && (given.get("service") ?? env["PGSERVICE"]))
      throw new Error("names a service, whose file is not read here");
    return settingsOf(new Map([...fromVariables(env), ...(service ?? []), ...given]), env);
  });
}

/** The service that is named, whose file is to be read. */
export const serviceNameOf = (url: string | undefined, env: Environment): string | undefined =>
  withSource(url, env, (given) => given.get("service") ?? fromVariables(env).get("service"));

/** Uses the parameters of the URL, and says where they come from in what goes wrong. */
export function withSource<T>(url: string | undefined, env: Environment, use: (given: Parameters) => T): T {
  const uri = url || env["DATABASE_URL"];
  if (!uri && !telling.some((name) => env[name])) throw nothingConfigured();
  try {
    return use(uri ? parseUri(uri) : new Map<string, string>());
  } catch (error) {
    throw new Failure("configuration", `${sourceOf(url, env)} ${(error as Error).message}`);
  }
}

/** Where the settings come from, as messages call it. */
export const sourceOf = (url: string | undefined, env: Environment): string =>
  url ? "database" : env["DATABASE_URL"] ? "DATABASE_URL" : "the PG* variables";

const nothingConfigured = (): Failure =>
  new Failure("configuration", "no database is configured", {
    hint: "give --database postgres://…, or set DATABASE_URL, or PGHOST and the other PG* variables, for this container",
  });

const fromVariables = (env: Environment): Parameters =>
  nonEmpty(Object.entries(variables).map(([variable, name]) => [name, env[variable] ?? ""] as const));

/** @throws Error that completes the sentence "database …" */
function settingsOf(parameters: Parameters, env: Environment): DatabaseSettings {
  refuseUnsupported(parameters);
  const rootCertificate = parameters.get("sslrootcert");
  const sslMode = sslModeOf(parameters.get("sslmode"), rootCertificate);
  const home = env["HOME"];
  return {
    hosts: hostsOf(parameters),
    shuffled: oneOf(parameters, "load_balance_hosts", ["disable", "random"]) === "random",
    user: parameters.get("user"),
    password: parameters.get("password"),
    passwordFile: parameters.get("passfile") ?? (home && join(home, ".pgpass")),
    database: parameters.get("dbname") ?? parameters.get("user"),
    sslMode,
    directTls: directTls(parameters, sslMode),
    rootCertificate,
    certificate: parameters.get("sslcert"),
    key: parameters.get("sslkey"),
    channelBinding: oneOf(parameters, "channel_binding", ["prefer", "disable", "require"]),
    options: parameters.get("options"),
    target: oneOf(parameters, "target_session_attrs", targets),
    connectTimeout: connectTimeoutOf(parameters.get("connect_timeout")),
  };
}

function refuseUnsupported(parameters: Parameters): void {
  for (const [name, harmless] of Object.entries(unsupported)) {
    const value = parameters.get(name);
    if (value !== undefined && !harmless.includes(value))
      throw new Error(`sets ${name} to ${quote(value)}, which initkit cannot do`);
  }
}

const longestLoginMs = 10_000;

/** In seconds; libpq makes 2 of 1, and waits for ever where it is 0, which is a limit of our own here. */
function connectTimeoutOf(text: string | undefined): number {
  if (text === undefined) return longestLoginMs;
  if (!/^\s*[+-]?[0-9]{1,6}\s*$/.test(text))
    throw new Error(`has connect_timeout ${quote(text)}, which is no number of seconds`);
  const seconds = Number(text);
  return seconds > 0 ? Math.max(seconds, 2) * 1000 : longestLoginMs;
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

function directTls(parameters: Parameters, mode: SslMode): boolean {
  if (oneOf(parameters, "sslnegotiation", ["postgres", "direct"]) === "postgres") return false;
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
