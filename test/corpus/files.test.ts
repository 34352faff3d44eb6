import assert from "node:assert/strict";
import { readlinkSync, symlinkSync } from "node:fs";
import { ownerInTest, replaces } from "../helpers/corpus.ts";

const changed = (...steps: string[]) => [steps.join(" "), steps.map(repeated).join(" ")];
const repeated = (status: string): string => (status === "done" ? "unchanged" : status);

replaces(8, "what is in a volume gets its owner, and lost+found stays as it is", async (pod) => {
  pod.file("/appsmith/stacks/data/a.json");
  pod.folder("/appsmith/stacks/lost+found");
  const before = pod.owner("/appsmith/stacks/lost+found");
  const [first, second] = await pod.run();
  assert.match(first, /^unchanged (done|unchanged)$/);
  assert.equal(second, "unchanged unchanged");
  assert.equal(pod.owner("/appsmith/stacks/data/a.json"), ownerInTest("1001:1001"));
  assert.equal(pod.owner("/appsmith/stacks/lost+found"), before);
});

replaces(9, "the files of a Secret become files that only their owner may read", async (pod) => {
  pod.mount("/secrets-raw", { "postgres.txt": "pw", "aws.ini": "key" });
  pod.folder("/opt/lsst/butler/secrets");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.deepEqual(pod.names("/opt/lsst/butler/secrets"), ["aws.ini", "postgres.txt"]);
  assert.equal(pod.mode("/opt/lsst/butler/secrets/aws.ini"), "400");
  assert.equal(pod.owner("/opt/lsst/butler/secrets/aws.ini"), ownerInTest("1000:4085"));
});

replaces(10, "what is mounted is copied, and what is not is left out", async (pod) => {
  pod.mount("/configdb-readonly", { "mongod.conf": "net: {}\n" });
  pod.mount("/keydir-readonly", { "key.txt": "key" });
  assert.deepEqual(await pod.run(), changed("done", "skipped", "done"));
  assert.deepEqual(pod.names("/data/configdb"), ["key.txt", "mongod.conf"]);
  assert.equal(pod.mode("/data/configdb/key.txt"), "600");
});

replaces(11, "passwords with slashes and ampersands get into a configuration as they are", async (pod) => {
  const template = "user=$SCRAM_CLIENT_USER password=$SCRAM_CLIENT_PASSWORD zk=$ZOOKEEPER_CLIENT_PASSWORD\n";
  pod.mount("/tmp/kafka-template", { "kafka_client_jaas.conf": template });
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(
    pod.read("/etc/kafka-config/kafka_client_jaas.conf"),
    "user=registry password=a/b&c zk=d/e&f\n",
  );
});

replaces(17, "a program and a link to it get out of an image", async (pod) => {
  pod.file("/usr/local/bin/argocd", "program", 0o755);
  pod.folder("/var/run/argocd");
  assert.deepEqual(await pod.run(), changed("done", "done"));
  assert.equal(pod.mode("/var/run/argocd/argocd"), "755");
  assert.equal(pod.read("/var/run/argocd/argocd-cmp-server"), "program");
});

replaces(18, "a folder of an image gets into a volume as a folder", async (pod) => {
  pod.file("/opt/mastodon/public/packs/app.js", "js");
  pod.folder("/assets");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.read("/assets/public/packs/app.js"), "js");
});

replaces(19, "an empty volume is filled", async (pod) => {
  pod.file("/etc/postgresql-custom/conf.d/a.conf", "first");
  pod.folder("/mnt/pgsodium");
  assert.deepEqual(await pod.run(), ["done", "skipped"]);
  assert.equal(pod.read("/mnt/pgsodium/conf.d/a.conf"), "first");
});

replaces(19, "a volume that was filled and changed is left alone", async (pod) => {
  pod.file("/etc/postgresql-custom/a.conf", "new image");
  pod.file("/mnt/pgsodium/a.conf", "mine");
  assert.deepEqual(await pod.run(), ["skipped", "skipped"]);
  assert.equal(pod.read("/mnt/pgsodium/a.conf"), "mine");
});

replaces(40, "folders of the node and what is directly in them are open to a group", async (pod) => {
  const state = "/var/lib/elastic-agent/default/elastic-agent/state";
  pod.file(`${state}/fleet.enc`, "", 0o600);
  const [, second] = await pod.run();
  assert.equal(second, "unchanged unchanged");
  assert.equal(pod.mode(`${state}/fleet.enc`), "660");
  assert.equal(parseInt(pod.mode("/var/lib/elastic-agent/default/fleet-server/state"), 8) & 0o060, 0o060);
  const [, group] = ownerInTest("0:1000").split(":");
  assert.equal(pod.owner(`${state}/fleet.enc`).split(":")[1], group);
});

