import { quote } from "../format.ts";
import { at, listAt, numberAt, said, textAt } from "../json-fields.ts";
import type { StatusCondition } from "./target.ts";

/** Why an object is not what it is waited for. */
export interface Shortfall {
  /** Completes the sentence "job shop/migrate: …". */
  readonly says: string;
  readonly hint: string;
  /** It stays so, whatever the time. */
  readonly isFinal?: boolean;
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** An entry of an object's `status.conditions`. */
export function findCondition(object: unknown, type: string): unknown {
  return listAt(object, "status", "conditions").find((each) => same(textAt(each, "type"), type));
}

export function hasCondition(object: unknown, { type, status }: StatusCondition): boolean {
  return same(textAt(findCondition(object, type), "status"), status);
}

/** `False, MinimumReplicasUnavailable: "…"`: status, reason and message. */
export function shownCondition(condition: unknown): string {
  const [status, reason, message] = ["status", "reason", "message"].map((field) => textAt(condition, field));
  const because = [reason, message && said(message)].filter(Boolean).join(": ");
  return because === "" ? status! : `${status}, ${because}`;
}

/**
 * Whether the object has a condition, told by its controller about its newest spec: an older
 * `observedGeneration` does not count (as in `kubectl wait`).
 */
export function conditionShortfall(object: unknown, wanted: StatusCondition): Shortfall | undefined {
  const condition = findCondition(object, wanted.type);
  if (condition === undefined) return { says: notThere(object, wanted), hint: whoseConditions };
  const shown = `condition ${textAt(condition, "type")} is ${shownCondition(condition)}`;
  if (!hasCondition(object, wanted)) return { says: shown, hint: whoseConditions };
  const observed =
    numberAt(condition, "observedGeneration") ?? numberAt(object, "status", "observedGeneration");
  if (observed === undefined || observed >= generationOf(object)) return undefined;
  return { says: `${shown}, but not yet for the newest spec`, hint: idleController };
}

function notThere(object: unknown, { type }: StatusCondition): string {
  const types = listAt(object, "status", "conditions").map((each) => textAt(each, "type"));
  const there = types.slice(0, 10).join(", ");
  return `condition ${type} is not there${there && `; there are: ${quote(there)}`}`;
}

const whoseConditions =
  "its controller sets the conditions: look at kubectl describe, and at the log of the controller";

export const idleController = "its controller has not seen the newest spec: check that the controller runs";

/** Raised by each change of the spec. */
export const generationOf = (object: unknown): number => numberAt(object, "metadata", "generation") ?? 0;

export const isBeingDeleted = (object: unknown): boolean =>
  at(object, "metadata", "deletionTimestamp") !== undefined;
