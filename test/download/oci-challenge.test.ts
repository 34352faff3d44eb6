import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChallenges } from "../../src/download/oci/challenge.ts";

const read = (fields: string | string[] | undefined) =>
  parseChallenges(fields).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test("a challenge is read as registries write it", () => {
  assert.deepEqual(
    read(
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    ),
    [
      [
        "bearer",
        {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:a/b:pull,push",
        },
      ],
    ],
  );
  assert.deepEqual(read("BASIC Realm=x"), [["basic", { realm: "x" }]]);
  assert.deepEqual(read(undefined), []);
});

test("several challenges are told apart, in one field and in several", () => {
  const both = [
    ["negotiate", {}],
    ["basic", { realm: 'a "b", c' }],
  ];
  assert.deepEqual(read('Negotiate YWJj==, Basic realm="a \\"b\\", c"'), both);
  assert.deepEqual(read(["Negotiate", 'Basic realm="a \\"b\\", c"']), both);
});

test("what follows nonsense is not read", () => {
  assert.deepEqual(read('Basic realm="x", @@@ Bearer realm="y"'), [["basic", { realm: "x" }]]);
  assert.deepEqual(read('realm="x"'), []);
});

const token = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,10}$/);
const challenges = fc.array(
  fc.record({ scheme: token, parameters: fc.dictionary(token, fc.string({ unit: "binary-ascii" })) }),
);
const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;

test("challenges are read as they were written", () => {
  fc.assert(
    fc.property(challenges, (written) => {
      const fields = written.map(({ scheme, parameters }) => {
        const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${quoted(value)}`);
        return `${scheme} ${pairs.join(", ")}`;
      });
      const expected = written.map(({ scheme, parameters }) => [scheme, { ...parameters }]);
      assert.deepEqual(read(fields), expected);
      assert.deepEqual(read(fields.join(", ")), expected);
    }),
  );
});

test("no field breaks the parser", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (field) => void read(field)));
});
