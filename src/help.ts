import { commonOptions } from "./common-options.ts";
import { unknownTask } from "./arguments.ts";
import { Failure } from "./failure.ts";
import { globalOptions, variableOf } from "./globals.ts";
import { loadStep, loadTasks } from "./registry.ts";
import type { AnyTask, Field, Fields, Pacing } from "./task.ts";

/**
 * The help of initkit, or of one task.
 * @throws Failure `configuration` for a task that there is not
 */
export async function help(name?: string): Promise<string> {
  if (name === undefined) return overview(await loadTasks());
  const task = await loadStep(name);
  if (!task) throw new Failure("configuration", unknownTask(name), { hint: "initkit help lists the tasks" });
  return taskHelp(task);
}

function overview(tasks: readonly AnyTask[]): string {
  return lines(
    "initkit runs the steps that a pod needs done before its main container starts.",
    "",
    "Usage:",
    "  initkit [global option…] TASK [operand…] [option…] [then TASK …]…",
    "  initkit [global option…] -f FILE",
    "  initkit check …       validate the same steps, print the plan, touch nothing",
    "  initkit install DIR   copy initkit into DIR, for use inside other images",
    "  initkit schema        print the JSON Schema of a document of steps",
    "  initkit help [TASK]   print this, or the options of a task",
    "  initkit --version",
    "",
    "Steps also come from INITKIT_FILE, from INITKIT_STEPS (a document), or from INITKIT_STEP_<KEY> (one step each).",
    "",
    "Tasks:",
    ...table(tasks.map(({ name, summary }) => [name, summary])),
    "",
    "Global options:",
    ...table(
      Object.entries(globalOptions).map(([name, field]) => [
        flagForm(name, field),
        `${described(field)} [${variableOf(name)}]`,
      ]),
    ),
    "",
    "Options of every step:",
    ...optionTable(commonOptions),
  );
}

function taskHelp(task: AnyTask): string {
  return lines(
    task.summary,
    "",
    "Usage:",
    `  ${usage(task)}`,
    "",
    ...table(Object.entries(task.operands).map(([name, { summary }]) => [operandForm(name), summary])),
    ...(task.table ? ["", `${task.table.head.join(", ")}:`, ...table(task.table.rows())] : []),
    ...(Object.keys(task.options).length > 0 ? ["", "Options:", ...optionTable(task.options)] : []),
    "",
    "Options of every step:",
    ...optionTable(withPacing(task.pacing)),
  );
}

/** How a step of this task is written in arguments or, where that cannot be, in a document. */
export function usage({ name, operands, usage: given, documentOnly }: AnyTask): string {
  const words = Object.entries(operands).map(
    ([operand, { repeated }]) => `${operandForm(operand)}${repeated ? "…" : ""}`,
  );
  if (documentOnly) return `${name}: ${words.join(" ")}`;
  return `initkit ${name} ${given ?? `${words.join(" ")} [option…]`}`;
}

const operandForm = (name: string): string => name.toUpperCase();

/** The common options with the defaults that a task gives them. */
export function withPacing(pacing: Pacing): Fields {
  const defaults: Readonly<Record<string, string>> = { ...pacing };
  const entries = Object.entries<Field>(commonOptions);
  return Object.fromEntries(
    entries.map(([name, field]) => [
      name,
      defaults[name] === undefined ? field : { ...field, default: defaults[name] },
    ]),
  );
}

const optionTable = (fields: Fields): string[] =>
  table(Object.entries(fields).map(([name, field]) => [flagForm(name, field), described(field)]));

function flagForm(name: string, { kind, repeated }: Field): string {
  const value = kind.bare === undefined ? ` ${kind.form}` : kind.form && `[=${kind.form}]`;
  return `--${name}${value}${repeated ? " …" : ""}`;
}

/** What an option does, with its default where that tells something. */
export function described({ summary, default: fallback }: Field): string {
  return fallback === undefined || fallback === "false" ? summary : `${summary} (default ${fallback})`;
}

function table(rows: readonly (readonly [left: string, right: string])[]): string[] {
  const width = Math.min(Math.max(...rows.map(([left]) => left.length)), 30);
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

const lines = (...all: string[]): string => `${all.join("\n")}\n`;
