import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { owner, resolveOwner } from "../../src/files/owner.ts";

const folder = mkdtempSync(join(tmpdir(), "initkit-owner-"));
after(() => rmSync(folder, { recursive: true }));

const databases = { passwd: join(folder, "passwd"), group: join(folder, "group") };
writeFileSync(
  databases.passwd,
  "# people\nroot:x:0:0:root:/root:/bin/sh\npostgres:x:70:71:Postgres:/var/lib/postgresql:/bin/sh\nbroken:x:seven:8::/:\n1000:x:5:6::/:\n+nis\n",
);
writeFileSync(databases.group, "root:x:0:\npostgres:x:71:\nwww-data:x:33:postgres\nempty:x::\n");

const resolved = (text: string) => resolveOwner(owner.parse(text), databases);

test("an owner is a user, a group, or both, as names or numbers", () => {
  assert.deepEqual(resolved("1000"), { uid: 1000 });
  assert.deepEqual(resolved("1000:2000"), { uid: 1000, gid: 2000 });
  assert.deepEqual(resolved(":2000"), { gid: 2000 });
  assert.deepEqual(resolved("postgres"), { uid: 70 });
  assert.deepEqual(resolved("postgres:www-data"), { uid: 70, gid: 33 });
  assert.deepEqual(resolved("70:www-data"), { uid: 70, gid: 33 });
  assert.deepEqual(resolved(":www-data"), { gid: 33 });
  assert.deepEqual(resolved("0:0"), { uid: 0, gid: 0 });
});

test("USER: takes the user's own group", () => {
  assert.deepEqual(resolved("postgres:"), { uid: 70, gid: 71 });
  assert.deepEqual(resolved("70:"), { uid: 70, gid: 71 });
});

test("numbers need no user database, and are never taken for names", () => {
  const nowhere = { passwd: join(folder, "none"), group: join(folder, "none") };
  assert.deepEqual(resolveOwner(owner.parse("1000:1000"), nowhere), { uid: 1000, gid: 1000 });
  assert.deepEqual(resolved("1000"), { uid: 1000 });
});

test("a name that nobody knows is a failure of access", () => {
  const unknown = [
    "nobody-here",
    "postgres:nobody-here",
    ":nobody-here",
    "4711:",
    "broken",
    ":empty",
    "+nis",
    "# people".slice(0, 1),
  ];
  for (const text of unknown) {
    assert.throws(
      () => resolved(text),
      (error) => error instanceof Failure && error.code === "access",
      text,
    );
  }
});

test("a name without a user database is a failure of access", () => {
  const nowhere = { passwd: join(folder, "none"), group: folder };
  for (const text of ["postgres", ":postgres"]) {
    assert.throws(
      () => resolveOwner(owner.parse(text), nowhere),
      (error) => error instanceof Failure && error.code === "access",
      text,
    );
  }
});

test("what is no owner is refused", () => {
  const wrong = [
    "",
    ":",
    "a:b:c",
    "a b",
    "-1",
    "+5",
    "1000:-1",
    "4294967295",
    ":4294967295",
    "99999999999999999999",
  ];
  for (const text of wrong) assert.throws(() => owner.parse(text), Error, text);
});

test("every pair of ids is an owner", () => {
  const id = fc.integer({ min: 0, max: 2 ** 32 - 2 });
  fc.assert(fc.property(id, id, (uid, gid) => assert.deepEqual(resolved(`${uid}:${gid}`), { uid, gid })));
});
