import type { HistoryPlan, Pending } from "./history-plan.ts";
import { readScript, type ScriptFile } from "./script-file.ts";
import type { Step } from "./step.ts";

/** What is to be applied, by the version. */
export type Scripts = ReadonlyMap<string, ScriptFile>;

/** Every file is read, and refused if need be, before the first one is applied. */
export const readScripts = ({ pending }: HistoryPlan, step: Step): Scripts =>
  new Map(pending.map((each) => [each.migration.id, readPending(each, step)]));

/** What was begun statement by statement ends so. */
export function readPending({ migration, begun }: Pending, { options, tools }: Step): ScriptFile {
  const file = readScript(migration, options.variables);
  for (const tool of tools) tool.refuseText?.(migration.name, file.text);
  return { ...file, transaction: file.transaction && !begun };
}
