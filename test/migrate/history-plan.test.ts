import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import type { Migration } from "../../src/migrate/files.ts";
import {
  type Applied,
  comparePlan,
  type PlanOptions,
  unknownChecksum,
} from "../../src/migrate/history-plan.ts";
import { parseVersion } from "../../src/migrate/version.ts";

const file = (id: string, checksum = id, kind: Migration["kind"] = "versioned"): Migration => ({
  kind,
  id,
  name: `${id}_x.sql`,
  path: `/m/${id}_x.sql`,
  checksum,
});
const view = (checksum: string): Migration => file("R__v", checksum, "repeatable");

const row = (migration: Migration, more: Partial<Applied> = {}): Applied => ({
  version: migration.id,
  name: migration.name,
  kind: migration.kind,
  checksum: migration.checksum,
  state: "done",
  statements_started: 0,
  statements_done: 0,
  done_checksum: null,
  ...more,
});
const applied = (...ids: string[]): Applied[] => ids.map((id) => row(file(id)));

interface Given extends Partial<PlanOptions> {
  readonly folder?: boolean;
}

function plan(files: readonly Migration[], history: readonly Applied[], given: Given = {}) {
  const { folder = true, to, outOfOrder = false } = given;
  const { pending, warnings } = comparePlan({ migrations: files, folder }, history, { to, outOfOrder });
  return { pending: pending.map(({ migration }) => migration.id), warnings: warnings.length };
}

function contradiction(files: readonly Migration[], history: readonly Applied[], given?: Given): string {
  try {
    plan(files, history, given);
  } catch (error) {
    assert.ok(error instanceof Failure && error.code === "history");
    return error.message;
  }
  return assert.fail("it was no contradiction");
}

const three = [file("1"), file("2"), file("3")];

test("what is not in the history is pending, in the order of the files", () => {
  assert.deepEqual(plan(three, applied("1")), { pending: ["2", "3"], warnings: 0 });
  assert.deepEqual(plan(three, []), { pending: ["1", "2", "3"], warnings: 0 });
  assert.deepEqual(plan(three, applied("1", "2", "3")), { pending: [], warnings: 0 });
});

test("an applied file that was edited contradicts the history, even when nothing is pending", () => {
  assert.match(contradiction([file("1", "other")], applied("1")), /1_x\.sql/);
});

test("an applied file whose text nobody knows is taken as it is", () => {
  const unknown = row(file("1"), { checksum: unknownChecksum });
  assert.deepEqual(plan(three, [unknown]), { pending: ["2", "3"], warnings: 0 });
});

test("all contradictions are told at once", () => {
  const message = contradiction([file("1", "a"), file("2", "b"), file("5")], applied("1", "2", "4"));
  for (const name of ["1_x.sql", "2_x.sql", "4_x.sql"]) assert.ok(message.includes(name), message);
});

suite("an applied version without a file", () => {
  test("contradicts the history where a newer file is there", () => {
    assert.match(contradiction([file("1"), file("3")], applied("1", "2")), /2_x\.sql/);
  });

  test("is a newer database where no newer file is there", () => {
    assert.deepEqual(plan([file("1")], applied("1", "2", "3")), { pending: [], warnings: 1 });
  });

  test("means nothing for a single file", () => {
    assert.deepEqual(plan([file("3")], applied("1", "2"), { folder: false }), {
      pending: ["3"],
      warnings: 0,
    });
  });
});

suite("a pending file that is older than the newest applied one", () => {
  test("contradicts the history", () => {
    assert.match(contradiction(three, applied("1", "3")), /2_x\.sql/);
  });

  test("is applied with out-of-order", () => {
    assert.deepEqual(plan(three, applied("1", "3"), { outOfOrder: true }).pending, ["2"]);
  });

  test("goes on where it was begun", () => {
    const begun = row(file("2"), { state: "running", statements_done: 1 });
    assert.deepEqual(plan(three, [...applied("1", "3"), begun]).pending, ["2"]);
  });
});

test("an unfinished file that was edited is no contradiction: it is mended that way", () => {
  const begun = row(file("2", "before"), { state: "running" });
  assert.deepEqual(plan([file("1"), file("2", "after")], [...applied("1"), begun]).pending, ["2"]);
});

suite("a repeatable file", () => {
  test("is pending when it is new or its text has changed", () => {
    assert.deepEqual(plan([file("1"), view("a")], []).pending, ["1", "R__v"]);
    assert.deepEqual(plan([file("1"), view("b")], [...applied("1"), row(view("a"))]).pending, ["R__v"]);
    assert.deepEqual(plan([file("1"), view("a")], [...applied("1"), row(view("a"))]).pending, []);
  });

  test("may go away", () => {
    assert.deepEqual(plan([file("1")], [...applied("1"), row(view("a"))]), { pending: [], warnings: 0 });
  });

  test("is left out up to an older version, which may lack what it needs", () => {
    const files = [...three, view("a")];
    assert.deepEqual(plan(files, [], { to: parseVersion("2") }).pending, ["1", "2"]);
    assert.deepEqual(plan(files, [], { to: parseVersion("3.0") }).pending, ["1", "2", "3", "R__v"]);
  });
});

test("a version to go up to leaves out what is newer", () => {
  assert.deepEqual(plan(three, applied("1"), { to: parseVersion("2") }).pending, ["2"]);
  assert.deepEqual(plan(three, applied("1", "2"), { to: parseVersion("1") }).pending, []);
});
