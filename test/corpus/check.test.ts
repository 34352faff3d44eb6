import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { below, documents, textOf, variablesOf } from "../helpers/corpus.ts";
import { planned } from "../helpers/plan.ts";
import { temporary } from "../helpers/temporary.ts";

test("at least sixty real init containers are steps of initkit", () => {
  assert.ok(documents.length >= 60);
});

for (const document of documents) {
  test(`initkit check takes ${document}, which says what it stands for`, async (t) => {
    const [root, text] = [temporary(t), textOf(document)];
    const source = new RegExp(`^# sample entry ${parseInt(document)}: [\\w.-]+/[\\w.-]+:\\S+\\n# `);
    assert.match(text, source);
    for (const [, path] of text.matchAll(/\$\{file:(\S+?)\}/g)) fileAt(join(root, path!));
    const file = join(root, document);
    writeFileSync(file, below(root, text));
    const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", ...variablesOf(text) };
    const { failure, warnings } = await planned(["check", "-f", file], env);
    assert.equal(failure?.message, undefined);
    assert.deepEqual(warnings, []);
  });
}

/** Its content is a name as well as Base64. */
function fileAt(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "c2hvcA\n");
}
