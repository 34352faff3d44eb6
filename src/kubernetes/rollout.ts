import { findCondition, generationOf, idleController, type Shortfall } from "./condition.ts";
import { at, numberAt, said, textAt } from "../json-fields.ts";

/**
 * Why not every replica is updated and available, by the full name of the kind; the rules are those of
 * `kubectl rollout status`.
 */
export const rollouts: Readonly<Record<string, (object: unknown) => Shortfall | undefined>> = {
  "deployments.apps": ofNewestSpec(deployment),
  "statefulsets.apps": ofNewestSpec(statefulSet),
  "daemonsets.apps": ofNewestSpec(daemonSet),
  "replicasets.apps": ofNewestSpec(replicaSet),
  replicationcontrollers: ofNewestSpec(replicaSet),
};

/** What is missing, or undefined. */
type Check = (object: unknown) => string | undefined;

/** The status counts only once the controller has seen the spec as it is now. */
function ofNewestSpec(check: Check): (object: unknown) => Shortfall | undefined {
  return (object) => {
    if (statusOf(object, "observedGeneration") < generationOf(object)) {
      return { says: "its controller has not seen the newest spec", hint: idleController };
    }
    const says = check(object);
    return says === undefined ? undefined : { says, hint: lookAtPods };
  };
}

const lookAtPods = "look at its pods (kubectl get pods, kubectl describe pod) and at the events of its kind";

const statusOf = (object: unknown, field: string): number => numberAt(object, "status", field) ?? 0;

const wantedReplicas = (object: unknown): number => numberAt(object, "spec", "replicas") ?? 1;

/** `2 of 3 replicas available` */
function fewer(number: number, wanted: number, state: string, noun = "replicas"): string | undefined {
  return number < wanted ? `${number} of ${wanted} ${noun} ${state}` : undefined;
}

function deployment(object: unknown): string | undefined {
  const wanted = wantedReplicas(object);
  const updated = statusOf(object, "updatedReplicas");
  const missing =
    fewer(updated, wanted, "updated") ??
    oldReplicas(statusOf(object, "replicas") - updated) ??
    fewer(statusOf(object, "availableReplicas"), Math.max(wanted, updated), "available");
  return missing === undefined ? undefined : `${missing}${stuck(object)}`;
}

const oldReplicas = (number: number): string | undefined =>
  number > 0 ? `old replicas are still there: ${number}` : undefined;

function stuck(object: unknown): string {
  if (at(object, "spec", "paused") === true) return "; it is paused";
  const progressing = findCondition(object, "Progressing");
  if (textAt(progressing, "reason") !== "ProgressDeadlineExceeded") return "";
  return `; ProgressDeadlineExceeded: ${said(textAt(progressing, "message"))}`;
}

/** Replicas below the partition keep the old revision, and with OnDelete those that nobody deletes. */
function statefulSet(object: unknown): string | undefined {
  const wanted = wantedReplicas(object);
  const partition = numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
  const mayHaveOld = !isOnDelete(object) && !hasOneRevision(object);
  const toUpdate = mayHaveOld ? Math.max(0, wanted - partition) : 0;
  return (
    fewer(statusOf(object, "updatedReplicas"), toUpdate, "updated") ??
    fewer(statusOf(object, "readyReplicas"), wanted, "ready") ??
    // Kubernetes before 1.22 does not count the available ones.
    fewer(numberAt(object, "status", "availableReplicas") ?? wanted, wanted, "available")
  );
}

/** Then every replica has it. */
function hasOneRevision(object: unknown): boolean {
  const current = textAt(object, "status", "currentRevision");
  return current !== "" && current === textAt(object, "status", "updateRevision");
}

const isOnDelete = (object: unknown): boolean =>
  textAt(object, "spec", "updateStrategy", "type") === "OnDelete";

function daemonSet(object: unknown): string | undefined {
  const wanted = statusOf(object, "desiredNumberScheduled");
  const updated = isOnDelete(object) ? wanted : statusOf(object, "updatedNumberScheduled");
  return (
    fewer(updated, wanted, "updated", "pods") ??
    fewer(statusOf(object, "numberAvailable"), wanted, "available", "pods")
  );
}

function replicaSet(object: unknown): string | undefined {
  return fewer(statusOf(object, "availableReplicas"), wantedReplicas(object), "available");
}
