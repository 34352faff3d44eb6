import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { suite, test } from "node:test";
import { failureOf, fileWith, find, inAnHour } from "../helpers/aws-credentials.ts";
import { startFileServer } from "../helpers/file-server.ts";

suite("credentials of the container", () => {
  const given = (key: string) => ({
    AccessKeyId: key,
    SecretAccessKey: "pod-secret",
    Token: "pod-token",
    AccountId: "1",
    Expiration: inAnHour(),
  });
  const agent = (answer: (request: IncomingMessage) => readonly [status: number, body: unknown]) =>
    startFileServer((request, response) => {
      const [status, body] = answer(request);
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    });

  test("are asked for with the token of the file, once, and never through a proxy", async (t) => {
    await using server = await agent(() => [200, given("ASIAPOD")]);
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.origin}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: fileWith(t, "token of the file\n"),
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "token of the variable",
      http_proxy: "http://127.0.0.1:1",
    };
    const found = await find(env);
    assert.deepEqual(
      [found!.accessKeyId, found!.secretAccessKey, found!.sessionToken],
      ["ASIAPOD", "pod-secret", "pod-token"],
    );
    await find(env);
    assert.deepEqual(
      server.seen.map(({ url, headers }) => [url, headers.authorization]),
      [["/v1/credentials", "token of the file"]],
    );
  });

  test("come last", async (t) => {
    const AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://127.0.0.1:1/";
    const AWS_SHARED_CREDENTIALS_FILE = fileWith(
      t,
      "[default]\naws_access_key_id=AKIDFILE\naws_secret_access_key=x",
    );
    const found = await find({ AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_SHARED_CREDENTIALS_FILE });
    assert.equal(found!.accessKeyId, "AKIDFILE");
  });

  test("a refusal says what the agent says, without the token", async () => {
    const AWS_CONTAINER_AUTHORIZATION_TOKEN = "token-of-the-variable";
    const refusal = {
      code: "AccessDeniedException",
      message: "Unauthorized Exception! EKS does not have permissions to assume the associated role.",
    };
    await using server = await agent(() => [403, refusal]);
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: server.origin, AWS_CONTAINER_AUTHORIZATION_TOKEN };
    const failure = await failureOf(env);
    assert.equal(failure.code, "refused");
    assert.match(failure.message, /answered 403 \(AccessDeniedException: Unauthorized Exception!/);
    assert.match(failure.hint!, /Pod Identity association/);
    assert.ok(server.seen[0]!.headers.authorization === AWS_CONTAINER_AUTHORIZATION_TOKEN);
  });

  test("an agent that fails or answers nonsense", async () => {
    await using failing = await agent(() => [500, "[request-id]: could not fetch"]);
    const failed = await failureOf({ AWS_CONTAINER_CREDENTIALS_FULL_URI: failing.origin });
    assert.equal(failed.code, "source-unavailable");
    assert.match(failed.message, /could not fetch/);
    await using other = await agent(() => [200, "hello"]);
    assert.equal((await failureOf({ AWS_CONTAINER_CREDENTIALS_FULL_URI: other.origin })).code, "refused");
  });

  test("are asked for over TLS, or on the node itself, and nowhere else", async () => {
    const uris = [
      "http://example.com/",
      "http://169.254.169.254/",
      "http://127.0.0.1.example.com/",
      "http://[fd00:ec2::24]/",
      "ftp://localhost/",
      "nonsense",
    ];
    for (const uri of uris) {
      const failure = await failureOf({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri });
      assert.equal(failure.code, "configuration", uri);
    }
    const relative = await failureOf({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "@example.com/" });
    assert.equal(relative.code, "configuration");
  });

  test("a token that no header can carry is a configuration error that does not repeat it", async (t) => {
    const failure = await failureOf({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: fileWith(t, "evil\r\nX-Header: 1"),
    });
    assert.equal(failure.code, "configuration");
    assert.doesNotMatch(failure.message, /evil/);
  });
});
