import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { interpolate } from "../src/interpolate.ts";
import { Secrets } from "../src/secrets.ts";
import { document, mistake, names, planned, steps } from "./helpers/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "initkit-interpolate-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(folder, `file-${++files}`);
  writeFileSync(path, content);
  return path;
}

const resolve = (text: string, env: Record<string, string> = {}): string =>
  interpolate(text, { env, secrets: new Secrets(env) });

test("every form of a placeholder is replaced, wherever it stands", () => {
  const env = { A: "1", B_2: "two", EMPTY: "" };
  for (const [text, result] of [
    ["${A}", "1"],
    ["x${A}y${B_2}z", "x1ytwoz"],
    ["${A:-d}", "1"],
    ["${NONE:-d}", "d"],
    ["${EMPTY:-d}", "d"],
    ["${NONE:-}", ""],
    ["${NONE:-a:-b $x 'y'}", "a:-b $x 'y'"],
    ["${NONE:-http://h:80/?a=b}", "http://h:80/?a=b"],
    ["${NONE:-a\nb}", "a\nb"],
    ["$${A}", "${A}"],
    ["$$${A}", "$${A}"],
    ["$A $ $$ $(A) `A` %A {A} $}", "$A $ $$ $(A) `A` %A {A} $}"],
    ["${NONE:-${A}}", "${A}"],
    ["${NONE:-{x}}", "{x}"],
    ["", ""],
  ] as const)
    assert.equal(resolve(text, env), result, text);
});

test("an unset or empty variable is an error that names it and says which of both", () => {
  assert.throws(() => resolve("${NONE}"), /NONE.*not set/);
  assert.throws(() => resolve("${EMPTY}", { EMPTY: "" }), /EMPTY.*empty/);
});

test("any other use of ${ is an error", () => {
  for (const text of [
    "${",
    "a ${A",
    "${}",
    "${1A}",
    "${A B}",
    "${A-d}",
    "${A:=d}",
    "${A:?e}",
    "${A!}",
    "${ A }",
    "${#A}",
    "${a.b}",
    "${env:A}",
  ])
    assert.throws(() => resolve(text, { A: "1" }), /holds|needs/, text);
});

test("a name that every object of JavaScript has is not set", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    assert.throws(
      () => interpolate(`\${${name}}`, { env: process.env, secrets: new Secrets({}) }),
      /not set/,
    );
    assert.equal(interpolate(`\${${name}:-d}`, { env: process.env, secrets: new Secrets({}) }), "d");
  }
});

test("what a placeholder stands for is never looked at again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (value) => {
      fc.pre(!value.includes("\0"));
      assert.equal(resolve("${V}", { V: value }), value);
      assert.equal(resolve("<${V}>${V}", { V: value }), `<${value}>${value}`);
    }),
  );
  for (const value of ["${A}", "$${A}", "$&", "$1", "$`", "${", "}"])
    assert.equal(resolve("${V}", { V: value, A: "no" }), value);
});

test("any text without ${ stays as it is", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes("${"));
      assert.equal(resolve(text), text);
    }),
  );
});

const hostile = [
  "a b",
  "x then sleep 9",
  "then",
  "--optional",
  "--name=z",
  "'",
  '"',
  "\\",
  "a\nb: c",
  "- sleep: 9",
  "*x",
  "# c",
  "a: b",
  "[1, 2]",
  "${X}",
];

test("a value can never add a step, a key or a word", async () => {
  for (const value of hostile) {
    for (const [argv, env] of [
      [["sleep", "1", "--name", "${V}"], {}],
      [["sleep", "1", "--name=${V}"], {}],
      [[], { INITKIT_STEP_1: "sleep 1 --name ${V}" }],
      [[], { INITKIT_STEP_1: "sleep: 1\nname: ${V}" }],
      [[], document("- sleep: 1\n  name: ${V}")],
      [[], document('[{"sleep": 1, "name": "${V}"}]')],
    ] as const) {
      const planned = await steps(argv, { ...env, V: value });
      assert.deepEqual(
        planned.map(({ name }) => name),
        [value],
      );
      assert.equal(planned[0]!.common.optional, false);
    }
  }
});

