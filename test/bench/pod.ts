import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildImages } from "../image/podman.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { query } from "../helpers/query.ts";
import { startNginx } from "./nginx.ts";
import { buildPeerImages, dbmate, type ImageName, pulledBytes, tagOf } from "./pod-images.ts";
import { type InitContainer, play, type Sample, type Way } from "./pod-play.ts";
import { inMemory } from "./surroundings.ts";
import { makeTree } from "./tree.ts";
import { isThere } from "./waiter.ts";

const rounds = 7;
const sqlFiles = 20;
const owner = 65532;

/** 2,001 files and 50 MB, 20 MB of them in one. */
const shape = { folders: 20, filesPerFolder: 100, fileBytes: 15_000, largeBytes: 20_000_000 };

/** A pod that waits, downloads, migrates and changes owners: four init containers of four images against initkit. */
export async function pod(): Promise<void> {
  const missing = ["podman", "nginx", dbmate].filter((program) => !isThere(program));
  if (missing.length > 0) {
    console.log(`\nno pod is measured, for these are not installed: ${missing.join(", ")}`);
    return;
  }
  await buildImages();
  await using _images = await buildPeerImages();
  await using home = inMemory();
  const [data, served, migrations] = makeFiles(home.path);
  await using nginx = await startNginx(served);
  await using postgres = await startPostgres();
  const ways = waysOf(nginx.port, postgres.port);
  const samples = new Map<Way, Sample[]>(ways.map((way) => [way, []]));
  for (let round = -1; round < rounds; round++) {
    for (const way of ways) {
      const database = await postgres.createDatabase();
      const sample = await play(way, { data, migrations, database });
      await assertDone(way, data, database);
      if (round >= 0) samples.get(way)!.push(sample);
    }
  }
  await print(samples);
}

/** No way is quick for having done less. */
async function assertDone({ name }: Way, data: string, database: string): Promise<void> {
  for (const path of ["large", "folder-0/file-0", `folder-${shape.folders - 1}`])
    if (statSync(join(data, path)).uid !== owner) throw new Error(`${name} has not given away ${path}`);
  const [row] = await query(database, "select count(*)::int from pg_tables where tablename ~ '^t[0-9]'");
  if (row?.["count"] !== sqlFiles) throw new Error(`${name} has not applied all migrations`);
}

/** Where the data will be, an archive to serve, and migrations that both dbmate and initkit read. */
function makeFiles(home: string): readonly [string, string, string] {
  const folder = (name: string): string => join(home, name);
  const [tree, served, sql] = [folder("tree"), folder("served"), folder("migrations")] as const;
  makeTree(tree, shape);
  mkdirSync(served);
  execFileSync("tar", ["-C", tree, "-czf", join(served, "data.tar.gz"), "."]);
  mkdirSync(sql);
  for (let n = 0; n < sqlFiles; n++) {
    const text = `-- migrate:up\ncreate table t${n} (id int primary key, name text);\n-- migrate:down\n`;
    writeFileSync(join(sql, `${10_000 + n}_t.sql`), text);
  }
  return [folder("data"), served, sql];
}

const sh = (name: ImageName, line: string): InitContainer => ({
  image: tagOf(name),
  command: ["sh", "-c", line],
});

function waysOf(httpPort: number, postgresPort: number): readonly Way[] {
  const url = `http://127.0.0.1:${httpPort}/data.tar.gz`;
  const ports = [postgresPort, httpPort];
  const waitBy = (look: string) =>
    ports.map((port) => `until ${look.replace("PORT", String(port))}; do sleep 1; done`).join("; ");
  const migrate = ["dbmate", "--migrations-dir", "/migrations", "--no-dump-schema", "up"];
  const chown = ["chown", "-R", `${owner}:${owner}`, "/data"];
  const steps = [
    ["wait-for", ...ports.map((port) => `tcp://127.0.0.1:${port}`)],
    ["download", url, "/data", "--extract"],
    ["migrate", "/migrations"],
    ["permissions", "/data", "--owner", `${owner}:${owner}`],
  ];
  return [
    {
      name: "initkit, one container",
      containers: [
        { image: "initkit", args: steps.flatMap((step, at) => (at > 0 ? ["then", ...step] : step)) },
      ],
    },
    {
      name: "four images of Debian's tools",
      containers: [
        sh("debian-wait", waitBy("nc -z 127.0.0.1 PORT")),
        sh("debian-download", `curl -sfL ${url} | tar xz -C /data`),
        { image: tagOf("debian-migrate"), command: migrate },
        { image: tagOf("debian-chown"), command: chown },
      ],
    },
    {
      name: "four of busybox and dbmate",
      containers: [
        sh("busybox", waitBy("nc 127.0.0.1 PORT -e true")),
        sh("busybox", `wget -qO- ${url} | tar xz -C /data`),
        { image: tagOf("busybox-migrate"), command: migrate },
        { image: tagOf("busybox"), command: chown },
      ],
    },
  ];
}

async function print(samples: ReadonlyMap<Way, readonly Sample[]>): Promise<void> {
  console.log(`\na pod that waits, downloads, migrates and changes owners (medians of ${rounds})`);
  printRow("", ["wall ms", "ratio", "inside ms", "ratio", "pulled MB"]);
  const base = [...samples.values()][0]!;
  for (const [{ name, containers }, all] of samples) {
    const cells = (["wallMs", "insideMs"] as const).flatMap((key) => {
      const [ms, baseMs] = [all, base].map((each) => median(each.map((sample) => sample[key])));
      return [ms!.toFixed(0), (ms! / baseMs!).toFixed(2)];
    });
    const bytes = await pulledBytes([...new Set(containers.map(({ image }) => image))]);
    printRow(name, [...cells, (bytes / 1e6).toFixed(1)]);
  }
  console.log(
    "wall: podman kube play, until the main container has started, with all images there; inside: from the start of" +
      "\neach init container to its end; pulled: layers of the init containers' images with gzip, a shared one once",
  );
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

function printRow(name: string, values: readonly string[]): void {
  console.log(name.padEnd(30) + values.map((value) => value.padStart(11)).join(""));
}
