import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { changeTimesIn } from "../helpers/tree.ts";
import { buildOtherImages, images } from "./other-images.ts";
import {
  baseImage,
  buildImages,
  type Ended,
  initkit,
  logged,
  podman,
  podmanSays,
  restricted,
  startInitkit,
} from "./podman.ts";
import { Cluster, type Manifest, readManifest, withKubeletVolumes } from "./pods.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "initkit-install-"));
const server = createServer((socket) => void socket.on("error", () => {}));
let mounted: string;
let otherImages: AsyncDisposable;

before(async () => {
  await buildImages();
  mounted = await podmanSays("image", "mount", "initkit");
  otherImages = await buildOtherImages();
  await once(server.listen(0, "127.0.0.1"), "listening");
});

after(async () => {
  server.close();
  await otherImages[Symbol.asyncDispose]();
  await podmanSays("image", "unmount", "initkit");
  rmSync(folder, { recursive: true });
});

let volumes = 0;

/** An empty volume of any user, as an emptyDir is. */
function emptyDir(): string {
  const volume = join(folder, `volume-${++volumes}`);
  mkdirSync(volume);
  chmodSync(volume, 0o777);
  return volume;
}

const install = (volume: string, ...options: string[]): Promise<Ended> =>
  initkit(["install", "/target"], ["--user", "65532", "--volume", `${volume}:/target`, ...options]);

function assertFine({ exitCode, stderr }: Ended): void {
  assert.equal(exitCode, 0, stderr);
}

/** Every byte and every mode is the image's, and nothing is there besides but the record. */
function assertInstalled(volume: string): void {
  const each = 'find . -type f ! -name .install.initkit.json -exec stat -c "%a %n" {} + -exec sha256sum {} +';
  const list = (root: string) =>
    execFileSync("sh", ["-c", `cd "$0" && ${each} | sort && find . -name ".initkit-*"`, root]).toString();
  assert.equal(list(volume), list(join(mounted, "initkit")));
}

describe("initkit install", () => {
  test("copies all of /initkit within 64 MiB, and leaves it alone the second time, as another user too", async () => {
    const volume = emptyDir();
    assertFine(await install(volume));
    assertInstalled(volume);
    const times = changeTimesIn(volume);
    for (const user of ["65532", "12345:0"]) {
      const again = await install(volume, "--user", user);
      assertFine(again);
      assert.match(again.stderr, /"event":"step.unchanged"/);
      assert.deepEqual(changeTimesIn(volume), times);
    }
  });

  test("completes what a killed run has begun", async () => {
    const volume = emptyDir();
    await using container = await startInitkit(
      ["install", "/target"],
      ["--user", "65532", "--volume", `${volume}:/target`],
    );
    await logged(container, /step\.start/);
    await podman(["kill", "--signal", "KILL", container.id]);
    assert.equal(await container.ended(), 137);
    assertFine(await install(volume));
    assertInstalled(volume);
  });

  test("ends with 143 at SIGTERM, while it waits for another run too", async () => {
    const volume = emptyDir();
    const other = join(volume, ".initkit-0123456789ab-1-1-01234567");
    mkdirSync(other);
    chownSync(other, 65532, 65532);
    await using container = await startInitkit(
      ["install", "/target"],
      ["--user", "65532", "--volume", `${volume}:/target`],
    );
    await logged(container, /step\.start/);
    await podmanSays("kill", "--signal", "TERM", container.id);
    assert.equal(await container.ended(), 143);
  });

  test("tells how much it needs and how much is free where the volume is too small", async () => {
    const tmpfs = ["--mount", "type=tmpfs,tmpfs-size=20m,destination=/target"];
    const { exitCode, stderr } = await initkit(["install", "/target"], tmpfs);
    assert.equal(exitCode, 14, stderr);
    assert.match(
      stderr,
      /runtime\\" \(1\d\d(\.\d)? MiB\): no space left on the volume \(ENOSPC\), [\d.]+ MiB free/,
    );
  });

  test("ends with 24 and a hint where it may not write", async () => {
    const volume = emptyDir();
    const readOnly = await initkit(["install", "/target"], ["--volume", `${volume}:/target:ro`]);
    assert.equal(readOnly.exitCode, 24);
    assert.match(readOnly.stderr, /read-only.*"hint":"[^"]*emptyDir/);
    chmodSync(volume, 0o755);
    const denied = await install(volume);
    assert.equal(denied.exitCode, 24);
    assert.match(denied.stderr, /permission denied.*"hint":"[^"]*fsGroup/);
  });
});

