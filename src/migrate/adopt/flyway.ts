import { crc32 } from "node:zlib";
import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import { identifier } from "../../postgres/quoting.ts";
import type { Row } from "../../postgres/session.ts";
import { compareVersions, parseVersion, type Version } from "../version.ts";
import { advisoryLock } from "./locks.ts";
import { placeholderIn, refusePlaceholders } from "./placeholders.ts";
import { type ForeignRow, type ForeignTable, readRows, type Tool, versionedRow } from "./tool.ts";

type FlywayRow = Row & {
  version: string | null;
  type: string;
  script: string;
  checksum: number | null;
  success: boolean;
};

/** https://github.com/flyway/flyway: versions may be written with underscores for dots. */
export const flyway: Tool = {
  name: "flyway",
  table: "flyway_schema_history",
  columns: {
    installed_rank: "integer",
    version: "character varying",
    description: "character varying",
    type: "character varying",
    script: "character varying",
    checksum: "integer",
    installed_by: "",
    installed_on: "",
    execution_time: "",
    success: "boolean",
  },
  files: {
    versioned: /^V([0-9]+(?:[._][0-9]+)*)__.*\.sql$/i,
    ignored: /^[UB][0-9]+(?:[._][0-9]+)*__.*\.sql$/i,
  },

  refuseText: (name, text) => {
    if (ownName.test(name)) refusePlaceholders(name, text);
  },

  lock: advisoryLock(({ schema, table }) => [
    lockMagic + BigInt(javaHashCode(`${identifier(schema)}.${identifier(table)}`)),
  ]),

  async read(session, table) {
    const columns = "version, type, script, checksum, success";
    const rows = await readRows<FlywayRow>(session, table, columns, "order by installed_rank");
    const latest = [...new Map(rows.map((row) => [keyOf(row), row])).values()];
    const failed = latest.filter(({ success }) => !success);
    if (failed.length > 0) throw hasFailed(failed.map(({ script }) => quote(script)).join(", "));
    const applied = latest.filter(({ type }) => !undone.test(type) && type !== "SCHEMA");
    const [baselines, files] = [applied.filter(isBaseline), applied.filter((row) => !isBaseline(row))];
    const upTo = baselines
      .map((row) => foreignRow(table, row).id)
      .toSorted(compareVersions)
      .at(-1);
    return { rows: files.map((row) => foreignRow(table, row)), ...(upTo !== undefined && { upTo }) };
  },
};

/** No other tool names its files so. */
const ownName = /^(?:V[0-9]+(?:[._][0-9]+)*|R)__.*\.sql$/i;

/** What a later row for the same thing replaces. */
const keyOf = ({ version, script }: FlywayRow): string =>
  version === null ? `repeatable ${script}` : (normalized(version) ?? version);

/** `1_2` is `1.2`. */
function normalized(version: string): Version | undefined {
  try {
    return parseVersion(version.replaceAll("_", "."));
  } catch {
    return undefined;
  }
}

const undone = /^(?:DELETE|UNDO_.*)$/;
/** State scripts are what Flyway 7 and 8 call baselines that are files. */
const isBaseline = ({ type }: FlywayRow): boolean => /(?:^|_)BASELINE$|_STATE_SCRIPT$/.test(type);

function foreignRow(table: ForeignTable, { version, script, checksum }: FlywayRow): ForeignRow {
  const isOf = checksum === null ? undefined : (bytes: Buffer) => checksumOf(bytes) === checksum;
  if (version !== null) return versionedRow(table, script, normalized(version), isOf);
  const id = script.replace(/^.*[/\\]/, "").replace(/\.sql$/, "");
  return {
    name: script,
    id,
    kind: "repeatable",
    isOf: isOf && ((bytes) => isOf(bytes) || refuseFilledIn(script, bytes)),
  };
}

/** Of a repeatable file the checksum is that of the text with placeholders filled in, so it cannot be told whether it changed. */
function refuseFilledIn(script: string, bytes: Buffer): false {
  const placeholder = placeholderIn(bytes.toString());
  if (placeholder === undefined) return false;
  throw new Failure(
    "history",
    `${quote(script)} holds ${quote(placeholder)}, which Flyway fills in and initkit does not`,
    {
      hint: "write the value itself in its place, or :'NAME' with the option var",
    },
  );
}

/** CRC-32 of the lines without their ends and without a BOM, as a number with a sign. */
function checksumOf(bytes: Buffer): number {
  const text = new TextDecoder().decode(bytes);
  return crc32(text.replace(/[\r\n]+/g, "")) | 0;
}

/** The letters of its name. */
const lockMagic = 77431708279161n;

/** What `String.hashCode` of Java says. */
function javaHashCode(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0;
  return hash;
}

const hasFailed = (scripts: string): Failure =>
  new Failure("history", `Flyway has recorded a failure of ${scripts}`, {
    hint: "look at what of it is in the database, put that right by hand, remove the record with flyway repair, and run again",
  });
