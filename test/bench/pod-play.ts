import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { baseImage, podman, podmanSays } from "../image/podman.ts";
import { emptied } from "./surroundings.ts";

/** What the pod finds: its folders on this machine, and the URL of a database. */
export interface Place {
  readonly data: string;
  readonly migrations: string;
  readonly database: string;
}

export interface InitContainer {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
}

/** One way to make a pod ready. */
export interface Way {
  readonly name: string;
  readonly containers: readonly InitContainer[];
}

export interface Sample {
  /** Until the main container has started. */
  readonly wallMs: number;
  /** Within the init containers, from the start of each to its end. */
  readonly insideMs: number;
}

/** Plays a pod that is made ready in this way, from an empty data folder on, and removes it. */
export async function play(way: Way, place: Place): Promise<Sample> {
  emptied(place.data)();
  const name = `initkit-bench-${process.pid}`;
  const file = join(place.data, "../pod.json");
  writeFileSync(file, JSON.stringify(manifestOf(name, way, place)));
  try {
    const startedAt = performance.now();
    const { exitCode, stderr } = await podman(["kube", "play", file]);
    const wallMs = performance.now() - startedAt;
    if (exitCode !== 0) throw new Error(`${way.name} ended with ${exitCode}: ${stderr}`);
    const spans = await Promise.all(way.containers.map((_, at) => insideMs(`${name}-init${at}`)));
    return { wallMs, insideMs: spans.reduce((sum, ms) => sum + ms) };
  } finally {
    await podman(["kube", "down", file]);
  }
}

/** As root, for only root changes owners. Init containers of the kind "always" are still there when they have ended. */
function manifestOf(name: string, way: Way, place: Place): object {
  const hostPath = (name: string, path: string) => ({ name, hostPath: { path, type: "Directory" } });
  const shared = { imagePullPolicy: "Never", securityContext: { runAsUser: 0 } };
  const initContainers = way.containers.map((container, at) => ({
    ...container,
    ...shared,
    name: `init${at}`,
    env: [{ name: "DATABASE_URL", value: `${place.database}?sslmode=disable` }],
    volumeMounts: [
      { name: "data", mountPath: "/data" },
      { name: "migrations", mountPath: "/migrations", readOnly: true },
    ],
  }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, annotations: { "io.podman.annotations.init.container.type": "always" } },
    spec: {
      hostNetwork: true,
      restartPolicy: "Never",
      initContainers,
      containers: [{ ...shared, name: "app", image: baseImage, command: ["/bin/true"] }],
      volumes: [hostPath("data", place.data), hostPath("migrations", place.migrations)],
    },
  };
}

/** From the start of a container that has ended to its end. */
export async function insideMs(container: string): Promise<number> {
  const times = await podmanSays("inspect", "--format", "{{json .State}}", container);
  const { StartedAt: startedAt, FinishedAt: finishedAt } = JSON.parse(times);
  return Date.parse(finishedAt) - Date.parse(startedAt);
}
