import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import { quote } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";
import { corrupt, unsupported } from "./faults.ts";
import type { Compression } from "./format.ts";

const chunkSize = 128 * 1024;

/** @param tell called with the number of bytes of the file that have been used */
export type Tell = (used: number) => void;

/**
 * The content of a file, decompressed where `compression` is given, in chunks.
 * @throws Failure `integrity` where it is cut off, damaged, or followed by something else
 */
export async function* contentOf(
  path: string,
  compression: Compression | undefined,
  tell: Tell,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: chunkSize });
  try {
    if (compression) yield* inflate(file, path, compression, tell);
    else {
      for await (const chunk of file) {
        tell(file.bytesRead);
        yield chunk as Buffer;
      }
    }
  } catch (error) {
    throw errnoOf(error) ? fileFailure(`cannot read ${quote(path)}`, error) : error;
  } finally {
    file.destroy();
  }
}

async function* inflate(
  file: ReturnType<typeof createReadStream>,
  path: string,
  compression: Compression,
  tell: Tell,
): AsyncGenerator<Buffer> {
  const engine = compression === "gz" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
  file.once("error", (error) => engine.destroy(error));
  file.pipe(engine);
  try {
    for await (const chunk of engine) {
      tell(engine.bytesWritten);
      yield chunk as Buffer;
    }
    await checkRest(path, compression, engine);
  } catch (error) {
    throw damaged(compression, error);
  } finally {
    engine.destroy();
  }
}

/**
 * The engines stop at what is no further member or frame, and would pass that over in silence.
 * Only zeros after gzip are no fault: gzip(1) takes them for the padding of a tape.
 */
async function checkRest(
  path: string,
  compression: Compression,
  { bytesWritten }: Gunzip | ZstdDecompress,
): Promise<void> {
  await using file = await open(path);
  const buffer = Buffer.alloc(chunkSize);
  for (let at = bytesWritten; ;) {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, at);
    if (bytesRead === 0) return;
    const isPadding = compression === "gz" && buffer.subarray(0, bytesRead).every((byte) => byte === 0);
    if (!isPadding) throw corrupt("something else follows the compressed data");
    at += bytesRead;
  }
}

function damaged(compression: Compression, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "Z_BUF_ERROR") return corrupt("the compressed data is cut off");
  if (code === "ZSTD_error_frameParameter_windowTooLarge") {
    return unsupported("it needs a window of more than 128 MiB", "compress it without --long or --ultra");
  }
  if (/^(Z_|ZSTD_)/.test(code))
    return corrupt(`the ${compression} data is damaged (${(error as Error).message})`);
  return error;
}
