/** Reads so many bytes at an offset, or as many as there are. */
export type ReadAt = (offset: number, length: number) => Buffer;

/**
 * Whether a file of so many bytes is nothing but whole frames of Zstandard (RFC 8878, section 3.1). Only their
 * structure is looked at: a decoder passes over a few bytes after the last frame in silence.
 */
export function isWholeFrames(size: number, read: ReadAt): boolean {
  let at = 0;
  while (at < size) {
    const end = endOfFrame(at, read);
    if (end === undefined || end > size) return false;
    at = end;
  }
  return true;
}

function endOfFrame(start: number, read: ReadAt): number | undefined {
  const head = read(start, 8);
  if (head.length < 8) return undefined;
  const magic = head.readUInt32LE(0);
  if (magic >>> 4 === 0x184d2a5) return start + 8 + head.readUInt32LE(4);
  if (magic !== 0xfd2fb528) return undefined;
  const descriptor = head[4]!;
  const end = endOfBlocks(start + 5 + headerRest(descriptor), read);
  return end === undefined ? undefined : end + (descriptor & 0b100 ? 4 : 0);
}

/** The bytes of window, dictionary id and content size that a frame header descriptor announces. */
function headerRest(descriptor: number): number {
  const isSingleSegment = (descriptor & 0b10_0000) !== 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  return (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 0b11]! + contentSize;
}

function endOfBlocks(start: number, read: ReadAt): number | undefined {
  for (let at = start; ;) {
    const head = read(at, 3);
    if (head.length < 3) return undefined;
    const header = head.readUIntLE(0, 3);
    const isRun = ((header >> 1) & 0b11) === 1;
    at += 3 + (isRun ? 1 : header >> 3);
    if (header & 1) return at;
  }
}
