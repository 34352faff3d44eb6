import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "tar";

export interface Artifact extends AsyncDisposable {
  readonly origin: string;
  readonly url: string;
  readonly sha256: string;
}

/** Serves one archive, the same bytes on every machine, and a health check on loopback. */
export async function serveArtifact(): Promise<Artifact> {
  const archive = makeArchive();
  const server = createServer((request, response) => {
    if (request.url === "/healthz") response.end("ok\n");
    else if (request.url === "/model.tar.gz")
      response.setHeader("content-length", archive.length).end(archive);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: `${origin}/model.tar.gz`,
    sha256: createHash("sha256").update(archive).digest("hex"),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const files = {
  "model/config.json": '{"layers": 2}\n',
  "model/weights.bin": "\u0001\u0002\u0003\u0004".repeat(65_536),
  "model/vocabulary.txt": "init\nkit\n",
};

function makeArchive(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "initkit-artifact-"));
  try {
    mkdirSync(join(folder, "model"));
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(folder, name), content, { mode: 0o644 });
    const file = join(folder, "model.tar.gz");
    create(
      { cwd: folder, file, sync: true, gzip: { level: 9 }, portable: true, mtime: new Date(0) },
      Object.keys(files),
    );
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
