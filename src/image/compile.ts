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
  for (const place of placesOf(called[name]!, source)) compile({ scriptId: scriptIds.get(name)!, ...place });
  writeFileSync(join(code, name), script.createCachedData());
}

/** Lines and columns of ascending offsets, both counted from 0. */
function* placesOf(offsets: readonly number[], text: string) {
  let [lineNumber, lineStart, lineEnd] = [0, 0, text.indexOf("\n")];
  for (const offset of offsets) {
    for (; lineEnd >= 0 && lineEnd < offset; lineEnd = text.indexOf("\n", lineStart)) {
      lineNumber++;
      lineStart = lineEnd + 1;
    }
    yield { lineNumber, columnNumber: offset - lineStart };
  }
}

function compile(start: Debugger.Location): void {
  session.post("Debugger.getPossibleBreakpoints", { start, restrictToFunction: true }, (error) => {
    if (error) throw error;
  });
}
