import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { target } from "../../src/probes/target.ts";

const nameOf = (text: string): string => target.parse(text).name;

test("tcp targets are host:port, with a scheme or without", () => {
  assert.deepEqual(target.parse("tcp://db:5432"), {
    scheme: "tcp",
    name: "tcp://db:5432",
    host: "db",
    port: 5432,
  });
  assert.equal(nameOf("db.shop.svc:5432"), "tcp://db.shop.svc:5432");
  assert.equal(nameOf("tcp://10.0.0.3:80/"), "tcp://10.0.0.3:80");
  assert.equal(nameOf("[::1]:5432"), "tcp://[::1]:5432");
  assert.equal(nameOf("TCP://db:05432"), "tcp://db:5432");
});

test("http targets are URLs, told without credentials and query", () => {
  assert.equal(nameOf("http://auth:8080/healthz"), "http://auth:8080/healthz");
  assert.equal(nameOf("HTTPS://me:secret@auth/a?token=secret#x"), "https://auth/a?…");
  assert.equal(nameOf("http://auth"), "http://auth");
});

test("postgres targets are URLs as libpq takes them, told without credentials", () => {
  assert.equal(nameOf("postgres://db"), "postgres://db:5432");
  assert.equal(nameOf("postgresql://me:secret@a,b:6432/app?sslmode=require"), "postgres://a:5432,b:6432/app");
  assert.equal(nameOf("postgresql+asyncpg://me:secret@[::1]/app"), "postgres://[::1]:5432/app");
  assert.equal(
    nameOf("postgres:///app?host=/var/run/postgresql"),
    "postgres:///var/run/postgresql/.s.PGSQL.5432/app",
  );
});

test("what is no target is told with the forms that are", () => {
  for (const text of [
    "",
    "db",
    "db:",
    ":80",
    "db:0",
    "db:65536",
    "tcp://db",
    "tcp://u:p@db:1",
    "a b:1",
    "dns:db",
    "redis://db",
  ]) {
    assert.throws(() => target.parse(text), Error, text);
  }
  for (const text of [
    "http://",
    "http://a:0/",
    "http://a:99999/",
    "postgres://db:x",
    "postgres://db?sslmode=sure",
  ]) {
    assert.throws(() => target.parse(text), Error, text);
  }
  assert.throws(() => target.parse("redis://db"), /postgres:/);
});

test("parsing ends with a target or an Error, whatever the text", () => {
  const schemes = fc.constantFrom("", "tcp://", "http://", "postgres://", "postgres://u:p@", "x://");
  fc.assert(
    fc.property(schemes, fc.string(), (scheme, rest) => {
      try {
        assert.ok(nameOf(scheme + rest).includes("://"));
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor === Error, String(error));
      }
    }),
  );
});
