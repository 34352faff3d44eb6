import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseContentRange, restAfter } from "../../src/download/partial.ts";
import { ifRangeOf } from "../../src/download/validators.ts";

const date = "Tue, 03 Mar 2026 10:00:00 GMT";
const dated = (seconds: number) => new Date(Date.parse(date) + seconds * 1000).toUTCString();

for (const [value, found] of [
  ["bytes 0-0/1", { first: 0, length: 1 }],
  ["Bytes 5-9/10", { first: 5, length: 10 }],
  ["bytes */10", { first: undefined, length: 10 }],
  ["bytes 5-9/*", undefined],
  ["bytes 9-5/10", undefined],
  ["bytes 5-10/10", undefined],
  ["bytes 5-9/10, bytes 0-1/10", undefined],
  ["bytes=5-9/10", undefined],
  ["bytes -5/10", undefined],
  ["", undefined],
] as const) {
  test(`Content-Range ${JSON.stringify(value)} is ${found ? "understood" : "none"}`, () => {
    assert.deepEqual(parseContentRange(value), found);
  });
}

test("a Content-Range is understood or none, whatever it says", () => {
  const likely = fc.stringMatching(/^bytes [0-9*]{0,17}-?[0-9*]{0,17}\/[0-9*]{0,17}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), likely), (value) => {
      const { first = 0, length } = parseContentRange(value) ?? { length: 1 };
      assert.ok(Number.isSafeInteger(length) && first <= length);
    }),
  );
});

for (const [what, headers, found] of [
  ["a strong ETag", { etag: '"a b"' }, '"a b"'],
  ["a strong ETag and a date", { etag: '"1"', "last-modified": date, date: dated(90) }, '"1"'],
  ["a weak ETag", { etag: 'W/"1"', "last-modified": date, date: dated(90) }, undefined],
  ["an ETag without quotes", { etag: "1", "last-modified": date, date: dated(90) }, undefined],
  ["a date a minute old", { "last-modified": date, date: dated(60) }, date],
  ["a date less than a minute old", { "last-modified": date, date: dated(59) }, undefined],
  ["a date in the future", { "last-modified": date, date: dated(-90) }, undefined],
  ["a date without a clock", { "last-modified": date }, undefined],
  ["no date", { "last-modified": "soon", date }, undefined],
  ["nothing", {}, undefined],
] as const) {
  test(`${what} ${found ? "may" : "may not"} stand in If-Range`, () =>
    assert.equal(ifRangeOf(headers), found));
}

test("an answer carries on only where it begins, is of that length and has that ETag", () => {
  const beginning = { bytes: 5, length: 10, ifRange: '"1"' };
  const answer = (etag: string, first: number, length: number) =>
    restAfter(beginning, {
      status: 206,
      headers: { etag, "content-range": `bytes ${first}-${length - 1}/${length}` },
    });
  assert.deepEqual(answer('"1"', 5, 10), { length: 10 });
  for (const [etag, first, length] of [
    ['"2"', 5, 10],
    ['W/"1"', 5, 10],
    ["", 5, 10],
    ['"1"', 4, 10],
    ['"1"', 5, 11],
  ] as const)
    assert.equal(answer(etag, first, length), undefined);
});
