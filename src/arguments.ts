import { commonOptions } from "./common-options.ts";
import { quote } from "./format.ts";
import type { Problems } from "./problems.ts";
import type { Given, RawStep, Value } from "./raw-step.ts";
import { loadStep, loadTask, registry } from "./registry.ts";
import { didYouMean } from "./suggest.ts";
import type { AnyTask, Field } from "./task.ts";

/** The steps of the command line: those of tasks, or the single one of `install DIR`. */
export async function parseArguments(words: readonly Value[], problems: Problems): Promise<RawStep[]> {
  if (words[0]?.text !== "install") return parseSteps(words, problems);
  const step = await parseStep(words, problems, loadStep);
  return step ? [step] : [];
}

/**
 * Words to steps: `TASK [operand…] [option…] [then TASK …]…`. Mistakes go to `problems`; a step with a
 * mistake that hides its shape is left out.
 */
export async function parseSteps(words: readonly Value[], problems: Problems): Promise<RawStep[]> {
  const steps: RawStep[] = [];
  for (const group of splitAtThen(words, problems)) {
    const step = await parseStep(group, problems);
    if (step) steps.push(step);
  }
  return steps;
}

function splitAtThen(words: readonly Value[], problems: Problems): Value[][] {
  const groups: Value[][] = [[]];
  for (const word of words) {
    if (word.text !== "then") groups.at(-1)!.push(word);
    else if (groups.at(-1)!.length > 0) groups.push([]);
    else problems.add(word.place, `"then" has no step before it`);
  }
  if (groups.length > 1 && groups.at(-1)!.length === 0) {
    problems.add(words.at(-1)!.place, `"then" has no step after it`);
  }
  return groups.filter((group) => group.length > 0);
}

async function parseStep(
  [first, ...rest]: readonly Value[],
  problems: Problems,
  load = loadTask,
): Promise<RawStep | undefined> {
  const task = await load(first!.text);
  if (!task) {
    problems.add(first!.place, unknownTask(first!.text), hintForUnknownTask(first!.text));
    return undefined;
  }
  if (task.documentOnly) {
    problems.add(first!.place, `${task.name} can only stand in a document`, hintForDocument(task));
    return undefined;
  }
  return { place: first!.place, task: task.name, ...parseWords(task, rest, problems) };
}

/** A whole line as one word comes from a manifest that has it so in `args`, or from too many quotes. */
function hintForUnknownTask(text: string): string {
  const [first, ...others] = text.trim().split(/\s+/);
  return registry.has(first!) && others.length > 0
    ? 'its words must stand apart, as in args: [wait-for, "tcp://db:5432"], and in a line without quotes around it'
    : "initkit help lists the tasks";
}

const hintForDocument = ({ name }: AnyTask): string =>
  `write "${name}: |" and the text on the lines below it, in a file (-f), in INITKIT_STEPS, or as a mapping in INITKIT_STEP_<KEY>`;

export function unknownTask(name: string): string {
  return `unknown task ${quote(name)}${didYouMean(name, registry.keys())}`;
}

/** The field of an option of this task, common ones and operands with a name included. */
export function fieldOf(task: AnyTask, name: string): Field | undefined {
  return namedFields(task).get(name);
}

function namedFields(task: AnyTask): Map<string, Field> {
  const operands = Object.entries(task.operands).filter(([, field]) => field.named);
  return new Map<string, Field>([
    ...operands,
    ...Object.entries(task.options),
    ...Object.entries(commonOptions),
  ]);
}

export function unknownOption(task: AnyTask, name: string): string {
  return `unknown option ${quote(name)} of ${task.name}${didYouMean(name, namedFields(task).keys())}`;
}

function parseWords(
  task: AnyTask,
  words: readonly Value[],
  problems: Problems,
): Pick<RawStep, "operands" | "options"> {
  const operands: Value[] = [];
  const options = new Map<string, Given>();
  const rest = [...words];
  for (let word = rest.shift(); word; word = rest.shift()) {
    if (word.text === "--") operands.push(...rest.splice(0));
    else if (isOption(word.text)) parseOption(task, word, rest, options, problems);
    else operands.push(word);
  }
  return { operands, options };
}

/** Takes the value of the option from `rest`, where it does not stand in the word itself. */
function parseOption(
  task: AnyTask,
  word: Value,
  rest: Value[],
  options: Map<string, Given>,
  problems: Problems,
): void {
  const { name, value } = splitOption(word);
  const field = fieldOf(task, name);
  const takesNext = value === undefined && field?.kind.bare === undefined;
  if (!field) {
    problems.add(word.place, unknownOption(task, name), hintForUnknown(task));
    if (takesNext && rest[0] && !isOption(rest[0].text)) rest.shift();
    return;
  }
  const given = value ?? (takesNext ? rest.shift() : { text: field.kind.bare!, place: word.place });
  if (given) addOption(options, name, word, given);
  else problems.add(word.place, `${word.text} needs a value (${field.kind.form})`);
}

const isOption = (text: string): boolean => text.startsWith("-") && text !== "-";

function hintForUnknown(task: AnyTask): string {
  const more =
    task.name === "run" ? '; put "--" before the command, so that its own options are left alone' : "";
  return `initkit help ${task.name} lists its options; global options stand before the first task${more}`;
}

function splitOption({ text, place }: Value): { name: string; value?: Value } {
  const [, name, value] = /^(?:--)?([^=]*)(?:=(.*))?$/s.exec(text)!;
  return value === undefined ? { name: name! } : { name: name!, value: { text: value, place } };
}

function addOption(options: Map<string, Given>, name: string, word: Value, value: Value): void {
  const earlier = options.get(name);
  options.set(name, { place: earlier?.place ?? word.place, values: [...(earlier?.values ?? []), value] });
}
