import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Secrets } from "../src/secrets.ts";
import { quote, serverWords } from "../src/format.ts";
import { document, mistake, planned } from "./helpers/plan.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const knowing = (...all: string[]): Secrets => {
  const secrets = new Secrets({});
  for (const each of all) secrets.add(each);
  return secrets;
};

const secret = fc
  .string({ unit: "grapheme-ascii", minLength: 4, maxLength: 40 })
  .filter((text) => text.trim().length >= 4);
const around = fc.string({ unit: fc.constantFrom(...Array.from("xyz /=&\"'")), maxLength: 5 });

const forms: Readonly<Record<string, (text: string) => string>> = {
  raw: (text) => text,
  "percent-encoded": encodeURIComponent,
  "percent-encoded as a URL": encodeURI,
  base64,
  "base64 without padding": (text) => base64(text).replace(/=+$/, ""),
  base64url: (text) => Buffer.from(text).toString("base64url"),
  "within JSON": (text) => JSON.stringify(text).slice(1, -1),
  "in quotes": quote,
};

for (const [name, form] of Object.entries(forms)) {
  test(`a secret is hidden ${name}, whatever stands around it`, () => {
    fc.assert(
      fc.property(secret, around, around, (text, before, after) => {
        const redacted = knowing(text).redact(before + form(text.trim()) + after);
        assert.ok(!redacted.includes(form(text.trim())), redacted);
      }),
    );
  });
}

test("a secret given percent-encoded is hidden decoded, and in base64 of that", () => {
  const secrets = knowing("p%40ss%2Fw%20rd");
  for (const text of ["p%40ss%2Fw%20rd", "p@ss/w rd", base64("p@ss/w rd")])
    assert.ok(!secrets.redact(`<${text}>`).includes(text), text);
});

test("a secret is hidden however it is percent-encoded", () => {
  const password = "pa:ss$w'o rd!";
  const url = new URL("postgres://h");
  Object.assign(url, { username: "u", password });
  const secrets = knowing(password);
  for (const text of [
    url.href,
    encodeURIComponent(password).toLowerCase(),
    String(new URLSearchParams({ password })),
  ])
    assert.ok(!/pa.{1,3}ss/i.test(secrets.redact(text)), secrets.redact(text));
});

test("a secret shorter than 4 characters is hidden as a value of its own, not inside other words", () => {
  const secrets = knowing("pw");
  assert.equal(secrets.redact("pw"), "***");
  assert.equal(secrets.redact('password "pw" of redis://:pw@h'), 'password "***" of redis://:***@h');
  assert.equal(secrets.redact("pwd and spw are words"), "pwd and spw are words");
});

test("the values of variables with secret names are hidden, of others not", () => {
  for (const name of [
    "DB_PASSWORD",
    "MYSQL_PASSWD",
    "SECRET",
    "MY_SECRETS",
    "GITHUB_TOKEN",
    "AWS_CREDENTIAL",
    "SSH_KEY",
    "API_KEY_1",
  ])
    assert.equal(new Secrets({ [name]: "correct-horse" }).redact("correct-horse"), "***", name);
  for (const name of ["PATH", "KEY", "MONKEY", "HOST", "PASS"])
    assert.equal(new Secrets({ [name]: "correct-horse" }).redact("correct-horse"), "correct-horse", name);
});

test("an empty or blank secret hides nothing", () => {
  assert.equal(new Secrets({ PASSWORD: "", TOKEN: "  ", SECRET: "\n" }).redact("a b\nc"), "a b\nc");
});

const urls: Readonly<Record<string, string>> = {
  "a user's password": "postgres://app:hunter22@db:5432/app",
  "a password without a user": "redis://:hunter22@h",
  "an encoded password": "postgres://app:%68unter22@db",
  "a token as the user": "https://hunter22@github.com/x.git",
  "a password among the parameters": "postgres://db/app?user=app&password=hunter22",
  "a password for a key": "postgres://db/app?sslpassword=hunter22&sslmode=require",
  "a signed query": "https://s3.aws.com/b/k?X-Amz-Credential=AKIA&X-Amz-Signature=hunter22",
  "a shared access signature": "https://x.blob.core.windows.net/c/b?sv=2026&sig=hunter22",
  "a Google signature": "https://storage.googleapis.com/b/k?X-Goog-Signature=hunter22",
  "several hosts": "postgres://app:hunter22@a:1,b:2/app",
};

