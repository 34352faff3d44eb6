import { statSync } from "node:fs";
import { exitLine, type Failure } from "./failure.ts";
import type { RunOutcome } from "./run.ts";
import type { Secrets } from "./secrets.ts";

/** What the kubelet keeps of a container's termination message, in bytes. */
const maxBytes = 4096;
const maxHintBytes = 1200;

const kubernetesPath = "/dev/termination-log";

export const defaultTerminationLog = (): string | undefined =>
  statSync(kubernetesPath, { throwIfNoEntry: false }) && kubernetesPath;

/**
 * Why the run failed, for `kubectl describe pod`: step and reason, hint, exit code with its meaning. A long
 * reason is cut, after the secrets are out of it; what to do and the code always stay.
 */
export function terminationMessage(
  { steps, failedStep }: RunOutcome,
  failure: Failure,
  secrets: Secrets,
): string {
  const step =
    failedStep === undefined
      ? ""
      : `step ${failedStep} of ${steps.length} (${steps[failedStep - 1]!.name}) failed: `;
  const hint = failure.hint ? `hint: ${cut(secrets.redact(failure.hint), maxHintBytes)}\n` : "";
  const tail = `\n${hint}${exitLine(failure, failedStep)}\n`;
  return cut(secrets.redact(step + failure.message), maxBytes - Buffer.byteLength(tail)) + tail;
}

/** At most that many bytes of UTF-8, without half a character at the end. */
function cut(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  const ellipsis = "…";
  let end = bytes - Buffer.byteLength(ellipsis);
  while ((all[end]! & 0xc0) === 0x80) end--;
  return all.toString("utf8", 0, end) + ellipsis;
}
