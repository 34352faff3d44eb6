import { readFileSync } from "node:fs";

// Reads what matters of 64-bit little-endian ELF files: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html

export interface Elf {
  readonly machine: string;
  /** The loader that the program asks the kernel for. */
  readonly interpreter: string | undefined;
  /** The libraries that it asks the loader for, by name. */
  readonly needed: readonly string[];
  readonly rpath: string | undefined;
  /** The content of a section, a view of the whole file. */
  section(name: string): Buffer | undefined;
}

interface Section {
  readonly name: string;
  readonly content: Buffer;
}

const dynamicTags = { needed: 1, rpath: 15 };

/** @throws Error where the file is not such an ELF file */
export function readElf(path: string): Elf {
  const file = readFileSync(path);
  if (file.toString("latin1", 0, 6) !== "\x7fELF\x02\x01")
    throw new Error(`${path} is no 64-bit little-endian ELF file`);
  const sections = readSections(file);
  const section = (name: string) => sections.find((each) => each.name === name)?.content;
  const [entries, strings] = [section(".dynamic"), section(".dynstr")];
  const dynamic = entries === undefined ? () => [] : readDynamic(entries, strings!);
  return {
    machine: machineName(file.readUInt16LE(18)),
    interpreter: section(".interp")?.toString("latin1").replace(/\0+$/, ""),
    needed: dynamic(dynamicTags.needed),
    rpath: dynamic(dynamicTags.rpath)[0],
    section,
  };
}

function machineName(machine: number): string {
  return { 62: "x86_64", 183: "aarch64" }[machine] ?? `machine ${machine}`;
}

function readSections(file: Buffer): Section[] {
  const table = Number(file.readBigUInt64LE(40));
  const headers = Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const header = file.subarray(table + index * 64, table + (index + 1) * 64);
    const offset = Number(header.readBigUInt64LE(24));
    return {
      name: header.readUInt32LE(0),
      content: file.subarray(offset, offset + Number(header.readBigUInt64LE(32))),
    };
  });
  const names = headers[file.readUInt16LE(62)]!.content;
  return headers.map(({ name, content }) => ({ name: stringAt(names, name), content }));
}

function readDynamic(entries: Buffer, strings: Buffer): (tag: number) => string[] {
  const all = Array.from({ length: entries.length / 16 }, (_, index) => ({
    tag: Number(entries.readBigUInt64LE(index * 16)),
    value: Number(entries.readBigUInt64LE(index * 16 + 8)),
  }));
  const end = all.findIndex(({ tag }) => tag === 0);
  return (wanted) =>
    all.slice(0, end).flatMap(({ tag, value }) => (tag === wanted ? [stringAt(strings, value)] : []));
}

function stringAt(strings: Buffer, offset: number): string {
  return strings.toString("latin1", offset, strings.indexOf(0, offset));
}
