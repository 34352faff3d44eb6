import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { isInstalled, startWaiter, type WaitingTool, waitingTools } from "./waiter.ts";

const openings = 20;
const watchedMs = 45_000;

/** Long enough for each tool to have started, and to have looked at the port. */
const startUpMs = 3000;

/** How soon a waiting process ends once its port opens, and what it spends until then, against other tools. */
export async function reaction(): Promise<void> {
  const tools = waitingTools.filter(isInstalled);
  const reactions = await measureReactions(tools);
  const spendings = await measureSpending(tools);
  console.log(`\nreaction to a port that opens (${openings} openings), and CPU spent per minute of waiting`);
  printRow("", ["median ms", "ratio", "90% ms", "max ms", "CPU ms/min", "ratio"]);
  const base = { median: percentile(reactions[0]!, 50), spending: spendings[0]! };
  for (const [at, { name }] of tools.entries()) {
    const [median, high, max] = [50, 90, 100].map((percent) => percentile(reactions[at]!, percent));
    const spending = spendings[at]!;
    const [ratio, spendingRatio] = [median! / base.median, spending / base.spending];
    const values = [whole(median!), ratio.toFixed(2), whole(high!), whole(max!), whole(spending)];
    printRow(name, [...values, spendingRatio.toFixed(2)]);
  }
  for (const { name, install } of waitingTools.filter((tool) => !isInstalled(tool)))
    console.log(`not measured: ${name} (install ${install})`);
}

const whole = (value: number): string => value.toFixed(0);

function printRow(name: string, values: readonly string[]): void {
  console.log(name.padEnd(26) + values.map((value) => value.padStart(11)).join(""));
}

/** The lowest value that so many percent of all do not exceed. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1]!;
}

/** For each tool its reactions in milliseconds. All tools meet the same openings. */
async function measureReactions(tools: readonly WaitingTool[]): Promise<number[][]> {
  const reactions: number[][] = tools.map(() => []);
  for (let opening = 0; opening < openings; opening++) {
    const measured = await measureOpening(tools, instantOf(opening));
    for (const [at, ms] of measured.entries()) reactions[at]!.push(ms);
  }
  return reactions;
}

/**
 * At random between 1 and 3 seconds after the start, but one in each slice of that time: few instants that are all
 * random may by luck be kind to tools that look once a second.
 */
const instantOf = (opening: number): number => 1000 + (2000 * (opening + Math.random())) / openings;

/** A little after one another, so that no tool starts while another one's port opens, or ends as another one does. */
const staggerMs = 200;

async function measureOpening(tools: readonly WaitingTool[], opensAfterMs: number): Promise<number[]> {
  // What a waiter leaves is cleared away when all have ended: until then it would keep this process from noticing.
  await using scope = new AsyncDisposableStack();
  return await Promise.all(
    tools.map(async (tool, at) => {
      await setTimeout(at * staggerMs);
      return await measureReaction(tool, opensAfterMs, scope);
    }),
  );
}

async function measureReaction(
  tool: WaitingTool,
  opensAfterMs: number,
  scope: AsyncDisposableStack,
): Promise<number> {
  const port = closedPort();
  const waiter = scope.use(startWaiter(tool, port));
  await setTimeout(opensAfterMs);
  if (!waiter.isRunning()) throw new Error(`${tool.name} did not wait`);
  const server = scope.use(createServer((socket) => socket.on("error", () => {}).resume()));
  await once(server.listen(port, "127.0.0.1"), "listening");
  const openedAt = performance.now();
  return (await waiter.ended) - openedAt;
}

/** For each tool the milliseconds of CPU that a minute of waiting costs, start-up apart. */
async function measureSpending(tools: readonly WaitingTool[]): Promise<number[]> {
  using scope = new DisposableStack();
  const waiters = tools.map((tool) => scope.use(startWaiter(tool, closedPort())));
  await setTimeout(startUpMs);
  const before = waiters.map((waiter) => waiter.cpuMs());
  await setTimeout(watchedMs);
  const spent = waiters.map((waiter, at) => waiter.cpuMs() - before[at]!);
  const quitter = tools.find((_, at) => !waiters[at]!.isRunning());
  if (quitter) throw new Error(`${quitter.name} did not wait`);
  return spent.map((ms) => (ms * 60_000) / watchedMs);
}

let lastPort = randomInt(20_000, 30_000);

/** Below the ports that the kernel gives to connections: a waiter that got its target's port for its own would meet itself. */
const closedPort = (): number => ++lastPort;
