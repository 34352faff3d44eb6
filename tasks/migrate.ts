import { quote } from "../src/format.ts";
import { type Kind, kind, oneOf, pair, type Pair, path, secretInPair, timeLimit } from "../src/kinds.ts";
import { toolNames } from "../src/migrate/adopt/names.ts";
import { isVariableName } from "../src/migrate/variables.ts";
import { parseVersion } from "../src/migrate/version.ts";
import { checkDatabaseSettings } from "../src/postgres/read-settings.ts";
import { parseUri } from "../src/postgres/uri.ts";
import { defineTask, flag, operand, option, repeated } from "../src/task.ts";

const databaseUrl = kind(
  "URL",
  (value) => {
    parseUri(value);
    return value;
  },
  { secretIn: passwordIn },
);

/** A URL that cannot be read is hidden as a whole. */
function passwordIn(url: string): string[] {
  try {
    const password = parseUri(url).get("password");
    return password === undefined ? [] : [password];
  } catch {
    return [url];
  }
}

/** PostgreSQL would cut off a longer one in silence. */
const name = kind("NAME", (value) => {
  const length = Buffer.byteLength(value);
  if (length < 1 || length > 63 || value.includes("\0")) throw new Error("is not a name of 1 to 63 bytes");
  return value;
});

/** A schema before it would become a part of the name, and the history would begin anew in silence. */
const table: Kind<string> = kind("NAME", (value) => {
  if (value.includes(".")) throw new Error("holds a dot; name the schema with schema");
  return name.parse(value);
});

const version = kind("VERSION", parseVersion);
const tool = { ...oneOf(...toolNames, "auto"), form: "TOOL|auto" };
/** A value whose name says that it is a secret is hidden. */
const variable: Kind<Pair> = kind(
  "NAME=VALUE",
  (text) => {
    const { name, value } = pair.parse(text);
    if (!isVariableName(name)) throw new Error("has a name that is not letters, digits and underscores");
    if (value.includes("\0")) throw new Error("holds a NUL byte");
    return { name, value };
  },
  { secretIn: secretInPair },
);

export default defineTask({
  name: "migrate",
  summary: "Applies the pending SQL files of a folder to PostgreSQL, once however many replicas do it.",
  operands: { dir: operand(path, "folder of VERSION_name.sql files, or one .sql file") },
  options: {
    database: option(
      databaseUrl,
      "postgres://user@host/database; by default DATABASE_URL, else the PG* variables",
    ),
    table: option(table, "table of the history", "initkit_migrations"),
    schema: option(name, "schema of the history, made if missing, first on the search path of every file"),
    "create-database": flag("create the database where it is missing, for the user of the URL"),
    "lock-timeout": option(
      timeLimit,
      "bound on the wait for other replicas; by default the step's timeout",
      "0",
    ),
    "statement-timeout": option(timeLimit, "bound on one statement; by default none", "0"),
    to: option(version, "apply up to this version, and repeatable files only if it is the last"),
    baseline: option(
      version,
      "without a history, take everything up to this version for applied, and run none of it",
    ),
    adopt: repeated(
      tool,
      `without a history, take for applied what another tool has applied: ${toolNames.join(", ")}`,
    ),
    var: repeated(variable, "value that stands for :NAME, :'NAME' and :\"NAME\" in the files, as in psql"),
    "out-of-order": flag("also apply files that are older than the newest applied one"),
    "wait-only": flag("apply nothing; done when another has applied everything"),
    "dry-run": flag("only say what would be applied"),
  },
  pacing: { timeout: "10m", "attempt-timeout": "0", retries: "unlimited", backoff: "200ms..5s" },
  timeoutCode: "database-unavailable",
  pacedBy: "task",

  check(args, env) {
    checkDatabaseSettings(args.database, env);
    refuseTwice(args.var.map(({ name }) => name));
    if (args["wait-only"] && args["dry-run"])
      throw new Error("wait-only applies nothing, so it goes without dry-run");
    if (args.baseline !== undefined && args.adopt.length > 0)
      throw new Error("baseline and adopt both say what is applied already; give one of them");
  },

  async run(context, args) {
    const { migrate } = await import("../src/migrate/migrate.ts");
    return await migrate(context, {
      dir: args.dir,
      database: args.database,
      table: args.table,
      schema: args.schema,
      createDatabase: args["create-database"],
      lockTimeout: args["lock-timeout"],
      statementTimeout: args["statement-timeout"],
      to: args.to,
      baseline: args.baseline,
      adopt: args.adopt,
      variables: new Map(args.var.map(({ name, value }) => [name, value])),
      outOfOrder: args["out-of-order"],
      waitOnly: args["wait-only"],
      dryRun: args["dry-run"],
    });
  },
});

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`sets the variable ${quote(twice)} twice`);
}
