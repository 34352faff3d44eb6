/** Connection parameters by the names that libpq gives them: `host`, `port`, `dbname`, `user`, `sslmode`, … */
export type Parameters = ReadonlyMap<string, string>;

const scheme = /^postgres(?:ql)?(?:\+[a-z0-9_]+)?:\/\//i;
const form = /^(?:(?<credentials>[^@/]*)@)?(?<hosts>[^/?]*)(?:\/(?<dbname>[^?]*))?(?:\?(?<query>.*))?$/s;

/**
 * A connection URI as libpq reads it (PostgreSQL manual, 32.1.1.2): several hosts, percent-encoded parts and socket
 * folders, parameters that win over the parts. A driver in the scheme (`postgresql+psycopg://`) is left out.
 * @throws Error that completes the sentence "database …", and never shows a part of the URI
 */
export function parseUri(uri: string): Parameters {
  const [prefix] = scheme.exec(uri) ?? [];
  const parts = prefix === undefined ? undefined : form.exec(uri.slice(prefix.length))?.groups;
  if (parts === undefined) throw new Error(`is not a PostgreSQL URL; ${wanted}`);
  return nonEmpty([
    ...credentialsOf(parts["credentials"] ?? ""),
    ...hostsOf(parts["hosts"] ?? ""),
    ["dbname", decoded(parts["dbname"] ?? "", "name of the database")],
    ...parametersOf(parts["query"] ?? ""),
  ]);
}

const wanted = "write postgres://user:password@host:5432/database";
const encode = "in a password write @ as %40, / as %2F and % as %25, or give it in PGPASSWORD as it is";

type Entry = readonly [name: string, value: string];

/** A parameter that comes later wins; an empty one counts as not given. */
export const nonEmpty = (entries: readonly Entry[]): Parameters =>
  new Map(entries.filter(([, value]) => value !== ""));

function credentialsOf(credentials: string): Entry[] {
  const colon = credentials.indexOf(":");
  const [user, password] =
    colon < 0 ? [credentials, ""] : [credentials.slice(0, colon), credentials.slice(colon + 1)];
  return [
    ["user", decoded(user, "user")],
    ["password", decoded(password, "password")],
  ];
}

function hostsOf(hosts: string): Entry[] {
  if (hosts.includes("@")) throw new Error(`has an @ too many; ${encode}`);
  const pairs = hosts.split(",").map(hostAndPort);
  const ports = pairs.map(({ port }) => port).join(",");
  return [
    ["host", pairs.map(({ host }) => host).join(",")],
    ["port", /[0-9]/.test(ports) ? ports : ""],
  ];
}

function hostAndPort(text: string): { host: string; port: string } {
  const [, bracketed, plain = "", port = ""] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::([0-9]*))?$/.exec(text) ?? [
    unreadable(),
  ];
  return { host: decoded(bracketed ?? plain, "host"), port };
}

function unreadable(): never {
  throw new Error(`has a host or port of the wrong form; ${wanted}; ${encode}`);
}

function parametersOf(query: string): Entry[] {
  return query.split("&").flatMap((parameter): Entry[] => {
    const [name = "", value = ""] = parameter.split(/=(.*)/s);
    return name === "" ? [] : [translated(decoded(name, "parameters"), decoded(value, "parameters"))];
  });
}

/** As JDBC and libpq have it. */
const translated = (name: string, value: string): Entry =>
  name === "ssl" ? ["sslmode", /^(?:true|1)$/i.test(value) ? "require" : ""] : [name, value];

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`has a % in its ${part} that is no percent-encoding; ${encode}`);
  }
}
