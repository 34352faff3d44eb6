import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertLinked } from "./linked.ts";
import { baseImage, buildImages, buildStage, podman, podmanSays } from "./podman.ts";

const root = join(import.meta.dirname, "../..");
const { name, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

before(buildImages);

describe("what is in the image", () => {
  let mounted: string;
  before(async () => (mounted = await podmanSays("image", "mount", "initkit")));
  after(() => podmanSays("image", "unmount", "initkit"));

  const files = () =>
    readdirSync(mounted, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(mounted.length));

  test("is initkit, its runtime, the loader and the libraries of that, certificates and user names", () => {
    const libraries = /^\/initkit\/lib\/(ld-linux-[^/]+|lib(atomic|c|dl|gcc_s|m|pthread|stdc\+\+))\.so\.\d$/;
    const others = files().filter((path) => !libraries.test(path) && !path.startsWith("/initkit/licenses/"));
    assert.deepEqual(others.toSorted(), [
      "/etc/group",
      "/etc/nsswitch.conf",
      "/etc/passwd",
      "/etc/ssl/certs/ca-certificates.crt",
      "/initkit/bin/dumb-init",
      "/initkit/bin/initkit",
      "/initkit/bin/runtime",
    ]);
  });

  test("belongs to root, is readable by everybody, writable by nobody else, and lends no rights", () => {
    for (const path of files()) {
      const { uid, gid, mode } = statSync(join(mounted, path));
      assert.deepEqual({ path, uid, gid }, { path, uid: 0, gid: 0 });
      assert.ok([0o644, 0o755].includes(mode & 0o7777), `${path} has mode ${mode.toString(8)}`);
    }
  });

  test("has, of its own architecture, each library that something in it asks for", async () => {
    const architecture = await podmanSays("inspect", "--format", "{{.Architecture}}", "initkit");
    assertLinked(mounted, architecture);
  });

  test("brings the license of every part", () => {
    const licenses = readdirSync(join(mounted, "initkit/licenses"));
    for (const part of [
      "initkit",
      "node",
      "dumb-init",
      "libc6",
      "libstdc++6",
      "pg",
      "undici",
      "yaml",
      "yauzl",
    ]) {
      assert.ok(licenses.includes(part), part);
    }
    for (const name of licenses) {
      assert.match(readFileSync(join(mounted, "initkit/licenses", name), "utf8"), /license|copyright/i, name);
    }
  });

  test("starts initkit as a user without rights, and says what it is", async () => {
    const [{ Config: config }] = JSON.parse(await podmanSays("inspect", "initkit"));
    assert.deepEqual(config.Entrypoint, ["/initkit/bin/initkit"]);
    assert.equal(config.User, "65532:65532");
    assert.equal(config.Cmd, undefined);
    const label = (name: string) => config.Labels[`org.opencontainers.image.${name}`];
    assert.equal(label("title"), name);
    assert.equal(label("licenses"), license);
    assert.notEqual(label("description"), "");
  });

  test("bears the version, the commit and the time that it is built with", async () => {
    const known = { version: "1.2.3", revision: "0123abc", created: "2026-01-02T03:04:05Z" };
    const given = Object.entries(known).flatMap(([name, value]) => [
      "--build-arg",
      `${name.toUpperCase()}=${value}`,
    ]);
    const image = "localhost/initkit-labelled";
    await podmanSays("build", "--network", "host", "--tag", image, ...given, root);
    try {
      const [{ Labels: labels }] = JSON.parse(await podmanSays("inspect", image));
      for (const [name, value] of Object.entries(known)) {
        assert.equal(labels[`org.opencontainers.image.${name}`], value);
      }
    } finally {
      await podmanSays("image", "rm", image);
    }
  });

  test("is built from the base that BASE names, by its digest too", async () => {
    const build = (base: string) =>
      podman([
        "build",
        "--quiet",
        "--pull=never",
        "--target=build",
        `--build-arg=BASE=${base}`,
        "--network=host",
        root,
      ]);
    const [digest] = JSON.parse(await podmanSays("inspect", "--format", "{{json .RepoDigests}}", baseImage));
    const { stdout, stderr } = await build(digest);
    assert.equal(stdout.trim(), await podmanSays("inspect", "--format", "{{.Id}}", buildStage), stderr);
    const missing = await build("localhost/initkit-no-base");
    assert.notEqual(missing.exitCode, 0);
    assert.match(missing.stderr, /initkit-no-base/);
  });
});
