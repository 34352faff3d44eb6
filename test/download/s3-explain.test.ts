import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import type { Access } from "../../src/download/http-source.ts";
import { explainS3 } from "../../src/download/s3/explain.ts";
import { locateS3 } from "../../src/download/s3/locate.ts";
import { request } from "../../src/net/http.ts";
import { accessWith } from "../helpers/aws-credentials.ts";
import { type FakeS3, fakeS3 } from "../helpers/fake-s3.ts";
import { startFileServer } from "../helpers/file-server.ts";

const secret = "s3cr3t/+key";
const token = "FwoGZXIvYXdzEBYaDkexampletoken";
const env = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token };
const s3: FakeS3 = {
  buckets: { bucket: { a: "text" } },
  keys: { AKIDEXAMPLE: { secret, token } },
};

/** What it means where a fake S3 does not give an object. */
async function refusal(server: FakeS3, variables: Access["env"], url = "s3://bucket/a"): Promise<Failure> {
  await using fake = await startFileServer(fakeS3(server));
  const access = accessWith({ ...variables, AWS_ENDPOINT_URL_S3: fake.origin });
  const [location] = await locateS3(new URL(url), access);
  using response = await request(location!.url, {
    headers: location!.headers,
    signal: access.signal,
    code: "source-unavailable",
  });
  const meaning = await location!.explain(response);
  assert.ok(meaning instanceof Failure);
  return meaning;
}

suite("an answer of S3 is explained", () => {
  test("no credentials: which may be given, and that the node's are not used", async () => {
    const failure = await refusal(s3, {});
    assert.equal(failure.code, "refused");
    assert.match(failure.message, /answered 403 \(AccessDenied: words of AccessDenied\)$/);
    assert.match(failure.hint!, /AWS_ACCESS_KEY_ID.*IRSA.*metadata service is not asked/);
  });

  test("a wrong secret: whose it was, and nothing of what was signed", async () => {
    const failure = await refusal(s3, { ...env, AWS_SECRET_ACCESS_KEY: "wrong-secret" });
    assert.equal(failure.code, "refused");
    assert.match(failure.message, /\(SignatureDoesNotMatch: words of SignatureDoesNotMatch\)$/);
    assert.match(failure.hint!, /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: .*cut off/);
    const all = JSON.stringify([failure.message, failure.hint, failure.options]);
    for (const hidden of [token, "wrong-secret", "AWS4-HMAC-SHA256"]) assert.ok(!all.includes(hidden));
  });

  test("no credentials and an answer without words, as another protocol of the server gives it", () => {
    for (const status of [400, 401, 403])
      assert.match(explainS3(status, {}, "").hint!, /^the request was not signed/);
    assert.equal(explainS3(400, {}, "", "the profile").hint, undefined);
  });

  test("something that the server does not know: what to leave out", () => {
    assert.match(explainS3(501, {}, "<Error><Code>NotImplemented</Code></Error>").hint!, /versionId/);
  });

  test("an unknown access key, and a token that has expired", async () => {
    const unknown = await refusal(s3, { ...env, AWS_ACCESS_KEY_ID: "AKIDOTHER" });
    assert.match(unknown.hint!, /does not know the access key/);
    const expired = await refusal(s3, { ...env, AWS_SESSION_TOKEN: "older" });
    assert.equal(expired.code, "refused");
    assert.match(expired.hint!, /session token has expired/);
  });

  test("another region: which one", () => {
    const [headers, xml] = [
      { "x-amz-bucket-region": "eu-west-3" },
      "<Error><Code>PermanentRedirect</Code></Error>",
    ];
    for (const body of [xml, ""])
      assert.match(explainS3(301, headers, body).hint!, /set AWS_REGION to eu-west-3$/);
    assert.match(explainS3(301, { "x-amz-bucket-region": "x y" }, xml).hint!, /check AWS_REGION and/);
  });

  test("a wrong clock: both of them", async () => {
    const now = Date.now() + 20 * 60_000;
    const failure = await refusal({ ...s3, now: () => now }, env);
    assert.equal(failure.code, "refused");
    assert.ok(failure.hint!.includes(`there ${new Date(now).toISOString()}`));
  });

  test("a clock that is a little wrong does no harm", async () => {
    const failure = await refusal({ ...s3, now: () => Date.now() - 10 * 60_000 }, env, "s3://bucket/b");
    assert.match(failure.message, /NoSuchKey/);
  });

  test("no such key, no such bucket", async () => {
    const key = await refusal(s3, env, "s3://bucket/b");
    assert.equal(key.code, "refused");
    assert.match(key.hint!, /check the key/);
    const bucket = await refusal(s3, env, "s3://other/a");
    assert.match(bucket.hint!, /name of the bucket/);
  });

  test("an object that is archived, and a version that is a mark", () => {
    const hintOf = (status: number, code: string) =>
      explainS3(status, {}, `<Error><Code>${code}</Code></Error>`, "x").hint!;
    assert.match(hintOf(403, "InvalidObjectState"), /^the object is archived/);
    assert.match(hintOf(405, "MethodNotAllowed"), /deleted/);
  });

  test("what passes is told from what does not", () => {
    const about = (status: number, code: string) =>
      explainS3(status, {}, `<Error><Code>${code}</Code></Error>`);
    assert.ok(about(400, "RequestTimeout").isTransient);
    assert.ok(!about(400, "InvalidRequest").isTransient);
  });

  test("an answer of a proxy, which is no XML", () => {
    const { says, hint } = explainS3(403, {}, "<html><body>Forbidden</body></html>", "a role");
    assert.equal(says, undefined);
    assert.match(hint!, /^signed with the credentials of a role/);
    assert.deepEqual(explainS3(502, {}, "Bad Gateway"), {
      says: undefined,
      hint: undefined,
      isTransient: false,
    });
  });

  test("words of a server are told on one line and not at any length", () => {
    const body = `<Error><Code>X</Code><Message>a &amp;&#10;${"b".repeat(5_000)}</Message></Error>`;
    const { says } = explainS3(400, {}, body);
    assert.match(says!, /^X: a & b+…$/);
    assert.ok(says!.length <= 301);
  });
});
