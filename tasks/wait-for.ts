import { duration, header, integer, text } from "../src/kinds.ts";
import { assertInCluster } from "../src/kubernetes/cluster.ts";
import { checkHeaders } from "../src/net/headers.ts";
import { checkTlsArguments, hasTlsArguments, type TlsArguments, tlsFields } from "../src/net/tls.ts";
import { absence } from "../src/probes/absence.ts";
import { jsonExpectation, method, regex, statuses } from "../src/probes/expectation.ts";
import { prepareProbes } from "../src/probes/prepare.ts";
import { isDatabase, isHttp, speaksTls, target, type Target } from "../src/probes/target.ts";
import { targetForms } from "../src/probes/target-forms.ts";
import { waitFor } from "../src/probes/wait.ts";
import type { Steadiness } from "../src/probes/steady.ts";
import { type Context, defineTask, flag, operands, option, repeated, type Values } from "../src/task.ts";

const usualStatus = "2xx,3xx";

const httpFields = {
  status: option(
    statuses,
    "HTTP: which statuses mean ready; a redirect named by its number is not followed",
    usualStatus,
  ),
  method: option(method, "HTTP: the method; GET by default, POST with a body"),
  header: repeated(header, "HTTP: a header to send"),
  body: option(text, "HTTP: a body to send"),
  match: option(regex, "HTTP: what the body of the answer must match"),
  json: repeated(
    jsonExpectation,
    "HTTP: a value that the JSON of the answer must have, as in items[0].name=ok",
  ),
  "no-redirects": flag("HTTP: take a redirect as the answer instead of following it"),
};

export default defineTask({
  name: "wait-for",
  summary: "Waits until every target is ready, or gone.",
  operands: {
    targets: operands(target, "what to wait for, all of it at the same time"),
  },
  table: { head: ["target", "ready when"], rows: targetForms },
  options: {
    any: flag("one target is enough"),
    absent: flag("wait until the targets are gone"),
    successes: option(
      integer(1),
      "how often in a row a target must be found ready, 250ms apart; 2 for databases without stable-for, else 1",
    ),
    "stable-for": option(duration, "how long a target must stay ready"),
    ...httpFields,
    ...tlsFields,
  },
  pacing: { timeout: "5m", "attempt-timeout": "5s", retries: "unlimited", backoff: "50ms..500ms" },
  timeoutCode: "not-ready",
  pacedBy: "task",

  check(args, env) {
    const checks = [checkTlsArguments, checkHttpArguments, checkTlsTargets, checkCluster];
    const mistakes = checks.flatMap((check) => mistakeOf(() => check(args, env)));
    if (mistakes.length > 0) throw new Error(mistakes.join("; "));
  },

  async run(context, args) {
    const options = {
      ...args,
      headers: args.header,
      followRedirects: !args["no-redirects"],
      tls: args as TlsArguments,
      env: context.env,
    };
    const targets = args.absent ? args.targets.map(whoseAbsenceCounts) : args.targets;
    const probes = await prepareProbes(targets, options);
    const watched = args.targets.map((each, at) => ({
      name: each.name,
      probe: args.absent ? absence(each.name, probes[at]!) : probes[at]!,
      steadiness: steadinessFor(each, args.successes, args["stable-for"]),
    }));
    return await waitFor(watched, { any: args.any, state: args.absent ? "gone" : "ready" }, context);
  },
});

type Arguments = Values<typeof httpFields> & TlsArguments & { readonly targets: readonly Target[] };

function mistakeOf(check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function checkCluster({ targets }: Arguments, env: Context["env"]): void {
  if (targets.some(({ scheme }) => scheme === "kubernetes")) assertInCluster(env);
}

/** An object that is only not ready is not gone, unless a condition is asked for. */
const whoseAbsenceCounts = (each: Target): Target =>
  each.scheme === "kubernetes" && each.condition === undefined ? { ...each, condition: "exists" } : each;

function checkTlsTargets(args: Arguments): void {
  if (!hasTlsArguments(args) || args.targets.some(speaksTls)) return;
  throw new Error(
    "ca, cert, key, server-name and insecure are for targets with TLS (https://, rediss://, amqps://, grpcs://, …), and there is none; a postgres:// URL has sslmode, sslrootcert, sslcert and sslkey",
  );
}

function checkHttpArguments(args: Arguments): void {
  const given = Object.entries(args).filter(([name, value]) => name in httpFields && isGiven(value));
  if (given.length > 0 && !args.targets.some(isHttp)) {
    const names = given.map(([name]) => name).join(", ");
    throw new Error(`${names}: only for http:// and https:// targets, and there is none`);
  }
  if (args.method === "HEAD" && (args.match || args.json.length > 0)) {
    throw new Error("match and json look at the body of the answer, and HEAD asks for none");
  }
  checkHeaders(args.header);
}

function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  const { text: written } = (value ?? {}) as { text?: string };
  return value !== undefined && value !== false && written !== usualStatus;
}

function steadinessFor(target: Target, successes: number | undefined, stableFor = 0): Steadiness {
  return { successes: successes ?? (isDatabase(target) && stableFor === 0 ? 2 : 1), stableFor };
}
