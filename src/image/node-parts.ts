/** What Node's publisher has built into it. */
export interface NodePart {
  readonly name: string;
  readonly version: string;
  /** A license expression of SPDX. */
  readonly license: string;
  readonly purl: string;
  /** The name under which the National Vulnerability Database knows it, where it does. */
  readonly cpe?: string;
}

interface Known {
  readonly name?: string;
  readonly license: string;
  readonly isFromNpm?: true;
  /** Vendor and product. */
  readonly cpe?: string;
}

/** By the names that `process.versions` has for them. */
const known: Readonly<Record<string, Known>> = {
  acorn: { license: "MIT", isFromNpm: true },
  ada: { license: "Apache-2.0 OR MIT" },
  amaro: { license: "Apache-2.0 AND MIT", isFromNpm: true },
  ares: { name: "c-ares", license: "MIT", cpe: "c-ares:c-ares" },
  brotli: { license: "MIT", cpe: "google:brotli" },
  icu: { license: "Unicode-3.0", cpe: "unicode:international_components_for_unicode" },
  libffi: { license: "MIT", cpe: "libffi_project:libffi" },
  lief: { license: "Apache-2.0" },
  llhttp: { license: "MIT", cpe: "llhttp:llhttp" },
  merve: { license: "Apache-2.0 OR MIT" },
  nbytes: { license: "MIT" },
  ncrypto: { license: "MIT" },
  nghttp2: { license: "MIT", cpe: "nghttp2:nghttp2" },
  nghttp3: { license: "MIT" },
  ngtcp2: { license: "MIT" },
  openssl: { license: "Apache-2.0", cpe: "openssl:openssl" },
  simdjson: { license: "Apache-2.0" },
  simdutf: { license: "MIT" },
  sqlite: { license: "blessing", cpe: "sqlite:sqlite" },
  undici: { license: "MIT", isFromNpm: true, cpe: "nodejs:undici" },
  uv: { name: "libuv", license: "MIT", cpe: "libuv:libuv" },
  uvwasi: { license: "MIT" },
  v8: { license: "BSD-3-Clause", cpe: "google:v8" },
  zlib: { license: "Zlib", cpe: "zlib:zlib" },
  zstd: { license: "BSD-3-Clause", cpe: "facebook:zstandard" },
};

/** Node itself, the numbers of its interfaces, and the editions of what ICU's data is made of. */
const noParts = ["node", "modules", "napi", "cldr", "tz", "unicode"];

/**
 * The parts of the Node whose `process.versions` these are.
 * @throws Error where it has one whose license is not known here
 */
export function nodeParts(versions: Readonly<Record<string, string | undefined>>): NodePart[] {
  return Object.entries(versions).flatMap(([key, version]) => {
    // A Node that is built without a part has no version of it.
    if (noParts.includes(key) || !version) return [];
    if (known[key] === undefined) throw new Error(`the license of Node's part ${key} is not known here`);
    return [nodePart(key, known[key], version)];
  });
}

function nodePart(key: string, { name = key, license, isFromNpm, cpe }: Known, version: string): NodePart {
  const purl = `pkg:${isFromNpm ? "npm" : "generic"}/${name}@${version}`;
  // What Node's authors have appended is in no database.
  const [published] = /^[0-9.]*[0-9]/.exec(version)!;
  return { name, version, license, purl, ...(cpe && { cpe: `cpe:2.3:a:${cpe}:${published}:*:*:*:*:*:*:*` }) };
}
