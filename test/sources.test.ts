import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { document, mistake, names, planned, steps } from "./helpers/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "initkit-sources-"));
after(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, `${Math.random()}.yaml`);
  writeFileSync(path, text);
  return path;
}

const list = (name: string): string => `- sleep: 1\n  name: ${name}\n`;
const argument = ["sleep", "1", "--name", "arguments"];
const everySource = {
  INITKIT_FILE: file(list("file")),
  INITKIT_STEPS: list("steps"),
  INITKIT_STEP_1: "sleep 1",
};

test("arguments win over everything, and every other source is named in a warning", async () => {
  const { plan, warnings } = await planned(argument, everySource);
  assert.deepEqual(
    plan!.steps.map(({ name }) => name),
    ["arguments"],
  );
  for (const name of Object.keys(everySource).slice(0, 2))
    assert.equal(warnings.filter((warning) => warning.startsWith(name)).length, 1, name);
  assert.equal(warnings.filter((warning) => warning.includes("INITKIT_STEP_")).length, 1);
});

test("a file wins over INITKIT_STEPS and INITKIT_STEP_*, which are named in warnings", async () => {
  const { plan, warnings } = await planned([], everySource);
  assert.deepEqual(
    plan!.steps.map(({ name }) => name),
    ["file"],
  );
  assert.equal(warnings.length, 2);
});

test("-f wins over INITKIT_FILE", async () => {
  assert.deepEqual(await names(["-f", file(list("flag"))], everySource), ["flag"]);
  assert.deepEqual(await names([`--file=${file(list("flag"))}`], everySource), ["flag"]);
});

test("INITKIT_STEPS together with INITKIT_STEP_* is an error, neither is lost in silence", async () => {
  const { INITKIT_FILE: _, ...env } = everySource;
  assert.match(await mistake([], env), /INITKIT_STEPS.*INITKIT_STEP_/);
});

test("INITKIT_STEPS together with INITKIT_STEP_* is no error where arguments or a file win", async () => {
  assert.deepEqual(await names(argument, everySource), ["arguments"]);
  assert.deepEqual(await names([], everySource), ["file"]);
});

test("an empty INITKIT_STEP_<KEY> is in nobody's way", async () => {
  const { plan, warnings } = await planned([], {
    INITKIT_STEPS: list("steps"),
    INITKIT_STEP_1: "",
    INITKIT_STEP_2: " ",
  });
  assert.equal(plan!.steps.length, 1);
  assert.deepEqual(warnings, []);
});

test("no step at all is an error, wherever the steps were to come from", async () => {
  for (const env of [
    {},
    { INITKIT_STEPS: "" },
    document("[]"),
    document("steps: []"),
    { INITKIT_STEP_1: "" },
  ])
    assert.match(await mistake([], env), /no step/);
  assert.match(await mistake(["-f", file("steps: []")]), /no step/);
});

test("an empty variable counts as unset", async () => {
  const env = { INITKIT_FILE: "", INITKIT_STEPS: "", INITKIT_TIMEOUT: "", INITKIT_LOG_FORMAT: "" };
  const { plan, warnings } = await planned([], { ...env, INITKIT_STEP_1: "sleep 1" });
  assert.equal(plan!.steps.length, 1);
  assert.equal(plan!.timeout, Infinity);
  assert.deepEqual(warnings, []);
});

test("an unknown variable that is empty counts as unset", async () => {
  assert.equal((await steps(["sleep", "1"], { INITKIT_OLD_OPTION: "" })).length, 1);
});

test("an empty INITKIT_STEP_<KEY> takes that step out", async () => {
  const env = { INITKIT_STEP_1: "sleep 1 --name a", INITKIT_STEP_2: "", INITKIT_STEP_3: "sleep 1 --name c" };
  assert.deepEqual(await names([], env), ["a", "c"]);
});

test("INITKIT_STEP_<KEY> run in natural order of KEY, however the environment lists them", async () => {
  const keys = ["1", "2", "10", "10_DB", "20_APP", "100", "A", "A2", "A10", "MIGRATE", "MIGRATE_2"];
  for (const order of [keys, keys.toReversed(), keys.toSorted()]) {
    const env = Object.fromEntries(order.map((key) => [`INITKIT_STEP_${key}`, `sleep 1 --name ${key}`]));
    assert.deepEqual(await names([], env), keys);
  }
});

test("leading zeros do not change the order of keys", async () => {
  const env = { INITKIT_STEP_010: "sleep 1 --name b", INITKIT_STEP_9: "sleep 1 --name a" };
  assert.deepEqual(await names([], { ...env, INITKIT_STEP_0011: "sleep 1 --name c" }), ["a", "b", "c"]);
});

