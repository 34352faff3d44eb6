import { Failure } from "../failure.ts";
import type { Api } from "./api.ts";
import type { Shortfall } from "./condition.ts";
import { at, listAt, textAt } from "../json-fields.ts";
import { builtinOf, type Named, pathOf } from "./kind.ts";
import { allow, type Permission } from "./permission.ts";

/** What else than the Service has to be read. */
export const endpointPermission = (namespace: string | undefined): Permission => ({
  verb: "list",
  resource: builtinOf("endpointslices"),
  namespace,
});

interface Endpoints {
  readonly ready: number;
  readonly total: number;
}

/**
 * Why a Service has no ready endpoint. One of type ExternalName has none at all, being an alias in DNS: it is as
 * ready as it gets. Without a selector its endpoints are made by others, and count the same.
 */
export async function serviceShortfall(
  service: unknown,
  api: Api,
  where: Named,
): Promise<Shortfall | undefined> {
  if (textAt(service, "spec", "type") === "ExternalName") return undefined;
  const { ready, total } = await endpointsOf(api, where);
  if (ready > 0) return undefined;
  const says = total === 0 ? "it has no endpoint" : `0 of ${total} endpoints ready`;
  return { says, hint: hintFor(service, total) };
}

function hintFor(service: unknown, total: number): string {
  if (total > 0) return "look at why its pods are not ready: kubectl get pods, kubectl describe pod";
  return at(service, "spec", "selector") === undefined
    ? "the Service has no selector, so somebody has to make its EndpointSlices"
    : "check that its selector fits the labels of pods, and that these are scheduled";
}

/** Clusters before 1.21, and roles made for them, have only Endpoints. */
async function endpointsOf(api: Api, where: Named): Promise<Endpoints> {
  try {
    return (await fromSlices(api, where)) ?? (await fromEndpoints(api, where));
  } catch (error) {
    if (!(error instanceof Failure && error.code === "refused")) throw error;
    return await fromEndpoints(api, where).catch((other: unknown) => {
      throw other instanceof Failure && other.code === "refused" ? error : other;
    });
  }
}

/** Undefined where the API server does not know EndpointSlices. */
async function fromSlices(api: Api, { namespace, name }: Named): Promise<Endpoints | undefined> {
  const permission = endpointPermission(namespace);
  const selector = encodeURIComponent(`kubernetes.io/service-name=${name}`);
  const path = `${pathOf(permission.resource, namespace)}?labelSelector=${selector}`;
  const { status, document } = await api.get({ path, advice: allow(permission) });
  if (status === 404) return undefined;
  const endpoints = listAt(document, "items").flatMap((slice) => listAt(slice, "endpoints"));
  return { ready: endpoints.filter(isReady).length, total: endpoints.length };
}

/**
 * A condition that is not given counts as well (EndpointSlice API). With publishNotReadyAddresses every endpoint is
 * called ready; `serving` still tells the truth about its pod.
 */
function isReady(endpoint: unknown): boolean {
  const [ready, serving, terminating] = ["ready", "serving", "terminating"].map((condition) =>
    at(endpoint, "conditions", condition),
  );
  return ready !== false && serving !== false && terminating !== true;
}

async function fromEndpoints(api: Api, { namespace, name }: Named): Promise<Endpoints> {
  const permission: Permission = { verb: "get", resource: builtinOf("endpoints"), namespace };
  const path = pathOf(permission.resource, namespace, name);
  const { document } = await api.get({ path, advice: allow(permission) });
  const subsets = listAt(document, "subsets");
  const ready = subsets.flatMap((subset) => listAt(subset, "addresses")).length;
  const notReady = subsets.flatMap((subset) => listAt(subset, "notReadyAddresses")).length;
  return { ready, total: ready + notReady };
}
