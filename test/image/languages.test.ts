import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { temporary } from "../helpers/temporary.ts";
import { baseImage, buildImages, initkit, podmanSays } from "./podman.ts";

// The image's Node has the ICU data of English only. A script is what can ask for any of it.

before(buildImages);

type Report = Readonly<Record<string, unknown>>;

describe("in the image, a script", () => {
  let english: Report;
  before(async () => (english = await inImage(reportOfEnglish)));

  test("finds English texts, time zones, encodings and characters as in the Node that it is made of", async () => {
    assert.deepEqual(english, await inBaseImage(reportOfEnglish));
  });

  test("gets English where it asks for another language", async () => {
    assert.deepEqual(await inImage(reportOfLanguages), {
      supported: ["en", "en-GB"],
      date: "Thursday, January 1, 1970 at 12:00:00 AM Coordinated Universal Time",
      number: "1,234.5",
      list: "a, b, and c",
      region: "Japan",
      order: ["a", "ä", "z"],
      words: ["one", " ", "two"],
    });
  });

  for (const locale of ["de_DE.UTF-8", "xx"]) {
    test(`finds English as well where LC_ALL is ${locale}`, async () => {
      const options = ["--env", `LC_ALL=${locale}`];
      assert.deepEqual(await inImage(reportOfEnglish, options), english);
      const { supported } = await inImage(reportOfLanguages, options);
      assert.deepEqual(supported, ["en", "en-GB"]);
    });
  }
});

describe("the build", () => {
  for (const { what, content } of [
    { what: "no ICU data", content: () => Buffer.from("a program") },
    { what: "ICU data of an unknown form", content: () => headersOf("CmnE") },
    { what: "more ICU data than one", content: () => Buffer.concat([headersOf("CmnD"), headersOf("CmnD")]) },
    { what: "ICU data without English", content: () => headersOf("CmnD") },
  ]) {
    test(`ends where Node has ${what}, and leaves it as it is`, (t) => {
      const file = join(temporary(t), "node");
      writeFileSync(file, content());
      const tool = join(import.meta.dirname, "../../src/image/icu-data.ts");
      assert.equal(spawnSync(process.execPath, [tool, file]).status, 1);
      assert.deepEqual(readFileSync(file), content());
    });
  }
});

/** An archive of ICU data with two items of other languages. */
function headersOf(format: string): Buffer {
  const header = Buffer.from(`\x20\0\xda\x27\x14\0\0\0\0\0\x02\0${format}\x01\0\0\0`, "latin1");
  const names = Buffer.from("icudt78l/de.res\0icudt78l/fr.res\0");
  const table = new Uint32Array([2, 20, 64, 36, 80]);
  return Buffer.concat([
    header,
    Buffer.alloc(32 - header.length),
    Buffer.from(table.buffer),
    names,
    Buffer.alloc(96),
  ]);
}

async function inImage(report: () => Report, options: readonly string[] = []): Promise<Report> {
  const steps = JSON.stringify([{ script: textOf(report) }]);
  const given = ["--env", `INITKIT_STEPS=${steps}`, "--memory=256m", "--memory-swap=256m", ...options];
  const { exitCode, stdout, stderr } = await initkit([], given);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as Report;
}

async function inBaseImage(report: () => Report): Promise<Report> {
  return JSON.parse(await podmanSays("run", "--rm", baseImage, "node", "--eval", textOf(report))) as Report;
}

/** console.log would lose what a pipe does not take at once when the process exits. */
const textOf = (report: () => Report): string =>
  `require("node:fs").writeSync(1, JSON.stringify((${report.toString()})()))`;

