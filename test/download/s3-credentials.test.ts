import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import fc from "fast-check";
import { parseProfiles } from "../../src/download/s3/profile.ts";
import { failureOf, fileWith, find } from "../helpers/aws-credentials.ts";
import { temporary } from "../helpers/temporary.ts";

const fromVariables = { AWS_ACCESS_KEY_ID: "AKIDVARIABLE", AWS_SECRET_ACCESS_KEY: "secret" };

suite("credentials in variables", () => {
  test("come first, and are none where all are empty", async () => {
    const others = { AWS_SHARED_CREDENTIALS_FILE: "/nowhere", AWS_WEB_IDENTITY_TOKEN_FILE: "/nowhere" };
    assert.equal((await find({ ...fromVariables, ...others }))!.accessKeyId, "AKIDVARIABLE");
    assert.equal(
      await find({ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "", AWS_PROFILE: "" }),
      undefined,
    );
  });

  test("one without the other is a configuration error that names the one that is missing", async () => {
    const id = await failureOf({ AWS_SECRET_ACCESS_KEY: "secret" });
    assert.equal(id.code, "configuration");
    assert.match(id.message, /AWS_ACCESS_KEY_ID is not/);
    assert.match((await failureOf({ AWS_ACCESS_KEY_ID: "AKID" })).message, /AWS_SECRET_ACCESS_KEY is not/);
  });

  test("what no header can carry is a configuration error that does not repeat it", async () => {
    const failure = await failureOf({ ...fromVariables, AWS_SESSION_TOKEN: "bad\ntoken" });
    assert.equal(failure.code, "configuration");
    assert.doesNotMatch(failure.message, /bad/);
  });
});

suite("a shared credentials file", () => {
  const shared = [
    "# a comment",
    "[default]",
    "aws_access_key_id = AKIDDEFAULT",
    "aws_secret_access_key=abc/+=def",
    "",
    "[ build ]\r",
    "AWS_ACCESS_KEY_ID = AKIDBUILD\r",
    "aws_secret_access_key = build-secret\r",
    "aws_session_token = build-token\r",
    "[empty]",
    "role_arn = arn:aws:iam::1:role/x",
  ].join("\n");

  test("gives its default profile, or the one that AWS_PROFILE names", async (t) => {
    const AWS_SHARED_CREDENTIALS_FILE = fileWith(t, shared);
    const standard = await find({ AWS_SHARED_CREDENTIALS_FILE });
    assert.deepEqual([standard!.accessKeyId, standard!.secretAccessKey], ["AKIDDEFAULT", "abc/+=def"]);
    const build = await find({ AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE: "build" });
    assert.equal(build!.sessionToken, "build-token");
    assert.match(build!.origin, /profile "build" in /);
  });

  test("is looked for in the home folder, where it may be missing", async (t) => {
    const home = temporary(t);
    assert.equal(await find({ HOME: home }), undefined);
    mkdirSync(join(home, ".aws"));
    writeFileSync(join(home, ".aws/credentials"), shared);
    assert.equal((await find({ HOME: home }))!.accessKeyId, "AKIDDEFAULT");
  });

  test("that a variable names must be there, with the profile, with keys", async (t) => {
    const missing = await failureOf({ AWS_SHARED_CREDENTIALS_FILE: "/nowhere/credentials" });
    assert.equal(missing.code, "configuration");
    assert.match(missing.message, /AWS_SHARED_CREDENTIALS_FILE: cannot read .*ENOENT/);
    const AWS_SHARED_CREDENTIALS_FILE = fileWith(t, shared);
    for (const AWS_PROFILE of ["other", "empty"]) {
      const failure = await failureOf({ AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE });
      assert.equal(failure.code, "configuration");
      assert.ok(failure.message.includes(AWS_PROFILE));
    }
    assert.equal((await failureOf({ AWS_PROFILE: "other" })).code, "configuration");
  });

  test("is read as it was written", () => {
    const word = fc.stringMatching(/^[A-Za-z0-9/+_.-]{1,20}$/);
    const written = fc.dictionary(
      word,
      fc.dictionary(
        word.map((each) => each.toLowerCase()),
        word,
      ),
    );
    fc.assert(
      fc.property(written, fc.constantFrom("\n", "\r\n"), (profiles, end) => {
        const lines = Object.entries(profiles).flatMap(([name, values]) => [
          `[${name}]`,
          ...Object.entries(values).map(([key, value]) => `${key} = ${value}`),
          "; done",
        ]);
        const read = parseProfiles(lines.join(end));
        const found = Object.fromEntries(
          Array.from(read, ([name, values]) => [name, Object.fromEntries(values)]),
        );
        assert.deepEqual(found, JSON.parse(JSON.stringify(profiles)));
      }),
    );
  });
});
