import { readFileSync, writeFileSync } from "node:fs";

// Leaves English as the only language in the ICU data inside a program, as Node's own "small-icu" builds have it:
//   node src/image/icu-data.ts FILE
// The data is an archive, and ICU does without what is not in it. The new archive takes the place of the old one, and
// zeros, which compress to nothing, what was behind it: nothing else in the program moves.
// The archive's form: https://github.com/unicode-org/icu/blob/main/icu4c/source/common/ucmndata.h

interface Item {
  /** As in `icudt78l/coll/de.res`. */
  readonly path: string;
  readonly content: Buffer;
}

const dropped = [
  // How other languages than English call, sort, count and write things.
  /^(?:[a-z]+\/)?(?!en[_.]|res_index)[a-z]{2,3}(?:_\w*)?\.res$/,
  // The words of languages that are written without spaces.
  /\.dict$/,
  // What JavaScript cannot ask for: names of characters, transliteration, look-alikes, stringprep.
  /^unames\.icu$|^translit\/|\.cfu$|\.spp$/,
  // Encodings, but for those of TextDecoder that Node leaves to ICU: Chinese, Japanese and Korean ones.
  /^(?!euc-jp-2007|gb18030-2022|ibm-1373_|ibm-943_P15A|ibm-970_|windows-950-).*\.cnv$/,
];
const needed = ["root.res", "en.res", "res_index.res", "supplementalData.res", "zoneinfo64.res"];

const [file = ""] = process.argv.slice(2);
const program = readFileSync(file);
const table = findTable();
const items = readItems();
const kept = items.filter(({ path }) => !dropped.some((pattern) => pattern.test(withoutTop(path))));
const missing = needed.filter((name) => !kept.some(({ path }) => withoutTop(path) === name));
if (kept.at(-1) === items.at(-1)) throw new Error(`the ICU data of ${file} has English only already`);
if (missing.length > 0) throw new Error(`the ICU data of ${file} has no ${missing.join(", ")}`);
// An item ends where the next begins, and ICU tells the length of the time zones to Temporal. So one that nobody asks
// for, by the order of the names, stands behind the last.
writeItems([...kept, { path: items[0]!.path.replace(/\/.*/, "/~"), content: Buffer.alloc(0) }]);
writeFileSync(file, program);
console.log(`${file}: ${kept.length} of ${items.length} items of ICU data are left`);

/** The table stands behind a header: its own length, two bytes of magic, and what the format of the data is. */
function findTable(): number {
  const magic = Buffer.from("\xda\x27\x14\0\0\0\0\0\x02\0CmnD\x01\0\0\0", "latin1");
  const found = program.indexOf(magic);
  if (found < 0 || program.includes(magic, found + 1))
    throw new Error(`${file} does not have one archive of ICU data, CmnD 1.0, little-endian`);
  const header = found - 2;
  return header + program.readUInt16LE(header);
}

function readItems(): Item[] {
  const entries = Array.from({ length: program.readUInt32LE(table) }, (_, index) => ({
    name: table + program.readUInt32LE(entryOf(index)),
    start: table + program.readUInt32LE(entryOf(index) + 4),
  }));
  return entries.map(({ name, start }, index) => {
    // Where the last one ends is not said; it is of a language that is dropped, so that nobody needs to know.
    const end = entries[index + 1]?.start ?? start;
    if (end < start) throw new Error(`the ICU data of ${file} is not in the order of its table`);
    const path = program.toString("latin1", name, program.indexOf(0, name));
    return { path, content: Buffer.from(program.subarray(start, end)) };
  });
}

function writeItems(written: readonly Item[]): void {
  const bytes = items.reduce((sum, { content }) => sum + content.length, 0);
  const first = table + program.readUInt32LE(entryOf(0) + 4);
  program.fill(0, table, first + bytes);
  program.writeUInt32LE(written.length, table);
  let name = entryOf(written.length);
  let start = aligned(written.reduce((end, { path }) => end + path.length + 1, name));
  for (const [index, { path, content }] of written.entries()) {
    program.writeUInt32LE(name - table, entryOf(index));
    program.writeUInt32LE(start - table, entryOf(index) + 4);
    name += program.write(`${path}\0`, name, "latin1");
    start += content.copy(program, start);
  }
}

function entryOf(index: number): number {
  return table + 4 + index * 8;
}

/** Each item begins at a multiple of 16 bytes from the table. */
function aligned(position: number): number {
  return table + Math.ceil((position - table) / 16) * 16;
}

function withoutTop(path: string): string {
  return path.slice(path.indexOf("/") + 1);
}
