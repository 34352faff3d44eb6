import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { sectionOf } from "../../src/migrate/sections.ts";

const applied = (text: string): string => {
  const { start, end } = sectionOf("1_x.sql", text);
  return text.slice(start, end).trim();
};
const inTransaction = (text: string): boolean => sectionOf("1_x.sql", text).transaction;
const refused = (text: string, place: string): void => {
  assert.throws(
    () => sectionOf("1_x.sql", text),
    (error) => error instanceof Failure && error.code === "configuration" && error.message.startsWith(place),
  );
};

test("a file without marks is applied as a whole, in a transaction", () => {
  const text = "-- create up\nselect 1; -- migrate: upwards\nselect 2;";
  assert.equal(applied(text), text);
  assert.equal(inTransaction(text), true);
});

suite("only the section to apply is applied of a file of", () => {
  const marks = {
    dbmate: ["-- migrate:up", "-- migrate:down"],
    "dbmate with options": ["--migrate:up transaction:true", "--  migrate:down transaction:false"],
    goose: ["-- +goose Up", "-- +goose Down"],
    "goose in capitals": ["-- +GOOSE UP", "-- +goose down"],
    "sql-migrate": ["-- +migrate Up", "-- +migrate Down"],
    "node-pg-migrate": ["-- Up Migration", "-- Down Migration"],
    "node-pg-migrate with dashes": ["--- up  migration ---", "---- down migration"],
  };
  for (const [tool, [up, down]] of Object.entries(marks)) {
    for (const end of ["\n", "\r\n"]) {
      test(`${tool}, lines ending in ${JSON.stringify(end)}`, () => {
        assert.equal(applied(["-- intro", up, "create it;", down, "drop it;"].join(end)), "create it;");
        assert.equal(applied([down, "drop it;", up, "create it;"].join(end)), "create it;");
        assert.equal(applied([up, "create it;"].join(end)), "create it;");
        assert.equal(applied(["create it;", down, "drop it;"].join(end)), "create it;");
      });
    }
  }

  test("tern", () => {
    assert.equal(applied("create it;\n---- create above / drop below ----\ndrop it;"), "create it;");
  });
});

suite("no transaction is had by the mark of", () => {
  const marked = {
    initkit: "-- initkit: no-transaction\nselect 1",
    "initkit, lines ending in CRLF": "-- initkit: no-transaction\r\nselect 1",
    dbmate: "-- migrate:up transaction:false\nselect 1",
    goose: "-- +goose NO TRANSACTION\n-- +goose Up\nselect 1",
    "sql-migrate": "-- +migrate Up notransaction\nselect 1",
    sqlx: "-- no-transaction\nselect 1",
    "graphile-migrate": "--! Previous: -\n--! Hash: sha1:1\n\n--! no-transaction\nselect 1",
    tern: "---- tern: disable-tx ----\nselect 1",
    Atlas: "-- atlas:txmode none\n\nselect 1",
  };
  for (const [tool, text] of Object.entries(marked))
    test(tool, () => assert.equal(inTransaction(text), false));

  test("no tool in the options of the section that undoes", () => {
    assert.equal(
      inTransaction("-- migrate:up\nselect 1;\n-- migrate:down transaction:false\nselect 2"),
      true,
    );
  });
});

test("a line that may be a mark or a comment is refused, not guessed at", () => {
  refused("select 1;\n-- Down Migration drops it\ndrop it;", "1_x.sql:2:1");
});

test("a second section to apply is refused", () => {
  refused("-- migrate:up\na;\n-- migrate:down\nb;\n-- migrate:up\nc;", "1_x.sql:5:1");
});

test("SQL before the section to apply is refused", () => {
  refused("-- a comment\nselect 1;\n-- migrate:up\na;", "1_x.sql:2:1");
});

test("variables of goose are refused, since they would stay as they are", () => {
  refused("-- +goose ENVSUB ON\n-- +goose Up\nselect '${X}'", "1_x.sql:1:1");
});

test("initkit's own mark below the first line is refused, not passed over", () => {
  refused("select 1;\n-- initkit: no-transaction\n", "1_x.sql:2:1");
});
