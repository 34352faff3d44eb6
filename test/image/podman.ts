import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const root = join(import.meta.dirname, "../..");

/** The image that initkit's is built in: a Debian with Node. */
export const [, baseImage = ""] =
  /^ARG BASE=(\S+)$/m.exec(readFileSync(join(root, "Dockerfile"), "utf8")) ?? [];

/** The stage that the files of the image are made in, where Debian's package manager can still be asked. */
export const buildStage = "localhost/initkit-build-stage";

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function podman(args: readonly string[]): Promise<Ended> {
  const child = spawn("podman", args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = (await once(child, "close")) as [number | null];
  const [stdout, stderr] = await output;
  return { exitCode, stdout, stderr };
}

/** What podman prints where it must succeed. */
export async function podmanSays(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await podman(args);
  if (exitCode !== 0) throw new Error(`podman ${args.join(" ")} ended with ${exitCode}: ${stderr}`);
  return stdout.trim();
}

/** Builds `initkit`, `initkit:shell` and what they are made in; test files that run at the same time wait for each other. */
export async function buildImages(): Promise<void> {
  const dockerfile = join(root, "Dockerfile");
  const build = (...options: string[]) =>
    shell("flock", dockerfile, "podman", "build", "--network", "host", ...options, root);
  await build("--tag", buildStage, "--target", "build");
  await build("--tag", "initkit");
  await build("--tag", "initkit:shell", "--target", "shell");
}

async function shell(command: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = await once(child, "close");
  if (exitCode !== 0)
    throw new Error(`${args.join(" ")} ended with ${exitCode}:\n${(await output).join("\n")}`);
}

/** How Pod Security "restricted" runs a container, in the words of podman, with the smallest memory limit promised. */
export const restricted = [
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--memory=64m",
  "--memory-swap=64m",
];

/** Runs a container of initkit to its end. */
export function initkit(args: readonly string[], options: readonly string[] = []): Promise<Ended> {
  return podman(["run", "--rm", ...restricted, ...options, "initkit", ...args]);
}

export interface Container extends AsyncDisposable {
  readonly id: string;
  inspect(format: string): Promise<string>;
  logs(): Promise<string>;
  /** Resolves to the exit code. */
  ended(): Promise<number>;
}

/** Starts a container of initkit in the background; it is gone at the end of the bracket. */
export async function startInitkit(
  args: readonly string[],
  options: readonly string[] = [],
  image = "initkit",
): Promise<Container> {
  const id = await podmanSays("run", "--detach", ...restricted, ...options, image, ...args);
  return {
    id,
    inspect: (format) => podmanSays("inspect", "--format", format, id),
    logs: () => logsOf(id),
    ended: async () => Number(await podmanSays("wait", id)),
    [Symbol.asyncDispose]: async () => void (await podman(["rm", "--force", "--time", "0", id])),
  };
}

/** What a container has written so far, to both of its outputs. */
export async function logsOf(container: string): Promise<string> {
  const { stdout, stderr } = await podman(["logs", container]);
  return stdout + stderr;
}

/** Resolves once a container has written what the pattern matches. */
export async function logged(container: Container, pattern: RegExp): Promise<void> {
  const follower = spawn("podman", ["logs", "--follow", container.id], { stdio: ["ignore", "pipe", "pipe"] });
  try {
    let seen = "";
    for (const stream of [follower.stdout, follower.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        seen += chunk;
        if (pattern.test(seen)) follower.emit("seen");
      });
    }
    const closed = once(follower, "close").then(() => {
      if (!pattern.test(seen)) throw new Error(`the container ended before it wrote ${pattern}: ${seen}`);
    });
    await Promise.race([once(follower, "seen"), closed]);
  } finally {
    follower.kill();
  }
}
