import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import type { RequestListener } from "node:http";
import { suite, test, type TestContext } from "node:test";
import { failureOf, fileWith, find, inAnHour } from "../helpers/aws-credentials.ts";
import { type FileServer, startFileServer } from "../helpers/file-server.ts";

/** What was posted, for a server that answers when it has all of it. */
function onForm(answer: (form: URLSearchParams) => readonly [status: number, xml: string]): RequestListener {
  return (request, response) => {
    void request.toArray().then((chunks) => {
      const [status, xml] = answer(new URLSearchParams(Buffer.concat(chunks).toString()));
      response.writeHead(status, { "content-type": "text/xml" }).end(xml);
    });
  };
}

const assumed = (key: string, expiration = inAnHour()): string => `
  <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <AssumeRoleWithWebIdentityResult>
      <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/reader/initkit</Arn></AssumedRoleUser>
      <Credentials>
        <AccessKeyId>${key}</AccessKeyId>
        <SecretAccessKey>role/+secret</SecretAccessKey>
        <SessionToken>role-token==</SessionToken>
        <Expiration>${expiration}</Expiration>
      </Credentials>
    </AssumeRoleWithWebIdentityResult>
  </AssumeRoleWithWebIdentityResponse>`;

const refusedWith = (code: string, message: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;

suite("a role taken on with a service account's token", () => {
  const AWS_ROLE_ARN = "arn:aws:iam::1:role/reader";
  const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
  const variables = (t: TestContext, { origin }: FileServer) => ({
    AWS_ROLE_ARN,
    AWS_WEB_IDENTITY_TOKEN_FILE: fileWith(t, `${jwt}\n`),
    AWS_ENDPOINT_URL_STS: origin,
  });

  test("is asked for at STS, once until shortly before it ends", async (t) => {
    const forms: URLSearchParams[] = [];
    const answer = onForm((form) => {
      forms.push(form);
      return [200, assumed(`ASIA${forms.length}`)];
    });
    await using sts = await startFileServer(answer);
    const env = variables(t, sts);
    const found = await find(env);
    assert.deepEqual(
      { ...found, origin: "" },
      { accessKeyId: "ASIA1", secretAccessKey: "role/+secret", sessionToken: "role-token==", origin: "" },
    );
    assert.deepEqual(await find(env), found);
    assert.equal(forms.length, 1);
    assert.deepEqual(Object.fromEntries(forms[0]!), {
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: AWS_ROLE_ARN,
      RoleSessionName: "initkit",
      WebIdentityToken: jwt,
    });
    const named = await find({ ...env, AWS_ROLE_SESSION_NAME: "job-1" });
    assert.equal(named!.accessKeyId, "ASIA2");
    assert.equal(forms[1]!.get("RoleSessionName"), "job-1");
  });

  test("is asked for again where it ends soon", async (t) => {
    let asked = 0;
    const soon = new Date(Date.now() + 4 * 60_000).toISOString();
    await using sts = await startFileServer(onForm(() => [200, assumed(`ASIA${++asked}`, soon)]));
    const env = variables(t, sts);
    assert.equal((await find(env))!.accessKeyId, "ASIA1");
    assert.equal((await find(env))!.accessKeyId, "ASIA2");
  });

  const refusals = [
    ["AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", /trust policy/],
    ["ExpiredTokenException", "Token expired: current date/time 1 must be before 0", /has expired/],
    [
      "InvalidIdentityToken",
      "No OpenIDConnect provider found in your account for https://x",
      /OIDC identity/,
    ],
    ["InvalidIdentityToken", "Incorrect token audience", /audience sts.amazonaws.com/],
  ] as const;
  for (const [code, message, hint] of refusals)
    test(`is refused for good: ${message}`, async (t) => {
      await using sts = await startFileServer(
        onForm(() => [code === "AccessDenied" ? 403 : 400, refusedWith(code, message)]),
      );
      const failure = await failureOf(variables(t, sts));
      assert.equal(failure.code, "refused");
      assert.ok(failure.message.includes(`${code}: ${message}`), failure.message);
      assert.match(failure.hint!, hint);
    });

  test("may be had later: STS fails, or cannot reach the issuer of the token", async (t) => {
    const answers = [
      [503, "busy"],
      [400, refusedWith("IDPCommunicationError", "The identity provider could not be reached")],
      [
        400,
        refusedWith("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"),
      ],
    ] as const;
    for (const answer of answers) {
      await using sts = await startFileServer(onForm(() => answer));
      assert.equal((await failureOf(variables(t, sts))).code, "source-unavailable");
    }
  });

  test("an STS that cannot be reached is unavailable, and the message says for what", async (t) => {
    const sts = await startFileServer(() => {});
    await sts[Symbol.asyncDispose]();
    const failure = await failureOf(variables(t, sts));
    assert.equal(failure.code, "source-unavailable");
    assert.match(failure.message, /^no AWS credentials: /);
  });

  test("a server that is no STS is refused", async (t) => {
    await using sts = await startFileServer(onForm(() => [200, "<html></html>"]));
    assert.equal((await failureOf(variables(t, sts))).code, "refused");
  });

  test("the token is never told, nor sent where a redirect leads", async (t) => {
    await using other = await startFileServer((_, response) => response.end(assumed("ASIAOTHER")));
    await using sts = await startFileServer((_, response) => {
      response.writeHead(307, { location: other.origin }).end(refusedWith("Moved", `you sent ${jwt}`));
    });
    const failure = await failureOf(variables(t, sts));
    assert.equal(failure.code, "refused");
    assert.match(failure.message, /you sent \*\*\*/);
    assert.equal(other.seen.length, 0);
  });

  test("needs the role and a token that can be read", async (t) => {
    const AWS_WEB_IDENTITY_TOKEN_FILE = fileWith(t, jwt);
    const noRole = await failureOf({ AWS_WEB_IDENTITY_TOKEN_FILE });
    assert.deepEqual([noRole.code, noRole.exitCode], ["configuration", 2]);
    assert.match(noRole.hint!, /eks.amazonaws.com\/role-arn/);
    const noToken = await failureOf({ AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE: "/nowhere" });
    assert.equal(noToken.code, "configuration");
    assert.match(noToken.message, /AWS_WEB_IDENTITY_TOKEN_FILE: cannot read/);
    const isRoot = process.getuid!() === 0;
    chmodSync(AWS_WEB_IDENTITY_TOKEN_FILE, 0);
    if (!isRoot)
      assert.match((await failureOf({ AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE })).hint!, /fsGroup/);
  });
});
