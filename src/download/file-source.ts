import { createReadStream, statSync, type Stats } from "node:fs";
import { fileURLToPath } from "node:url";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";
import type { Opened } from "./http-source.ts";
import type { Validators } from "./validators.ts";

/**
 * Opens a file as a source.
 * @param known opens it only if it is another one
 * @returns undefined where it is not
 * @throws Failure `refused` where it is missing, else `access` or `io`
 */
export function openFile(url: URL, known: Validators = {}): Opened | undefined {
  const path = fileURLToPath(url);
  const about = statOf(path);
  const etag = [about.dev, about.ino, about.size, about.mtimeMs, about.ctimeMs].join("-");
  if (etag === known.etag) return undefined;
  const body = createReadStream(path, { highWaterMark: 256 * 1024 });
  body.on("error", () => {});
  return {
    body,
    from: 0,
    // Files of the kernel say 0 or a whole page, and take up no blocks.
    length: about.blocks > 0 ? about.size : undefined,
    validators: { etag },
    // To copy it anew is as quick as to read again what is there.
    ifRange: undefined,
    [Symbol.dispose]: () => void body.destroy(),
  };
}

function statOf(path: string): Stats {
  let about: Stats;
  try {
    about = statSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw fileFailure(`cannot read ${quote(path)}`, error);
    throw new Failure("refused", `there is no file ${quote(path)}`, {
      kind: "missing",
      hint: "check the path, and that the volume is mounted there",
    });
  }
  if (about.isFile()) return about;
  throw new Failure("refused", `${quote(path)} is not a file`, { kind: "missing", hint: "name a file" });
}
