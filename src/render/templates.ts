import { type BigIntStats, existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Failure } from "../failure.ts";
import { identitiesAbove } from "../files/copy-plan.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";

/** A file to render, and where it belongs. */
export interface Template {
  readonly source: string;
  /** The names that lead to its place from the folder of the destination. */
  readonly names: readonly string[];
}

export interface Templates {
  readonly files: readonly Template[];
  /** The folder that they are rendered into, absolute. */
  readonly folder: string;
  /** The user has named that folder, and not a file in it. */
  readonly isNamed: boolean;
}

/**
 * The templates that are meant. Links are followed, for a ConfigMap is mounted by them.
 * @param to a file, or a folder where it is one or ends in a slash; a folder for a folder of templates
 * @throws Failure `access` or `io` where something cannot be looked at
 */
export function findTemplates(template: string, to: string): Templates {
  if (about(template).isDirectory()) {
    const folder = existsSync(to) ? realpathSync(to) : resolve(to);
    return { files: filesIn(template, folder), folder, isNamed: true };
  }
  if (to.endsWith("/") || (existsSync(to) && about(to).isDirectory())) {
    return { files: [{ source: template, names: [basename(template)] }], folder: resolve(to), isNamed: true };
  }
  const place = resolve(to);
  return { files: [{ source: template, names: [basename(place)] }], folder: dirname(place), isNamed: false };
}

/** @throws Failure `access` where the results would be templates of the next run; only the templates' own folder may be */
function filesIn(template: string, folder: string): Template[] {
  const closed = identitiesTo(folder);
  if (identitiesTo(dirname(folder)).has(identityOf(about(template)))) throw cannotHold(template, folder);
  return [...filesBelow(template, [], [])];

  function* filesBelow(
    from: string,
    names: readonly string[],
    trail: readonly string[],
  ): Generator<Template> {
    const inside = [...trail, identityOf(about(from))];
    for (const name of namesIn(from)) {
      const file = { source: join(from, name), names: [...names, name] };
      const stats = about(file.source);
      if (!stats.isDirectory()) yield file;
      else if (inside.includes(identityOf(stats))) throw leadsBack(file.source);
      else if (closed.has(identityOf(stats))) throw cannotHold(file.source, folder);
      else yield* filesBelow(file.source, file.names, inside);
    }
  }
}

function identitiesTo(folder: string): ReadonlySet<string> {
  try {
    return identitiesAbove(folder);
  } catch (error) {
    throw fileFailure(`cannot render into ${quote(folder)}`, error);
  }
}

const cannotHold = (template: string, folder: string): Failure =>
  new Failure("access", `cannot render into ${quote(folder)}: it is in the templates ${quote(template)}`, {
    hint: "render into a folder beside the templates, or into their own folder",
  });

const leadsBack = (folder: string): Failure =>
  new Failure("access", `${quote(folder)} leads back to a folder that it is in`, {
    hint: "links are followed among templates: remove this one",
  });

/** What the kubelet keeps in a volume beside the files (`..data`), and initkit while it works. */
const notForUsers = /^\.\.|^\.initkit-/;

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !notForUsers.test(name))
      .toSorted();
  } catch (error) {
    throw fileFailure(`cannot read the folder ${quote(folder)}`, error);
  }
}

function about(path: string): BigIntStats {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}

const identityOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;
