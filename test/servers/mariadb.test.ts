import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Authority, issue, makeAuthority } from "../helpers/certificates.ts";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

const accounts = `
  CREATE DATABASE IF NOT EXISTS shop;
  CREATE USER IF NOT EXISTS app@'%' IDENTIFIED BY 's3cret/';
  GRANT ALL ON *.* TO app@'%';
  CREATE USER IF NOT EXISTS clerk@'%' IDENTIFIED BY 'other';
`;

/** It sets its data up first, as the images do, and is looked at meanwhile. */
function startMariaDb(options: readonly string[] = [], authority?: Authority): Promise<ServerProcess> {
  return startServer((port, folder) => {
    writeFileSync(join(folder, "accounts.sql"), accounts.replaceAll(/;\s+/g, ";\n"));
    const at = `--no-defaults --datadir=${folder}/data`;
    const install = `mariadb-install-db ${at} --auth-root-authentication-method=normal --skip-test-db`;
    const tls = authority ? writeCertificate(folder, authority) : [];
    const serve = [
      `mariadbd ${at} --port=${port} --bind-address=127.0.0.1 --socket=${folder}/my.sock`,
      `--pid-file=${folder}/pid --init-file=${folder}/accounts.sql`,
      ...tls,
      ...options,
    ];
    const script = `[ -d data ] || ${install} >/dev/null && exec ${serve.join(" ")}`;
    return { command: ["sh", "-c", script], uid: 65_534 };
  });
}

function writeCertificate(folder: string, authority: Authority): string[] {
  const { cert, key } = issue({ names: ["localhost"], issuer: authority });
  for (const [name, text] of Object.entries({ cert, key, ca: authority.cert }))
    writeFileSync(join(folder, `${name}.pem`), text);
  return [`--ssl-cert=${folder}/cert.pem`, `--ssl-key=${folder}/key.pem`];
}

/** Rows of a query, as the server's own client shows them. */
function query({ folder }: ServerProcess, statement: string): string {
  const args = ["--no-defaults", "-uroot", `--socket=${folder}/my.sock`, "-N", "-e", statement];
  return execFileSync("mariadb", args, { encoding: "utf8" });
}

const urlOf = ({ port }: ServerProcess, userinfo = "", rest = "", host = "127.0.0.1"): string =>
  `mysql://${userinfo}${host}:${port}${rest}`;

test("MariaDB is found ready while it is set up, counts no broken connection, and is gone when it has stopped", async () => {
  await using maria = await startMariaDb();
  await ready(urlOf(maria));
  assert.match(query(maria, "SHOW STATUS LIKE 'Aborted_connects_preauth'"), /\t0$/m);
  assert.doesNotMatch(maria.log(), /Aborted connection|communication packets|ERROR/);
  assert.match(maria.log(), /Access denied for user 'initkit'/);
  await maria.stop();
  await ready("--absent", urlOf(maria));
  maria.start();
  await ready(urlOf(maria));
});

test("MariaDB lets in who has a password, and refuses who has a wrong one, for good", async () => {
  await using maria = await startMariaDb(["--log-warnings=9"]);
  await ready(urlOf(maria, "app:s3cret%2F@", "/shop"));
  await ready(`mariadb+pymysql://app:s3cret%2F@localhost/shop?unix_socket=${maria.folder}/my.sock`);
  await ready(urlOf(maria, "app:s3cret%2F@"));
  assert.doesNotMatch(maria.log(), /Aborted|Access denied|read packet/);
  for (const [userinfo, database, code] of [
    ["app:wrong@", "shop", 1045],
    ["nobody:s3cret@", "shop", 1045],
    ["app:s3cret%2F@", "no_such_shop", 1049],
    ["clerk:other@", "shop", 1044],
  ] as const) {
    const { failure, attempts } = await fails("refused", urlOf(maria, userinfo, `/${database}`));
    assert.equal(failure.kind, `mysql:${code}`);
    assert.equal(attempts, 1);
  }
});

test("MariaDB at one level of warnings says nothing of a probe, and one that is full is not ready", async () => {
  await using maria = await startMariaDb(["--log-warnings=1", "--max-connections=10"]);
  await ready(urlOf(maria));
  assert.doesNotMatch(maria.log(), /\[Warning\].*(?:Aborted|Access denied)/);
  const held = Array.from({ length: 12 }, () => connect(maria.port, "127.0.0.1").on("error", () => {}));
  await Promise.all(held.map((socket) => once(socket, "data")));
  for (const userinfo of ["", "app:s3cret%2F@"])
    assert.equal((await fails("not-ready", urlOf(maria, userinfo))).failure.kind, "mysql:1040");
  for (const socket of held) socket.destroy();
  await ready(urlOf(maria, "app:s3cret%2F@"));
});

test("MariaDB is spoken to over TLS, verified where the URL says so", async () => {
  const authority = makeAuthority();
  await using maria = await startMariaDb(["--require-secure-transport=ON"], authority);
  const ca = join(maria.folder, "ca.pem");
  const at = (host: string, mode = "") => urlOf(maria, "app:s3cret%2F@", `/shop${mode}`, host);
  await ready(at("127.0.0.1"));
  await ready(urlOf(maria));
  await ready(at("127.0.0.1", "?ssl-mode=REQUIRED"));
  await ready("--ca", ca, at("127.0.0.1", "?ssl-mode=verify_ca"));
  await ready("--ca", ca, at("localhost", "?ssl-mode=verify_identity"));
  const { failure } = await fails("not-ready", at("localhost", "?ssl-mode=verify_identity"));
  assert.equal(failure.kind, "tls:certificate");
  await fails("refused", at("127.0.0.1", "?ssl-mode=disabled"));
  await fails("refused", urlOf(maria, "app:wrong@", "/shop"));
});

test("MariaDB without TLS is left politely by who requires it, and a plugin that is not spoken is refused", async () => {
  await using maria = await startMariaDb(["--plugin-load-add=auth_ed25519"]);
  await ready(urlOf(maria));
  const bare = urlOf(maria, "app:s3cret%2F@", "/shop?ssl-mode=required");
  assert.equal((await fails("not-ready", bare)).failure.kind, "tls");
  assert.match(query(maria, "SHOW STATUS LIKE 'Aborted_connects_preauth'"), /\t0$/m);
  query(maria, "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('s3cret')");
  assert.equal((await fails("refused", urlOf(maria, "ed:s3cret@"))).failure.kind, "mysql:plugin");
});
