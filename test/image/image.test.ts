import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { after, before, describe, test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { buildImages, initkit, logged, podman, podmanSays, restricted, startInitkit } from "./podman.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
const base = /^FROM (\S+) AS build$/m.exec(
  readFileSync(join(import.meta.dirname, "../../Dockerfile"), "utf8"),
)![1]!;

/** In bytes; they only ever go down. Node and its libraries are what the goal of 1 MB for the rest leaves out. */
const budget = { gzip: 44_600_000, rest: 1_000_000 };

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
    assert.equal(config.Labels["org.opencontainers.image.title"], "initkit");
  });

  test("keeps to its size", (t) => {
    const size = gzippedSize(mounted);
    const runtime = statSync(join(mounted, "initkit/bin/runtime")).size;
    const rest = files()
      .filter((path) => !path.startsWith("/initkit/bin/runtime") && !path.startsWith("/initkit/lib/"))
      .reduce((sum, path) => sum + statSync(join(mounted, path)).size, 0);
    t.diagnostic(`gzip ${size} bytes; runtime ${runtime} bytes, neither runtime nor libraries ${rest} bytes`);
    assert.ok(size <= budget.gzip, `${size} bytes`);
    assert.ok(rest <= budget.rest, `${rest} bytes`);
  });
});

describe("locked down as Pod Security restricted asks", () => {
  for (const user of ["65532", "0", "12345:0", "2147483647"]) {
    test(`it runs as user ${user}`, async () => {
      const ended = await initkit(["--version"], ["--user", user, "--network", "none"]);
      assert.deepEqual(ended, { exitCode: 0, stdout: `${version}\n`, stderr: "" });
    });
  }

  test("a shell is not to be had", async () => {
    const { exitCode } = await podman(["run", "--rm", "--entrypoint", "/bin/sh", "initkit", "-c", "true"]);
    assert.equal(exitCode, 127);
  });

  test("the shell is in the other image, which runs initkit too", async () => {
    const run = (...args: string[]) => podman(["run", "--rm", ...restricted, ...args]);
    assert.equal((await run("--entrypoint", "sh", "initkit:shell", "-c", "id -u")).stdout, "65532\n");
    assert.equal((await run("initkit:shell", "run", "--", "id", "-u")).stdout, "65532\n");
  });
});

describe("within 64 MiB", () => {
  const size = 200 * 1024 * 1024;

  test("it downloads and unpacks an archive of three times that", async () => {
    const folder = mkdtempSync(join(tmpdir(), "initkit-memory-"));
    const archive = join(folder, "archive.tar");
    mkdirSync(join(folder, "out"));
    chmodSync(join(folder, "out"), 0o777);
    const server = createServer(
      (_, response) => void pipeline(createReadStream(archive), response).catch(() => {}),
    );
    try {
      execFileSync("sh", [
        "-c",
        `head -c ${size} /dev/urandom >"$0"/data && tar -C "$0" -cf "$0"/archive.tar data`,
        folder,
      ]);
      const [sha256] = execFileSync("sha256sum", [archive], { encoding: "utf8" }).split(" ") as [string];
      await once(server.listen(0, "127.0.0.1"), "listening");
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.tar`;
      const options = ["--network", "host", "--volume", `${folder}/out:/out`];
      const ended = await initkit(["download", url, "/out", "--extract", "--sha256", sha256], options);
      assert.equal(ended.exitCode, 0, ended.stderr);
      assert.equal(statSync(join(folder, "out/data")).size, size);
    } finally {
      server.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a private certificate authority", () => {
  const authority = makeAuthority();
  const server = createTlsServer(issue({ names: ["127.0.0.1"], issuer: authority }), (_, response) =>
    response.end(),
  );
  const folder = mkdtempSync(join(tmpdir(), "initkit-ca-"));
  before(async () => {
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "ca.crt"), authority.cert);
    await once(server.listen(0, "127.0.0.1"), "listening");
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const waitFor = (options: string[], ...podmanOptions: string[]) => {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return initkit(
      ["wait-for", url, "--timeout", "2s", ...options],
      ["--network", "host", "--volume", `${folder}:/ca:ro`, ...podmanOptions],
    );
  };

  test("is not trusted by itself", async () => {
    assert.equal((await waitFor([])).exitCode, 10);
  });

  for (const { by, options = [], podmanOptions = [] } of [
    { by: "the option ca", options: ["--ca", "/ca/ca.crt"] },
    { by: "NODE_EXTRA_CA_CERTS", podmanOptions: ["--env", "NODE_EXTRA_CA_CERTS=/ca/ca.crt"] },
    {
      by: "a volume at /etc/ssl/certs with NODE_USE_SYSTEM_CA",
      podmanOptions: ["--env", "NODE_USE_SYSTEM_CA=1", "--volume", `${folder}:/etc/ssl/certs:ro`],
    },
    {
      by: "SSL_CERT_FILE with NODE_USE_SYSTEM_CA",
      podmanOptions: ["--env", "NODE_USE_SYSTEM_CA=1", "--env", "SSL_CERT_FILE=/ca/ca.crt"],
    },
  ]) {
    test(`is trusted by ${by}`, async () => {
      const ended = await waitFor(options, ...podmanOptions);
      assert.equal(ended.exitCode, 0, ended.stderr);
    });
  }
});

describe("quick start", () => {
  // Every run of this file that expects an empty standard error proves that the cache fits; this proves that it can fail.
  test("Node reports compiled code that does not fit, and the image runs without such a report", async () => {
    const folder = mkdtempSync(join(tmpdir(), "initkit-cache-"));
    try {
      const config = {
        main: "main.cjs",
        output: "misfit",
        useCodeCache: true,
        disableExperimentalSEAWarning: true,
      };
      writeFileSync(join(folder, "main.cjs"), "console.log(1);");
      writeFileSync(join(folder, "sea.json"), JSON.stringify({ ...config, execArgv: ["--stack-size=900"] }));
      const inFolder = ["run", "--rm", "--volume", `${folder}:${folder}`, "--workdir", folder, base];
      await podmanSays(...inFolder, "node", "--build-sea", "sea.json");
      assert.match((await podman([...inFolder, "./misfit"])).stderr, /code cache data rejected/i);
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
    const id = await podmanSays("run", "--detach", ...restricted, ...options, base, "sleep", "1m");
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

/** What a registry keeps and a node pulls. Node's own gzip is faster and packs worse. */
function gzippedSize(folder: string): number {
  return Number(execFileSync("sh", ["-c", 'tar -C "$0" -c . | gzip | wc -c', folder], { encoding: "utf8" }));
}
