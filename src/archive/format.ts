import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { type JsonSchema, kind, type Kind } from "../kinds.ts";
import { corrupt } from "./faults.ts";
import { blockSize, hasChecksum } from "./tar-header.ts";

const formats = ["tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip", "gz", "zst", "xz", "bz2"] as const;

export type Format = (typeof formats)[number];
export type Compression = "gz" | "zst" | "xz" | "bz2";

const schema: JsonSchema = { anyOf: [{ enum: ["auto", ...formats] }, { type: "boolean" }] };

/** The `extract` of a download: a format, `auto`, or undefined for "no". */
export const archiveFormat: Kind<Format | "auto" | undefined> = kind(
  "FORMAT",
  (value) => {
    if (["auto", "true", "yes", "on"].includes(value)) return "auto";
    if (["false", "no", "off"].includes(value)) return undefined;
    const format = formats.find((each) => each === value);
    if (!format) throw new Error(`is not one of auto, ${formats.join(", ")}`);
    return format;
  },
  { bare: "auto", schema },
);

/** How many bytes at the beginning are needed to tell a format: enough for an empty tar archive, which is all zeros. */
export const headSize = 20 * blockSize + 1;

/** What the bytes at the beginning of a file say of how it is wrapped. */
export function wrappingOf(head: Buffer): Compression | "zip" | undefined {
  const magic = (hex: string) => head.subarray(0, hex.length / 2).toString("hex") === hex;
  if (magic("1f8b")) return "gz";
  if (magic("28b52ffd") || /^5[0-9a-f]2a4d18/.test(head.toString("hex", 0, 4))) return "zst";
  if (magic("504b0304") || magic("504b0506")) return "zip";
  if (magic("fd377a585a00")) return "xz";
  if (/^425a683[1-9](314159265359|177245385090)/.test(head.toString("hex", 0, 10))) return "bz2";
  return undefined;
}

/** Whether content begins as a tar archive does. An empty one is nothing but zeros, in whole blocks of up to 10 KiB. */
export function isTar(head: Buffer): boolean {
  if (head.length < blockSize) return false;
  if (hasChecksum(head.subarray(0, blockSize))) return true;
  const isWhole = head.length >= 2 * blockSize && head.length < headSize && head.length % blockSize === 0;
  return isWhole && head.every((byte) => byte === 0);
}

/**
 * The format of an archive, told by its content.
 * @param inner the beginning of what is compressed, or of the file itself
 * @throws Failure `integrity` where it is none, or not the one that was asked for
 */
export function formatOf(wrapping: Compression | undefined, inner: Buffer, asked: Format | "auto"): Format {
  const found =
    wrapping === undefined ? plain(inner) : isTar(inner) ? (`tar.${wrapping}` as const) : wrapping;
  if (asked === "auto" || found === asked || asked === wrapping) return asked === "auto" ? found : asked;
  throw wrongFormat(found, asked);
}

export function wrongFormat(found: Format, asked: Format): Failure {
  return new Failure("integrity", `it is not ${asked} but ${found}`, {
    kind: "corrupt",
    hint: "leave the format out: it is told by the content",
  });
}

function plain(head: Buffer): "tar" {
  if (isTar(head)) return "tar";
  if (head.length === 0) throw corrupt("it is empty");
  throw new Failure(
    "integrity",
    `it is no archive: it begins with ${quote(head.toString("latin1", 0, 24))}`,
    {
      kind: "corrupt",
      hint: /^\s*</.test(head.toString("latin1", 0, 100))
        ? "that looks like a web page, such as a login or error page: check the URL"
        : `it must be one of ${formats.join(", ")}`,
    },
  );
}
