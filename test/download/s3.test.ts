import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { suite, test } from "node:test";
import fc from "fast-check";
import type { Access } from "../../src/download/http-source.ts";
import { openHttp } from "../../src/download/http-source.ts";
import { regionOf, urlOf } from "../../src/download/s3/endpoint.ts";
import { locateS3 } from "../../src/download/s3/locate.ts";
import { parseS3 } from "../../src/download/s3/object.ts";
import { accessWith } from "../helpers/aws-credentials.ts";
import { fakeS3 } from "../helpers/fake-s3.ts";
import { startFileServer } from "../helpers/file-server.ts";

const keys = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "s3cr3t/+key" };
const known = { AKIDEXAMPLE: { secret: "s3cr3t/+key" } };

const located = async (url: string, access: Access) => (await locateS3(new URL(url), access))[0]!;

/** As the download does. */
async function fetched(url: string, access: Access): Promise<string> {
  using opened = await openHttp(await located(url, access), access);
  return Buffer.concat(await opened!.body.toArray()).toString();
}

/** To a server that stands in for another name. */
async function ask(
  origin: string,
  url: URL,
  headers: Record<string, string>,
): Promise<{ status: number | undefined; text: string }> {
  const { hostname, port } = new URL(origin);
  const path = `${url.pathname}${url.search}`;
  const asked = get({ hostname, port, path, headers: { ...headers, host: url.host }, agent: false });
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode, text: Buffer.concat(await response.toArray()).toString() };
}

suite("an s3 URL", () => {
  test("names bucket, key and version", () => {
    assert.deepEqual(parseS3(new URL("s3://bucket/a/b.tgz")), {
      bucket: "bucket",
      key: "a/b.tgz",
      versionId: undefined,
    });
    assert.equal(parseS3(new URL("s3://bucket/a?versionId=x%2By.z")).versionId, "x+y.z");
  });

  test("has a percent-encoded key, and takes what is no encoding as it is", () => {
    assert.equal(parseS3(new URL("s3://bucket/a%20b+c%25/%C3%BC")).key, "a b+c%/\u00fc");
    assert.equal(parseS3(new URL("s3://bucket/a b/\u00fc")).key, "a b/\u00fc");
    assert.equal(parseS3(new URL("s3://bucket/100%")).key, "100%");
    assert.equal(parseS3(new URL("s3://bucket//a//b")).key, "/a//b");
  });

  for (const [url, why] of [
    ["s3://bucket", "no key"],
    ["s3://bucket/", "no key"],
    ["s3://bucket/folder/", "a folder"],
    ["s3:///key", "no bucket"],
    ["s3:bucket/key", "no bucket"],
    ["s3://bucket:9000/key", "a port"],
    ["s3://b%2Fc/key", "a bucket that would lead elsewhere"],
    ["s3://../key", "a bucket that would lead elsewhere"],
    ["s3://AKID:secret@bucket/key", "credentials"],
    ["s3://bucket/what?.txt", "a ? in the key"],
    ["s3://bucket/key?versionId=", "an empty version"],
    ["s3://bucket/key?versionId=1&x=2", "another parameter"],
    ["s3://bucket/key#1", "a # in the key"],
    ["s3://bucket/a%2F..%2Fb", "a part .. in the key"],
  ] as const) {
    test(`is refused with ${why}: ${url}`, () => {
      assert.throws(() => parseS3(new URL(url)), { name: "Error", message: /^(holds|does|has|takes) / });
    });
  }
});

