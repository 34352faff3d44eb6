import assert from "node:assert/strict";
import { parse } from "yaml";
import { replaces } from "../helpers/corpus.ts";

replaces(180, "a token is made once, and the policy holds it", async (pod) => {
  pod.folder("/bootstrap");
  assert.deepEqual(await pod.run(), ["done", "skipped"]);
  const token = pod.read("/bootstrap/mgmt-token");
  assert.match(token, /^[A-F0-9]{32}$/);
  assert.ok(pod.read("/bootstrap/authz.rego").includes(`input.identity == "${token}"`));
});

replaces(185, "certificates are joined in the order of their names", async (pod) => {
  pod.mount("/s3-custom-ca", { "b.crt": "B\n", "a.crt": "A\n" });
  pod.folder("/ca-bundle");
  await pod.run();
  assert.equal(pod.read("/ca-bundle/custom-ca-bundle.crt"), "A\nB\n");
});

replaces(185, "without certificates there is an empty bundle", async (pod) => {
  pod.folder("/s3-custom-ca");
  pod.folder("/ca-bundle");
  await pod.run();
  assert.equal(pod.read("/ca-bundle/custom-ca-bundle.crt"), "");
});

replaces(188, "a key that is Base64 within its Secret becomes the bytes that it stands for", async (pod) => {
  const lines = (text: string) =>
    `${Buffer.from(text)
      .toString("base64")
      .replace(/(.{8})/g, "$1\n")}\n`;
  pod.mount("/tmp/rsakeys", { "private_key.der": lines("private key"), "public_key.der": lines("public") });
  assert.deepEqual(await pod.run(), ["done done", "unchanged unchanged"]);
  assert.equal(pod.read("/openmetadata-0.13.1/jwt/private_key.der"), "private key");
  assert.equal(pod.read("/openmetadata-0.13.1/jwt/public_key.der"), "public");
});

replaces(331, "each replica has its number in its configuration", async (pod) => {
  pod.mount("/tmp/galera-config-ro", { "galera.cnf": "wsrep_node_name=db-REPLICA_NUM\nid=REPLICA_NUM\n" });
  assert.deepEqual(await pod.run(), ["done", "unchanged"]);
  assert.equal(pod.read("/tmp/galera-config-rw/galera.cnf"), "wsrep_node_name=db-2\nid=2\n");
  assert.equal(pod.mode("/tmp/galera-config-rw/galera.cnf"), "644");
});

replaces(346, "files are merged, later ones win, and keys out of files go in", async (pod) => {
  pod.mount("/bitnami/milvus/conf", {
    "00.yaml": "etcd: {endpoints: [a]}\npulsar: {port: 1}\n",
    "01.yaml": 'minio: {accessKeyID: "{{ MILVUS_S3_ACCESS_ID }}"}\netcd: {rootPath: r}\n',
  });
  pod.file("/bitnami/milvus/defaults/milvus.yaml", "etcd: {endpoints: [b]}\n");
  pod.mount("/opt/bitnami/milvus/secrets", { "root-user": "admin", "root-password": "pw" });
  assert.deepEqual(await pod.run(), ["done done", "done unchanged"]);
  assert.deepEqual(parse(pod.read("/bitnami/milvus/rendered-conf/milvus.yaml")), {
    etcd: { endpoints: ["b"], rootPath: "r" },
    minio: { accessKeyID: "admin" },
    common: { security: { tlsMode: 0 } },
  });
});

replaces(348, "keys out of files stand in a configuration of JSON", async (pod) => {
  const names = [
    "admin_access_key_id",
    "admin_secret_access_key",
    "read_access_key_id",
    "read_secret_access_key",
  ];
  pod.mount("/opt/bitnami/seaweed/secrets", Object.fromEntries(names.map((name) => [name, `${name}!\n`])));
  assert.deepEqual(await pod.run(), ["done", "unchanged"]);
  const { identities } = JSON.parse(pod.read("/auth/config.json"));
  assert.equal(identities[1].credentials[0].secretKey, "read_secret_access_key!");
});

replaces(352, "a file holds a value, and no line end", async (pod) => {
  assert.deepEqual(await pod.run(), ["done", "unchanged"]);
  assert.equal(pod.read("/data/geth/nodekey"), "b4f2c9d1");
});

replaces(353, "templates are filled in and merged, lists joined", async (pod) => {
  pod.mount("/config-templates", {
    "01-underrides.yaml": "listeners: [a]\nserver: {name: x, port: 1}\n",
    "02-user.yaml": "server: {name: y}\n",
    "03-overrides.yaml":
      "listeners: [b]\ndb: {user: '${SYNAPSE_POSTGRES_USER}', password: '${SYNAPSE_POSTGRES_PASSWORD}'}\n",
  });
  pod.mount("/secrets/postgres", { password: "pw" });
  pod.folder("/conf");
  assert.deepEqual(await pod.run(), ["done done", "unchanged done"]);
  assert.deepEqual(parse(pod.read("/conf/homeserver.yaml")), {
    listeners: ["a", "b"],
    server: { name: "y", port: 1 },
    db: { user: "synapse", password: "pw" },
  });
});

replaces(355, "each replica gets the key that has its number", async (pod) => {
  await pod.run();
  assert.equal(pod.read("/data/wallet/direct/accounts/all-accounts.keystore.json"), "one\n");
  assert.equal(pod.read("/data/wallet-password.txt"), "secret-1\n");
});

replaces(382, "the templates of one folder or two are filled in", async (pod) => {
  pod.mount("/rules-templates", { "disk.yaml": "host: ${DOMAIN}\nalert: $cost\n" });
  assert.deepEqual(await pod.run(), ["done skipped", "unchanged skipped"]);
  pod.mount("/rules-custom", { "own.yaml": "to: ops@${DOMAIN}\n" });
  assert.deepEqual(await pod.run(), ["unchanged done", "unchanged unchanged"]);
  assert.equal(pod.read("/rules/disk.yaml"), "host: example.org\nalert: $cost\n");
  assert.equal(pod.read("/rules/own.yaml"), "to: ops@example.org\n");
});

replaces(387, "each replica gets its element of a list", async (pod) => {
  pod.folder("/config");
  await pod.run();
  assert.equal(pod.read("/config/seed"), "b\n");
  assert.equal(pod.read("/config/uri"), "ws://b\n");
});

const funnel = `Kubernetes: {JobsNamespace: workflow-pods-shop}
Postgres: {Host: FUNNEL_POSTGRES_HOST_PLACEHOLDER, Password: "FUNNEL_POSTGRES_PASSWORD_PLACEHOLDER"}
Plugins: {Params: {S3Url: FUNNEL_PLUGIN_S3URL_PLACEHOLDER}}
`;

replaces(391, "seven marks are filled in, whatever the values hold", async (pod) => {
  pod.file("/etc/config/funnel.conf", funnel);
  pod.mount("/var/run/secrets/kubernetes.io/serviceaccount", { namespace: "shop" });
  assert.deepEqual(await pod.run(), ["done done", "done unchanged"]);
  const { Postgres, Plugins } = parse(pod.read("/tmp/funnel-patched.conf"));
  assert.deepEqual(Postgres, { Host: "db:5432", Password: "a|b/c" });
  assert.equal(Plugins.Params.S3Url, "gen3-workflow-service.shop.svc.cluster.local");
});

replaces(391, "a configuration for another namespace is not used", async (pod) => {
  pod.file("/etc/config/funnel.conf", funnel);
  pod.mount("/var/run/secrets/kubernetes.io/serviceaccount", { namespace: "other" });
  await assert.rejects(pod.run(), { code: "command-failed" });
});
