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
 * Reads YAML 1.2 or JSON; what is wrong with it goes to `problems`. The answer is undefined where the rest of the
 * document cannot be understood any more.
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
    const linesWithErrors = new Set<number>();
    for (const { code, pos, message } of [...errors, ...warnings]) {
      const { line } = lines.linePos(pos[0]);
      if (!linesWithErrors.has(line))
        problems.add(placeOf(pos[0]), wordsFor(code, message, lineAt(text, line)));
      linesWithErrors.add(line);
    }
    const converter = new Converter(yaml, placeOf, lineOf, problems);
    const tree = converter.convert(contents);
    const isWhole = errors.every(({ code }) => code === "MULTIPLE_DOCS") && !converter.lacksAnchor;
    return isWhole ? tree : undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.add(name, "the document is too large, nested too deeply, or its aliases repeat too much");
    return undefined;
  }
}

const tabs = "a tab cannot indent; write spaces";

/** What is said instead of the library's words, which speak to a programmer. */
const words: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: "a second colon stands in this line; put a text with a colon into quotes",
  MULTIPLE_DOCS: "a second document begins here, and only one is read",
  TAB_AS_INDENT: tabs,
  UNEXPECTED_TOKEN: "this cannot stand here; put a text with special characters into quotes",
};

function wordsFor(code: string, message: string, line: string): string {
  if (/^ *\t/.test(line)) return tabs;
  return words[code] ?? message.trim().replace("Unresolved tag:", "unknown tag");
}

const lineAt = (text: string, number: number): string => text.split("\n", number)[number - 1] ?? "";

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
  #lacksAnchor = false;

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

  get lacksAnchor(): boolean {
    return this.#lacksAnchor;
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
    this.#lacksAnchor = true;
    this.#problems.add(place, `no anchor &${anchor} stands before this alias`);
    return { place, shape: "nothing" };
  }

  #entries(pairs: readonly Pair<Node, Node | null>[]): Entry[] {
    const seen = new Set<string>();
    return pairs.flatMap(({ key, value }) => {
      const { place, ...converted } = this.convert(key);
      const text = converted.shape === "text" ? converted.text : "";
      const entry: Entry = {
        key: text,
        place,
        value: value ? this.convert(value) : { place, shape: "nothing" },
      };
      if (!seen.has(text)) {
        seen.add(text);
        return entry;
      }
      this.#problems.add(place, `the key ${quote(text)} stands twice`);
      return [];
    });
  }
}

/** The text as written: `0755` and `1.10` are no numbers here. */
function textOf(scalar: Scalar): string {
  return scalar.type === "PLAIN" && scalar.source !== undefined ? scalar.source : String(scalar.value);
}
