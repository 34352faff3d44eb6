import { quote } from "../format.ts";
import { conditionShortfall, isBeingDeleted, type Shortfall } from "./condition.ts";
import { at, listAt, said, textAt } from "../json-fields.ts";
import type { StatusCondition } from "./target.ts";

const ready: StatusCondition = { type: "Ready", status: "True" };

/**
 * A pod that has ended, well or not, gets no condition any more (Pod lifecycle, pod phase). Waiting on would only use
 * up the time, so that is final also where it succeeded: a Job can tell that a task is done, a pod cannot become ready.
 */
export function podShortfall(pod: unknown, wanted: StatusCondition = ready): Shortfall | undefined {
  const shortfall = conditionShortfall(pod, wanted) ?? leaving(pod, wanted);
  if (!shortfall) return undefined;
  const phase = textAt(pod, "status", "phase");
  if (phase === "Failed" || phase === "Succeeded") return ended(pod, phase);
  return { says: `${shortfall.says}${details(pod, phase)}`, hint: lookAtPod };
}

/** A pod that is being deleted stays Ready until its containers have ended. */
function leaving(pod: unknown, { type, status }: StatusCondition): Shortfall | undefined {
  const isReadiness = type.toLowerCase() === "ready" && status === ready.status;
  return isReadiness && isBeingDeleted(pod) ? { says: "it is being deleted", hint: lookAtPod } : undefined;
}

const lookAtPod = "look at kubectl describe pod and kubectl logs of it";

function ended(pod: unknown, phase: string): Shortfall {
  const [reason, message] = [textAt(pod, "status", "reason"), textAt(pod, "status", "message")];
  const because = [reason && quote(reason), message && said(message)].filter(Boolean).join(": ");
  const hint =
    phase === "Failed"
      ? "look at kubectl describe pod and kubectl logs of it; a failed pod does not start again"
      : "a pod whose containers have ended never becomes ready; wait for the Job that it belongs to, or let it run on";
  return { says: `the pod has ended: ${phase}${because && `, ${because}`}`, hint, isFinal: !comesBack(pod) };
}

/** Their pods get a new name each time. */
const renaming = new Set(["ReplicaSet", "ReplicationController", "DaemonSet", "Job"]);

/** A StatefulSet, like many an operator, puts a new pod of the same name in the place of one that has ended. */
function comesBack(pod: unknown): boolean {
  const owners = listAt(pod, "metadata", "ownerReferences");
  const controller = owners.find((owner) => at(owner, "controller") === true);
  return controller !== undefined && !renaming.has(textAt(controller, "kind"));
}

/** `; phase Pending; app waits: ImagePullBackOff` */
function details(pod: unknown, phase: string): string {
  const containers = ["initContainerStatuses", "containerStatuses"].flatMap((field) =>
    listAt(pod, "status", field),
  );
  const waiting = containers.flatMap((container) => {
    const reason = textAt(container, "state", "waiting", "reason");
    return reason === "" ? [] : [`; ${textAt(container, "name")} waits: ${reason}`];
  });
  return `${phase && `; phase ${phase}`}${waiting.slice(0, 3).join("")}`;
}
