import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Answer, serve, type Source, tagOf } from "../helpers/fault-server.ts";
import { startFileServer } from "../helpers/file-server.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const size = 3000;
const versions = Array.from({ length: 3 }, () => randomBytes(size));

const ranges = ["as it is", "none", "shifted", "longer", "unknown"] as const;

/** What the source is like during one run. */
const turn = fc.record({
  version: fc.nat(versions.length - 1),
  cut: fc.nat(size),
  ignoresRange: fc.boolean(),
  ignoresIfRange: fc.boolean(),
  isChunked: fc.boolean(),
  range: fc.constantFrom(...ranges),
});

type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

function spoil({ headers, from }: Answer, range: Turn["range"]): void {
  if (!headers["content-range"] || range === "as it is") return;
  const spoilt: Record<string, string> = {
    shifted: `bytes ${from + 1}-${size - 1}/${size}`,
    longer: `bytes ${from}-${size - 1}/${size + 1}`,
    unknown: `bytes ${from}-${size - 1}/*`,
  };
  if (range === "none") delete headers["content-range"];
  else headers["content-range"] = spoilt[range]!;
}

test("whatever the source did before, the file is exactly what it has in the end", async (t) => {
  const home = temporary(t);
  let source: Source;
  let number = 0;
  await using server = await startFileServer((asked, response) => serve(source)(asked, response));
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 5 }), async (turns) => {
      const file = join(home, String(number++));
      const words = [`${server.origin}/file`, file, "--retries", "0"];
      for (const { version, cut, range, ...faults } of turns) {
        const content = versions[version]!;
        source = {
          content,
          etag: tagOf(content),
          cuts: [cut, cut],
          spoil: (each) => spoil(each, range),
          ...faults,
        };
        await runTask("download", words);
      }
      const last = versions[turns.at(-1)!.version]!;
      source = { content: last, etag: tagOf(last) };
      assert.notEqual((await runTask("download", words)).status, "failed");
      assert.ok(readFileSync(file).equals(last));
      assert.deepEqual(debris(home), []);
    }),
    { numRuns: 100 },
  );
});
