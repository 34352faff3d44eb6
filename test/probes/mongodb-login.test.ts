import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { error, failsAt, startMongo, urlOf } from "../helpers/mongodb-fake.ts";
import { ready } from "../helpers/wait.ts";

const once = ["--successes", "1"];

test("a password logs in by the better mechanism that the user has", async () => {
  const digest = createHash("md5").update("me:mongo:pass").digest("hex");
  for (const [mechanisms, password, chosen] of [
    [["SCRAM-SHA-1", "SCRAM-SHA-256"], "pass", "SCRAM-SHA-256"],
    [["SCRAM-SHA-1"], digest, "SCRAM-SHA-1"],
  ] as const) {
    await using fake = await startMongo({ users: [{ name: "me", password, mechanisms }] });
    await ready(urlOf(fake, "me:pass@"), ...once);
    assert.equal(fake.commands[0]!["saslSupportedMechs"], "admin.me");
    assert.equal(fake.commands[1]!["mechanism"], chosen);
    assert.equal(fake.commands.length, 3);
    await fake.idle();
  }
});

test("the mechanism of the URL counts, DEFAULT meaning that it is agreed on", async () => {
  const digest = createHash("md5").update("me:mongo:pass").digest("hex");
  await using older = await startMongo({ users: [{ name: "me", password: digest }] });
  await ready(urlOf(older, "me:pass@", "/?authMechanism=SCRAM-SHA-1"), ...once);
  await using newer = await startMongo({ users: [{ name: "me", password: "pass" }] });
  await ready(urlOf(newer, "me:pass@", "/?authMechanism=DEFAULT"), ...once);
});

test("the user is looked for in authSource, in the database of the URL, or in admin", async () => {
  for (const [source, rest] of [
    ["admin", ""],
    ["shop", "/shop"],
    ["people", "/shop?authSource=people"],
  ]) {
    await using fake = await startMongo({ users: [{ name: "me", password: "pass", source: source! }] });
    await ready(urlOf(fake, "me:pass@", rest), ...once);
    assert.equal(fake.commands[1]!["$db"], source);
  }
});

test("names and passwords may hold any character", async () => {
  await using fake = await startMongo({
    users: [{ name: "a=b,c", password: "p\u00e4 ss\ufb03".normalize("NFKC") }],
  });
  await ready(urlOf(fake, `a%3Db%2Cc:${encodeURIComponent("pa\u0308\u00a0s\u00ads\ufb03")}@`), ...once);
});

test("a server of the old times ends a login with an empty message", async () => {
  await using fake = await startMongo({ users: [{ name: "me", password: "pass" }], isOld: true });
  await ready(urlOf(fake, "me:pass@"), ...once);
  assert.equal(fake.commands.length, 4);
});

test("a wrong password and an unknown user are refused at once, and the password is never told", async () => {
  for (const userinfo of ["me:s3cret@", "nobody:s3cret@"]) {
    const users = [{ name: "me", password: "pass" }];
    const { failure, attempts } = await failsAt("refused", { users }, userinfo);
    assert.equal(failure.kind, "mongodb:18");
    assert.match(failure.message, /Authentication failed/);
    assert.match(failure.hint!, /authSource/);
    assert.doesNotMatch(`${failure.message} ${failure.hint}`, /s3cret/);
    assert.equal(attempts, 1);
  }
});

test("Atlas and a missing mechanism refuse too, other errors of a login do not", async () => {
  for (const [code, text, expected] of [
    [8000, "bad auth : Authentication failed.", "refused"],
    [8000, "cluster is paused", "not-ready"],
    [334, "Mechanism unavailable", "refused"],
    [91, "shutting down", "not-ready"],
  ] as const) {
    const { failure } = await failsAt(expected, { answer: () => error(code, "Name", text) }, "me:pass@");
    assert.equal(failure.kind, `mongodb:${code}`);
  }
});

test("a mechanism that is not SCRAM and a password that cannot be are refused, with what to do", async () => {
  const x509 = await failsAt("refused", {}, "me:s3cret@", "/?authMechanism=MONGODB-X509");
  assert.equal(x509.failure.kind, "mongodb:mechanism");
  assert.match(x509.failure.hint!, /leave the user and the password out/);
  const users = [{ name: "me", password: "pass" }];
  const newline = await failsAt("refused", { users }, "me:pass%0A@");
  assert.equal(newline.failure.kind, "mongodb:password");
});

test("a user without a password does not log in", async () => {
  await using fake = await startMongo();
  await ready(urlOf(fake, "CN=me@", "/?authMechanism=MONGODB-X509"), ...once);
  assert.deepEqual(fake.commands, [{ hello: 1, helloOk: true, $db: "admin" }]);
});

test("a server that does not know the password itself is not believed", async () => {
  const users = [{ name: "me", password: "pass" }];
  for (const options of [{ isImpostor: true }, { iterations: 1 }, { iterations: 2_000_000_000 }]) {
    const { failure } = await failsAt("not-ready", { users, ...options }, "me:pass@");
    assert.equal(failure.kind, "mongodb:scram");
  }
});
