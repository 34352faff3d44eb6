import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { DnsAnswer } from "../helpers/dns-server.ts";

interface Ended {
  readonly exitCode: number;
  readonly durationMs: number;
  readonly asked: readonly string[];
  readonly report: { steps: [{ targets: { error?: { message: string; hint: string } }[] }] };
}

const pod =
  "nameserver 127.0.0.1\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5 timeout:1\n";

/** Runs initkit where these are all the names there are. */
async function inPod(names: Record<string, DnsAnswer>, args: readonly string[], hosts = ""): Promise<Ended> {
  const script = join(import.meta.dirname, "../helpers/in-namespace.ts");
  const unshare = ["--net", "--mount", "--propagation", "private", process.execPath, script];
  const words = [...unshare, pod, hosts, JSON.stringify(names), ...args];
  const { stdout } = await promisify(execFile)("unshare", words);
  return JSON.parse(stdout);
}

test("dns: finds a name through the search list of the pod, and in /etc/hosts", async () => {
  const names = { "db.shop.svc.cluster.local": ["10.0.0.3"] };
  assert.equal((await inPod(names, ["wait-for", "dns:db", "dns:db?type=A"])).exitCode, 0);
  assert.equal((await inPod({}, ["wait-for", "dns:db"], "10.0.0.4 db\n")).exitCode, 0);
});

test("dns: waits for a record of the type that is asked for", async () => {
  const names = {
    "_pg._tcp.db.shop.svc.cluster.local": ["0 5 5432 db-0.db"],
    "about.shop.svc.cluster.local": ["v=1"],
  };
  const wanted = ["dns:_pg._tcp.db?type=SRV", "dns:about?type=TXT"];
  assert.equal((await inPod(names, ["wait-for", ...wanted])).exitCode, 0);
});

test("a name that there is not is told with every name that was tried, and is no absence", async () => {
  for (const words of [["dns:db"], ["--absent", "dns:db"], ["tcp://db:5432"]]) {
    const { exitCode, report } = await inPod({}, ["wait-for", ...words, "--timeout", "300ms"]);
    assert.equal(exitCode, 10);
    const { message } = report.steps[0].targets[0]!.error!;
    for (const name of ["db.shop.svc.cluster.local", "db.svc.cluster.local"])
      assert.ok(message.includes(name), message);
  }
});

test("a name server that is silent does not hold up the end, nor a target that needs none", async () => {
  const names: Record<string, DnsAnswer> = Object.fromEntries(
    ["one", "two"].map((name) => [`${name}.shop.svc.cluster.local`, "silent" as const]),
  );
  const words = ["wait-for", "tcp://one:1", "postgres://two", "http://localhost:1", "--timeout", "1500ms"];
  const { exitCode, durationMs, report } = await inPod(names, words);
  assert.equal(exitCode, 10);
  assert.ok(durationMs < 6000, `${durationMs}`);
  assert.match(report.steps[0].targets[2]!.error!.message, /refused/);
});

test("dns: a name that comes later is found, though it was asked for before", async () => {
  const names = { "late:db.shop.svc.cluster.local": ["10.0.0.3"] };
  const { exitCode, asked } = await inPod(names, ["wait-for", "dns:db"]);
  assert.equal(exitCode, 0);
  assert.ok(asked.filter((each) => each === "db.shop.svc.cluster.local A").length > 1);
});

test("SIGTERM ends a wait for a name at once", async () => {
  const { exitCode } = await inPod({ SIGTERM: [] }, ["wait-for", "dns:db", "--timeout", "0"]);
  assert.equal(exitCode, 143);
});
