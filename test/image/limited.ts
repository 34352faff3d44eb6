import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseImage, podmanSays, restricted } from "./podman.ts";

/** A tenth of a processor, beside the 64 MiB of `restricted`. */
const limits = [...restricted, "--cpus=0.1", "--network=host"];

/** What a wait on an open port takes under these limits, and what Node takes there for an empty file; in milliseconds. */
export interface LimitedTimes {
  readonly node: number;
  readonly initkit: number;
}

/** Measures whole runs of `podman run`, alternating. */
export async function measureLimited(rounds: number): Promise<LimitedTimes[]> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-limited-"));
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  try {
    writeFileSync(join(folder, "empty.cjs"), "");
    const times: LimitedTimes[] = [];
    for (let round = 0; round < rounds; round++)
      times.push({
        node: await wallMs(`--volume=${folder}:/bare:ro`, baseImage, "node", "/bare/empty.cjs"),
        initkit: await wallMs("initkit", "wait-for", `tcp://127.0.0.1:${port}`),
      });
    return times;
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

async function wallMs(...words: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  await podmanSays("run", "--rm", ...limits, ...words);
  return performance.now() - startedAt;
}
