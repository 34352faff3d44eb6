import { backoff, path, retries, text, timeLimit } from "./kinds.ts";
import { flag, option, type Fields } from "./task.ts";

/** The options that every step has. The defaults of the first four are each task's own. */
export const commonOptions = {
  name: option(text, "label in logs and reports; the task and its first operand unless set"),
  timeout: option(timeLimit, "bound on the whole step, all attempts and pauses; 0 for none"),
  "attempt-timeout": option(timeLimit, "bound on one attempt; 0 for none"),
  retries: option(retries, "further attempts after a transient failure"),
  backoff: option(
    backoff,
    "pauses between attempts: they double from FIRST to MAX, with jitter; one DURATION is a fixed pause",
  ),
  when: option(text, "skip the step when this is empty, false, no, off or 0"),
  "if-exists": option(path, "skip the step unless this path is there"),
  "if-missing": option(path, "skip the step unless this path is not there, or is an empty folder"),
  optional: flag("report a failure of this step and go on"),
} satisfies Fields;
