import { readFileSync } from "node:fs";

/** What root needs to own and change the files of others: bits of capabilities(7). */
const needed = { CAP_CHOWN: 0, CAP_DAC_OVERRIDE: 1, CAP_FOWNER: 3, CAP_FSETID: 4 };

/** Says as whom initkit runs, and what that lacks for changing files of other users. */
export function describeRights(): string {
  const uid = process.geteuid!();
  if (uid !== 0) {
    return `initkit runs as uid ${uid}, and only root may give files away or change what others own (runAsUser: 0)`;
  }
  const missing = missingFrom(effectiveCapabilities());
  if (missing.length === 0) {
    return "root has every capability it needs here, so the volume refuses: an NFS export with root_squash, or a file marked immutable";
  }
  return `initkit runs as root without ${missing.join(", ")}: add what is needed under securityContext.capabilities.add`;
}

const missingFrom = (effective: bigint): string[] =>
  Object.entries(needed).flatMap(([name, bit]) => ((effective >> BigInt(bit)) & 1n ? [] : [name]));

/** All of them where the kernel does not say. */
function effectiveCapabilities(): bigint {
  try {
    const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return BigInt(`0x${hex ?? "f".repeat(16)}`);
  } catch {
    return -1n;
  }
}
