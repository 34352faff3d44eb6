import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { jsonExpectation, method, parseJson, regex, statuses, textAt } from "../../src/probes/expectation.ts";

test("statuses are numbers, classes, or any", () => {
  const list = statuses.parse("200,204, 3XX");
  assert.deepEqual(
    [200, 204, 301, 399].map((status) => list.has(status)),
    [true, true, true, true],
  );
  assert.deepEqual(
    [201, 404, 503].map((status) => list.has(status)),
    [false, false, false],
  );
  assert.equal(statuses.parse("any").has(599), true);
  for (const text of ["", "20", "2000", "6xx", "2x", "200;204", "200,", "ok"]) {
    assert.throws(() => statuses.parse(text), Error, text);
  }
});

test("a redirect named by its number is an answer, a class is not", () => {
  assert.equal(statuses.parse("200,302").namesRedirect, true);
  assert.equal(statuses.parse("2xx,3xx").namesRedirect, false);
  assert.equal(statuses.parse("any").namesRedirect, false);
});

test("methods are taken in any case, but not those without an ordinary answer", () => {
  assert.equal(method.parse("post"), "POST");
  for (const text of ["", "GET /", "CONNECT", "trace"]) assert.throws(() => method.parse(text), Error, text);
});

test("a regular expression looks at lines", () => {
  assert.ok(regex.parse("^ok$").test("starting\nok\n"));
  assert.throws(() => regex.parse("("), /regular expression/);
});

const document = parseJson(`{
  "status": "UP", "ready": true, "none": null, "load": 1.50, "id": 12345678901234567890,
  "items": [{"name": "a"}, {"name": "b", "tags": ["x", "y"]}], "": "empty", "o": {"p": 1.0}
}`);

test("a JSON value is found by its path, and compared as it is written", () => {
  const found = (expectation: string) => {
    const { path, value } = jsonExpectation.parse(expectation);
    return textAt(document, path) === value;
  };
  for (const expectation of [
    "status=UP",
    "ready=true",
    "none=null",
    "load=1.50",
    "id=12345678901234567890",
    "items[1].name=b",
    "items[1].tags[0]=x",
    'items[0]={"name":"a"}',
    'o={"p":1.0}',
  ]) {
    assert.ok(found(expectation), expectation);
  }
  for (const expectation of [
    "status=",
    "load=1.5",
    "items[2].name=b",
    "status.length=2",
    "items.length=2",
    "toString=x",
    "o.p.source=1.0",
  ]) {
    assert.ok(!found(expectation), expectation);
  }
});

test("the document itself may be an array, and a value hold an equals sign", () => {
  assert.equal(textAt(parseJson('[{"q":"a=b"}]'), jsonExpectation.parse("[0].q=a=b").path), "a=b");
  assert.equal(jsonExpectation.parse("[0].q=a=b").value, "a=b");
});

test("a path of another form is told", () => {
  for (const text of ["=x", "a", "a..b=x", ".a=x", "a[=x", "a[x]=x", "a[-1]=x", "a]=x", "[0]a=x"]) {
    assert.throws(() => jsonExpectation.parse(text), Error, text);
  }
});

test("every text in a JSON document is found where it is", () => {
  const key = fc.string().filter((text) => /^[^.[\]=]+$/.test(text));
  fc.assert(
    fc.property(fc.array(key, { minLength: 1 }), fc.string(), (keys, value) => {
      const nested = keys.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
      const { path } = jsonExpectation.parse(`${keys.join(".")}=x`);
      assert.equal(textAt(parseJson(JSON.stringify(nested)), path), value);
    }),
  );
});

/** Every path in a document that the form of a path can say, with what stands there. */
function* pathsIn(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<[typeof path, unknown]> {
  if (path.length > 0) yield [path, value];
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value))
    yield* pathsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]);
}

test("every value in a JSON document is found where it is, however the document is laid out", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 1, "\r\n\t"), (value, layout) => {
      const document = parseJson(JSON.stringify(value, undefined, layout));
      for (const [path, found] of pathsIn(document.value)) {
        const wanted = typeof found === "string" ? found : JSON.stringify(found);
        assert.equal(textAt(document, path), wanted);
      }
    }),
  );
});

test("of two values with one name the last one counts", () => {
  assert.equal(textAt(parseJson('{"a":{"b":1.0},"a":{"b":2.0}, "a" : {"b" : 3.0 } }'), ["a", "b"]), "3.0");
});

test("no body that is read takes more memory than initkit may have", async () => {
  const bodies = ["1,", "{},", "[1],", "1e9,", "[],", '{"a":1},'].map(
    (item) => `[${item.repeat(Math.floor((1024 * 1024 - 10) / item.length))}1]`,
  );
  const module = JSON.stringify(new URL("../../src/probes/expectation.ts", import.meta.url));
  const script = `const { parseJson, textAt } = await import(${module});
    for await (const body of (await import("node:readline")).createInterface(process.stdin)) {
      const document = parseJson(body);
      if (textAt(document, ["a"]) !== undefined || !textAt(document, [2])) throw new Error(body.slice(0, 20));
    }`;
  for (const body of bodies) {
    const limits = ["--max-old-space-size=32", "--max-semi-space-size=2"];
    const child = spawnSync(process.execPath, [...limits, "--input-type=module", "-e", script], {
      input: `${body}\n`,
    });
    assert.equal(child.status, 0, `${body.slice(0, 20)} ${String(child.stderr)}`);
  }
});
