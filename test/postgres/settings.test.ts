import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { checkDatabaseSettings, readDatabaseSettings } from "../../src/postgres/read-settings.ts";
import { databaseSettings } from "../../src/postgres/settings-source.ts";
import { parseUri } from "../../src/postgres/uri.ts";

type Environment = Readonly<Record<string, string>>;

const endpoints = (url: string | undefined, env: Environment = {}): string[] =>
  databaseSettings(url, env).hosts.map(
    ({ host, port, path, address }) => path ?? `${host}:${port}${address ? `@${address}` : ""}`,
  );

function refusal(url: string | undefined, env: Environment = {}): Failure {
  try {
    databaseSettings(url, env);
  } catch (error) {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, "configuration");
    return error;
  }
  return assert.fail("it was taken");
}

test("a URL gives host, port, user, password and database, percent-decoded", () => {
  const settings = databaseSettings(
    "postgresql://us%65r:p%40ss%2Fw%3A%25@db.ns:6432/my%20db?sslmode=require",
    {},
  );
  assert.deepEqual(settings.hosts, [{ host: "db.ns", port: 6432, address: undefined }]);
  assert.equal(settings.user, "user");
  assert.equal(settings.password, "p@ss/w:%");
  assert.equal(settings.database, "my db");
  assert.equal(settings.sslMode, "require");
});

test("whatever user, password and database are, they arrive percent-encoded", () => {
  const text = fc
    .string({ unit: "binary", minLength: 1, maxLength: 12 })
    .filter((each) => each.isWellFormed());
  fc.assert(
    fc.property(text, text, text, (user, password, database) => {
      const encoded = [user, password, database].map(encodeURIComponent);
      const parameters = parseUri(`postgres://${encoded[0]}:${encoded[1]}@h/${encoded[2]}`);
      assert.deepEqual(
        ["user", "password", "dbname"].map((name) => parameters.get(name)),
        [user, password, database],
      );
    }),
  );
});

test("the driver in a URL of an application is left out", () => {
  assert.deepEqual(endpoints("postgresql+psycopg2://u@db/x"), ["db:5432"]);
});

test("parameters that only concern an application are passed over", () => {
  assert.deepEqual(endpoints("postgres://u@db/x?schema=public&pgbouncer=true&connection_limit=1"), [
    "db:5432",
  ]);
});

suite("hosts are read from", () => {
  const urls: Readonly<Record<string, readonly string[]>> = {
    "postgres://u@a,b:5433,[::1]:5434/x": ["a:5432", "b:5433", "::1:5434"],
    "postgres://u@a,b/x?port=1": ["a:1", "b:1"],
    "postgres://u@[fe80::1]/x": ["fe80::1:5432"],
    "postgres:///x?host=/run/pg": ["/run/pg/.s.PGSQL.5432"],
    "postgres://u@%2Frun%2Fpg:5433/x": ["/run/pg/.s.PGSQL.5433"],
    "postgres://u@:5433/x": ["localhost:5433"],
    "postgres://db/x?hostaddr=10.0.0.1": ["db:5432@10.0.0.1"],
    "postgres:///x": [],
  };
  for (const [url, expected] of Object.entries(urls))
    test(url, () => assert.deepEqual(endpoints(url), expected));
});

suite("what is configured comes from", () => {
  test("the option before DATABASE_URL before the PG* variables", () => {
    const env = { DATABASE_URL: "postgres://second/x", PGHOST: "third" };
    assert.deepEqual(endpoints("postgres://first/x", env), ["first:5432"]);
    assert.deepEqual(endpoints(undefined, env), ["second:5432"]);
    assert.deepEqual(endpoints(undefined, { ...env, DATABASE_URL: "" }), ["third:5432"]);
  });

  test("the PG* variables for what the URL leaves open", () => {
    const env = {
      PGUSER: "u",
      PGPASSWORD: "p@ss",
      PGDATABASE: "d",
      PGPORT: "6",
      PGSSLMODE: "verify-full",
      PGHOST: "no",
    };
    const settings = databaseSettings("postgres://db", env);
    const { user, password, database, sslMode } = settings;
    assert.deepEqual(
      { user, password, database, sslMode },
      { user: "u", password: "p@ss", database: "d", sslMode: "verify-full" },
    );
    assert.deepEqual(endpoints("postgres://db", env), ["db:6"]);
  });

  test("nothing, which is a configuration error, also with a password or sslmode alone", () => {
    refusal(undefined);
    refusal(undefined, { PGPASSWORD: "x", PGSSLMODE: "disable", DATABASE_URL: "" });
  });
});

test("without a database, its name is that of the user", () => {
  assert.equal(databaseSettings("postgres://app@db", {}).database, "app");
});

suite("sslmode", () => {
  test("is prefer by default, and require for ssl=true", () => {
    assert.equal(databaseSettings("postgres://db/x", {}).sslMode, "prefer");
    assert.equal(databaseSettings("postgres://db/x?ssl=true", {}).sslMode, "require");
  });

  test("is verify-full for the CAs of the system, and nothing weaker goes with them", () => {
    assert.equal(databaseSettings("postgres://db/x?sslrootcert=system", {}).sslMode, "verify-full");
    refusal("postgres://db/x?sslrootcert=system&sslmode=require");
  });

  test("of an unknown name is a configuration error", () =>
    void refusal("postgres://db/x?sslmode=verify_full"));
});

