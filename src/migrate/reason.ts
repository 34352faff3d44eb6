import type { Pending } from "./history-plan.ts";

/** Why a file is to be applied. */
export function reasonFor({ migration, begun }: Pending): string {
  if (begun) return `begun earlier, goes on behind ${begun.statements_done} of its statements`;
  return migration.kind === "repeatable" ? "new, or changed since it was applied" : "not applied yet";
}
