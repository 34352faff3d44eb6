import assert from "node:assert/strict";
import { generateKeyPairSync, privateDecrypt } from "node:crypto";
import { test } from "node:test";
import { issue } from "../helpers/certificates.ts";
import {
  accessDenied,
  error,
  loginIn,
  more,
  nonce,
  ok,
  startMySql,
  switchTo,
  urlOf,
} from "../helpers/mysql.ts";
import { fails, ready } from "../helpers/wait.ts";

const once = ["--successes", "1"] as const;
const account = "app:s3cret@";

/** Answers in this order, and then lets in. */
const inTurn =
  (...answers: (Buffer | Buffer[])[]) =>
  (turn: number) =>
    answers[turn] ?? ok;

test("a password logs in to the database, and says goodbye", async () => {
  await using fake = await startMySql(() => ok);
  await ready(urlOf(fake, account, "/shop"), ...once);
  const { user, proof, rest } = loginIn(fake.said[0]!);
  assert.deepEqual([user, proof.length, rest], ["app", 20, "shop\0mysql_native_password\0"]);
  assert.equal(fake.counted.goodbyes, 1);
  await fake.idle();
});

test("a wrong password, an unknown database and one without privileges are refused at once", async () => {
  for (const code of [1045, 1049, 1044, 1698]) {
    await using fake = await startMySql(() => error(code, "No."));
    const { failure, attempts } = await fails("refused", urlOf(fake, account, "/shop"));
    assert.equal(failure.kind, `mysql:${code}`);
    assert.equal(attempts, 1);
    assert.doesNotMatch(`${failure.message} ${failure.hint}`, /s3cret/);
  }
});

test("a server without a free connection for the account is not ready", async () => {
  await using fake = await startMySql(() => error(1203, "User app already has more than 2 connections"));
  assert.equal((await fails("not-ready", urlOf(fake, account))).failure.kind, "mysql:1203");
});

test("a server goes over to the plugin of the account, with another nonce", async () => {
  await using fake = await startMySql(inTurn(switchTo("mysql_native_password")), {
    plugin: "caching_sha2_password",
  });
  await ready(urlOf(fake, account), ...once);
  assert.deepEqual([loginIn(fake.said[0]!).proof.length, fake.said[1]!.length], [32, 20]);
});

test("caching_sha2_password logs in from the cache of the server", async () => {
  await using fake = await startMySql(inTurn([more([3]), ok]), { plugin: "caching_sha2_password" });
  await ready(urlOf(fake, account), ...once);
  assert.equal(fake.said.length, 1);
});

test("without TLS the password goes encrypted with the key of the server", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = more(Buffer.from(publicKey.export({ type: "spki", format: "pem" })));
  for (const [answers, request] of [
    [[switchTo("caching_sha2_password"), more([4]), pem], 2],
    [[switchTo("sha256_password"), pem], 1],
  ] as const) {
    await using fake = await startMySql(inTurn(...answers));
    await ready(urlOf(fake, account), ...once);
    assert.deepEqual([...fake.said.at(-2)!], [request]);
    const masked = privateDecrypt({ key: privateKey, oaepHash: "sha1" }, fake.said.at(-1)!);
    assert.equal(Buffer.from(masked.map((byte, index) => byte ^ nonce[index]!)).toString(), "s3cret\0");
  }
});

test("over TLS the password goes as it is", async () => {
  for (const answers of [
    [switchTo("caching_sha2_password"), more([4])],
    [switchTo("sha256_password")],
    [switchTo("mysql_clear_password")],
  ]) {
    await using fake = await startMySql(inTurn(...answers), { certificate: issue() });
    await ready(urlOf(fake, account), ...once);
    assert.equal(fake.said.at(-1)!.toString(), "s3cret\0");
    assert.equal(fake.counted.encrypted, fake.said.length);
    assert.equal(fake.counted.goodbyes, 1);
    await fake.idle();
  }
});

test("a server never gets the password in clear without TLS, and no plugin is guessed at", async () => {
  for (const plugin of ["mysql_clear_password", "client_ed25519", "dialog"]) {
    await using fake = await startMySql(inTurn(switchTo(plugin)));
    const { failure, attempts } = await fails("refused", urlOf(fake, account));
    assert.equal(failure.kind, "mysql:plugin");
    assert.match(failure.message, new RegExp(plugin));
    assert.equal(attempts, 1);
    assert.equal(fake.said.length, 1);
    await ready(urlOf(fake), ...once);
  }
});

test("a server that sends no key, or speaks out of turn, is foreign", async () => {
  for (const answers of [
    [switchTo("sha256_password"), more("no key")],
    [switchTo("caching_sha2_password"), more([9])],
    [more([3])],
  ]) {
    await using fake = await startMySql(inTurn(...answers));
    assert.equal((await fails("not-ready", urlOf(fake, account))).failure.kind, "protocol");
    await fake.idle();
  }
});

test("a login that the server does not answer ends with the attempt", async () => {
  await using fake = await startMySql(() => []);
  const { failure } = await fails("not-ready", urlOf(fake, account), "--attempt-timeout", "100ms");
  assert.equal(failure.kind, "timeout");
  await fake.idle();
});

test("a server that wants TLS is not ready for a login without it, and the hint says what to write", async () => {
  await using fake = await startMySql(() =>
    error(3159, "Connections using insecure transport are prohibited"),
  );
  const { failure } = await fails("not-ready", urlOf(fake, account));
  assert.match(failure.hint!, /ssl-mode=required/);
  await ready(urlOf(fake), ...once);
});

test("a login after a failed one is a new one", async () => {
  let logins = 0;
  await using fake = await startMySql(() => (++logins === 1 ? error(1040, "Too many connections") : ok));
  await ready(urlOf(fake, account), ...once);
  await using closed = await startMySql(() => accessDenied);
  await ready(urlOf(closed), ...once);
});
