import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commonOptions } from "../../src/common-options.ts";
import { exitTable } from "../../src/failure.ts";
import { globalOptions, variableOf } from "../../src/globals.ts";
import { described, usage } from "../../src/help.ts";
import { loadTasks } from "../../src/registry.ts";
import type { Field, Fields, HelpTable } from "../../src/task.ts";

const root = join(import.meta.dirname, "../..");
export const readmePath = join(root, "README.md");

const block = /(<!-- generated: (\S+)(?: (\S+))? -->)\n(?:[^]*?\n)??<!-- end -->/g;

/** The README with every generated block made anew from the code and the tested manifests. */
export async function regenerate(readme: string): Promise<string> {
  const generators = await allGenerators();
  return readme.replace(block, (_, head: string, name: string, operand: string | undefined) => {
    const generate = generators.get(name);
    if (!generate) throw new Error(`no generator ${name}`);
    return `${head}\n\n${generate(operand ?? "")}\n\n<!-- end -->`;
  });
}

type Generator = (operand: string) => string;

async function allGenerators(): Promise<ReadonlyMap<string, Generator>> {
  const tasks = await loadTasks();
  const byName = new Map(tasks.map((task) => [task.name, task]));
  return new Map<string, Generator>([
    [
      "tasks",
      () =>
        table(
          ["task", "what it does"],
          tasks.map(({ name, summary }) => [`[\`${name}\`](#${name})`, summary]),
        ),
    ],
    ["usage", (name) => `\`${usage(byName.get(name)!)}\`\n\n${byName.get(name)!.summary}`],
    ["table", (name) => helpTable(byName.get(name)!.table!)],
    ["options", (name) => optionTable(byName.get(name)!.options)],
    ["common", () => optionTable(commonOptions)],
    ["pacing", () => pacingTable(tasks.map(({ name, pacing }) => [name, { ...pacing }]))],
    [
      "globals",
      () => table(["option", "variable", "meaning"], Object.entries<Field>(globalOptions).map(globalRow)),
    ],
    [
      "exit-codes",
      () => table(["code", "name", "meaning", "another try can help"], exitTable().map(exitRow)),
    ],
    ["manifest", (file) => fenced("yaml", readFileSync(join(root, "test/manifests", file), "utf8"))],
  ]);
}

const globalRow = ([name, field]: readonly [string, Field]): string[] => [
  form(name, field),
  `\`${variableOf(name)}\``,
  described(field),
];

type ExitRow = ReturnType<typeof exitTable>[number];
const exitRow = ({ shown, code, meaning, retryable }: ExitRow): string[] => [
  shown,
  `\`${code}\``,
  meaning,
  retryable ? "yes" : "no",
];

const helpTable = ({ head, rows }: HelpTable): string =>
  table(
    head,
    rows().map(([left, right]) => [
      left
        .split(", ")
        .map((each) => `\`${each}\``)
        .join(", "),
      right,
    ]),
  );

const optionTable = (fields: Fields): string =>
  table(
    ["option", "meaning"],
    Object.entries(fields).map(([name, field]) => [form(name, field), described(field)]),
  );

function pacingTable(
  rows: readonly (readonly [name: string, pacing: Readonly<Record<string, string>>])[],
): string {
  const columns = ["timeout", "attempt-timeout", "retries", "backoff"];
  return table(
    ["task", ...columns],
    rows.map(([name, pacing]) => [
      `\`${name}\``,
      ...columns.map((column) => shownDefault(column, pacing[column]!)),
    ]),
  );
}

const shownDefault = (name: string, value: string): string =>
  value === "0" && name !== "retries" ? "none" : value;

function form(name: string, { kind, repeated }: Field): string {
  const value = kind.form === "" ? "" : kind.bare === undefined ? ` ${kind.form}` : `[=${kind.form}]`;
  return `\`${name}${value}\`${repeated ? " (repeatable)" : ""}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [cells(head), cells(head.map(() => "---")), ...rows.map(cells)].join("\n");
}

const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
