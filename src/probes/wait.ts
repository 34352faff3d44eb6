import { Failure } from "../failure.ts";
import { count, formatMs } from "../format.ts";
import { type Context, done, type Result } from "../task.ts";
import { reported, type Sighting, watch, type Watched } from "./watch.ts";

export interface Wanted {
  /** One target is enough. */
  readonly any: boolean;
  /** What the targets are to become, for messages: `ready`, `gone`. */
  readonly state: string;
}

/**
 * Watches all targets at the same time. With `any` the first that is ready ends the wait, else the first that refuses
 * for good does.
 * @throws Failure `not-ready` or `refused` that tells of every target
 */
export async function waitFor(
  targets: readonly Watched[],
  wanted: Wanted,
  context: Context,
): Promise<Result> {
  const stop = new AbortController();
  const within = AbortSignal.any([context.signal, stop.signal]);
  const single = targets.length === 1;
  const watchOne = async (target: Watched): Promise<Sighting> => {
    const sighting = await watch(target, context, single ? undefined : target.name, within);
    const { ready, name, durationMs } = sighting;
    if (ready && !single) context.log.info(`${name} is ${wanted.state} (${formatMs(durationMs)})`);
    if (wanted.any ? ready : isFinal(sighting))
      stop.abort(new Failure("not-ready", "the wait was over before"));
    return sighting;
  };
  const sightings = await Promise.all(targets.map(watchOne));
  const report = { targets: sightings.map(reported) };
  if (context.signal.aborted) throw withReport(context.signal.reason as Failure, report);
  return conclude(sightings, wanted, report);
}

const withReport = ({ code, message, options }: Failure, report: Result["report"]): Failure =>
  new Failure(code, message, { ...options, report });

/** Refused for good, or a defect. */
const isFinal = ({ ended }: Sighting): boolean =>
  ended !== undefined && (!(ended instanceof Failure) || ended.permanent);

function conclude(sightings: readonly Sighting[], wanted: Wanted, report: Result["report"]): Result {
  const ready = sightings.filter((sighting) => sighting.ready);
  const enough = wanted.any ? ready.length > 0 : ready.length === sightings.length;
  if (enough) return done(success(ready, wanted), report);

  const defect = sightings.find(({ ended }) => ended !== undefined && !(ended instanceof Failure));
  if (defect) throw defect.ended;
  const failure = sightings.length === 1 ? (sightings[0]!.ended as Failure) : summary(sightings, wanted);
  throw withReport(failure, report);
}

function success([first, ...others]: readonly Sighting[], { state }: Wanted): string {
  return others.length === 0 ? `${first!.name} is ${state}` : `all ${others.length + 1} targets are ${state}`;
}

function summary(sightings: readonly Sighting[], { any, state }: Wanted): Failure {
  const missing = sightings.filter(({ ready }) => !ready);
  const refusals = missing.filter(isFinal);
  const refused = refusals.length > 0 && (!any || refusals.length === sightings.length);
  const telling = refused ? refusals : missing;
  const others = missing.filter((sighting) => !telling.includes(sighting));
  const there = sightings.flatMap(({ ready, name, durationMs }) =>
    ready ? `${name} (after ${formatMs(durationMs)})` : [],
  );
  const lines = [
    `${telling.length} of ${count(sightings.length, "target")} ${refused ? "refused for good" : `not ${state}`}:`,
    ...[...telling, ...others].map(line),
    ...(there.length > 0 ? [`- ${state}: ${there.join(", ")}`] : []),
  ];
  const hints = [...new Set(telling.flatMap(({ cause }) => cause?.hint ?? []))].slice(0, 3);
  return new Failure(refused ? "refused" : "not-ready", lines.join("\n"), {
    hint: hints.join("; ") || undefined,
  });
}

const line = ({ name, attempts, durationMs, cause }: Sighting): string =>
  `- ${name}: ${cause!.message} (${count(attempts, "attempt")} in ${formatMs(durationMs)})`;
