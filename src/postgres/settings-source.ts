import { Failure } from "../failure.ts";
import { type DatabaseSettings, settingsOf } from "./settings.ts";
import { nonEmpty, type Parameters, parseUri } from "./uri.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

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
    return settingsOf(new Map([...fromVariables(env), ...(service ?? []), ...given]), env["HOME"]);
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