for (const [what, url] of Object.entries(urls)) {
  test(`${what} in a URL is hidden, in any variable and in any text`, () => {
    assert.doesNotMatch(new Secrets({}).redact(`cannot reach ${url}, sorry`), /hunter22|%68unter/);
    assert.doesNotMatch(new Secrets({ URL: url }).redact("it is hunter22"), /hunter22/);
    assert.doesNotMatch(new Secrets({}).redact(`{"url":"${url}"}`), /hunter22|%68unter/);
  });
}

test("a password may hold an @ or a colon", () => {
  for (const password of ["hunter22@x", "hunter22:x"]) {
    const url = `amqp://app:${password}@mq/x`;
    assert.doesNotMatch(new Secrets({ URL: url }).redact(`${url} ${password}`), /hunter22/);
  }
});

test("the whole query string that signs a URL is hidden", () => {
  const redacted = new Secrets({}).redact(
    "https://h/x?X-Amz-Date=2026&X-Amz-SignedHeaders=host&X-Amz-Signature=abcdef",
  );
  assert.equal(redacted, "https://h/x?***");
});

test("what is no secret in a URL stays readable", () => {
  const text = "postgres://app@db:5432/app?sslmode=require http://h:80/a@b tcp://db:5432";
  assert.equal(new Secrets({}).redact(text), text);
});

test("a password is hidden even where it makes the URL unreadable", () => {
  for (const password of [
    "p#hunter22",
    "p/hunter22",
    "p?hunter22",
    "p'hunter22",
    'p"hunter22',
    "p<hunter22>",
  ]) {
    const url = `postgres://app:${password}@db:5432/app`;
    assert.doesNotMatch(
      new Secrets({ DATABASE_URL: url }).redact(`${quote(url)} is not a URL`),
      /hunter22/,
      password,
    );
  }
});

test("a secret of any length is hidden, quickly", () => {
  const long = Array.from({ length: 12_000 }, (_, at) => "ab+/=\n"[(at * 7) % 6]).join("") + "end";
  const secrets = knowing(long);
  const startedAt = performance.now();
  for (let line = 0; line < 20; line++) secrets.redact(`postgres://u:pass${line}@h and ${line}`);
  assert.equal(secrets.redact(`<${long}>`), "<***>");
  assert.ok(performance.now() - startedAt < 500);
});

test("a long text is searched for URLs in linear time", () => {
  const startedAt = performance.now();
  for (const text of ["a".repeat(500_000), "a1.".repeat(200_000), "a://".repeat(100_000)])
    assert.equal(knowing().redact(`${text} http://u:opensesame@h`), `${text} http://u:***@h`);
  assert.ok(performance.now() - startedAt < 5000);
});

test("a server's words are put on one line in linear time", () => {
  const startedAt = performance.now();
  assert.equal(serverWords(`${" ".repeat(300_000)}a${" ".repeat(300_000)}b \r\n\n c\n`).length, 300_006);
  assert.ok(performance.now() - startedAt < 5000);
});

test("no half of a secret is left where a long text is cut", () => {
  const token = Array.from({ length: 300 }, (_, index) => `t${index}`).join(".");
  const secrets = knowing(token, 'a"b\u{1f600}'.repeat(200));
  for (const text of [
    quote(token),
    quote(`x ${token}`),
    quote('a"b\u{1f600}'.repeat(200)),
    `${token.slice(0, 90)}…`,
  ])
    assert.match(secrets.redact(text), /^"?(?:x )?\*{3}…(?:\*{3}")?$/);
});

test("what is no part of a secret stays beside an ellipsis", () => {
  assert.equal(knowing("password-of-mine").redact("the pass…many? no…"), "the ***…many? no…");
  assert.equal(knowing("password-of-mine").redact("compas…tall"), "compas…tall");
});

test("two secrets that overlap are hidden whole", () => {
  const secrets = knowing("abcdef-middle", "middle-ghijkl", "abcdef");
  assert.equal(secrets.redact("<abcdef-middle-ghijkl>"), "<***>");
  assert.equal(secrets.redact("<abcdef>"), "<***>");
});

test("a secret of several lines is hidden whole, folded onto one, and line by line", () => {
  const key =
    "-----BEGIN KEY-----\nMIIEvQIBADANBg+kqh/kiG9w0\r\nAAAAB3NzaC1yc2EAAAADAQAB\n-----END KEY-----\n";
  const secrets = knowing(key);
  for (const text of [
    key,
    key.replaceAll(/\r?\n/g, "\r\n"),
    serverWords(key),
    quote(key),
    ...key.split(/\r?\n/),
  ])
    assert.doesNotMatch(secrets.redact(`<${text}>`), /MIIE|kiG9|AAAA|DAQAB/);
});