suite("where an object is", () => {
  const urlFor = (url: string, env: Access["env"] = {}) =>
    urlOf(parseS3(new URL(url)), env, regionOf(env)).href;

  test("on AWS, the bucket is part of the host, in the region that the variables say", () => {
    assert.equal(urlFor("s3://bucket/a/b"), "https://bucket.s3.us-east-1.amazonaws.com/a/b");
    assert.equal(
      urlFor("s3://bucket/a", { AWS_DEFAULT_REGION: "us-west-2", AWS_REGION: "eu-west-1" }),
      "https://bucket.s3.eu-west-1.amazonaws.com/a",
    );
    assert.equal(
      urlFor("s3://bucket/a", { AWS_REGION: "", AWS_DEFAULT_REGION: "cn-north-1" }),
      "https://bucket.s3.cn-north-1.amazonaws.com.cn/a",
    );
  });

  test("on AWS, a bucket whose name cannot be part of a certified host is part of the path", () => {
    for (const bucket of ["my.bucket", "My_Bucket", "ab"])
      assert.equal(urlFor(`s3://${bucket}/a`), `https://s3.us-east-1.amazonaws.com/${bucket}/a`);
  });

  test("at another endpoint, the bucket is part of the path, and the endpoint's own path is kept", () => {
    assert.equal(
      urlFor("s3://bucket/a", { AWS_ENDPOINT_URL: "http://minio:9000" }),
      "http://minio:9000/bucket/a",
    );
    const env = { AWS_ENDPOINT_URL: "http://other", AWS_ENDPOINT_URL_S3: "https://host/gate+way/" };
    assert.equal(urlFor("s3://bucket/a", env), "https://host/gate%2Bway/bucket/a");
    const ignored = { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" };
    assert.equal(urlFor("s3://bucket/a", ignored), "https://bucket.s3.us-east-1.amazonaws.com/a");
  });

  test("the addressing style can be chosen, but an address has no names below it", () => {
    const virtual = { AWS_ENDPOINT_URL: "https://cwobject.com", AWS_S3_ADDRESSING_STYLE: "virtual" };
    assert.equal(urlFor("s3://bucket/a", virtual), "https://bucket.cwobject.com/a");
    assert.equal(urlFor("s3://my.bucket/a", virtual), "https://my.bucket.cwobject.com/a");
    for (const AWS_ENDPOINT_URL of ["http://127.0.0.1:9000", "http://[::1]:9000"])
      assert.equal(urlFor("s3://bucket/a", { ...virtual, AWS_ENDPOINT_URL }), `${AWS_ENDPOINT_URL}/bucket/a`);
    const path = { AWS_S3_ADDRESSING_STYLE: "path" };
    assert.equal(urlFor("s3://bucket/a", path), "https://s3.us-east-1.amazonaws.com/bucket/a");
  });

  test("a variable that makes no sense is a configuration error that names it", () => {
    for (const [name, value] of [
      ["AWS_REGION", "eu-west-1.evil.com/"],
      ["AWS_ENDPOINT_URL", "minio:9000"],
      ["AWS_ENDPOINT_URL_S3", "http://user:secret@minio"],
      ["AWS_ENDPOINT_URL_S3", "https://minio/?x=1"],
      ["AWS_S3_ADDRESSING_STYLE", "vhost"],
    ] as const)
      assert.throws(() => urlFor("s3://bucket/a", { [name]: value }), {
        code: "configuration",
        message: new RegExp(name),
      });
  });

  test("whatever the key, it stays below its bucket and reaches the server as it is", () => {
    const part = fc.oneof(
      fc.constantFrom(
        "..",
        "%2e%2e",
        "/",
        "\\",
        "+",
        "%",
        "?",
        "#",
        " ",
        "\u00fc",
        "\u{1f600}",
        "%2B",
        "'*()!~",
        ";:@&=$,",
      ),
      fc.string({ unit: "grapheme", maxLength: 8 }),
    );
    const key = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(key, (wanted) => {
        const url = new URL(`s3://bucket/${encodeURIComponent(wanted)}`);
        if (/(^|\/)(\.\.?)?$|(^|\/)\.\.?\//.test(wanted)) return;
        const found = urlOf(parseS3(url), { AWS_ENDPOINT_URL: "http://host/base" }, "us-east-1");
        assert.equal(found.search + found.hash, "");
        assert.match(found.pathname, /^\/base\/bucket\/[A-Za-z0-9._~%/-]+$/);
        assert.equal(decodeURIComponent(found.pathname), `/base/bucket/${wanted}`);
      }),
      { numRuns: 500 },
    );
  });
});

suite("a signed request", () => {
  test("is taken by the server, whatever characters are in the key", async () => {
    const names = [
      "plain",
      "a b",
      "a+b",
      "a%b",
      "a%20b",
      "\u00fc/\u4e16\u{1f600}",
      "!'()*",
      ";:@&=$,?#[]",
      "//x",
      "\\",
      '"<>^`{|}',
    ];
    const objects = Object.fromEntries(names.map((name) => [name, `content of ${name}`]));
    await using server = await startFileServer(fakeS3({ buckets: { bucket: objects }, keys: known }));
    const access = accessWith({ ...keys, AWS_ENDPOINT_URL: server.origin });
    for (const name of names)
      assert.equal(await fetched(`s3://bucket/${encodeURIComponent(name)}`, access), `content of ${name}`);
  });

  test("is good for a bucket in the host, a region, a version and headers that are added later", async () => {
    const s3 = fakeS3({
      buckets: { bucket: { "a b": "0123456789" } },
      keys: known,
      region: "eu-west-1",
      host: "s3.eu-west-1.amazonaws.com",
    });
    await using server = await startFileServer(s3);
    const access = accessWith({ ...keys, AWS_REGION: "eu-west-1" });
    const { url, headers } = await located("s3://bucket/a%20b?versionId=3%2FL%2B4", access);
    assert.equal(url.href, "https://bucket.s3.eu-west-1.amazonaws.com/a%20b?versionId=3%2FL%2B4");
    const given = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
    assert.deepEqual(await ask(server.origin, url, given), { status: 200, text: "0123456789" });
    const rest = await ask(server.origin, url, { ...given, range: "bytes=4-" });
    assert.deepEqual(rest, { status: 206, text: "456789" });
  });

  test("carries the session token, and line ends around what a Secret holds do no harm", async () => {
    const token = "FwoGZXIvYXdzEBYaDkexample//////////wEaD==";
    const s3 = fakeS3({
      buckets: { bucket: { a: "text" } },
      keys: { AKIDEXAMPLE: { ...known.AKIDEXAMPLE, token } },
    });
    await using server = await startFileServer(s3);
    const env = {
      AWS_ACCESS_KEY_ID: `${keys.AWS_ACCESS_KEY_ID}\n`,
      AWS_SECRET_ACCESS_KEY: `${keys.AWS_SECRET_ACCESS_KEY}\n`,
      AWS_SESSION_TOKEN: `${token}\n`,
      AWS_ENDPOINT_URL: `${server.origin}/\n`,
    };
    assert.equal(await fetched("s3://bucket/a", accessWith(env)), "text");
  });

  test("signs the x-amz headers that were asked for, and takes no other", async () => {
    const s3 = fakeS3({ buckets: { bucket: { a: "text" } }, keys: known });
    await using server = await startFileServer(s3);
    const header = [
      { name: "X-Amz-Request-Payer", value: "requester" },
      { name: "Authorization", value: "Bearer x" },
    ];
    const access = accessWith({ ...keys, AWS_ENDPOINT_URL: server.origin }, header);
    assert.equal(await fetched("s3://bucket/a", access), "text");
    assert.equal(server.seen[0]!.headers["x-amz-request-payer"], "requester");
  });

  test("is not signed where there are no credentials", async () => {
    const s3 = fakeS3({ buckets: { bucket: { a: "text" } }, open: ["bucket"] });
    await using server = await startFileServer(s3);
    assert.equal(await fetched("s3://bucket/a", accessWith({ AWS_ENDPOINT_URL: server.origin })), "text");
    assert.equal(server.seen[0]!.headers.authorization, undefined);
  });

  test("a file that is still the same is not sent again", async () => {
    const s3 = fakeS3({ buckets: { bucket: { a: "text" } }, keys: known });
    await using server = await startFileServer(s3);
    const access = accessWith({ ...keys, AWS_ENDPOINT_URL: server.origin });
    const location = await located("s3://bucket/a", access);
    using first = await openHttp(location, access);
    await first!.body.toArray();
    assert.equal(await openHttp(location, access, { known: first!.validators }), undefined);
  });
});
