import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { initkit } from "../helpers/initkit.ts";
import { temporary } from "../helpers/temporary.ts";

test("a server that hangs up before the login is unavailable, and the hint says what to check", async (t) => {
  const file = join(temporary(t), "one.sql");
  writeFileSync(file, "select 1;");
  const server = createServer((socket) => socket.once("data", () => socket.end()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const database = `postgres://user@127.0.0.1:${port}/name?sslmode=disable`;
  const { report } = await initkit(["migrate", file, "--database", database, "--retries", "0"]);
  assert.equal(report!["steps"][0].error.code, "database-unavailable");
  assert.ok(report!["steps"][0].error.hint);
});
