import { type Stats, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";

/** What was to be started, and where it is looked for. */
export interface Started {
  readonly file: string;
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const notHere =
  "the image initkit has no shell and no programs: use initkit:shell, which has busybox, or `initkit install` to run initkit inside the image that has the program";

/** Why a command could not be started: 25, for good unless the node was out of something. */
export function startFailure(started: Started, error: unknown): Failure {
  const errno = errnoOf(error);
  const { says, hint, passing = false } = reasonFor(errno, started);
  const shown = quote(started.file);
  return new Failure("command-failed", `cannot start ${shown}: ${says}${errno ? ` (${errno})` : ""}`, {
    hint,
    permanent: !passing,
    kind: `start:${errno}`,
    cause: error,
  });
}

interface Reason {
  readonly says: string;
  readonly hint?: string;
  /** Another try can help. */
  readonly passing?: boolean;
}

function reasonFor(errno: string | undefined, started: Started): Reason {
  const { cwd } = started;
  if (cwd !== undefined && !isFolder(cwd)) {
    return {
      says: `its cwd ${quote(cwd)} is not a folder`,
      hint: "check the path and that the volume is mounted there",
    };
  }
  if (errno === "ENOENT" || (errno === "EACCES" && isNowhere(started))) return notFound(started);
  return reasons[errno ?? ""] ?? { says: String(errno) };
}

const reasons: Record<string, Reason> = {
  EACCES: {
    says: "permission denied",
    hint: "it must be a file with x for this user (a ConfigMap needs defaultMode: 0755), on a volume that is not mounted noexec",
  },
  ENOEXEC: {
    says: "it is not a program for this machine",
    hint: "a script needs a first line such as #!/bin/sh; a program must be built for the node's architecture",
  },
  EPERM: {
    says: "operation not permitted",
    hint: "user needs initkit to run as root with CAP_SETUID and CAP_SETGID; else set runAsUser on the container",
  },
  EINVAL: {
    says: "the id of its user is not mapped",
    hint: "see /proc/self/uid_map for the ids of this user namespace",
  },
  E2BIG: { says: "its arguments and environment are too large", hint: "pass large values in a file" },
  ENOTDIR: { says: "a part of its path is not a folder", hint: "check the path" },
  ELOOP: { says: "its path has too many links", hint: "check the path" },
  EAGAIN: {
    says: "too many processes",
    hint: "raise the limit of processes (pids) of the pod or node",
    passing: true,
  },
  ENOMEM: { says: "out of memory", hint: "raise the memory limit of the container", passing: true },
  EMFILE: { says: "too many open files", hint: "raise the limit of open files", passing: true },
  ENFILE: { says: "too many open files on the node", hint: "raise fs.file-max on the node", passing: true },
};

/** A file that is there and yet not found lacks what it is run by. */
function notFound(started: Started): Reason {
  const there = candidates(started).find(isThere);
  if (there !== undefined) {
    return {
      says: `${quote(there)} is there, but what it is run by is not`,
      hint: "the program in the #! line of a script, or the dynamic loader of a program (glibc or musl, and of the node's architecture), is missing in this image",
    };
  }
  if (/\s/.test(started.file)) {
    return {
      says: "no such program",
      hint: "there is no shell to take words apart: write the command as a list, one word each, or as words of their own",
    };
  }
  return { says: "no such program", hint: notHere };
}

function candidates({ file, cwd = ".", env }: Started): string[] {
  if (file.includes("/")) return [isAbsolute(file) ? file : resolve(cwd, file)];
  return (env["PATH"] ?? "").split(":").map((folder) => join(resolve(cwd, folder), file));
}

/** A folder of PATH that may not be read makes EACCES of a name that is in none of the others either. */
const isNowhere = (started: Started): boolean =>
  !started.file.includes("/") && !candidates(started).some(isThere);

const isThere = (path: string): boolean => look(path) !== undefined;
const isFolder = (path: string): boolean => look(path)?.isDirectory() ?? false;

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
