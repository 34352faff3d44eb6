import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { resolve } from "../../src/net/resolver.ts";
import { type DnsAnswer, startDnsServer } from "../helpers/dns-server.ts";
import { openResources } from "../helpers/peers.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "initkit-resolver-"));
});
after(() => rm(folder, { recursive: true }));

interface Setup {
  readonly names?: Readonly<Record<string, DnsAnswer>>;
  readonly answer?: (name: string, type: string) => DnsAnswer;
  readonly conf?: string;
  readonly hosts?: string;
  readonly signal?: AbortSignal;
}

/** Resolves a name against a fake server; unknown names do not exist there. */
async function resolveWith(name: string, { names = {}, answer, conf = "", hosts = "", signal }: Setup) {
  await using server = await startDnsServer(answer ?? ((asked) => names[asked] ?? "nxdomain"));
  const [resolvConf, hostsFile] = [join(folder, "resolv.conf"), join(folder, "hosts")];
  await Promise.all([writeFile(resolvConf, conf), writeFile(hostsFile, hosts)]);
  const options = { resolvConf, hosts: hostsFile, servers: [server.address] };
  const never = new AbortController().signal;
  try {
    return {
      addresses: await resolve(name, { ...options, code: "not-ready", signal: signal ?? never }),
      asked: server.asked,
    };
  } catch (error) {
    return { error: error as Failure, asked: server.asked, address: server.address };
  }
}

const search = "search shop.svc.cluster.local cluster.local\noptions ndots:5 timeout:1 attempts:1";

test("a Kubernetes short name is found through the search domains", async () => {
  const names = { "db.shop.svc.cluster.local": ["10.0.0.3"] };
  const { addresses, asked } = await resolveWith("db", { names, conf: search });
  assert.deepEqual(addresses, ["10.0.0.3"]);
  assert.deepEqual(asked.toSorted(), ["db.shop.svc.cluster.local A", "db.shop.svc.cluster.local AAAA"]);
});

test("a name with a final dot is asked for as it is", async () => {
  const { addresses, asked } = await resolveWith("db.test.", {
    names: { "db.test": ["10.0.0.3"] },
    conf: search,
  });
  assert.deepEqual(addresses, ["10.0.0.3"]);
  assert.ok(asked.every((name) => name.startsWith("db.test ")));
});

test("both families are answered in turn, IPv6 first", async () => {
  const names = { db: ["10.0.0.1", "10.0.0.2", "fd00::1"] };
  assert.deepEqual((await resolveWith("db", { names })).addresses, ["fd00::1", "10.0.0.1", "10.0.0.2"]);
});

test("a server that keeps silent about IPv6 does not hold up IPv4", async () => {
  const startedAt = performance.now();
  const answer = (_: string, type: string): DnsAnswer => (type === "A" ? ["10.0.0.3"] : "silent");
  const { addresses } = await resolveWith("db", { answer, conf: "options timeout:20 attempts:1" });
  assert.deepEqual(addresses, ["10.0.0.3"]);
  assert.ok(performance.now() - startedAt < 10_000);
});

test("a name that does not exist for IPv4 does not exist, whatever is said about IPv6", async () => {
  const answer = (name: string, type: string): DnsAnswer =>
    type === "AAAA" ? "silent" : name === "db.cluster.local" ? ["10.0.0.3"] : "nxdomain";
  const startedAt = performance.now();
  const { addresses } = await resolveWith("db", { answer, conf: `${search} timeout:20` });
  assert.deepEqual(addresses, ["10.0.0.3"]);
  assert.ok(performance.now() - startedAt < 10_000);
});

test("an address of a server that is none is passed over", async () => {
  await using good = await startDnsServer(() => ["10.0.0.3"]);
  const common = {
    resolvConf: "/none",
    hosts: "/none",
    code: "not-ready",
    signal: new AbortController().signal,
  } as const;
  assert.deepEqual(await resolve("db", { ...common, servers: ["dns.test", good.address] }), ["10.0.0.3"]);
  await assert.rejects(resolve("db", { ...common, servers: ["fe80::1%"] }), { kind: "dns:timeout" });
});

