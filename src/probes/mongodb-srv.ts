import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { resolveRecords, type ResolveOptions } from "../net/resolver.ts";
import type { Server, ServerTarget } from "./server-target.ts";

export type Lookup = Omit<ResolveOptions, "code" | "hosts">;

/** The scheme whose host stands for the servers in its SRV records ("Initial DNS Seedlist Discovery" of MongoDB). */
const isSeeded = ({ alias }: ServerTarget): boolean => alias === "mongodb+srv";

const hostOf = ({ servers: [first] }: ServerTarget): string => first!.host.replace(/\.$/, "").toLowerCase();

/**
 * The servers of a target: those of its URL, or of the SRV records behind it.
 * @throws Failure `dns:...` as `resolveRecords` does; `mongodb:srv` where a record leads out of the domain
 */
export async function serversOf(target: ServerTarget, lookup: Lookup): Promise<readonly Server[]> {
  if (!isSeeded(target)) return target.servers;
  const host = hostOf(target);
  const records = await srvRecords(host, lookup);
  return records.map((record) => {
    const { name, port } = JSON.parse(record) as { name: string; port: number };
    if (!name.toLowerCase().endsWith(`.${domainOf(host)}`)) throw strayed(host, name);
    return { host: name, port };
  });
}

async function srvRecords(host: string, lookup: Lookup): Promise<string[]> {
  try {
    return await resolveRecords(`_mongodb._tcp.${host}`, "SRV", { ...lookup, code: "not-ready" });
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new Failure(error.code, error.message, { ...error.options, hint: checkRecords });
  }
}

const checkRecords =
  "mongodb+srv needs these SRV records: a headless Service has them for ready pods and a port named mongodb; or write mongodb:// and the hosts";

/** The name servers know that there is no such record. */
const isMissing = (error: unknown): error is Failure =>
  error instanceof Failure && ["dns:no-data", "dns:not-found"].includes(error.kind);

/** Where its servers must be, so that nobody else's get to see who logs in: a name of one or two labels has its own. */
function domainOf(host: string): string {
  const [, ...rest] = host.split(".");
  return rest.length > 1 ? rest.join(".") : host;
}

const strayed = (host: string, name: string): Failure =>
  new Failure("not-ready", `DNS: the SRV records of ${quote(host)} name ${quote(name)}, of another domain`, {
    kind: "mongodb:srv",
    hint: `the servers must be in ${domainOf(host)}, or drivers refuse them: check the records, and write the full name of the host`,
  });

/**
 * The options that a TXT record has for a target: `authSource` and `replicaSet`, no others.
 * @throws Failure `dns:...` where nobody says whether there is one
 */
export async function txtOptions(target: ServerTarget, lookup: Lookup): Promise<ReadonlyMap<string, string>> {
  if (!isSeeded(target)) return new Map();
  const texts = await textsOf(hostOf(target), lookup);
  const options = [...new URLSearchParams(texts.join("&"))];
  return new Map(options.filter(([name]) => /^(?:authSource|replicaSet)$/i.test(name)));
}

/** The strings of one record are one text. */
async function textsOf(host: string, lookup: Lookup): Promise<string[]> {
  try {
    const records = await resolveRecords(host, "TXT", { ...lookup, code: "not-ready" });
    return records.map((record) => (JSON.parse(record) as string[]).join(""));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
