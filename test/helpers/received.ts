import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Waits until a part of a download below a folder has so many bytes; a connection that is dropped earlier takes some of them with it. */
export async function received(home: string, bytes: number): Promise<void> {
  while (bytes > 0 && !isThere(home, bytes)) await pause(2);
}

function isThere(home: string, bytes: number): boolean {
  try {
    return readdirSync(home, { recursive: true, encoding: "utf8" }).some(
      (name) => name.endsWith("/bytes") && statSync(join(home, name)).size >= bytes,
    );
  } catch {
    // Another run has taken a part away meanwhile.
    return false;
  }
}
