import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { type Container, ownerInTest, replaces } from "../helpers/corpus.ts";
import { fakeS3 } from "../helpers/fake-s3.ts";
import { files, startFileServer } from "../helpers/file-server.ts";

type Contents = Parameters<typeof files>[0];

/** Runs it where one server stands for these hosts. */
async function runWith(pod: Container, answer: RequestListener, ...hosts: string[]): Promise<string[]> {
  await using server = await startFileServer(answer);
  return await pod.run({ instead: Object.fromEntries(hosts.map((host) => [host, server.origin])) });
}

const only = (contents: Contents): RequestListener => files(contents);

replaces(12, "tools are downloaded, one of them out of an archive, and can be executed", async (pod) => {
  const archive = tar(
    { name: "linux-amd64/", type: "5", mode: 0o755 },
    { name: "linux-amd64/helm", content: "helm", mode: 0o755 },
    { name: "linux-amd64/README.md", content: "no" },
  );
  const tools = only({
    "/helm-v3.10.3-linux-amd64.tar.gz": gzipSync(archive),
    "/stedolan/jq/releases/download/jq-1.6/jq-linux64": "jq",
    "/mikefarah/yq/releases/download/v4.30.6/yq_linux_amd64": "yq",
  });
  assert.deepEqual(await runWith(pod, tools, "https://get.helm.sh", "https://github.com"), [
    "done done done",
    "unchanged unchanged unchanged",
  ]);
  assert.deepEqual(pod.names("/tools"), ["helm", "jq", "yq"]);
  assert.equal(pod.read("/tools/helm"), "helm");
  for (const tool of ["helm", "jq", "yq"]) assert.equal(pod.mode(`/tools/${tool}`), "755");
});

replaces(13, "a plugin is downloaded once, verified, and given to the application", async (pod) => {
  await using server = await startFileServer((_, response) => response.end("jar"));
  const sha256 = createHash("sha256").update("jar").digest("hex");
  const wanted = "e7ec72ab1699e57a25b61cb5e3ef1c532ec9858ed6931c1b491d3368f5d007b8";
  const instead = { "https://github.com": server.origin, [wanted]: sha256 };
  assert.deepEqual(await pod.run({ instead }), ["done", "unchanged"]);
  assert.equal(server.seen.length, 1);
  assert.equal(pod.owner("/data/keycloak-metrics-spi-7.0.0.jar"), ownerInTest("1000:1000"));
  assert.equal(pod.mode("/data/keycloak-metrics-spi-7.0.0.jar"), "644");
});

replaces(13, "a plugin with another digest is not taken", async (pod) => {
  await assert.rejects(
    runWith(pod, (_, response) => response.end("evil"), "https://github.com"),
    { code: "integrity" },
  );
  assert.deepEqual(pod.names("/"), ["bin"]);
});

replaces(
  119,
  "a backup comes out of a bucket, and what was there is kept under another name",
  async (pod) => {
    const credentials = { AWS_ACCESS_KEY_ID: "minio", AWS_SECRET_ACCESS_KEY: "minio123" };
    const s3 = fakeS3({
      buckets: { backup: { "redis/dump.rdb": "new" } },
      keys: { minio: { secret: "minio123" } },
    });
    await using server = await startFileServer(s3);
    pod.file("/data/dump.rdb", "old");
    const env = { ...credentials, AWS_ENDPOINT_URL: server.origin };
    assert.deepEqual(await pod.run({ env }), ["done done", "unchanged unchanged"]);
    assert.equal(pod.read("/data/dump.rdb_orig"), "old");
    assert.equal(pod.read("/data/dump.rdb"), "new");
  },
);

replaces(123, "an agent is downloaded under a name of its own", async (pod) => {
  const jar = "/maven2/io/prometheus/jmx/jmx_prometheus_javaagent/0.17.2/jmx_prometheus_javaagent-0.17.2.jar";
  const answers = await runWith(pod, only({ [jar]: "jar" }), "https://repo1.maven.org");
  assert.deepEqual(answers, ["done", "unchanged"]);
  assert.equal(pod.read("/data/jmx_prometheus_javaagent.jar"), "jar");
});

replaces(136, "a compressed file is there without its compression", async (pod) => {
  const log = { "/demos/logstash/gettingstarted/logstash-tutorial.log.gz": gzipSync("83.149.9.216 - -\n") };
  assert.deepEqual(await runWith(pod, only(log), "https://download.elastic.co"), ["done", "unchanged"]);
  assert.equal(pod.read("/data/logstash-tutorial.log"), "83.149.9.216 - -\n");
});

replaces(143, "dashboards are downloaded, and one of them gets another source of data", async (pod) => {
  const dashboards = only({
    "/api/dashboards/7249/revisions/1/download": "{}",
    "/api/dashboards/1860/revisions/4/download":
      '{\n"datasource": "${DS}",\n"datasource": "-- Grafana --",\n}\n',
  });
  const [, second] = await runWith(pod, dashboards, "https://grafana.com");
  assert.equal(second, "unchanged unchanged done");
  assert.equal(pod.read("/var/lib/grafana/dashboards/default/cluster.json"), "{}");
  assert.equal(
    pod.read("/var/lib/grafana/dashboards/default/node-exporter.json"),
    '{\n"datasource": "Prometheus",\n"datasource": "-- Grafana --",\n}\n',
  );
});

replaces(145, "a snapshot is extracted where there is no database yet, and never again", async (pod) => {
  const snapshot = tar({ name: "CURRENT", content: "MANIFEST-1" });
  assert.deepEqual(await runWith(pod, only({ "/polkadot.tar": snapshot }), "https://snapshots"), [
    "done",
    "skipped",
  ]);
  assert.equal(pod.read("/data/chains/polkadot/db/full/CURRENT"), "MANIFEST-1");
});

replaces(149, "a page is downloaded", async (pod) => {
  assert.deepEqual(await runWith(pod, only({ "/": "<html>" }), "http://info.cern.ch"), ["done", "unchanged"]);
  assert.equal(pod.read("/work-dir/index.html"), "<html>");
});

replaces(156, "a driver keeps the name that it has in the URL", async (pod) => {
  const jar = "/maven2/mysql/mysql-connector-java/8.0.17/mysql-connector-java-8.0.17.jar";
  const answers = await runWith(pod, only({ [jar]: "jar" }), "https://repo1.maven.org");
  assert.deepEqual(answers, ["done", "unchanged"]);
  assert.equal(pod.read("/db-connector-jar/mysql-connector-java-8.0.17.jar"), "jar");
});

replaces(
  209,
  "plugins of an older list go, and those of the new one come from behind a login",
  async (pod) => {
    const login = `Basic ${Buffer.from("reader:s3cret").toString("base64")}`;
    const answer: RequestListener = ({ headers }, response) =>
      headers.authorization === login ? response.end("jar") : response.writeHead(401).end();
    pod.file("/opt/sonarqube/extensions/plugins/old-1.0.jar");
    await runWith(pod, answer, "https://plugins");
    assert.deepEqual(pod.names("/opt/sonarqube/extensions/plugins"), [
      "sonar-auth-oidc-plugin-2.1.1.jar",
      "sonar-dependency-check-plugin-4.0.1.jar",
    ]);
  },
);
