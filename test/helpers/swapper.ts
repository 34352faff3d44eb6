import { renameSync, symlinkSync, unlinkSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

/** Swaps a folder for a link and back, as fast as it can, until it is terminated. */
const { folder, target } = workerData as { folder: string; target: string };
const aside = `${folder}.aside`;
parentPort!.postMessage("swapping");
for (;;) {
  renameSync(folder, aside);
  symlinkSync(target, folder);
  unlinkSync(folder);
  renameSync(aside, folder);
}
