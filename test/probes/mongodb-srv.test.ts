import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { findServers, probe, type Resolving } from "../../src/probes/mongodb.ts";
import { probeServers } from "../../src/probes/server.ts";
import { parseServer } from "../../src/probes/server-target.ts";
import { startMongo } from "../helpers/mongodb-fake.ts";
import { openResources } from "../helpers/peers.ts";
import { startSrvDns, type SrvZone } from "../helpers/srv-dns.ts";

const never = new AbortController().signal;

/** Probes as wait-for does, with the names of a zone. */
async function probeWith(zone: SrvZone, url: string, signal = never): Promise<readonly string[]> {
  await using dns = await startSrvDns(zone);
  const resolving: Resolving = { servers: [dns.address], resolvConf: "/dev/null" };
  const probes = {
    probe: (asking: Parameters<typeof probe>[0]) => probe(asking, resolving),
    findServers: (...of: Parameters<typeof findServers>) => findServers(of[0], of[1], resolving),
  };
  await probeServers(probes, { target: parseServer(url), tls: {}, signal });
  return dns.asked;
}

async function failureOf(zone: SrvZone, url: string, signal?: AbortSignal): Promise<Failure> {
  try {
    await probeWith(zone, url, signal);
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error;
  }
  assert.fail("it is ready");
}

const host = "mongo.db.localhost";
const at = (...servers: (readonly [name: string, port: number])[]): NonNullable<SrvZone["srv"]> => ({
  [`_mongodb._tcp.${host}`]: servers.map(([name, port]) => ({ name, port })),
});

test("mongodb+srv means TLS and other schemes none, unless a parameter says otherwise", () => {
  for (const [url, tls] of [
    ["mongodb+srv://a.b.c", true],
    ["mongodb+srv://a.b.c/?tls=false", false],
    ["mongodb+srv://a.b.c/?ssl=false", false],
    ["mongodb://a", false],
    ["mongodb://a/?tls=true", true],
    ["mongodb://a/?SSL=true", true],
    ["redis://a/?tls=true", false],
  ] as const)
    assert.equal(parseServer(url).tls, tls, url);
});

test("the servers of mongodb+srv are those of its SRV records, and one is enough", async () => {
  await using fake = await startMongo();
  const srv = at(["a.db.localhost", 1], ["b.db.localhost", fake.port]);
  const asked = await probeWith({ srv }, `mongodb+srv://${host}/?tls=false`);
  assert.equal(asked[0], `_mongodb._tcp.${host} SRV`);
  assert.ok(asked.slice(1).every((question) => question === `${host} TXT`));
  await fake.idle();
});

test("authSource and replicaSet may stand in a TXT record, and count less than the URL", async () => {
  const users = [
    { name: "me", password: "pass", source: "people" },
    { name: "me", password: "pass", source: "staff" },
  ];
  const hello = () => ({ isWritablePrimary: true, setName: "rs0", ok: 1 });
  await using fake = await startMongo({ users, hello });
  const srv = at(["a.db.localhost", fake.port]);
  const txt = { [host]: [["authSource=people&replica", "Set=rs0&tls=true&w=3"]] };
  const urlWith = (rest: string) => `mongodb+srv://me:pass@${host}/shop?tls=false${rest}`;
  await probeWith({ srv, txt }, urlWith(""));
  await probeWith({ srv, txt }, urlWith("&authSource=staff"));
  assert.deepEqual(
    fake.commands.filter((command) => "saslStart" in command).map(({ $db }) => $db),
    ["people", "staff"],
  );
  const wrongSet = { [host]: [["authSource=people&replicaSet=rs1"]] };
  assert.equal((await failureOf({ srv, txt: wrongSet }, urlWith(""))).kind, "mongodb:set-name");
  await fake.idle();
});

test("a name without SRV records is not ready", async () => {
  for (const [zone, kind] of [
    [{}, "dns:not-found"],
    [{ srv: at() }, "dns:no-data"],
  ] as const) {
    const failure = await failureOf(zone, `mongodb+srv://${host}`);
    assert.equal(failure.code, "not-ready");
    assert.equal(failure.kind, kind);
    assert.match(failure.hint!, /port named mongodb/);
  }
});

test("servers of another domain are not asked", async () => {
  await using fake = await startMongo();
  for (const [name, url] of [
    ["a.evil.localhost", `mongodb+srv://${host}/?tls=false`],
    ["evildb.localhost", `mongodb+srv://${host}/?tls=false`],
    ["db.localhost", "mongodb+srv://db.localhost/?tls=false"],
  ] as const) {
    const records = [{ name, port: fake.port }];
    const srv = { [`_mongodb._tcp.${host}`]: records, "_mongodb._tcp.db.localhost": records };
    assert.equal((await failureOf({ srv }, url)).kind, "mongodb:srv");
  }
  assert.equal(fake.counts.accepted, 0);
});

test("a name server that is silent is given up at the end of the attempt, and leaves nothing open", async () => {
  const before = await openResources();
  const srv = at(["a.db.localhost", 1]);
  for (const silent of [`_mongodb._tcp.${host}`, host]) {
    const limit = new AbortController();
    setTimeout(() => limit.abort(new Failure("not-ready", "no success within 100ms")), 100);
    const failure = await failureOf({ srv, silent: [silent] }, `mongodb+srv://${host}`, limit.signal);
    assert.equal(failure.kind, "dns:timeout");
  }
  assert.deepEqual(await openResources(), before);
});
