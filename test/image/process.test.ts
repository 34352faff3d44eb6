import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  baseImage,
  buildImages,
  buildStage,
  initkit,
  logged,
  podman,
  podmanSays,
  restricted,
  startInitkit,
} from "./podman.ts";

const settings = JSON.parse(readFileSync(join(import.meta.dirname, "../../src/image/runtime.json"), "utf8"));

before(buildImages);

describe("quick start", () => {
  // Every run of this file that expects an empty standard error proves that the compiled code is taken; this proves
  // that it would be told if it were not.
  test("the image runs without a report of compiled code that does not fit, and there is such a report", async () => {
    const folder = mkdtempSync(join(tmpdir(), "initkit-code-"));
    const inFolder = (...command: string[]) =>
      podman(["run", "--rm", "--volume", `${folder}:${folder}`, "--workdir", folder, buildStage, ...command]);
    try {
      const part = "(function(exports,require,module){console.log(1)})";
      const compile = `
        const code = new vm.Script(${JSON.stringify(part)}).createCachedData();
        fs.writeFileSync("parts", Buffer.concat([Buffer.from(${JSON.stringify(part)}), code]));
        fs.writeFileSync("places", JSON.stringify({ "main.js": [0, ${part.length}, code.length] }));`;
      const config = {
        ...settings,
        main: "/src/src/image/loader.cjs",
        output: "misfit",
        execArgv: ["--stack-size=900"],
        assets: { parts: "parts", places: "places" },
      };
      writeFileSync(join(folder, "sea.json"), JSON.stringify(config));
      await inFolder("node", "-e", compile);
      await inFolder("node", "--build-sea", "sea.json");
      const misfit = await inFolder("./misfit", "initkit");
      assert.equal(misfit.stdout, "1\n");
      assert.match(misfit.stderr, /compiled code of main\.js/);
      assert.equal((await initkit(["--version"])).stderr, "");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a signal", () => {
  const waiting = ["wait-for", "tcp://127.0.0.1:1", "--timeout", "0"];
  for (const { signal, options, exitCode } of [
    { signal: "TERM", options: [], exitCode: 143 },
    { signal: "INT", options: [], exitCode: 130 },
    { signal: "TERM", options: ["--init"], exitCode: 143 },
  ]) {
    test(`SIG${signal}${options.map((option) => ` with ${option}`).join("")} ends a wait at once with ${exitCode}`, async () => {
      await using container = await startInitkit(waiting, options);
      await logged(container, /step\.start/);
      const sentAt = performance.now();
      await podmanSays("kill", "--signal", signal, container.id);
      assert.equal(await container.ended(), exitCode);
      assert.ok(performance.now() - sentAt < 5000);
    });
  }

  test("the exit code of a failed step is the container's", async () => {
    const { exitCode, stderr } = await initkit(["wait-for", "tcp://127.0.0.1:1", "--timeout", "100ms"]);
    assert.equal(exitCode, 10, stderr);
  });
});

describe("process 1", () => {
  const orphan = "(sleep 0.1 &); sleep 1; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
  const run = ["run", "--", "sh", "-c", orphan];

  test("buries the orphans that a command leaves behind", async () => {
    const { stdout, stderr } = await podman(["run", "--rm", "initkit:shell", ...run]);
    assert.equal(stdout, "0\n", stderr);
  });

  test("would not if it were Node", async () => {
    const direct = ["--entrypoint", "/initkit/bin/runtime", "initkit:shell", "/initkit/bin/initkit"];
    const { stdout, stderr } = await podman(["run", "--rm", ...direct, ...run]);
    assert.equal(stdout, "1\n", stderr);
  });
});

describe("inside another image", () => {
  let mounted: string;
  before(async () => (mounted = await podmanSays("image", "mount", "initkit")));
  after(() => podmanSays("image", "unmount", "initkit"));

  test("nothing of that image is loaded, and nothing in its environment changes the runtime", async () => {
    const options = [
      "--volume=" + join(mounted, "initkit") + ":/initkit:ro",
      "--env=LD_LIBRARY_PATH=/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib/aarch64-linux-gnu",
      "--env=NODE_OPTIONS=--no-such-option",
      "--entrypoint=/initkit/bin/initkit",
    ];
    const id = await podmanSays("run", "--detach", ...restricted, ...options, baseImage, "sleep", "1m");
    try {
      const pid = Number(await podmanSays("inspect", "--format", "{{.State.Pid}}", id));
      const node = await childOf(pid);
      const maps = readFileSync(`/proc/${node}/maps`, "utf8");
      const mapped = [...maps.matchAll(/\S*\.so[\w.]*|\S*\/bin\/\w+$/gm)].map(([path]) => path);
      assert.ok(mapped.includes("/initkit/bin/runtime"));
      assert.deepEqual(
        mapped.filter((path) => !path.startsWith("/initkit/")),
        [],
      );
      assert.equal(readlinkSync(`/proc/${node}/exe`), "/initkit/bin/runtime");
    } finally {
      await podman(["rm", "--force", "--time", "0", id]);
    }
  });
});

/** The only child of a process, as soon as it runs another program than its parent. */
async function childOf(pid: number): Promise<number> {
  for (;;) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    if (child && readFileSync(`/proc/${child}/maps`, "utf8").includes("libstdc++")) return Number(child);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
