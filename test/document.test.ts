import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { document, mistake, names, planned, steps } from "./helpers/plan.ts";

const wrong = (text: string) => mistake([], document(text));

const mistakes: Readonly<Record<string, readonly [text: string, at: RegExp]>> = {
  "a key that stands twice": ["- sleep: 1\n  name: a\n  name: b", /:3:3: /],
  "steps that stand twice": ["steps: [{sleep: 1}]\nsteps: [{sleep: 1}]", /:2:1: /],
  "an unknown tag": ["- sleep: !duration 1", /:1:10: .*!duration/],
  "a second document": ["- sleep: 1\n---\n- sleep: 2", /:2:1: .*second document/],
  "an empty second document": ["- sleep: 1\n---\n", /:2:1: .*second document/],
  "two tasks in one step": ["- sleep: 1\n  permissions: /x", /:2:3: .*sleep.*permissions/],
  "a step without a task": ["- name: x\n  timeout: 1s", /:1:3: .*task/],
  "an unknown task": ["- slep: 1", /:1:3: .*"slep".*sleep/],
  "an unknown option": ["- sleep: 1\n  retires: 1", /:2:3: .*"retires".*retries/],
  "a task at the top of a document": ["sleep: 1", /:1:1: .*"sleep"/],
  "an unknown key at the top": ["stps: []\n", /:1:1: .*"stps".*steps/],
  "an option without a value": ["- sleep: 1\n  name:", /name has no value/],
  "an option that is null": ["- sleep: 1\n  name: ~", /:2:9: name has no value/],
  "a task without a value": ["- sleep:", /:1:3: .*duration/],
  "an operand that is null": ["- sleep: [null]", /:1:11: .*no value/],
  "an operand too many": ["- sleep: [1, 2]", /:1:14: "2"/],
  "an option that is a list": ["- sleep: 1\n  name: [a, b]", /:2:13: .*twice/],
  "an option that is a mapping": ["- sleep: 1\n  name: {a: b}", /:2:9: .*mapping/],
  "an operand that is a mapping": ["- sleep: {a: b}", /:1:10: .*mapping/],
  "a list in a list": ["- sleep: [[1]]", /:1:11: .*list/],
  "a step that is a text": ["- sleep 1", /:1:3: /],
  "a step that is null": ["-\n- sleep: 1", /:1:/],
  "a step that is a list": ["- - sleep: 1", /:1:3: /],
  "steps that are no list": ["steps: {sleep: 1}", /steps is not a list/],
  "steps that are null": ["steps:", /steps/],
  "a timeout that is a mapping": ["timeout: {a: 1}\nsteps: [{sleep: 1}]", /:1:10: .*timeout/],
  "a timeout that is null": ["timeout:\nsteps: [{sleep: 1}]", /timeout has no value/],
  "a timeout of the wrong form": ["timeout: soon\nsteps: [{sleep: 1}]", /:1:10: timeout "soon"/],
  "a text as the whole document": ["hello", /:1:1: /],
  "an empty document": ["# nothing\n", /empty|no step/],
  "a document that is null": ["null", /empty|no step/],
  "a key that is a list": ["- sleep: 1\n  ? [a]\n  : 1", /:2:5: /],
  "a key that is null": ["- sleep: 1\n  ~: 1", /:2:3: /],
  "a merge key": ["- sleep: 1\n  <<: {name: a}", /:2:3: /],
  "an anchor that is not there": ["- sleep: *d", /:1:10: /],
  "an anchor that holds itself": ["- sleep: &a [*a]", /./],
  "an unclosed quotation": ['- sleep: "1', /:1:/],
  "an unclosed list": ["- sleep: [1", /:1:/],
  "wrong indentation": ["- sleep: 1\n name: x", /:2:/],
  "a tab as indentation": ["- sleep: 1\n\tname: x", /:2:/],
  "JSON that breaks off": ['{"steps": [{"sleep": 1}', /:1:/],
  "an escape beyond Unicode": ['- sleep: "\\U00110000"', /:1:/],
  "a directive of another version": ["%YAML 3.0\n---\n- sleep: 1", /:1:/],
  "an unknown directive": ["%FOO bar\n---\n- sleep: 1", /:1:1/],
};

