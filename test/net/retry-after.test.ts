import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { retryAfterOf } from "../../src/net/retry-after.ts";

const today = Date.parse("2026-01-01T00:00:00Z");

test("Retry-After is seconds or a date", () => {
  assert.equal(retryAfterOf("120", today), 120_000);
  assert.equal(retryAfterOf("0", today), 0);
  assert.equal(retryAfterOf("Thu, 01 Jan 2026 00:01:00 GMT", today), 60_000);
  assert.equal(retryAfterOf("Wed, 31 Dec 2025 00:00:00 GMT", today), 0);
});

test("anything else is no Retry-After", () => {
  for (const header of [undefined, "", "soon", "-1", "1.5", "99999999999", ["1", "2"]]) {
    assert.equal(retryAfterOf(header, today), undefined, String(header));
  }
  fc.assert(fc.property(fc.string(), (header) => !Number.isNaN(retryAfterOf(header, today))));
});
