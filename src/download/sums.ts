import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { type Digest, findDigest } from "./checksum.ts";
import { openFile } from "./file-source.ts";
import { type Access, openHttp } from "./http-source.ts";
import { shownSource } from "./source.ts";
import { interrupted } from "./transfer-faults.ts";

/** A line with 32 or 40 hexadecimal digits. */
const weakDigest = /^\\?(?:[0-9a-f]{32}|[0-9a-f]{40})(?:\s|$)/im;

/** A list of digests is not longer than this. */
const maxBytes = 4 * 1024 * 1024;

/**
 * The digest of a file out of a sums file.
 * @param names that it may have there, the likeliest first
 * @throws Failure `integrity` where it does not name the file, or what the source of the sums file fails with
 */
export async function digestFrom(url: URL, names: readonly string[], access: Access): Promise<Digest> {
  const list = await readText(url, access);
  for (const name of names) {
    const found = findDigest(list, name);
    if (found) return found;
  }
  throw new Failure("integrity", `${shownSource(url)} has no digest of ${quote(names[0]!)}`, {
    kind: "checksum",
    hint: weakDigest.test(list)
      ? "it lists MD5 or SHA-1, which prove nothing: name the sums file with SHA-256 or SHA-512, or give the digest itself"
      : "check that the sums file belongs to this version; it must name the file as the URL does",
  });
}

async function readText(url: URL, access: Access): Promise<string> {
  using opened = url.protocol === "file:" ? openFile(url) : await openHttp({ url }, access);
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of opened!.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw new Failure("integrity", `${shownSource(url)} is no sums file: it is longer than 4 MiB`);
      parts.push(chunk);
    }
  } catch (error) {
    throw interrupted(error, false, { signal: access.signal, source: shownSource(url) });
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}
