import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { gnuLong, pax, tar, tarEnd, tarEntry, zip } from "../helpers/archives.ts";
import { entry, initkit } from "../helpers/initkit.ts";
import { runTask } from "../helpers/run-task.ts";
import { mountSmallVolume } from "../helpers/small-volume.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const isRoot = process.getuid!() === 0;

interface Place {
  readonly home: string;
  readonly dest: string;
  /** Writes an archive and answers its path. */
  readonly archive: (bytes: Buffer, name?: string) => string;
}

function place(t: TestContext): Place {
  const home = temporary(t);
  const archive = (bytes: Buffer, name = "archive") => {
    writeFileSync(join(home, name), bytes);
    return join(home, name);
  };
  return { home, dest: join(home, "dest"), archive };
}

const extract = (path: string, dest: string, ...options: string[]) =>
  runTask("extract", [path, dest, ...options]);

const sample = tar(
  { name: "./", type: "5", mode: 0o700 },
  { name: "./app/", type: "5", mode: 0o750 },
  { name: "./app/run", content: "#!/bin/true\n", mode: 0o755 },
  { name: "./app/data/deep/file", content: "x".repeat(5000), mode: 0o640, mtime: 1234 },
  { name: "./app/link", type: "2", link: "data/deep/file" },
  { name: "./app/hard", type: "1", link: "./app/run" },
  { name: "./readme", content: "read me", mode: 0o444 },
);

const expected = {
  app: "folder 750",
  "app/data": "folder 755",
  "app/data/deep": "folder 755",
  "app/data/deep/file": `file 640 1234 ${"x".repeat(5000)}`,
  "app/hard": "file 755 1700000000 #!/bin/true\n",
  "app/link": "link to data/deep/file",
  "app/run": "file 755 1700000000 #!/bin/true\n",
  readme: "file 444 1700000000 read me",
};

const compressed = { tar: sample, "tar.gz": gzipSync(sample), "tar.zst": zstdCompressSync(sample) };

for (const [format, bytes] of Object.entries(compressed)) {
  test(`extract takes ${format} and keeps names, modes, times and links`, async (t) => {
    const { dest, home, archive } = place(t);
    const { status, report } = await extract(archive(bytes), dest);
    assert.equal(status, "done");
    assert.deepEqual(snapshot(dest), expected);
    assert.equal(report["entries"], 8);
    assert.deepEqual(debris(home), []);
  });
}

/** An archive of one file, made by GNU tar and compressed by xz 5.4.1 and bzip2 1.0.8. */
const compressedElsewhere = {
  "tar.xz":
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/AIBdADCcLF4A3TRhoicOEFoJCCoCPPGImKTlgdk8aS7Vi4kvbgoCzqcn+hTPHMwQaktu3FnBYBcg/B6O45deVC79BsnH5GeczMBhMk2B1J4ajXDS0Inay+8IVAuvUA3GvNr2flE3PzKMC7JlyKa5m7gbzPfi1NsRB5L7Otjofd/h5NkAAO/sTxaOop8tAAGcAYBQAADes3QVscRn+wIAAAAABFla",
  "tar.bz2":
    "QlpoOTFBWSZTWbFsK2UAAJN7hMqQAEBAAP+AAERrJd4AAACACCAAkoSqbU0GjIA00GRoJIk2lHqaaaaMjQyPUt9PFcb7iaQFaISRjlFKg5eygMBhIHFV1I3HNyVYOrAOMAZ6UAnzMoJXDYEs9BxY8bW0uqYykRYoHzzFRTjyPXsoAgQJA4cTJh+sNYgSD+LuSKcKEhYthWyg",
};

for (const [format, text] of Object.entries(compressedElsewhere)) {
  test(`extract takes ${format}, and nothing of one that is damaged`, async (t) => {
    const { dest, home, archive } = place(t);
    const bytes = Buffer.from(text, "base64");
    const damaged = Buffer.from(bytes);
    damaged[damaged.length >> 1]! ^= 1;
    for (const bad of [damaged, bytes.subarray(0, -1)]) {
      assert.equal((await extract(archive(bad), dest)).failure?.code, "integrity");
      assert.ok(!existsSync(dest));
    }
    assert.equal((await extract(archive(bytes), dest)).status, "done");
    assert.deepEqual(snapshot(dest), { app: "folder 755", "app/file": "file 640 1700000000 content\n" });
    assert.deepEqual(debris(home), []);
  });
}

