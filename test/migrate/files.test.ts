import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import type { ToolName } from "../../src/migrate/adopt/names.ts";
import { toolsNamed } from "../../src/migrate/adopt/tools.ts";
import { readMigrations } from "../../src/migrate/files.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "initkit-test-"))));
afterEach(() => rm(folder, { recursive: true }));

const put = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
};
const empty = (...names: string[]): Promise<void> => put(Object.fromEntries(names.map((name) => [name, ""])));
const ids = (path = folder): string[] => readMigrations(path).migrations.map(({ id }) => id);
const names = (): string[] => readMigrations(folder).migrations.map(({ name }) => name);
function failure(path = folder): Failure {
  try {
    readMigrations(path);
  } catch (error) {
    if (error instanceof Failure) return error;
  }
  return assert.fail("it was read");
}

test("files come in the order of their versions, and repeatable ones after all others", async () => {
  await empty(
    "R__a_view.sql",
    "10_j.sql",
    "9_i.sql",
    "1.10_b.sql",
    "1.9_a.sql",
    "20261122123456_z.sql",
    "R__Z.sql",
  );
  const expected = [
    "1.9_a.sql",
    "1.10_b.sql",
    "9_i.sql",
    "10_j.sql",
    "20261122123456_z.sql",
    "R__Z.sql",
    "R__a_view.sql",
  ];
  assert.deepEqual(names(), expected);
});

test("every form of a name gives its version", async () => {
  await empty(
    "001_a.sql",
    "2-b.sql",
    "3.b.sql",
    "V4.1__c.sql",
    "5.up.sql",
    "5.down.sql",
    "6_f.up.sql",
    "6_f.down.sql",
  );
  await empty("7.sql", "8.0_g.SQL");
  assert.deepEqual(ids(), ["1", "2", "3", "4.1", "5", "6", "7", "8"]);
});

suite("with the names of another tool", () => {
  const withNames = (...tools: (ToolName | "auto")[]): string[] => {
    const others = toolsNamed(tools).flatMap(({ files }) => files ?? []);
    return readMigrations(folder, others).migrations.map(({ id }) => id);
  };

  for (const [tool, name, version] of [
    ["dbmate", "20260101first.sql", "20260101"],
    ["flyway", "V1_02__x.sql", "1.2"],
    ["knex", "20260101first.sql", "20260101"],
    ["node-pg-migrate", "1700000000001x.up.sql", "1700000000001"],
    ["postgrator", "001.do.sql", "1"],
  ] as const) {
    test(`${name} is a migration of ${tool}`, async () => {
      await empty(name);
      assert.deepEqual(withNames(tool), [version]);
      assert.deepEqual(withNames("auto"), [version]);
    });
  }

  test("what initkit reads itself keeps its version", async () => {
    await empty("1.2_a.sql", "V3.1__b.sql", "004-c.sql", "R__v.sql");
    assert.deepEqual(withNames("auto"), ["1.2", "3.1", "4", "R__v"]);
  });

  test("what undoes is passed over, so that two files of one version are none", async () => {
    await empty("001.do.a.sql", "001.undo.a.sql", "V2__b.sql", "U2__b.sql", "B2__b.sql");
    assert.deepEqual(withNames("auto"), ["1", "2"]);
    assert.throws(() => withNames("dbmate"), { code: "configuration" });
  });

  test("without a version is a configuration error all the same", async () => {
    await empty("current.sql");
    assert.throws(() => withNames("auto"), { code: "configuration" });
  });
});

test("other files are passed over", async () => {
  await empty("1_a.sql", "README.md", ".2_b.sql.swp", "._1_a.sql", "V1__a.sql.conf", "seed.sql.txt");
  await mkdir(join(folder, "3_folder"));
  assert.deepEqual(ids(), ["1"]);
});

test("the links of a ConfigMap mount are followed, and kubelet's own names passed over", async () => {
  await mkdir(join(folder, "..2026_11_22_12_34_56.1"));
  await empty("..2026_11_22_12_34_56.1/1_a.sql");
  await symlink("..2026_11_22_12_34_56.1", join(folder, "..data"));
  await symlink("..data/1_a.sql", join(folder, "1_a.sql"));
  assert.deepEqual(names(), ["1_a.sql"]);
});

