import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountConfigMap } from "../helpers/config-map.ts";
import { manifests, objectsIn } from "../helpers/manifests.ts";
import { logsOf, podman, podmanSays } from "./podman.ts";

/** A Pod and the ConfigMaps that it mounts. Their form is the Kubernetes API's. */
export interface Manifest {
  readonly pod: any;
  readonly configMaps: readonly any[];
}

type Files = Readonly<Record<string, string>>;

/** Reads a file of test/manifests after replacing texts in it. */
export const readManifest = (file: string, replacements: Files = {}): Manifest =>
  parseManifest(readFileSync(join(manifests, file), "utf8"), replacements);

/** Reads a manifest after replacing texts in it. */
export function parseManifest(text: string, replacements: Files): Manifest {
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from)) throw new Error(`the manifest does not hold ${from}`);
    text = text.replaceAll(from, to);
  }
  const documents = objectsIn(text);
  const ofKind = (kind: string) => documents.filter((document) => document.kind === kind);
  return { pod: ofKind("Pod")[0] ?? podOfJob(ofKind("Job")[0]), configMaps: ofKind("ConfigMap") };
}

/** podman plays no Jobs: the containers of one become init containers, before one that does nothing. */
function podOfJob({ metadata, spec }: any): any {
  const { containers, ...podSpec } = spec.template.spec;
  const app = { name: "app", image: "initkit:shell", command: ["true"], volumeMounts: [] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { ...podSpec, initContainers: containers, containers: [app] },
  };
}

/** How a container of a pod ended. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly logs: string;
  /** Bytes; 0 for none. */
  readonly memoryLimit: number;
}

export interface PodEnd {
  readonly init: ContainerEnd;
  /** Undefined where the init container failed, so that it never started. */
  readonly app: ContainerEnd | undefined;
  readonly terminationMessage: string;
}

/** A folder for what stands in for volumes of the cluster, and the names of this run's secret. */
export class Cluster implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "initkit-pods-"));
  readonly #name = `initkit-test-${process.pid}`;

  /** Makes a Secret; answers the name that the pod knows it by. */
  async addSecret(values: Files): Promise<string> {
    const data = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
    const file = join(this.folder, "secret");
    writeFileSync(file, JSON.stringify(Object.fromEntries(data)), { mode: 0o600 });
    await podmanSays("secret", "create", this.#name, file);
    return this.#name;
  }

  /**
   * Runs a pod to its end and removes it. A termination message is collected as the kubelet does it: by a file.
   * @param meanwhile is called with the name of the init container while it runs
   */
  async play(manifest: Manifest, meanwhile?: (init: string) => Promise<void>): Promise<PodEnd> {
    const messageFile = join(this.folder, "termination-log");
    writeFileSync(messageFile, "");
    chmodSync(messageFile, 0o666);
    const renamed = renameAll(forPodman(structuredClone(manifest), messageFile), this.#name);
    const documents = [renamed.pod, ...renamed.configMaps];
    const file = join(this.folder, "pod.yaml");
    writeFileSync(file, documents.map((document) => JSON.stringify(document)).join("\n---\n"));
    try {
      const [init, app] = [`${this.#name}-initkit`, `${this.#name}-app`];
      const playing = podman(["kube", "play", file]);
      await Promise.race([playing, meanwhile?.(init)]);
      const played = await playing;
      if (!(await exists(init))) throw new Error(`the pod did not start: ${played.stderr}`);
      const started = played.exitCode === 0;
      if (started) await podmanSays("wait", app);
      return {
        init: await endOf(init),
        app: started ? await endOf(app) : undefined,
        terminationMessage: readFileSync(messageFile, "utf8"),
      };
    } finally {
      await podman(["kube", "down", file]);
      const volumes = [...renamed.pod.spec.volumes, ...renamed.configMaps.map(({ metadata }) => metadata)];
      await podman(["volume", "rm", "--force", ...volumes.map(({ name }) => name)]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await podman(["secret", "rm", this.#name]);
    rmSync(this.folder, { recursive: true });
  }
}

/**
 * The pod as podman runs it: on the host's network, so that it reaches servers on loopback; with an init
 * container that is still there when it has ended; and with the file for its termination message.
 */
function forPodman({ pod, configMaps }: Manifest, messageFile: string): Manifest {
  const name = "termination-log";
  pod.metadata.annotations = { "io.podman.annotations.init.container.type": "always" };
  Object.assign(pod.spec, { hostNetwork: true, restartPolicy: "Never" });
  pod.spec.volumes.push({ name, hostPath: { path: messageFile, type: "File" } });
  pod.spec.initContainers[0].volumeMounts.push({ name, mountPath: "/dev/termination-log" });
  return { pod, configMaps };
}

/** podman's pods and volumes, emptyDirs too, share one namespace with all that somebody else may have there. */
function renameAll({ pod, configMaps }: Manifest, prefix: string): Manifest {
  const rename = (part: any) => void (part.name = `${prefix}-${part.name}`);
  const { initContainers, containers, volumes } = pod.spec;
  pod.metadata.name = prefix;
  for (const { volumeMounts } of [...initContainers, ...containers]) volumeMounts.forEach(rename);
  for (const volume of volumes) {
    rename(volume);
    if (volume.configMap) rename(volume.configMap);
  }
  for (const { metadata } of configMaps) rename(metadata);
  return { pod, configMaps };
}

async function exists(container: string): Promise<boolean> {
  return (await podman(["container", "exists", container])).exitCode === 0;
}

async function endOf(container: string): Promise<ContainerEnd> {
  const [{ State: state, HostConfig: config }] = JSON.parse(await podmanSays("inspect", container));
  return { exitCode: state.ExitCode, logs: await logsOf(container), memoryLimit: config.Memory };
}

/**
 * Volumes laid out as the kubelet does it where podman differs: an emptyDir is root's and writable through
 * fsGroup alone, the files of a ConfigMap are links into a folder that an update would replace, and so are those of a
 * Secret, which belong to fsGroup too.
 * @param secrets what is in each Secret, by its name
 */
export function withKubeletVolumes(
  { pod, configMaps }: Manifest,
  folder: string,
  secrets: Readonly<Record<string, Files>> = {},
): Manifest {
  const { fsGroup } = pod.spec.securityContext;
  const volumes = pod.spec.volumes.map(({ name, emptyDir, configMap, secret, ...other }: any) => {
    const path = join(folder, name);
    if (emptyDir) makeEmptyDir(path, fsGroup);
    else if (configMap)
      mountFiles(path, configMaps.find(({ metadata }) => metadata.name === configMap.name).data);
    else if (secret)
      mountFiles(path, secrets[secret.secretName]!, { mode: secret.defaultMode, group: fsGroup });
    else return { name, ...other };
    return { name, hostPath: { path, type: "Directory" } };
  });
  return { pod: { ...pod, spec: { ...pod.spec, volumes } }, configMaps: [] };
}

function makeEmptyDir(path: string, group: number): void {
  mkdirSync(path, { recursive: true });
  chownSync(path, 0, group);
  chmodSync(path, 0o2777);
}

function mountFiles(path: string, data: Files, { mode = 0o644, group = 0 } = {}): void {
  rmSync(path, { recursive: true, force: true });
  mountConfigMap(path, data);
  for (const name of Object.keys(data)) {
    chownSync(join(path, name), 0, group);
    chmodSync(join(path, name), mode | 0o440);
  }
}
