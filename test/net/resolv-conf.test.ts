import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { candidateNames, parseHosts, parseResolvConf } from "../../src/net/resolv-conf.ts";

const kubernetes = `
search shop.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
`;

test("a pod's resolv.conf is understood", () => {
  const conf = parseResolvConf(kubernetes);
  assert.deepEqual(conf.servers, ["10.96.0.10"]);
  assert.deepEqual(conf.search, ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"]);
  assert.equal(conf.ndots, 5);
});

test("the last search line counts, and at most three name servers", () => {
  const conf = parseResolvConf(
    "search a.test\ndomain b.test\nsearch c.test.\nnameserver fd00::1\n" +
      "nameserver 10.0.0.1 # first\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n; nameserver 10.0.0.4",
  );
  assert.deepEqual(conf.search, ["c.test"]);
  assert.deepEqual(conf.servers, ["[fd00::1]", "10.0.0.1", "10.0.0.2"]);
});

test("timeout and attempts are taken within bounds, ndots up to 15", () => {
  const conf = parseResolvConf("options timeout:1 attempts:9 ndots:99 rotate\noptions edns0");
  assert.deepEqual([conf.timeout, conf.attempts, conf.ndots], [1000, 5, 15]);
});

test("an empty resolv.conf means the name server of this host", () => {
  assert.deepEqual(parseResolvConf("").servers, ["127.0.0.1"]);
});

test("any text at all is taken as resolv.conf, with usable numbers", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      const conf = parseResolvConf(
        `nameserver ${one}\noptions timeout:${other} ndots:${one} attempts:${other}\n${other}`,
      );
      assert.ok(conf.servers.length >= 1 && conf.servers.length <= 3);
      assert.ok(conf.timeout > 0 && conf.timeout <= 30_000);
      assert.ok(conf.attempts >= 1 && conf.attempts <= 5);
      assert.ok(conf.ndots >= 0 && conf.ndots <= 15);
    }),
  );
});

test("a short name is tried in the search domains first, a long one as it stands", () => {
  const conf = { search: ["shop.svc.cluster.local", "cluster.local"], ndots: 2 };
  assert.deepEqual(candidateNames("db", conf), ["db.shop.svc.cluster.local", "db.cluster.local", "db"]);
  assert.deepEqual(candidateNames("a.b.c", conf), [
    "a.b.c",
    "a.b.c.shop.svc.cluster.local",
    "a.b.c.cluster.local",
  ]);
  assert.deepEqual(candidateNames("db.", conf), ["db"]);
});

test("hosts gives every address of a name, whatever its case", () => {
  const hosts = "127.0.0.1 localhost\n10.0.0.3\tDb db.test # the database\nfd00::3 db\n#10.0.0.4 db\n";
  assert.deepEqual(parseHosts(hosts, "dB"), ["10.0.0.3", "fd00::3"]);
  assert.deepEqual(parseHosts(hosts, "the"), []);
});
