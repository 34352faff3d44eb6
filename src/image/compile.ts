import { readFileSync, writeFileSync } from "node:fs";
import { type Debugger, Session } from "node:inspector";
import { join } from "node:path";
import { Script } from "node:vm";
import type { Called } from "./rehearsal.ts";

// Compiles the parts of initkit, and in each the functions that are listed for it, without running any:
//   node src/image/compile.ts PARTS LIST CODE
// V8 has no call for that, but its debugger compiles a function when it is asked where that can be stopped
// (https://chromedevtools.github.io/devtools-protocol/tot/Debugger/#method-getPossibleBreakpoints).

const [parts = "", list = "", code = ""] = process.argv.slice(2);
const called: Called = JSON.parse(readFileSync(list, "utf8"));

const session = new Session();
session.connect();
const scriptIds = new Map<string, string>();
session.on("Debugger.scriptParsed", ({ params }) => scriptIds.set(params.url, params.scriptId));
session.post("Debugger.enable");

for (const name of Object.keys(called).toSorted()) {
  const source = readFileSync(join(parts, name), "latin1");
  const script = new Script(source, { filename: name });
  // A part is a function that is only made here. Before, the debugger does not know the script.
  script.runInThisContext();
  for (const start of called[name]!) compile({ scriptId: scriptIds.get(name)!, ...place(source, start) });
  writeFileSync(join(code, name), script.createCachedData());
}

/** Line and column of an offset, both counted from 0. */
function place(source: string, offset: number): { lineNumber: number; columnNumber: number } {
  const before = source.slice(0, offset);
  return {
    lineNumber: before.split("\n").length - 1,
    columnNumber: before.length - 1 - before.lastIndexOf("\n"),
  };
}

function compile(start: Debugger.Location): void {
  session.post("Debugger.getPossibleBreakpoints", { start, restrictToFunction: true }, (error) => {
    if (error) throw error;
  });
}
