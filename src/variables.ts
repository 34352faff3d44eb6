import { quote } from "./format.ts";
import { globalOptions, variableOf } from "./globals.ts";
import type { Problems } from "./problems.ts";
import type { Value } from "./raw-step.ts";
import { didYouMean } from "./suggest.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const stepPrefix = "INITKIT_STEP_";

/** The names of the variables that initkit reads, without the steps. */
const knownVariables: readonly string[] = [...Object.keys(globalOptions).map(variableOf), "INITKIT_STEPS"];

/** The steps of `INITKIT_STEP_<KEY>`, by KEY in natural order. An empty one is taken out. */
export function stepVariables(env: Environment): Value[] {
  return Object.entries(env)
    .filter(([name, value]) => isStep(name) && value?.trim() && !isInjected(name, value))
    .map(([name, value]) => ({ place: name, text: value! }))
    .sort((a, b) => naturalOrder(a.place.slice(stepPrefix.length), b.place.slice(stepPrefix.length)));
}

const isStep = (name: string): boolean => name.startsWith(stepPrefix) && name.length > stepPrefix.length;

/** Variables `INITKIT_…` that mean nothing are mistakes: a typo must not take an option away in silence. */
export function rejectUnknownVariables(env: Environment, problems: Problems): void {
  for (const [name, value = ""] of Object.entries(env)) {
    if (
      value === "" ||
      !name.startsWith("INITKIT_") ||
      isStep(name) ||
      knownVariables.includes(name) ||
      isInjected(name, value)
    )
      continue;
    if (name === stepPrefix) problems.add(name, "has no key behind it; write INITKIT_STEP_10_NAME");
    else problems.add(name, `unknown variable with the value ${quote(value)}${suggestion(name)}`);
  }
}

const suggestion = (name: string): string =>
  didYouMean(name, [...knownVariables, stepPrefix]).replace(`${stepPrefix}?`, `${stepPrefix}<KEY>?`);

const address = String.raw`(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+)`;
const injected: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/_SERVICE_HOST$/, new RegExp(`^${address}$`)],
  [/_SERVICE_PORT(_[A-Z0-9_]+)?$/, /^\d+$/],
  [
    /_PORT(_\d+_(TCP|UDP|SCTP))?$/,
    new RegExp(String.raw`^(tcp|udp|sctp)://(${address}|\[${address}\]):\d+$`),
  ],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PROTO$/, /^(tcp|udp|sctp)$/],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PORT$/, /^\d+$/],
  [/_PORT_\d+_(TCP|UDP|SCTP)_ADDR$/, new RegExp(`^${address}$`)],
];

/** What the kubelet sets for a Service whose name begins with `initkit` (Kubernetes, "Environment variables"). */
function isInjected(name: string, value: string): boolean {
  return injected.some(([nameForm, valueForm]) => nameForm.test(name) && valueForm.test(value));
}

/** Runs of digits compare as numbers, everything else by code unit: `2` stands before `10`. */
function naturalOrder(a: string, b: string): number {
  const [as, bs] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.min(as.length, bs.length); at++) {
    const order = compareParts(as[at]!, bs[at]!);
    if (order !== 0) return order;
  }
  return as.length - bs.length || (a < b ? -1 : a > b ? 1 : 0);
}

const partsOf = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];

function compareParts(a: string, b: string): number {
  if (/^\d/.test(a) && /^\d/.test(b)) {
    const [x, y] = [BigInt(a), BigInt(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
