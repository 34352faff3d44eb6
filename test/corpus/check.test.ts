import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { documentSchema } from "../../src/schema.ts";
import { below, documents, textOf, variablesOf } from "../helpers/corpus.ts";
import { validate } from "../helpers/json-schema.ts";
import { planned } from "../helpers/plan.ts";
import { temporary } from "../helpers/temporary.ts";

test("at least sixty real init containers are steps of initkit", () => {
  assert.ok(documents.length >= 60);
});

for (const document of documents) {
  const [text, number] = [textOf(document), parseInt(document)];

  test(`${document} says what it stands for`, () => {
    assert.match(text, new RegExp(`^# sample entry ${number}: [\\w.-]+/[\\w.-]+:\\S+\\n# `));
  });

  test(`initkit check takes ${document}`, async (t) => {
    const root = temporary(t);
    for (const [, path] of text.matchAll(/\$\{file:(\S+?)\}/g)) fileAt(join(root, path!));
    const file = join(root, document);
    writeFileSync(file, below(root, text));
    const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", ...variablesOf(text) };
    const { failure, warnings } = await planned(["check", "-f", file], env);
    assert.equal(failure?.message, undefined);
    assert.deepEqual(warnings, []);
  });

  test(`an editor that knows the schema finds no mistake in ${document}`, async () => {
    assert.deepEqual(validate(await documentSchema(), parse(text)), []);
  });
}

/** Its content is a name as well as Base64. */
function fileAt(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "c2hvcA\n");
}
