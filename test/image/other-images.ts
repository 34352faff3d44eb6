import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readElf } from "./elf.ts";
import { baseImage, podman, podmanSays } from "./podman.ts";

/** An image that initkit is installed into, and a command that it has. */
export interface OtherImage {
  readonly what: string;
  readonly image: string;
  readonly command: readonly string[];
}

const busybox = "initkit-test:busybox";
const empty = "initkit-test:empty";
const musl = "initkit-test:musl";
const hasMusl = spawnSync("musl-gcc", ["--version"]).status === 0;

export const images: readonly OtherImage[] = [
  { what: "a Debian image", image: baseImage, command: ["sh", "-c", "test -e /etc/debian_version"] },
  { what: "busybox without a C library", image: busybox, command: ["sh", "-c", "test ! -e /lib"] },
  { what: "an empty image", image: empty, command: ["/initkit/bin/initkit", "--version"] },
  ...(hasMusl ? [{ what: "an image with musl", image: musl, command: ["/program"] }] : []),
];

/** Makes the images that there is no registry for; they are gone at the end of the bracket. */
export async function buildOtherImages(): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-images-"));
  const build = async (tag: string, dockerfile: string) => {
    writeFileSync(join(folder, "Dockerfile"), `FROM scratch\n${dockerfile}\n`);
    await podmanSays("build", "--tag", tag, folder);
  };
  try {
    await build(busybox, "COPY --from=localhost/initkit:shell /bin /bin");
    await build(empty, "LABEL empty=yes");
    if (hasMusl) await build(musl, muslProgram(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { [Symbol.asyncDispose]: async () => void (await podman(["rmi", "--force", busybox, empty, musl])) };
}

/** A program, and the C library that it needs. */
function muslProgram(folder: string): string {
  const [program, loader] = [join(folder, "program"), join(folder, "loader")];
  execFileSync("musl-gcc", ["-x", "c", "-o", program, "-"], { input: "int main(void) { return 0; }" });
  const { interpreter } = readElf(program);
  copyFileSync(interpreter!, loader);
  return `COPY loader ${interpreter}\nCOPY program /program`;
}
