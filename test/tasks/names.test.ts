import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { runTask } from "../helpers/run-task.ts";
import { debris } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

/** Names as a file system takes them: 1 to 255 bytes, among them quotes, line ends and what a shell takes for its own. */
const character = fc.oneof(
  fc.constantFrom(..."\n\t'\"\\ $*?[]{}~#;&|<>-".split(""), "é", "漢", "🙂"),
  fc.string({ minLength: 1, maxLength: 1 }),
);
const textName = fc
  .array(character, { minLength: 1, maxLength: 255 })
  .map((all) => all.join(""))
  .filter((name) => !/[/\0]/.test(name) && name.isWellFormed() && !/^\.{1,2}$|^\.\.|^\.initkit/.test(name))
  .filter((name) => Buffer.byteLength(name) <= 255);
const longest = ["x".repeat(255), "é".repeat(127), `${"'".repeat(254)}\n`];
const byteName = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0xff : byte))))
  .filter((name) => !/^\.{1,2}$/.test(name.toString()));
const texts = fc.uniqueArray(textName, { maxLength: 5 }).map((names) => [...new Set([...names, ...longest])]);

/** As a user writes it in an argument, where `${` begins a placeholder. */
const argument = (path: string): string => path.replaceAll("${", () => "$${");

test("copy, write and remove take names of any text, and of up to 255 bytes", async (t) => {
  await fc.assert(
    fc.asyncProperty(texts, async (names) => {
      const home = temporary(t);
      mkdirSync(join(home, "from"));
      for (const name of names) writeFileSync(join(home, "from", name), name);
      assert.equal((await runTask("copy", [join(home, "from"), join(home, "to")])).status, "done");
      for (const name of names) {
        assert.equal(readFileSync(join(home, "to", name), "utf8"), name);
        const words = ["--from", join(home, "from", name), "--append", "--", join(home, "to", name)].map(
          argument,
        );
        assert.equal((await runTask("write", words)).status, "unchanged");
      }
      assert.deepEqual(readdirSync(join(home, "to")).toSorted(), names.toSorted());
      assert.deepEqual(debris(home), []);
      assert.equal((await runTask("remove", [join(home, "to")])).status, "done");
      assert.deepEqual(readdirSync(home), ["from"]);
    }),
    { numRuns: 20 },
  );
});

test("permissions and remove take names of any bytes", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(byteName, { minLength: 1, maxLength: 8, comparator: (a, b) => a.equals(b) }),
      async (names) => {
        const home = temporary(t);
        const folder = join(home, "folder");
        mkdirSync(folder);
        const paths = names.map((name) => Buffer.concat([Buffer.from(`${folder}/`), name]));
        for (const path of paths) writeFileSync(path, "", { mode: 0o600 });
        assert.equal((await runTask("permissions", [folder, "--mode", "u=rwX,go=r"])).status, "done");
        for (const path of paths) assert.equal(lstatSync(path).mode & 0o777, 0o644);
        assert.equal((await runTask("remove", [folder])).status, "done");
        assert.deepEqual(readdirSync(home), []);
      },
    ),
    { numRuns: 30 },
  );
});
