import { constants } from "node:os";
import { Failure } from "./failure.ts";

const ending = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;

/**
 * A signal for the whole run: the first SIGTERM, SIGINT, SIGHUP or SIGQUIT aborts it with the Failure
 * `signal`, so that steps can clean up; a second one ends the process at once.
 */
export function endOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ending) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
      controller.abort(endedBy(name));
    });
  }
  return controller.signal;
}

function endedBy(name: (typeof ending)[number]): Failure {
  return new Failure("signal", `ended by ${name}`, {
    hint: "the pod was deleted or evicted, or somebody stopped the container; nothing has to be done here",
    kind: name,
    signal: constants.signals[name],
  });
}
