import type { ArchiveEntry, Sink } from "../../src/archive/entry.ts";
import { TarReader } from "../../src/archive/tar.ts";

export interface Collected extends ArchiveEntry {
  content: string;
}

/** A sink that keeps all entries with their content. */
export class Collector implements Sink {
  readonly entries: Collected[] = [];
  ended = 0;

  begin(entry: ArchiveEntry): boolean {
    this.entries.push({ ...entry, content: "" });
    return entry.type === "file";
  }

  write(chunk: Buffer): void {
    this.entries.at(-1)!.content += chunk.toString("latin1");
  }

  end(): void {
    this.ended++;
  }
}

/** The entries of a tar archive that comes in chunks of the given sizes, over and over. */
export function readTar(bytes: Buffer, chunkSizes: readonly number[] = [bytes.length]): Collector {
  const collector = new Collector();
  const reader = new TarReader(collector);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = chunkSizes[turn % chunkSizes.length]!;
    reader.write(bytes.subarray(at, at + size));
    at += size;
  }
  reader.end();
  return collector;
}
