import type { Session } from "../postgres/session.ts";
import { readHistory } from "./history.ts";
import { findHistory, type HistoryPlace } from "./history-place.ts";
import { type Applied, comparePlan, type HistoryPlan } from "./history-plan.ts";
import { findStart, type Start } from "./start.ts";
import type { MigrateOptions, Step } from "./step.ts";

export interface Look {
  readonly place: HistoryPlace;
  readonly plan: HistoryPlan;
  /** What is to be recorded before anything is applied. */
  readonly start: Start | undefined;
}

export const isSettled = ({ plan, start }: Look, { waitOnly }: MigrateOptions): boolean =>
  plan.pending.length === 0 && (start === undefined || waitOnly);

/** Finds out what is pending, without a lock and without a change. */
export async function look(step: Step, session: Session): Promise<Look> {
  const { options, source, tools, appliedBy } = step;
  const { table, schema, baseline } = options;
  const place = await findHistory(session, { table, schema, applicationName: appliedBy });
  const history = await readHistory(session, place);
  const { start, warnings } = await findStart(session, source, history, { baseline, tools, schema });
  const plan = planFor(step, [...history, ...(start?.rows ?? [])]);
  return { place, plan: { ...plan, warnings: [...plan.warnings, ...warnings] }, start };
}

export const planFor = (
  { source, options: { to, outOfOrder } }: Step,
  history: readonly Applied[],
): HistoryPlan => comparePlan(source, history, { to, outOfOrder });
