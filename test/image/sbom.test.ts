import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readme } from "../helpers/readme.ts";
import { baseImage, buildImages, buildStage, podmanSays } from "./podman.ts";

const root = join(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

before(buildImages);

interface Component {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly cpe?: string;
  readonly licenses: readonly { readonly expression: string }[];
  readonly components?: readonly Component[];
  readonly evidence?: { readonly occurrences: readonly { readonly location: string }[] };
}

interface Document {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}

for (const image of ["initkit", "initkit:shell"]) {
  describe(`the bill of materials of ${image}`, () => {
    let mounted: string;
    let document: Document;
    before(async () => {
      mounted = await podmanSays("image", "mount", image);
      document = JSON.parse(
        readFileSync(join(mounted, "initkit/licenses/sbom.cdx.json"), "utf8"),
      ) as Document;
    });
    after(() => podmanSays("image", "unmount", image));

    const ofKind = (kind: string) =>
      document.components.filter(({ purl }) => purl.startsWith(`pkg:${kind}/`)).map(described);

    test("has the shape of CycloneDX 1.6", () => {
      assertShape(document);
    });

    test("speaks of this version of initkit", () => {
      assert.deepEqual(described(document.metadata.component), { name: "initkit", version, license: "MIT" });
    });

    test("has each package whose license the image brings, in the version that is installed", () => {
      assert.deepEqual(ofKind("npm"), bundledPackages(mounted));
    });

    test("has the packages that are inside another, in the version that is said there", () => {
      const zx = document.components.find((component) => component.name === "zx")!;
      assert.deepEqual(
        zx.components!.map((part) => part.name),
        ["@webpod/ps", "chalk", "isexe", "which", "zurk"],
      );
      const said = readFileSync(join(mounted, "initkit/licenses/zx"), "utf8");
      for (const part of zx.components!)
        assert.ok(said.includes(`\n${part.name}@${part.version}\n`), part.name);
    });

    test("has what Node says to be made of", async () => {
      const node = document.components.find((component) => component.name === "node")!;
      const said = await podmanSays(
        "run",
        "--rm",
        baseImage,
        "node",
        "--print",
        "JSON.stringify(process.versions)",
      );
      const published: Record<string, string> = { ares: "c-ares", uv: "libuv" };
      const noSoftware = ["node", "modules", "napi", "cldr", "tz", "unicode"];
      const versions = Object.entries<string>(JSON.parse(said))
        .filter(([name, version]) => version !== "" && !noSoftware.includes(name))
        .map(([name, version]) => [published[name] ?? name, version]);
      assert.deepEqual(
        node.components!.map((part) => [part.name, part.version]),
        versions,
      );
    });

    test("names OpenSSL as the lists of its vulnerabilities do", () => {
      const { components = [] } = document.components.find((component) => component.name === "node")!;
      const { version, cpe } = components.find((part) => part.name === "openssl")!;
      assert.equal(cpe, `cpe:2.3:a:openssl:openssl:${version}:*:*:*:*:*:*:*`);
    });

    test("has Node, and nothing else that is in no package", async () => {
      const installed = await podmanSays("run", "--rm", baseImage, "node", "--version");
      assert.deepEqual(ofKind("generic"), [
        { name: "node", version: installed.replace("v", ""), license: "MIT" },
      ]);
    });

    test("has what Debian brings, in the version that is installed, and nothing else", async () => {
      const debian = ofKind("deb").map(({ name, version }) => `${name} ${version}`);
      const format = "${Package} ${Version}\n";
      const names = ["ca-certificates", "dumb-init", "libatomic1", "libc6", "libgcc-s1", "libstdc++6"];
      if (image === "initkit:shell") names.push("busybox-static");
      const query = ["dpkg-query", "--show", "--showformat", format, ...names];
      const installed = await podmanSays("run", "--rm", buildStage, ...query);
      assert.deepEqual(debian.toSorted(), installed.split("\n").toSorted());
      assert.equal(ofKind("deb").length + ofKind("npm").length + 1, document.components.length);
    });

    test("names the part that each program and each library is from, and no file that is not there", () => {
      const named = document.components.flatMap(({ evidence }) =>
        evidence!.occurrences.map(({ location }) => location),
      );
      const libraries = readdirSync(join(mounted, "initkit/lib")).map((name) => `/initkit/lib/${name}`);
      const programs = [
        "/initkit/bin/dumb-init",
        "/initkit/bin/runtime",
        "/etc/ssl/certs/ca-certificates.crt",
      ];
      if (image === "initkit:shell") programs.push("/bin/busybox");
      assert.deepEqual([...new Set(named)].toSorted(), [...libraries, ...programs].toSorted());
    });
  });
}

test("the command in the README takes the bill of materials out of the image", async () => {
  const [command] = /id=\$\(docker create[^`]+/.exec(readme)!;
  const folder = mkdtempSync(join(tmpdir(), "initkit-sbom-"));
  try {
    execFileSync("sh", ["-c", `docker() { podman "$@"; }\n${command}`], { cwd: folder });
    const { bomFormat } = JSON.parse(readFileSync(join(folder, "sbom.cdx.json"), "utf8"));
    assert.equal(bomFormat, "CycloneDX");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function described({ name, version, licenses }: Component) {
  return { name, version, license: licenses[0]!.expression };
}

/** The packages whose licenses an image has, as npm has installed them here, in the order of their package URLs. */
function bundledPackages(image: string) {
  const purl = ({ name, version }: { name: string; version: string }) => `${name}@${version}`;
  return readdirSync(join(image, "initkit/licenses"))
    .map((file) => join(root, "node_modules", file.replace("__", "/"), "package.json"))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, "utf8")))
    .map(({ name, version, license }) => ({ name, version, license }))
    .toSorted((a, b) => (purl(a) < purl(b) ? -1 : 1));
}

/** What the schema of CycloneDX 1.6 asks for, of all that the document uses, and that it uses nothing else. */
function assertShape(document: Document): void {
  const { metadata, components, ...rest } = document;
  assert.deepEqual(rest, {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
  });
  assert.deepEqual(Object.keys(metadata), ["component"]);
  const all = [metadata.component, ...components].flatMap((component) => [
    component,
    ...(component.components ?? []),
  ]);
  for (const component of all) assertComponent(component);
  assert.equal(new Set(all.map((component) => component["bom-ref"])).size, all.length);
}

function assertComponent(component: Component): void {
  const { type, name, version, purl, licenses, evidence } = component;
  const known = ["bom-ref", "components", "cpe", "evidence", "licenses", "name", "purl", "type", "version"];
  assert.deepEqual(
    Object.keys(component).filter((key) => !known.includes(key)),
    [],
  );
  assert.ok(["application", "container", "data", "library", "platform"].includes(type), type);
  assert.ok(name !== "" && version !== "");
  const [, namedIn, versionIn] =
    /^pkg:[a-z]+\/(?:debian\/)?([^?@]+)@([^?@]+)(\?[a-z]+=[^&]+(&[a-z]+=[^&]+)*)?$/.exec(purl)!;
  assert.deepEqual(
    [namedIn, versionIn].map((part) => decodeURIComponent(part!)),
    [name, version],
  );
  assert.equal(licenses.length, 1);
  assert.deepEqual(Object.keys(licenses[0]!), ["expression"]);
  const identifier = String.raw`[A-Za-z]+(-[A-Za-z0-9.]+)*`;
  assert.match(licenses[0]!.expression, new RegExp(`^${identifier}( (AND|OR|WITH) ${identifier})*$`));
  for (const occurrence of evidence?.occurrences ?? []) {
    assert.deepEqual(Object.keys(occurrence), ["location"]);
    assert.match(occurrence.location, /^\//);
  }
}
