import { Failure } from "../failure.ts";
import { count } from "../format.ts";
import type { Session } from "../postgres/session.ts";
import { done, type Result, unchanged } from "../task.ts";
import type { HistoryPlan } from "./history-plan.ts";
import type { Look } from "./look.ts";
import { reasonFor } from "./reason.ts";
import { described } from "./start.ts";
import type { Step } from "./step.ts";

/** What was applied before the failure stays applied. */
export function withReport(error: unknown, step: Step): unknown {
  if (!(error instanceof Failure) || (step.applied.length === 0 && !step.started)) return error;
  return new Failure(error.code, error.message, { ...error.options, report: reportOf(step) });
}

const reportOf = ({ applied, started }: Step): Record<string, unknown> => ({ ...started?.report, applied });

export function settled(step: Step): Result {
  const { applied, started, source, options } = step;
  const told = [
    ...(started ? [`${described(started)} recorded`] : []),
    ...(applied.length > 0 ? [`${count(applied.length, "migration")} applied: ${shortened(applied)}`] : []),
  ];
  if (told.length > 0) return done(told.join(", "), reportOf(step));
  const upTo = options.to === undefined ? "" : ` up to ${options.to}`;
  return unchanged(`nothing is pending (${count(source.migrations.length, "migration")}${upTo})`, {
    applied,
  });
}

const maxNamed = 5;

const shortened = (names: readonly string[]): string =>
  names.length > maxNamed ? `${names[0]} to ${names.at(-1)}` : names.join(", ");

export function stillPending({ pending }: HistoryPlan): Failure {
  const [first] = pending;
  return new Failure(
    "database-unavailable",
    `${count(pending.length, "migration")} pending, the first is ${first!.migration.name}`,
    {
      kind: "pending",
      hint: "wait-only applies nothing: look at the Job or pod that does, and at its image",
    },
  );
}

export const standby = ({ where }: Session): Failure =>
  new Failure("database-unavailable", `${where}: the server is a standby, which cannot be written to`, {
    kind: "standby",
    hint: "point the URL to the primary (often the Service that ends in -rw), or list all servers with target_session_attrs=read-write",
  });

const maxListed = 8;

export function listed(
  { context: { log } }: Step,
  { plan: { pending }, start }: Omit<Look, "place">,
): Result {
  const names = pending.map(({ migration }) => migration.name);
  if (start) log.info(`would record ${described(start)} as applied`);
  for (const each of pending.slice(0, maxListed))
    log.info(`would apply ${each.migration.name}: ${reasonFor(each)}`);
  if (names.length > maxListed)
    log.info(`would apply ${names.length - maxListed} more, the last is ${names.at(-1)}`);
  const report = { ...start?.report, pending: names };
  return unchanged(`dry run: ${count(names.length, "migration")} would be applied`, report);
}