describe("what was installed", () => {
  let volume: string;
  before(async () => {
    volume = emptyDir();
    assertFine(await install(volume));
  });

  for (const { what, image, command } of images) {
    const run = (user: string, ...words: string[]) =>
      podman([
        "run",
        "--rm",
        ...restricted,
        `--user=${user}`,
        "--network=host",
        `--volume=${volume}:/initkit:ro`,
        "--entrypoint=/initkit/bin/initkit",
        image,
        ...words,
      ]);

    // An empty standard error says that the compiled code fits: test/image/process.test.ts proves that it would tell.
    test(`starts in ${what} as any user, with its compiled code`, async () => {
      for (const user of ["65532", "0", "2147483647"]) {
        assert.deepEqual(await run(user, "--version"), { exitCode: 0, stdout: `${version}\n`, stderr: "" });
      }
    });

    test(`waits in ${what}, and runs what that image has`, async () => {
      const { port } = server.address() as AddressInfo;
      assertFine(await run("12345", "wait-for", `tcp://127.0.0.1:${port}`, "then", "run", "--", ...command));
    });
  }
});

describe("the README's pod with initkit in the application's image", () => {
  let cluster: Cluster;
  before(() => (cluster = new Cluster()));
  after(() => cluster[Symbol.asyncDispose]());

  function readmePod(command: readonly string[], image = baseImage): Manifest {
    const { port } = server.address() as AddressInfo;
    const manifest = readManifest("install.yaml", {
      "valueFrom: {secretKeyRef: {name: database, key: url}}": `value: tcp://127.0.0.1:${port}`,
      "./manage.py, migrate": command.map((word) => JSON.stringify(word)).join(", "),
      "image: my-app": `image: ${image}`,
    });
    const [app] = manifest.pod.spec.containers;
    app.command = ["/initkit/bin/initkit", "--version"];
    app.volumeMounts = [{ name: "initkit", mountPath: "/initkit", readOnly: true }];
    return manifest;
  }

  test("runs the application's own command there, and the application after it", async () => {
    const { init, app } = await cluster.play(
      readmePod(["sh", "-c", '[ "$(id -u)" = 65532 ] && [ -e /etc/debian_version ]']),
    );
    assert.equal(init.exitCode, 0, init.logs);
    assert.equal(init.memoryLimit, 64 * 1024 * 1024);
    assert.equal(app?.exitCode, 0);
  });

  for (const { what, image, command } of images.slice(1)) {
    test(`runs a command of ${what}`, async () => {
      const { init, app } = await cluster.play(readmePod(command, image));
      assert.equal(init.exitCode, 0, init.logs);
      assert.equal(app?.exitCode, 0, String(app?.logs));
    });
  }

  // podman plays no image volumes; what one with this subPath holds is this folder.
  test("needs nothing installed where the image itself is the volume", async () => {
    const manifest = readmePod(["sh", "-c", "[ -e /etc/debian_version ]"]);
    const { spec } = manifest.pod;
    spec.initContainers = [{ ...spec.initContainers[1], name: "initkit" }];
    spec.volumes = [{ name: "initkit", hostPath: { path: join(mounted, "initkit"), type: "Directory" } }];
    const { init, app } = await cluster.play(manifest);
    assert.equal(init.exitCode, 0, init.logs);
    assert.equal(app?.exitCode, 0);
  });

  test("does not start the application where that command fails", async () => {
    const { init, app } = await cluster.play(readmePod(["sh", "-c", "exit 3"]));
    assert.equal(init.exitCode, 0, init.logs);
    assert.equal(app, undefined);
  });

  test("finds initkit installed after a restart, on a volume as the kubelet makes it", async () => {
    for (const event of ["step.done", "step.unchanged"]) {
      const { init, app } = await cluster.play(withKubeletVolumes(readmePod(["true"]), cluster.folder));
      assert.equal(init.exitCode, 0, init.logs);
      assert.ok(init.logs.includes(`"event":"${event}"`), init.logs);
      assert.equal(app?.exitCode, 0);
    }
  });
});
