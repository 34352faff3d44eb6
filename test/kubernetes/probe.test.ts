import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deadline } from "../../src/deadline.ts";
import { Failure } from "../../src/failure.ts";
import { assertInCluster } from "../../src/kubernetes/cluster.ts";
import { prepareKubernetes } from "../../src/kubernetes/probe.ts";
import { parseKubernetes } from "../../src/kubernetes/target.ts";
import { absence } from "../../src/probes/absence.ts";
import { makeAuthority } from "../helpers/certificates.ts";
import { type FakeKubernetes, startFakeKubernetes } from "../helpers/fake-kubernetes.ts";
import { freePort } from "../helpers/peers.ts";

const prepare = (fake: FakeKubernetes, text: string, env: Record<string, string> = fake.env) =>
  prepareKubernetes(parseKubernetes(`kubernetes:${text}`), env, fake.folder);

async function failureOf(act: Promise<unknown>): Promise<Failure> {
  const error = await act.then(
    () => assert.fail("it is ready"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Failure, String(error));
  return error;
}

const patient = new AbortController().signal;

const look = async (fake: FakeKubernetes, text: string): Promise<void> =>
  await (
    await prepare(fake, text)
  )(patient);

/** How one look fails: code and kind, with the whole failure. */
async function fails(fake: FakeKubernetes, text: string, expected: string): Promise<Failure> {
  const failure = await failureOf(look(fake, text));
  assert.equal(`${failure.code} ${failure.kind}`, expected, failure.message);
  assert.ok(failure.hint, failure.message);
  return failure;
}

const jobs = "/apis/batch/v1/namespaces/shop/jobs";
const complete = { status: { conditions: [{ type: "Complete", status: "True" }] } };
const failedJob = {
  status: { conditions: [{ type: "Failed", status: "True", reason: "DeadlineExceeded" }] },
};

test("a job of the pod's own namespace is waited for until it is complete", async (t) => {
  await using fake = await startFakeKubernetes(t);
  const probe = await prepare(fake, "job/migrate");
  const missing = await failureOf(probe(patient));
  assert.equal(missing.kind, "expectation:exists");
  assert.match(missing.message, /^job shop\/migrate: it does not exist$/);
  fake.objects.set(`${jobs}/migrate`, { status: { active: 1, failed: 2 } });
  const running = await failureOf(probe(patient));
  assert.equal(running.kind, "expectation:condition");
  assert.match(running.message, /active: 1, failed: 2/);
  fake.objects.set(`${jobs}/migrate`, complete);
  await probe(patient);
  assert.deepEqual(new Set(fake.paths), new Set([`${jobs}/migrate`]));
});

test("a failed job is refused at once, unless that is what is waited for", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.objects.set(`${jobs}/migrate`, failedJob);
  const failure = await fails(fake, "job/migrate", "refused expectation:condition");
  assert.match(failure.message, /DeadlineExceeded/);
  assert.ok(failure.permanent);
  await fails(fake, "job/migrate?condition=Complete", "refused expectation:condition");
  await look(fake, "job/migrate?condition=Failed");
  await look(fake, "job/migrate?condition=exists");
});

test("a namespace may be named, and is needed where the pod's own is not known", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.objects.set("/apis/apps/v1/namespaces/auth/deployments/web", { spec: { replicas: 0 } });
  await look(fake, "deploy/auth/web");
  rmSync(join(fake.folder, "namespace"));
  await look(fake, "deploy/auth/web");
  await fails(fake, "deploy/web", "configuration kubernetes:namespace");
});

test("what has no condition of its own need only exist, and its contents are not asked for", async (t) => {
  await using fake = await startFakeKubernetes(t);
  await fails(fake, "secret/tls", "not-ready expectation:exists");
  fake.objects.set("/api/v1/namespaces/shop/secrets/tls", {});
  fake.objects.set("/api/v1/namespaces/prod", {});
  fake.objects.set("/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node", {});
  await look(fake, "secret/tls");
  await look(fake, "ns/prod");
  await look(fake, "clusterrole/system:node");
  assert.match(String(fake.seen[0]!.headers.accept), /PartialObjectMetadata/);
  await fails(fake, "ns/prod?condition=Ready", "not-ready expectation:condition");
  assert.equal(fake.seen.at(-1)!.headers.accept, "application/json");
});

