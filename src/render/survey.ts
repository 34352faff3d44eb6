import { closeSync, fstatSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { procPath } from "../files/handle.ts";
import { holdsContent } from "../files/holds-content.ts";
import { applyMode, type Mode } from "../files/mode.ts";
import { openFound } from "../files/open-found.ts";
import type { Ids } from "../files/owner.ts";
import { quote } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";
import { contentOf } from "./content.ts";
import type { Gaps } from "./gaps.ts";
import type { Marks } from "./marks.ts";
import { render } from "./render.ts";
import type { Template } from "./templates.ts";

/** What the files at the destination are to be. */
export interface Wanted {
  /** Of the destination, absolute. */
  readonly folder: string;
  /** The folder itself is meant too, where it is new. */
  readonly isNamed: boolean;
  readonly marks: Marks;
  readonly ids: Ids;
  readonly mode: Mode | undefined;
}

/** What a look at the place of a template has found. */
export interface Finding {
  readonly template: Template;
  /** It has been rendered, with the right owner and mode. */
  readonly isDone: boolean;
  /** Of the template, where it is itself at the place. */
  readonly inPlace: Stats | undefined;
}

/**
 * Compares what a template is rendered to with what is at its place, and writes nothing.
 * @throws Failure `access` or `io`
 */
export function survey(template: Template, wanted: Wanted, gaps: Gaps): Finding {
  const rendered = renderTemplate(template, wanted, gaps);
  const descriptor = openPlace(template, wanted);
  if (descriptor === undefined) {
    drain(rendered);
    return { template, isDone: false, inPlace: undefined };
  }
  try {
    const there = fstatSync(descriptor);
    const isSame = hasContent(descriptor, there, rendered);
    return { template, isDone: isSame && hasTraits(there, wanted), inPlace: sameFile(template, there) };
  } finally {
    closeSync(descriptor);
  }
}

/** The content of a template with its marks replaced; those without a value are added to `gaps`. */
export const renderTemplate = ({ source }: Template, { marks }: Wanted, gaps: Gaps): Generator<Buffer> =>
  render(contentOf(source), marks, ({ gap }, line) => {
    if (gap) gaps.add(gap, source, line);
  });

/** Opens what is at the place, without following a link in the folder; nothing where it is not there. */
const openPlace = ({ names }: Template, { folder }: Wanted): number | undefined =>
  openFound({ base: folder, names: names.map((name) => Buffer.from(name)) });

/** What may not be read is taken for different, for it can be replaced all the same. */
function hasContent(descriptor: number, there: Stats, rendered: Generator<Buffer>): boolean {
  try {
    if (there.isFile()) return holdsContent(procPath(descriptor), rendered);
  } catch (error) {
    if (errnoOf(error) !== "EACCES") throw fileFailure("cannot read what was rendered before", error);
  }
  drain(rendered);
  return false;
}

function drain(rendered: Generator<Buffer>): void {
  while (!rendered.next().done);
}

function hasTraits(there: Stats, { ids: { uid, gid }, mode }: Wanted): boolean {
  const current = there.mode & 0o7777;
  const isOwned = (uid ?? there.uid) === there.uid && (gid ?? there.gid) === there.gid;
  return isOwned && (mode === undefined || applyMode(mode, current, false) === current);
}

function sameFile({ source }: Template, there: Stats): Stats | undefined {
  const own = statSync(source, { throwIfNoEntry: false });
  return own?.dev === there.dev && own.ino === there.ino ? own : undefined;
}

/**
 * Makes sure that what takes the place of its own template holds no mark, for the next run would replace that too.
 * @throws Failure `access`
 */
export function checkSettled(template: Template, wanted: Wanted): void {
  const once = render(contentOf(template.source), wanted.marks, () => {});
  const twice = render(once, wanted.marks, (_, line) => {
    const place = quote(`${join(wanted.folder, ...template.names)}:${line}`);
    throw new Failure("access", `cannot render in place: the result would hold a mark again (${place})`, {
      hint: "the next run would replace that one too: render into another file, or take the mark out of the value",
    });
  });
  drain(twice);
}