test("a bomb of xz or bz2 is stopped by max-extracted", async (t) => {
  const { dest, archive } = place(t);
  for (const [name, text] of Object.entries(bombs)) {
    const path = archive(Buffer.from(text, "base64"), name);
    const { failure } = await extract(path, dest, "--max-extracted", "1MiB");
    assert.equal(failure?.code, "integrity");
    assert.equal(failure?.kind, "oversized");
    assert.ok(!existsSync(dest));
    assert.equal((await extract(path, dest)).report["bytes"], 5_000_000);
    assert.deepEqual(readdirSync(dest), [".initkit.json", "bomb"]);
    rmSync(dest, { recursive: true });
  }
});

/** Five million zeros. */
const bombs = {
  "bomb.xz":
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj//8RAWxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyThcJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvEgn5lif/xABKwDsc1On/b6ufDEan7eNMW5wnqcjX+woy4XRlZiKfiqR8id19xnABphNmP3Yr9WQD8QlU/j1kTYxBaWw7m/BcE1HDNGREaqtYB26zrEnGFxZhulmUli+6XasWeTlWwUI+cfarfz7Uit0zR5bIEL53VM9+ClkCTuAyyps37U78MS9Ll+qDz5LZkKQEw7/EJP4cXhZ+AvN/5UoRg+p/Hze+5owLlbAj4Xzg4HAZcQlU/j1kTYxBaWw7m/BcE1HDNGREaqtYB26zrEnGFxZhulmUli+6XasWeTlWwUI+cfarfz7Uit0zR5bIEL53VM9+ClkCTuAyyps37U78MS9Ll+qDz5LZkKQEw7/EJP4cXhZ+AvN/5UoRg+p/Hze+5owLlbAj4Xzg4HAZcQlUQ8/soxNHAB2AOxzU6f9vq58MRqft40xbnCepyNf7CjLhdGVmIp+KpHyJ3X3GcAGmE2Y/div1ZAPxCVT+PWRNjEFpbDub8FwTUcM0ZERqq1gHbrOsScYXFmG6WZSWL7pdqxZ5OVbBQj5x9qt/PtSK3TNHlsgQvndUz34JTrfpQAAAAAA6qfsfKnlHV4AAbUGwJaxAip3EZqxxGf7AgAAAAAEWVo=",
  "bomb.bz2": "QlpoOTFBWSZTWabi8/QAJkvAAsAACAAACCAAMMwFKaapEUbAoijxdyRThQkKbi8/QA==",
};

test("extract takes zip", async (t) => {
  const { dest, archive } = place(t);
  const bytes = zip(
    { name: "app/", mode: 0o040750 },
    { name: "app/run", content: "#!/bin/true\n", mode: 0o100755 },
    { name: "app/link", content: "run", mode: 0o120777 },
    { name: "plain", content: "x", method: 0, mode: 0 },
  );
  assert.equal((await extract(archive(bytes), dest)).status, "done");
  assert.equal(readFileSync(join(dest, "app/link"), "utf8"), "#!/bin/true\n");
  assert.equal(statSync(join(dest, "app/run")).mode & 0o777, 0o755);
  assert.equal(statSync(join(dest, "app")).mode & 0o777, 0o750);
});

test("a single compressed file lands under its name without the ending", async (t) => {
  const { dest, archive } = place(t);
  await extract(archive(gzipSync("one"), "one.txt.gz"), dest);
  await extract(archive(zstdCompressSync("two"), "two.zst"), dest);
  await extract(archive(gzipSync(Buffer.alloc(20_000)), "disk.img.gz"), dest);
  await extract(archive(gzipSync("four"), "four"), dest);
  assert.deepEqual(readdirSync(dest).sort(), [".initkit.json", "disk.img", "four", "one.txt", "two"]);
  assert.equal(readFileSync(join(dest, "one.txt"), "utf8"), "one");
  assert.equal(statSync(join(dest, "disk.img")).size, 20_000);
});

test("an empty archive makes an empty folder", async (t) => {
  const { dest, archive } = place(t);
  const { status, report } = await extract(archive(tarEnd), dest);
  assert.equal(status, "done");
  assert.equal(report["entries"], 0);
  assert.deepEqual(snapshot(dest), {});
});

