import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseImage, podman, podmanSays } from "../image/podman.ts";

export const dbmate = join(import.meta.dirname, "../../node_modules/@dbmate/linux-x64/bin/dbmate");

const searchPath = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";

/** The system of the base image without Node, and without what Debian's slim images leave out. */
const debian = `FROM ${baseImage} AS system
RUN rm -rf /usr/local/bin/* /usr/local/include /usr/local/lib/node_modules /usr/share/doc /usr/share/man \\
  /usr/share/locale /usr/share/info /var/cache/apt /var/lib/apt/lists
FROM scratch AS debian
COPY --from=system / /
${searchPath}`;

const apt = (...packages: string[]): string =>
  `RUN apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")} \\
 && rm -rf /var/cache/apt /var/lib/apt/lists /var/log/apt /var/log/dpkg.log\n`;

const busybox = `FROM ${baseImage} AS system
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static
FROM scratch AS busybox
COPY --from=system /bin/busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
${searchPath}`;

const withDbmate = "COPY dbmate /usr/local/bin/dbmate\n";

const dockerfiles = {
  "debian-wait": debian + apt("netcat-openbsd"),
  "debian-download": debian + apt("ca-certificates", "curl"),
  "debian-migrate": debian + withDbmate,
  "debian-chown": debian,
  busybox,
  "busybox-migrate": busybox + withDbmate,
} as const;

export type ImageName = keyof typeof dockerfiles;

export const tagOf = (name: ImageName): string => `localhost/initkit-bench-${name}`;

/** Builds the images of the other tools; they are gone at the end of the bracket. */
export async function buildPeerImages(): Promise<AsyncDisposable> {
  const context = mkdtempSync(join(tmpdir(), "initkit-bench-"));
  const names = Object.keys(dockerfiles) as ImageName[];
  try {
    copyFileSync(dbmate, join(context, "dbmate"));
    for (const name of names) {
      writeFileSync(join(context, "Dockerfile"), dockerfiles[name]);
      await podmanSays("build", "--network", "host", "--tag", tagOf(name), context);
    }
  } finally {
    rmSync(context, { recursive: true });
  }
  return {
    async [Symbol.asyncDispose]() {
      await podman(["rmi", "--force", ...names.map(tagOf)]);
    },
  };
}

/** What a node without any of these images pulls, in bytes: their layers with gzip, a layer that they share once. */
export async function pulledBytes(images: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-bench-"));
  try {
    const layers = new Map<string, number>();
    for (const [at, image] of images.entries()) {
      await podmanSays("push", "--quiet", image, `oci:${folder}:${at}`);
      for (const { digest, size } of layersOf(folder, String(at))) layers.set(digest, size);
    }
    return layers.values().reduce((sum, size) => sum + size, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
function layersOf(folder: string, tag: string): { readonly digest: string; readonly size: number }[] {
  const read = (path: string) => JSON.parse(readFileSync(join(folder, path), "utf8"));
  const { manifests } = read("index.json");
  const { digest } = manifests.find(
    ({ annotations }: any) => annotations["org.opencontainers.image.ref.name"] === tag,
  );
  return read(`blobs/${digest.replace(":", "/")}`).layers;
}
