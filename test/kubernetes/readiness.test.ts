import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Shortfall } from "../../src/kubernetes/condition.ts";
import { conditionShortfall } from "../../src/kubernetes/condition.ts";
import { jobShortfall } from "../../src/kubernetes/job.ts";
import { podShortfall } from "../../src/kubernetes/pod.ts";
import { rollouts } from "../../src/kubernetes/rollout.ts";

/** `ready`, or what is missing; a `!` stands before what never comes. */
const told = (shortfall: Shortfall | undefined): string =>
  shortfall ? `${shortfall.isFinal ? "! " : ""}${shortfall.says}` : "ready";

const condition = (type: string, status = "True", more: object = {}) => ({ type, status, ...more });

test("a condition is compared without regard to case, and what is there is told", () => {
  const object = (...conditions: object[]) => ({ metadata: { generation: 2 }, status: { conditions } });
  const ready = { type: "ready", status: "True" };
  for (const [given, says] of [
    [object(condition("Ready")), "ready"],
    [object(condition("Ready", "true")), "ready"],
    [object(condition("Ready", "False")), "condition Ready is False"],
    [
      object(condition("Ready", "False", { reason: "Slow", message: 'no "x" yet' })),
      `condition Ready is False, Slow: "no 'x' yet"`,
    ],
    [object(), "condition ready is not there"],
    [object(condition("Synced")), 'condition ready is not there; there are: "Synced"'],
    [
      object(condition("Ready", "True", { observedGeneration: 1 })),
      "condition Ready is True, but not yet for the newest spec",
    ],
    [object(condition("Ready", "True", { observedGeneration: 2 })), "ready"],
    [{}, "condition ready is not there"],
  ] satisfies [object, string][]) {
    assert.equal(told(conditionShortfall(given, ready)), says);
  }
});

test("a job is ready when it is complete, and a failed one never is", () => {
  const job = (status: object, spec: object = {}) => ({ spec, status });
  const failed = condition("Failed", "True", { reason: "BackoffLimitExceeded", message: "too often" });
  for (const [given, says] of [
    [job({ conditions: [condition("SuccessCriteriaMet"), condition("Complete")] }), "ready"],
    [
      job({ conditions: [condition("SuccessCriteriaMet")], active: 1 }),
      'condition Complete is not there; there are: "SuccessCriteriaMet"; active: 1',
    ],
    [job({ active: 1, failed: 2 }), "condition Complete is not there; active: 1, failed: 2"],
    [job({}), "condition Complete is not there; no pod has been started"],
    [
      job({ conditions: [failed] }),
      '! the Job has failed: condition Failed is True, BackoffLimitExceeded: "too often"',
    ],
    [job({ conditions: [condition("Suspended")] }, { suspend: true }), "the Job is suspended"],
  ] satisfies [object, string][]) {
    assert.equal(told(jobShortfall(given)), says);
  }
  assert.equal(
    told(jobShortfall(job({ conditions: [failed] }), { type: "failed", status: "True" })),
    "ready",
  );
  assert.match(
    told(jobShortfall(job({ active: 1 }), { type: "Failed", status: "True" })),
    /^condition Failed/,
  );
});

test("a pod is ready when its condition Ready says so; one that has ended stays as it is", () => {
  const pod = (phase: string, ready: string, more: object = {}, metadata: object = {}) => ({
    metadata,
    status: { phase, conditions: [condition("Ready", ready)], ...more },
  });
  const owner = (kind: string) => ({ ownerReferences: [{ kind, controller: true }] });
  const waiting = [{ name: "app", state: { waiting: { reason: "ImagePullBackOff" } } }];
  for (const [given, says] of [
    [pod("Running", "True"), "ready"],
    [pod("Running", "False"), "condition Ready is False; phase Running"],
    [
      pod("Pending", "False", { containerStatuses: waiting }),
      "condition Ready is False; phase Pending; app waits: ImagePullBackOff",
    ],
    [pod("Running", "True", {}, { deletionTimestamp: "now" }), "it is being deleted; phase Running"],
    [
      pod("Failed", "False", { reason: "Evicted", message: "low on memory" }),
      '! the pod has ended: Failed, "Evicted": "low on memory"',
    ],
    [pod("Succeeded", "False"), "! the pod has ended: Succeeded"],
    [pod("Failed", "False", {}, owner("Job")), "! the pod has ended: Failed"],
    [pod("Failed", "False", {}, owner("StatefulSet")), "the pod has ended: Failed"],
    [{}, "condition Ready is not there"],
  ] satisfies [object, string][]) {
    assert.equal(told(podShortfall(given)), says);
  }
  const notReady = { type: "Ready", status: "False" };
  assert.equal(told(podShortfall(pod("Succeeded", "False"), notReady)), "ready");
});