test("a real archive comes out as GNU tar extracts it", async (t) => {
  const { home, dest, archive } = place(t);
  const source = join(home, "source");
  const theirs = join(home, "theirs");
  mkdirSync(join(source, "a/b c/ünï"), { recursive: true });
  mkdirSync(theirs);
  for (let index = 0; index < 60; index++) {
    const path = join(source, index % 2 ? "a" : "a/b c", `${"n".repeat(index)}${index}`);
    writeFileSync(path, randomBytes(index * 97));
    utimesSync(path, 1_600_000_000 + index, 1_600_000_000 + index);
    chmodSync(path, 0o600 + ((index * 7) % 64));
  }
  symlinkSync("../a", join(source, "a/self"));
  linkSync(join(source, "a", `${"n".repeat(5)}5`), join(source, "a/hard"));
  for (const format of ["gnu", "pax", "ustar"]) {
    const file = archive(Buffer.alloc(0), `${format}.tar`);
    execFileSync("tar", ["--format", format, "-C", source, "-cf", file, "."]);
    rmSync(theirs, { recursive: true });
    mkdirSync(theirs);
    execFileSync("tar", ["-p", "-C", theirs, "-xf", file]);
    const { status } = await extract(file, join(dest, format));
    assert.equal(status, "done");
    assert.deepEqual(snapshot(join(dest, format)), snapshot(theirs), format);
  }
});

test("a second run finds everything there and changes nothing", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(compressed["tar.gz"]);
  await extract(path, dest);
  const times = () =>
    [dest, ...readdirSync(dest, { recursive: true, encoding: "utf8" }).map((name) => join(dest, name))].map(
      (name) => lstatSync(name).ctimeMs,
    );
  const before = times();
  const { status, report } = await extract(path, dest);
  assert.equal(status, "unchanged");
  assert.equal(report["entries"], 8);
  assert.deepEqual(times(), before);
});

test("a second run is not fooled by an archive that only has another time", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(sample);
  await extract(path, dest);
  utimesSync(path, 5, 5);
  assert.equal((await extract(path, dest)).status, "unchanged");
});

test("a second run sees a new archive, even one of the same size and time", async (t) => {
  const { dest, archive } = place(t);
  const make = (content: string) => archive(tar({ name: "f", content, mtime: 0 }));
  const path = make("one");
  utimesSync(path, 0, 0);
  await extract(path, dest);
  make("two");
  utimesSync(path, 0, 0);
  assert.equal((await extract(path, dest)).status, "done");
  assert.equal(readFileSync(join(dest, "f"), "utf8"), "two");
});

for (const [what, spoil] of [
  ["a file is gone", (dest: string) => rmSync(join(dest, "app/run"))],
  ["a file has another length", (dest: string) => writeFileSync(join(dest, "app/data/deep/file"), "short")],
  ["a file was written again", (dest: string) => utimesSync(join(dest, "app/run"), 7, 7)],
  [
    "a link leads elsewhere",
    (dest: string) => (rmSync(join(dest, "app/link")), symlinkSync("run", join(dest, "app/link"))),
  ],
  [
    "the record is damaged",
    (dest: string) => writeFileSync(join(dest, ".initkit.json"), '{"version":1,"extracted":{"x":1'),
  ],
  [
    "the record is a link",
    (dest: string) => (
      rmSync(join(dest, ".initkit.json")),
      symlinkSync("/dev/zero", join(dest, ".initkit.json"))
    ),
  ],
] as const) {
  test(`a second run mends it when ${what}`, async (t) => {
    const { dest, archive } = place(t);
    const path = archive(sample);
    await extract(path, dest);
    spoil(dest);
    assert.equal((await extract(path, dest)).status, "done");
    assert.deepEqual(snapshot(dest), expected);
    assert.equal((await extract(path, dest)).status, "unchanged");
  });
}

test("what others put beside or change in mode afterwards is no reason to extract again", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(sample);
  await extract(path, dest);
  writeFileSync(join(dest, "app/data/cache"), "by the application");
  chmodSync(join(dest, "app"), 0o2770);
  chmodSync(join(dest, "app/run"), 0o555);
  assert.equal((await extract(path, dest)).status, "unchanged");
});

