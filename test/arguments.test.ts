import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine } from "../src/globals.ts";
import { Problems } from "../src/problems.ts";
import { didYouMean } from "../src/suggest.ts";
import { mistake, names, planned, steps } from "./helpers/plan.ts";

test("every option of a step can be given as --name value and --name=value", async () => {
  const words = {
    name: "x",
    timeout: "1m",
    "attempt-timeout": "5s",
    retries: "3",
    backoff: "1s..2s",
    when: "yes",
    "if-exists": "/a",
    "if-missing": "/b",
  };
  const pairs = Object.entries(words);
  const [apart] = await steps([
    "sleep",
    "1",
    ...pairs.flatMap(([name, value]) => [`--${name}`, value]),
    "--optional",
  ]);
  const [joined] = await steps([
    "sleep",
    ...pairs.map(([name, value]) => `--${name}=${value}`),
    "--optional=true",
    "1",
  ]);
  assert.deepEqual(apart!.common, joined!.common);
  assert.deepEqual(apart!.policy, {
    timeout: 60_000,
    attemptTimeout: 5000,
    retries: 3,
    backoff: { first: 1000, max: 2000 },
    timeoutCode: "command-timeout",
  });
  assert.equal(apart!.common.optional, true);
});

test("a value may hold anything after its first equals sign", async () => {
  assert.deepEqual(await names(["sleep", "1", "--name=a=b\nc"]), ["a=b\nc"]);
  assert.deepEqual(await names(["sleep", "1", "--name=--optional"]), ["--optional"]);
  assert.deepEqual(await names(["sleep", "1", "--name="]), [""]);
});

test("a flag never takes the next word", async () => {
  const [step] = await steps(["sleep", "--optional", "1"]);
  assert.equal(step!.common.optional, true);
});

test("behind -- every word is an operand", async () => {
  assert.equal((await steps(["sleep", "--", "1"])).length, 1);
  assert.match(await mistake(["sleep", "--", "--optional"]), /^argument 3: .*"--optional"/);
});

test("the name of a step is its task and its first operand, unless it is set", async () => {
  assert.deepEqual(await names(["sleep", "1"]), ["sleep 1"]);
  assert.deepEqual(await names(["sleep", "1", "--name", "pause"]), ["pause"]);
});

const mistakes: Readonly<Record<string, readonly [argv: readonly string[], says: RegExp]>> = {
  "an unknown task": [["slep", "1"], /^argument 1: .*"slep".*sleep/],
  "an unknown task far from any": [["frobnicate"], /^argument 1: .*"frobnicate"[^;]*$/],
  "an empty task": [[""], /^argument 1: /],
  "an unknown option": [["sleep", "1", "--retires", "3"], /^argument 3: .*"--?retires"|"retires".*retries/],
  "an unknown option with a value": [["sleep", "1", "--retires=3"], /^argument 3: .*retries/],
  "an unknown global option": [["--log-formt", "json", "sleep", "1"], /argument 1: .*log-formt.*log-format/],
  "a global option behind the task": [["sleep", "1", "--log-format", "json"], /^argument 3: .*log-format/],
  "an option of a step before the task": [["--retries", "1", "sleep", "1"], /argument 1: .*retries/],
  "a missing operand": [["sleep"], /^argument 1: .*duration/],
  "a missing operand in the second step": [["sleep", "1", "then", "sleep"], /^argument 4: .*duration/],
  "an operand too many": [["sleep", "1", "2"], /^argument 3: "2"/],
  "a value of the wrong form": [["sleep", "soon"], /^argument 2: .*"soon"/],
  "a value of the wrong form with an equals sign": [
    ["sleep", "1", "--retries=many"],
    /^argument 3: retries "many"/,
  ],
  "an option without its value": [["sleep", "1", "--name"], /^argument 3: .*value/],
  "an option given twice": [["sleep", "1", "--name", "a", "--name", "b"], /^argument 6: .*twice/],
  "a flag with a wrong value": [["sleep", "1", "--optional=maybe"], /^argument 3: .*"maybe"/],
  "a global option with a wrong value": [["--log-level", "loud", "sleep", "1"], /^argument 2: .*"loud"/],
  "a global option given twice": [["--timeout", "1", "--timeout=2", "sleep", "1"], /^argument 3: .*twice/],
  "a global option without its value": [["--timeout"], /argument 1: .*value/],
  "an option with one dash": [["sleep", "1", "-name", "x"], /^argument 3: /],
  "an option with three dashes": [["sleep", "1", "---name", "x"], /^argument 3: /],
};

