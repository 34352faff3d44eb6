import assert from "node:assert/strict";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { accessDenied, ok, startMySql, urlOf } from "../helpers/mysql.ts";
import { fails, ready } from "../helpers/wait.ts";

const once = ["--successes", "1"] as const;

test("TLS is taken where it protects a password, or where the URL asks for it, in the words of any client", async () => {
  for (const [userinfo, parameters, isEncrypted] of [
    ["", "", false],
    ["app:s3cret@", "", true],
    ["", "?ssl-mode=PREFERRED", true],
    ["", "?sslmode=require", true],
    ["", "?useSSL=true", true],
    ["", "?tls=skip-verify", true],
    ["app:s3cret@", "?ssl_mode=disabled", false],
    ["app:s3cret@", "?sslMode=DISABLED", false],
    ["app:s3cret@", "?useSSL=false", false],
  ] as const) {
    await using fake = await startMySql(() => ok, { certificate: issue({ names: ["elsewhere"] }) });
    await ready(urlOf(fake, userinfo, `/shop${parameters}`), ...once);
    assert.equal(fake.counted.encrypted > 0, isEncrypted, `${userinfo}${parameters}`);
  }
});

test("the certificate is verified where the URL or the options say so", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "initkit-mysql-"));
  const authority = makeAuthority();
  const ca = join(folder.path, "ca.pem");
  writeFileSync(ca, authority.cert);
  const certificate = issue({ names: ["localhost"], issuer: authority });
  await using fake = await startMySql(() => ok, { certificate });
  const at = (host: string, mode: string) => `mysql://app:s3cret@${host}:${fake.port}/shop${mode}`;
  await ready("--ca", ca, at("127.0.0.1", "?ssl-mode=verify_ca"), ...once);
  await ready("--ca", ca, at("localhost", "?ssl-mode=VERIFY_IDENTITY"), ...once);
  await ready("--ca", ca, at("localhost", ""), ...once);
  await ready("--insecure", at("127.0.0.1", ""), ...once);
  for (const words of [
    ["--ca", ca, at("127.0.0.1", "?ssl-mode=verify-full")],
    ["--ca", ca, at("127.0.0.1", "")],
    [at("localhost", "?ssl-mode=verify_ca")],
    [at("localhost", "?sslaccept=strict")],
    [at("localhost", "?tls=of-the-application")],
  ])
    assert.equal((await fails("not-ready", ...words)).failure.kind, "tls:certificate", words.join(" "));
});

test("a server without TLS is not ready for who requires it, and is left by a failed login", async () => {
  await using fake = await startMySql(() => accessDenied);
  const { failure, attempts } = await fails("not-ready", urlOf(fake, "app:s3cret@", "/?ssl-mode=required"));
  assert.equal(failure.kind, "tls");
  assert.equal(fake.said.length, attempts);
  await fake.idle();
});
