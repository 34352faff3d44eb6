import type { Plan, PlannedStep } from "./plan.ts";

type Redact = (text: string) => string;

/** The plan as a document that could be run again, secrets aside. */
export function describePlan({ timeout, steps }: Plan, redact: Redact): string {
  const head = timeout === Infinity ? [] : [`timeout: ${exact(timeout)}`];
  return [...head, "steps:", ...steps.flatMap((step) => describeStep(step, redact)), ""].join("\n");
}

const exact = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

function describeStep({ task, texts }: PlannedStep, redact: Redact): string[] {
  const fields = { ...task.operands, ...task.options };
  const value = (values: readonly string[], name?: string): string => {
    const escape = fields[name ?? ""]?.kind.verbatim ? (text: string) => text : escapePlaceholders;
    const scalars = values.map((text) => scalar(escape(redact(text))));
    return scalars.length === 1 ? scalars[0]! : `[${scalars.join(", ")}]`;
  };
  const positional = Object.entries(task.operands).flatMap(([name, { named }]) => (named ? [] : [name]));
  const operands = positional.flatMap((name) => texts.get(name) ?? []);
  const rest = [...texts].filter(([name]) => !positional.includes(name));
  return [
    `  - ${task.name}: ${value(operands, positional[0])}`,
    ...rest.map(([name, values]) => `    ${name}: ${value(values, name)}`),
  ];
}

const escapePlaceholders = (text: string): string => text.replaceAll("${", () => "$${");

/** A plain scalar where YAML reads it back as the same text wherever it stands, else a quoted one. */
function scalar(text: string): string {
  const isPlain = /^(?!null$)[A-Za-z0-9/.][A-Za-z0-9/._-]*$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
