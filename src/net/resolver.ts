import { Failure, type FailureCode } from "../failure.ts";
import { quote } from "../format.ts";
import type { Answer, Outcome, Query } from "./dns-query.ts";
import { interrupted } from "./errors.ts";
import { candidateNames, readHosts, readResolvConf } from "./resolv-conf.ts";

export interface ResolveOptions {
  readonly signal: AbortSignal;
  /** The code of the Failure when the name has no address, or nobody says so. */
  readonly code: FailureCode;
  readonly resolvConf?: string;
  readonly hosts?: string;
  /** Name servers (`10.0.0.10:53`) to ask instead of those of resolv.conf. */
  readonly servers?: readonly string[];
}

/**
 * The addresses of a host name or address literal, in the order to try them. It reads the files and asks the servers
 * anew each time, and unlike getaddrinfo it can be stopped: a pending lookup of that one holds up the end of the
 * process.
 * @throws Failure `dns:not-found`, `dns:no-data`, `dns:server-failure`, `dns:timeout`; the reason of the signal
 */
export async function resolve(host: string, options: ResolveOptions): Promise<string[]> {
  const { isIP } = await import("node:net");
  const name = host.replace(/^\[(.*)\]$/, "$1");
  if (isIP(name)) return [name];
  if (isLocalhost(name)) return ["::1", "127.0.0.1"];

  const listed = readHosts(options.hosts ?? "/etc/hosts", name.replace(/\.$/, ""));
  const known = listed.filter((address) => isIP(address));
  return interleave(known.length > 0 ? known : await ask(name, options));
}

/** These names never leave the host (RFC 6761, section 6.3). */
const isLocalhost = (name: string): boolean => /^(?:.*\.)?localhost\.?$/i.test(name);

/** Families in turn, IPv6 first (RFC 8305, section 4). */
function interleave(addresses: readonly string[]): string[] {
  const unique = [...new Set(addresses)];
  const six = unique.filter((address) => address.includes(":"));
  const four = unique.filter((address) => !address.includes(":"));
  const length = Math.max(six.length, four.length);
  return Array.from({ length }, (_, at) => [six[at], four[at]])
    .flat()
    .filter((address) => address !== undefined);
}

/**
 * The records of one type that a name has, each as JSON.
 * @param type as `Resolver.resolve` of node:dns has it: `SRV`
 * @throws as `resolve` does
 */
export async function resolveRecords(name: string, type: string, options: ResolveOptions): Promise<string[]> {
  const { queryRecords } = await import("./dns-query.ts");
  return await ask(name, options, { query: queryRecords(type), noData: `the name has no ${type} record` });
}

interface Question {
  readonly query?: Query;
  /** How to say that the name is there without an answer. */
  readonly noData: string;
}

const forAddresses: Question = { noData: "the name has no address" };

async function ask(name: string, options: ResolveOptions, question = forAddresses): Promise<string[]> {
  const conf = readResolvConf(options.resolvConf ?? "/etc/resolv.conf");
  const { servers = conf.servers, code, signal } = options;
  const { askServers, mostOpen } = await import("./dns-query.ts");
  if (signal.aborted) throw unfinished(name, servers, signal, code);
  const answers: Answer[] = [];
  for (const candidate of candidateNames(name, conf)) {
    const answer = await askServers(candidate, { ...conf, servers }, signal, question.query);
    if (signal.aborted) throw unfinished(name, servers, signal, code);
    if (answer.addresses.length > 0) return [...answer.addresses];
    answers.push(answer);
    if (answer.outcome === "timeout" || answer.outcome === "no-server") break;
  }
  const { outcome } = mostOpen(answers);
  throw unresolved({ name, answers, servers, outcome, ...question }, code);
}

function unfinished(
  name: string,
  servers: readonly string[],
  signal: AbortSignal,
  code: FailureCode,
): unknown {
  const doing = `DNS: ${quote(name)} (from ${servers.join(", ")})`;
  return interrupted(signal, code, doing, { kind: "dns:timeout", hint: noServer });
}

const noServer =
  "the DNS of the cluster does not answer: check CoreDNS, and that NetworkPolicies allow UDP and TCP 53 to it";
const noName =
  "check the name and namespace of the Service (NAME.NAMESPACE) and that it exists; a headless Service has no addresses before one of its pods is ready";

const words: Record<Exclude<Outcome, "found">, { says?: string; kind: string; hint: string }> = {
  timeout: { says: "no answer", kind: "dns:timeout", hint: noServer },
  "no-server": { says: "the name server cannot be reached", kind: "dns:timeout", hint: noServer },
  "server-failure": { says: "the name server failed", kind: "dns:server-failure", hint: noServer },
  "no-data": { kind: "dns:no-data", hint: noName },
  "not-found": { says: "no such name", kind: "dns:not-found", hint: noName },
  "bad-name": {
    says: "it cannot be a host name",
    kind: "dns:not-found",
    hint: "check the spelling of the host",
  },
};

interface Unresolved extends Question {
  readonly name: string;
  readonly outcome: Outcome;
  readonly answers: readonly Answer[];
  readonly servers: readonly string[];
}

function unresolved({ name, outcome, answers, servers, noData }: Unresolved, code: FailureCode): Failure {
  const { says = noData, kind, hint } = words[outcome as Exclude<Outcome, "found">];
  const tried = answers.map((answer) => quote(answer.name)).join(", ");
  const message = `DNS: ${quote(name)}: ${says}; asked ${servers.join(", ")} for ${tried}`;
  return new Failure(code, message, { kind, hint });
}