suite("a configuration error is", () => {
  for (const same of [
    ["1_a.sql", "1_b.sql"],
    ["2_a.sql", "2.0-b.sql"],
    ["003_a.sql", "V3__b.sql"],
    ["4_a.up.sql", "4_a.sql"],
  ]) {
    test(`one version for ${same.join(" and ")}`, async () => {
      await empty(...same);
      const { code, message } = failure();
      assert.equal(code, "configuration");
      for (const name of same) assert.ok(message.includes(name), message);
    });
  }

  for (const name of ["users.sql", "V1_users.sql", "1a_users.sql", "R_users.sql", "U1__users.sql"]) {
    test(`the name ${name}`, async () => {
      await empty("1_a.sql", name);
      const { code, message } = failure();
      assert.equal(code, "configuration");
      assert.ok(message.includes(name) && !message.includes("1_a.sql"), message);
    });
  }

  test("text that is not UTF-8", async () => {
    await put({ "1_a.sql": Buffer.from([0x2d, 0x2d, 0xe9, 0x0a]) });
    const { code, message } = failure();
    assert.equal(code, "configuration");
    assert.match(message, /1_a\.sql/);
  });

  test("a NUL byte, with its place", async () => {
    await put({ "1_a.sql": "select 1;\n  \0" });
    const { code, message } = failure();
    assert.equal(code, "configuration");
    assert.match(message, /1_a\.sql:2:3/);
  });
});

test("a single file may have no version", async () => {
  await empty("seed.sql", "5_e.sql", "other.sql");
  assert.deepEqual(ids(join(folder, "seed.sql")), ["seed.sql"]);
  assert.deepEqual(ids(join(folder, "5_e.sql")), ["5"]);
});

suite("access has failed where", () => {
  test("the folder is not there", async () => {
    assert.equal(failure(join(folder, "nowhere")).code, "access");
  });

  test("a link leads nowhere", async () => {
    await symlink("nowhere", join(folder, "1_a.sql"));
    assert.equal(failure().code, "access");
  });

  suite("a file is no ordinary one, which is no reason to wait", () => {
    const others: Readonly<Record<string, (path: string) => unknown>> = {
      "a named pipe": (path) => execFileSync("mkfifo", [path]),
      "a link to a named pipe": (path) => {
        execFileSync("mkfifo", [join(folder, "pipe")]);
        return symlink("pipe", path);
      },
      "a link to a device": (path) => symlink("/dev/zero", path),
      "a folder, as a subPath mount of a missing key leaves": (path) => mkdir(path),
    };
    for (const [what, make] of Object.entries(others)) {
      test(what, async () => {
        await empty("1_a.sql");
        const path = join(folder, "2_b.sql");
        await make(path);
        assert.equal(failure().code, "access");
        assert.match(failure().message, /2_b\.sql/);
        if (!statSync(path).isDirectory()) assert.equal(failure(path).code, "access");
      });
    }

    test("a socket", async () => {
      const path = join(folder, "1_a.sql");
      const server = createServer().listen(path);
      await once(server, "listening");
      for (const each of [folder, path]) assert.equal(failure(each).code, "access");
      server.close();
    });
  });

  test("a file is larger than a text can be", async () => {
    await empty("1_a.sql");
    await truncate(join(folder, "1_a.sql"), 600 * 1024 * 1024);
    assert.equal(failure().code, "access");
  });

  test(
    "a file may not be read",
    { skip: process.getuid?.() === 0 && "root may read everything" },
    async () => {
      await empty("1_a.sql");
      await chmod(join(folder, "1_a.sql"), 0);
      assert.equal(failure().code, "access");
    },
  );
});

test("line ends, a BOM and empty lines at the end change no checksum; anything else does", async () => {
  await put({
    "1_a.sql": "select 1;\nselect 2;\n",
    "2_b.sql": "\ufeffselect 1;\r\nselect 2;",
    "3_c.sql": "select 1;\rselect 2;\r\n\r\n",
    "4_d.sql": "select 1;\nselect 2; ",
  });
  const { migrations } = readMigrations(folder);
  const [first, second, third, fourth] = migrations.map(({ checksum }) => checksum);
  assert.equal(second, first);
  assert.equal(third, first);
  assert.notEqual(fourth, first);
});