const services = "/api/v1/namespaces/shop/services";
const slices = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";

const slice = (service: string, ...conditions: object[]) => ({
  metadata: { labels: { "kubernetes.io/service-name": service } },
  endpoints: conditions.map((each) => ({ conditions: each })),
});

test("a service is ready when one of its endpoints is", async (t) => {
  await using fake = await startFakeKubernetes(t);
  await fails(fake, "svc/web", "not-ready expectation:exists");
  fake.objects.set(`${services}/web`, { spec: { type: "ClusterIP", selector: { app: "web" } } });
  assert.match((await fails(fake, "svc/web", "not-ready expectation:condition")).message, /has no endpoint/);
  fake.objects.set(`${slices}/other`, slice("other", { ready: true }));
  await fails(fake, "svc/web", "not-ready expectation:condition");
  fake.objects.set(
    `${slices}/web-a`,
    slice("web", { ready: false }, { ready: true, serving: false }, { ready: true, terminating: true }),
  );
  const notReady = await fails(fake, "svc/web", "not-ready expectation:condition");
  assert.match(notReady.message, /0 of 3 endpoints ready/);
  fake.objects.set(`${slices}/web-b`, slice("web", {}));
  await look(fake, "svc/web");
});

test("an ExternalName has no endpoints, and one without selector needs somebody to make them", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.objects.set(`${services}/alias`, { spec: { type: "ExternalName" } });
  await look(fake, "svc/alias");
  fake.objects.set(`${services}/manual`, { spec: {} });
  const { hint } = await fails(fake, "svc/manual", "not-ready expectation:condition");
  assert.match(hint!, /no selector/);
});

test("where EndpointSlices are forbidden, Endpoints tell it", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.objects.set(`${services}/web`, { spec: { selector: {} } });
  fake.forbidden.add("endpointslices");
  await fails(fake, "svc/web", "not-ready expectation:condition");
  const endpoints = "/api/v1/namespaces/shop/endpoints/web";
  fake.objects.set(endpoints, { subsets: [{ notReadyAddresses: [{ ip: "10.0.0.1" }] }] });
  assert.match((await fails(fake, "svc/web", "not-ready expectation:condition")).message, /0 of 1/);
  fake.objects.set(endpoints, { subsets: [{ addresses: [{ ip: "10.0.0.1" }] }] });
  await look(fake, "svc/web");
  fake.forbidden.add("endpoints");
  const { hint } = await fails(fake, "svc/web", "refused kubernetes:403");
  assert.match(hint!, /resources: \[endpointslices\], verbs: \[list\]/);
});

test("what RBAC forbids is refused, with the rule that would allow it", async (t) => {
  await using fake = await startFakeKubernetes(t);
  for (const plural of ["jobs", "services", "nodes"]) fake.forbidden.add(plural);
  const job = await fails(fake, "job/x", "refused kubernetes:403");
  assert.match(job.message, /cannot get resource 'jobs' in API group 'batch'/);
  assert.equal(
    job.hint,
    "add to the rules of a Role in namespace shop: {apiGroups: [batch], resources: [jobs], verbs: [get]}; and bind it to ServiceAccount default of namespace shop",
  );
  const service = await fails(fake, "svc/x", "refused kubernetes:403");
  assert.match(service.hint!, /apiGroups: \[""\], resources: \[services\].* and .*endpointslices/);
  assert.match((await fails(fake, "node/x", "refused kubernetes:403")).hint!, /a ClusterRole: /);
});

const certificate = {
  group: "cert-manager.io",
  version: "v1",
  plural: "certificates",
  kind: "Certificate",
  shortNames: ["cert"],
};
const backup = (group: string) => ({ group, version: "v1", plural: "backups", kind: "Backup" });
const certificates = "/apis/cert-manager.io/v1/namespaces/shop/certificates";
const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } };

