import { commonOptions } from "./common-options.ts";
import { isList, jointOf, timeLimit, type JsonSchema } from "./kinds.ts";
import { loadTasks } from "./registry.ts";
import type { AnyTask, Field } from "./task.ts";

/** The JSON Schema (draft 2020-12) of a document of steps, made from the fields of the tasks. */
export async function documentSchema(): Promise<JsonSchema> {
  const tasks = await loadTasks();
  const steps = { type: "array", minItems: 1, items: { $ref: "#/$defs/step" } };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "initkit steps",
    anyOf: [
      steps,
      {
        type: "object",
        required: ["steps"],
        properties: { timeout: valueSchema(timeLimit.schema), steps },
        additionalProperties: false,
      },
    ],
    $defs: {
      placeholder: { type: "string", pattern: String.raw`\$\{` },
      step: { oneOf: tasks.map(({ name }) => ({ $ref: `#/$defs/${name}` })) },
      ...Object.fromEntries(tasks.map((task) => [task.name, stepSchema(task)])),
    },
  };
}

function stepSchema(task: AnyTask): JsonSchema {
  const named = Object.entries(task.operands).filter(([, field]) => field.named);
  const options = [...named, ...Object.entries(task.options), ...Object.entries<Field>(commonOptions)];
  const properties = options.map(([name, field]) => [name, fieldSchema(field)] as const);
  return {
    type: "object",
    description: task.summary,
    required: [task.name],
    properties: { [task.name]: operandSchema(task), ...Object.fromEntries(properties) },
    additionalProperties: false,
  };
}

/** The operands stand as one value or as a list of all of them. */
function operandSchema({ operands }: AnyTask): JsonSchema {
  const kinds = Object.values(operands).map(({ kind }) => valueSchema(kind.schema));
  const value = kinds.length === 1 ? kinds[0]! : { anyOf: kinds };
  const description = Object.entries(operands)
    .map(([name, { summary }]) => `${name}: ${summary}`)
    .join("; ");
  const mapping = Object.values(operands).flatMap((field) => mappingOf(field));
  return { description, anyOf: [value, { type: "array", minItems: 1, items: value }, ...mapping] };
}

/** Names with values may stand in a mapping. */
const mappingOf = ({ kind, repeated }: Field): JsonSchema[] =>
  repeated && jointOf(kind) ? [{ type: "object", additionalProperties: valueSchema(kind.schema) }] : [];

function fieldSchema(field: Field): JsonSchema {
  const { kind, summary, repeated, default: fallback } = field;
  const value = valueSchema(kind.schema);
  const described = { description: summary, ...(fallback !== undefined && { default: fallback }) };
  if (!repeated && isList(kind))
    return { ...described, anyOf: [value, { type: "array", minItems: 1, items: value }] };
  return repeated
    ? { ...described, anyOf: [value, { type: "array", items: value }, ...mappingOf(field)] }
    : { ...described, ...value };
}

/** Any value may come from a variable or a file. */
const valueSchema = (schema: JsonSchema): JsonSchema => ({
  anyOf: [schema, { $ref: "#/$defs/placeholder" }],
});
