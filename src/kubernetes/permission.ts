import { Failure } from "../failure.ts";
import { said } from "../json-fields.ts";
import type { Resource } from "./kind.ts";

/** What RBAC allows or not. */
export interface Permission {
  readonly verb: "get" | "list";
  readonly resource: Resource;
  /** Undefined for an object in none. */
  readonly namespace: string | undefined;
}

/** What a person may do who reads that something is forbidden, given the server's words for it. */
export type Advice = (message: string) => string;

/**
 * The API server forbids it (403).
 * @param message the server's: `jobs.batch "x" is forbidden: User "system:serviceaccount:shop:default" cannot get …`
 */
export const forbidden = (message: string, advice: Advice): Failure =>
  new Failure("refused", `the Kubernetes API forbids it${message && `: ${said(message)}`}`, {
    kind: "kubernetes:403",
    hint: advice(message),
  });

/** Rules to paste into a Role: `{apiGroups: [batch], resources: [jobs], verbs: [get]}`. */
export function allow(...permissions: readonly Permission[]): Advice {
  const { namespace } = permissions[0]!;
  const role = namespace === undefined ? "a ClusterRole" : `a Role in namespace ${namespace}`;
  const rules = permissions.map(rule).join(" and ");
  return (message) => `add to the rules of ${role}: ${rules}; and bind it to ${accountIn(message)}`;
}

function rule({ verb, resource: { group, plural } }: Permission): string {
  return `{apiGroups: [${group === "" ? '""' : group}], resources: [${plural}], verbs: [${verb}]}`;
}

/** Discovery belongs to no namespace, and is open to every account unless somebody has closed it. */
export const allowDiscovery: Advice = (message) =>
  `bind the ClusterRole system:discovery to ${accountIn(message)}, or wait for a builtin kind`;

function accountIn(message: string): string {
  const [, namespace, name] = /system:serviceaccount:([-a-z0-9]+):([-a-z0-9.]+)/.exec(message) ?? [];
  return name === undefined
    ? "the ServiceAccount of this pod"
    : `ServiceAccount ${name} of namespace ${namespace}`;
}
