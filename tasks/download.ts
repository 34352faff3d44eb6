import type { SelectionArguments } from "../src/archive/options.ts";
import { type DownloadArguments, operandFields, optionFields } from "../src/download/options.ts";
import { nameIn, shownSource } from "../src/download/source.ts";
import { checkHeaders } from "../src/net/headers.ts";
import { checkTlsArguments } from "../src/net/tls.ts";
import { defineTask } from "../src/task.ts";

export default defineTask({
  name: "download",
  summary:
    "Downloads a file, or an archive that it extracts; nothing is visible before all of it is verified.",
  operands: operandFields,
  options: optionFields,
  pacing: { timeout: "15m", "attempt-timeout": "0", retries: "5", backoff: "200ms..10s" },
  timeoutCode: "source-unavailable",

  check(args) {
    checkTlsArguments(args);
    checkHeaders(args.header);
    checkAuthorization(args);
    checkDigests(args);
    if (args.extract === undefined) checkWithoutExtract(args);
  },

  async run(context, args) {
    const { download } = await import("../src/download/download.ts");
    return await download(args, context);
  },
});

function checkDigests({ sha256, checksum }: DownloadArguments): void {
  if (!sha256 || !checksum || checksum instanceof URL || checksum.algorithm !== "sha256") return;
  if (sha256.hex !== checksum.hex)
    throw new Error("sha256 and checksum contradict each other; give one of them");
}

function checkAuthorization({ user, bearer, header }: DownloadArguments): void {
  const headers = header
    .filter(({ name }) => name.toLowerCase() === "authorization")
    .map(() => "header Authorization");
  const given = [
    ...headers,
    ...(user === undefined ? [] : ["user"]),
    ...(bearer === undefined ? [] : ["bearer"]),
  ];
  if (given.length > 1) throw new Error(`${given.join(" and ")} contradict each other; give one of them`);
}

function checkWithoutExtract(args: DownloadArguments): void {
  const { strip, subpath, include, exclude }: SelectionArguments = args;
  const given = Object.entries({ strip, subpath, include: include[0], exclude: exclude[0] });
  const [name] = given.find(([, value]) => value !== undefined) ?? [];
  if (name) throw new Error(`${name} says what to extract; set extract too`);
  if (args.to.endsWith("/") && nameIn(args.urls[0]!) === undefined) {
    throw new Error(
      `${shownSource(args.urls[0]!)} holds no name for a file in the folder; name the file in to`,
    );
  }
}
