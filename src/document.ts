import type { Alias, LineCounter, Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { fieldOf, unknownOption, unknownTask } from "./arguments.ts";
import { quote } from "./format.ts";
import type { Problems } from "./problems.ts";
import type { Given, RawStep, Value } from "./raw-step.ts";
import { loadTask, registry } from "./registry.ts";
import { didYouMean } from "./suggest.ts";
import type { AnyTask, Field } from "./task.ts";

export interface StepsDocument {
  readonly timeout?: Value;
  readonly steps: readonly RawStep[];
}

type Yaml = typeof import("yaml");

/** Reads documents (YAML 1.2 or JSON) whose mistakes all go to `problems`, with their places. */
export async function documentReader(problems: Problems): Promise<DocumentReader> {
  return new DocumentReader(await import("yaml"), problems);
}

/** Aliases may repeat nodes, but not so often that a small document becomes a large one. */
const maxNodes = 100_000;

class DocumentReader {
  readonly #yaml: Yaml;
  readonly #problems: Problems;
  #place = (_node: Node | undefined): string => "";
  #resolve = (alias: Alias): Node | undefined => void alias;
  #visited = 0;

  constructor(yaml: Yaml, problems: Problems) {
    this.#yaml = yaml;
    this.#problems = problems;
  }

  /**
   * The steps of a whole document: a list of steps, or a mapping with `steps` and `timeout`.
   * @param place what stands before `:line:column` in messages
   */
  async read(text: string, place: string): Promise<StepsDocument> {
    const document = await this.#guarded(place, () => this.#document(this.#parse(text, place)));
    return document ?? { steps: [] };
  }

  async #document(root: Node | undefined): Promise<StepsDocument> {
    if (root === undefined) return { steps: [] };
    if (this.#yaml.isSeq(root)) return { steps: await this.#steps(root) };
    if (!this.#yaml.isMap(root))
      return this.#wrong(root, "is neither a list of steps nor a mapping with steps", { steps: [] });
    return this.#mapping(root);
  }

  /** One step written as a mapping. */
  async readStep(text: string, place: string): Promise<RawStep | undefined> {
    return this.#guarded(place, async () => {
      const root = this.#parse(text, place);
      return root === undefined ? undefined : this.#step(root);
    });
  }

  /** Deep nesting overflows the stack of the parser; aliases that repeat each other use up `maxNodes`. */
  async #guarded<T>(place: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#wrong(place, "the document is nested too deeply, or its aliases repeat too much");
    }
  }

  #parse(text: string, place: string): Node | undefined {
    const { LineCounter, parseDocument } = this.#yaml;
    const lines = new LineCounter();
    const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
    const mistakes = [...parsed.errors, ...parsed.warnings];
    for (const { pos, message } of mistakes) this.#wrong(at(place, lines, pos[0]), message.trim());
    if (mistakes.length > 0) return undefined;
    if (parsed.contents === null) return this.#wrong(place, "the document is empty");
    this.#place = (node) => at(place, lines, node?.range?.[0] ?? 0);
    this.#resolve = (alias) => alias.resolve(parsed) as Node | undefined;
    return this.#follow(parsed.contents);
  }

  async #mapping(root: YAMLMap): Promise<StepsDocument> {
    const entries = new Map(this.#entries(root).map((entry) => [entry.name, entry]));
    const steps = entries.get("steps");
    const timeout = entries.get("timeout");
    for (const { name, key } of entries.values()) {
      if (name === "steps" || name === "timeout") continue;
      const isTask = registry.has(name);
      const help = isTask
        ? "; a step stands in a list, with a dash before it"
        : didYouMean(name, ["steps", "timeout"]);
      this.#wrong(key, `unknown key ${quote(name)}${help}`);
    }
    if (!steps && !timeout && entries.size > 0) return { steps: [] };
    if (!steps) return this.#wrong(root, "has no steps", { steps: [] });
    if (!this.#yaml.isSeq(steps.value)) return this.#wrong(steps.key, "steps is not a list", { steps: [] });
    const value = timeout && this.#scalar(timeout.value, "timeout");
    return { steps: await this.#steps(steps.value), ...(value && { timeout: value }) };
  }

  async #steps(list: YAMLSeq): Promise<RawStep[]> {
    const steps: RawStep[] = [];
    for (const item of list.items) {
      const step = await this.#step(this.#follow(item as Node));
      if (step) steps.push(step);
    }
    return steps;
  }

  async #step(node: Node): Promise<RawStep | undefined> {
    if (!this.#yaml.isMap(node))
      return this.#wrong(node, "a step is a mapping, such as wait-for: tcp://db:5432");
    const entries = this.#entries(node);
    const tasks = entries.filter(({ name }) => registry.has(name));
    if (tasks.length > 1) {
      const names = tasks.map(({ name }) => name).join(" and ");
      return this.#wrong(tasks[1]!.key, `one step has two tasks, ${names}; put each into a step of its own`);
    }
    if (tasks.length === 0) return this.#wrong(node, this.#noTask(entries));
    const [{ name, value }] = tasks as [Entry];
    const task = (await loadTask(name))!;
    const operand = Object.values(task.operands)[0];
    return {
      place: this.#place(node),
      task: name,
      operands: value === undefined ? [] : this.#values(value, name, operand),
      options: this.#options(
        task,
        entries.filter((entry) => entry.name !== name),
      ),
    };
  }

  #noTask(entries: readonly Entry[]): string {
    const suspects = entries
      .map(({ name }) => unknownTask(name))
      .filter((text) => text.includes("did you mean"));
    const names = entries.map(({ name }) => quote(name)).join(", ");
    return suspects[0] ?? `a step needs a task as one of its keys; it has ${names || "no keys"}`;
  }

  #options(task: AnyTask, entries: readonly Entry[]): Map<string, Given> {
    const options = new Map<string, Given>();
    for (const { name, key, value } of entries) {
      const field = fieldOf(task, name);
      if (!field) this.#wrong(key, unknownOption(task, name));
      else if (value === undefined) this.#wrong(key, `${name} has no value`);
      else options.set(name, { place: this.#place(key), values: this.#values(value, name, field) });
    }
    return options;
  }

  /** A scalar is one value, a list several; a mapping is a list of NAME=VALUE where the field takes such. */
  #values(node: Node, name: string, field: Field | undefined): Value[] {
    if (this.#yaml.isSeq(node)) {
      return node.items.flatMap(
        (item) => this.#scalar(this.#follow(item as Node), `an item of ${name}`) ?? [],
      );
    }
    if (this.#yaml.isMap(node) && field?.repeated && field.kind.form.includes("=")) {
      return this.#entries(node).flatMap((entry) => {
        const value = this.#scalar(entry.value, entry.name);
        return value ? { ...value, text: `${entry.name}=${value.text}` } : [];
      });
    }
    const value = this.#scalar(node, name);
    return value ? [value] : [];
  }

  #scalar(node: Node | undefined, name: string): Value | undefined {
    if (!this.#yaml.isScalar(node)) return this.#wrong(node, `${name} is a ${this.#shape(node)}, not a text`);
    if (node.value === null) return this.#wrong(node, `${name} has no value`);
    return { text: textOf(node), place: this.#place(node) };
  }

  #shape(node: Node | undefined): string {
    return this.#yaml.isMap(node) ? "mapping" : this.#yaml.isSeq(node) ? "list" : "nothing";
  }

  #entries(map: YAMLMap): Entry[] {
    return (map.items as Pair<Node, Node | null>[]).flatMap(({ key, value }) => {
      const name = this.#scalar(this.#follow(key), "a key")?.text;
      const content = value === null ? undefined : this.#follow(value);
      const empty = this.#yaml.isScalar(content) && content.value === null;
      return name === undefined ? [] : [{ name, key, value: empty ? undefined : content }];
    });
  }

  #follow(node: Node): Node {
    if (++this.#visited > maxNodes) throw new RangeError("too many nodes");
    if (!this.#yaml.isAlias(node)) return node;
    const target = this.#resolve(node);
    return target ? this.#follow(target) : node;
  }

  #wrong<T = undefined>(where: Node | string | undefined, message: string, result?: T): T {
    this.#problems.add(typeof where === "string" ? where : this.#place(where), message);
    return result as T;
  }
}

interface Entry {
  readonly name: string;
  readonly key: Node;
  readonly value: Node | undefined;
}

function at(place: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${place}:${line}:${col}`;
}

/** The text as written: `0755` and `1.10` are no numbers here. */
function textOf(scalar: Scalar): string {
  return scalar.type === "PLAIN" && scalar.source !== undefined ? scalar.source : String(scalar.value);
}
