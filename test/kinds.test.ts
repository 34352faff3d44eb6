import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatBytes, formatMs, quote } from "../src/format.ts";
import {
  backoff,
  duration,
  flag,
  header,
  integer,
  type Kind,
  oneOf,
  pair,
  path,
  retries,
  size,
  timeLimit,
} from "../src/kinds.ts";

function accepts<T>(kind: Kind<T>, values: Readonly<Record<string, T>>): void {
  for (const [text, value] of Object.entries(values)) assert.deepEqual(kind.parse(text), value, text);
}

function refuses(kind: Kind<unknown>, texts: readonly string[]): void {
  for (const text of texts)
    assert.throws(() => kind.parse(text), /^Error: (is|has|holds) /, JSON.stringify(text));
}

test("a duration is of Go's form or whole seconds", () => {
  const [second, minute, hour] = [1000, 60_000, 3_600_000];
  accepts(duration, {
    "0": 0,
    "30": 30 * second,
    "007": 7 * second,
    "500ms": 500,
    "30s": 30 * second,
    "1.5s": 1500,
    ".5s": 500,
    "1h30m": 1.5 * hour,
    "1h0m0.5s": hour + 500,
    "100us": 0.1,
    "100µs": 0.1,
    "1m1m": 2 * minute,
    "0s": 0,
    "24h": 24 * hour,
  });
  refuses(duration, [
    "",
    " ",
    "1.5",
    "-1s",
    "+1s",
    "1 s",
    "1d",
    "1w",
    "s",
    ".s",
    "1.2.3s",
    "1S",
    "1sec",
    "1e3s",
    "0x10",
    "１s",
    "1s ",
    "1s\n",
    "Infinity",
    "NaN",
    "1h-1m",
  ]);
  refuses(duration, ["99999999h", "9".repeat(400)]);
});

test("a time limit of 0 is none", () => {
  accepts(timeLimit, { "0": Infinity, "0s": Infinity, "0ms": Infinity, "1ms": 1 });
});

test("a size is in decimal or binary units, or bytes", () => {
  accepts(size, {
    "0": 0,
    "512": 512,
    "10MiB": 10 * 1024 ** 2,
    "1GB": 1e9,
    "1G": 1e9,
    "1Gi": 1024 ** 3,
    "1.5KiB": 1536,
    "10 MiB": 10 * 1024 ** 2,
    "1kb": 1000,
    "1TiB": 1024 ** 4,
  });
  refuses(size, [
    "",
    "MiB",
    "-1",
    "1e3",
    "1.5.5M",
    "10 MiBs",
    "1XB",
    "0x10",
    "1,5M",
    "9".repeat(30),
    "1constructor",
    " 1",
  ]);
});

test("a backoff is FIRST..MAX or one duration", () => {
  accepts(backoff, {
    "200ms..10s": { first: 200, max: 10_000 },
    "2s": { first: 2000 },
    "1s..1s": { first: 1000, max: 1000 },
    "2": { first: 2000 },
  });
  refuses(backoff, ["", "..", "1s..", "..1s", "10s..1s", "0", "0..1s", "1s..2s..3s", "1s-2s", "a..b"]);
});

test("retries is a number or unlimited", () => {
  accepts(retries, { "0": 0, "5": 5, unlimited: Infinity });
  refuses(retries, ["", "-1", "1.5", "many", "Unlimited", "Infinity", "1e3", "9".repeat(30)]);
});

test("an integer is a decimal number of at least its least value", () => {
  accepts(integer(1), { "1": 1, "10": 10 });
  refuses(integer(1), ["0", "", "-1", "1.0", "1e1", "0x1", "9".repeat(20), "١"]);
});

test("a flag, a word of several, a pair, a header and a path", () => {
  accepts(flag, {
    true: true,
    yes: true,
    on: true,
    "1": true,
    TRUE: true,
    false: false,
    no: false,
    off: false,
    "0": false,
  });
  refuses(flag, ["", "maybe", "2", "y"]);
  accepts(oneOf("a", "b"), { a: "a", b: "b" });
  refuses(oneOf("a", "b"), ["", "A", "c", "constructor"]);
  accepts(pair, {
    "A=": { name: "A", value: "" },
    "A=b=c": { name: "A", value: "b=c" },
    "A=\n": { name: "A", value: "\n" },
  });
  refuses(pair, ["", "A", "=b"]);
  accepts(header, { "X-A: b: c": { name: "X-A", value: "b: c" }, "X:": { name: "X", value: "" } });
  refuses(header, ["", "X", ": b", "X Y: b", "X: a\r\nY: b", "X: a\nb", "X\n: a", "Ü: x"]);
  accepts(path, { "/a b": "/a b", ".": "." });
  refuses(path, ["", "a\0b"]);
});

test("a header is secret only where it carries a credential", () => {
  assert.deepEqual(header.secretIn!("X-Trace: abc"), []);
  for (const name of ["Authorization", "cookie", "COOKIE"])
    assert.ok(header.secretIn!(`${name}: abcd`).includes("abcd"));
  assert.ok(header.secretIn!("Authorization: Bearer abcd").includes("abcd"));
  assert.ok(header.secretIn!("Authorization Bearer abcd").includes("abcd"), "without its colon");
});

test("a time that is shown says the same when it is read", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 * 24 * 3600 }), (seconds) => {
      assert.equal(duration.parse(formatMs(seconds * 1000)), seconds * 1000);
    }),
  );
  for (const [ms, text] of [
    [0, "0ms"],
    [85, "85ms"],
    [999.7, "1s"],
    [1200, "1.2s"],
    [59_999, "60s"],
    [125_000, "2m5s"],
    [5_400_000, "1h30m"],
    [3_600_000, "1h"],
  ] as const)
    assert.equal(formatMs(ms), text);
  assert.equal(formatMs(Infinity), "no limit");
});

test("a number of bytes is shown with a unit that fits", () => {
  for (const [bytes, text] of [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [1024 ** 2, "1 MiB"],
    [5 * 1024 ** 3, "5 GiB"],
    [2 ** 60, "1048576 TiB"],
  ] as const)
    assert.equal(formatBytes(bytes), text);
});

test("a quoted text is one line that steers no terminal, and can be read back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const quoted = quote(text);
      assert.doesNotMatch(quoted, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      assert.equal(JSON.parse(quoted), text);
    }),
  );
});
