import type { promises as dns } from "node:dns";
import { Failure, type FailureCode } from "../failure.ts";
import { quote } from "../format.ts";
import { interrupted } from "./errors.ts";
import { candidateNames, readHosts, readResolvConf, type ResolvConf } from "./resolv-conf.ts";

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

  const listed = await readHosts(options.hosts ?? "/etc/hosts", name.replace(/\.$/, ""));
  const known = listed.filter((address) => isIP(address));
  options.signal.throwIfAborted();
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

async function ask(name: string, options: ResolveOptions): Promise<string[]> {
  const conf = await readResolvConf(options.resolvConf ?? "/etc/resolv.conf");
  const { servers = conf.servers, code, signal } = options;
  const names = candidateNames(name, conf);
  const answers: Answer[] = [];
  for (const candidate of names) {
    const answer = await askServers(candidate, { ...conf, servers }, signal);
    if (signal.aborted) throw unfinished(name, servers, signal, code);
    if (answer.addresses.length > 0) return [...answer.addresses];
    answers.push({ ...answer, name: candidate });
    if (answer.outcome === "timeout" || answer.outcome === "no-server") break;
  }
  throw unresolved(name, answers, servers, code);
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

type Outcome = "found" | "no-data" | "not-found" | "bad-name" | "server-failure" | "no-server" | "timeout";

interface Answer {
  readonly name: string;
  readonly outcome: Outcome;
  readonly addresses: readonly string[];
}

/** One server after the other until one knows, as the C library does; the next one is asked after a failure only. */
async function askServers(
  name: string,
  { servers, timeout, attempts }: ResolvConf,
  signal: AbortSignal,
): Promise<Answer> {
  let answer: Answer = { name, outcome: "no-server", addresses: [] };
  for (let round = 0; round < attempts; round++) {
    for (const server of servers) {
      answer = await askServer(name, server, timeout, signal);
      if (signal.aborted || decided.has(answer.outcome)) return answer;
    }
  }
  return answer;
}

const decided: ReadonlySet<Outcome> = new Set<Outcome>(["found", "no-data", "not-found", "bad-name"]);

/** When one family has an answer, the other gets this long, in milliseconds (RFC 8305, section 3). */
const otherFamilyMs = 50;

async function askServer(
  name: string,
  server: string,
  timeout: number,
  signal: AbortSignal,
): Promise<Answer> {
  const { promises, ...codes } = await import("node:dns");
  const resolver = new promises.Resolver({ timeout, tries: 1 });
  if (!usesServer(resolver, server)) return { name, outcome: "no-server", addresses: [] };
  const stop = () => resolver.cancel();
  let timer: NodeJS.Timeout | undefined;
  const ask = async (query: Promise<string[]>, decides: (outcome: Outcome) => boolean): Promise<Answer> => {
    const answer = await answerOf(name, query, codes);
    if (decides(answer.outcome)) timer ??= setTimeout(stop, otherFamilyMs);
    return answer;
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const four = ask(resolver.resolve4(name), (outcome) => outcome === "found" || outcome === "not-found");
    const six = ask(resolver.resolve6(name), (outcome) => outcome === "found");
    if (signal.aborted) stop();
    return together(await four, await six);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** False for what is no address of a server: resolv.conf may hold anything. */
function usesServer(resolver: dns.Resolver, server: string): boolean {
  try {
    resolver.setServers([server]);
    return true;
  } catch {
    return false;
  }
}

async function answerOf(name: string, query: Promise<string[]>, codes: Codes): Promise<Answer> {
  try {
    return { name, outcome: "found", addresses: await query };
  } catch (error) {
    return { name, outcome: outcomeOf(error, codes), addresses: [] };
  }
}

/** Some servers and firewalls are wrong or silent about IPv6, so what is said about IPv4 counts for the name. */
function together(four: Answer, six: Answer): Answer {
  const addresses = [...four.addresses, ...six.addresses];
  if (addresses.length > 0) return { ...four, outcome: "found", addresses };
  return four.outcome === "not-found" ? four : worst([four, six]);
}

type Codes = Pick<typeof import("node:dns"), "NOTFOUND" | "NODATA" | "TIMEOUT" | "CONNREFUSED" | "BADNAME">;

function outcomeOf(error: unknown, codes: Codes): Outcome {
  switch ((error as NodeJS.ErrnoException).code) {
    case codes.NOTFOUND:
      return "not-found";
    case codes.NODATA:
      return "no-data";
    case codes.TIMEOUT:
      return "timeout";
    case codes.CONNREFUSED:
      return "no-server";
    case codes.BADNAME:
      return "bad-name";
    default:
      return "server-failure";
  }
}

/** The answer that leaves most open. */
const worst = (answers: readonly Answer[]): Answer =>
  answers.toSorted((one, other) => order.indexOf(one.outcome) - order.indexOf(other.outcome))[0]!;

const order: readonly Outcome[] = [
  "timeout",
  "no-server",
  "server-failure",
  "no-data",
  "not-found",
  "bad-name",
  "found",
];

const noServer =
  "the DNS of the cluster does not answer: check CoreDNS, and that NetworkPolicies allow UDP and TCP 53 to it";
const noName =
  "check the name and namespace of the Service (NAME.NAMESPACE) and that it exists; a headless Service has no addresses before one of its pods is ready";

const words: Record<Exclude<Outcome, "found">, { says: string; kind: string; hint: string }> = {
  timeout: { says: "no answer", kind: "dns:timeout", hint: noServer },
  "no-server": { says: "the name server cannot be reached", kind: "dns:timeout", hint: noServer },
  "server-failure": { says: "the name server failed", kind: "dns:server-failure", hint: noServer },
  "no-data": { says: "the name has no address", kind: "dns:no-data", hint: noName },
  "not-found": { says: "no such name", kind: "dns:not-found", hint: noName },
  "bad-name": {
    says: "it cannot be a host name",
    kind: "dns:not-found",
    hint: "check the spelling of the host",
  },
};

function unresolved(
  name: string,
  answers: readonly Answer[],
  servers: readonly string[],
  code: FailureCode,
): Failure {
  const outcome = worst(answers).outcome as Exclude<Outcome, "found">;
  const { says, kind, hint } = words[outcome];
  const tried = answers.map((answer) => quote(answer.name)).join(", ");
  return new Failure(code, `DNS: ${quote(name)}: ${says}; asked ${servers.join(", ")} for ${tried}`, {
    kind,
    hint,
  });
}