test("force extracts again, and other options are other work", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(sample);
  await extract(path, dest);
  assert.equal((await extract(path, dest, "--force")).status, "done");
  assert.equal((await extract(path, dest, "--strip", "1")).status, "done");
  assert.ok(existsSync(join(dest, "run")));
});

test("several archives in one folder are each known the next time", async (t) => {
  const { dest, archive } = place(t);
  const [one, two] = [archive(sample, "one"), archive(tar({ name: "two", content: "2" }), "two")];
  for (const path of [one, two]) await extract(path, dest);
  for (const path of [one, two]) assert.equal((await extract(path, dest)).status, "unchanged");
});

test("going back to an archive whose files another one has replaced is noticed, however alike they are", async (t) => {
  const { dest, archive } = place(t);
  const [one, two] = ["one", "two"].map((content) => archive(tar({ name: "f", content, mtime: 0 }), content));
  for (const path of [one!, two!, one!]) assert.equal((await extract(path, dest)).status, "done");
  assert.equal(readFileSync(join(dest, "f"), "utf8"), "one");
});

test("strip, subpath, include and exclude choose what is extracted and where to", async (t) => {
  const { home, archive } = place(t);
  const path = archive(sample);
  const names = async (...options: string[]) => {
    const dest = join(home, "chosen");
    rmSync(dest, { recursive: true, force: true });
    const { failure } = await extract(path, dest, ...options);
    return failure?.code ?? Object.keys(snapshot(dest));
  };
  assert.deepEqual(await names("--subpath", "app/data"), ["deep", "deep/file"]);
  assert.deepEqual(await names("--strip", "1", "--exclude", "data"), ["hard", "link", "run"]);
  assert.deepEqual(await names("--include", "readme", "--include", "app/run"), ["app", "app/run", "readme"]);
  assert.equal(await names("--subpath", "nothing"), "integrity");
  assert.equal(await names("--include", "*.none"), "integrity");
  assert.equal(await names("--include", "app/hard"), "integrity", "a hard link without its file");
});

test("mode decides over the modes of the archive, and folders stay searchable", async (t) => {
  const { home, archive } = place(t);
  const path = archive(sample);
  const modes = async (mode: string) => {
    const dest = join(home, mode.replace(/\W/g, "-"));
    await extract(path, dest, "--mode", mode);
    return ["app", "app/data", "app/run", "readme"].map((name) =>
      (statSync(join(dest, name)).mode & 0o7777).toString(8),
    );
  };
  assert.deepEqual(await modes("0640"), ["750", "750", "640", "640"]);
  assert.deepEqual(await modes("u=rwX,g=rX,o="), ["750", "750", "750", "640"]);
  assert.deepEqual(await modes("go-w"), ["750", "755", "755", "444"]);
});

test("with mode, a second run sees that modes have changed", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(sample);
  await extract(path, dest, "--mode", "0640");
  assert.equal((await extract(path, dest, "--mode", "0640")).status, "unchanged");
  chmodSync(join(dest, "readme"), 0o600);
  assert.equal((await extract(path, dest, "--mode", "0640")).status, "done");
  assert.equal(statSync(join(dest, "readme")).mode & 0o777, 0o640);
});

test("set-id and sticky bits of an archive are dropped", async (t) => {
  const { dest, archive } = place(t);
  await extract(archive(tar({ name: "f", mode: 0o6755 }, { name: "d/", type: "5", mode: 0o3777 })), dest);
  assert.equal(statSync(join(dest, "f")).mode & 0o7777, 0o755);
  assert.equal(statSync(join(dest, "d")).mode & 0o7777, 0o777);
});

test("files belong to the user that extracts, whatever the archive says", async (t) => {
  const { dest, archive } = place(t);
  await extract(archive(tar({ name: "f", uid: 4321 }, { name: "d/", type: "5", uid: 4321 })), dest);
  for (const name of ["f", "d"]) assert.equal(statSync(join(dest, name)).uid, process.getuid!());
});

test(
  "owner gives everything to that owner, links and new folders included",
  { skip: !isRoot && "needs root" },
  async (t) => {
    const { dest, archive } = place(t);
    await extract(archive(sample), dest, "--owner", "4321:8765");
    for (const name of ["", ...Object.keys(expected)]) {
      const { uid, gid } = lstatSync(join(dest, name));
      assert.deepEqual([name, uid, gid], [name, 4321, 8765]);
    }
    assert.equal((await extract(join(dest, "../archive"), dest, "--owner", "4321:8765")).status, "unchanged");
  },
);

