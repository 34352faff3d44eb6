import { listAt, textAt } from "../json-fields.ts";
import type { Resource } from "./kind.ts";

/** A resource as discovery tells of it. */
export interface Served extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
}

/**
 * The resources of a group, each in the first version that has it, for the versions are in the order of preference.
 * @param group an APIGroupDiscovery (apidiscovery.k8s.io/v2)
 */
export function servedIn(group: unknown): Served[] {
  const name = textAt(group, "metadata", "name");
  const all = listAt(group, "versions").flatMap((version) =>
    listAt(version, "resources").flatMap((each) =>
      served(each, {
        plural: textAt(each, "resource"),
        kind: textAt(each, "responseKind", "kind"),
        singular: textAt(each, "singularResource"),
        namespaced: textAt(each, "scope") === "Namespaced",
        group: name,
        version: textAt(version, "version"),
      }),
    ),
  );
  return [...Map.groupBy(all, ({ plural }) => plural).values()].map(([first]) => first!);
}

/** @param list an APIResourceList (meta/v1) */
export function servedInVersion(list: unknown, group: string, version: string): Served[] {
  return listAt(list, "resources").flatMap((each) =>
    served(each, {
      plural: textAt(each, "name"),
      kind: textAt(each, "kind"),
      singular: textAt(each, "singularName"),
      namespaced: (each as { namespaced?: unknown } | null)?.namespaced === true,
      group,
      version,
    }),
  );
}

/** Nothing where it is a part of another resource (`jobs/status`) or cannot be read one by one. */
function served(described: unknown, names: Omit<Served, "shortNames">): Served[] {
  const { plural, kind } = names;
  if (!/^[-a-z0-9]+$/.test(plural) || !listAt(described, "verbs").includes("get")) return [];
  const shortNames = listAt(described, "shortNames").map(String);
  return [{ ...names, kind: kind.toLowerCase(), shortNames }];
}
