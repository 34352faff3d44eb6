import assert from "node:assert/strict";
import { test } from "node:test";
import { expiryOf } from "../../src/download/presigned.ts";
import { statusFailure } from "../../src/download/status.ts";

const expiry = (query: string) => expiryOf(new URL(`https://host/path?${query}`))?.toISOString();

test("a presigned URL tells until when it is good, whoever has signed it", () => {
  const [at, end] = ["20260301T235959Z", "2026-03-02T00:59:59.000Z"];
  assert.equal(expiry(`X-Amz-Date=${at}&X-Amz-Expires=3600&X-Amz-Signature=x`), end);
  assert.equal(expiry(`X-Goog-Date=${at}&X-Goog-Expires=3600&X-Goog-Signature=x`), end);
  assert.equal(expiry("AWSAccessKeyId=x&Expires=1772413199&Signature=x"), end);
  assert.equal(expiry("sv=2022-11-02&se=2026-03-02T00%3A59%3A59Z&sr=b&sp=r&sig=x"), end);
});

test("a URL that is not presigned, or not as anyone signs it, tells nothing", () => {
  for (const query of [
    "",
    "se=2026-03-02",
    "Expires=never",
    "X-Amz-Date=20260301T235959Z",
    "X-Amz-Date=today&X-Amz-Expires=3600",
    "X-Amz-Date=20260301T235959Z&X-Amz-Expires=1e99",
  ])
    assert.equal(expiry(query), undefined, query);
});

test("a refusal says that the URL has expired where it has, whatever the status", () => {
  const hintOf = (status: number, expires: number) => {
    const url = new URL(`https://host/path?Expires=${expires}`);
    return statusFailure({ status, url, headers: {} } as Parameters<typeof statusFailure>[0]).hint ?? "";
  };
  for (const status of [400, 403])
    assert.match(hintOf(status, 1_772_413_199), /^the presigned URL was good /);
  assert.doesNotMatch(hintOf(403, 32_503_680_000), /was good/);
});