for (const [what, [argv, says]] of Object.entries(mistakes)) {
  test(`${what} is a mistake with its place and its value`, async () =>
    assert.match(await mistake(argv), says));
}

test("all mistakes of the arguments are told together", async () => {
  const message = await mistake([
    "--log-level",
    "loud",
    "slep",
    "1",
    "then",
    "sleep",
    "x",
    "--nam",
    "y",
    "then",
    "sleep",
    "1",
    "--retries",
    "-1",
  ]);
  for (const part of ['"loud"', '"slep"', '"x"', "nam", '"-1"'])
    assert.ok(message.includes(part), `${part} in ${message}`);
});

test("a mistake in a global variable names the variable", async () => {
  assert.match(await mistake(["sleep", "1"], { INITKIT_LOG_LEVEL: "loud" }), /^INITKIT_LOG_LEVEL: .*"loud"/);
  assert.match(await mistake(["sleep", "1"], { INITKIT_TIMEOUT: "soon" }), /^INITKIT_TIMEOUT: .*"soon"/);
});

test("the flag wins over a variable, even over a wrong one", async () => {
  const { plan } = await planned(["--timeout", "5", "sleep", "1"], { INITKIT_TIMEOUT: "soon" });
  assert.equal(plan!.timeout, 5000);
});

test("the first word that is no global option decides what initkit does", () => {
  const command = (...argv: string[]): string => parseCommandLine(argv, new Problems()).command;
  assert.equal(command("sleep", "1"), "run");
  assert.equal(command("check", "sleep", "1"), "check");
  assert.equal(command("--timeout", "5", "check", "sleep"), "check");
  assert.equal(command("check", "--timeout", "5", "sleep"), "check");
  assert.equal(command("--timeout", "check", "sleep"), "run");
  assert.equal(command("schema"), "schema");
  assert.equal(command("help"), "help");
  assert.equal(command("--help"), "help");
  assert.equal(command("-h"), "help");
  assert.equal(command("--version"), "version");
  assert.equal(command("sleep", "--help"), "help");
  assert.equal(command("run", "--", "ls", "--help"), "run");
  assert.equal(command(), "run");
});

test("a mistake on the command line is told whatever the command", async () => {
  const { initkit } = await import("./helpers/initkit.ts");
  assert.equal((await initkit(["schema", "--bogus"])).exitCode, 2);
  assert.equal((await initkit(["help", "sleep", "extra"])).exitCode, 2);
});

test("the nearest name is suggested, and none where none is near", () => {
  const valid = ["timeout", "attempt-timeout", "retries"];
  for (const [name, nearest] of [
    ["timout", "timeout"],
    ["TIMEOUT", "timeout"],
    ["tiemout", "timeout"],
    ["attempt_timeout", "attempt-timeout"],
    ["retrys", "retries"],
  ] as const)
    assert.match(didYouMean(name, valid), new RegExp(`did you mean ${nearest}\\?`), name);
  for (const name of ["", "x", "frobnicate", "name"]) assert.equal(didYouMean(name, valid), "");
});

test("a name of any length is refused at once", () => {
  const startedAt = performance.now();
  didYouMean("x".repeat(500_000), ["timeout", "attempt-timeout", "retries"]);
  assert.ok(performance.now() - startedAt < 50);
});

test("a step that begins without then is hinted at", async () => {
  for (const between of [[], ["&&"], [";"]]) {
    for (const first of [
      ["wait-for", "tcp://db:5432"],
      ["sleep", "1"],
    ]) {
      const { failure } = await planned([...first, ...between, "sleep", "1"]);
      assert.match(failure!.hint!, /"then"/, [...first, ...between].join(" "));
    }
  }
  const { failure } = await planned(["sleep", "1", "2"]);
  assert.equal(failure!.hint, undefined);
});

test("a whole line in one word is told to be taken apart", async () => {
  for (const [argv, env] of [
    [["wait-for tcp://db:5432"], {}],
    [[], { INITKIT_STEP_1: "'sleep 1'" }],
  ] as const) {
    const { failure } = await planned(argv, env);
    assert.match(failure!.hint!, /words must stand apart/);
  }
});
