import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Limited, printLimited } from "./download-limited.ts";
import { compare, printRatios, type Subject } from "./measure.ts";
import { startNginx } from "./nginx.ts";
import { emptied, inMemory, initkit, installed, manyFiles, node } from "./surroundings.ts";
import { makeTree } from "./tree.ts";

const rounds = 5;
const emptyFiles = { folders: 1000, filesPerFolder: 100, fileBytes: 16, largeBytes: 0 };

interface Archive {
  readonly title: string;
  readonly source: "many" | "empty";
  readonly name: string;
  /** The program that GNU tar calls. */
  readonly compress: string;
}

const archives: readonly Archive[] = [
  { title: "20,001 files, 412 MB", source: "many", name: "many.tar.gz", compress: "gzip" },
  { title: "20,001 files, 412 MB", source: "many", name: "many.tar.zst", compress: "zstd" },
  { title: "100,000 files of 16 bytes", source: "empty", name: "empty.tar.gz", compress: "gzip" },
];

interface Place {
  readonly url: string;
  readonly sha256: string;
  /** A folder that is empty before each run. */
  readonly out: string;
}

/** Downloads from nginx on the same machine to memory, against what people chain today. */
export async function download(): Promise<void> {
  await using folder = inMemory();
  const served = join(folder.path, "served");
  const sources = { many: join(folder.path, "many"), empty: join(folder.path, "empty") };
  mkdirSync(served);
  makeTree(sources.many, manyFiles);
  makeTree(sources.empty, emptyFiles);
  await using nginx = await startNginx(served);
  const placeOf = (name: string): Place => ({
    url: `http://127.0.0.1:${nginx.port}/${name}`,
    sha256: createHash("sha256")
      .update(readFileSync(join(served, name)))
      .digest("hex"),
    out: join(folder.path, "out"),
  });

  const downloads: Limited[] = [];
  for (const archive of archives) {
    const { title, source, name, compress } = archive;
    execFileSync("tar", ["-C", sources[source], "-I", compress, "-cf", join(served, name), "."]);
    const place = placeOf(name);
    await print(`download and extraction of ${title}, ${name}`, archiveSubjects(archive, place));
    downloads.push(limited(`${title}, ${name}`, place, "--extract"));
  }
  execFileSync("truncate", ["-s", "1G", join(served, "large")]);
  const large = placeOf("large");
  await print("download of one file of 1 GiB", fileSubjects(large));
  await print("the same again, where all of it is there", againSubjects(large));
  await printLimited([...downloads, limited("one file of 1 GiB", large)]);
}

const limited = (title: string, { url, sha256 }: Place, ...options: readonly string[]): Limited => ({
  title,
  args: (to) => [url, to, "--sha256", sha256, ...options],
});

async function print(title: string, subjects: readonly Subject[]): Promise<void> {
  printRatios(`${title} (medians of ${rounds})`, await compare(installed(subjects), rounds));
}

const shell = (line: string): readonly string[] => ["bash", "-o", "pipefail", "-c", line];

function archiveSubjects({ name, compress }: Archive, { url, sha256, out }: Place): Subject[] {
  const fetched = join(out, "..", "fetched");
  const verified = `echo "${sha256}  ${fetched}" | sha256sum -c && tar -I ${compress} -xf ${fetched} -C ${out}; rm ${fetched}`;
  const peers: Subject[] = [
    {
      name: "curl | tar",
      command: shell(`curl -sf ${url} | tar -I ${compress} -xf - -C ${out}`),
      needs: ["curl"],
    },
    {
      name: "curl, sha256sum, tar",
      command: shell(`curl -sfo ${fetched} ${url} && ${verified}`),
      needs: ["curl"],
    },
    {
      name: "aria2c, sha256sum, tar",
      command: shell(`aria2c -q -d / -o ${fetched} ${url} && ${verified}`),
      needs: ["aria2c"],
    },
    {
      name: "curl | bsdtar",
      command: shell(`curl -sf ${url} | bsdtar -xf - -C ${out}`),
      needs: ["curl", "bsdtar"],
    },
    ...(compress === "gzip"
      ? [
          {
            name: "busybox wget | busybox tar",
            command: shell(`busybox wget -qO- ${url} | busybox tar xzf - -C ${out}`),
            needs: ["busybox"],
          },
        ]
      : []),
    { name: "initkit, verified", command: initkit("download", url, out, "--extract", "--sha256", sha256) },
  ];
  return peers.map((subject) => ({ ...subject, name: `${subject.name}, ${name}`, before: emptied(out) }));
}

function fileSubjects({ url, sha256, out }: Place): Subject[] {
  const file = join(out, "large");
  const verified = `echo "${sha256}  ${file}" | sha256sum -c`;
  const peers: Subject[] = [
    { name: "curl", command: ["curl", "-sfo", file, url] },
    { name: "curl, sha256sum", command: shell(`curl -sfo ${file} ${url} && ${verified}`), needs: ["curl"] },
    {
      name: "aria2c, verified",
      command: ["aria2c", "-q", `--checksum=sha-256=${sha256}`, "-d", out, "-o", "large", url],
    },
    { name: "busybox wget", command: ["busybox", "wget", "-qO", file, url] },
    { name: "initkit, verified", command: initkit("download", url, file, "--sha256", sha256) },
  ];
  return peers.map((subject) => ({ ...subject, before: emptied(out) }));
}

/** Goes on where the last run of the benchmark before has left the file. */
function againSubjects({ url, sha256, out }: Place): Subject[] {
  const empty = join(out, "..", "empty.cjs");
  writeFileSync(empty, "");
  return [
    { name: "node, an empty file", command: [node, empty] },
    {
      name: "initkit, with a digest",
      command: initkit("download", url, join(out, "large"), "--sha256", sha256),
    },
  ];
}
