import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { saslPrep } from "../../src/net/saslprep.ts";
import { Scram, type ScramOptions } from "../../src/net/scram.ts";

interface Exchange {
  readonly options: ScramOptions;
  readonly first: string;
  readonly challenge: string;
  readonly final: string;
  readonly verifier: string;
}

/** RFC 5802, section 5. */
const rfc5802: Exchange = {
  options: { hash: "sha1", user: "user", password: "pencil", nonce: "fyko+d2lbbFgONRv9qkxdawL" },
  first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
  challenge: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
  final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
  verifier: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
};

/** RFC 7677, section 3. */
const rfc7677: Exchange = {
  options: { hash: "sha256", user: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO" },
  first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  final:
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  verifier: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

test("the exchanges of RFC 5802 and RFC 7677 come out as they stand there", async () => {
  for (const { options, first, challenge, final, verifier } of [rfc5802, rfc7677]) {
    const scram = new Scram(options);
    assert.equal(scram.firstMessage, first);
    assert.equal(await scram.finalMessage(challenge), final);
    assert.ok(scram.accepts(verifier));
    assert.ok(scram.accepts(`${verifier},x=extension`));
  }
});

test("a server that shows nothing, or something else, is not accepted", async () => {
  const scram = new Scram(rfc7677.options);
  assert.ok(!scram.accepts("v="));
  assert.ok(!scram.accepts(rfc7677.verifier));
  await scram.finalMessage(rfc7677.challenge);
  for (const message of ["", "v=", "e=invalid-proof", rfc5802.verifier, rfc7677.verifier.replace("6", "7")])
    assert.ok(!scram.accepts(message), message);
});

test("a challenge that breaks the rules is not answered", async () => {
  const nonce = rfc7677.options.nonce!;
  for (const challenge of [
    "",
    "e=other-error",
    `r=${nonce}x,s=QSXCR+Q6sek8bf92`,
    `r=${nonce}x,s=QSXCR+Q6sek8bf92,i=4095`,
    `r=${nonce}x,s=QSXCR+Q6sek8bf92,i=99999999`,
    `r=${nonce}x,s=QSXCR+Q6sek8bf92,i=4096x`,
    `r=${nonce}x,s=,i=4096`,
    `r=${nonce}x,s=!,i=4096`,
    `r=another${nonce},s=QSXCR+Q6sek8bf92,i=4096`,
    `r=${nonce},s=QSXCR+Q6sek8bf92,i=4096`,
    `m=extension,r=${nonce}x,s=QSXCR+Q6sek8bf92,i=4096`,
  ])
    assert.equal(await new Scram(rfc7677.options).finalMessage(challenge), undefined, challenge);
});

test("every exchange has a nonce of its own, and a comma in a name does not end it", () => {
  const [one, other] = [1, 2].map(
    () => new Scram({ hash: "sha1", user: "a,b=c", password: "" }).firstMessage,
  );
  assert.notEqual(one, other);
  assert.match(one!, /^n,,n=a=2Cb=3Dc,r=[A-Za-z0-9+/]{32}$/);
});

test("passwords are prepared as in the examples of RFC 4013", () => {
  for (const [text, prepared] of [
    ["I\u00adX", "IX"],
    ["user", "user"],
    ["USER", "USER"],
    ["\u00aa", "a"],
    ["\u2168", "IX"],
    ["\u0007", undefined],
    ["a\u00a0b", "a b"],
    ["\ue000", undefined],
    ["\ud800", undefined],
    ["\u{e0020}", undefined],
  ])
    assert.equal(saslPrep(text!), prepared, JSON.stringify(text));
});

test("a plain ASCII password stays as it is, and what is prepared is not changed again", () => {
  fc.assert(fc.property(fc.stringMatching(/^[ -~]*$/), (text) => saslPrep(text) === text));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const prepared = saslPrep(text);
      return prepared === undefined || saslPrep(prepared) === prepared;
    }),
  );
});