const workload = (spec: object, status: object) => ({
  metadata: { generation: 2 },
  spec,
  status: { observedGeneration: 2, ...status },
});

test("a deployment is ready when every replica is updated and available, and no old one is left", () => {
  const of = (status: object, spec: object = { replicas: 3 }) =>
    told(rollouts["deployments.apps"]!(workload(spec, status)));
  const all = { replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
  assert.equal(of(all), "ready");
  assert.equal(of({ ...all, observedGeneration: 1 }), "its controller has not seen the newest spec");
  assert.equal(of({ ...all, updatedReplicas: 1 }), "1 of 3 replicas updated");
  assert.equal(of({ ...all, replicas: 4 }), "old replicas are still there: 1");
  assert.equal(of({ ...all, availableReplicas: 2 }), "2 of 3 replicas available");
  assert.equal(of({}), "0 of 3 replicas updated");
  assert.equal(of({}, {}), "0 of 1 replicas updated");
  assert.equal(of({}, { replicas: 0 }), "ready");
  assert.equal(of({}, { replicas: 1, paused: true }), "0 of 1 replicas updated; it is paused");
  const stuck = condition("Progressing", "False", { reason: "ProgressDeadlineExceeded", message: "late" });
  assert.equal(
    of({ ...all, availableReplicas: 0, conditions: [stuck] }),
    '0 of 3 replicas available; ProgressDeadlineExceeded: "late"',
  );
});

test("a statefulset is ready when its replicas are, above the partition with the newest revision", () => {
  const of = (status: object, updateStrategy: object = { type: "RollingUpdate" }) =>
    told(rollouts["statefulsets.apps"]!(workload({ replicas: 3, updateStrategy }, status)));
  const all = { replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3 };
  const one = { currentRevision: "a", updateRevision: "a" };
  const two = { currentRevision: "a", updateRevision: "b" };
  assert.equal(of({ ...all, ...one }), "ready");
  assert.equal(of({ ...all, ...one, availableReplicas: undefined }), "ready");
  assert.equal(of({ ...all, ...one, observedGeneration: 1 }), "its controller has not seen the newest spec");
  assert.equal(of({ ...all, ...two, updatedReplicas: 1 }), "1 of 3 replicas updated");
  assert.equal(of({ ...all, ...one, replicas: 1, readyReplicas: 1 }), "1 of 3 replicas ready");
  assert.equal(of({ ...all, ...one, readyReplicas: 2 }), "2 of 3 replicas ready");
  assert.equal(of({ ...all, ...one, availableReplicas: 2 }), "2 of 3 replicas available");
  const partition = { type: "RollingUpdate", rollingUpdate: { partition: 2 } };
  assert.equal(of({ ...all, ...two, updatedReplicas: 1 }, partition), "ready");
  assert.equal(of({ ...all, ...two, updatedReplicas: 0 }, partition), "0 of 1 replicas updated");
  assert.equal(of({ ...all, ...two, updatedReplicas: 0 }, { type: "OnDelete" }), "ready");
});

test("a daemonset is ready when each node that wants its pod has it, updated and available", () => {
  const of = (status: object, updateStrategy: object = {}) =>
    told(rollouts["daemonsets.apps"]!(workload({ updateStrategy }, status)));
  const all = { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 };
  assert.equal(of(all), "ready");
  assert.equal(of({ ...all, observedGeneration: 0 }), "its controller has not seen the newest spec");
  assert.equal(of({ ...all, updatedNumberScheduled: 1 }), "1 of 2 pods updated");
  assert.equal(of({ ...all, updatedNumberScheduled: 1 }, { type: "OnDelete" }), "ready");
  assert.equal(of({ ...all, numberAvailable: undefined }), "0 of 2 pods available");
});

test("a replicaset is ready when its replicas are available", () => {
  const of = (status: object) => told(rollouts["replicasets.apps"]!(workload({ replicas: 2 }, status)));
  assert.equal(of({ availableReplicas: 2 }), "ready");
  assert.equal(of({ availableReplicas: 1 }), "1 of 2 replicas available");
});

test("any JSON ends in a verdict", () => {
  const fields = ["metadata", "spec", "status", "conditions", "type", "ownerReferences", "containerStatuses"];
  const json = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: "small" }, fc.jsonValue({ maxDepth: 1 }), tie("list"), tie("object")),
    list: fc.array(tie("value"), { maxLength: 3 }),
    object: fc.dictionary(fc.constantFrom(...fields), tie("value"), { maxKeys: 4 }),
  })).value;
  const checks = [jobShortfall, podShortfall, ...Object.values(rollouts)];
  fc.assert(
    fc.property(json, (object) => {
      for (const check of checks) assert.equal(typeof told(check(object)), "string");
    }),
  );
});
