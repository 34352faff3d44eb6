import type { HistoryPlan, Pending } from "./history-plan.ts";
import { readScript, type ScriptFile } from "./script-file.ts";
import type { MigrateOptions } from "./step.ts";

/** What is to be applied, by the version. */
export type Scripts = ReadonlyMap<string, ScriptFile>;

/** Every file is read, and refused if need be, before the first one is applied. */
export async function readScripts({ pending }: HistoryPlan, options: MigrateOptions): Promise<Scripts> {
  const read = async (each: Pending) => [each.migration.id, await readPending(each, options)] as const;
  return new Map(await Array.fromAsync(pending, read));
}

/** What was begun statement by statement ends so. */
export async function readPending(
  { migration, begun }: Pending,
  { variables }: MigrateOptions,
): Promise<ScriptFile> {
  const file = await readScript(migration, variables);
  return { ...file, transaction: file.transaction && !begun };
}
