import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import { diskFailure } from "../files/disk.ts";
import { look } from "../files/look.ts";
import { sameContent } from "../files/same-content.ts";
import { formatBytes, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";

/**
 * Whether a file has the bytes of another one and may be used by everybody who may use that one. More permissions are
 * no difference: the kubelet adds some to a volume with an fsGroup.
 * @throws Failure where one of them cannot be read
 */
export function isCopy(copy: string, original: string): boolean {
  try {
    const [wanted, there] = [look(original)!, look(copy)];
    const lacks = wanted.mode & 0o777 & ~(there?.mode ?? 0);
    return there !== undefined && there.isFile() && lacks === 0 && sameContent(copy, original);
  } catch (error) {
    throw fileFailure(`cannot compare ${quote(copy)} with ${quote(original)}`, error);
  }
}

/**
 * Copies a file with its mode, durably, in the kernel and so without memory for it; a copy that is not the same is an
 * error.
 * @throws Failure `access` or `io`
 */
export async function copyFile(original: string, copy: string): Promise<void> {
  const doing = `cannot copy ${quote(original)} (${formatBytes(look(original)?.size ?? 0)})`;
  try {
    await fs.copyFile(original, copy, constants.COPYFILE_FICLONE);
    await sync(copy);
  } catch (error) {
    throw diskFailure(doing, error, dirname(copy));
  }
  if (!isCopy(copy, original)) {
    throw new Failure("io", `${doing}: the copy is not the same`, {
      hint: "check the disk of the node, and that the volume keeps modes (many SMB and FUSE volumes do not)",
    });
  }
}

async function sync(path: string): Promise<void> {
  await using file = await fs.open(path, "r");
  await file.sync();
}
