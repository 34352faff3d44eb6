import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const root = import.meta.dirname;
const dist = join(root, "dist");
const bundle = join(dist, "initkit.cjs");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/**
 * What undici would load and initkit has no use for: HTTP/2 with all of node:http2, fetch and its forms, and of Node
 * node:http for a number and a class, and node:assert, which brings what compares texts.
 */
const unusedOfUndici = [
  [/\/undici\/lib\/dispatcher\/client-h2\.js$/, "module.exports = {}"],
  [/\/undici\/lib\/web\//, "module.exports = {}"],
  [/^node:http$/, "module.exports = { maxHeaderSize: 16384, IncomingMessage: class {} }"],
  [/^node:assert$/, "module.exports = (value, message) => { if (!value) throw new Error(message) }"],
];
const trimmedUndici = {
  name: "trimmed-undici",
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /^node:/ }, ({ path, importer }) =>
      importer.includes("/undici/") && unusedOfUndici.some(([module]) => module.test(path))
        ? { path, namespace: "trimmed" }
        : undefined,
    );
    for (const [filter, contents] of unusedOfUndici) {
      onLoad({ filter }, () => ({ contents }));
      onLoad({ filter, namespace: "trimmed" }, () => ({ contents }));
    }
    // Of the two builds of its parser, one is enough.
    onResolve({ filter: /\/llhttp_simd-wasm\.js$/ }, ({ path, ...options }) =>
      resolve(path.replace("_simd", ""), options),
    );
  },
};

const formatting = {
  platform: "node",
  target: "node26",
  // A dynamic import stays lazy, but becomes a require: it starts without the loader of ES modules.
  supported: { "dynamic-import": false },
  // Identifiers stay as they are, so that a stack trace names functions; minified ones start no faster.
  minifyWhitespace: true,
  minifySyntax: true,
  // The texts of the licenses stand in dist/licenses.
  legalComments: "none",
};
const bundling = {
  ...formatting,
  absWorkingDir: root,
  entryPoints: ["src/main.ts"],
  bundle: true,
  // esbuildDetection is undici's own switch: its bundles leave out a second, experimental HTTP parser.
  define: { INITKIT_VERSION: JSON.stringify(version), esbuildDetection: "true" },
  plugins: [trimmedUndici],
};

rmSync(dist, { recursive: true, force: true });
const { metafile } = await build({
  ...bundling,
  outfile: bundle,
  metafile: true,
  format: "cjs",
  banner: { js: "#!/usr/bin/env node" },
});
chmodSync(bundle, 0o755);
writeFileSync(join(dist, "meta.json"), JSON.stringify(metafile));
writeFileSync(join(dist, "schema.json"), execFileSync(process.execPath, [bundle, "schema"]));
await writeParts();
copyLicenses(bundledPackages());
report();

/**
 * The same once more for the image, in parts that are loaded when they are needed (src/image/loader.cjs): each file
 * is a function of exports, require and module. esbuild splits ES modules only.
 */
async function writeParts() {
  const { outputFiles } = await build({
    ...bundling,
    supported: {},
    outdir: join(dist, "parts"),
    write: false,
    splitting: true,
    format: "esm",
  });
  mkdirSync(join(dist, "parts"));
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, { ...formatting, format: "cjs" });
    writeFileSync(path, `(function(exports,require,module){${code}})`);
  }
}

/** The names of the packages that have a part in the bundle. */
function bundledPackages() {
  const [{ inputs }] = Object.values(metafile.outputs);
  const names = Object.keys(inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  );
  return [...new Set(names)].sort();
}

function copyLicenses(packages) {
  const licenses = join(dist, "licenses");
  mkdirSync(licenses);
  copyFileSync(join(root, "LICENSE"), join(licenses, "initkit"));
  for (const name of packages) {
    const folder = join(root, "node_modules", name);
    const embedded = join(folder, "build/3rd-party-licenses");
    const texts = [licenseText(folder), ...(existsSync(embedded) ? [readFileSync(embedded, "utf8")] : [])];
    writeFileSync(join(licenses, name.replace("/", "__")), texts.join("\n"));
  }
}

/** The text of a package's own file or, where it has none, what its README says from the heading on. */
function licenseText(folder) {
  const find = (pattern) => readdirSync(folder).find((name) => pattern.test(name));
  const file = find(/^licen[cs]e(\.|$)/i);
  if (file !== undefined) return readFileSync(join(folder, file), "utf8");
  const [text] = /^#+ *licen[cs]e$.*/ims.exec(readFileSync(join(folder, find(/^readme/i)), "utf8")) ?? [];
  if (text === undefined) throw new Error(`${folder} brings no license text`);
  return text;
}

function report() {
  const content = readFileSync(bundle);
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;
  console.log(`dist/initkit.cjs ${kilobytes(content.length)}, gzip ${kilobytes(gzipSync(content).length)}`);
}