replaces(42, "a volume and a folder made in it belong to the application", async (pod) => {
  pod.file("/data/old/a");
  const [, second] = await pod.run();
  assert.equal(second, "unchanged unchanged");
  for (const path of ["/data", "/data/old/a", "/data/flyte-data"])
    assert.equal(pod.owner(path), ownerInTest("10001:10001"));
});

replaces(45, "the group may write everything, and search folders", async (pod) => {
  pod.file("/bitnami/ghost/content/a.json", "", 0o600);
  pod.file("/bitnami/ghost/run.sh", "", 0o700);
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.mode("/bitnami/ghost/content/a.json"), "660");
  assert.equal(pod.mode("/bitnami/ghost/run.sh"), "770");
});

replaces(51, "everybody may do everything with everything", async (pod) => {
  pod.file("/data/models/a.mar", "", 0o600);
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.mode("/data/models/a.mar"), "777");
  assert.equal(pod.mode("/data"), "777");
});

replaces(62, "a volume is repaired once, and what changes later is left alone", async (pod) => {
  const folder = "/data/storage/analyzer";
  pod.file(`${folder}/model/a`, "", 0o644);
  const [first, second] = await pod.run();
  assert.match(first, /^unchanged done done$/);
  assert.equal(second, "unchanged skipped skipped");
  assert.equal(pod.mode(`${folder}/model/a`), "600");
  assert.equal(pod.mode(`${folder}/model`), "700");
  assert.equal(pod.owner(`${folder}/model/a`), ownerInTest("10001:10001"));
  pod.file(`${folder}/model/b`, "", 0o644);
  await pod.run();
  assert.equal(pod.mode(`${folder}/model/b`), "644");
});

replaces(69, "what a wildcard finds is copied, folders with all that is in them", async (pod) => {
  pod.file("/opt/keycloak/lib/quarkus/build.txt", "1");
  pod.file("/opt/keycloak/lib/quarkus/app/a.jar", "2");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.read("/shared-quarkus/app/a.jar"), "2");
});

replaces(71, "the defaults of an image get into a volume with their links", async (pod) => {
  pod.file("/etc/datadog-agent/datadog.yaml", "api_key:\n");
  symlinkSync("datadog.yaml", pod.at("/etc/datadog-agent/agent.yaml"));
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(readlinkSync(pod.at("/opt/datadog-agent/agent.yaml")), "datadog.yaml");
});

replaces(81, "links to the standard output stay links", async (pod) => {
  pod.file("/opt/bitnami/drupal/index.php", "<?php", 0o664);
  pod.folder("/opt/bitnami/apache/logs");
  symlinkSync("/dev/stdout", pod.at("/opt/bitnami/apache/logs/access_log"));
  assert.deepEqual(await pod.run(), changed("done", "done"));
  assert.equal(pod.mode("/emptydir/app-base-dir/index.php"), "664");
  assert.equal(readlinkSync(pod.at("/emptydir/apache-logs-dir/access_log")), "/dev/stdout");
});

replaces(83, "a program gets into a folder of the node, beside what is there", async (pod) => {
  pod.file("/usr/src/multus-cni/bin/multus", "new", 0o755);
  pod.file("/host/opt/cni/bin/multus", "old", 0o755);
  pod.file("/host/opt/cni/bin/bridge", "other", 0o755);
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.read("/host/opt/cni/bin/multus"), "new");
  assert.equal(pod.read("/host/opt/cni/bin/bridge"), "other");
});

replaces(94, "all programs of an image are copied and can be executed", async (pod) => {
  pod.file("/usr/local/bin/burrow", "a", 0o755);
  pod.file("/usr/local/bin/solc", "b", 0o755);
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.mode("/tmp/burrow"), "755");
  assert.equal(pod.read("/tmp/solc"), "b");
});

replaces(116, "certificates are renewed, and a volume that was filled is not", async (pod) => {
  pod.file("/var/wazuh-manager/etc/ossec.conf", "image");
  pod.folder("/pvc-etc");
  pod.mount("/tmp/certs-raw", { "root-ca.pem": "ca", "notes.txt": "n" });
  pod.folder("/etc/wazuh-certs-final");
  const [first, second] = await pod.run();
  assert.match(first, /^done done done (done|unchanged)$/);
  assert.equal(second, "skipped unchanged unchanged unchanged");
  assert.equal(pod.read("/pvc-etc/ossec.conf"), "image");
  assert.equal(pod.mode("/etc/wazuh-certs-final/root-ca.pem"), "500");
  for (const path of ["", "/root-ca.pem", "/notes.txt"])
    assert.equal(pod.owner(`/etc/wazuh-certs-final${path}`), ownerInTest("101:101"));
});

replaces(260, "an empty file is made", async (pod) => {
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.read("/default-conf/config.json"), "");
});