test("a kind of a CRD is found by every name of it, once it is installed, and remembered", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.objects.set(`${certificates}/tls`, ready);
  const probe = await prepare(fake, "cert/tls?condition=ready");
  const absent = await failureOf(probe(patient));
  assert.equal(absent.kind, "kubernetes:no-kind");
  assert.ok(absent.retryAfter! >= 1000);
  fake.kinds = [certificate];
  await probe(patient);
  await probe(patient);
  assert.deepEqual(fake.paths, ["/apis", "/apis", `${certificates}/tls`, `${certificates}/tls`]);
  for (const kind of ["Certificates", "certificate", "certificate.cert-manager.io"]) {
    await look(fake, `${kind}/tls`);
  }
  fake.kinds = [{ ...certificate, version: "v2" }];
  assert.equal((await failureOf(probe(patient))).kind, "kubernetes:no-kind");
  fake.objects.set("/apis/cert-manager.io/v2/namespaces/shop/certificates/tls", ready);
  await probe(patient);
});

test("an API server without aggregated discovery is asked group by group", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.isOld = true;
  fake.kinds = [backup("velero.io"), certificate];
  fake.objects.set(`${certificates}/tls`, ready);
  await look(fake, "cert/tls");
  assert.deepEqual(fake.paths.slice(0, 3), ["/apis", "/apis/velero.io/v1", "/apis/cert-manager.io/v1"]);
  fake.paths.length = 0;
  await look(fake, "certificates.cert-manager.io/tls");
  assert.deepEqual(fake.paths.slice(0, 2), ["/apis", "/apis/cert-manager.io/v1"]);
});

test("a kind that nobody serves is no absence, and the nearest one is suggested", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.kinds = [certificate];
  for (const [kind, suggested] of [
    ["certifcate", "certificate"],
    ["deploymnet", "deployment"],
    ["certificate.cert-manger.io", "certificate.cert-manager.io"],
  ]) {
    const { message } = await fails(fake, `${kind}/x`, "not-ready kubernetes:no-kind");
    assert.ok(message.endsWith(`did you mean ${suggested}?`), message);
  }
  const { message } = await fails(fake, "hpa/x", "not-ready kubernetes:no-kind");
  assert.match(message, /horizontalpodautoscalers\.autoscaling in version v2/);
});

test("a kind of two groups has to be named with its group", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.kinds = [backup("velero.io"), backup("k8up.io")];
  const { message } = await fails(fake, "backup/x", "refused kubernetes:ambiguous");
  assert.match(message, /backups\.velero\.io, backups\.k8up\.io/);
  await fails(fake, "backup.k8up.io/x", "not-ready expectation:exists");
});

test("a namespace for a kind that is in none is a mistake in the target", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.kinds = [{ ...backup("k8up.io"), clusterScoped: true }];
  const { hint } = await fails(fake, "backup/shop/x", "configuration kubernetes:namespace");
  assert.equal(hint, "write kubernetes:backup/x");
  fake.objects.set("/apis/k8up.io/v1/backups/x", {});
  await look(fake, "backup/x");
});

test("the token is read anew for each look, and one that is not accepted may still be replaced", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.objects.set(`${jobs}/x`, complete);
  const probe = await prepare(fake, "job/x");
  await probe(patient);
  fake.rotateToken("second.token.x");
  await probe(patient);
  assert.equal(fake.seen.at(-1)!.headers.authorization, "Bearer second.token.x");
  fake.rotateToken("third.token.x", false);
  const failure = await failureOf(probe(patient));
  assert.equal(`${failure.code} ${failure.kind}`, "not-ready kubernetes:401");
  assert.ok(!`${failure.message} ${failure.hint}`.includes("second.token"));
});

