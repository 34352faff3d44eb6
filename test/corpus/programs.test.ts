import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeAuthority } from "../helpers/certificates.ts";
import { type Container, replaces } from "../helpers/corpus.ts";

/** A program that notes the words it was called with, for each first word a file. */
const noting = 'echo "$*" > "$ROOT/called-$(basename "$0")-$1"';

replaces(20, "the application's own migrator is run as it is written", async (pod) => {
  pod.program("/bin/hydra", noting);
  assert.deepEqual(await pod.run(), ["done", "done"]);
  const words = `migrate sql -e --yes --config ${pod.at("/etc/config/hydra.yaml")}\n`;
  assert.equal(pod.read("/called-hydra-migrate"), words);
});

replaces(20, "a migrator that fails ends the pod's start, with 25", async (pod) => {
  pod.program("/bin/hydra", "exit 3");
  await assert.rejects(pod.run(), { code: "command-failed", exitCode: 25 });
});

replaces(21, "the application's check is repeated until another pod has migrated", async (pod) => {
  pod.program("/bin/python", 'test -e "$ROOT/$2" || { touch "$ROOT/$2"; exit 1; }');
  assert.deepEqual(await pod.run({ instead: { "backoff: 1s": "backoff: 5ms" } }), ["done done", "done done"]);
  assert.deepEqual(pod.names("/"), ["bin", "migrate", "migrate_clickhouse"]);
});

replaces(22, "one migrator runs after the other", async (pod) => {
  pod.program("/usr/local/bin/goose", noting);
  pod.program("/usr/local/bin/river", `test -e "$ROOT/called-goose--dir"\n${noting}`);
  await pod.run();
  assert.match(pod.read("/called-river-migrate-up"), /--database-url postgres:\/\/hub:pw@db\/hub/);
});

replaces(22, "where the first migrator fails, the second does not run", async (pod) => {
  pod.program("/usr/local/bin/goose", "exit 1");
  pod.program("/usr/local/bin/river", noting);
  await assert.rejects(pod.run(), { code: "command-failed" });
  assert.deepEqual(pod.names("/"), ["bin", "usr"]);
});

replaces(101, "a program that copies itself does so", async (pod) => {
  pod.folder("/kfp-launcher");
  pod.program("/bin/launcher-v2", 'test "$1" = --copy\ncp "$0" "$2"');
  await pod.run();
  assert.equal(pod.mode("/kfp-launcher/launch"), "755");
});

replaces(344, "a generator gets all its options, each as one word", async (pod) => {
  pod.folder("/config");
  pod.program("/bin/contour", 'echo "{\\"words\\": $#}" > "$2"');
  await pod.run();
  assert.deepEqual(JSON.parse(pod.read("/config/envoy.json")), { words: 8 });
});

replaces(153, "a database that is there is left to the program that restores it", async (pod) => {
  pod.program("/bin/litestream", noting);
  await pod.run();
  const words = `restore -if-db-not-exists ${pod.at("/tailscale/config/tailcontrol.sqlite.db")}\n`;
  assert.equal(pod.read("/called-litestream-restore"), words);
});

replaces(491, "a check runs behind the entry point of its image", async (pod) => {
  pod.program("/usr/bin/dumb-init", 'shift\nexec "$@"');
  pod.program("/entrypoint", 'exec "$@"');
  pod.program("/bin/airflow", noting);
  await pod.run();
  assert.equal(pod.read("/called-airflow-db"), "db check-migrations -t 60\n");
});

replaces(477, "the database is waited for, and then its migrations", async (pod) => {
  pod.program("/bin/airflow", 'test -e "$ROOT/$2" || { touch "$ROOT/$2"; exit 1; }');
  assert.deepEqual(await pod.run({ instead: { "backoff: 5s": "backoff: 5ms" } }), ["done done", "done done"]);
});

replaces(343, "a folder is prepared, and the application's program finds its tokens", async (pod) => {
  pod.file("/opt/bitnami/apisix/conf/config.yaml", "of the image");
  pod.file("/opt/bitnami/apisix/conf/mime.types", "types");
  pod.file("/opt/bitnami/apisix/openresty/luajit/share/lua/5.1/apisix/init.lua", "lua");
  pod.file("/bitnami/apisix/rendered-conf/config.yaml", "rendered");
  pod.mount("/opt/bitnami/apisix/secrets", {
    "admin-token": "admin-t0ken\n",
    "viewer-token": "viewer-t0ken\n",
  });
  pod.program("/bin/apisix", 'echo "$APISIX_ADMIN_API_TOKEN" > "$ROOT/usr/local/apisix/conf/nginx.conf"');
  const [, second] = await pod.run();
  assert.equal(second, "unchanged unchanged unchanged unchanged unchanged unchanged done");
  assert.equal(pod.read("/usr/local/apisix/apisix/init.lua"), "lua");
  assert.equal(pod.read("/usr/local/apisix/conf/config.yaml"), "rendered");
  assert.equal(pod.read("/usr/local/apisix/conf/nginx.conf"), "admin-t0ken\n");
});

