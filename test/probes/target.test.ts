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

test("the URL of a Java application is a target as it stands", () => {
  assert.equal(nameOf("jdbc:postgresql://db/app?user=me&password=secret&ssl=true"), "postgres://db:5432/app");
  assert.equal(nameOf("jdbc:mysql://db/app?useSSL=false"), "mysql://db:3306/app");
  assert.equal(nameOf("jdbc:mariadb://db:3307/app"), "mariadb://db:3307/app");
  assert.equal(nameOf("jdbc:5432"), "tcp://jdbc:5432");
  assert.throws(() => target.parse("jdbc:oracle:thin:@db:1521/app"), /is not a target/);
});

test("dns, file and unix targets are a scheme and a name or a path", () => {
  assert.equal(nameOf("dns:db.shop.svc"), "dns:db.shop.svc");
  assert.equal(nameOf("DNS:_http._tcp.db?type=srv"), "dns:_http._tcp.db?type=SRV");
  assert.equal(nameOf("file:/run/ready"), "file:/run/ready");
  assert.equal(nameOf("file:///a%20b"), "file:/a b");
  assert.equal(nameOf("unix:/run/app.sock"), "unix:/run/app.sock");
});

test("a host with the name of a scheme is a host", () => {
  for (const host of ["dns", "redis", "kubernetes", "file"])
    assert.equal(nameOf(`${host}:53`), `tcp://${host}:53`);
});

test("server targets have a usual port, several hosts, sockets, drivers and no secret in their name", () => {
  for (const [text, name] of [
    ["redis://:s3cret@db", "redis://db:6379"],
    ["REDISS://app:s3cret@a,b:1/2?x=y", "rediss://a:6379,b:1/2"],
    ["redis+unix:///run/redis.sock?db=1", "redis+unix:///run/redis.sock"],
    ["mysql+pymysql://app:s3cret@db/app", "mysql://db:3306/app"],
    ["mysql://app:s3cret@%2Frun%2Fmysql.sock/app", "mysql:///run/mysql.sock/app"],
    ["mariadb://app@localhost/app?unix_socket=/run/mysql.sock", "mariadb:///run/mysql.sock/app"],
    ["amqps://u:s3cret@q/%2F", "amqps://q:5671//"],
    ["kafka://[::1],k:9093", "kafka://[::1]:9092,k:9093"],
  ]) {
    assert.equal(nameOf(text!), name);
  }
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
    "oracle://db",
    "dns:",
    "dns:a b",
    "dns:db?type=Q",
    "dns:db?kind=A",
    "file:relative",
    "file:",
    "file://host/path",
    "unix:/",
    "unix:/x?y",
    "redis://",
    "redis:/db",
    "redis://db:0",
    "grpc://db",
    "kubernetes",
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
  assert.throws(() => target.parse("oracle://db"), /postgres:/);
});

test("a scheme that is misspelt is told with the nearest one", () => {
  assert.throws(() => target.parse("postgre://db"), /did you mean postgres\?/);
  assert.throws(() => target.parse("httpp://db"), /did you mean http\?/);
  assert.throws(
    () => target.parse("rabbitmq://db"),
    (error: Error) => !error.message.includes("did you mean"),
  );
});

test("tcp:// with too little or too much behind it is told its own form, and not all forms there are", () => {
  for (const text of ["tcp://db", "tcp://db:1,tcp://db:2", "tcp://db:1/path"])
    assert.throws(
      () => target.parse(text),
      (error: Error) => /tcp:\/\/host:port/.test(error.message) && !error.message.includes("redis"),
    );
});

test("parsing ends with a target or an Error, whatever the text", () => {
  const schemes = fc.constantFrom(
    "",
    "tcp://",
    "http://",
    "postgres://",
    "postgres://u:p@",
    "x://",
    "dns:",
    "file:/",
    "unix:/",
    "redis://",
    "mongodb://u:p@",
    "mysql+x://",
  );
  fc.assert(
    fc.property(schemes, fc.string(), (scheme, rest) => {
      try {
        assert.match(nameOf(scheme + rest), /^[a-z0-9+]+:/);
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor === Error, String(error));
      }
    }),
  );
});
