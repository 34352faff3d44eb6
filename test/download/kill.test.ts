import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { serve, tagOf } from "../helpers/fault-server.ts";
import { type FileServer, startFileServer } from "../helpers/file-server.ts";
import { callsOf, startDoomed } from "../helpers/killed-run.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const content = randomBytes(100_000);
const names = Array.from({ length: 60 }, (_, index) => `app/${index}`);
const [oldTime, newTime] = [1_600_000_000, 1_700_000_000];
const archive = gzipSync(tar(...names.map((name) => ({ name, content: randomBytes(800), mtime: newTime }))));

/** What a run was at when it was killed, as the disk shows it. */
type Phase = "receive" | "extract" | "publish" | "finish";

interface Scenario {
  readonly kills: number;
  readonly path: string;
  readonly options: readonly string[];
  /** All but those that are a single system call. */
  readonly phases: readonly Phase[];
  prepare(dest: string): void;
  /** The files that are to be at the destination in the end. */
  readonly files: readonly string[];
}

const asArchive = { path: "/app", options: ["--extract"], files: names.map((name) => `dest/${name}`) };

/** Half of what is in the archive, and something else. */
function putOlder(dest: string): void {
  mkdirSync(join(dest, "app"), { recursive: true });
  for (const name of [...names.filter((_, index) => index % 2 === 0), "app/mine"]) {
    writeFileSync(join(dest, name), "old");
    utimesSync(join(dest, name), oldTime, oldTime);
  }
}

const scenarios: Record<string, Scenario> = {
  "as a file": {
    kills: 50,
    path: "/file",
    options: [],
    phases: ["receive", "finish"],
    prepare() {},
    files: ["dest"],
  },
  "as an archive, into a new folder": {
    ...asArchive,
    kills: 70,
    phases: ["receive", "extract", "finish"],
    prepare() {},
  },
  "as an archive, over what is in a folder": {
    ...asArchive,
    kills: 80,
    phases: ["receive", "extract", "publish", "finish"],
    prepare: putOlder,
  },
};

/** Some 25 s of two idle cores for all of them. */
const timeout = 240_000;

let server: FileServer;
/** Each run asks by a name of its own, to be known by; what to do once it has asked. */
const onAsked = new Map<string, () => void>();
let resumed = 0;

before(async () => {
  const answers = [content, archive].map((each) =>
    serve({ content: each, etag: tagOf(each), drip: { ms: 2, bytes: 10_000 } }),
  );
  server = await startFileServer((asked, response) => {
    const { pathname, search } = new URL(asked.url!, "http://host");
    const act = onAsked.get(search);
    act?.();
    if (!act && asked.headers.range) resumed++;
    answers[pathname === "/file" ? 0 : 1]!(asked, response);
  });
});
after(() => server[Symbol.asyncDispose]());

const wordsOf = ({ path, options }: Scenario, home: string, id = ""): string[] => [
  `${server.origin}${path}${id}`,
  join(home, "dest"),
  ...options,
];

