import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commonOptions } from "../src/common-options.ts";
import { globalOptions, variableOf } from "../src/globals.ts";
import { help } from "../src/help.ts";
import { loadTask, registry } from "../src/registry.ts";
import { documentSchema } from "../src/schema.ts";
import { validate } from "./helpers/json-schema.ts";

const written = [...registry.keys()].filter((name) =>
  existsSync(join(import.meta.dirname, `../tasks/${name}.ts`)),
);
const missing = written.length < registry.size && "not every task is written yet";

for (const name of written) {
  test(`the help of ${name} names all that it takes, with the defaults of its table`, async () => {
    const task = (await loadTask(name))!;
    assert.equal(task.name, name);
    const text = await help(name);
    assert.ok(text.includes(task.summary));
    for (const operand of Object.keys(task.operands))
      assert.ok(text.includes(operand.toUpperCase()), operand);
    for (const option of [...Object.keys(task.options), ...Object.keys(commonOptions)])
      assert.ok(text.includes(`--${option}`), option);
    for (const value of Object.values(task.pacing)) assert.ok(text.includes(value), value);
  });

  test(`every default of ${name} is a value that its option takes`, async () => {
    const task = (await loadTask(name))!;
    for (const { kind, default: value } of Object.values(task.options))
      if (value !== undefined) kind.parse(value);
    for (const [option, value] of Object.entries(task.pacing))
      commonOptions[option as "timeout"].kind.parse(value.split(/[ ;]/)[0]!);
  });
}

test(
  "the help names every task, global option, its variable, and common option",
  { skip: missing },
  async () => {
    const text = await help();
    for (const name of registry.keys()) assert.match(text, new RegExp(`^  ${name} `, "m"));
    for (const name of Object.keys(globalOptions)) {
      assert.ok(text.includes(`--${name}`));
      assert.ok(text.includes(variableOf(name)));
    }
    for (const name of Object.keys(commonOptions)) assert.ok(text.includes(`--${name}`));
  },
);

test("help of a task that there is not is a configuration error with the nearest name", async () => {
  await assert.rejects(
    help("slep"),
    (error: { code?: string; message: string }) =>
      error.code === "configuration" && /sleep/.test(error.message),
  );
});

test("the schema accepts what a document may be, and nothing else", { skip: missing }, async () => {
  const schema = await documentSchema();
  const ok = (document: unknown) =>
    assert.deepEqual(validate(schema, document), [], JSON.stringify(document));
  const wrong = (document: unknown) =>
    assert.notDeepEqual(validate(schema, document), [], JSON.stringify(document));
  ok([{ sleep: 1 }]);
  ok({ steps: [{ sleep: "1s" }] });
  ok({
    timeout: "10m",
    steps: [
      { sleep: "${D}", retries: "unlimited", backoff: "1s..2s", optional: true, when: "${X:-}", name: 5 },
    ],
  });
  ok({ timeout: 600, steps: [{ "wait-for": ["tcp://a:1", "tcp://b:1"], timeout: "2m" }] });
  ok([{ permissions: "/models", owner: "1000:1000", mode: "u=rwX,g=rX,o=" }]);
  ok([{ migrate: "/migrations", database: "${DATABASE_URL}" }]);
  ok([{ sysctl: { "vm.max_map_count": 262144 } }]);
  ok([{ "wait-for": "http://a", header: { Accept: "text/plain" }, status: [200, "3xx"] }]);
  ok([
    {
      download: "https://example.com/model.tar.zst",
      to: "/models",
      sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      extract: true,
    },
  ]);
  for (const each of [
    [],
    {},
    { steps: [] },
    { steps: [{}] },
    [{ name: "x" }],
    [{ slep: 1 }],
    [{ sleep: 1, retires: 1 }],
    [{ sleep: 1, permissions: "/x" }],
    [{ sleep: {} }],
    [{ sleep: null }],
    { steps: [{ sleep: 1 }], x: 1 },
    "x",
    [{ sleep: 1, retries: -1 }],
    [{ sleep: "soon" }],
  ])
    wrong(each);
});

test(
  "the schema is made of keywords of JSON Schema, and its references lead somewhere",
  { skip: missing },
  async () => {
    const schema = await documentSchema();
    assert.equal(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    const text = JSON.stringify(schema);
    for (const [, name] of text.matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g))
      assert.ok(Object.hasOwn(schema["$defs"] as object, name!), name!);
    for (const [, pattern] of text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g))
      assert.doesNotThrow(() => new RegExp(JSON.parse(pattern!) as string, "u"));
  },
);
