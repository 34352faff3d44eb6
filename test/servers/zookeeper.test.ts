import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../helpers/peers.ts";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

/** Where Debian has them. */
const jars = ["zookeeper", "slf4j-log4j12", "log4j-1.2"].map((name) => `/usr/share/java/${name}.jar`);

const logging = [
  "log4j.rootLogger=INFO, OUT",
  "log4j.appender.OUT=org.apache.log4j.ConsoleAppender",
  "log4j.appender.OUT.layout=org.apache.log4j.PatternLayout",
  "log4j.appender.OUT.layout.ConversionPattern=%p %m%n",
];

function startZooKeeper(...settings: string[]): Promise<ServerProcess> {
  return startServer((port, folder) => {
    const basic = [
      `dataDir=${folder}/data`,
      `clientPort=${port}`,
      "admin.enableServer=false",
      "tickTime=500",
    ];
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "data", "myid"), "1");
    writeFileSync(join(folder, "zoo.cfg"), [...basic, ...settings].join("\n"));
    writeFileSync(join(folder, "log4j.properties"), logging.join("\n"));
    const java = ["java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", [folder, ...jars].join(":")];
    return { command: [...java, "org.apache.zookeeper.server.quorum.QuorumPeerMain", "zoo.cfg"] };
  });
}

test("ZooKeeper is found ready while it starts, warns of nothing in its log, and is gone when it has stopped", async () => {
  await using zookeeper = await startZooKeeper();
  const url = `zookeeper://127.0.0.1:${zookeeper.port}`;
  await ready(url);
  const before = zookeeper.log().length;
  await ready(`zk://app:s3cret@localhost:${zookeeper.port}/chroot`);
  // It notes the command itself, whoever sends it.
  assert.doesNotMatch(zookeeper.log().slice(before), /WARN|ERROR|Exception/);
  await zookeeper.stop();
  await ready("--absent", url);
  zookeeper.start();
  await ready(url);
});

test("ZooKeeper that finds no quorum is not ready", async () => {
  const [quorum, election] = [await freePort(), await freePort()];
  await using zookeeper = await startZooKeeper(
    "initLimit=5",
    "syncLimit=2",
    `server.1=127.0.0.1:${quorum}:${election}`,
    `server.2=127.0.0.1:${await freePort()}:${await freePort()}`,
    `server.3=127.0.0.1:${await freePort()}:${await freePort()}`,
  );
  const url = `zookeeper://127.0.0.1:${zookeeper.port}`;
  await ready(`tcp://127.0.0.1:${zookeeper.port}`);
  const { failure } = await fails("not-ready", url);
  assert.equal(failure.kind, "zookeeper:no-quorum");
});

test("ZooKeeper that must not answer srvr is ready", async () => {
  await using zookeeper = await startZooKeeper("4lw.commands.whitelist=ruok");
  await ready(`zookeeper://127.0.0.1:${zookeeper.port}`);
});
