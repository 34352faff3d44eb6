import { Failure } from "../failure.ts";
import { count, formatMs } from "../format.ts";
import { type Context, done, type Result } from "../task.ts";
import { reported, type Sighting, watch, type Watched } from "./watch.ts";

/**
 * Watches all targets at the same time. With `any` one ready target ends the wait, else the first that refuses for
 * good does.
 * @throws Failure `not-ready` or `refused` that tells of every target
 */
export async function waitFor(targets: readonly Watched[], any: boolean, context: Context): Promise<Result> {
  const stop = new AbortController();
  const within = AbortSignal.any([context.signal, stop.signal]);
  const decided = new Failure("not-ready", "the wait was over before");
  const sightings = await Promise.all(
    targets.map(async (target) => {
      const sighting = await watch(target, context, targets.length > 1 ? target.name : undefined, within);
      if (!within.aborted && targets.length > 1) tell(sighting, target.absent, context);
      if (any ? sighting.ready : refusalOf(sighting)) stop.abort(decided);
      return sighting;
    }),
  );
  context.signal.throwIfAborted();
  return conclude(sightings, { any, absent: targets.some(({ absent }) => absent) });
}

function tell({ name, ready, durationMs }: Sighting, absent: boolean, { log }: Context): void {
  if (ready) log.info(`${name} is ${stateOf(absent)} (${formatMs(durationMs)})`);
}

const stateOf = (absent: boolean): string => (absent ? "gone" : "ready");

function refusalOf({ ended }: Sighting): unknown {
  if (ended === undefined) return undefined;
  return ended instanceof Failure && !ended.permanent ? undefined : ended;
}

interface Wanted {
  readonly any: boolean;
  readonly absent: boolean;
}

function conclude(sightings: readonly Sighting[], wanted: Wanted): Result {
  const report = { targets: sightings.map(reported) };
  const ready = sightings.filter((sighting) => sighting.ready);
  const enough = wanted.any ? ready.length > 0 : ready.length === sightings.length;
  if (enough) return done(success(ready, wanted), report);

  const defect = sightings.find(({ ended }) => ended !== undefined && !(ended instanceof Failure));
  if (defect) throw defect.ended;
  const [only, ...others] = sightings as [Sighting, ...Sighting[]];
  const failure = others.length === 0 ? (only.ended as Failure) : summary(sightings, wanted);
  throw new Failure(failure.code, failure.message, { ...failure.options, report });
}

function success(ready: readonly Sighting[], { absent }: Wanted): string {
  if (ready.length > 1) return `all ${ready.length} targets are ${stateOf(absent)}`;
  return `${ready[0]!.name} is ${stateOf(absent)}`;
}

function summary(sightings: readonly Sighting[], { any, absent }: Wanted): Failure {
  const missing = sightings.filter(({ ready }) => !ready);
  const refusals = missing.filter(refusalOf);
  const refused = any ? refusals.length === sightings.length : refusals.length > 0;
  const telling = refused ? refusals : missing;
  const headline = refused
    ? `${refusals.length} of ${count(sightings.length, "target")} refused for good`
    : `${missing.length} of ${count(sightings.length, "target")} not ${stateOf(absent)}`;
  const listed = [...telling, ...missing.filter((sighting) => !telling.includes(sighting))].map(line);
  const there = sightings.filter(({ ready }) => ready).map(({ name }) => name);
  const rest = there.length > 0 ? [`- ${stateOf(absent)}: ${there.join(", ")}`] : [];
  const hints = new Set(telling.flatMap(({ failure }) => failure?.hint ?? []));
  return new Failure(refused ? "refused" : "not-ready", [`${headline}:`, ...listed, ...rest].join("\n"), {
    hint: [...hints].slice(0, 3).join("; ") || undefined,
  });
}

function line({ name, attempts, durationMs, failure, ended }: Sighting): string {
  const cause = failure?.message ?? (ended as Error).message;
  return `- ${name}: ${cause} (${count(attempts, "attempt")} in ${formatMs(durationMs)})`;
}
