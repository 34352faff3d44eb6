import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { startFakeKubernetes } from "../helpers/fake-kubernetes.ts";
import { entry } from "../helpers/initkit.ts";

/** Binds the files of the service account to where kubelet has them, in a mount namespace of its own. */
const bind = `
  mkdir -p /var/run/secrets && mount -t tmpfs none /var/run/secrets
  mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
  mount --bind "$1" /var/run/secrets/kubernetes.io/serviceaccount && shift && exec "$@"
`;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs initkit as a pod would, beside a fake API server. */
async function inPod(
  { folder, env }: { folder: string; env: Record<string, string> },
  words: readonly string[],
  onStart: (pid: number) => void = () => {},
): Promise<Ended> {
  const unshare = ["--mount", "--propagation", "private", "sh", "-c", bind, "sh", folder];
  const running = promisify(execFile)("unshare", [...unshare, process.execPath, entry, ...words], {
    env: { PATH: process.env["PATH"], ...env },
  });
  onStart(running.child.pid!);
  return await running.then(
    (ended) => ({ code: 0, ...ended }),
    (error: Ended) => error,
  );
}

const complete = { status: { conditions: [{ type: "Complete", status: "True" }] } };
const job = "/apis/batch/v1/namespaces/shop/jobs/migrate";

test("a job is waited for by the service account of the pod", async (t) => {
  await using kubernetes = await startFakeKubernetes(t);
  const running = inPod(kubernetes, ["wait-for", "kubernetes:job/migrate", "--timeout", "20s"], () => {
    const timer = setInterval(() => {
      if (!kubernetes.paths.includes(job)) return;
      clearInterval(timer);
      kubernetes.objects.set(job, { metadata: { generation: 1 }, ...complete });
    }, 20);
  });
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "");
  const events = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.ok(events.some(({ event, task }) => event === "step.done" && task === "wait-for"));
  assert.ok(kubernetes.paths.filter((path) => path === job).length > 1);
});

test("SIGTERM ends a wait for an object at once", async (t) => {
  await using kubernetes = await startFakeKubernetes(t);
  let pid = 0;
  const running = inPod(kubernetes, ["wait-for", "kubernetes:job/migrate", "--timeout", "0"], (started) => {
    pid = started;
  });
  while (kubernetes.paths.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  process.kill(pid, "SIGTERM");
  assert.equal((await running).code, 143);
});

test("outside a cluster it is a mistake of the configuration, and nothing is asked", async (t) => {
  await using kubernetes = await startFakeKubernetes(t);
  const { code } = await inPod({ folder: kubernetes.folder, env: {} }, [
    "wait-for",
    "kubernetes:job/migrate",
  ]);
  assert.equal(code, 2);
  assert.deepEqual(kubernetes.paths, []);
});
