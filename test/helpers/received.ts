import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Waits until a part of a download below a folder has so many bytes; a connection that is dropped earlier takes some of them with it. */
export async function received(home: string, bytes: number): Promise<void> {
  const isThere = () =>
    readdirSync(home, { recursive: true, encoding: "utf8" }).some(
      (name) =>
        name.endsWith("/bytes") &&
        (statSync(join(home, name), { throwIfNoEntry: false })?.size ?? 0) >= bytes,
    );
  while (bytes > 0 && !isThere()) await pause(2);
}
