import { readFileSync } from "node:fs";

/** What root needs to own and change the files of others: bits of capabilities(7). */
const needed = { CAP_CHOWN: 0, CAP_DAC_OVERRIDE: 1, CAP_FOWNER: 3, CAP_FSETID: 4 };

type Capability = keyof typeof needed;

let effective: bigint | undefined;

/** Whether this process has a capability; all of them where the kernel does not say. */
export const hasCapability = (name: Capability): boolean => isIn((effective ??= readEffective()), name);

/** Says as whom initkit runs, and what that lacks for changing files of other users. */
export function describeRights(): string {
  const uid = process.geteuid!();
  if (uid !== 0) {
    return `initkit runs as uid ${uid}, and only root may give files away or change what others own (runAsUser: 0)`;
  }
  const missing = (Object.keys(needed) as Capability[]).filter((name) => !hasCapability(name));
  if (missing.length === 0) {
    return "root has every capability it needs here, so the volume refuses: an NFS export with root_squash, or a file marked immutable";
  }
  return `initkit runs as root without ${missing.join(", ")}: add what is needed under securityContext.capabilities.add`;
}

const isIn = (set: bigint, name: Capability): boolean => ((set >> BigInt(needed[name])) & 1n) === 1n;

function readEffective(): bigint {
  try {
    const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return BigInt(`0x${hex ?? "f".repeat(16)}`);
  } catch {
    return -1n;
  }
}
