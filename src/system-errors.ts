import { Failure, type FailureCode } from "./failure.ts";

/** What the errors of system calls on files mean in a pod: the code they end with and what to check. */
const fileErrors: Record<string, { code: FailureCode; says: string; hint: string }> = {
  EACCES: {
    code: "access",
    says: "permission denied",
    hint: "check runAsUser, runAsGroup and fsGroup of the pod against the owner of the volume",
  },
  EPERM: {
    code: "access",
    says: "operation not permitted",
    hint: "only the owner of a file, or root with CAP_CHOWN and CAP_FOWNER on a volume without root_squash, may change its owner and mode, or replace and remove it in a sticky folder such as /tmp; else let Kubernetes do it with fsGroup",
  },
  EROFS: {
    code: "access",
    says: "the file system is read-only",
    hint: "mount a writable volume (an emptyDir) there, or drop readOnly from the volumeMount",
  },
  ENOENT: {
    code: "access",
    says: "no such file or directory",
    hint: "check the path and that the volume is mounted there",
  },
  ENOTDIR: {
    code: "access",
    says: "a part of the path is not a directory",
    hint: "check the path, and a subPath mount that made a file of it",
  },
  EISDIR: { code: "access", says: "it is a directory", hint: "name a file" },
  EEXIST: { code: "access", says: "it exists already", hint: "remove it or choose another path" },
  ELOOP: {
    code: "access",
    says: "a symbolic link is in the way",
    hint: "links are not followed here; name the real path",
  },
  ENAMETOOLONG: { code: "access", says: "the name is too long", hint: "shorten the path" },
  ENOTEMPTY: { code: "access", says: "the directory is not empty", hint: "empty or remove it first" },
  EBUSY: { code: "access", says: "it is in use or a mount point", hint: "name a path below the mount point" },
  EINVAL: {
    code: "access",
    says: "the file system refuses the value",
    hint: "in a user namespace the owner must be a mapped id (see /proc/self/uid_map)",
  },
  EXDEV: { code: "access", says: "it is on another file system", hint: "name a path on the same volume" },
  ENOSPC: {
    code: "io",
    says: "no space left on the volume",
    hint: "enlarge the volume or free space; an emptyDir with a sizeLimit evicts the pod instead",
  },
  EDQUOT: { code: "io", says: "the disk quota is used up", hint: "enlarge the quota or free space" },
  EIO: { code: "io", says: "input/output error", hint: "check the node's disk and the volume's events" },
  EMFILE: { code: "io", says: "too many open files", hint: "raise the limit of open files" },
  ENFILE: { code: "io", says: "too many open files on the node", hint: "raise fs.file-max on the node" },
  ESTALE: {
    code: "io",
    says: "stale file handle",
    hint: "the network file system lost the file; check its server",
  },
};

/** The name of a system error (`ENOENT`), if that is what was thrown. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * A failed system call on a file, as a Failure with 14 or 24.
 * @param doing what was being done, with the path: `cannot write "/data/x"`
 */
export function fileFailure(doing: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const errno = errnoOf(error) ?? "";
  const known = fileErrors[errno];
  if (known)
    return new Failure(known.code, `${doing}: ${known.says} (${errno})`, { hint: known.hint, cause: error });
  if (errno) return new Failure("io", `${doing}: ${(error as Error).message}`, { cause: error });
  throw error;
}

/** Repeats a read or a write for as long as a pipe that does not block has nothing, or no room. */
export function whenReady<T>(act: () => T): T {
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (errnoOf(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
