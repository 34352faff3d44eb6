import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { tar, type TarEntry, zip } from "../helpers/archives.ts";
import { type FakeRegistry, manifestOf, startFakeRegistry } from "../helpers/fake-registry.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const file = (name: string, content = name): TarEntry => ({ name, content });
const folder = (name: string): TarEntry => ({ name: `${name}/`, type: "5", mode: 0o755 });
const link = (name: string, to: string): TarEntry => ({ name, type: "2", link: to });
const layerOf = (...entries: TarEntry[]): Buffer => gzipSync(tar(...entries));

interface Place {
  readonly registry: FakeRegistry;
  readonly home: string;
  readonly dest: string;
}

async function place(t: TestContext): Promise<Place> {
  const registry = await startFakeRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  const home = temporary(t);
  return { registry, home, dest: join(home, "dest") };
}

const download = (registry: FakeRegistry, ...words: string[]): Promise<TaskRun> =>
  runTask("download", [registry.url().href, ...words], { env: { DOCKER_CONFIG: "/nowhere" } });

/** Extracts an image of these layers. */
async function extractImage(
  { registry, dest }: Place,
  layers: readonly Buffer[],
  ...options: string[]
): Promise<TaskRun> {
  registry.put(manifestOf(...layers.map((layer) => registry.blob(layer))), "latest");
  return await download(registry, dest, "--extract", ...options);
}

/** Names with what they are: content, target, or a slash for a folder. */
function treeIn(dest: string): Record<string, string> {
  const found = Object.entries(snapshot(dest)).filter(([name]) => !name.startsWith(".initkit"));
  return Object.fromEntries(
    found.map(([name, what]) => [
      name,
      what
        .replace(/^folder .*/, "/")
        .replace(/^link to /, "-> ")
        .replace(/^file \S+ \S+ /, ""),
    ]),
  );
}

const base = [
  folder("a"),
  file("a/one"),
  folder("a/deep"),
  file("a/deep/er"),
  link("a/deep/link", "er"),
  file("b"),
  link("l", "b"),
];
const whole = {
  a: "/",
  "a/deep": "/",
  "a/deep/er": "a/deep/er",
  "a/deep/link": "-> er",
  "a/one": "a/one",
  b: "b",
  l: "-> b",
};
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name)));

