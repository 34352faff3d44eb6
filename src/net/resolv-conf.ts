import { readFileSync } from "node:fs";

/** What resolv.conf(5) says. */
export interface ResolvConf {
  /** Addresses of name servers, as `setServers` of node:dns takes them. At most three, as in the C library. */
  readonly servers: readonly string[];
  /** Domains to try a short name in. */
  readonly search: readonly string[];
  /** A name with so many dots is tried as it stands first. */
  readonly ndots: number;
  /** How long to wait for one server, in milliseconds. */
  readonly timeout: number;
  /** How often to go through the servers. */
  readonly attempts: number;
}

/** The C library waits 5 s for each server; a second one would never be asked within an attempt of 5 s. */
const defaults: ResolvConf = { servers: ["127.0.0.1"], search: [], ndots: 1, timeout: 2000, attempts: 2 };

/** Reads resolv.conf; a file that is not there means its defaults. */
export const readResolvConf = (file: string): ResolvConf => parseResolvConf(contentOf(file));

export function parseResolvConf(content: string): ResolvConf {
  const lines = content.split("\n").map((line) =>
    line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/),
  );
  const valuesOf = (...keywords: string[]) =>
    lines.filter(([keyword]) => keywords.includes(keyword!)).map(([, ...values]) => values);

  const servers = valuesOf("nameserver").flatMap(([address]) => (address ? [server(address)] : []));
  const options = new Map(valuesOf("options").flatMap((words) => words.map(option)));
  return {
    servers: servers.length > 0 ? servers.slice(0, 3) : defaults.servers,
    search: (valuesOf("search", "domain").at(-1) ?? [])
      .map((domain) => domain.replace(/\.$/, ""))
      .filter(Boolean),
    ndots: Math.min(options.get("ndots") ?? defaults.ndots, 15),
    timeout: Math.min((options.get("timeout") || defaults.timeout / 1000) * 1000, 30_000),
    attempts: Math.min(options.get("attempts") || defaults.attempts, 5),
  };
}

const server = (address: string): string => (address.includes(":") ? `[${address}]` : address);

/** A number that is none leaves the default in force. */
function option(word: string): [name: string, value: number | undefined] {
  const [name = "", value = ""] = word.split(":");
  return [name, /^[0-9]+$/.test(value) ? Number(value) : undefined];
}

/** The addresses of a name in hosts(5). */
export const readHosts = (file: string, name: string): string[] => parseHosts(contentOf(file), name);

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

export function parseHosts(content: string, name: string): string[] {
  const wanted = name.toLowerCase();
  return content.split("\n").flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return address && names.some((each) => each.toLowerCase() === wanted) ? [address] : [];
  });
}

/** The names to ask for, in order: with the search domains where the name is short (resolv.conf(5), `ndots`). */
export function candidateNames(
  name: string,
  { search, ndots }: Pick<ResolvConf, "search" | "ndots">,
): string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const expanded = search.map((domain) => `${name}.${domain}`);
  const dots = name.split(".").length - 1;
  return dots >= ndots ? [name, ...expanded] : [...expanded, name];
}
