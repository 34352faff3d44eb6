import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import type { Environment } from "./plan.ts";

export const manifests = join(import.meta.dirname, "../manifests");

const textOf = (file: string): string => readFileSync(join(manifests, file), "utf8");

export const objectsIn = (text: string): any[] => parseAllDocuments(text).map((document) => document.toJS());

/** The objects in a file of test/manifests. Their form is the Kubernetes API's. */
export const objectsOf = (file: string): any[] => objectsIn(textOf(file));

/** A file of test/manifests that is not for the Kubernetes API. */
export const valuesOf = (file: string): any => parse(textOf(file));

/** How a container starts initkit. */
export interface Start {
  readonly argv: readonly string[];
  readonly env: Environment;
}

/** Every start of initkit in an object that has pods. A Secret's value is `secret` wherever it stands. */
export function startsOf(object: any, secret: string): Start[] {
  const { initContainers = [], containers = [] } = object.spec.template?.spec ?? object.spec;
  return [...initContainers, ...containers].flatMap(({ image, command = [], args = [], env = [] }) => {
    const isOwn = image === "initkit" && command.length === 0;
    if (!isOwn && command[0] !== "/initkit/bin/initkit") return [];
    const variables = env.map(({ name, value = secret }: any) => [name, value]);
    return [{ argv: [...command.slice(1), ...args], env: Object.fromEntries(variables) }];
  });
}

/**
 * A pod with the patches of the kustomization laid over it. Of a strategic merge patch this does what an overlay of
 * steps needs: variables of one name are one, the patch's, and it brings its own.
 */
export function overlaid(pod: any): any {
  const merged = structuredClone(pod);
  for (const { patch } of valuesOf("kustomization.yaml").patches) {
    for (const { name, env } of parse(patch).spec.initContainers) {
      const container = merged.spec.initContainers.find((each: any) => each.name === name);
      container.env = byName([...container.env, ...env]);
    }
  }
  return merged;
}

/** The last of each name. */
export const byName = (variables: readonly any[]): any[] => [
  ...new Map(variables.map((variable) => [variable.name, variable])).values(),
];

export const hasHelm = spawnSync("helm", ["version"]).status === 0;

/**
 * What Helm makes of a chart in a new folder: it has the README's pod, but takes the steps from the README's values by
 * the README's template.
 */
export function renderedByHelm(folder: string, ...options: readonly string[]): string {
  const variables = textOf("helm-env.tpl").replaceAll(/^/gm, "      ").trimEnd();
  const pod = textOf("readme-pod.yaml")
    .replaceAll(/ {8}- name: INITKIT_STEP_.*\n( {10}.*\n)+/g, "")
    .replace("      env:", () => variables);
  mkdirSync(join(folder, "templates"));
  writeFileSync(join(folder, "templates/pod.yaml"), pod);
  writeFileSync(join(folder, "values.yaml"), textOf("helm-values.yaml"));
  writeFileSync(join(folder, "Chart.yaml"), "{apiVersion: v2, name: my-app, version: 1.0.0}");
  const env = { ...process.env, HOME: folder };
  return execFileSync("helm", ["template", "my-app", folder, ...options], { encoding: "utf8", env });
}
