import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describePlan } from "../src/check.ts";
import type { Plan } from "../src/plan.ts";
import { document, planned } from "./helpers/plan.ts";

/** What of a plan matters: all that a run depends on. */
const essence = ({ timeout, steps }: Plan) => ({
  timeout,
  steps: steps.map(({ task, name, args, common, policy }) => ({
    task: task.name,
    name,
    args,
    common,
    policy,
  })),
});

async function again(plan: Plan): Promise<Plan> {
  const shown = describePlan(plan, (text) => text);
  const { plan: read, failure } = await planned([], document(shown));
  assert.ok(read, `${failure?.message} in\n${shown}`);
  return read;
}

async function reads(argv: readonly string[], env = {}): Promise<void> {
  const { plan, failure } = await planned(argv, env);
  if (!plan) throw failure!;
  assert.deepEqual(essence(await again(plan)), essence(plan));
}

test("the plan that check prints is the same plan when it is read", async () => {
  await reads([
    "--timeout",
    "10m",
    "sleep",
    "1s",
    "then",
    "sleep",
    "2",
    "--name",
    "x",
    "--retries",
    "3",
    "--backoff",
    "1s..2s",
    "--optional",
  ]);
  await reads([], { INITKIT_STEP_1: "sleep ${D}", INITKIT_STEP_2: "sleep: 1\nwhen: ''", D: "5s" });
});

test("texts of any kind survive the plan that check prints", async () => {
  const special = [
    "",
    " ",
    "null",
    "~",
    "true",
    "yes",
    "0755",
    "1.10",
    "a: b",
    "- a",
    "# c",
    "[x]",
    "{x}",
    "*x",
    "&x",
    "!x",
    "|",
    ">",
    "'",
    '"',
    "\\",
    "a\nb",
    "\t",
    "%",
    "@",
    "`",
    "---",
    "...",
    "é😀",
    "\u0085",
    "\u2028",
    "\u007f",
    "=",
    "<<",
    "1e3",
    "a#b",
    "a:b",
    "-",
    "?",
    ":",
  ];
  const words = fc.oneof(
    fc.constantFrom(...special),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
  );
  await fc.assert(
    fc.asyncProperty(words, words, async (name, when) => {
      fc.pre(![name, when].some((text) => text.includes("${") || !text.isWellFormed()));
      await reads([], document(JSON.stringify([{ sleep: 1, name, when }])));
    }),
    { numRuns: 400 },
  );
});

test("a value that holds ${ is printed so that it reads as itself", async () => {
  await reads(["sleep", "1", "--name", "$${X}"]);
  await reads(["sleep", "1", "--name", "${V}"], { V: "a${b" });
});

test("a time limit is printed exactly", async () => {
  for (const timeout of ["1234ms", "90.5s", "100us"]) await reads(["--timeout", timeout, "sleep", "1"]);
});

test("what check prints is a document even where a secret was masked", async () => {
  for (const password of ["hunter22", "sleep", "name", "steps", "-"]) {
    const { plan, secrets } = await planned(["sleep", "1", "--name", "${DB_PASSWORD}"], {
      DB_PASSWORD: password,
    });
    const { failure } = await planned([], document(describePlan(plan!, (text) => secrets.redact(text))));
    assert.equal(failure, undefined);
  }
});