describe("a later layer of an image", () => {
  for (const [what, entries, expected] of [
    ["takes away a file", [file(".wh.b", "")], without("b")],
    ["takes away a link", [file(".wh.l", "")], without("l")],
    [
      "takes away a folder with all that is in it",
      [folder("a"), file("a/.wh.deep", "")],
      without("a/deep", "a/deep/er", "a/deep/link"),
    ],
    [
      "takes away what is deeper than any folder that it names",
      [file("a/deep/.wh.er", "")],
      without("a/deep/er"),
    ],
    [
      "takes away what an opaque folder held, but not the folder",
      [folder("a"), file("a/.wh..wh..opq", "")],
      { a: "/", b: "b", l: "-> b" },
    ],
    ["takes away everything by an opaque top", [file("./.wh..wh..opq", ""), file("new")], { new: "new" }],
    [
      "keeps what it brings itself, before the whiteout of its folder",
      [file("a/new"), link("a/deep/new", "er"), file(".wh.a", "")],
      { a: "/", "a/deep": "/", "a/deep/new": "-> er", "a/new": "a/new", b: "b", l: "-> b" },
    ],
    [
      "keeps what it brings itself, after it",
      [file(".wh.a", ""), file("a/new")],
      { a: "/", "a/new": "a/new", b: "b", l: "-> b" },
    ],
    [
      "keeps what it brings itself into an opaque folder, before and after",
      [file("a/1"), file("a/.wh..wh..opq", ""), file("a/2")],
      { a: "/", "a/1": "a/1", "a/2": "a/2", b: "b", l: "-> b" },
    ],
    [
      "keeps what it brings itself under the very name",
      [file("b", "new"), file(".wh.b", "")],
      { ...whole, b: "new" },
    ],
    [
      "puts a folder in the place of a file",
      [folder("b"), file("b/x"), file(".wh.l", "")],
      { ...without("l"), b: "/", "b/x": "b/x" },
    ],
    ["puts a folder in the place of a link", [folder("l"), file("l/x")], { ...whole, l: "/", "l/x": "l/x" }],
    [
      "puts a file in the place of a folder",
      [file("a", "now a file")],
      { a: "now a file", b: "b", l: "-> b" },
    ],
    ["puts a link in the place of a folder", [link("a", "b")], { a: "-> b", b: "b", l: "-> b" }],
    [
      "puts a hard link in the place of a folder",
      [{ name: "a", type: "1", link: "b" }],
      { a: "b", b: "b", l: "-> b" },
    ],
    [
      "leaves out what AUFS kept for itself",
      [folder(".wh..wh.plnk"), file(".wh..wh.plnk/1.2"), file(".wh..wh.aufs", "")],
      whole,
    ],
    [
      "may take away what is not there",
      [file(".wh.none", ""), file("none/.wh.b", ""), file("b/.wh.x", ""), file("l/.wh.x", "")],
      whole,
    ],
    ["may name a file with .wh. elsewhere in its name", [file("x.wh.b")], { ...whole, "x.wh.b": "x.wh.b" }],
  ] as [string, TarEntry[], Record<string, string>][]) {
    test(what, async (t) => {
      const at = await place(t);
      const { failure } = await extractImage(at, [layerOf(...base), layerOf(...entries)]);
      assert.equal(failure, undefined);
      assert.deepEqual(treeIn(at.dest), expected);
      assert.deepEqual(debris(at.home), []);
    });
  }

  test("may bring again what one before it took away", async (t) => {
    const at = await place(t);
    await extractImage(at, [layerOf(...base), layerOf(file(".wh.a", "")), layerOf(file("a/again"))]);
    assert.deepEqual(treeIn(at.dest), { a: "/", "a/again": "a/again", b: "b", l: "-> b" });
  });

  test("takes nothing away of what else is in the folder", async (t) => {
    const at = await place(t);
    mkdirSync(join(at.dest, "a"), { recursive: true });
    for (const name of ["mine", "a/mine", "gone"]) writeFileSync(join(at.dest, name), "mine");
    const upper = layerOf(file(".wh.mine", ""), file(".wh.gone", ""), file("a/.wh..wh..opq", ""));
    await extractImage(at, [layerOf(file("a/x"), file("gone", "of the image")), upper]);
    assert.deepEqual(treeIn(at.dest), { a: "/", "a/mine": "mine", gone: "mine", mine: "mine" });
  });

  for (const name of [".wh.", ".wh..", ".wh...", "a/.wh...", "a/.wh.."]) {
    test(`is refused with the whiteout ${name}`, async (t) => {
      const at = await place(t);
      const { failure } = await extractImage(at, [layerOf(...base), layerOf(file(name, ""))]);
      assert.deepEqual([failure?.code, failure?.kind], ["integrity", "unsafe"]);
      assert.ok(!existsSync(at.dest));
    });
  }

  test("cannot be a file and a folder at once", async (t) => {
    const at = await place(t);
    const { failure } = await extractImage(at, [layerOf(...base), layerOf(file("a/new"), file("a"))]);
    assert.deepEqual([failure?.code, failure?.kind], ["integrity", "corrupt"]);
    assert.ok(!existsSync(at.dest));
  });

  test("takes away what subpath has brought to another place, and names above it everything", async (t) => {
    const at = await place(t);
    const upper = (name: string) => layerOf(file(name, ""));
    await extractImage(at, [layerOf(...base), upper("a/deep/.wh.er"), upper(".wh.b")], "--subpath", "a");
    assert.deepEqual(treeIn(at.dest), { deep: "/", "deep/link": "-> er", one: "a/one" });
    await extractImage(at, [layerOf(...base), upper(".wh.a"), layerOf(file("a/new"))], "--subpath", "a");
    assert.equal(treeIn(at.dest)["new"], "a/new");
    const other = { ...at, dest: join(at.home, "other") };
    await extractImage(other, [layerOf(...base), upper(".wh.a"), layerOf(file("a/new"))], "--subpath", "a");
    assert.deepEqual(treeIn(other.dest), { new: "a/new" });
  });

  test("takes nothing away where strip leaves it open what that is", async (t) => {
    const at = await place(t);
    const layers = [layerOf(...base), layerOf(file("a/.wh.one", ""))];
    const { failure } = await extractImage(at, layers, "--strip", "1");
    assert.deepEqual([failure?.code, failure?.kind], ["integrity", "unsupported"]);
    assert.ok(!existsSync(at.dest));
  });
});

