import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { assemble } from "../files/assemble.ts";
import { setTraits } from "../files/deliver.ts";
import { prepareFolder, withStagingFor } from "../files/destination.ts";
import { diskFailure } from "../files/disk.ts";
import type { FolderTraits, StagedTree } from "../files/folder-traits.ts";
import { keepTraits } from "../files/keep-traits.ts";
import { publishTree } from "../files/publish.ts";
import { count } from "../format.ts";
import type { Log } from "../task.ts";
import { Gaps } from "./gaps.ts";
import { checkSettled, type Finding, renderTemplate, survey, type Wanted } from "./survey.ts";
import type { Template } from "./templates.ts";

interface Surroundings {
  readonly signal: AbortSignal;
  readonly log: Log;
}

/**
 * Renders templates to their places, and touches only what differs. Nothing is written before every one has been found
 * to have all its values, and no file is moved to its place before every one is written.
 * @returns how many differed
 * @throws Failure `access` or `io`
 */
export async function renderAll(
  templates: readonly Template[],
  wanted: Wanted,
  surroundings: Surroundings,
): Promise<number> {
  const { folder } = wanted;
  await prepareFolder(folder, surroundings.signal);
  const differing = await findDiffering(templates, wanted, surroundings);
  if (differing.length === 0) return 0;
  await withStagingFor(folder, async (staging) => {
    const tree = await stage(join(staging, "tree"), differing, wanted, surroundings);
    await publishTree(tree, folder);
  });
  return differing.length;
}

async function findDiffering(
  templates: readonly Template[],
  wanted: Wanted,
  surroundings: Surroundings,
): Promise<Finding[]> {
  const gaps = new Gaps();
  const findings: Finding[] = [];
  await forEach(templates, surroundings, "looked at", (template) => {
    findings.push(survey(template, wanted, gaps));
  });
  gaps.throwIfAny();
  const differing = findings.filter(({ isDone }) => !isDone);
  for (const { template, inPlace } of differing) if (inPlace) checkSettled(template, wanted);
  return differing;
}

/** Writes the rendered files below a new folder, from which they can be moved to their places. */
async function stage(
  root: string,
  findings: readonly Finding[],
  wanted: Wanted,
  surroundings: Surroundings,
): Promise<StagedTree> {
  const folders = new Map<string, FolderTraits>();
  makeFolder(root, "", folders, wanted);
  await forEach(findings, surroundings, "rendered", (finding) => {
    const { names } = finding.template;
    for (let depth = 1; depth < names.length; depth++)
      makeFolder(root, names.slice(0, depth).join("/"), folders, wanted);
    writeFile(join(root, ...names), finding, wanted, surroundings.signal);
  });
  return { root, folders };
}

/** New folders belong to the owner of the files, but for parents that nobody has named. */
function makeFolder(root: string, path: string, folders: Map<string, FolderTraits>, wanted: Wanted): void {
  if (folders.has(path)) return;
  const folder = join(root, path);
  try {
    mkdirSync(folder);
  } catch (error) {
    throw diskFailure("cannot make a folder", error, root);
  }
  const mode = lstatSync(folder).mode & 0o777;
  const ids = path !== "" || wanted.isNamed ? wanted.ids : {};
  folders.set(path, { mode, ids, mtime: undefined, isNamed: false, isAsked: false });
}

/** The template may have changed since the survey, so it may lack a value by now. */
function writeFile(file: string, { template, inPlace }: Finding, wanted: Wanted, signal: AbortSignal): void {
  const gaps = new Gaps();
  assemble(file, renderTemplate(template, wanted, gaps), signal);
  gaps.throwIfAny();
  if (inPlace) keepTraits(file, inPlace, template.source);
  setTraits(file, wanted.ids, wanted.mode);
}

/** Lets timers and signals have their turn between two files. */
async function forEach<T>(
  items: readonly T[],
  { signal, log }: Surroundings,
  verb: string,
  act: (item: T) => void,
): Promise<void> {
  for (const [index, item] of items.entries()) {
    act(item);
    log.progress(`${index + 1} of ${count(items.length, "file")} ${verb}`, (index + 1) / items.length);
    await setImmediate();
    signal.throwIfAborted();
  }
}