test("a value that looks like an option or a separator is an operand when it stands for one", async () => {
  for (const value of ["--optional", "then", "1 2"])
    assert.match(await mistake(["sleep", "${V}"], { V: value }), new RegExp(`duration "${value}"`));
});

test("every value of a document is interpolated, its timeout and its flags too", async () => {
  const env = { T: "5m", D: "2", W: "no", O: "true", R: "3" };
  const text = "timeout: ${T}\nsteps:\n- sleep: ${D}\n  when: ${W}\n  optional: ${O}\n  retries: ${R}";
  const { plan } = await planned([], document(text, env));
  assert.equal(plan!.timeout, 300_000);
  const [step] = plan!.steps;
  assert.deepEqual(
    [step!.args["duration"], step!.common.when, step!.common.optional, step!.policy.retries],
    [2000, "no", true, 3],
  );
});

test("a key is not interpolated", async () => {
  assert.match(await mistake([], document("- ${T}: 1", { T: "sleep" })), /needs a task|unknown/);
});

test("a file stands for its text without its last newline, and only that", () => {
  for (const [content, result] of [
    ["secret\n", "secret"],
    ["secret", "secret"],
    ["a\nb\n", "a\nb"],
    ["a\n\n", "a\n"],
    ["  a \n", "  a "],
    ["é€😀\n", "é€😀"],
  ] as const)
    assert.equal(resolve(`\${file:${file(content)}}`), result);
});

test("a file that is missing, empty, a folder, a FIFO, a device, binary or too large is a mistake with its place", async () => {
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  const subfolder = join(folder, "folder");
  mkdirSync(subfolder);
  const paths = [
    join(folder, "missing"),
    file(""),
    file("\n"),
    subfolder,
    fifo,
    "/dev/zero",
    file(Buffer.from([0xff, 0xfe, 0])),
    file("x".repeat(2_000_000)),
    `${file("x")}/below`,
    "",
  ];
  for (const path of paths) {
    assert.match(
      await mistake(["sleep", "1", "--name", `\${file:${path}}`]),
      /^argument 4: name .*file/,
      path,
    );
    assert.match(
      await mistake([], document(`- sleep: 1\n  name: \${file:${path}}`)),
      /^INITKIT_STEPS:2:9: name .*file/,
      path,
    );
  }
});

test(
  "an unreadable file is a mistake that says so",
  { skip: process.getuid?.() === 0 && "root reads everything" },
  async () => {
    const path = file("x");
    chmodSync(path, 0);
    assert.match(await mistake(["sleep", "1", "--name", `\${file:${path}}`]), /permission denied/);
  },
);

test("the text of a file is a secret from then on", async () => {
  const path = file("s3cr3t-word\n");
  const { secrets } = await planned(["sleep", "1", "--name", `\${file:${path}}`]);
  assert.doesNotMatch(secrets.redact("it is s3cr3t-word"), /s3cr3t/);
  const message = await mistake(["sleep", `\${file:${path}}`]);
  assert.doesNotMatch(message, /s3cr3t/);
});

test("every unresolved placeholder of a configuration is told, with its place", async () => {
  const message = await mistake([], document("- sleep: ${A}\n  name: ${B}\n- sleep: ${C:x}", {}));
  for (const part of ["INITKIT_STEPS:1:10: ", "INITKIT_STEPS:2:9: ", "INITKIT_STEPS:3:10: "])
    assert.ok(message.includes(part), `${part} in ${message}`);
});

test("a long text of unfinished placeholders is refused at once", () => {
  const startedAt = performance.now();
  assert.throws(() => resolve("${".repeat(20_000)));
  assert.throws(() => resolve("$${".repeat(20_000) + "${"));
  assert.ok(performance.now() - startedAt < 50);
});

test("a literal placeholder in a name stays literal", async () => {
  assert.deepEqual(await names(["sleep", "1", "--name", "$${X}"]), ["${X}"]);
});
