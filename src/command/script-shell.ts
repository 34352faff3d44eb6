import type { Options } from "zx/core";
import type { ScriptCommands } from "./script-commands.ts";

type Zx = typeof import("zx/core");
type Environment = Readonly<Record<string, string | undefined>>;

/** How `$` behaves in a script; what it does not name is zx's default. */
export function shellOptions(zx: Zx, env: Environment, commands: ScriptCommands): Partial<Options> {
  return {
    ...shellIn(zx, env["PATH"]),
    env,
    detached: true,
    spawn: commands.spawn as Options["spawn"],
    kill: killGroup,
  };
}

/** A pipe fails when any part of it does, in shells that can tell. */
const posixPrefix = "set -eu; if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi; ";

/** bash, as zx wants it, or else whatever is `sh`: busybox, for one. */
function shellIn({ which, quote }: Zx, path: string | undefined): Partial<Options> {
  const find = (name: string) => which.sync(name, { nothrow: true, ...(path && { path }) });
  const bash = find("bash");
  if (bash) return { shell: bash, prefix: "set -euo pipefail;", postfix: "", quote };
  return { shell: find("sh") ?? "sh", prefix: posixPrefix, postfix: "", quote: quotePosix };
}

/** Single quotes (POSIX.1-2024, XCU 2.2.2): not every `sh` knows the form that zx uses. */
function quotePosix(word: string): string {
  return /^[\w/.\-@:=]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** zx's own way asks the program `ps` for all descendants; here each command leads a process group. */
async function killGroup(id: number | string, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  try {
    process.kill(-Number(id), signal);
  } catch {
    // It has ended meanwhile.
  }
}
