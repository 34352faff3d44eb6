/** The parts of a URI that names one or more servers, percent-decoded. A part that is not there is empty. */
export interface ServerUri {
  /** In lower case: `mysql`, `mongodb+srv`. */
  readonly scheme: string;
  readonly user: string;
  readonly password: string;
  /** At least one; each may be empty. An IPv6 address has no brackets here. */
  readonly hosts: readonly HostAndPort[];
  /** Without the slash before it. */
  readonly path: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

interface HostAndPort {
  readonly host: string;
  /** As written: digits, or nothing. */
  readonly port: string;
}

const form =
  /^(?<scheme>[a-z][a-z0-9+._-]*):\/\/(?:(?<credentials>[^@/]*)@)?(?<hosts>[^/?]*)(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/is;

/**
 * Reads `scheme://user:password@host:port,host:port/path?name=value` (RFC 3986, with several hosts as libpq and MongoDB
 * have them). WHATWG's URL knows neither several hosts nor a socket folder as host.
 * @param wanted how to write it, for the message
 * @throws Error that completes the sentence "target …", and never shows a part of the URI
 */
export function parseServerUri(text: string, wanted: string): ServerUri {
  const parts = form.exec(text)?.groups;
  if (!parts) throw new Error(`is not such a URL; ${wanted}`);
  const [, user = "", password = ""] = /^([^:]*)(?::(.*))?$/s.exec(parts["credentials"] ?? "")!;
  return {
    scheme: parts["scheme"]!.toLowerCase(),
    user: decoded(user, "user"),
    password: decoded(password, "password"),
    hosts: hostsOf(parts["hosts"] ?? "", wanted),
    path: decoded(parts["path"] ?? "", "path"),
    parameters: parametersOf(parts["query"] ?? ""),
  };
}

const encode = "in a password write @ as %40, / as %2F and % as %25";

function hostsOf(hosts: string, wanted: string): HostAndPort[] {
  if (hosts.includes("@")) throw new Error(`has an @ too many; ${encode}`);
  return hosts.split(",").map((text) => {
    const [, bracketed, plain = "", port = ""] =
      /^(?:\[([^\]]+)\]|([^:[\]]*))(?::([0-9]*))?$/.exec(text) ?? unreadable(wanted);
    return { host: decoded(bracketed ?? plain, "host"), port };
  });
}

function unreadable(wanted: string): never {
  throw new Error(`has a host or port of the wrong form; ${wanted}; ${encode}`);
}

function parametersOf(query: string): (readonly [string, string])[] {
  return query.split("&").flatMap((parameter) => {
    const [name = "", value = ""] = parameter.split(/=(.*)/s);
    return name === "" ? [] : [[decoded(name, "parameters"), decoded(value, "parameters")] as const];
  });
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`has a % in its ${part} that is no percent-encoding; ${encode}`);
  }
}
