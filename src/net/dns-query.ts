import { BADNAME, CONNREFUSED, NODATA, NOTFOUND, promises as dns, TIMEOUT } from "node:dns";
import type { ResolvConf } from "./resolv-conf.ts";

export type Outcome =
  | "found"
  | "no-data"
  | "not-found"
  | "bad-name"
  | "server-failure"
  | "no-server"
  | "timeout";

/** What the name servers say about a name. */
export interface Answer {
  readonly name: string;
  readonly outcome: Outcome;
  readonly addresses: readonly string[];
}

/** What to ask a server about a name. */
export type Query = (name: string, resolver: dns.Resolver) => Promise<Answer>;

/**
 * Asks one server after the other until one knows, as the C library does: the next one is asked after a failure only.
 * Settles soon after the signal aborts, with whatever answer.
 */
export async function askServers(
  name: string,
  { servers, timeout, attempts }: Pick<ResolvConf, "servers" | "timeout" | "attempts">,
  signal: AbortSignal,
  query: Query = queryAddresses,
): Promise<Answer> {
  let answer: Answer = { name, outcome: "no-server", addresses: [] };
  for (let round = 0; round < attempts; round++) {
    for (const server of servers) {
      answer = await askServer(name, server, timeout, signal, query);
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
  query: Query,
): Promise<Answer> {
  const resolver = new dns.Resolver({ timeout, tries: 1 });
  if (!usesServer(resolver, server)) return { name, outcome: "no-server", addresses: [] };
  const stop = () => resolver.cancel();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const answer = query(name, resolver);
    if (signal.aborted) stop();
    return await answer;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function queryAddresses(name: string, resolver: dns.Resolver): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const ask = async (asked: Promise<string[]>, deciding: readonly Outcome[]): Promise<Answer> => {
    const answer = await answerOf(name, asked);
    if (deciding.includes(answer.outcome)) timer ??= setTimeout(() => resolver.cancel(), otherFamilyMs);
    return answer;
  };
  const four = ask(resolver.resolve4(name), ["found", "not-found"]);
  const six = ask(resolver.resolve6(name), ["found"]);
  const answer = together(await four, await six);
  clearTimeout(timer);
  return answer;
}

/** Asks for records of one type; what is found stands in the answer as JSON. */
export const queryRecords =
  (type: string): Query =>
  (name, resolver) =>
    answerOf(
      name,
      resolver
        .resolve(name, type)
        .then((records) => [records].flat().map((record) => JSON.stringify(record))),
    );

/** False for what is no address of a server: resolv.conf may hold anything. */
function usesServer(resolver: dns.Resolver, server: string): boolean {
  try {
    resolver.setServers([server]);
    return true;
  } catch {
    return false;
  }
}

async function answerOf(name: string, query: Promise<string[]>): Promise<Answer> {
  try {
    return { name, outcome: "found", addresses: await query };
  } catch (error) {
    const outcome = outcomes[(error as NodeJS.ErrnoException).code ?? ""] ?? "server-failure";
    return { name, outcome, addresses: [] };
  }
}

const outcomes: Readonly<Record<string, Outcome>> = {
  [NOTFOUND]: "not-found",
  [NODATA]: "no-data",
  [TIMEOUT]: "timeout",
  [CONNREFUSED]: "no-server",
  [BADNAME]: "bad-name",
};

/** Some servers and firewalls are wrong or silent about IPv6, so what is said about IPv4 counts for the name. */
function together(four: Answer, six: Answer): Answer {
  const addresses = [...four.addresses, ...six.addresses];
  if (addresses.length > 0) return { ...four, outcome: "found", addresses };
  return four.outcome === "not-found" ? four : mostOpen([four, six]);
}

const order: readonly Outcome[] = [
  "timeout",
  "no-server",
  "server-failure",
  "no-data",
  "not-found",
  "bad-name",
  "found",
];

/** The answer that leaves most open whether the name has addresses. */
export const mostOpen = (answers: readonly Answer[]): Answer =>
  answers.toSorted((one, other) => order.indexOf(one.outcome) - order.indexOf(other.outcome))[0]!;
