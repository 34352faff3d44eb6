import { parseServerUri } from "../net/server-uri.ts";

/** Connection parameters by the names that libpq gives them: `host`, `port`, `dbname`, `user`, `sslmode`, … */
export type Parameters = ReadonlyMap<string, string>;

/** A driver in the scheme (`postgresql+psycopg://`) is left out, and so is that it is one for JDBC. */
export const postgresScheme = /^(?:jdbc:)?postgres(?:ql)?(?:\+[a-z0-9_]+)?:\/\//i;

/**
 * A connection URI as libpq reads it (PostgreSQL manual, 32.1.1.2): several hosts, percent-encoded parts and socket
 * folders, parameters that win over the parts.
 * @throws Error that completes the sentence "database …", and never shows a part of the URI
 */
export function parseUri(uri: string): Parameters {
  if (!postgresScheme.test(uri)) throw new Error(`is not a PostgreSQL URL; ${wanted}`);
  const { user, password, hosts, path, parameters } = parseServerUri(uri.replace(jdbc, ""), wanted);
  const ports = hosts.map(({ port }) => port).join(",");
  return nonEmpty([
    ["user", user],
    ["password", password],
    ["host", hosts.map(({ host }) => host).join(",")],
    ["port", /[0-9]/.test(ports) ? ports : ""],
    ["dbname", path],
    ...parameters.map(translated),
  ]);
}

/** What applications in Java have before the scheme. */
export const jdbc = /^jdbc:(?=[a-z]+:\/\/)/i;

const wanted = "write postgres://user:password@host:5432/database";

type Entry = readonly [name: string, value: string];

/** A parameter that comes later wins; an empty one counts as not given. */
export const nonEmpty = (entries: readonly Entry[]): Parameters =>
  new Map(entries.filter(([, value]) => value !== ""));

/** As JDBC and libpq have it; asyncpg gives it the values of sslmode. */
const translated = ([name, value]: Entry): Entry =>
  name === "ssl" ? ["sslmode", sslModeFor(value.toLowerCase())] : [name, value];

function sslModeFor(ssl: string): string {
  if (/^(?:true|1)$/.test(ssl)) return "require";
  return /^(?:disable|allow|prefer|require|verify-(?:ca|full))$/.test(ssl) ? ssl : "";
}