for (const [what, [text, at]] of Object.entries(mistakes)) {
  test(`${what} is a mistake with its place`, async () => {
    const message = await wrong(text);
    assert.match(message, at);
    assert.match(message, /INITKIT_STEPS/);
  });
}

test("all mistakes of a document are told together, each with line and column", async () => {
  const message = await wrong(
    [
      "timeout: soon",
      "stepps: 1",
      "steps:",
      "- sleep: x",
      "  retries: -1",
      "- slep: 1",
      "- sleep: 1",
      "  optinal: true",
      "-",
      "",
    ].join("\n"),
  );
  for (const place of ["1:10", "2:1", "4:10", "5:12", "6:3", "8:3", "9:"])
    assert.ok(message.includes(`INITKIT_STEPS:${place}`), `${place} in ${message}`);
});

test("the mistakes of a document are told from its top to its end", async () => {
  const text =
    "timeout: soon\nsteps:\n- sleep: x\n  optinal: 1\n- slep: 1\n- sleep: 1\n  name: ${NOPE}\n  nme: a";
  const places = [...(await wrong(text)).matchAll(/INITKIT_STEPS:(\d+):/g)].map(([, line]) => Number(line));
  assert.deepEqual(places, [1, 3, 4, 5, 7, 8]);
});

const together: Readonly<Record<string, readonly [text: string, ...at: RegExp[]]>> = {
  "a key that stands twice": ["- sleep: 1\n  sleep: 2\n- slep: 1\n- sleep: x", /:2:3: /, /:3:3: /, /:4:10: /],
  "an unknown tag": ["- sleep: !duration 1\n- slep: 1", /:1:10: /, /:2:3: /],
  "a second document": ["- sleep: x\n---\n- sleep: 1", /:1:10: /, /:2:1: /],
  "a missing list of steps": ["timeout: soon\nstep:\n- sleep: 1", /:1:10: /, /:2:1: /],
};

for (const [what, [text, ...places]] of Object.entries(together)) {
  test(`${what} does not hide the other mistakes of a document`, async () => {
    const message = await wrong(text);
    for (const place of places) assert.match(message, place);
    assert.match(message, new RegExp(`^${places.length} mistakes`));
  });
}

const onlyOnce: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  "a tab as indentation": ["- sleep: 1ms\n\tname: x", /^INITKIT_STEPS:2:.*tab/],
  "a tab behind spaces": ["- sleep: 1ms\n \tname: x", /^INITKIT_STEPS:2:.*tab/],
  "a colon in a text without quotes": ["- sleep: 1\n  name: a: b", /^INITKIT_STEPS:2:9: .*quotes/],
  "a text behind a quoted one": ['- sleep: 1\n  name: "a" b', /^INITKIT_STEPS:2:13: .*quotes/],
};

for (const [what, [text, says]] of Object.entries(onlyOnce)) {
  test(`${what} is one mistake, and the message says what to write`, async () => {
    assert.match(await wrong(text), says);
  });
}

test("scalars are the text as written", async () => {
  for (const text of [
    "0755",
    "1.10",
    "yes",
    "1e3",
    "0x1F",
    "0o17",
    ".inf",
    "-0",
    "true",
    "2026-11-22",
    "1_000",
    "NO",
  ]) {
    assert.deepEqual(await names([], document(`- sleep: 1\n  name: ${text}`)), [text]);
    assert.deepEqual(await names([], document(`[{"sleep": 1, "name": "${text}"}]`)), [text]);
  }
});

test("a JSON number is the text as written", async () => {
  assert.deepEqual(await names([], document('[{"sleep": 1, "name": 1.10}]')), ["1.10"]);
});

test("an old YAML version does not turn words into other words", async () => {
  assert.deepEqual(await names([], document("%YAML 1.1\n---\n- sleep: 010\n  name: yes")), ["yes"]);
});

test("a number or a text of seconds is the same duration", async () => {
  for (const text of ["90", '"90"', "1m30s", "90s"]) {
    const [step] = await steps([], document(`- sleep: ${text}`));
    assert.equal(step!.args["duration"], 90_000);
  }
});

