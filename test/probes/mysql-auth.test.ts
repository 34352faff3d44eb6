import assert from "node:assert/strict";
import { constants, generateKeyPairSync, privateDecrypt } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { pluginNamed, withoutPassword } from "../../src/probes/mysql-auth.ts";

const nonce = Buffer.from(Array.from({ length: 20 }, (_, index) => index + 1));
const plain = { password: "s3cret", nonce, isEncrypted: false, isLocal: false };
const overTls = { ...plain, isEncrypted: true };
const clear = Buffer.from("s3cret\0");

test("the proofs of a password are those of PyMySQL", () => {
  assert.equal(
    pluginNamed("mysql_native_password")!.start(plain)!.toString("hex"),
    "f66fdd3ff855d9349a0ddb50c4a1a535fb412465",
  );
  assert.equal(
    pluginNamed("caching_sha2_password")!.start(plain)!.toString("hex"),
    "3f3a9a7786fd9be9a006eed686b4e6b76484fdc06dc15685df5f8793574b84fc",
  );
});

test("the password itself goes only over TLS or a Unix socket, or by the server's key", () => {
  const [caching, sha256, inClear] = ["caching_sha2_password", "sha256_password", "mysql_clear_password"].map(
    (name) => pluginNamed(name)!,
  );
  const full = Buffer.from([4]);
  assert.deepEqual(caching!.goOn(full, overTls), clear);
  assert.deepEqual(caching!.goOn(full, { ...plain, isLocal: true }), clear);
  assert.deepEqual(caching!.goOn(full, plain), Buffer.from([2]));
  assert.equal(caching!.goOn(Buffer.from([3]), plain), undefined);
  assert.deepEqual(sha256!.start(overTls), clear);
  assert.deepEqual(sha256!.start(plain), Buffer.from([1]));
  assert.deepEqual(inClear!.start(overTls), clear);
  assert.equal(inClear!.start(plain), undefined);
});

test("only the server can read what is encrypted for it", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = Buffer.from(publicKey.export({ type: "spki", format: "pem" }));
  const password = "a much longer password than the nonce";
  for (const name of ["caching_sha2_password", "sha256_password"]) {
    const sent = pluginNamed(name)!.goOn(pem, { ...plain, password }) as Buffer;
    const masked = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, sent);
    const read = masked.map((byte, index) => byte ^ nonce[index % 20]!);
    assert.equal(Buffer.from(read).toString(), `${password}\0`);
  }
});

test("whatever a server says more is answered, or foreign", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(plain, overTls), (bytes, challenge) => {
      for (const name of ["mysql_native_password", "caching_sha2_password", "sha256_password"])
        pluginNamed(name)!.goOn(Buffer.from(bytes), challenge);
      assert.equal(pluginNamed("mysql_native_password")!.goOn(Buffer.from(bytes), challenge), "foreign");
    }),
  );
});

test("who has no password says so in the words of the plugin", () => {
  assert.equal(withoutPassword("mysql_native_password").start(plain)!.length, 0);
  assert.deepEqual(withoutPassword("caching_sha2_password").start(plain), Buffer.from([0]));
  assert.equal(withoutPassword("dialog").goOn(Buffer.from("Password: "), plain), undefined);
});