test("a secret is hidden in the base64 of a longer text", () => {
  for (const before of ["", "u", "ur", "user:"]) {
    const redacted = knowing("correct?horse>").redact(`Basic ${base64(`${before}correct?horse>!`)}`);
    assert.match(redacted, /^Basic \w{0,7}\*{3}.{0,4}$/);
  }
});

test("a secret with characters that steer a terminal is hidden as messages show them", () => {
  const secret = "a\u0085b\u202ecdefg";
  for (const text of [secret, quote(secret), serverWords(secret)])
    assert.match(knowing(secret).redact(text), /^"?\*{3}"?$/);
});

test("redacting twice changes nothing more", () => {
  fc.assert(
    fc.property(secret, around, (text, before) => {
      const secrets = knowing(text);
      const once = secrets.redact(before + text);
      assert.equal(secrets.redact(once), once);
    }),
  );
});

test("a secret that is one of initkit's own words garbles no field that machines read", () => {
  const event = {
    level: "info",
    event: "step.done",
    message: "info done",
    status: "done",
    error: { code: "io" },
  };
  const redacted = new Secrets({ PASSWORD: "info", TOKEN: "step.done", SECRET: "done" }).redactAll(event);
  assert.deepEqual([redacted.level, redacted.event, redacted.status], ["info", "step.done", "done"]);
  assert.equal(redacted.message, "*** ***");
});

test("no configuration error shows a secret, wherever it stands", async () => {
  const word = fc.string({
    unit: fc.constantFrom(...Array.from("abcXYZ0189-_.~!*@%$&+,;=:")),
    minLength: 8,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(word, async (text) => {
      const env = { DB_PASSWORD: text };
      for (const message of [
        await mistake(["sleep", "${DB_PASSWORD}"], env),
        await mistake(["sleep", text], env),
        await mistake(["sleep", "1", `--${text}`], env),
        await mistake([text], env),
        await mistake(["sleep", "1", "--retries", `x${text}x`], env),
        await mistake(["sleep", encodeURIComponent(text)], env),
        await mistake(["sleep", base64(text)], env),
        await mistake(["--log-level", text, "sleep", "1"], env),
        await mistake([`--${text}`, "sleep", "1"], env),
        await mistake([], document(JSON.stringify([{ sleep: text }]), env)),
        await mistake([], document(JSON.stringify([{ [text]: 1 }]), env)),
        await mistake([], { ...env, INITKIT_STEP_1: `'${text}'` }),
        await mistake(["-f", `/${text}`], env),
      ]) {
        assert.ok(!message.includes(text) && !message.includes(base64(text)), message);
      }
    }),
    { numRuns: 60 },
  );
});

test("the value of an option whose name says that it is a secret is hidden", async () => {
  for (const words of [
    ["run", "--env", "DB_PASSWORD=opensesame", "--", "true"],
    ["migrate", "/m", "--database", "postgres://db", "--var", "app_password=opensesame"],
    ["render", "/a", "/b", "--set", "@@DB_PASSWORD@@=opensesame"],
    ["download", "https://x/y", "/z", "--header", "PRIVATE-TOKEN: opensesame"],
    ["wait-for", "http://x", "--header", "X-Api-Key: opensesame"],
  ]) {
    const { secrets } = await planned(words);
    assert.equal(secrets.redact("<opensesame>"), "<***>", words.join(" "));
  }
});

test("a header with a credential is hidden even where it is not one", async () => {
  for (const header of ["Authorization Bearer opensesame", "Authorization=opensesame", "Bearer opensesame"])
    assert.doesNotMatch(await mistake(["wait-for", "http://x", "--header", header]), /opensesame/);
});

test("the name and tag of an image with a digest are no secrets", () => {
  const secrets = new Secrets({ IMAGE: `oci://ghcr.io:5000/team/app:v1.2.3@sha256:${"a".repeat(64)}` });
  assert.equal(secrets.redact("team/app:v1.2.3"), "team/app:v1.2.3");
});

test("what stands behind a URL in a sentence is no part of its password", () => {
  const secrets = new Secrets({});
  secrets.noteValue("postgres://db/app?password=battery");
  assert.equal(
    secrets.redact("failed (wait-for postgres://db/app?password=battery), exit code 20"),
    "failed (wait-for postgres://db/app?password=***), exit code 20",
  );
  assert.equal(new Secrets({}).redact("no http://a/?token=battery."), "no http://a/?token=***.");
});

test("a variable that switches passwords on or off holds no secret", () => {
  const secrets = new Secrets({ ALLOW_EMPTY_PASSWORD: "true", USE_TOKEN: " False\n", DB_PASSWORD: "truest" });
  assert.equal(secrets.isIn("run -- true"), false);
  assert.equal(secrets.redact("true, false, truest"), "true, false, ***");
});
