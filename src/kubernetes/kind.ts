/** Objects of one kind, as the API serves them. */
export interface Resource {
  /** In lower case: `deployment`. */
  readonly kind: string;
  readonly plural: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly namespaced: boolean;
}

/** Where an object of a kind is. */
export interface Named {
  /** Undefined for a kind in none. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Group and version, plural, kind and short names, as `kubectl api-resources` lists them. */
type Row = readonly [api: string, plural: string, kind: string, ...shortNames: string[]];

const namespaced: readonly Row[] = [
  ["v1", "pods", "pod", "po"],
  ["v1", "services", "service", "svc"],
  ["v1", "configmaps", "configmap", "cm"],
  ["v1", "secrets", "secret"],
  ["v1", "serviceaccounts", "serviceaccount", "sa"],
  ["v1", "persistentvolumeclaims", "persistentvolumeclaim", "pvc"],
  ["v1", "endpoints", "endpoints", "ep"],
  ["v1", "replicationcontrollers", "replicationcontroller", "rc"],
  ["v1", "resourcequotas", "resourcequota", "quota"],
  ["v1", "limitranges", "limitrange", "limits"],
  ["v1", "podtemplates", "podtemplate"],
  ["v1", "events", "event", "ev"],
  ["apps/v1", "deployments", "deployment", "deploy"],
  ["apps/v1", "statefulsets", "statefulset", "sts"],
  ["apps/v1", "daemonsets", "daemonset", "ds"],
  ["apps/v1", "replicasets", "replicaset", "rs"],
  ["batch/v1", "jobs", "job"],
  ["batch/v1", "cronjobs", "cronjob", "cj"],
  ["networking.k8s.io/v1", "ingresses", "ingress", "ing"],
  ["networking.k8s.io/v1", "networkpolicies", "networkpolicy", "netpol"],
  ["autoscaling/v2", "horizontalpodautoscalers", "horizontalpodautoscaler", "hpa"],
  ["policy/v1", "poddisruptionbudgets", "poddisruptionbudget", "pdb"],
  ["discovery.k8s.io/v1", "endpointslices", "endpointslice"],
  ["coordination.k8s.io/v1", "leases", "lease"],
  ["rbac.authorization.k8s.io/v1", "roles", "role"],
  ["rbac.authorization.k8s.io/v1", "rolebindings", "rolebinding"],
];

const clusterScoped: readonly Row[] = [
  ["v1", "namespaces", "namespace", "ns"],
  ["v1", "nodes", "node", "no"],
  ["v1", "persistentvolumes", "persistentvolume", "pv"],
  ["storage.k8s.io/v1", "storageclasses", "storageclass", "sc"],
  ["networking.k8s.io/v1", "ingressclasses", "ingressclass"],
  ["scheduling.k8s.io/v1", "priorityclasses", "priorityclass", "pc"],
  ["rbac.authorization.k8s.io/v1", "clusterroles", "clusterrole"],
  ["rbac.authorization.k8s.io/v1", "clusterrolebindings", "clusterrolebinding"],
  ["certificates.k8s.io/v1", "certificatesigningrequests", "certificatesigningrequest", "csr"],
  ["apiextensions.k8s.io/v1", "customresourcedefinitions", "customresourcedefinition", "crd", "crds"],
  ["apiregistration.k8s.io/v1", "apiservices", "apiservice"],
  ["admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "validatingwebhookconfiguration"],
  ["admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "mutatingwebhookconfiguration"],
];

const builtins: ReadonlyMap<string, Resource> = new Map([
  ...namespaced.flatMap((row) => entries(row, true)),
  ...clusterScoped.flatMap((row) => entries(row, false)),
]);

function entries([api, plural, kind, ...shortNames]: Row, isNamespaced: boolean): [string, Resource][] {
  const [group, version] = api.includes("/") ? (api.split("/") as [string, string]) : ["", api];
  const resource = { kind, plural, group, version, namespaced: isNamespaced };
  return [kind, plural, ...shortNames].map((name) => [name, resource]);
}

/** Every name of a builtin kind. */
export const builtinNames: Iterable<string> = [...builtins.keys()];

/** A kind as a target names it: `deploy`, `deployment.apps`, `certificates.cert-manager.io`. */
export interface KindName {
  readonly name: string;
  readonly group: string | undefined;
}

export function parseKind(text: string): KindName {
  const [, name, group] = /^([^.]*)(?:\.(.*))?$/s.exec(text.toLowerCase())!;
  return { name: name!, group };
}

/** What needs no discovery. */
export function builtin({ name, group }: KindName): Resource | undefined {
  const resource = builtins.get(name);
  return group === undefined || group === resource?.group ? resource : undefined;
}

export function builtinOf(plural: string): Resource {
  return builtins.get(plural)!;
}

/** As RBAC and kubectl write it: `pods`, `deployments.apps`. */
export const fullName = ({ plural, group }: Pick<Resource, "plural" | "group">): string =>
  group === "" ? plural : `${plural}.${group}`;

/** Where the API serves such objects, or one of them (API concepts: resource URIs). */
export function pathOf(resource: Resource, namespace: string | undefined, name?: string): string {
  const { group, version, plural } = resource;
  const api = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${api}${within}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}
