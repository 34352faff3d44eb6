import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import type { Environment } from "./plan.ts";

export const manifests = join(import.meta.dirname, "../manifests");

const textOf = (file: string): string => readFileSync(join(manifests, file), "utf8");

/** The objects in a file of test/manifests. Their form is the Kubernetes API's. */
export const objectsOf = (file: string): any[] =>
  parseAllDocuments(textOf(file)).map((document) => document.toJS());

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
