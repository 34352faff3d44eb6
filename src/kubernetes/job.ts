import {
  conditionShortfall,
  findCondition,
  hasCondition,
  shownCondition,
  type Shortfall,
} from "./condition.ts";
import { at, numberAt } from "../json-fields.ts";
import type { StatusCondition } from "./target.ts";

const complete: StatusCondition = { type: "Complete", status: "True" };
const failed: StatusCondition = { type: "Failed", status: "True" };

/**
 * A Job ends with the condition Complete or Failed (Job API, `status.conditions`). Failed pods on the way are no
 * failure of the Job, and `SuccessCriteriaMet` comes before its pods have ended.
 */
export function jobShortfall(job: unknown, wanted: StatusCondition = complete): Shortfall | undefined {
  const shortfall = conditionShortfall(job, wanted);
  if (!shortfall) return undefined;
  if (wanted.type.toLowerCase() !== "failed" && hasCondition(job, failed)) return failure(job);
  if (at(job, "spec", "suspend") === true) return suspended;
  return { says: `${shortfall.says}${counts(job)}`, hint: lookAtPods };
}

function failure(job: unknown): Shortfall {
  return {
    says: `the Job has failed: condition Failed is ${shownCondition(findCondition(job, "Failed"))}`,
    hint: "look at the logs of its pods (kubectl logs job/NAME), and run it anew: delete it and create it again",
    isFinal: true,
  };
}

const suspended: Shortfall = {
  says: "the Job is suspended",
  hint: "somebody has to set its spec.suspend to false, or a queue like Kueue has yet to admit it",
};

const lookAtPods =
  "the Job goes on; if that lasts, look at its pods with kubectl describe job and kubectl logs job/NAME";

function counts(job: unknown): string {
  const numbers = ["active", "succeeded", "failed"].map((field) => [field, numberAt(job, "status", field)]);
  const shown = numbers.filter(([, number]) => number).map(([field, number]) => `${field}: ${number}`);
  return shown.length === 0 ? "; no pod has been started" : `; ${shown.join(", ")}`;
}
