import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareVersions, parseVersion } from "../../src/migrate/version.ts";

test("leading zeros and trailing zero components make no other version", () => {
  for (const text of ["2", "002", "2.0", "2.0.00", "02.0"]) assert.equal(parseVersion(text), "2");
  assert.equal(parseVersion("0.0"), "0");
  assert.equal(parseVersion("1.0.10"), "1.0.10");
});

test("what is not digits and dots is no version", () => {
  for (const text of ["", "1.", ".1", "1..2", "v1", "1_2", "1a", "-1"]) {
    assert.throws(() => parseVersion(text), /not a version/);
  }
});

test("versions sort by the numbers of their components, however long", () => {
  const sorted = ["0", "1", "1.2", "1.10", "2", "10", "20261122123456", "99999999999999999999999999"];
  const shuffled = [...sorted].reverse();
  assert.deepEqual(shuffled.sort(compareVersions), sorted);
});

test("the order of versions is that of their numbers", () => {
  const number = fc.bigInt({ min: 0n, max: 10n ** 30n });
  fc.assert(
    fc.property(
      fc.array(number, { minLength: 1, maxLength: 4 }),
      fc.array(number, { minLength: 1, maxLength: 4 }),
      (a, b) => {
        const [left, right] = [a, b].map((parts) => parseVersion(parts.join(".")));
        const length = Math.max(a.length, b.length);
        const at = Array.from({ length }, (_, index) => index).find(
          (index) => (a[index] ?? 0n) !== (b[index] ?? 0n),
        );
        const expected = at === undefined ? 0 : (a[at] ?? 0n) < (b[at] ?? 0n) ? -1 : 1;
        assert.equal(Math.sign(compareVersions(left!, right!)), expected);
      },
    ),
  );
});
