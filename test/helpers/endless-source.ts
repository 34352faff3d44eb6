import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { tarEnd } from "./archives.ts";

/** It ends of itself after so many bytes. */
const maxBytes = 512 * 1024 * 1024;

export interface EndlessSource extends AsyncDisposable {
  readonly url: string;
  /** Lets the archive come to its end. */
  end(): void;
}

/**
 * A server in a thread of its own, which sends a tar archive as fast as it is taken: one entry, and then another one
 * over and over.
 */
export async function startEndlessSource(first: Buffer, others: Buffer): Promise<EndlessSource> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { first, others } });
  const [port] = (await once(worker, "message")) as [number];
  return {
    url: `http://127.0.0.1:${port}/app.tar`,
    end: () => worker.postMessage("end"),
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}

async function send(response: ServerResponse, isOver: () => boolean): Promise<void> {
  const { first, others } = workerData as Record<string, Uint8Array>;
  response.write(first);
  for (let sent = 0; sent < maxBytes && !isOver(); sent += others!.length)
    if (!response.write(others)) await once(response, "drain");
  response.end(tarEnd);
}

if (!isMainThread) {
  let isOver = false;
  parentPort!.on("message", () => (isOver = true));
  const server = createServer((_, response) => void send(response, () => isOver)).listen(0, "127.0.0.1");
  await once(server, "listening");
  parentPort!.postMessage((server.address() as AddressInfo).port);
}
