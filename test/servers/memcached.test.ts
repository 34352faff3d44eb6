import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

/** Whom a server that refuses to run as root runs as. */
const nobody = 65_534;

function startMemcached(
  options: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  return startServer((port, folder) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const command = ["memcached", "-l", "127.0.0.1", "-p", `${port}`, ...options];
    return { command, uid: nobody, env: { SASL_CONF_PATH: folder } };
  });
}

test("memcached is found ready while it starts, leaves no line in its log, and is gone when it has stopped", async () => {
  await using memcached = await startMemcached(["-v"]);
  const url = `memcached://127.0.0.1:${memcached.port}`;
  await ready(url);
  await ready(`memcache://app:s3cret@localhost:${memcached.port}`);
  assert.equal(memcached.log(), "");
  await memcached.stop();
  await ready("--absent", url);
  memcached.start();
  await ready(url);
});

test("memcached with a list of users is ready without a login, lets in who has one, and refuses a wrong password", async () => {
  await using memcached = await startMemcached(["-Y", "users"], { users: "app:s3cret\n" });
  const at = (userinfo: string) => `memcached://${userinfo}127.0.0.1:${memcached.port}`;
  await ready(at(""));
  await ready(at("app:s3cret@"));
  assert.equal((await fails("refused", at("app:wrong@"))).attempts, 1);
  assert.equal((await fails("refused", at(":s3cret@"))).failure.kind, "memcached:authentication");
  assert.equal(memcached.log(), "");
});

test("memcached that wants SASL is ready without a login, lets in who has one, and refuses a wrong password", async () => {
  await using memcached = await startMemcached(["-S"], { "memcached.conf": "mech_list: plain\n" });
  const at = (userinfo: string) => `memcached://${userinfo}127.0.0.1:${memcached.port}`;
  await ready(at(""));
  assert.equal((await fails("refused", at("app:s3cret@"))).attempts, 1);
  addSaslUser(memcached.folder);
  await memcached.stop();
  memcached.start();
  await ready(at("app:s3cret@"));
  assert.equal((await fails("refused", at("app:wrong@"))).failure.kind, "memcached:authentication");
  assert.doesNotMatch(memcached.log(), /magic|error/i);
});

/** What saslpasswd2 does, which a machine with memcached need not have. */
function addSaslUser(folder: string): void {
  const database = join(folder, "sasldb");
  const key = `app\\0${hostname()}\\0userPassword`;
  const add = `tie %db, "DB_File", $ARGV[0], O_RDWR|O_CREAT, 0644, $DB_HASH or die $!; $db{"${key}"} = "s3cret"`;
  execFileSync("perl", ["-MDB_File", "-e", add, database]);
  writeFileSync(join(folder, "memcached.conf"), `mech_list: plain\nsasldb_path: ${database}\n`);
}
