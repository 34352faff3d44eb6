import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { interpolate } from "../../src/interpolate.ts";
import { Marks, type MarkOptions } from "../../src/render/marks.ts";
import { render } from "../../src/render/render.ts";
import { Secrets } from "../../src/secrets.ts";

interface Rendered {
  readonly text: string;
  /** `NAME:line` of what has no value. */
  readonly gaps: string[];
}

function rendered(template: Buffer[], options: Partial<MarkOptions> = {}): Rendered {
  const gaps: string[] = [];
  const marks = new Marks({ env: {}, only: [], set: [], ...options });
  const chunks = render(template, marks, ({ gap }, line) => {
    if (gap) gaps.push(`${"unset" in gap ? gap.unset : gap.form}:${line}`);
  });
  return { text: Buffer.concat([...chunks]).toString("latin1"), gaps };
}

const text = (template: string, options: Partial<MarkOptions> = {}): string =>
  Buffer.from(rendered([Buffer.from(template)], options).text, "latin1").toString();

const gaps = (template: string, options: Partial<MarkOptions> = {}): string[] =>
  rendered([Buffer.from(template)], options).gaps;

const pairs = (set: Record<string, string>) => Object.entries(set).map(([name, value]) => ({ name, value }));

test("variables and defaults are replaced, and an empty variable is nothing or gives way to a default", () => {
  const env = { HOST: "db", EMPTY: "", ACCENT: "\u00e9\u{1f600}" };
  assert.equal(text("a ${HOST}:${PORT:-5432}/${EMPTY}|${EMPTY:-x}|${NONE:-}", { env }), "a db:5432/|x|");
  assert.equal(text("\u00fc ${ACCENT} \u00fc", { env }), "\u00fc \u00e9\u{1f600} \u00fc");
  assert.equal(text("${A:-two\nlines}"), "two\nlines");
});

test("a value is never looked into again", () => {
  const env = { A: "${B} $${ @@X@@", B: "b" };
  assert.equal(text("${A} @@X@@", { env, set: pairs({ "@@X@@": "${B}@@X@@" }) }), "${B} $${ @@X@@ ${B}@@X@@");
});

test("the longest placeholder is taken where several begin", () => {
  const set = pairs({ "@A": "1", "@AB": "2", "(.*)": "3", "\u00fc": "4" });
  assert.equal(text("@A @AB @ABC (.*) x \u00fc", { set }), "1 2 2C 3 x 4");
});

test("dollar signs of nginx, shells, Make and GitHub stay, and $${ is a literal ${", () => {
  const same = "$host ${1} ${#x} ${} ${{ x }} $$ $(x) ${!x} {x} ${";
  assert.equal(text(same), same);
  assert.equal(text("$${HOST} $$${HOST}", { env: { HOST: "db" } }), "${HOST} $${HOST}");
});

test("what has no value is told with its line, another form of ${NAME} too", () => {
  const template = "${A}\n$A ${B:-x} ${A:?n\u00f6}\r\n\n${C%%.*} ${D\n${file:/x} ${E-";
  assert.deepEqual(gaps(template), ["A:1", "${A:?:2", "${C%%:4", "${D:4", "${file:/:5", "${E-:5"]);
  assert.equal(rendered([Buffer.from([0x24, 0x7b, 0x41, 0xff, 0x7d])]).text, "${A\u00ff}");
});

test("names that every object has are no variables", () => {
  assert.deepEqual(gaps("${constructor} ${__proto__} ${toString:-x}"), ["constructor:1", "__proto__:1"]);
});

test("with only, every other ${ stays, and so do escapes of others", () => {
  const options = { env: { A: "a", B: "b" }, only: ["A", "NONE"] };
  const same = "${B} ${AB} ${A:?x} ${A%x} $${B} ${C} ${B:-${x}";
  assert.equal(text(same, options), same);
  assert.deepEqual(gaps(same, options), []);
  assert.equal(text("${A}${A:-x}${NONE:-y} $${A} $${A:-x}", options), "aay ${A} ${A:-x}");
  assert.deepEqual(gaps("${NONE}", options), ["NONE:1"]);
});

test("bytes around the marks stay, whatever they are", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (before, after) => {
      const [one, two] = [before, after].map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x24)));
      const template = Buffer.concat([one!, Buffer.from("${A}"), two!]);
      const expected = Buffer.concat([one!, Buffer.from("\u00e9"), two!]).toString("latin1");
      assert.equal(rendered([template], { env: { A: "\u00e9" } }).text, expected);
    }),
  );
});

const fragment = fc.constantFrom(
  "${A}",
  "${B:-x}",
  "${N",
  "}",
  "$",
  "$${",
  "{",
  "\n",
  "@@",
  "@@A",
  "${C:?",
  "z",
);
const options = { env: { A: "1" }, set: pairs({ "@@": "2", "@@A": "3" }) };

test("it makes no difference how a file is read, piece by piece or whole", () => {
  const gap = fc.constantFrom(0, 1, 65_990, 70_000);
  const parts = fc.array(fc.tuple(fc.array(fragment, { maxLength: 6 }), gap), { maxLength: 4 });
  fc.assert(
    fc.property(parts, fc.constantFrom(7919, 65_536, 66_003), (pieces, size) => {
      const whole = Buffer.from(
        pieces.map(([marks, padding]) => marks.join("") + "-".repeat(padding)).join(""),
      );
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      assert.deepEqual(rendered(chunks, options), rendered([whole], options));
    }),
    { numRuns: 60 },
  );
});

test("what an option takes means the same in a file", () => {
  const env = { A: "1", B: "2" };
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 8 }), (pieces) => {
      const template = pieces.join("");
      let expected: string;
      try {
        expected = interpolate(template, { env, secrets: new Secrets({}) });
      } catch {
        return;
      }
      assert.equal(text(template, { env }), expected);
    }),
    { numRuns: 1000 },
  );
});

test("a value is repeated as often as it takes, without the whole being held", () => {
  const [value, times] = ["v".repeat(100_000), 2000];
  const marks = new Marks({ env: { A: value }, only: [], set: [] });
  let length = 0;
  for (const chunk of render([Buffer.from("${A}".repeat(times))], marks, () => {})) {
    assert.ok(chunk.length < 1_000_000);
    length += chunk.length;
  }
  assert.equal(length, value.length * times);
});
