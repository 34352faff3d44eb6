import { quote } from "../format.ts";
import { corrupt, unsafe, unsupported } from "./faults.ts";
import { nameText } from "./tar-header.ts";

/** What an extended header says of the entry after it; the keywords that nothing is done with are left out. */
export interface PaxRecords {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
}

/**
 * The records `LENGTH KEYWORD=VALUE\n` of an extended header (POSIX pax, "pax Extended Header").
 * @throws Failure `integrity` for a record that is malformed, and for sparse files, which would come out wrong
 */
export function parsePax(body: Buffer): PaxRecords {
  const records: Record<string, string | number> = {};
  let isSparse = false;
  for (let at = 0; at < body.length;) {
    const { keyword, value, end } = readRecord(body, at);
    const parse = known[keyword];
    isSparse ||= /^(GNU\.sparse\.|SCHILY\.realsize$)/.test(keyword);
    if (parse && value.length > 0) records[keyword] = parse(value, keyword);
    at = end;
  }
  const { [sparseName]: realName, ...others } = records;
  if (isSparse) throw sparse(String(realName ?? others["path"] ?? ""));
  return others;
}

/** @param name empty where it is not known */
export const sparse = (name: string) =>
  unsupported(
    `the archive holds a sparse file${name === "" ? "" : `, ${quote(name)}`}`,
    "pack it again without --sparse",
  );

function readRecord(body: Buffer, at: number): { keyword: string; value: Buffer; end: number } {
  const space = body.indexOf(0x20, at);
  const length = body.toString("latin1", at, Math.min(space, at + 10));
  const end = at + Number(length);
  const isRecord =
    space > at && /^[0-9]+$/.test(length) && space < end && end <= body.length && body[end - 1] === 0x0a;
  const equals = isRecord ? body.indexOf(0x3d, space) : -1;
  if (equals < 0 || equals >= end) throw corrupt("an extended header is malformed");
  return {
    keyword: body.toString("utf8", space + 1, equals),
    value: body.subarray(equals + 1, end - 1),
    end,
  };
}

type Parse = (value: Buffer, keyword: string) => string | number;

/** Where GNU tar puts it, as the path is one that older programs make sense of. */
const sparseName = "GNU.sparse.name";

const known: Record<string, Parse | undefined> = {
  [sparseName]: parseName,
  path: parseName,
  linkpath: parseName,
  size: (value, keyword) => parseNumber(value, keyword, /^[0-9]+$/),
  mtime: (value, keyword) => parseNumber(value, keyword, /^-?[0-9]+(\.[0-9]*)?$/),
};

function parseName(value: Buffer): string {
  const name = nameText(value);
  if (name.includes("\0")) throw unsafe(`the name ${quote(name)} holds a NUL byte`);
  return name;
}

function parseNumber(value: Buffer, keyword: string, form: RegExp): number {
  const text = value.toString("latin1");
  if (!form.test(text) || Number(text) > Number.MAX_SAFE_INTEGER) {
    throw corrupt(`an extended header has the ${keyword} ${quote(text)}`);
  }
  return Number(text);
}