/** Makes a repository with one file, and answers its URL. */
function makeRepository(pod: Container): string {
  const folder = pod.at("/repository");
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", ...words]);
  pod.file("/repository/page.html", "template");
  git("init", "--quiet", "--initial-branch=main");
  git("add", ".");
  git("commit", "--quiet", "--message", "one");
  return `file://${folder}`;
}

replaces(14, "a clone takes the place of the one before", async (pod) => {
  pod.file("/srv/extra-templates-dir/repo/old.html");
  await pod.run({ env: { GIT_REPO_URL: makeRepository(pod) } }, "/srv/extra-templates-dir/repo/.git");
  assert.deepEqual(pod.names("/srv/extra-templates-dir/repo"), [".git", "page.html"]);
});

replaces(
  202,
  "a branch is cloned into a mounted folder, whatever is left there, with a key of one's own",
  async (pod) => {
    pod.mount("/keys", { gitSshKey: "key" });
    pod.file("/opt/airflow/dags/.git/config", "old");
    pod.file("/opt/airflow/dags/old.py");
    const env = { HOME: pod.at("/home/git"), GIT_REPO: makeRepository(pod) };
    await pod.run({ env }, "/opt/airflow/dags/.git");
    assert.deepEqual(pod.names("/opt/airflow/dags"), [".git", "page.html"]);
    assert.equal(pod.mode("/home/git/.ssh/gitSshKey"), "600");
  },
);

replaces(203, "an empty folder is filled by a clone, and later left alone", async (pod) => {
  pod.folder("/config");
  assert.deepEqual(await pod.run({ env: { GIT_REPO: makeRepository(pod) } }), ["done", "skipped"]);
  assert.equal(pod.read("/config/page.html"), "template");
});

const hasOpenssl = process.env["PATH"]!.split(":").some((folder) => existsSync(join(folder, "openssl")));

async function signs(pod: Container): Promise<void> {
  const authority = makeAuthority("corpus");
  pod.file("/certs/CAs/mongodb-ca-cert", authority.cert);
  pod.file("/certs/CAs/mongodb-ca-key", authority.key);
  await pod.run();
  assert.deepEqual(pod.names("/certs"), ["CAs", "mongodb-ca-cert", "mongodb.pem", "openssl.cnf"]);
  const certificate = new X509Certificate(pod.read("/certs/mongodb.pem"));
  assert.ok(certificate.verify(new X509Certificate(authority.cert).publicKey));
  assert.match(certificate.subject, /CN=mongodb-arbiter-0/);
  assert.match(certificate.subjectAltName!, /DNS:mongodb-arbiter-headless\.default\.svc/);
  assert.match(pod.read("/certs/mongodb.pem"), /PRIVATE KEY/);
  assert.equal(pod.mode("/certs/mongodb.pem"), "600");
}

replaces(173, "a pod gets a certificate with its names, signed by the authority, once", signs, {
  skip: !hasOpenssl && "there is no openssl here",
});

replaces(175, "every certificate of a bundle gets into the trust store", async (pod) => {
  const bundle = [makeAuthority("a"), makeAuthority("b")].map(({ cert }) => cert).join("");
  const java = "/usr/lib/jvm/java-21";
  pod.file("/etc/camunda/tls/ca.crt", bundle);
  pod.file(join(java, "lib/security/cacerts"), "public\n", 0o444);
  pod.program(join(java, "bin/keytool"), 'echo "${10}" >> "$5"; cat >> "$5"');
  await pod.run({ env: { JAVA_HOME: pod.at(java) } });
  const store = pod.read("/var/camunda/tls-truststore/cacerts").split("\n");
  assert.equal(store[0], "public");
  assert.equal(store.filter((line) => line === "-----BEGIN CERTIFICATE-----").length, 2);
  assert.equal(pod.mode("/var/camunda/tls-truststore/cacerts"), "644");
});