test("a number of any length is ordered as a number", async () => {
  const env = { INITKIT_STEP_20261122103000123456790: "sleep 1 --name b" };
  const both = { ...env, INITKIT_STEP_20261122103000123456789: "sleep 1 --name a" };
  assert.deepEqual(await names([], both), ["a", "b"]);
});

test("a variable holds a line with shell quoting", async () => {
  assert.deepEqual(await names([], { INITKIT_STEP_1: `sleep 1 --name "it's  a 'step'"` }), [
    "it's  a 'step'",
  ]);
});

test("a variable holds a mapping, in YAML or JSON", async () => {
  for (const text of [
    "sleep: 1\nname: x",
    "name: x\nsleep: 1",
    '{"sleep": 1, "name": "x"}',
    "{sleep: 1, name: x}",
    "# a comment\n\nsleep: 1\nname: x",
    "---\nsleep: 1\nname: x",
    '"sleep": 1\nname: x',
    "  sleep: 1\n  name: x\n",
  ])
    assert.deepEqual(await names([], { INITKIT_STEP_1: text }), ["x"], text);
});

test("a line whose words hold colons is a line", async () => {
  assert.deepEqual(await names([], { INITKIT_STEP_1: "sleep 1 --name tcp://db:5432" }), ["tcp://db:5432"]);
  assert.deepEqual(await names([], { INITKIT_STEP_1: "sleep 1 --name 'a: b'" }), ["a: b"]);
});

test("a variable that holds a list is an error that names INITKIT_STEPS", async () => {
  for (const text of ["- sleep: 1", "[{sleep: 1}]", "# x\n- sleep: 1"])
    assert.match(await mistake([], { INITKIT_STEP_1: text }), /^INITKIT_STEP_1: .*list/);
});

test("a mistake in a variable names the variable, and in a mapping its line and column", async () => {
  assert.match(await mistake([], { INITKIT_STEP_DB: "slep 1" }), /^INITKIT_STEP_DB: .*"slep".*sleep/);
  assert.match(
    await mistake([], { INITKIT_STEP_DB: "sleep: 1\nnam: x" }),
    /^INITKIT_STEP_DB:2:1: .*"nam".*name/,
  );
  assert.match(await mistake([], { INITKIT_STEP_DB: "sleep 'x" }), /^INITKIT_STEP_DB: .*quotation/);
});

test("then ends a step", async () => {
  const line = ["sleep", "1", "--name", "a", "then", "sleep", "2", "--name", "b"];
  assert.deepEqual(await names(line), ["a", "b"]);
  assert.deepEqual(await names([], { INITKIT_STEP_1: line.join(" ") }), ["a", "b"]);
});

test("leading, trailing and doubled then are errors that name their place", async () => {
  assert.match(await mistake(["then", "sleep", "1"]), /^argument 1: .*then/);
  assert.match(await mistake(["sleep", "1", "then"]), /^argument 3: .*then/);
  assert.match(await mistake(["sleep", "1", "then", "then", "sleep", "1"]), /^argument 4: .*then/);
  assert.match(await mistake([], { INITKIT_STEP_1: "sleep 1 then" }), /^INITKIT_STEP_1: .*then/);
});

test("then is nothing special inside a word or a document", async () => {
  assert.deepEqual(await names(["sleep", "1", "--name=then"]), ["then"]);
  assert.deepEqual(await names(["sleep", "1", "--name", "then x"]), ["then x"]);
  assert.deepEqual(await names([], document("- sleep: 1\n  name: then")), ["then"]);
});

test("a document is a bare list or a mapping with steps, in YAML or JSON", async () => {
  for (const text of [
    "- sleep: 1\n  name: a",
    "steps:\n  - sleep: 1\n    name: a",
    '[{"sleep": 1, "name": "a"}]',
    '{\n\t"steps": [\n\t\t{"sleep": 1, "name": "a"}\n\t]\n}',
  ]) {
    assert.deepEqual(await names([], document(text)), ["a"], text);
    assert.deepEqual(await names(["-f", file(text)]), ["a"], text);
  }
});

test("the timeout of the flag wins over the variable's, and that over the document's", async () => {
  const env = document("timeout: 10m\nsteps: [{sleep: 1}]");
  const timeout = async (argv: string[], more = {}) =>
    (await planned(argv, { ...env, ...more })).plan!.timeout;
  assert.equal(await timeout([]), 600_000);
  assert.equal(await timeout([], { INITKIT_TIMEOUT: "5m" }), 300_000);
  assert.equal(await timeout(["--timeout", "1m"], { INITKIT_TIMEOUT: "5m" }), 60_000);
  assert.equal(await timeout(["--timeout", "0"], { INITKIT_TIMEOUT: "5m" }), Infinity);
});