test(
  "owner without the right to give files away is refused, and nothing is there",
  { skip: isRoot && "root may" },
  async (t) => {
    const { dest, home, archive } = place(t);
    const { failure } = await extract(archive(sample), dest, "--owner", "0:0");
    assert.equal(failure?.code, "access");
    assert.ok(!existsSync(dest));
    assert.deepEqual(debris(home), []);
  },
);

test(
  "an unprivileged user extracts folders that nobody may write to",
  { skip: !isRoot && "needs root to become one" },
  async (t) => {
    const { home, dest, archive } = place(t);
    const path = archive(
      tar(
        { name: "d/", type: "5", mode: 0o555 },
        { name: "d/e/", type: "5", mode: 0o500 },
        { name: "d/e/f", content: "x", mode: 0o400 },
      ),
    );
    chmodSync(path, 0o644);
    chmodSync(home, 0o777);
    mkdirSync(dest);
    chownSync(dest, 65534, 65534);
    for (let run = 0; run < 2; run++) {
      const ended = await initkit(["extract", path, dest, ...(run ? ["--force"] : [])], {
        uid: 65534,
        cwd: "/",
      });
      assert.equal(ended.exitCode, 0, ended.stderr);
      assert.equal(statSync(join(dest, "d")).mode & 0o777, 0o555);
      assert.equal(statSync(join(dest, "d/e")).mode & 0o777, 0o500);
      assert.deepEqual(debris(home), []);
      if (run === 0) for (const folder of ["d", "d/e"]) chmodSync(join(dest, folder), 0o755);
    }
  },
);

test("links that lead round in a circle are made as they are", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(tar({ name: "a", type: "2", link: "b" }, { name: "b", type: "2", link: "a" }));
  await extract(path, dest);
  assert.deepEqual([readlinkSync(join(dest, "a")), readlinkSync(join(dest, "b"))], ["b", "a"]);
});

test("the record of another extraction in an archive is left out, and the next run finds its work done", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(
    tar({ name: ".initkit.json", content: "{}" }, { name: "d/.initkit.json" }, { name: "x" }),
  );
  await extract(path, dest);
  assert.ok(existsSync(join(dest, "d/.initkit.json")));
  assert.equal((await runTask("extract", [path, dest])).status, "unchanged");
});

test(
  "folders on a volume with fsGroup keep its group and set-gid bit",
  { skip: !isRoot && "needs root to choose a group" },
  async (t) => {
    const { dest, archive } = place(t);
    mkdirSync(dest);
    chownSync(dest, 0, 8765);
    chmodSync(dest, 0o2775);
    await extract(archive(sample), dest);
    assert.equal(statSync(dest).mode & 0o7777, 0o2775);
    for (const name of ["app", "app/data", "readme"])
      assert.equal(statSync(join(dest, name)).gid, 8765, name);
    assert.equal(statSync(join(dest, "app")).mode & 0o7777, 0o2750);
  },
);