replaces(266, "a file that has content keeps it", async (pod) => {
  pod.file("/usr/local/etc/php/conf.d/redis-session.ini", "session.save_handler = redis\n");
  assert.deepEqual(await pod.run(), changed("unchanged"));
  assert.match(pod.read("/usr/local/etc/php/conf.d/redis-session.ini"), /redis/);
});

replaces(261, "the folders of an application are there", async (pod) => {
  assert.deepEqual(await pod.run(), changed("done"));
  assert.deepEqual(pod.names("/data").toSorted(), ["generated-audio", "generated-images", "models"]);
});

replaces(291, "a log file leads to the standard output", async (pod) => {
  pod.folder("/opt/bitnami/mongodb/logs");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(readlinkSync(pod.at("/opt/bitnami/mongodb/logs/mongodb.log")), pod.at("/dev/stdout"));
});

replaces(349, "certificates are copied, and everybody in the pod may read them", async (pod) => {
  pod.mount("/certs", { "tls.crt": "crt", "tls.key": "key" });
  assert.deepEqual(await pod.run(), changed("done"));
  assert.deepEqual(pod.names("/tmp"), ["tls.crt", "tls.key"]);
  assert.equal(pod.mode("/tmp/tls.key"), "644");
});

replaces(351, "a configuration gets into the data volume, and follows the Secret", async (pod) => {
  pod.file("/config/bitcoin.conf", "rpcuser=a\n");
  assert.deepEqual(await pod.run(), changed("done"));
  pod.file("/config/bitcoin.conf", "rpcuser=b\n");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.read("/bitcoin/bitcoin.conf"), "rpcuser=b\n");
});

replaces(
  357,
  "a first configuration is put there, and what the application makes of it stays",
  async (pod) => {
    pod.file("/tmp/AdGuardHome.yaml", "first");
    assert.deepEqual(await pod.run(), changed("done"));
    pod.file("/opt/adguardhome/conf/AdGuardHome.yaml", "changed by the application");
    assert.deepEqual(await pod.run(), changed("unchanged"));
    assert.match(pod.read("/opt/adguardhome/conf/AdGuardHome.yaml"), /application/);
  },
);

replaces(360, "a data volume has its folders and a configuration that nobody else may read", async (pod) => {
  pod.mount("/config", { "app.ini": "[server]\n" });
  pod.folder("/data");
  assert.deepEqual(await pod.run(), changed("done", "done"));
  assert.deepEqual(pod.names("/data"), ["git", "gitea", "log"]);
  assert.equal(pod.mode("/data/gitea/conf/app.ini"), "600");
});

replaces(361, "configuration belongs to the database, and what else is there does not", async (pod) => {
  pod.file("/configmap-files/cassandra.yaml", "a");
  pod.file("/configmap-files/jvm.options", "b");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.equal(pod.owner("/cassandra-configs/jvm.options"), ownerInTest("999:999"));
});

replaces(378, "the files of a ConfigMap become files that can be changed", async (pod) => {
  pod.mount("/tmp/frr", { daemons: "bgpd=yes\n", "vtysh.conf": "" });
  assert.deepEqual(await pod.run(), changed("done"));
  assert.deepEqual(pod.names("/etc/frr"), ["daemons", "vtysh.conf"]);
  assert.equal(pod.read("/etc/frr/daemons"), "bgpd=yes\n");
});

replaces(384, "files that are mounted one by one get into one folder", async (pod) => {
  pod.file("/tmp/configfolder/opensearch.yml", "a");
  pod.file("/tmp/config/jvm.options", "of the image");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.deepEqual(pod.names("/tmp/config"), ["jvm.options", "opensearch.yml"]);
});

replaces(15, "a kernel parameter that is higher already is left alone", async (pod) => {
  assert.deepEqual(await pod.run({ env: { VM_MAX_MAP_COUNT: "1" } }), ["unchanged", "unchanged"]);
});

replaces(70, "the plugins of an image get into a volume, packed or not", async (pod) => {
  pod.file("/opt/rabbitmq/plugins/rabbit.ez", "packed");
  pod.file("/opt/rabbitmq/plugins/prometheus/ebin/a.beam", "beam");
  pod.folder("/tmp/plugins");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.deepEqual(pod.names("/tmp/plugins"), ["prometheus", "rabbit.ez"]);
});

replaces(98, "a folder is copied with its hidden files, over what is there", async (pod) => {
  pod.file("/opt/invenio/var/instance/static/.webassets", "cache");
  pod.file("/opt/invenio/var/instance/static/dist/app.js", "new");
  pod.file("/opt/nginx-invenio-assets/dist/app.js", "old");
  assert.deepEqual(await pod.run(), changed("done"));
  assert.deepEqual(pod.names("/opt/nginx-invenio-assets"), [".webassets", "dist"]);
  assert.equal(pod.read("/opt/nginx-invenio-assets/dist/app.js"), "new");
});
