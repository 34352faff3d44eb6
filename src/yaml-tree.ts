import type { Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { quote } from "./format.ts";
import type { Problems } from "./problems.ts";
import type { Origin } from "./raw-step.ts";

/** A document as plain data in which everything knows its place and every scalar is the text as written. */
export type Tree = { readonly place: string } & (
  | { readonly shape: "text"; readonly text: string; readonly origin?: Origin | undefined }
  | { readonly shape: "nothing" }
  | { readonly shape: "list"; readonly items: readonly Tree[] }
  | { readonly shape: "mapping"; readonly entries: readonly Entry[] }
);

export type Entry = { readonly key: string; readonly place: string; readonly value: Tree };

/** Far more than a run can need, and few enough to be read in a moment. */
const maxTokens = 50_000;
const maxNodes = 50_000;

type Yaml = typeof import("yaml");

/**
 * Reads YAML 1.2 or JSON; what is wrong with it goes to `problems`.
 * @param name what stands before `:line:column` in messages
 */
export async function parseTree(text: string, name: string, problems: Problems): Promise<Tree | undefined> {
  const { default: yaml } = await import("yaml");
  const lines = new yaml.LineCounter();
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const lineOf = (offset: number): Origin => ({ file: name, line: lines.linePos(offset).line });
  const before = problems.size;
  try {
    countTokens(yaml, text);
    const options = {
      lineCounter: lines,
      prettyErrors: false,
      version: "1.2",
      uniqueKeys: false,
      resolveKnownTags: false,
    } as const;
    const { contents, errors, warnings } = yaml.parseDocument(text, options);
    for (const { code, pos, message } of [...errors, ...warnings]) {
      problems.add(placeOf(pos[0]), wordsFor[code] ?? message.trim());
    }
    const tree = new Converter(yaml, placeOf, lineOf, problems).convert(contents);
    return problems.size > before ? undefined : tree;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.add(name, "the document is too large, nested too deeply, or its aliases repeat too much");
    return undefined;
  }
}

/** Where the library's words speak to a programmer. */
const wordsFor: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "a second document begins here, and only one is read",
};

/** @throws RangeError */
function countTokens({ Lexer }: Yaml, text: string): void {
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) if (++tokens > maxTokens) throw new RangeError("too many tokens");
}

/** The library's nodes to plain data. Aliases are expanded, but a small document cannot become a huge one. */
class Converter {
  readonly #yaml: Yaml;
  readonly #placeOf: (offset: number) => string;
  readonly #lineOf: (offset: number) => Origin;
  readonly #problems: Problems;
  readonly #anchors = new Map<string, Node>();
  #nodes = 0;

  constructor(
    yaml: Yaml,
    placeOf: (offset: number) => string,
    lineOf: (offset: number) => Origin,
    problems: Problems,
  ) {
    this.#yaml = yaml;
    this.#placeOf = placeOf;
    this.#lineOf = lineOf;
    this.#problems = problems;
  }

  /** @throws RangeError for too many nodes */
  convert(node: Node | null): Tree {
    const { isAlias, isMap, isScalar, isSeq } = this.#yaml;
    if (++this.#nodes > maxNodes) throw new RangeError("too many nodes");
    const place = this.#placeOf(node?.range?.[0] ?? 0);
    if (isAlias(node)) return this.#follow(node.source, place);
    if (isScalar(node) || isMap(node) || isSeq(node)) this.#remember(node);
    if (isSeq(node))
      return { place, shape: "list", items: node.items.map((item) => this.convert(item as Node)) };
    if (isMap(node))
      return { place, shape: "mapping", entries: this.#entries(node.items as Pair<Node, Node | null>[]) };
    if (!isScalar(node) || node.value === null) return { place, shape: "nothing" };
    return { place, shape: "text", text: textOf(node), origin: this.#originOf(node) };
  }

  /** The text of a literal block begins on the line behind its mark. */
  #originOf({ type, range }: Scalar): Origin | undefined {
    if (type !== "BLOCK_LITERAL" || !range) return undefined;
    const { file, line } = this.#lineOf(range[0]);
    return { file, line: line + 1 };
  }

  #remember(node: Scalar | YAMLMap | YAMLSeq): void {
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
  }

  #follow(anchor: string, place: string): Tree {
    const target = this.#anchors.get(anchor);
    if (target) return this.convert(target);
    this.#problems.add(place, `no anchor &${anchor} stands before this alias`);
    return { place, shape: "nothing" };
  }

  #entries(pairs: readonly Pair<Node, Node | null>[]): Entry[] {
    const seen = new Set<string>();
    return pairs.map(({ key, value }) => {
      const { place, ...converted } = this.convert(key);
      const text = converted.shape === "text" ? converted.text : "";
      if (seen.has(text)) this.#problems.add(place, `the key ${quote(text)} stands twice`);
      seen.add(text);
      return { key: text, place, value: value ? this.convert(value) : { place, shape: "nothing" } };
    });
  }
}

/** The text as written: `0755` and `1.10` are no numbers here. */
function textOf(scalar: Scalar): string {
  return scalar.type === "PLAIN" && scalar.source !== undefined ? scalar.source : String(scalar.value);
}