const hostile: Readonly<Record<string, Buffer>> = {
  "a name that climbs": tar({ name: "ok" }, { name: "../sentinel", content: "evil" }),
  "a name that climbs later": tar({ name: "a/../../sentinel", content: "evil" }),
  "an absolute name": tar({ name: "/tmp/sentinel", content: "evil" }),
  "a name of many slashes": tar({ name: "////tmp/sentinel", content: "evil" }),
  "a long name that climbs": tar(gnuLong("../sentinel"), { name: "x", content: "evil" }),
  "a pax name that climbs": tar(pax({ path: "../sentinel" }), { name: "x", content: "evil" }),
  "a prefix that climbs": tar({ name: "sentinel", prefix: "..", content: "evil" }),
  "a pax name with a NUL byte": tar(pax({ path: "a\0b" }), { name: "x" }),
  "a name of 300 characters": tar(gnuLong("n".repeat(300)), { name: "x" }),
  "a path of 2000 folders": tar(gnuLong("d/".repeat(2000)), { name: "x" }),
  "a link out, and a file through it": tar(
    { name: "l", type: "2", link: ".." },
    { name: "l/sentinel", content: "evil" },
  ),
  "a link within, and a file through it": tar(
    { name: "d/", type: "5" },
    { name: "l", type: "2", link: "d" },
    { name: "l/f" },
  ),
  "a file through a link that comes later": tar({ name: "l/f" }, { name: "l", type: "2", link: ".." }),
  "a folder in place of a link": tar({ name: "l", type: "2", link: "x" }, { name: "l/", type: "5" }),
  "a link to nothing": tar({ name: "l", type: "2", link: "" }),
  "a link up and out": tar({ name: "l", type: "2", link: "../sentinel" }),
  "a link to an absolute path": tar({ name: "l", type: "2", link: "/etc/passwd" }),
  "two links that lead out together": tar(
    { name: "a", type: "2", link: "." },
    { name: "b", type: "2", link: "a/../sentinel" },
  ),
  "a hard link up and out": tar({ name: "h", type: "1", link: "../sentinel" }),
  "a hard link to an absolute path": tar({ name: "h", type: "1", link: "/etc/passwd" }),
  "a hard link to what is not in the archive": tar({ name: "h", type: "1", link: "there" }),
  "a hard link to a link": tar({ name: "l", type: "2", link: "ok" }, { name: "h", type: "1", link: "l" }),
  "a hard link through a link": tar(
    { name: "l", type: "2", link: "." },
    { name: "h", type: "1", link: "l/ok" },
  ),
  "a hard link to a folder": tar({ name: "d/", type: "5" }, { name: "h", type: "1", link: "d" }),
  "a character device": tar({ name: "null", type: "3" }),
  "a block device": tar({ name: "disk", type: "4" }),
  "a FIFO": tar({ name: "pipe", type: "6" }),
  "a file in place of the folder": tar(
    { name: "./", type: "0", content: "" },
    { name: ".", type: "2", link: "x" },
  ),
  "a file and a folder of one name": tar({ name: "x" }, { name: "x/y" }),
  "a folder and a file of one name": tar({ name: "x/y" }, { name: "x" }),
  "a sparse file": tar({ name: "s", type: "S" }),
  "a pax sparse file": tar(pax({ "GNU.sparse.major": "1", "GNU.sparse.name": "s" }), {
    name: "GNUSparseFile.0/s",
  }),
  "a negative size": tar({
    name: "f",
    size: Buffer.from("ffffffffffffffffffffff00", "hex").toString("latin1"),
  }),
  "no end": Buffer.concat([tarEntry({ name: "f", content: "x" })]),
  "a damaged header in the middle": Buffer.concat([tarEntry({ name: "f" }), Buffer.alloc(512, 1), tarEnd]),
  "zip: a name that climbs": zip({ name: "ok", content: "x" }, { name: "../sentinel", content: "evil" }),
  "zip: a backslash that climbs": zip({ name: "..\\sentinel", content: "evil" }),
  "zip: an absolute name": zip({ name: "/tmp/sentinel", content: "evil" }),
  "zip: a drive": zip({ name: "C:/sentinel", content: "evil" }),
  "zip: a link out, and a file through it": zip(
    { name: "l", content: "..", mode: 0o120777 },
    { name: "l/sentinel", content: "evil" },
  ),
  "zip: a link to an absolute path": zip({ name: "l", content: "/etc/passwd", mode: 0o120777 }),
  "zip: a device": zip({ name: "d", mode: 0o020644 }),
  "gz: rubbish behind it": Buffer.concat([gzipSync(sample), Buffer.from("rubbish")]),
  "gz: cut off": gzipSync(sample).subarray(0, -9),
  "zst: cut off": zstdCompressSync(sample).subarray(0, -1),
  "nothing in it": Buffer.alloc(0),
  "a web page in it": Buffer.from("<!DOCTYPE html><title>Sign in</title>".padEnd(2000)),
  "xz in it": Buffer.from("fd377a585a0000046922de36", "hex"),
};

