import { Failure } from "./failure.ts";

const ending = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;

/**
 * A signal for the whole run: the first SIGTERM, SIGINT, SIGHUP or SIGQUIT aborts it with the Failure
 * `signal`, so that steps can clean up; a second one ends the process at once.
 */
export function endOnSignals(): AbortSignal {
  const controller = new AbortController();
  const end = (name: NodeJS.Signals, number: number) => {
    if (controller.signal.aborted) process.exit(128 + number);
    controller.abort(endedBy(name, number));
  };
  for (const name of ending) process.on(name, end);
  return controller.signal;
}

function endedBy(name: NodeJS.Signals, number: number): Failure {
  return new Failure("signal", `ended by ${name}`, {
    hint: "the pod was deleted or evicted, or somebody stopped the container; nothing has to be done here",
    kind: name,
    signal: number,
  });
}
