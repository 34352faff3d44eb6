import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseKubernetes } from "../../src/kubernetes/target.ts";

test("a target names a kind, a namespace unless it is the pod's own, and an object", () => {
  assert.deepEqual(parseKubernetes("kubernetes:job/migrate"), {
    scheme: "kubernetes",
    name: "kubernetes:job/migrate",
    kind: "job",
    namespace: undefined,
    object: "migrate",
    condition: undefined,
  });
  const { kind, namespace, object } = parseKubernetes("KUBERNETES:Deployment/shop/web");
  assert.deepEqual([kind, namespace, object], ["deployment", "shop", "web"]);
});

test("builtin kinds have all the names that kubectl knows", () => {
  for (const [written, kind] of [
    ["po", "pod"],
    ["Pods", "pod"],
    ["svc", "service"],
    ["deploy", "deployment"],
    ["deployments.apps", "deployment"],
    ["Deployment.apps", "deployment"],
    ["sts", "statefulset"],
    ["ds", "daemonset"],
    ["rs", "replicaset"],
    ["jobs.batch", "job"],
    ["cj", "cronjob"],
    ["cm", "configmap"],
    ["sa", "serviceaccount"],
    ["pvc", "persistentvolumeclaim"],
    ["pv", "persistentvolume"],
    ["ns", "namespace"],
    ["no", "node"],
    ["ing", "ingress"],
    ["ep", "endpoints"],
    ["hpa", "horizontalpodautoscaler"],
    ["pdb", "poddisruptionbudget"],
    ["crd", "customresourcedefinition"],
    ["Certificate.cert-manager.io", "certificate.cert-manager.io"],
    ["services.serving.knative.dev", "services.serving.knative.dev"],
    ["widget", "widget"],
  ]) {
    assert.equal(parseKubernetes(`kubernetes:${written}/x`).kind, kind);
  }
});

test("a condition is exists, a type or a type with a status", () => {
  const conditionOf = (text: string) => parseKubernetes(`kubernetes:pod/x?condition=${text}`).condition;
  assert.equal(conditionOf("Exists"), "exists");
  assert.deepEqual(conditionOf("complete"), { type: "complete", status: "True" });
  assert.deepEqual(conditionOf("Available=true"), { type: "Available", status: "True" });
  assert.deepEqual(conditionOf("Ready=False"), { type: "Ready", status: "False" });
  assert.deepEqual(conditionOf("example.com%2FSynced"), { type: "example.com/Synced", status: "True" });
});

test("the name is the text in its usual form", () => {
  const nameOf = (text: string) => parseKubernetes(text).name;
  assert.equal(nameOf("Kubernetes:PO/x?condition=Ready=TRUE"), "kubernetes:pod/x?condition=Ready");
  assert.equal(nameOf("kubernetes:po/a/x?condition=ready=false"), "kubernetes:pod/a/x?condition=ready=False");
  assert.equal(nameOf("kubernetes:cm/x?condition=EXISTS"), "kubernetes:configmap/x?condition=exists");
});

test("what is no target is told with the reason", () => {
  for (const [text, reason] of [
    ["kubernetes:", /form kubernetes:KIND/],
    ["kubernetes:pod", /form kubernetes:KIND/],
    ["kubernetes://pod/x", /form kubernetes:KIND/],
    ["kubernetes:pod/", /form kubernetes:KIND/],
    ["kubernetes:a/b/c/d", /form kubernetes:KIND/],
    ["kubernetes:-pod/x", /kind "-pod"/],
    ["kubernetes:pod/a_b/x", /namespace "a_b"/],
    ["kubernetes:pod/My_Pod", /object "My_Pod"/],
    ["kubernetes:role/..", /object "\.\."/],
    ["kubernetes:ns/shop/x", /a namespace is in none/],
    ["kubernetes:nodes/shop/x", /a node is in none/],
    ["kubernetes:pod/x?conditon=Ready", /"conditon"; did you mean condition\?/],
    ["kubernetes:pod/x?condition=Ready&condition=Ready", /more than one condition/],
    ["kubernetes:pod/x?condition=", /condition "" that is not/],
    ["kubernetes:pod/x?condition=Ready=Flase", /"Flase".*did you mean False\?/],
    ["kubernetes:pod/x?condition=%zz", /encodes nothing/],
  ] satisfies [string, RegExp][]) {
    assert.throws(() => parseKubernetes(text), reason, text);
  }
  assert.equal(parseKubernetes("kubernetes:clusterrole/system:node").object, "system:node");
});

test("parsing ends with a target or an Error, and the name parses to the same target", () => {
  const part = fc.oneof(fc.string(), fc.constantFrom("pod", "shop", "deploy", "a.b", "x", "ns"));
  const query = fc.oneof(fc.constantFrom("", "?condition=Ready", "?condition=exists"), fc.string());
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), query, (parts, rest) => {
      try {
        const target = parseKubernetes(`kubernetes:${parts.join("/")}${rest}`);
        assert.deepEqual(parseKubernetes(target.name), target);
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor === Error, String(error));
      }
    }),
  );
});
