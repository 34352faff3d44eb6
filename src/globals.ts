import { quote } from "./format.ts";
import { interpolate, type Surroundings } from "./interpolate.ts";
import { kind, oneOf, path, timeLimit } from "./kinds.ts";
import type { Problems } from "./problems.ts";
import type { Value } from "./raw-step.ts";
import { didYouMean } from "./suggest.ts";
import { option, type Fields, type Values } from "./task.ts";

/** The global options. Each has a variable: `--log-format` is INITKIT_LOG_FORMAT. */
export const globalOptions = {
  file: option(path, "read the steps from this file, YAML or JSON; - is standard input (also -f)"),
  timeout: option(timeLimit, "bound on the whole run; 0 for none"),
  "log-format": option(
    oneOf("auto", "text", "json"),
    "text, or json lines; auto is text on a terminal",
    "auto",
  ),
  "log-level": option(oneOf("error", "warn", "info", "debug"), "what is logged", "info"),
  "termination-log": option(
    kind("PATH", (value) => value),
    "where the reason of a failure is written; /dev/termination-log where it exists, empty for nowhere",
  ),
  report: option(path, "write a report of the run, one JSON object, to this file"),
} satisfies Fields;

export type Globals = Values<typeof globalOptions>;
export type GlobalName = keyof typeof globalOptions;

const commands = ["check", "schema", "help"] as const;
type Command = "run" | "version" | (typeof commands)[number];

export interface CommandLine {
  readonly command: Command;
  readonly options: ReadonlyMap<GlobalName, Value>;
  /** What stands behind the global options: the steps, or the operand of help. */
  readonly words: readonly Value[];
}

/** Reads the global options and the command; everything behind them is left as words. */
export function parseCommandLine(argv: readonly string[], problems: Problems): CommandLine {
  const words = argv.map((text, index) => ({ text, place: `argument ${index + 1}` }));
  const options = new Map<GlobalName, Value>();
  let command: Command = "run";
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    const named = commands.find((name) => name === word.text);
    if (named && command === "run") command = named;
    else if (word.text === "--version") command = "version";
    else if (/^(-h|--help)$/.test(word.text)) command = "help";
    else if (word.text.startsWith("-") && word.text !== "-")
      at += readOption(word, words[at + 1], options, problems);
    else break;
  }
  const rest = words.slice(at);
  rejectWords(command, rest, problems);
  return asksForHelp(rest)
    ? { command: "help", options, words: rest.slice(0, 1) }
    : { command, options, words: rest };
}

/** Only steps take more than one word. */
function rejectWords(command: Command, words: readonly Value[], problems: Problems): void {
  if (command === "run" || command === "check") return;
  for (const { text, place } of words.slice(command === "help" ? 1 : 0)) {
    problems.add(place, `${quote(text)} is one word too many for initkit ${command}`);
  }
}

/** `--help` among the words of a step asks for help; behind `--` it belongs to a command. */
function asksForHelp(words: readonly Value[]): boolean {
  const end = words.findIndex(({ text }) => text === "--");
  return words.slice(0, end < 0 ? words.length : end).some(({ text }) => text === "--help");
}

/** Answers how many further words the option took. */
function readOption(
  word: Value,
  next: Value | undefined,
  options: Map<GlobalName, Value>,
  problems: Problems,
): number {
  const [, written, inline] = /^(?:--)?([^=]*)(?:=(.*))?$/s.exec(word.text)!;
  const name = written === "-f" ? "file" : written!;
  if (!isGlobal(name)) {
    const help = didYouMean(name, Object.keys(globalOptions));
    problems.add(
      word.place,
      `unknown global option ${quote(word.text)}${help}`,
      "options of a task stand behind the task",
    );
    return 0;
  }
  const value = inline === undefined ? next : { text: inline, place: word.place };
  if (!value) problems.add(word.place, `${word.text} needs a value (${globalOptions[name].kind.form})`);
  else if (options.has(name)) problems.add(word.place, `${word.text} is given twice`);
  else options.set(name, value);
  return inline === undefined ? 1 : 0;
}

const isGlobal = (name: string): name is GlobalName => Object.hasOwn(globalOptions, name);

export const variableOf = (name: string): string => `INITKIT_${name.toUpperCase().replaceAll("-", "_")}`;

/** The value of each global option: flag, else variable, else default. An empty variable counts as unset. */
export function resolveGlobals(
  flags: ReadonlyMap<GlobalName, Value>,
  surroundings: Surroundings,
  problems: Problems,
): Globals {
  const parsed = (Object.keys(globalOptions) as GlobalName[]).map((name) => {
    const field = globalOptions[name];
    const given = flags.get(name) ?? variableIn(surroundings.env, name);
    const fallback = "default" in field ? field.kind.parse(field.default!) : undefined;
    if (!given) return [name, fallback];
    const text = problems.catch(given.place, name, () => interpolate(given.text, surroundings));
    if (text === undefined) return [name, fallback];
    const parse = () => field.kind.parse(text);
    return [name, problems.catch(given.place, `${name} ${quote(text)}`, parse) ?? fallback];
  });
  return Object.fromEntries(parsed) as Globals;
}

function variableIn(env: Surroundings["env"], name: GlobalName): Value | undefined {
  const text = env[variableOf(name)];
  return text ? { text, place: variableOf(name) } : undefined;
}