test("an unknown variable is an error that quotes its value and suggests the nearest name", async () => {
  const message = await mistake(["sleep", "1"], { INITKIT_TIMOUT: "5m" });
  assert.match(message, /^INITKIT_TIMOUT: .*"5m".*INITKIT_TIMEOUT/);
  assert.match(await mistake(["sleep", "1"], { INITKIT_STEP: "sleep 1" }), /INITKIT_STEP/);
  assert.match(await mistake(["sleep", "1"], { INITKIT_STEP_: "sleep 1" }), /^INITKIT_STEP_: /);
});

test("the value of an unknown variable is not shown where its name says that it is secret", async () => {
  const message = await mistake(["sleep", "1"], { INITKIT_DB_PASSWORD: "hunter2" });
  assert.match(message, /INITKIT_DB_PASSWORD/);
  assert.doesNotMatch(message, /hunter2/);
});

const service = {
  INITKIT_SERVICE_HOST: "10.0.171.239",
  INITKIT_SERVICE_PORT: "80",
  INITKIT_SERVICE_PORT_HTTP: "80",
  INITKIT_PORT: "tcp://10.0.171.239:80",
  INITKIT_PORT_80_TCP: "tcp://10.0.171.239:80",
  INITKIT_PORT_80_TCP_PROTO: "tcp",
  INITKIT_PORT_80_TCP_PORT: "80",
  INITKIT_PORT_80_TCP_ADDR: "10.0.171.239",
  INITKIT_WEB_SERVICE_HOST: "fd00::1",
  INITKIT_WEB_PORT: "udp://[fd00::1]:53",
  INITKIT_STEP_DB_SERVICE_HOST: "10.0.0.1",
  INITKIT_STEP_DB_SERVICE_PORT: "5432",
  INITKIT_STEP_DB_PORT: "tcp://10.0.0.1:5432",
  INITKIT_STEP_DB_PORT_5432_TCP: "tcp://10.0.0.1:5432",
};

test("the variables of a Service named initkit… are neither steps nor options", async () => {
  const { plan, warnings } = await planned(argument, service);
  assert.equal(plan!.steps.length, 1);
  assert.deepEqual(warnings, []);
  assert.deepEqual(await names([], { ...service, INITKIT_STEP_1: "sleep 1 --name a" }), ["a"]);
});

test("a variable with the name but not the form of a Service's is a mistake or a step", async () => {
  for (const name of Object.keys(service).filter((each) => !each.startsWith("INITKIT_STEP_")))
    assert.match(await mistake(argument, { [name]: "sleep 1" }), new RegExp(`^${name}: unknown`));
  assert.deepEqual(await names([], { INITKIT_STEP_DB_PORT: "sleep 1 --name a" }), ["a"]);
});

test("the mistakes of all variables and of the whole document are told together", async () => {
  const message = await mistake([], {
    INITKIT_TIMOUT: "1",
    INITKIT_LOG_LEVEL: "loud",
    INITKIT_STEP_1: "slep 1",
    INITKIT_STEP_2: "sleep x --nam y",
    INITKIT_STEP_3: "sleep: 1\nretries: many\nbackoff: 0",
    INITKIT_STEP_4: "sleep ${NOT_THERE}",
  });
  for (const part of ["INITKIT_TIMOUT", "loud", "slep", '"x"', '"nam"', '"many"', "backoff", "NOT_THERE"])
    assert.ok(message.includes(part), `${part} in ${message}`);
});

test("a step variable without a key is told to have one, and not to be named as it is", async () => {
  const message = await mistake(argument, { INITKIT_STEP_: "sleep 1" });
  assert.match(message, /^INITKIT_STEP_: .*INITKIT_STEP_10/);
  assert.doesNotMatch(message, /did you mean/);
  assert.match(await mistake(argument, { INITKIT_STPE_1: "sleep 1" }), /did you mean INITKIT_STEP_<KEY>\?/);
});

test("placeholders stand for values in global options too, and what they lack is told once", async () => {
  const path = file(list("placed"));
  const there = { DIR: folder, FILE: path.slice(folder.length + 1), LIMIT: "7s" };
  assert.deepEqual(await names(["-f", "${DIR}/${FILE}"], there), ["placed"]);
  assert.deepEqual(await names([], { ...there, INITKIT_FILE: "${DIR}/${FILE}" }), ["placed"]);
  for (const [argv, env] of [
    [["--timeout", "${LIMIT}", ...argument], there],
    [argument, { ...there, INITKIT_TIMEOUT: "${LIMIT}" }],
  ] as const)
    assert.equal((await planned(argv, env)).plan!.timeout, 7000);
  assert.match(await mistake(["-f", "${DIR}/x"]), /^argument 2: file .*DIR/);
  assert.match(await mistake(["-f", ""]), /^argument 2: file/);
});