test("a whiteout never lands as a file, in the first layer neither", async (t) => {
  const at = await place(t);
  await extractImage(at, [layerOf(file(".wh.x", ""), file("a/.wh..wh..opq", ""), file("b"))]);
  assert.deepEqual(treeIn(at.dest), { b: "b" });
});

test("an artifact that is no image may hold any name, and a file there stays one", async (t) => {
  const { registry, dest } = await place(t);
  const mediaType = "application/x-tar";
  const layers = [layerOf(...base), layerOf(file(".wh.b", "kept"))].map((layer) =>
    registry.blob(layer, { mediaType }),
  );
  registry.put(manifestOf(...layers), "latest");
  await download(registry, dest, "--extract");
  assert.deepEqual(treeIn(dest), { ...whole, ".wh.b": "kept" });
  registry.put(manifestOf(...layers, registry.blob(layerOf(file("a")), { mediaType })), "latest");
  assert.equal((await download(registry, dest, "--extract")).failure?.kind, "corrupt");
});

describe("the title of a layer", () => {
  const titled = (title: string) => ({ annotations: { "org.opencontainers.image.title": title } });

  test("is the name of the file in a folder, and not where the file has a name", async (t) => {
    const { registry, home } = await place(t);
    registry.put(manifestOf(registry.blob("weights", titled("model.bin"))), "latest");
    assert.equal((await download(registry, `${home}/models/`)).status, "done");
    assert.equal((await download(registry, `${home}/models`)).status, "unchanged");
    assert.equal((await download(registry, `${home}/other`)).status, "done");
    assert.deepEqual(treeIn(home), { models: "/", "models/model.bin": "weights", other: "weights" });
    assert.deepEqual(debris(home), []);
  });

  test("is asked for once", async (t) => {
    const { registry, home } = await place(t);
    registry.put(manifestOf(registry.blob("weights", titled("model.bin"))), "latest");
    await download(registry, `${home}/`);
    assert.equal(registry.seen.filter(({ url }) => url!.includes("/manifests/")).length, 1);
  });

  test("may be missing: the file has the name of the repository then", async (t) => {
    const { registry, home } = await place(t);
    registry.put(manifestOf(registry.blob("weights")), "latest");
    assert.equal((await download(registry, `${home}/`)).status, "done");
    assert.deepEqual(treeIn(home), { app: "weights" });
  });

  test("is the name of each layer that is a plain file, among others that are archives", async (t) => {
    const { registry, dest } = await place(t);
    const [text, packed, empty] = ["{}", gzipSync("weights"), ""];
    const archives = [layerOf(folder("docs"), file("docs/a")), zip(file("z") as { name: string })];
    registry.put(
      manifestOf(
        registry.blob(text, titled("config.json")),
        registry.blob(packed, titled("model.bin.gz")),
        registry.blob(archives[0]!, titled("docs")),
        registry.blob(archives[1]!, titled("x/y.zip")),
        registry.blob(empty, titled("empty")),
      ),
      "latest",
    );
    assert.equal((await download(registry, dest, "--extract")).failure, undefined);
    const files = {
      "config.json": "{}",
      docs: "/",
      "docs/a": "docs/a",
      empty: "",
      "model.bin": "weights",
      z: "z",
    };
    assert.deepEqual(treeIn(dest), files);
    assert.equal((await download(registry, dest, "--extract")).status, "unchanged");
  });

  test("makes no archive of a plain file where a format is asked for", async (t) => {
    const { registry, dest } = await place(t);
    registry.put(manifestOf(registry.blob("{}", titled("config.json"))), "latest");
    const { failure } = await download(registry, dest, "--extract=tar.gz");
    assert.deepEqual([failure?.code, failure?.kind], ["integrity", "corrupt"]);
  });

  for (const title of ["../evil", "a/b", "/etc/passwd", "..", ".", "a\nb", "a\0b", "x".repeat(256)]) {
    test(`is refused where it is no name of a file: ${JSON.stringify(title.slice(0, 20))}`, async (t) => {
      const { registry, home, dest } = await place(t);
      registry.put(manifestOf(registry.blob("evil", titled(title))), "latest");
      for (const words of [[`${dest}/`], [dest, "--extract"]]) {
        const { failure } = await download(registry, ...words);
        assert.deepEqual([failure?.code, failure?.kind], ["integrity", "unsafe"]);
        assert.deepEqual(readdirSync(home), []);
      }
    });
  }
});