test("an API server that is busy or broken is not ready, and gets the pause that it wants", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.answer = { status: 429, headers: { "retry-after": "2" }, body: "slow down" };
  assert.equal((await fails(fake, "job/x", "not-ready kubernetes:429")).retryAfter, 2000);
  for (const status of [301, 410, 500, 503]) {
    fake.answer = { status, headers: { location: "https://elsewhere/" }, body: '{"message":"why"}' };
    assert.match((await fails(fake, "job/x", `not-ready kubernetes:${status}`)).message, /"why"/);
  }
  fake.answer = { status: 200, body: "<html>" };
  await fails(fake, "job/x", "not-ready kubernetes:200");
  fake.answer = { status: 200, body: " ".repeat(9 * 1024 * 1024) };
  await fails(fake, "job/x", "not-ready kubernetes:too-long");
});

test("an API server that cannot be reached shows no object gone", async (t) => {
  await using fake = await startFakeKubernetes(t);
  const env = { ...fake.env, KUBERNETES_SERVICE_PORT: String(await freePort()) };
  const refused = await failureOf((await prepare(fake, "job/x", env))(patient));
  assert.equal(refused.kind, "kubernetes:connect:ECONNREFUSED");
  fake.answer = "hang";
  using soon = deadline(patient, 100, () => new Failure("not-ready", "not finished within 100ms"));
  const silent = await failureOf((await prepare(fake, "job/x"))(soon.signal));
  assert.equal(silent.kind, "kubernetes:headers-timeout");
});

test("absent is met by a missing object and an unmet condition, not by an unknown kind or an API in trouble", async (t) => {
  await using fake = await startFakeKubernetes(t);
  const isGone = async (text: string) => {
    const gone = absence(text, await prepare(fake, text));
    return await gone(patient).then(
      () => true,
      (error: Failure) => error.code,
    );
  };
  assert.equal(await isGone("job/x"), true);
  assert.equal(await isGone("jbo/x"), "not-ready");
  fake.objects.set(`${jobs}/x`, failedJob);
  assert.equal(await isGone("job/x?condition=exists"), "not-ready");
  assert.equal(await isGone("job/x?condition=Complete"), true);
  fake.forbidden.add("jobs");
  assert.equal(await isGone("job/x"), "refused");
  fake.answer = { status: 503 };
  assert.equal(await isGone("job/x"), "not-ready");
});

test("the end of the run stays what it is", async (t) => {
  await using fake = await startFakeKubernetes(t);
  fake.answer = "hang";
  const reason = new Failure("signal", "ended by SIGTERM", { signal: 15 });
  using soon = deadline(patient, 100, () => reason);
  assert.equal(await failureOf((await prepare(fake, "job/x"))(soon.signal)), reason);
});

test("the certificate of the API server must be of the CA of the service account", async (t) => {
  await using fake = await startFakeKubernetes(t);
  writeFileSync(join(fake.folder, "ca.crt"), makeAuthority("another").cert);
  const { hint } = await fails(fake, "job/x", "not-ready kubernetes:tls:certificate");
  assert.match(hint!, /kube-root-ca\.crt/);
  assert.equal(fake.seen.length, 0);
});

test("without a token or a CA it is a mistake of the configuration", async (t) => {
  await using fake = await startFakeKubernetes(t);
  for (const file of ["ca.crt", "token"]) {
    writeFileSync(join(fake.folder, file), "\n");
    const empty = await failureOf(prepare(fake, "job/x"));
    assert.equal(empty.code, "configuration");
    rmSync(join(fake.folder, file));
    const missing = await failureOf(prepare(fake, "job/x"));
    assert.equal(missing.code, "configuration");
    assert.match(missing.message, new RegExp(`${file}.*ENOENT`));
    assert.match(missing.hint!, /automountServiceAccountToken/);
  }
});

test("outside a cluster it is a mistake of the configuration", () => {
  for (const env of [
    {},
    { KUBERNETES_SERVICE_HOST: "" },
    { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "x" },
  ]) {
    assert.throws(() => assertInCluster(env), { code: "configuration" });
  }
  for (const host of ["10.0.0.1", "fd00::1", "[fd00::1]", "kubernetes.default.svc"]) {
    assertInCluster({ KUBERNETES_SERVICE_HOST: host });
    assertInCluster({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: "6443" });
  }
});