for (const [what, bytes] of Object.entries(hostile)) {
  test(`an archive with ${what} is refused, and nothing is touched`, async (t) => {
    const { home, dest, archive } = place(t);
    const path = archive(bytes);
    mkdirSync(dest);
    writeFileSync(join(home, "sentinel"), "precious");
    writeFileSync(join(dest, "there"), "precious");
    const before = snapshot(home);
    const { failure } = await extract(path, dest);
    assert.equal(failure?.code, "integrity", failure?.message ?? "no failure");
    assert.equal(failure?.exitCode, 21);
    assert.deepEqual(snapshot(home), before);
    rmSync(dest, { recursive: true });
    assert.equal((await extract(path, dest)).failure?.code, "integrity");
    assert.ok(!existsSync(dest), "a folder that was not there is not there now");
    assert.deepEqual(debris(home), []);
  });
}

test("a link that is in the folder already is neither followed nor overwritten where a folder must be", async (t) => {
  const { home, dest, archive } = place(t);
  mkdirSync(join(home, "outside"));
  mkdirSync(dest);
  symlinkSync("../outside", join(dest, "app"));
  const { failure } = await extract(archive(sample), dest);
  assert.equal(failure?.code, "access");
  assert.deepEqual(readdirSync(join(home, "outside")), []);
  assert.deepEqual(readdirSync(dest), ["app"]);
});

test("what hostile archives hold may be left out", async (t) => {
  const { dest, archive } = place(t);
  const path = archive(
    tar(
      { name: "dev/null", type: "3" },
      { name: "etc/mtab", type: "2", link: "/proc/mounts" },
      { name: "etc/x", content: "x" },
    ),
  );
  const { status } = await extract(path, dest, "--exclude", "dev", "--exclude", "etc/mtab");
  assert.equal(status, "done");
  assert.deepEqual(Object.keys(snapshot(dest)), ["etc", "etc/x"]);
});

test("a later entry of the same name takes the place of the earlier one", async (t) => {
  const { dest, archive } = place(t);
  const bytes = tar(
    { name: "f", content: "old" },
    { name: "h", type: "1", link: "f" },
    { name: "f", content: "new" },
    { name: "x", content: "file" },
    { name: "x", type: "2", link: "f" },
    { name: "y", type: "2", link: "f" },
    { name: "y", content: "file" },
  );
  assert.equal((await extract(archive(bytes), dest)).status, "done");
  assert.equal(readFileSync(join(dest, "f"), "utf8"), "new");
  assert.equal(readFileSync(join(dest, "h"), "utf8"), "old");
  assert.equal(readlinkSync(join(dest, "x")), "f");
  assert.ok(lstatSync(join(dest, "y")).isFile());
});

test("limits stop an archive before it fills the volume", async (t) => {
  const { home, dest, archive } = place(t);
  const bomb = archive(gzipSync(tar({ name: "big", content: Buffer.alloc(5_000_000) })), "bomb.tar.gz");
  const plain = archive(gzipSync(Buffer.alloc(5_000_000)), "plain.gz");
  const many = archive(tar(...Array.from({ length: 50 }, (_, index) => ({ name: `d${index}/f` }))), "many");
  for (const [path, ...options] of [
    [bomb, "--max-extracted", "4MiB"],
    [plain, "--max-extracted", "4MiB"],
    [many, "--max-entries", "99"],
    [many, "--max-size", "1KiB"],
  ] as const) {
    const { failure } = await extract(path, dest, ...options);
    assert.equal(failure?.code, "integrity", options[0]);
    assert.match(failure!.message, new RegExp(options[0]!.slice(2)));
    assert.ok(!existsSync(dest));
    assert.deepEqual(debris(home), []);
  }
  assert.equal((await extract(bomb, dest, "--max-extracted", "5000000")).status, "done");
  assert.equal((await extract(many, dest, "--max-entries", "100")).status, "done");
});

test("an archive cut off at any block is refused", async (t) => {
  const { home, dest, archive } = place(t);
  for (let length = 512; length < sample.length - 1024; length += 512) {
    const { failure } = await extract(archive(sample.subarray(0, length)), dest);
    assert.equal(failure?.code, "integrity", `${length} bytes`);
  }
  assert.ok(!existsSync(dest));
  assert.deepEqual(debris(home), []);
});

test("a missing archive, and a file in place of the folder, are failures of the file system", async (t) => {
  const { home, dest, archive } = place(t);
  assert.equal((await extract(join(home, "missing"), dest)).failure?.exitCode, 24);
  assert.equal((await extract(home, dest)).failure?.exitCode, 24);
  writeFileSync(dest, "file");
  assert.equal((await extract(archive(sample), dest)).failure?.exitCode, 24);
  assert.equal(readFileSync(dest, "utf8"), "file");
});