describe("a second download", () => {
  const title = "org.opencontainers.image.title";
  const titled = (name: string) => ({ annotations: { [title]: name } });

  /** What a first and only run makes of what the registry has now. */
  async function clean({ registry, home }: Place, ...options: string[]): Promise<Record<string, string>> {
    const dest = join(home, `clean-${Math.random()}`);
    assert.equal((await download(registry, dest, "--extract", ...options)).status, "done");
    return treeIn(dest);
  }

  test("follows a title that has changed while the bytes have not", async (t) => {
    const at = await place(t);
    const { registry, dest } = at;
    for (const content of ["weights", gzipSync("weights")]) {
      const sha256 = registry.blob(content).digest.slice("sha256:".length);
      for (const options of [[], ["--sha256", sha256]]) {
        registry.put(manifestOf(registry.blob(content, titled("old"))), "latest");
        assert.equal((await download(registry, dest, "--extract", ...options)).failure, undefined);
        assert.equal((await download(registry, dest, "--extract", ...options)).status, "unchanged");
        registry.put(manifestOf(registry.blob(content, titled("new"))), "latest");
        assert.equal((await download(registry, dest, "--extract", ...options)).status, "done");
        const expected = await clean(at, ...options);
        assert.deepEqual(treeIn(dest), { ...expected, old: "weights" });
        assert.equal((await download(registry, dest, "--extract", ...options)).status, "unchanged");
      }
    }
  });

  test("follows titles that have changed places", async (t) => {
    const at = await place(t);
    const { registry, dest } = at;
    const put = (...names: [string, string]) =>
      registry.put(
        manifestOf(registry.blob("one", titled(names[0])), registry.blob("two", titled(names[1]))),
        "latest",
      );
    put("a", "b");
    await download(registry, dest, "--extract");
    assert.deepEqual(treeIn(dest), { a: "one", b: "two" });
    put("b", "a");
    assert.equal((await download(registry, dest, "--extract")).status, "done");
    assert.deepEqual(treeIn(dest), await clean(at));
    assert.equal((await download(registry, dest, "--extract")).status, "unchanged");
  });

  test("follows bytes that have changed while the title has not", async (t) => {
    const at = await place(t);
    const { registry, dest, home } = at;
    for (const content of ["one", "two"]) {
      registry.put(manifestOf(registry.blob(content, titled("model"))), "latest");
      assert.equal((await download(registry, dest, "--extract")).status, "done");
      assert.equal((await download(registry, `${home}/files/`)).status, "done");
      assert.deepEqual(treeIn(dest), { model: content });
      assert.deepEqual(treeIn(join(home, "files")), { model: content });
    }
  });

  test("into a folder, without extract, follows the title too", async (t) => {
    const { registry, home } = await place(t);
    for (const name of ["old", "new"]) {
      registry.put(manifestOf(registry.blob("weights", titled(name))), "latest");
      assert.equal((await download(registry, `${home}/`)).status, "done");
      assert.equal((await download(registry, `${home}/`)).status, "unchanged");
    }
    assert.deepEqual(treeIn(home), { new: "weights", old: "weights" });
    assert.deepEqual(debris(home), []);
  });

  test("does not ask for the title of an archive that has names of its own", async (t) => {
    const { registry, dest } = await place(t);
    const layer = registry.blob(layerOf(file("a")), titled("docs"));
    registry.put(manifestOf(layer), "latest");
    const words = [dest, "--extract", "--sha256", layer.digest.slice("sha256:".length)];
    await download(registry, ...words);
    const { length } = registry.seen;
    assert.equal((await download(registry, ...words)).status, "unchanged");
    assert.equal(registry.seen.length, length);
  });

  test("takes a layer for what its type says by now", async (t) => {
    const at = await place(t);
    const { registry, dest } = at;
    const layers = [layerOf(file("a"), file("b")), layerOf(file(".wh.b", ""), file("c"))];
    const put = (mediaType: string) =>
      registry.put(manifestOf(...layers.map((layer) => registry.blob(layer, { mediaType }))), "latest");
    put("application/x-tar");
    await download(registry, dest, "--extract");
    put("application/vnd.oci.image.layer.v1.tar+gzip");
    assert.equal((await download(registry, dest, "--extract")).status, "done");
    assert.deepEqual(await clean(at), { a: "a", c: "c" });
  });
});