/** All that has to be the same as in a Node with the data of all languages. */
function reportOfEnglish(): Report {
  const { domainToASCII, domainToUnicode } = require("node:url");
  const { transcode } = require("node:buffer");
  const labels =
    "utf-8 utf-16le utf-16be ibm866 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 " +
    "iso-8859-8-i iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 koi8-r koi8-u macintosh windows-874 " +
    "windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 " +
    "windows-1258 x-mac-cyrillic gbk gb18030 big5 euc-jp iso-2022-jp shift_jis euc-kr";
  const pairs = Uint8Array.from(
    { length: 3 * 256 * 256 },
    (_, index) => [index / 3 / 256, index / 3, 10][index % 3]!,
  );
  const zones = Intl.supportedValuesOf("timeZone");
  const text = "ﬁ ſ İ ß ΑΣ Å ① 日本 👩‍👩‍👧";
  return {
    encodings: labels.split(" ").map((label) => new TextDecoder(label).decode(pairs)),
    transcoded: transcode(Buffer.from("€ä"), "utf8", "latin1").toString("hex"),
    normalForms: ["NFC", "NFD", "NFKC", "NFKD"].map((form) => text.normalize(form)),
    characters: [/\p{Emoji_Presentation}/gu, /\p{RGI_Emoji}/gv, /\p{Script=Han}/gu, /\p{L}/gu, /s/giu].map(
      (pattern) => text.match(pattern),
    ),
    letters: [
      text.toUpperCase(),
      text.toLowerCase(),
      text.toLocaleUpperCase("tr"),
      text.toLocaleLowerCase("lt"),
    ],
    hosts: [
      new URL("http://müller.ß.日本/").host,
      domainToASCII("bücher.example"),
      domainToUnicode("xn--mller-kva.de"),
    ],
    zones: zones.map((timeZone) => new Date(1e12).toLocaleString("en", { timeZone, timeZoneName: "long" })),
    moments: zones.map((zone) =>
      Temporal.Instant.from("2026-07-01T00:00Z").toZonedDateTimeISO(zone).toString(),
    ),
    calendars: ["chinese", "hebrew", "islamic-umalqura", "japanese"].map(
      (calendar) => Temporal.PlainDate.from("2026-01-02").withCalendar(calendar).year,
    ),
    currencies: Intl.supportedValuesOf("currency").map((currency) =>
      (1e3).toLocaleString("en", { style: "currency", currency, currencyDisplay: "name" }),
    ),
    units: Intl.supportedValuesOf("unit").map((unit) =>
      (1e3).toLocaleString("en", { style: "unit", unit, unitDisplay: "long" }),
    ),
    names: ["de", "zh-Hant", "sr-Latn"].map((name) =>
      new Intl.DisplayNames("en", { type: "language" }).of(name),
    ),
    texts: ["en", "en-GB", "en-US"].map((locale) => [
      new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "full", timeZone: "UTC" }).formatRange(
        0,
        1e12,
      ),
      new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-1, "day"),
      new Intl.DurationFormat(locale, { style: "long" }).format({ hours: 1, minutes: 46 }),
      new Intl.NumberFormat(locale, { notation: "compact", compactDisplay: "long" }).format(1.5e9),
      new Intl.PluralRules(locale, { type: "ordinal" }).select(22),
      new Intl.ListFormat(locale).format(["a", "b", "c"]),
      new Intl.Locale(locale).maximize(),
      ["z", "ä", "a", "Z", "é", "日", "10", "9"].toSorted(
        new Intl.Collator(locale, { numeric: true }).compare,
      ),
      [...new Intl.Segmenter(locale, { granularity: "word" }).segment("One two. Three!")].length,
      [...new Intl.Segmenter(locale, { granularity: "grapheme" }).segment(text)].length,
    ]),
  };
}

function reportOfLanguages(): Report {
  const languages = ["de", "zh", "ar", "en", "en-GB"];
  return {
    supported: Intl.DateTimeFormat.supportedLocalesOf(languages),
    date: new Intl.DateTimeFormat("de", { dateStyle: "full", timeStyle: "full", timeZone: "UTC" }).format(0),
    number: (1234.5).toLocaleString("de"),
    list: new Intl.ListFormat("fr").format(["a", "b", "c"]),
    region: new Intl.DisplayNames("ja", { type: "region" }).of("JP"),
    order: ["z", "ä", "a"].toSorted(new Intl.Collator("sv").compare),
    words: [...new Intl.Segmenter("th", { granularity: "word" }).segment("one two")].map(
      ({ segment }) => segment,
    ),
  };
}
