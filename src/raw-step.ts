/** A text as the user wrote it, and where. */
export interface Value {
  readonly text: string;
  /** Argument number, variable, or file:line:column. */
  readonly place: string;
  /** Only of a text whose lines are lines of the document as they stand. */
  readonly origin?: Origin | undefined;
}

/** Where the first line of a text stands. */
export interface Origin {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** An option as the user gave it: more than one value where it was a list or was repeated. */
export interface Given {
  readonly place: string;
  readonly values: readonly Value[];
}

/** A step as it came from a source: split into task, operands and options, nothing resolved yet. */
export interface RawStep {
  readonly place: string;
  readonly task: string;
  readonly operands: readonly Value[];
  readonly options: ReadonlyMap<string, Given>;
}