describe("a single layer by its digest", () => {
  const single = (registry: FakeRegistry, digest: string, ...words: string[]): Promise<TaskRun> =>
    runTask("download", [registry.url(`@${digest}`).href, ...words], { env: { DOCKER_CONFIG: "/nowhere" } });

  test("is what it is as the only layer of an image: a whiteout never lands, and takes nothing away", async (t) => {
    const { registry, home, dest } = await place(t);
    const layer = layerOf(
      file("a/.wh.gone", ""),
      file("a/.wh..wh..opq", ""),
      file("a/new"),
      file(".wh.kept", ""),
      folder(".wh..wh.plnk"),
    );
    mkdirSync(join(dest, "a"), { recursive: true });
    for (const name of ["kept", "a/kept", "a/gone"]) writeFileSync(join(dest, name), "mine");
    const { digest } = registry.blob(layer);
    assert.equal((await single(registry, digest, dest, "--extract")).status, "done");
    assert.deepEqual(treeIn(dest), {
      a: "/",
      "a/gone": "mine",
      "a/kept": "mine",
      "a/new": "a/new",
      kept: "mine",
    });
    assert.equal((await single(registry, digest, dest, "--extract")).status, "unchanged");

    const image = join(home, "image");
    registry.put(manifestOf(registry.blob(layer)), "latest");
    await download(registry, image, "--extract");
    const alone = join(home, "alone");
    await single(registry, digest, alone, "--extract");
    assert.deepEqual(treeIn(alone), treeIn(image));
  });

  test("is refused where a whiteout of it names nothing", async (t) => {
    const { registry, dest } = await place(t);
    const { digest } = registry.blob(layerOf(file("a/.wh...", "")));
    assert.equal((await single(registry, digest, dest, "--extract")).failure?.kind, "unsafe");
    assert.equal(existsSync(dest), false);
  });

  test("is written as it is without extract", async (t) => {
    const { registry, home } = await place(t);
    const { digest } = registry.blob("bytes");
    assert.equal((await single(registry, digest, join(home, "file"))).status, "done");
    assert.deepEqual(treeIn(home), { file: "bytes" });
  });
});
