import { crc32, deflateRawSync } from "node:zlib";

/** What a hand-made entry of a tar archive says; nothing is checked, so it may say anything. */
export interface TarEntry {
  readonly name: string | Buffer;
  /** The type flag: `0` file, `1` hard link, `2` symbolic link, `5` folder, `x` extended header… */
  readonly type?: string;
  readonly content?: string | Buffer;
  /** In place of the length of the content. */
  readonly size?: number | string;
  readonly mode?: number;
  readonly mtime?: number;
  readonly uid?: number;
  readonly link?: string | Buffer;
  readonly prefix?: string;
  readonly magic?: string;
}

const blockSize = 512;

export const tarEnd = Buffer.alloc(2 * blockSize);

/** A whole archive: its entries and its end. */
export const tar = (...entries: readonly (TarEntry | Buffer)[]): Buffer =>
  Buffer.concat([...entries.map(tarEntry), tarEnd]);

/** One entry, padded to whole blocks. */
export function tarEntry(entry: TarEntry | Buffer): Buffer {
  if (Buffer.isBuffer(entry)) return entry;
  const content = Buffer.from(entry.content ?? "");
  const filling = Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize);
  return Buffer.concat([header(entry, content.length), content, filling]);
}

function header(entry: TarEntry, length: number): Buffer {
  const block = Buffer.alloc(blockSize);
  const {
    name,
    type = "0",
    size = length,
    mode = 0o644,
    mtime = 1_700_000_000,
    uid = 0,
    link = "",
    prefix = "",
  } = entry;
  put(block, 0, 100, name);
  put(block, 100, 8, octal(mode, 8));
  put(block, 108, 8, octal(uid, 8));
  put(block, 116, 8, octal(uid, 8));
  put(block, 124, 12, typeof size === "string" ? Buffer.from(size, "latin1") : octal(size, 12));
  put(block, 136, 12, octal(mtime, 12));
  put(block, 156, 1, type);
  put(block, 157, 100, link);
  put(block, 257, 8, entry.magic ?? "ustar\x0000");
  put(block, 345, 155, prefix);
  return sealed(block);
}

function put(block: Buffer, offset: number, length: number, value: string | Buffer): void {
  Buffer.from(value).copy(block, offset, 0, length);
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;

/** The block with the checksum that fits it. */
export function sealed(block: Buffer): Buffer {
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A pax extended header for the entry after it. */
export function pax(records: Readonly<Record<string, string | Buffer>>, type = "x"): Buffer {
  const content = Buffer.concat(Object.entries(records).map(([keyword, value]) => paxRecord(keyword, value)));
  return tarEntry({ name: "PaxHeader", type, content });
}

export function paxRecord(keyword: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** GNU's way to give the entry after it a long name (`L`) or a long target (`K`). */
export const gnuLong = (name: string, type: "L" | "K" = "L"): Buffer =>
  tarEntry({ name: "././@LongLink", type, content: `${name}\0` });

/** What a hand-made entry of a zip archive says. */
export interface ZipEntry {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  /** A whole Unix mode, with its type. */
  readonly mode?: number;
  /** 0 stored, 8 deflated. */
  readonly method?: number;
  readonly flags?: number;
  /** In place of what is true. */
  readonly size?: number;
  readonly compressedSize?: number;
  readonly crc?: number;
  readonly offset?: number;
  /** Only the central directory knows of it. */
  readonly isOnlyListed?: boolean;
}

/** A zip archive with a central directory (APPNOTE.TXT, 4.3). */
export function zip(...entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { local, central } = zipEntry(entry, offset);
    centrals.push(central);
    if (entry.isOnlyListed) continue;
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

function zipEntry(entry: ZipEntry, position: number): { local: Buffer; central: Buffer } {
  const content = Buffer.from(entry.content ?? "");
  const { method = 8, flags = 0x800, mode = 0o100644 } = entry;
  const data = method === 8 ? deflateRawSync(content) : content;
  const name = Buffer.from(entry.name);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(flags, 2);
  common.writeUInt16LE(method, 4);
  common.writeUInt32LE(0x58210000, 6);
  common.writeUInt32LE(entry.crc ?? crc32(content), 10);
  common.writeUInt32LE(entry.compressedSize ?? data.length, 14);
  common.writeUInt32LE(entry.size ?? content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE((mode << 16) >>> 0, 6);
  tail.writeUInt32LE(entry.offset ?? position, 10);
  const central = [Buffer.from("504b01021e03", "hex"), common, tail, name];
  return {
    local: Buffer.concat([Buffer.from("504b0304", "hex"), common, name, data]),
    central: Buffer.concat(central),
  };
}
