import { measureLimited } from "../image/limited.ts";
import { buildImages } from "../image/podman.ts";
import { isThere } from "./waiter.ts";

const rounds = 7;

/** A wait on an open port where processor and memory are as scarce as a pod may have them, against bare Node there. */
export async function limited(): Promise<void> {
  if (!isThere("podman")) {
    console.log("\nnothing is measured under limits, for podman is not installed");
    return;
  }
  await buildImages();
  const times = await measureLimited(rounds);
  const median = (key: "node" | "initkit"): number =>
    times.map((each) => each[key]).toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!;
  const [bare, own] = [median("node"), median("initkit")];
  console.log(`\npodman run with 100 millicores and 64 MiB (medians of ${rounds})`);
  console.log(`node, an empty file              ${bare.toFixed(0).padStart(7)} ms`);
  console.log(
    `initkit wait-for, an open port   ${own.toFixed(0).padStart(7)} ms, ${(own - bare).toFixed(0)} ms more`,
  );
}
