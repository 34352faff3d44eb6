import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { didYouMean } from "../suggest.ts";
import type { Api } from "./api.ts";
import { listAt, textAt } from "../json-fields.ts";
import { builtin, builtinNames, fullName, type KindName, parseKind, type Resource } from "./kind.ts";
import { allowDiscovery } from "./permission.ts";
import { type Served, servedIn, servedInVersion } from "./served.ts";

/** Finds what a target's kind stands for, and remembers it. */
export class KindSearch {
  readonly #kind: KindName;
  #found: Resource | undefined;

  constructor(kind: string) {
    this.#kind = parseKind(kind);
    this.#found = builtin(this.#kind);
  }

  /** @throws Failure `not-ready` of kind `kubernetes:no-kind`, or `refused` where the name is ambiguous */
  async find(api: Api): Promise<Resource> {
    this.#found ??= choose(await discover(api, this.#kind.group), this.#kind);
    return this.#found;
  }

  /** The API server does not serve it: a CRD may come back with another version. */
  notServed(): Failure {
    const { plural, group, version } = this.#found!;
    this.#found = builtin(this.#kind);
    return noKind(`${fullName({ plural, group })} in version ${version}`);
  }
}

/**
 * All at once (aggregated discovery, KEP-3352: Kubernetes 1.27 and newer), or group by group.
 * Kinds of the core group are all builtin here.
 */
async function discover(api: Api, group: string | undefined): Promise<readonly Served[]> {
  const accept = [
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
    "application/json",
  ].join(",");
  const { document } = await api.get({ path: "/apis", accept, advice: allowDiscovery });
  if (textAt(document, "kind") === "APIGroupDiscoveryList") {
    return listAt(document, "items").flatMap(servedIn);
  }
  const groups = listAt(document, "groups").filter((each) => (group ?? nameOf(each)) === nameOf(each));
  const served: Served[] = [];
  // One after the other: dozens of connections at once would be no way to treat an API server.
  for (const each of groups) served.push(...(await servedByGroup(api, each)));
  return served;
}

const nameOf = (group: unknown): string => textAt(group, "name");

async function servedByGroup(api: Api, group: unknown): Promise<Served[]> {
  const version = textAt(group, "preferredVersion", "version");
  const path = `/apis/${nameOf(group)}/${version}`;
  const { document } = await api.get({ path, advice: allowDiscovery });
  return servedInVersion(document, nameOf(group), version);
}

/** By its names first, then by short names, as kubectl does. */
function choose(all: readonly Served[], { name, group }: KindName): Resource {
  const inGroup = all.filter((each) => group === undefined || each.group === group);
  const named = inGroup.filter(({ kind, plural, singular }) => [kind, plural, singular].includes(name));
  const found = named.length > 0 ? named : inGroup.filter(({ shortNames }) => shortNames.includes(name));
  if (found.length > 1) throw ambiguous(name, found);
  if (found[0] !== undefined) return found[0];
  const wanted = group === undefined ? name : `${name}.${group}`;
  throw noKind(`the kind ${quote(wanted)}`, suggestion(all, wanted));
}

/** The first group is what kubectl would take, but which one that is changes with the CRDs that are installed. */
const ambiguous = (name: string, found: readonly Served[]): Failure =>
  new Failure("refused", `the kind ${quote(name)} is ambiguous: ${found.map(fullName).join(", ")}`, {
    kind: "kubernetes:ambiguous",
    hint: "write one of these in the target",
  });

function suggestion(all: readonly Served[], wanted: string): string {
  const served = all.flatMap((each) => [each.plural, each.kind, ...each.shortNames]);
  const withGroup = all.flatMap((each) => [fullName(each), `${each.kind}.${each.group}`]);
  return didYouMean(wanted, wanted.includes(".") ? withGroup : [...builtinNames, ...served]);
}

/** CRDs are not installed within milliseconds, and the answers of discovery are long. */
const retryAfter = 1000;

const noKind = (what: string, meant = ""): Failure =>
  new Failure("not-ready", `the API server does not serve ${what}${meant}`, {
    kind: "kubernetes:no-kind",
    hint: "check the name (kubectl api-resources), and that the CRD is installed or will be",
    retryAfter,
  });
