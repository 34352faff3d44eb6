import { quote } from "../format.ts";
import { didYouMean } from "../suggest.ts";
import { builtin, parseKind, type Resource } from "./kind.ts";

/** What an object is to be: there, or with a condition of its status. */
export type Condition = "exists" | StatusCondition;

/** Both compared without regard to case. */
export interface StatusCondition {
  readonly type: string;
  readonly status: string;
}

/** An object of the Kubernetes API. */
export interface KubernetesTarget {
  readonly scheme: "kubernetes";
  /** For messages and the report. */
  readonly name: string;
  /** In lower case; for a builtin kind its singular, whichever name of it was written. */
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly object: string;
  /** What is usual for the kind where undefined. */
  readonly condition: Condition | undefined;
}

const form = "kubernetes:KIND/[NAMESPACE/]NAME[?condition=TYPE[=STATUS]]";

/** @throws Error that completes the sentence "target …" */
export function parseKubernetes(text: string): KubernetesTarget {
  const [, path = "", query = ""] = /^kubernetes:([^?]*)(?:\?(.*))?$/is.exec(text) ?? [];
  const parts = path.split("/");
  if (parts.length < 2 || parts.length > 3 || parts.includes("")) {
    throw new Error(`is not of the form ${form}`);
  }
  const [namespace, object] = parts.length === 3 ? [parts[1]!, parts[2]!] : [undefined, parts[1]!];
  const { kind, resource } = kindOf(parts[0]!);
  checkNamespace(namespace, resource);
  checkName(object, resource);
  const condition = conditionIn(query);
  const name = `kubernetes:${[kind, ...parts.slice(1)].join("/")}${shown(condition)}`;
  return { scheme: "kubernetes", name, kind, namespace, object, condition };
}

function kindOf(text: string): { kind: string; resource: Resource | undefined } {
  if (!/^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*$/i.test(text)) {
    throw new Error(
      `has a kind ${quote(text)} that is not of the form deployment, svc or certificate.cert-manager.io`,
    );
  }
  const resource = builtin(parseKind(text));
  return { kind: resource?.kind ?? text.toLowerCase(), resource };
}

/** A label and a subdomain of DNS (RFC 1123), as the API takes them. */
const label = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
const dnsLabel = new RegExp(`^${label}$`);
const dnsSubdomain = new RegExp(`^${label}(?:\\.${label})*$`);

function checkNamespace(namespace: string | undefined, resource: Resource | undefined): void {
  if (namespace === undefined) return;
  if (resource?.namespaced === false) {
    throw new Error(`names a namespace, and a ${resource.kind} is in none`);
  }
  if (namespace.length > 63 || !dnsLabel.test(namespace)) {
    throw new Error(`has a namespace ${quote(namespace)} that no namespace can have as its name`);
  }
}

/** Roles and their bindings may be called anything that can stand in a path: `system:node`. */
function checkName(name: string, resource: Resource | undefined): void {
  const isRole = resource?.group === "rbac.authorization.k8s.io";
  const valid = isRole ? /^(?!\.{1,2}$)[^\s%/]+$/ : dnsSubdomain;
  if (name.length > 253 || !valid.test(name)) {
    throw new Error(`names an object ${quote(name)}, and no object can have that name`);
  }
}

function conditionIn(query: string): Condition | undefined {
  const parameters = query === "" ? [] : query.split("&");
  for (const parameter of parameters) {
    const [name] = parameter.split("=", 1);
    if (name === "condition") continue;
    throw new Error(`has an unknown parameter ${quote(name!)}${didYouMean(name!, ["condition"])}`);
  }
  if (parameters.length > 1) throw new Error("has more than one condition");
  return parameters[0] === undefined ? undefined : parseCondition(decoded(parameters[0].slice(10)));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`has a condition ${quote(text)} with a % that encodes nothing`);
  }
}

const statuses = ["True", "False", "Unknown"];

/** Types may have the prefix of a domain: `example.com/Synced`. */
function parseCondition(text: string): Condition {
  if (text.toLowerCase() === "exists") return "exists";
  const [, type, status = "True"] = /^((?:[-a-z0-9.]+\/)?[-a-z0-9_.]+)(?:=(.*))?$/is.exec(text) ?? [];
  if (type === undefined) {
    throw new Error(`has a condition ${quote(text)} that is not exists, TYPE or TYPE=STATUS`);
  }
  const known = statuses.find((each) => each.toLowerCase() === status.toLowerCase());
  if (known === undefined) {
    throw new Error(
      `has a condition with a status ${quote(status)} that is not True, False or Unknown${didYouMean(status, statuses)}`,
    );
  }
  return { type, status: known };
}

function shown(condition: Condition | undefined): string {
  if (condition === undefined) return "";
  if (condition === "exists") return "?condition=exists";
  return `?condition=${condition.type}${condition.status === "True" ? "" : `=${condition.status}`}`;
}
