import { commonOptions } from "./common-options.ts";
import { quote } from "./format.ts";
import { interpolate, type Surroundings } from "./interpolate.ts";
import { backoff, type Kind, retries, timeLimit } from "./kinds.ts";
import type { Problems } from "./problems.ts";
import type { Given, RawStep, Value } from "./raw-step.ts";
import { loadStep, registry } from "./registry.ts";
import type { RetryPolicy } from "./retry.ts";
import type { Source } from "./sources.ts";
import type { AnyTask, Field, Fields, Values } from "./task.ts";

type Common = Values<typeof commonOptions>;

export interface PlannedStep {
  readonly task: AnyTask;
  readonly name: string;
  /** Operands and options of the task, parsed. */
  readonly args: Values<Fields>;
  readonly common: Common;
  readonly policy: Omit<RetryPolicy, "endsAt">;
  /** The resolved texts by field, as `check` shows them. */
  readonly texts: Texts;
}

type Texts = ReadonlyMap<string, readonly string[]>;

export interface Plan {
  /** What to say besides: a source that is set but not used. */
  readonly warnings: readonly string[];
  /** Milliseconds for the whole run, `Infinity` for no limit. */
  readonly timeout: number;
  readonly steps: readonly PlannedStep[];
}

/**
 * Resolves and checks raw steps, without touching anything. Every mistake goes to `problems`.
 * @param timeout of the flag or the variable, which wins over the document's
 */
export async function makePlan(
  document: Source,
  timeout: number | undefined,
  surroundings: Surroundings,
  problems: Problems,
): Promise<Plan> {
  const planner = new Planner(surroundings, problems);
  const written = document.timeout && planner.parse("timeout", timeLimit, document.timeout);
  const steps: PlannedStep[] = [];
  for (const raw of document.steps) {
    const step = planner.step((await loadStep(raw.task))!, raw);
    if (step) steps.push(step);
  }
  return { warnings: document.warnings, timeout: timeout ?? written ?? Infinity, steps };
}

class Planner {
  readonly #surroundings: Surroundings;
  readonly #problems: Problems;

  constructor(surroundings: Surroundings, problems: Problems) {
    this.#surroundings = surroundings;
    this.#problems = problems;
  }

  step(task: AnyTask, raw: RawStep): PlannedStep | undefined {
    const before = this.#problems.size;
    const given = this.#withOperands(task, raw);
    const texts = new Map<string, string[]>();
    const args = this.#fields({ ...task.operands, ...task.options }, given, raw.place, texts);
    const common = this.#fields(commonOptions, given, raw.place, texts) as Common;
    if (this.#problems.size > before) return undefined;
    const { env, secrets } = this.#surroundings;
    this.#problems.catch(raw.place, "", () => task.check?.(args, env, (text) => secrets.isIn(text)));
    return {
      task,
      name: common.name ?? defaultName(task, texts),
      args,
      common,
      policy: policyOf(task, args, common),
      texts,
    };
  }

  parse<T>(name: string, kind: Kind<T>, value: Value): T | undefined {
    const resolved = this.#resolve(name, kind, value);
    return resolved && this.#parseResolved(name, kind, resolved);
  }

  /** The options, and the operands by the names of their fields. */
  #withOperands(task: AnyTask, { operands, options, place }: RawStep): Map<string, Given> {
    const given = new Map(options);
    const fields = Object.entries(task.operands).filter(([name]) => !options.has(name));
    const rest = [...operands];
    for (const [index, [name, field]] of fields.entries()) {
      const wantedBehind = fields.length - index - 1;
      const values = rest.splice(0, field.repeated ? Math.max(rest.length - wantedBehind, 0) : 1);
      if (values.length > 0) given.set(name, { place: values[0]!.place, values });
      else this.#problems.add(place, `${task.name} needs ${name} (${field.kind.form}): ${field.summary}`);
    }
    for (const extra of rest) {
      const message = `${quote(extra.text)} is one operand too many for ${task.name}`;
      this.#problems.add(extra.place, message, hintFor(extra.text));
    }
    return given;
  }

  #fields(
    fields: Fields,
    given: ReadonlyMap<string, Given>,
    place: string,
    texts: Map<string, string[]>,
  ): Values<Fields> {
    const parsed = Object.entries(fields).map(([name, field]) => {
      const values = this.#resolved(name, field, given.get(name)?.values ?? []);
      if (values.length > 0)
        texts.set(
          name,
          values.map(({ text }) => text),
        );
      return [name, this.#field(name, field, values, place)];
    });
    return Object.fromEntries(parsed) as Values<Fields>;
  }

  #field(name: string, field: Field, values: readonly Value[], place: string): unknown {
    if (field.repeated) return values.map((value) => this.#parseResolved(name, field.kind, value));
    const [first, second] = values;
    if (second) this.#problems.add(second.place, `${name} is given twice; it takes one value`);
    if (first) return this.#parseResolved(name, field.kind, first);
    return field.default === undefined
      ? undefined
      : this.#parseResolved(name, field.kind, { text: field.default, place });
  }

  #resolved(name: string, field: Field, values: readonly Value[]): Value[] {
    return values.flatMap((value) => this.#resolve(name, field.kind, value) ?? []);
  }

  /** Interpolates, and remembers what must be hidden before any message could show it. */
  #resolve(name: string, kind: Kind<unknown>, { text, place, origin }: Value): Value | undefined {
    const { secrets } = this.#surroundings;
    const resolved = kind.verbatim
      ? text
      : this.#problems.catch(place, name, () => interpolate(text, this.#surroundings));
    if (resolved === undefined) return undefined;
    secrets.noteValue(resolved);
    for (const secret of kind.secretIn?.(resolved) ?? []) secrets.add(secret);
    return { text: resolved, place, origin };
  }

  #parseResolved<T>(name: string, kind: Kind<T>, { text, place, origin }: Value): T | undefined {
    return this.#problems.catch(
      place,
      `${name} ${quote(text)}`,
      () => kind.parse(text, origin),
      hintFor(text),
    );
  }
}

const shellWords = new Set(["&&", "||", "|", ";", "&"]);

/** For a word that was to begin another step. */
const hintFor = (word: string): string | undefined =>
  registry.has(word) || shellWords.has(word)
    ? '"then" stands between two steps; no shell reads them'
    : undefined;

function defaultName(task: AnyTask, texts: Texts): string {
  const [first] = Object.keys(task.operands);
  if (task.operands[first!]?.kind.verbatim) return task.name;
  return [task.name, ...(texts.get(first!)?.slice(0, 1) ?? [])].join(" ");
}

function policyOf(task: AnyTask, args: Values<Fields>, common: Common): PlannedStep["policy"] {
  const pacing = { ...task.pacing, ...task.pacingFor?.(args) };
  return {
    timeout: common.timeout ?? timeLimit.parse(pacing.timeout),
    attemptTimeout: common["attempt-timeout"] ?? timeLimit.parse(pacing["attempt-timeout"]),
    retries: common.retries ?? retries.parse(pacing.retries),
    backoff: common.backoff ?? backoff.parse(pacing.backoff),
    timeoutCode: task.timeoutCode,
  };
}