test("a parameter that asks for more safety than initkit knows is refused, not passed over", () => {
  for (const name of ["sslcrl", "require_auth", "ssl_min_protocol_version", "sslcertmode", "gssencmode"])
    refusal(`postgres://db/x?${name}=require`);
  refusal(undefined, { PGHOST: "db", PGREQUIREAUTH: "none" });
  assert.deepEqual(endpoints("postgres://db/x?ssl_min_protocol_version=TLSv1.2&gssencmode=prefer"), [
    "db:5432",
  ]);
});

suite("a value that libpq would not take is a configuration error:", () => {
  for (const parameter of [
    "target_session_attrs=master",
    "load_balance_hosts=yes",
    "channel_binding=on",
    "sslnegotiation=tls",
    "connect_timeout=5s",
  ])
    test(parameter, () => void refusal(`postgres://db/x?${parameter}`));
});

test("connect_timeout bounds a login, which is 10 s by default, and 2 s at least", () => {
  const limit = (parameter: string) => databaseSettings(`postgres://db/x?${parameter}`, {}).connectTimeout;
  assert.deepEqual(
    ["", "connect_timeout=30", "connect_timeout=1", "connect_timeout=0"].map(limit),
    [10_000, 30_000, 2000, 10_000],
  );
  assert.equal(databaseSettings("postgres://db/x", { PGCONNECT_TIMEOUT: "7" }).connectTimeout, 7000);
});

test("ssl with a value of sslmode, as asyncpg has it, is that sslmode", () => {
  assert.equal(databaseSettings("postgres://db/x?ssl=verify-full", {}).sslMode, "verify-full");
});

test("for a migration, a slip in a parameter that matters is an error that says what was meant", () => {
  for (const name of ["sslmod", "ssl_mode", "SSLMODE", "sslrootcerts", "target_session_attr"]) {
    assert.throws(
      () => checkDatabaseSettings(`postgres://db/x?${name}=y`, {}),
      ({ code, message }: Failure) => code === "configuration" && /did you mean/.test(message),
    );
  }
  const ofApplications =
    "schema=a&connection_limit=1&pool_timeout=2&connectTimeout=3&sslaccept=strict&currentSchema=b&serverVersion=15" +
    "&charset=utf8&pool_max_conns=4&prepareThreshold=0&application_name=x&keepalives=1&sslpassword=y&timezone=UTC";
  checkDatabaseSettings(`postgres://db/x?${ofApplications}`, {});
});

suite("a service", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "initkit-test-"))));
  after(() => rmSync(folder, { recursive: true }));

  /** The file of services, and what names it. */
  function services(text: string): Environment {
    const file = join(folder, "services");
    writeFileSync(file, text);
    return { PGSERVICEFILE: file };
  }

  const file =
    "# ours\n[other]\nhost=no\n\n[prod]\nhost=db.prod\nport=6432\nuser=app\nsslmode=require\n[z]\nhost=z\n";

  test("gives what the URL leaves open, and wins over the PG* variables", async () => {
    const env = { ...services(file), PGUSER: "nobody", PGDATABASE: "orders" };
    const { hosts, user, database, sslMode } = await readDatabaseSettings(
      "postgres://u2@/?service=prod",
      env,
    );
    assert.deepEqual(hosts, [{ host: "db.prod", port: 6432, address: undefined }]);
    assert.deepEqual({ user, database, sslMode }, { user: "u2", database: "orders", sslMode: "require" });
  });

  test("is named by PGSERVICE, and found in the home folder and in that of the system too", async () => {
    writeFileSync(join(folder, ".pg_service.conf"), "[mine]\nhost=home\n");
    writeFileSync(join(folder, "pg_service.conf"), "[ours]\nhost=system\n");
    const hostOf = async (service: string) => {
      const env = { PGSERVICE: service, HOME: folder, PGSYSCONFDIR: folder };
      return (await readDatabaseSettings(undefined, env)).hosts[0]!.host;
    };
    assert.equal(await hostOf("mine"), "home");
    assert.equal(await hostOf("ours"), "system");
  });

  test("that is not defined, or whose file is missing or broken, is a configuration error", async () => {
    const gone = { PGSERVICEFILE: join(folder, "none") };
    const refused = { name: "Failure", code: "configuration" };
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const pipe = { PGSERVICEFILE: join(folder, "pipe") };
    for (const env of [services(file), gone, pipe])
      await assert.rejects(readDatabaseSettings(undefined, { ...env, PGSERVICE: "test" }), refused);
    const broken = services("[prod]\nhost db\n");
    await assert.rejects(readDatabaseSettings(undefined, { ...broken, PGSERVICE: "prod" }), refused);
  });

  test("is not for wait-for, which reads no such file", () => {
    refusal("postgres://db/x?service=prod");
    refusal(undefined, { PGHOST: "db", PGSERVICE: "prod" });
  });
});

suite("a URL that cannot be read is refused without a word of its password:", () => {
  const urls = [
    "mysql://u:s3cret@db/x",
    "jdbc:postgresql://db:port/x?password=s3cret",
    "postgres://u:s3cret/more@db:5432/x",
    "postgres://u:s3@cret@db/x",
    "postgres://u:s3cret%zz@db/x",
    "postgres://u:s3cret@db:port/x",
    "postgres://u:s3cret@db:0/x",
    "postgres://u:s3cret@a,b,c:1,2/x?port=1,2",
    "postgres:/u:s3cret@db/x",
  ];
  for (const url of urls) {
    test(url, () => {
      const { message, hint } = refusal(url);
      assert.doesNotMatch(`${message} ${hint}`, /s3|cret/);
    });
  }
});