test("anchors and aliases repeat values", async () => {
  const text = "- sleep: &time 2\n  name: &name x\n- sleep: *time\n  name: *name";
  assert.deepEqual(await names([], document(text)), ["x", "x"]);
});

test("aliases that explode are refused at once", async () => {
  const levels = Array.from(
    { length: 30 },
    (_, n) =>
      `a${n}: &a${n} [${Array(9)
        .fill(n ? `*a${n - 1}` : "x")
        .join()}]`,
  );
  assert.match(await wrong([...levels, "steps: *a29"].join("\n")), /./);
});

test("an unknown tag of the YAML 1.1 types is a mistake too", async () => {
  for (const tag of ["!!binary aGk=", "!!timestamp 2026-01-01"])
    assert.match(await wrong(`- sleep: 1\n  name: ${tag}`), /tag/);
});

test("Windows line ends and a missing last line end make no difference", async () => {
  assert.deepEqual(await names([], document("- sleep: 1\r\n  name: x\r\n- sleep: 1\r\n  name: y")), [
    "x",
    "y",
  ]);
});

test("no text whatever makes the reader crash, or take more than a moment", async () => {
  const unit = fc.constantFrom(
    ...Array.from("[]{},:-?*&!|>'\"%@`# \n\tab01"),
    "- ",
    "sleep",
    ": ",
    "steps",
    "\u0000",
    "é",
    "${",
    "<<",
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit, maxLength: 60 }), async (text) => {
      for (const env of [document(text), { INITKIT_STEP_1: text }]) {
        const { plan, failure } = await planned([], env);
        if (!plan) assert.equal(failure!.code, "configuration", failure!.hint ?? failure!.message);
      }
    }),
    { numRuns: 1500 },
  );
});

test("any text can be given as a value, in YAML and in JSON", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), async (name) => {
      fc.pre(!name.includes("${"));
      assert.deepEqual(await names([], document(JSON.stringify([{ sleep: 1, name }]))), [name]);
    }),
  );
});

test("an option that has the name of a task is an option: download with extract", async () => {
  const { failure } = await planned(
    [],
    document("- download: https://h/x.tar\n  to: /models/\n  extract: true"),
  );
  assert.doesNotMatch(failure?.message ?? "", /two tasks/);
});

test("headers may be a mapping, and one without quotes in a list is no mistake", async () => {
  const wanted = [
    { name: "Accept", value: "text/plain" },
    { name: "X-Id", value: "1: 2" },
  ];
  for (const header of [
    '{Accept: text/plain, X-Id: "1: 2"}',
    '[Accept: text/plain, "X-Id: 1: 2"]',
    '["Accept: text/plain", {X-Id: "1: 2"}]',
  ]) {
    const [step] = await steps([], document(`- wait-for: http://app\n  header: ${header}`));
    assert.deepEqual(step!.args["header"], wanted, header);
  }
});

test("headers and variables in the form that Kubernetes has for them are a mistake, and no two of them", async () => {
  for (const text of [
    "- wait-for: http://app\n  header: [{name: Accept, value: text/plain}]",
    "- run: [app]\n  env:\n  - {name: MODE, value: init}",
  ]) {
    const { failure } = await planned([], document(text));
    assert.match(failure!.message, /is a mapping/);
    assert.match(failure!.hint!, /as one mapping/);
  }
});

test("the statuses to wait for may be a list", async () => {
  for (const status of ["[200, 204]", '"200,204"', "[200,204]"]) {
    const [step] = await steps([], document(`- wait-for: http://app\n  status: ${status}`));
    assert.equal((step!.args["status"] as { text: string }).text, "200,204");
  }
  assert.match(await wrong("- wait-for: http://app\n  status: [200, soon]"), /:2:11: .*"200,soon"/);
});

test("a merge key is told to be none of YAML 1.2", async () => {
  for (const text of ["- &s {sleep: 1, name: a}\n- <<: *s\n  name: b", "- sleep: 1\n  <<: {name: a}"]) {
    const { failure } = await planned([], document(text));
    assert.match(failure!.hint!, /merge keys/);
  }
});
