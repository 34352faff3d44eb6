import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { issue, makeAuthority } from "./certificates.ts";
import { temporary } from "./temporary.ts";

/** A kind that is there only after a CRD has been installed. */
export interface FakeKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly shortNames?: readonly string[];
  readonly clusterScoped?: boolean;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** An API server, and the files that kubelet would give a pod for it. Tests change it as it runs. */
export interface FakeKubernetes extends AsyncDisposable {
  readonly env: Record<string, string>;
  /** Of the service account: token, ca.crt, namespace (`shop`). */
  readonly folder: string;
  /** By path: `/api/v1/namespaces/shop/pods/web`. */
  readonly objects: Map<string, object>;
  kinds: FakeKind[];
  /** Plurals that RBAC forbids to read. */
  readonly forbidden: Set<string>;
  /** Whether it knows aggregated discovery. */
  isOld: boolean;
  /** Instead of what it would answer; `hang` for nothing at all. */
  answer: FakeAnswer | "hang" | undefined;
  /** What it was asked, in order. */
  readonly seen: IncomingMessage[];
  readonly paths: string[];
  /** From now on another token is valid; kubelet gives it to the pod too, unless told not to. */
  rotateToken(token: string, isGiven?: boolean): void;
}

export async function startFakeKubernetes(t: TestContext): Promise<FakeKubernetes> {
  const authority = makeAuthority();
  const server = createServer(issue({ names: ["127.0.0.1"], issuer: authority }));
  const folder = temporary(t);
  let token = "";
  const fake: FakeKubernetes = {
    env: {},
    folder,
    objects: new Map(),
    kinds: [],
    forbidden: new Set(),
    isOld: false,
    answer: undefined,
    seen: [],
    paths: [],
    rotateToken(next, isGiven = true) {
      token = next;
      if (isGiven) writeFileSync(join(folder, "token"), next);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  fake.rotateToken("first.token.x");
  writeFileSync(join(folder, "ca.crt"), authority.cert);
  writeFileSync(join(folder, "namespace"), "shop");
  server.on("request", (asked: IncomingMessage, response: ServerResponse) => {
    fake.seen.push(asked);
    fake.paths.push(asked.url!);
    const answer = fake.answer ?? answerTo(asked, token, fake);
    if (answer === "hang") return;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  Object.assign(fake.env, { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(port) });
  return fake;
}

const json = (status: number, document: object): FakeAnswer => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(document),
});

/** As the API server words what went wrong (meta/v1 Status). */
const failed = (code: number, reason: string, message: string, details: object = {}): FakeAnswer =>
  json(code, { kind: "Status", apiVersion: "v1", status: "Failure", reason, code, message, details });

function answerTo({ url, headers }: IncomingMessage, token: string, fake: FakeKubernetes): FakeAnswer {
  if (headers.authorization !== `Bearer ${token}`) return failed(401, "Unauthorized", "Unauthorized");
  const { pathname, searchParams } = new URL(url!, "https://x");
  if (pathname === "/apis") return groups(fake, headers.accept ?? "");
  const ofVersion = fake.kinds.filter(({ group, version }) => pathname === `/apis/${group}/${version}`);
  if (ofVersion.length > 0) return json(200, { kind: "APIResourceList", resources: ofVersion.map(listed) });
  return resource(decodeURIComponent(pathname), searchParams.get("labelSelector"), fake);
}

function groups({ kinds, isOld }: FakeKubernetes, accept: string): FakeAnswer {
  const byGroup = [...Map.groupBy(kinds, ({ group }) => group)];
  if (!isOld && accept.startsWith("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")) {
    const items = byGroup.map(([name, of]) => ({ metadata: { name }, versions: of.map(aggregated) }));
    return json(200, { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", items });
  }
  const preferred = byGroup.map(([name, [first]]) => ({
    name,
    preferredVersion: { version: first!.version },
  }));
  return json(200, { kind: "APIGroupList", apiVersion: "v1", groups: preferred });
}

const aggregated = ({ version, plural, kind, shortNames, clusterScoped, group }: FakeKind) => ({
  version,
  resources: [
    {
      resource: plural,
      responseKind: { group, version, kind },
      scope: clusterScoped ? "Cluster" : "Namespaced",
      singularResource: kind.toLowerCase(),
      verbs: ["get", "list", "watch"],
      shortNames,
    },
  ],
});

const listed = ({ plural, kind, shortNames, clusterScoped }: FakeKind) => ({
  name: plural,
  kind,
  singularName: "",
  namespaced: !clusterScoped,
  verbs: ["get", "list", "watch"],
  shortNames,
});

function resource(path: string, selector: string | null, fake: FakeKubernetes): FakeAnswer {
  const form =
    /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+)(?=\/[^/]+))?\/([^/]+)(?:\/([^/]+))?$/;
  const [, group = "", version, namespace, plural = "", name] = form.exec(path) ?? [];
  const full = group === "" ? plural : `${plural}.${group}`;
  if (fake.forbidden.has(plural)) return forbid(plural, group, namespace, name);
  if (!isServed(group, version, plural, fake)) return { status: 404, body: "404 page not found\n" };
  if (name === undefined) return json(200, { kind: "List", items: selected(path, selector, fake) });
  const object = fake.objects.get(path);
  const details = { name, group, kind: plural };
  return object ? json(200, object) : failed(404, "NotFound", `${full} "${name}" not found`, details);
}

const builtin = new Set(["", "apps", "batch", "discovery.k8s.io", "rbac.authorization.k8s.io"]);

function isServed(group: string, version: string | undefined, plural: string, fake: FakeKubernetes): boolean {
  const kinds = fake.kinds.filter((each) => each.group === group && each.plural === plural);
  return builtin.has(group) || kinds.some((each) => each.version === version);
}

function selected(path: string, selector: string | null, { objects }: FakeKubernetes): object[] {
  const [label = "", value] = selector?.split("=") ?? [];
  const within = [...objects].filter(([each]) => each.startsWith(`${path}/`)).map(([, object]) => object);
  return within.filter((object) => {
    const { metadata } = object as { metadata?: { labels?: Record<string, string> } };
    return selector === null || metadata?.labels?.[label] === value;
  });
}

function forbid(plural: string, group: string, namespace = "", name = ""): FakeAnswer {
  const [full, verb] = [group === "" ? plural : `${plural}.${group}`, name === "" ? "list" : "get"];
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const what = `${full}${name && ` "${name}"`} is forbidden`;
  const user = "system:serviceaccount:shop:default";
  return failed(
    403,
    "Forbidden",
    `${what}: User "${user}" cannot ${verb} resource "${plural}" in API group "${group}" ${where}`,
  );
}