test("hosts wins over DNS, and localhost never leaves the host", async () => {
  const hosts = "10.9.9.9 db localhost\n";
  assert.deepEqual(await resolveWith("DB", { hosts }), { addresses: ["10.9.9.9"], asked: [] });
  assert.deepEqual(await resolveWith("localhost", { hosts }), { addresses: ["::1", "127.0.0.1"], asked: [] });
  assert.deepEqual(await resolveWith("a.LOCALHOST.", {}), { addresses: ["::1", "127.0.0.1"], asked: [] });
});

test("an address is taken as it is, with or without brackets", async () => {
  assert.deepEqual(await resolveWith("10.0.0.3", {}), { addresses: ["10.0.0.3"], asked: [] });
  assert.deepEqual(await resolveWith("[fd00::1]", {}), { addresses: ["fd00::1"], asked: [] });
});

test("a name that does not exist is told with all that was tried", async () => {
  const { error } = await resolveWith("db", { conf: search });
  assert.equal(error?.kind, "dns:not-found");
  for (const name of ["db.shop.svc.cluster.local", "db.cluster.local", '"db"'])
    assert.ok(error.message.includes(name));
  assert.ok(error.hint);
});

test("a name without addresses is told apart from one that does not exist", async () => {
  const { error } = await resolveWith("db", { names: { db: [] } });
  assert.equal(error?.kind, "dns:no-data");
});

test("a server that fails is told apart from a name that does not exist", async () => {
  const answer = (name: string): DnsAnswer => (name === "db.cluster.local" ? "servfail" : "nxdomain");
  const { error } = await resolveWith("db", { answer, conf: search });
  assert.equal(error?.kind, "dns:server-failure");
});

test("a silent server ends the search and is told with its address", async () => {
  const { error, asked, address } = await resolveWith("db", { answer: () => "silent", conf: search });
  assert.equal(error?.kind, "dns:timeout");
  assert.ok(error.message.includes(address!));
  assert.ok(asked.every((name) => name.startsWith("db.shop.svc.cluster.local ")));
});

test("the second name server is asked when the first one fails or is not there", async () => {
  await using failing = await startDnsServer(() => "servfail");
  await using good = await startDnsServer(() => ["10.0.0.3"]);
  const resolvConf = join(folder, "two");
  await writeFile(resolvConf, "options timeout:1 attempts:1");
  const common = {
    resolvConf,
    hosts: "/none",
    code: "not-ready",
    signal: new AbortController().signal,
  } as const;
  for (const first of [failing.address, "127.0.0.1:1"]) {
    assert.deepEqual(await resolve("db.test", { ...common, servers: [first, good.address] }), ["10.0.0.3"]);
  }
});

test("an abort ends a pending lookup at once, with its layer, and leaves nothing behind", async () => {
  await using silent = await startDnsServer(() => "silent");
  const before = await openResources();
  const stop = new AbortController();
  const reason = new Failure("not-ready", "time is over");
  const resolvConf = join(folder, "patient");
  await writeFile(resolvConf, "options timeout:20");
  const startedAt = performance.now();
  const pending = resolve("db", {
    resolvConf,
    hosts: "/none",
    servers: [silent.address],
    code: "not-ready",
    signal: stop.signal,
  });
  while (silent.asked.length < 2) await new Promise(setImmediate);
  stop.abort(reason);
  await assert.rejects(pending, (error: Failure) => {
    assert.equal(error.kind, "dns:timeout");
    return error.message.includes("time is over") && error.message.includes(silent.address);
  });
  assert.ok(performance.now() - startedAt < 5_000);
  assert.deepEqual(await openResources(), before);
});

test("the end of the run is passed on as it is", async () => {
  const reason = new Failure("signal", "SIGTERM", { signal: 15 });
  const { error } = await resolveWith("db", { answer: () => "silent", signal: AbortSignal.abort(reason) });
  assert.equal(error, reason);
});
