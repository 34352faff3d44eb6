import { fieldOf, unknownOption, unknownTask } from "./arguments.ts";
import { quote } from "./format.ts";
import { isList, jointOf, type Kind } from "./kinds.ts";
import type { Problems } from "./problems.ts";
import type { Given, RawStep, Value } from "./raw-step.ts";
import { loadTask, registry } from "./registry.ts";
import { didYouMean } from "./suggest.ts";
import type { AnyTask, Field } from "./task.ts";
import { type Entry, parseTree, type Tree } from "./yaml-tree.ts";

export interface StepsDocument {
  readonly timeout?: Value;
  readonly steps: readonly RawStep[];
}

/**
 * The steps of a whole document: a list of steps, or a mapping with `steps` and `timeout`. Mistakes go to `problems`.
 * @param name what stands before `:line:column` in messages
 */
export async function readDocumentText(
  text: string,
  name: string,
  problems: Problems,
): Promise<StepsDocument> {
  const root = await parseTree(text, name, problems);
  switch (root?.shape) {
    case undefined:
      return { steps: [] };
    case "list":
      return { steps: await readSteps(root.items, problems) };
    case "mapping":
      return readMapping(root.entries, root.place, problems);
    case "nothing":
      problems.add(name, "the document is empty");
      return { steps: [] };
    case "text":
      problems.add(root.place, "the document is neither a list of steps nor a mapping with steps");
      return { steps: [] };
  }
}

/** One step, written as a mapping. */
export async function readStepText(
  text: string,
  name: string,
  problems: Problems,
): Promise<RawStep | undefined> {
  const root = await parseTree(text, name, problems);
  return root && readStep(root, problems);
}

async function readMapping(
  entries: readonly Entry[],
  place: string,
  problems: Problems,
): Promise<StepsDocument> {
  const unknown = entries.filter(({ key }) => key !== "steps" && key !== "timeout");
  for (const { key, place: at } of unknown) problems.add(at, `unknown key ${quote(key)}${suggestKey(key)}`);
  const steps = entries.find(({ key }) => key === "steps")?.value;
  const timeout = entries.find(({ key }) => key === "timeout");
  const value = timeout && readText(timeout.value, "timeout", problems);
  if (steps && steps.shape !== "list") problems.add(steps.place, "steps is not a list");
  else if (!steps && unknown.length === 0) problems.add(place, "the document has no steps");
  const read = steps?.shape === "list" ? await readSteps(steps.items, problems) : [];
  return { steps: read, ...(value && { timeout: value }) };
}

function suggestKey(key: string): string {
  if (registry.has(key)) return "; a step stands in a list, with a dash before it";
  return didYouMean(key, ["steps", "timeout"]);
}

async function readSteps(items: readonly Tree[], problems: Problems): Promise<RawStep[]> {
  const steps: RawStep[] = [];
  for (const item of items) {
    const step = await readStep(item, problems);
    if (step) steps.push(step);
  }
  return steps;
}

/** The name of a task may also be an option of another one: `extract` is of `download`. */
async function readStep(tree: Tree, problems: Problems): Promise<RawStep | undefined> {
  const wrong = (place: string, message: string, hint?: string): undefined => {
    problems.add(place, message, hint);
  };
  if (tree.shape !== "mapping")
    return wrong(tree.place, "a step is a mapping, such as wait-for: tcp://db:5432");
  const named = tree.entries.filter(({ key }) => registry.has(key));
  if (named.length === 0) {
    const hint = tree.entries.map(({ key }) => hintForKey(key)).find(Boolean);
    return wrong(tree.place, missingTask(tree.entries), hint);
  }
  const tasks = await Promise.all(named.map(async ({ key }) => (await loadTask(key))!));
  const task = tasks.find((each) => named.every(({ key }) => key === each.name || fieldOf(each, key)));
  if (!task) {
    const names = named.map(({ key }) => key).join(" and ");
    return wrong(named[1]!.place, `one step has two tasks, ${names}; make two steps of it`);
  }
  const first = named.find(({ key }) => key === task.name)!;
  const [operand] = Object.values(task.operands);
  const operands =
    first.value.shape === "nothing" ? [] : readValues(first.value, task.name, operand, problems);
  const options = readOptions(
    task,
    tree.entries.filter((entry) => entry !== first),
    problems,
  );
  return { place: tree.place, task: task.name, operands, options };
}

function missingTask(entries: readonly Entry[]): string {
  const suspect = entries
    .map(({ key }) => unknownTask(key))
    .find((message) => message.includes("did you mean"));
  const keys = entries.map(({ key }) => quote(key)).join(", ");
  return suspect ?? `a step needs a task as one of its keys; it has ${keys || "no keys"}`;
}

function readOptions(task: AnyTask, entries: readonly Entry[], problems: Problems): Map<string, Given> {
  const options = new Map<string, Given>();
  for (const { key, place, value } of entries) {
    const field = fieldOf(task, key);
    if (field) options.set(key, { place, values: readValues(value, key, field, problems) });
    else problems.add(place, unknownOption(task, key), hintForKey(key));
  }
  return options;
}

const hintForKey = (key: string): string | undefined =>
  key === "<<"
    ? "YAML 1.2 has no merge keys; repeat a whole step or value by its alias, or write it out"
    : undefined;

/** A text is one value, a list several; a mapping is a list of names with values where the field takes such. */
function readValues(tree: Tree, name: string, field: Field | undefined, problems: Problems): Value[] {
  const pairs = pairsIn(tree, field);
  if (pairs) return pairs.flatMap((pair) => readPair(pair, field!.kind, problems) ?? []);
  if (tree.shape !== "list") return [readText(tree, name, problems) ?? []].flat();
  const values = tree.items.flatMap((item) => readItem(item, name, field, problems) ?? []);
  if (!field || field.repeated || !isList(field.kind) || values.length === 0) return values;
  return [{ place: tree.place, text: values.map(({ text }) => text).join(",") }];
}

function readItem(item: Tree, name: string, field: Field | undefined, problems: Problems): Value | undefined {
  const pairs = pairsIn(item, field) ?? [];
  if (pairs.length === 1 && isHeader(field)) return readPair(pairs[0]!, field!.kind, problems);
  const hint =
    pairs.length > 0 ? `write each as ${field!.kind.form}, or all of them as one mapping` : undefined;
  return readText(item, `an item of ${name}`, problems, hint);
}

const pairsIn = (tree: Tree, field: Field | undefined): readonly Entry[] | undefined =>
  tree.shape === "mapping" && field?.repeated && jointOf(field.kind) ? tree.entries : undefined;

/** `- Accept: text/plain` without quotes is a mapping, and nobody can mean another thing by it. */
const isHeader = (field: Field | undefined): boolean => field !== undefined && jointOf(field.kind) === ": ";

function readPair({ key, value }: Entry, kind: Kind<unknown>, problems: Problems): Value | undefined {
  const content = readText(value, key, problems);
  return content && { ...content, text: `${key}${jointOf(kind)}${content.text}` };
}

function readText(tree: Tree, name: string, problems: Problems, hint?: string): Value | undefined {
  if (tree.shape === "text") return { text: tree.text, place: tree.place, origin: tree.origin };
  problems.add(
    tree.place,
    tree.shape === "nothing" ? `${name} has no value` : `${name} is a ${tree.shape}, not a text`,
    hint,
  );
  return undefined;
}
