import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { splitWords } from "../src/words.ts";
import { regenerate } from "./docs/generate.ts";
import { document, type Environment, planned } from "./helpers/plan.ts";
import { blocksOf, exampleSteps, readme, replacements } from "./helpers/readme.ts";
import { temporary } from "./helpers/temporary.ts";

/** What the README takes for granted. */
const surroundings: Environment = {
  DATABASE_URL: "postgres://app:secret@database/app",
  HOST: "example.com",
  KUBERNETES_SERVICE_HOST: "10.96.0.1",
};

async function assertTaken(argv: readonly string[], env: Environment = {}): Promise<void> {
  const { failure, warnings } = await planned(["check", ...argv], { ...surroundings, ...env });
  assert.equal(failure?.message, undefined);
  assert.deepEqual(warnings, []);
}

test("the README says what the code does: its tables and manifests are the generated ones", async () => {
  assert.equal(readme, await regenerate(readme), "run: npm run docs");
});

test("each link within the README leads to a heading", () => {
  const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
    text!
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  const links = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
  assert.deepEqual(
    links.filter((anchor) => !headings.includes(anchor)),
    [],
  );
});

test("each npm command in the README is a script of the project", () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  const named = [...readme.matchAll(/npm (?:run )?(start|test|(?<=run )\S+)/g)].map(([, script]) => script!);
  assert.ok(named.length >= 3);
  assert.deepEqual(
    named.filter((script) => !(script in scripts)),
    [],
  );
});

describe("initkit check takes what the README shows", () => {
  const documents = blocksOf("yaml");
  assert.ok(documents.length >= 3);
  for (const text of documents) {
    test(`the document ${text.split("\n", 1)[0]}`, () => assertTaken([], document(text)));
  }

  const commands = blocksOf("sh")
    .flatMap((block) => block.replaceAll("\\\n", "").split("\n"))
    .filter((line) => line.startsWith("docker run "));
  assert.ok(commands.length >= 4);
  for (const command of commands) {
    test(`the command ${command}`, async (t) => {
      const file = join(temporary(t), "steps.yaml");
      writeFileSync(file, documents[0]!);
      const words = splitWords(command.replace(/ <\S+$/, ""));
      const argv = words.slice(words.indexOf("initkit") + 1).filter((word) => word !== "check");
      await assertTaken(argv.map((word) => (word === "/steps.yaml" || word === "-" ? file : word)));
    });
  }

  for (const step of exampleSteps()) {
    test(`the step ${step}`, () => assertTaken([], { INITKIT_STEP_1: step }));
  }

  const rows = replacements();
  assert.ok(rows.length >= 20);
  for (const { before, steps } of rows) {
    test(`the step in place of ${before}`, async () => {
      assert.ok(steps.length > 0);
      for (const step of steps) await assertTaken([], { INITKIT_STEP_1: step });
    });
  }
});
