import type { HistoryPlan, Pending } from "./history-plan.ts";
import { readScript, type ScriptFile } from "./script-file.ts";
import type { MigrateOptions } from "./step.ts";

/** What is to be applied, by the version. */
export type Scripts = ReadonlyMap<string, ScriptFile>;

/** Every file is read, and refused if need be, before the first one is applied. */
export const readScripts = ({ pending }: HistoryPlan, options: MigrateOptions): Scripts =>
  new Map(pending.map((each) => [each.migration.id, readPending(each, options)]));

/** What was begun statement by statement ends so. */
export function readPending({ migration, begun }: Pending, { variables }: MigrateOptions): ScriptFile {
  const file = readScript(migration, variables);
  return { ...file, transaction: file.transaction && !begun };
}
