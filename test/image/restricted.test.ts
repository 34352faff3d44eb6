import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { buildImages, initkit, podman, restricted } from "./podman.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));

before(buildImages);

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
  test("it downloads and unpacks an archive of three times that", async () => {
    const folder = mkdtempSync(join(tmpdir(), "initkit-memory-"));
    const [data, archive, out] = ["data", "archive.tar", "out"].map((name) => join(folder, name));
    mkdirSync(out!);
    chmodSync(out!, 0o777);
    writeFileSync(data!, randomBytes(200 * 1024 * 1024));
    execFileSync("tar", ["-C", folder, "-cf", archive!, "data"]);
    const server = createServer((_, response) => void createReadStream(archive!).pipe(response));
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.tar`;
      const sha256 = createHash("sha256").update(readFileSync(archive!)).digest("hex");
      const ended = await initkit(
        ["download", url, "/out", "--extract", "--sha256", sha256],
        ["--network", "host", "--volume", `${out}:/out`],
      );
      assert.equal(ended.exitCode, 0, ended.stderr);
      assert.ok(readFileSync(join(out!, "data")).equals(readFileSync(data!)));
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
