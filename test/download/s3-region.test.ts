import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { openHttp } from "../../src/download/http-source.ts";
import { locateS3 } from "../../src/download/s3/locate.ts";
import { Failure } from "../../src/failure.ts";
import { request } from "../../src/net/http.ts";
import { accessWith } from "../helpers/aws-credentials.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { type FakeS3, fakeS3 } from "../helpers/fake-s3.ts";
import { files, startFileServer } from "../helpers/file-server.ts";
import { runTask } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

const keys = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "s3cr3t/+key" };
const s3: FakeS3 = {
  buckets: { models: { m: "0123456789" }, others: { m: "other" } },
  keys: { AKIDEXAMPLE: { secret: "s3cr3t/+key" } },
  region: "eu-west-1",
};
const region = { "x-amz-bucket-region": "eu-west-1" };

for (const [how, wrongRegion] of [
  ["400, with the region in its body", undefined],
  ["400, with the region in a header", () => ({ status: 400, code: "BadRequest", headers: region })],
  ["301, with the region in a header", () => ({ status: 301, code: "PermanentRedirect", headers: region })],
  [
    "307, with the region in a header and a place where the signature is no good",
    () => ({ status: 307, code: "TemporaryRedirect", headers: { ...region, location: "/models/elsewhere" } }),
  ],
] as [string, FakeS3["wrongRegion"]][]) {
  test(`a wrong region is corrected, and the right one known from then on: ${how}`, async (t) => {
    const folder = temporary(t);
    await using server = await startFileServer(fakeS3({ ...s3, ...(wrongRegion && { wrongRegion }) }));
    const env = { ...keys, AWS_ENDPOINT_URL: server.origin, AWS_REGION: "us-west-2" };
    const words = ["s3://models/m", join(folder, "m"), "--retries", "0", "--no-redirects"];
    const { failure } = await runTask("download", words, { env });
    assert.equal(failure, undefined, String(failure?.message));
    assert.equal(readFileSync(join(folder, "m"), "utf8"), "0123456789");
    assert.equal(server.seen.length, 2);
    assert.equal((await runTask("download", words, { env })).status, "unchanged");
    assert.equal(server.seen.length, 3);
  });
}

test("what is asked for stays the same in the right region: the rest, and only if it is another one", async () => {
  await using server = await startFileServer(fakeS3(s3));
  const access = accessWith({ ...keys, AWS_ENDPOINT_URL: server.origin });
  const [location] = await locateS3(new URL("s3://models/m"), access);
  using first = await openHttp(location!, access);
  const etag = first!.validators.etag!;
  assert.equal(await openHttp(location!, access, { known: { etag } }), undefined);
  using rest = await openHttp(location!, access, { beginning: { bytes: 4, length: 10, ifRange: etag } });
  assert.equal(Buffer.concat(await rest!.body.toArray()).toString(), "456789");
});

test("the region of one bucket is not taken for that of another", async () => {
  await using server = await startFileServer(fakeS3(s3));
  const access = accessWith({ ...keys, AWS_ENDPOINT_URL: server.origin });
  for (const [bucket, asked] of [
    ["models", 2],
    ["models", 3],
    ["others", 5],
  ] as const) {
    using opened = await openHttp((await locateS3(new URL(`s3://${bucket}/m`), access))[0]!, access);
    assert.ok(opened);
    assert.equal(server.seen.length, asked);
  }
});

test("a server that is never content is asked twice, and its last word told", async (t) => {
  const folder = temporary(t);
  let regions = 0;
  const wrongRegion = () => ({
    status: 301,
    code: "PermanentRedirect",
    headers: { "x-amz-bucket-region": `region-${++regions}` },
  });
  await using server = await startFileServer(fakeS3({ ...s3, wrongRegion }));
  const env = { ...keys, AWS_ENDPOINT_URL: server.origin };
  const { failure } = await runTask("download", ["s3://models/m", join(folder, "m")], { env });
  assert.equal(failure?.exitCode, 20);
  assert.match(failure.hint!, /AWS_REGION to region-2$/);
  assert.equal(server.seen.length, 2);
});

test("a redirect that tells no region is followed, without the signature where it leads to another origin", async () => {
  await using other = await startFileServer(files({ "/m": "elsewhere" }));
  await using server = await startFileServer((_, response) => {
    response.writeHead(307, { location: `${other.origin}/m` }).end();
  });
  const access = accessWith({ ...keys, AWS_ENDPOINT_URL: server.origin });
  using opened = await openHttp((await locateS3(new URL("s3://models/m"), access))[0]!, access);
  assert.equal(Buffer.concat(await opened!.body.toArray()).toString(), "elsewhere");
  assert.equal(other.seen[0]!.headers.authorization, undefined);
});

test("on AWS the request goes to the right region's own host, signed for it; without keys too", async () => {
  await using server = await startFileServer((_, response) => void response.writeHead(301, region).end());
  for (const [bucket, env] of [
    ["signed", keys],
    ["anonymous", { AWS_REGION: "us-west-2" }],
  ] as const) {
    const access = accessWith(env);
    const [location] = await locateS3(new URL(`s3://${bucket}/m`), access);
    using response = await request(new URL(server.origin), { signal: access.signal, code: "not-ready" });
    const next = await location!.explain(response);
    assert.ok(!(next instanceof Failure));
    assert.equal(next.url.href, `https://${bucket}.s3.eu-west-1.amazonaws.com/m`);
    const authorization = next.headers.find(({ name }) => name === "authorization")?.value;
    if (env === keys) assert.match(authorization!, /\/eu-west-1\/s3\/aws4_request, /);
    else assert.equal(authorization, undefined);
    assert.equal((await locateS3(new URL(`s3://${bucket}/m`), access))[0]!.url.href, next.url.href);
  }
});

test("a region that is no name of one leads nowhere", async () => {
  for (const name of ["evil.example.com/", "", "EU", "x".repeat(41)]) {
    await using server = await startFileServer((_, response) => {
      response.writeHead(400, { "x-amz-bucket-region": name }).end();
    });
    const access = accessWith({ ...keys, AWS_ENDPOINT_URL: server.origin });
    const [location] = await locateS3(new URL("s3://models/m"), access);
    await assert.rejects(openHttp(location!, access), { code: "refused" });
    assert.equal(server.seen.length, 1);
  }
});

test("the client certificate is shown to the endpoint, and to no other server", async (t) => {
  const folder = temporary(t);
  const authority = makeAuthority();
  const client = issue({ name: "pod", issuer: authority });
  const options = Object.entries({ ca: authority.cert, cert: client.cert, key: client.key }).flatMap(
    ([name, pem]) => {
      writeFileSync(join(folder, name), pem);
      return [`--${name}`, join(folder, name)];
    },
  );
  const tls = {
    ...issue({ names: ["127.0.0.1"], issuer: authority }),
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const shown: (string | string[] | undefined)[] = [];
  const note = ({ socket }: IncomingMessage) =>
    shown.push((socket as TLSSocket).getPeerCertificate().subject?.CN);
  await using other = await startFileServer((asked, response) => {
    note(asked);
    response.end("elsewhere");
  }, tls);
  await using server = await startFileServer((asked, response) => {
    note(asked);
    response.writeHead(302, { location: `${other.origin}/m` }).end();
  }, tls);
  const env = { ...keys, AWS_ENDPOINT_URL: server.origin };
  const { failure } = await runTask("download", ["s3://models/m", join(folder, "m"), ...options], { env });
  assert.equal(failure, undefined, String(failure?.message));
  assert.deepEqual(shown, ["pod", undefined]);
});
