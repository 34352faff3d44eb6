import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Artifact } from "../demo/artifact.ts";
import { tar } from "../helpers/archives.ts";
import { query } from "../helpers/query.ts";
import { snapshot } from "../helpers/snapshot.ts";
import { modesIn } from "../helpers/tree.ts";
import type { Ended } from "./podman.ts";

/** As OpenShift gives them: a user that no image knows, and the group of the volumes (fsGroup). */
export const [user, group] = [1_000_690_000, 1_000_700_000];

/** What the steps reach. */
export interface Servers {
  /** A target that is ready. */
  readonly tcp: string;
  readonly artifact: Artifact;
  /** URL of a database without tables. */
  readonly database: string;
}

/** One step, with what it finds. */
export interface Case {
  /** Files in a volume at /in that is mounted read-only; undefined for no such volume. */
  readonly reads?: Readonly<Record<string, string | Buffer>>;
  /** Files in a volume at /work before the step runs; undefined for no such volume. */
  readonly holds?: Readonly<Record<string, string>>;
  /** The step as arguments; a function where a server has a part in it. */
  readonly words?: readonly string[] | ((servers: Servers) => readonly string[]);
  readonly document?: string;
}

/** A step that must succeed. */
export interface Played extends Case {
  /** Looks at what the step has done. */
  readonly leaves?: (work: string, ended: Ended, servers: Servers) => void | Promise<void>;
}

/** A step that needs more than its container has. */
export interface Refused extends Case {
  readonly exitCode: number;
}

const holdsOnly = (files: Readonly<Record<string, string>>) => (work: string) => {
  for (const [name, text] of Object.entries(files))
    assert.equal(readFileSync(join(work, name), "utf8"), text);
  assert.deepEqual(Object.keys(snapshot(work)).toSorted(), Object.keys(files).toSorted());
};

const archive = tar({ name: "a/b", content: "in the archive" });

/** For each task a step that must succeed. */
export const played: Readonly<Record<string, Played>> = {
  "wait-for": { words: ({ tcp }) => ["wait-for", tcp] },
  download: {
    holds: {},
    words: ({ artifact }) => ["download", artifact.url, "/work", "--extract", "--sha256", artifact.sha256],
    leaves: (work) => assert.equal(readFileSync(join(work, "model/config.json"), "utf8"), '{"layers": 2}\n'),
  },
  extract: {
    reads: { "archive.tar": archive },
    holds: {},
    words: ["extract", "/in/archive.tar", "/work", "--strip", "1"],
    leaves: holdsOnly({ b: "in the archive" }),
  },
  migrate: {
    reads: { "1_t.sql": "create table t (id int);" },
    words: ({ database }) => ["migrate", "/in", "--database", database],
    leaves: async (_work, _ended, { database }) => {
      assert.deepEqual(await query(database, "select * from t"), []);
    },
  },
  permissions: {
    holds: { file: "" },
    words: ["permissions", "/work", "--contents", "--mode", "u=rwX,g=r,o=", "--owner", `:${group}`],
    leaves: (work) => assert.equal(modesIn(work)["file"], "640"),
  },
  mkdir: {
    holds: {},
    words: ["mkdir", "/work/a/b", "--mode", "0750"],
    leaves: (work) => assert.match(modesIn(work)["a/b"]!, /^2?750$/),
  },
  copy: {
    reads: { "a.conf": "a", "sub/b.conf": "b" },
    holds: {},
    words: ["copy", "/in", "/work"],
    leaves: (work) => assert.equal(readFileSync(join(work, "sub/b.conf"), "utf8"), "b"),
  },
  write: {
    holds: { file: "old" },
    words: ["write", "/work/file", "--content", "new", "--mode", "0600"],
    leaves: holdsOnly({ file: "new" }),
  },
  render: {
    reads: { template: "path = ${PATH}\nlog = ${LEVEL:-info}" },
    holds: {},
    words: ["render", "/in/template", "/work/app.conf", "--only", "LEVEL"],
    leaves: holdsOnly({ "app.conf": "path = ${PATH}\nlog = info" }),
  },
  link: {
    holds: {},
    words: ["link", "target", "/work/name"],
    leaves: (work) => assert.equal(readlinkSync(join(work, "name")), "target"),
  },
  remove: { holds: { a: "", ".b": "" }, words: ["remove", "/work/*", "/work/.*"], leaves: holdsOnly({}) },
  sysctl: { words: () => ["sysctl", `vm.swappiness=${swappiness()}`] },
  run: {
    words: ["run", "--", "/initkit/bin/initkit", "--version"],
    leaves: (_, { stdout }) => assert.match(stdout, /^[0-9]+\./),
  },
  script: {
    holds: {},
    document: `[{script: 'fs.writeFileSync("/work/uid", String(process.getuid()))'}]`,
    leaves: holdsOnly({ uid: String(user) }),
  },
  sleep: { words: ["sleep", "10ms"] },
};

export const swappiness = (): number => Number(readFileSync("/proc/sys/vm/swappiness", "utf8"));
const another = "12345:12345";

/** What needs more than such a container has, by title. */
export const refused: Readonly<Record<string, Refused>> = {
  "an owner for a download": {
    holds: { model: "old" },
    words: ({ artifact }) => ["download", artifact.url, "/work/model", "--owner", another],
    exitCode: 24,
  },
  "an owner for what is extracted": {
    reads: { "archive.tar": archive },
    holds: { a: "old" },
    words: ["extract", "/in/archive.tar", "/work", "--owner", another],
    exitCode: 24,
  },
  "another owner of files that are there": {
    holds: { a: "", "sub/b": "" },
    words: ["permissions", "/work", "--owner", another],
    exitCode: 24,
  },
  "an owner for a folder": {
    holds: { "folder/file": "" },
    words: ["mkdir", "/work/folder", "--owner", another],
    exitCode: 24,
  },
  "an owner for a copy": {
    reads: { file: "new" },
    holds: { file: "old" },
    words: ["copy", "/in", "/work", "--owner", another],
    exitCode: 24,
  },
  "an owner for a file": {
    holds: { file: "old" },
    words: ["write", "/work/file", "--content", "new", "--owner", another],
    exitCode: 24,
  },
  "an owner for a file that is filled in": {
    reads: { template: "new" },
    holds: { file: "old" },
    words: ["render", "/in/template", "/work/file", "--owner", another],
    exitCode: 24,
  },
  "a file beside the mounts": { holds: {}, words: ["write", "/etc/app.conf"], exitCode: 24 },
  "a file of a volume that is read-only": {
    reads: { file: "" },
    words: ["remove", "/in/file"],
    exitCode: 24,
  },
  "another value of a kernel parameter": {
    words: () => ["sysctl", `vm.swappiness=${swappiness() + 1}`],
    exitCode: 24,
  },
  "a command as another user": {
    words: ["run", "--user", another, "--", "/initkit/bin/initkit", "--version"],
    exitCode: 25,
  },
};