/** Waits for the end of a run; answers whether it was killed. */
async function wasKilled(child: ChildProcess, id: string, whenItAsks: () => void): Promise<boolean> {
  onAsked.set(id, whenItAsks);
  const [, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  onAsked.delete(id);
  return signal === "SIGKILL";
}

/** The calls to the file system of one run, from where it has a staging folder, by the phase that they are in. */
function callsByPhase(
  calls: readonly string[],
  { phases }: Scenario,
): readonly { from: number; to: number }[] {
  const isMove = (call: string) => /^renameSync .*\/(tree|bytes)(\/|$)/.test(call);
  const starts = {
    receive: calls.findIndex((call) => /^mkdirSync .*\/\.initkit-/.test(call)) + 1,
    extract: calls.findIndex((call) => call.endsWith("/tree")) + 1,
    publish: calls.findIndex(isMove) + 1,
    finish: calls.findLastIndex(isMove) + 1,
  };
  const bounds = [...phases.map((phase) => starts[phase]), calls.length];
  return phases.map((_, index) => ({ from: bounds[index]!, to: bounds[index + 1]! }));
}

/** Undefined where it had not begun, or had ended. */
function phaseOf(home: string, { files }: Scenario): Phase | undefined {
  const staging = [home, join(home, "dest")].flatMap(stagingIn)[0];
  if (staging === undefined) return undefined;
  const landed = files.filter((name) => isNew(join(home, name))).length;
  if (landed === files.length) return "finish";
  if (landed > 0) return "publish";
  return existsSync(join(staging, "tree")) ? "extract" : "receive";
}

function stagingIn(folder: string): string[] {
  const entries = existsSync(folder) && lstatSync(folder).isDirectory() ? readdirSync(folder) : [];
  return entries.filter((name) => /^\.initkit-[0-9a-f]{12}-/.test(name)).map((name) => join(folder, name));
}

function isNew(path: string): boolean {
  const about = lstatSync(path, { throwIfNoEntry: false });
  return about?.isFile() === true && (about.mtimeMs === newTime * 1000 || about.size === content.length);
}

/** Without the time of what has none of its own, and short enough to be shown. */
const treeIn = (home: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(snapshot(home)).map(([name, what]) => [
      name,
      createHash("sha256")
        .update(name === "dest" ? what.replace(/^file (\S+) \S+/, "file $1") : what)
        .digest("hex"),
    ]),
  );

/** Kills runs until so many were killed at work, each followed by a run that ends well. Answers how many in each phase. */
async function killAll(t: TestContext, scenario: Scenario): Promise<Record<string, number>> {
  const cache = temporary(t);
  const [wanted, calls] = await cleanRun(t, scenario, cache);
  const ranges = callsByPhase(calls, scenario);
  const tally: Record<string, number> = {};
  const hits = () => Object.values(tally).reduce((sum, each) => sum + each, 0);
  /** In milliseconds after the first request: it comes to be about as long as a run takes. */
  let span = 100;
  for (let round = 0; hits() < scenario.kills; round++) {
    assert.ok(round < scenario.kills * 2, `of ${round} kills so few hit: ${JSON.stringify(tally)}`);
    const [home, id] = [temporary(t), `?${scenario.kills}-${round}`];
    scenario.prepare(join(home, "dest"));
    const words = wordsOf(scenario, home, id);
    const { from, to } = ranges[round % ranges.length]!;
    const isTimed = round % 3 === 0;
    const child = startDoomed(["download", ...words], cache, isTimed ? undefined : randomInt(from, to));
    const killLater = () => void setTimeout(() => child.kill("SIGKILL"), Math.random() * span);
    const isKilled = await wasKilled(child, id, isTimed ? killLater : () => {});
    if (isTimed) span *= isKilled ? 1.05 : 0.8;
    const phase = isKilled ? phaseOf(home, scenario) : undefined;
    if (phase) tally[phase] = (tally[phase] ?? 0) + 1;
    assert.equal((await runTask("download", words)).failure, undefined);
    assert.deepEqual(treeIn(home), wanted);
    assert.deepEqual(debris(home), []);
  }
  return tally;
}

async function cleanRun(
  t: TestContext,
  scenario: Scenario,
  cache: string,
): Promise<[Record<string, string>, readonly string[]]> {
  const home = temporary(t);
  scenario.prepare(join(home, "dest"));
  const list = join(temporary(t), "calls");
  const calls = await callsOf(["download", ...wordsOf(scenario, home)], cache, list);
  return [treeIn(home), calls];
}

describe(
  "a download that is killed at any instant ends in the same tree with the next run",
  { concurrency: 3 },
  () => {
    for (const [what, scenario] of Object.entries(scenarios)) {
      test(what, { timeout }, async (t) => {
        const tally = await killAll(t, scenario);
        t.diagnostic(`killed in ${JSON.stringify(tally)}`);
        for (const phase of scenario.phases) assert.ok((tally[phase] ?? 0) > 0, `never killed in ${phase}`);
      });
    }
  },
);

test("what a killed run had received is not fetched again", () => {
  assert.ok(resumed > 0);
});