test("missing parents are made, and taken away again when it fails", async (t) => {
  const { home, archive } = place(t);
  const dest = join(home, "a/b/dest");
  assert.equal((await extract(archive(Buffer.from("no archive")), dest)).status, "failed");
  assert.ok(!existsSync(join(home, "a")));
  assert.equal((await extract(archive(sample), dest)).status, "done");
  assert.deepEqual(snapshot(dest), expected);
});

test("a full volume is told with what is free, and nothing has changed", async (t) => {
  const { home, archive } = place(t);
  const dest = join(home, "small");
  mkdirSync(dest);
  using volume = mountSmallVolume(dest);
  if (!volume) return t.skip("needs the right to mount a tmpfs");
  writeFileSync(join(dest, "there"), "precious");
  const path = archive(gzipSync(tar({ name: "ok" }, { name: "big", content: randomBytes(3_000_000) })));
  const { failure } = await extract(path, dest);
  assert.equal(failure?.exitCode, 14);
  assert.equal(failure?.permanent, false);
  assert.match(failure!.message, /free/);
  assert.deepEqual(readdirSync(dest), ["there"]);
});

test("a mounted volume within the folder is in the way, and nothing has changed", async (t) => {
  const { dest, archive } = place(t);
  mkdirSync(join(dest, "app/data"), { recursive: true });
  using volume = mountSmallVolume(join(dest, "app/data"));
  if (!volume) return t.skip("needs the right to mount a tmpfs");
  const others = Array.from({ length: 30 }, (_, index) => ({ name: `app/${index}` }));
  const { failure } = await extract(archive(tar(...others, { name: "app/data/f" })), dest);
  assert.equal(failure?.exitCode, 24);
  assert.deepEqual(Object.keys(snapshot(dest)), ["app", "app/data"]);
});

test("a run that is told to end stops at once and leaves nothing", async (t) => {
  const { home, dest, archive } = place(t);
  const [size, part] = [1_024_000_000, gzipSync(Buffer.alloc(1_024_000))];
  const header = gzipSync(tarEntry({ name: "big", size }));
  const path = archive(
    Buffer.concat([header, ...Array.from({ length: 1000 }, () => part), gzipSync(tarEnd)]),
  );
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("stop")), 150);
  const { failure } = await runTask("extract", [path, dest], { signal: controller.signal });
  assert.match(String(failure?.message), /stop/);
  assert.ok(!existsSync(dest));
  assert.deepEqual(debris(home), []);
});

test("a run killed at any moment is made good by the next one", async (t) => {
  const { home, dest, archive } = place(t);
  const entries = Array.from({ length: 120 }, (_, index) => ({
    name: `d${index % 12}/f${index}`,
    content: `content ${index}`,
  }));
  const path = archive(gzipSync(tar(...entries, { name: "link", type: "2", link: "d0" })));
  await extract(path, dest);
  const clean = snapshot(dest);
  for (const [round, delay] of [0, 5, 15, 40, 80].entries()) {
    rmSync(dest, { recursive: true });
    if (round % 2 === 0) mkdirSync(dest);
    const watcher = watch(round % 2 === 0 ? dest : home);
    const child = spawn(process.execPath, [entry, "extract", path, dest], { stdio: "ignore" });
    await once(watcher, "change");
    watcher.close();
    setTimeout(() => child.kill("SIGKILL"), delay);
    await once(child, "exit");
    const { failure } = await extract(path, dest);
    assert.equal(failure, undefined);
    assert.deepEqual(snapshot(dest), clean);
    assert.deepEqual(debris(home), []);
  }
});

for (const [what, ...words] of [
  ["no folder", "archive"],
  ["an unknown option", "archive", "dest", "--format", "tar"],
  ["a subpath that climbs", "archive", "dest", "--subpath", "../x"],
  ["a strip that is no number", "archive", "dest", "--strip", "-1"],
  ["a mode that is none", "archive", "dest", "--mode", "rw"],
]) {
  test(`extract with ${what} is a configuration error`, async () => {
    const { status, failure } = await runTask("extract", words);
    assert.equal(status, "rejected");
    assert.equal(failure?.exitCode, 2);
  });
}
