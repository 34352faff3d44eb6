import { Failure } from "../failure.ts";
import type { Probe } from "../probes/steady.ts";
import { Api } from "./api.ts";
import { type Cluster, type Env, joinCluster, serviceAccountFolder } from "./cluster.ts";
import type { Shortfall } from "./condition.ts";
import { KindSearch } from "./discovery.ts";
import { textAt } from "../json-fields.ts";
import { type Named, pathOf, type Resource } from "./kind.ts";
import { allow } from "./permission.ts";
import { type Check, checkFor } from "./readiness.ts";
import { endpointPermission, serviceShortfall } from "./service.ts";
import type { KubernetesTarget } from "./target.ts";

/**
 * How to look at an object: as the pod's service account, whose token is read anew for each look.
 * @param folder where the files of the service account are
 * @throws Failure `configuration` outside a cluster, and without a token or a CA
 */
export async function prepareKubernetes(
  target: KubernetesTarget,
  env: Env,
  folder = serviceAccountFolder,
): Promise<Probe> {
  const cluster = await joinCluster(env, folder);
  const kind = new KindSearch(target.kind);
  return async (signal) => {
    const api = new Api(cluster, signal);
    const resource = await kind.find(api);
    const where = locate(resource, target, cluster);
    const check = checkFor(resource, target.condition);
    const object = await read(api, resource, where, check);
    if (object === undefined) throw kind.notServed();
    const shortfall = await check?.(object, api, where);
    if (shortfall) throw unmet(resource, where, shortfall);
  };
}

function locate(resource: Resource, { namespace, object: name }: KubernetesTarget, cluster: Cluster): Named {
  if (!resource.namespaced) {
    if (namespace === undefined) return { namespace, name };
    throw misplaced(`a ${resource.kind} is in no namespace`, `write kubernetes:${resource.kind}/${name}`);
  }
  const own = namespace ?? cluster.namespace;
  if (own !== undefined) return { namespace: own, name };
  throw misplaced("the namespace of this pod is not known", "name the namespace in the target");
}

const misplaced = (says: string, hint: string): Failure =>
  new Failure("configuration", says, { kind: "kubernetes:namespace", hint });

/** Without the contents where only existence matters: those of a Secret stay where they are. */
const withoutContents = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/** Undefined where the API server does not serve the kind. @throws Failure `expectation:exists` without the object */
async function read(api: Api, resource: Resource, where: Named, check: Check | undefined): Promise<unknown> {
  const { namespace, name } = where;
  const itself = { verb: "get", resource, namespace } as const;
  // All that will be needed, so that nobody has to find out twice.
  const needed = check === serviceShortfall ? [itself, endpointPermission(namespace)] : [itself];
  const { status, document } = await api.get({
    path: pathOf(resource, namespace, name),
    advice: allow(...needed),
    ...(check ? {} : { accept: withoutContents }),
  });
  if (status !== 404) return document;
  if (isAbout(document, name)) throw missing(resource, where);
  return undefined;
}

/** A path that is not served is a 404 as well, with a plain text, and about no object. */
const isAbout = (document: unknown, name: string): boolean =>
  textAt(document, "reason") === "NotFound" && textAt(document, "details", "name") === name;

const shown = ({ kind }: Resource, { namespace, name }: Named): string =>
  `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;

function missing(resource: Resource, where: Named): Failure {
  const { kind } = resource;
  const list = `kubectl get ${kind}${where.namespace === undefined ? "" : ` -n ${where.namespace}`}`;
  const removed = kind === "job" ? "; ttlSecondsAfterFinished removes a finished Job" : "";
  return new Failure("not-ready", `${shown(resource, where)}: it does not exist`, {
    kind: "expectation:exists",
    hint: `check the name and the namespace: ${list}${removed}`,
  });
}

function unmet(resource: Resource, where: Named, { says, hint, isFinal = false }: Shortfall): Failure {
  return new Failure(isFinal ? "refused" : "not-ready", `${shown(resource, where)}: ${says}`, {
    kind: "expectation:condition",
    hint,
  });
}
