import { Failure } from "../failure.ts";
import { count, quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { describeRights } from "./capabilities.ts";

/** Why a file system refuses an owner or a mode, and what to do about that in a pod. */
const reasons: Record<string, { says: string; hint: () => string }> = {
  EPERM: { says: "operation not permitted", hint: () => `${describeRights()}; ${kubernetesCan}` },
  EACCES: { says: "permission denied", hint: () => `${describeRights()}; ${kubernetesCan}` },
  EROFS: {
    says: "mounted read-only",
    hint: () => "drop readOnly from the volumeMount, or leave that mount out with exclude or same-filesystem",
  },
  EINVAL: { says: "the id is not mapped", hint: () => unmapped },
  EOVERFLOW: { says: "the id is not mapped", hint: () => unmapped },
  ENOTSUP: { says: "the file system cannot do it", hint: () => mountOptions },
  EIGNORED: { says: "the file system ignored it", hint: () => mountOptions },
};

const kubernetesCan =
  "or let Kubernetes do it: fsGroup in the pod's securityContext sets the group when the volume is mounted (with fsGroupChangePolicy: OnRootMismatch only where it is wrong), and runAsUser makes the application the user that owns the files";
const unmapped =
  "in a user namespace (hostUsers: false) files can only have the ids that /proc/self/uid_map and gid_map list";
const mountOptions =
  "volumes such as SMB and Azure Files take owner and modes from mountOptions (uid=, gid=, dir_mode=, file_mode=), and only a member of the group may set its set-group-id bit";

const reasonFor = (error: unknown) => reasons[errnoOf(error) ?? ""];

/** Whether an error says that this one file may not be changed or looked at, so that the next ones still may. */
export const isDenied = (error: unknown): boolean => reasonFor(error) !== undefined;

/** What to throw where a system call succeeded, and its effect did not come. */
export const ignored = (): Error =>
  Object.assign(new Error("the change had no effect"), { code: "EIGNORED" });

/** Why one file was refused; undefined where it was something else. */
export function deniedFailure(doing: string, error: unknown): Failure | undefined {
  const reason = reasonFor(error);
  return (
    reason &&
    new Failure("access", `${doing}: ${reason.says} (${errnoOf(error)})`, {
      hint: reason.hint(),
      cause: error,
    })
  );
}

/** The files that were refused: how many, and the first few of them. */
export interface Refusals {
  number: number;
  /** Folders among them whose content could not be read. */
  unread: number;
  readonly first: { readonly path: string; readonly error: unknown }[];
}

const mostShown = 5;

export function addRefusal(refusals: Refusals, path: () => Buffer, error: unknown): void {
  refusals.number++;
  if (refusals.first.length < mostShown) refusals.first.push({ path: path().toString(), error });
}

/** One Failure for all of them: 24, for a person must change the rights or the volume. */
export function refusalFailure(
  { number, unread, first }: Refusals,
  { entries, changed }: { readonly entries: number; readonly changed: number },
): Failure {
  const beyond = unread > 0 ? `, and what is in ${count(unread, "folder")} of them was not reached` : "";
  const more = number > first.length ? ", …" : "";
  const listed = Object.entries(Object.groupBy(first, ({ error }) => errnoOf(error)!))
    .map(
      ([errno, refused]) =>
        `${reasons[errno]!.says} (${errno}): ${refused!.map(({ path }) => quote(path)).join(", ")}`,
    )
    .join("; ");
  return new Failure("access", `${number} of ${entries} entries refused${beyond}: ${listed}${more}`, {
    hint: reasonFor(first[0]!.error)!.hint(),
    cause: first[0]!.error,
    report: { entries, changed, refused: number },
  });
}
