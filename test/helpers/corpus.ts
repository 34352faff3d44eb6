import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext, type TestOptions } from "node:test";
import { runPlan, type StepOutcome } from "../../src/run.ts";
import { mountConfigMap } from "./config-map.ts";
import { document, planned } from "./plan.ts";
import { snapshot } from "./snapshot.ts";
import { temporary } from "./temporary.ts";
import { ownersIn } from "./tree.ts";

export const corpus = join(import.meta.dirname, "../manifests/corpus");

/** The documents of the corpus, by file name. */
export const documents: readonly string[] = readdirSync(corpus).filter((name) => name.endsWith(".yaml"));

export const textOf = (document: string): string => readFileSync(join(corpus, document), "utf8");

/** The variables that a document needs, as the comment at its top names them. */
export function variablesOf(text: string): Record<string, string> {
  const pairs = /^# env: (.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

/** A document whose absolute paths lead below a root of its own. */
export const below = (root: string, text: string): string =>
  text.replace(/(?<=[\s"`[=]|file:)\/(?=\w)/g, () => `${root}/`);

const own = `${process.getuid!()}:${process.getgid!()}`;
const isRoot = process.getuid!() === 0;

/** Who owns what was to belong to this owner: for who is not root, nothing can belong to anybody else. */
export const ownerInTest = (owner: string): string => (isRoot ? owner : own);

const withOwnOwners = (text: string): string =>
  isRoot ? text : text.replaceAll(/^(\s+owner:) .*$/gm, (_, key: string) => `${key} ${own}`);

export interface Surroundings {
  /** Over those that the document names. */
  readonly env?: Readonly<Record<string, string>>;
  /** What else stands in the document here: another host, another digest. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** A container, as it were: a root of its own, and programs in its `bin`. */
export class Container {
  readonly #name: string;
  readonly root: string;

  /** @param name the file of the document */
  constructor(t: TestContext, name: string) {
    this.#name = name;
    this.root = temporary(t);
    mkdirSync(join(this.root, "bin"));
  }

  /** Puts a file there, with its folders. */
  file(path: string, content: string | Buffer = "", mode = 0o644): void {
    const place = this.at(path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
    chmodSync(place, mode);
  }

  /** Mounts a ConfigMap or Secret. */
  mount(folder: string, files: Readonly<Record<string, string>>): void {
    mountConfigMap(this.at(folder), files);
  }

  folder(path: string): void {
    mkdirSync(this.at(path), { recursive: true });
  }

  /** A program of the image; it finds the root in `ROOT`. */
  program(path: string, script: string): void {
    this.file(path, `#!/bin/sh -e\n${script}\n`, 0o755);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  mode(path: string): string {
    return (lstatSync(this.at(path)).mode & 0o7777).toString(8);
  }

  owner(path: string): string {
    const { uid, gid } = lstatSync(this.at(path));
    return `${uid}:${gid}`;
  }

  /** What is in a folder, but for initkit's own records. */
  names(folder: string): string[] {
    return readdirSync(this.at(folder)).filter((name) => !/^\..*initkit/.test(name));
  }

  /**
   * Runs the document, and again as a pod that is started anew does: whatever steps that repeat are then done, nothing
   * is different. Resolves to what the steps ended with the first and the second time.
   * @param never folders that never are the same twice, such as those of Git
   */
  async run(surroundings: Surroundings = {}, ...never: string[]): Promise<[first: string, second: string]> {
    const first = await this.#once(surroundings);
    const left = this.#state(never);
    const second = await this.#once(surroundings);
    assert.deepEqual(this.#state(never), left);
    return [first, second];
  }

  /** Without times, for what is written again is no different. */
  #state(never: readonly string[]): object {
    const isSame = (path: string) => !never.some((folder) => `/${path}/`.startsWith(`${folder}/`));
    const files = mapped(snapshot(this.root), (about) => about.replace(/^(file [0-7]+) [0-9]+/, "$1"));
    return { files: only(files, isSame), owners: only(ownersIn(this.root), isSame) };
  }

  async #once({ env = {}, instead = {} }: Surroundings): Promise<string> {
    const text = withOwnOwners(below(this.root, replaced(textOf(this.#name), instead)));
    const PATH = `${this.at("bin")}:${process.env["PATH"]}`;
    const all = { PATH, ROOT: this.root, ...variablesOf(text), ...env };
    const { plan, failure } = await planned([], document(text, all));
    if (!plan) throw failure!;
    const signal = AbortSignal.timeout(30_000);
    const { steps, failure: reason } = await runPlan(plan, { signal, env: all, emit: () => true });
    if (reason) throw reason;
    return statusesOf(steps);
  }
}

const statusesOf = (steps: readonly StepOutcome[]): string => steps.map(({ status }) => status).join(" ");

const replaced = (text: string, instead: Readonly<Record<string, string>>): string =>
  Object.entries(instead).reduce((done, [from, to]) => done.replaceAll(from, () => to), text);

const only = (record: Record<string, string>, isWanted: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => isWanted(name)));

const mapped = (record: Record<string, string>, change: (value: string) => string) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

/** Runs what replaces an entry of the sample, for its effect. The name of the test is what it promises. */
export function replaces(
  entry: number,
  promise: string,
  act: (container: Container) => Promise<void>,
  options: Pick<TestOptions, "skip"> = {},
): void {
  const name = documents.find((each) => parseInt(each) === entry);
  assert.ok(name, `there is no document of entry ${entry}`);
  test(`${promise} (${name})`, options, async (t) => act(new Container(t, name)));
}
