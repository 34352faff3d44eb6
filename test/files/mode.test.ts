import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { applyMode, mode } from "../../src/files/mode.ts";
import { temporaryFolder } from "../helpers/tree.ts";

const octal = (bits: number): string => bits.toString(8);
const applied = (spec: string, current: number, isDirectory = false): string =>
  octal(applyMode(mode.parse(spec), current, isDirectory));

test("octal modes are octal with or without a leading zero, and in YAML's form", () => {
  for (const spec of ["640", "0640", "0o640", "0O640", "00640"])
    assert.equal(applied(spec, 0o4777), "640", spec);
  assert.equal(applied("0", 0o777), "0");
  assert.equal(applied("4755", 0o644), "4755");
});

test("octal modes keep the set-id bits of a folder, unless they write them out or have five digits", () => {
  assert.equal(applied("755", 0o2700, true), "2755");
  assert.equal(applied("0755", 0o6700, true), "6755");
  assert.equal(applied("0o755", 0o2700, true), "2755");
  assert.equal(applied("4755", 0o2700, true), "6755");
  assert.equal(applied("00755", 0o6700, true), "755");
  assert.equal(applied("0755", 0o1777, true), "755");
  assert.equal(applied("755", 0o2700, false), "755");
});

test("X gives x to folders and to what somebody may execute already", () => {
  assert.equal(applied("u=rwX,g=rX,o=", 0o600), "640");
  assert.equal(applied("u=rwX,g=rX,o=", 0o700), "750");
  assert.equal(applied("u=rwX,g=rX,o=", 0o007), "750");
  assert.equal(applied("u=rwX,g=rX,o=", 0o600, true), "750");
});

test("a missing class means all of them, whatever the umask", () => {
  const before = process.umask(0o077);
  try {
    assert.equal(applied("+r", 0), "444");
    assert.equal(applied("=rw", 0o777), "666");
  } finally {
    process.umask(before);
  }
});

test("what is no mode is refused", () => {
  const wrong = [
    "",
    "8",
    "0778",
    "10000",
    "00010000",
    "-1",
    "0x1ff",
    "7 5 5",
    "u",
    "u=rwx,",
    ",",
    "u=k",
    "u=ugo",
    "u=gr",
    "rwxr-xr-x",
    "0755,g+s",
    "u+r g+r",
    "755.0",
    "٧٥٥",
  ];
  for (const spec of wrong) assert.throws(() => mode.parse(spec), /is not/, spec);
});

test("a list that gives another mode each time is refused", () => {
  for (const spec of ["u=g,g=o", "+X,u+x", "o=g,g=u,u=o"])
    assert.throws(() => mode.parse(spec), /each time/, spec);
});

const bits = fc.integer({ min: 0, max: 0o7777 });
const action = fc
  .tuple(
    fc.constantFrom("+", "-", "="),
    fc.oneof(
      fc.constantFrom("u", "g", "o"),
      fc.subarray(["r", "w", "x", "X", "s", "t"]).map((each) => each.join("")),
    ),
  )
  .map((parts) => parts.join(""));
const clause = fc
  .tuple(fc.subarray(["u", "g", "o", "a"]), fc.array(action, { minLength: 1, maxLength: 3 }))
  .map(([classes, actions]) => classes.join("") + actions.join(""));
const symbolic = fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses) => clauses.join(","));
const digits = fc.tuple(fc.constantFrom("", "0", "00"), bits).map(([zeros, number]) => zeros + octal(number));

function settles(spec: string): boolean {
  try {
    mode.parse(spec);
    return true;
  } catch (error) {
    assert.match(String(error), /each time/);
    return false;
  }
}

test("a mode that is accepted changes nothing when it is applied again", () => {
  fc.assert(
    fc.property(symbolic.filter(settles), bits, fc.boolean(), (spec, current, isDirectory) => {
      const parsed = mode.parse(spec);
      const once = applyMode(parsed, current, isDirectory);
      assert.equal(octal(applyMode(parsed, once, isDirectory)), octal(once));
    }),
    { numRuns: 2000 },
  );
});

function hasGnuChmod(): boolean {
  try {
    return execFileSync("chmod", ["--version"], { encoding: "utf8" }).includes("GNU coreutils");
  } catch {
    return false;
  }
}

test("a mode has the effect that it has in chmod", { skip: !hasGnuChmod() && "needs GNU coreutils" }, () => {
  using folder = temporaryFolder();
  const paths = Array.from({ length: 6 }, (_, index) => join(folder.path, `${index}`));
  for (const path of paths.slice(0, 3)) writeFileSync(path, "");
  for (const path of paths.slice(3)) mkdirSync(path);
  fc.assert(
    fc.property(fc.oneof(symbolic, digits).filter(settles), fc.tuple(bits, bits, bits), (spec, three) => {
      const before = [...three, ...three].map((current, index) => {
        chmodSync(paths[index]!, current);
        return statSync(paths[index]!).mode & 0o7777;
      });
      execFileSync("sh", ["-c", 'umask 0; exec chmod -- "$@"', "sh", spec, ...paths]);
      const after = paths.map((path) => octal(statSync(path).mode & 0o7777));
      const expected = before.map((current, index) => applied(spec, current, index >= 3));
      assert.deepEqual(expected, after);
    }),
    { numRuns: 100 },
  );
});
