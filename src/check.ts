import { formatMs } from "./format.ts";
import type { Plan, PlannedStep } from "./plan.ts";

/** The plan as a document that could be run again, secrets aside. */
export function describePlan({ timeout, steps }: Plan): string {
  const head = timeout === Infinity ? [] : [`timeout: ${formatMs(timeout)}`];
  return [...head, "steps:", ...steps.flatMap(describeStep), ""].join("\n");
}

function describeStep({ task, texts }: PlannedStep): string[] {
  const positional = Object.entries(task.operands).filter(([, { named }]) => !named);
  const operands = positional.flatMap(([name]) => texts.get(name) ?? []);
  const rest = [...texts].filter(([name]) => positional.every(([operand]) => operand !== name));
  return [
    `  - ${task.name}: ${value(operands)}`,
    ...rest.map(([name, values]) => `    ${name}: ${value(values)}`),
  ];
}

const value = (texts: readonly string[]): string =>
  texts.length === 1 ? scalar(texts[0]!) : `[${texts.map(scalar).join(", ")}]`;

/** A plain scalar where YAML reads it back as the same text wherever it stands, else a quoted one. */
const scalar = (text: string): string =>
  /^(?!null$)[A-Za-z0-9/.][A-Za-z0-9/._-]*$/i.test(text) ? text : JSON.stringify(text);
