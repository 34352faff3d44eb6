import assert from "node:assert/strict";
import { test } from "node:test";
import { statusFailure } from "../../src/download/status.ts";

const failureOf = (status: number, headers = {}) =>
  statusFailure({ status, headers, url: new URL("https://host/path") } as Parameters<
    typeof statusFailure
  >[0]);

test("every answer that is no file says what to do next, and whether another try can help", () => {
  for (let status = 201; status < 600; status++) {
    const { hint, message, permanent } = failureOf(status);
    assert.ok(hint, String(status));
    assert.ok(message.includes(String(status)));
    assert.equal(permanent, !(status >= 500 || [202, 408, 425, 429].includes(status)), String(status));
  }
});

test("only an answer that names another place speaks of redirects", () => {
  assert.match(failureOf(302, { location: "/there" }).hint!, /no-redirects/);
  for (const status of [300, 302, 304]) assert.doesNotMatch(failureOf(status).hint!, /no-redirects/);
});
