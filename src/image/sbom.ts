import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Metafile } from "esbuild";
import { nodeParts } from "./node-parts.ts";

// Prints the bill of materials of the image whose files stand in a folder, as CycloneDX 1.6
// (https://cyclonedx.org/docs/1.6/json/). It is run where the image is built:
//   node src/image/sbom.ts FOLDER [MORE FILES FROM DEBIAN…]
// It has neither a time nor a serial number, so that the same content is always described by the same bytes.

interface Component {
  readonly type: "application" | "container" | "data" | "library" | "platform";
  readonly name: string;
  readonly version: string;
  /** A license expression of SPDX. */
  readonly license: string;
  /** A package URL, https://github.com/package-url/purl-spec. */
  readonly purl: string;
  readonly cpe?: string;
  /** The files of the image that hold it or are made of it. */
  readonly files?: readonly string[];
  /** What its own publisher has put into it. */
  readonly parts?: readonly Component[];
}

const [folder = "", ...moreFiles] = process.argv.slice(2);
const root = join(import.meta.dirname, "../..");
const runtime = "/initkit/bin/runtime";
const certificates = "/etc/ssl/certs/ca-certificates.crt";

/** Debian's packages state their licenses in prose. */
const debianLicenses: Readonly<Record<string, string>> = {
  "busybox-static": "GPL-2.0-only",
  "ca-certificates": "GPL-2.0-or-later AND MPL-2.0",
  "dumb-init": "MIT",
  libatomic1: "GPL-3.0-or-later WITH GCC-exception-3.1",
  libc6: "LGPL-2.1-or-later",
  "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
  "libstdc++6": "GPL-3.0-or-later WITH GCC-exception-3.1",
};

const components = [...bundledPackages(), node(), ...debianPackages()];
const document = {
  $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: { component: described(initkit()) },
  components: components
    .toSorted((a, b) => (a.purl < b.purl ? -1 : 1))
    .map((component) => described(component)),
};
console.log(JSON.stringify(document, undefined, 1));

/** @param place of the part that it is inside of; one package may be inside of several */
function described({ license, files = [], parts = [], ...component }: Component, place = ""): object {
  const reference = place + component.purl;
  return {
    "bom-ref": reference,
    ...component,
    licenses: [{ expression: license }],
    ...(parts.length > 0 && { components: parts.map((part) => described(part, `${reference} `)) }),
    ...(files.length > 0 && { evidence: { occurrences: files.map((location) => ({ location })) } }),
  };
}

function initkit(): Component {
  const { name, version, license } = readJson("package.json") as Record<string, string>;
  return {
    type: "container",
    name: name!,
    version: version!,
    license: license!,
    purl: `pkg:generic/${name}@${version}`,
  };
}

/** The packages that have a part in the bundle, by the lock file. */
function bundledPackages(): Component[] {
  const { packages } = readJson("package-lock.json") as {
    packages: Record<string, { version: string; license: string }>;
  };
  const [{ inputs }] = Object.values((readJson("dist/meta.json") as Metafile).outputs) as [
    Metafile["outputs"][string],
  ];
  const places = Map.groupBy(
    Object.keys(inputs),
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0],
  );
  return [...places].flatMap(([place, paths]) => {
    if (place === undefined) return [];
    const { version, license } = packages[place]!;
    const name = place.replace(/.*node_modules\//, "");
    return { ...npmPackage(name, version, license), files: [runtime], parts: embeddedPackages(place, paths) };
  });
}

function npmPackage(name: string, version: string, license: string): Component {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return { type: "library", name, version, license, purl };
}

/**
 * The packages that some files of a package were bundled from before it was published: bundlers leave their names in
 * comments, and a list beside the files has their versions and licenses.
 */
function embeddedPackages(place: string, paths: readonly string[]): Component[] {
  const list = join(root, place, "build/3rd-party-licenses");
  if (!existsSync(list)) return [];
  const embedded = paths.flatMap((path) =>
    [...readFileSync(join(root, path), "utf8").matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(
      ([, name]) => name,
    ),
  );
  const listed = readFileSync(list, "utf8").matchAll(/^(\S+)@(\S+)\n(?: .*\n)* {2}(.+)$/gm);
  return [...listed]
    .filter(([, name]) => embedded.includes(name))
    .map(([, name, version, license]) => npmPackage(name!, version!, license!));
}

/** The Node that runs this is the one that the bundle is put into. */
function node(): Component {
  const { node: version } = process.versions;
  return {
    type: "platform",
    name: "node",
    version,
    license: "MIT",
    purl: `pkg:generic/node@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    files: [runtime],
    parts: nodeParts(process.versions).map((part) => ({ type: "library", ...part })),
  };
}

function debianPackages(): Component[] {
  const libraries = readdirSync(join(folder, "initkit/lib")).map((name) => `/initkit/lib/${name}`);
  const files = [...libraries.toSorted(), "/initkit/bin/dumb-init", certificates, ...moreFiles];
  return [...Map.groupBy(files, owner)].map(([name, owned]) => debianPackage(name, owned));
}

/** The package that a file of this name is from. The certificates are in none: a program of their package joins them. */
function owner(file: string): string {
  if (file === certificates) return "ca-certificates";
  const found = query("--search", `*/${basename(file)}`).split("\n");
  const names = new Set(found.map((line) => line.replace(/:.*/, "")));
  if (names.size > 1) throw new Error(`${file} may be from any of ${[...names].join(", ")}`);
  return [...names][0]!;
}

function debianPackage(name: string, files: readonly string[]): Component {
  const fields = ["Version", "Architecture", "source:Package"].map((field) => `\${${field}}`);
  const [version, arch, source] = query("--show", "--showformat", fields.join(" "), name).split(" ");
  const license = debianLicenses[name];
  if (license === undefined) throw new Error(`the license of Debian's package ${name} is not known here`);
  const [, release] = /^VERSION_ID="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))!;
  const qualifiers = `arch=${arch}&distro=debian-${release}&upstream=${encodeURIComponent(source!)}`;
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version!)}?${qualifiers}`;
  return { type: typeOf(files[0]!), name, version: version!, license, purl, files };
}

function typeOf(file: string): Component["type"] {
  if (file === certificates) return "data";
  return file.includes("/lib/") ? "library" : "application";
}

function query(...args: readonly string[]): string {
  return execFileSync("dpkg-query", args, { encoding: "utf8" }).trim();
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
