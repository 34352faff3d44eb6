import { Script } from "node:vm";
import { Failure } from "../failure.ts";
import { kind, type Kind } from "../kinds.ts";
import type { Origin } from "../raw-step.ts";

/** The text of a script, and where its lines stand, if the document knows that. */
export interface ScriptSource {
  readonly text: string;
  readonly origin: Origin | undefined;
}

export const scriptSource: Kind<ScriptSource> = kind(
  "JAVASCRIPT",
  (text, origin) => {
    if (text.trim() === "") throw new Error("is empty; write JavaScript");
    return { text, origin };
  },
  { verbatim: true, schema: { type: "string" } },
);

/** What a script sees besides Node's globals. */
export const scopeNames = [
  "$",
  "YAML",
  "cd",
  "echo",
  "fetch",
  "fs",
  "os",
  "path",
  "process",
  "require",
  "retry",
  "sleep",
  "which",
  "within",
] as const;

export type ScopeName = (typeof scopeNames)[number];

export type Program = (...values: readonly unknown[]) => Promise<void>;

/** What stands before the text: one line, and a block in which the script may declare the names of its scope anew. */
const head = `(async (${scopeNames.join(", ")}) => {"use strict"; {\n`;
const tail = "\n}})";

/**
 * Makes a function of a script, in which `await` may stand anywhere.
 * Its parameters have the names of the scope, in that order.
 * @throws Failure `configuration` for a syntax error, with its line
 */
export function compileScript(source: ScriptSource): Program {
  const { file, line } = originOf(source);
  try {
    const code = `${head}${source.text}${tail}`;
    // The first line of the code is the head's, and lines are counted from 0 here.
    const script = new Script(code, { filename: file, lineOffset: line - 2 });
    return script.runInThisContext() as Program;
  } catch (error) {
    if (error instanceof SyntaxError) throw syntaxFailure(source, error);
    throw error;
  }
}

const originOf = ({ origin }: ScriptSource): Origin => origin ?? { file: "script", line: 1 };

/** What is missing at the end of a script is first noticed behind it. */
const lastLineOf = (source: ScriptSource): number =>
  originOf(source).line + source.text.trimEnd().split("\n").length - 1;

function syntaxFailure(source: ScriptSource, { message, stack = "" }: SyntaxError): Failure {
  const at = new RegExp(`^${RegExp.escape(originOf(source).file)}:([0-9]+)$`, "m").exec(stack);
  const place = at ? ` in ${placeOf(source, Math.min(Number(at[1]), lastLineOf(source)))}` : "";
  return new Failure("configuration", `the script has a syntax error${place}: ${message}`, {
    hint: /\bimport\b/.test(message) ? useRequire : undefined,
  });
}

export const useRequire = 'a script has no import; write const os = require("node:os")';

/**
 * Where in the document an error came from: the innermost line of the script in its stack.
 * @param stack as V8 writes it
 */
export function placeIn(source: ScriptSource, stack: string): string | undefined {
  const { file } = originOf(source);
  const frame = new RegExp(`(?:at |async |\\()${RegExp.escape(file)}:([0-9]+):[0-9]+`).exec(stack);
  return frame ? placeOf(source, Number(frame[1])) : undefined;
}

const placeOf = ({ origin }: ScriptSource, line: number): string =>
  origin ? `${origin.file}:${line}` : `line ${line}`;
