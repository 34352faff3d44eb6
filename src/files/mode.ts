import { kind, type Kind } from "../kinds.ts";

const setUid = 0o4000;
const setGid = 0o2000;
const sticky = 0o1000;
/** A change of owner takes them away. */
export const setIds = setUid | setGid;
export const allBits = 0o7777;

/** The bits that each class of users may have touched: its own nine-bit share and the special bit that goes with it. */
const classBits = { u: setUid | 0o700, g: setGid | 0o070, o: sticky | 0o007 };
type Class = keyof typeof classBits;

const permissionBits = { r: 0o444, w: 0o222, x: 0o111, X: 0, s: setIds, t: sticky };

interface Change {
  readonly operator: "+" | "-" | "=";
  /** The bits that the classes on the left allow to change. */
  readonly affected: number;
  readonly bits: number;
  /** `X`: execute bits too, where it is a directory or somebody may execute it already. */
  readonly conditionalX: boolean;
  /** Copies what this class has at this point (`g=u`). */
  readonly copied?: Class | undefined;
  /** Special bits that are written out; the others of a directory are left as they are. */
  readonly mentioned: number;
}

/** A mode as a list of changes, applied from left to right. */
export type Mode = readonly Change[];

/**
 * A mode as chmod(1) takes it, octal or symbolic. Octal is `0755`, `640` or `0o755`: digits are octal
 * with or without a leading zero. Symbolic is POSIX's list with GNU's meaning: `u=rwX,g=rX,o=`, `g+s`, `a-w`, `g=u`.
 * No class on the left (`+x`) means all of them: the umask plays no part.
 * A list that would change a file again each time it is applied (`u=g,g=o`) is no mode, for a step may run twice.
 */
export const mode: Kind<Mode> = kind("MODE", (value) => {
  const parsed = parseOctal(value) ?? value.split(",").flatMap(parseClause);
  if (!settles(parsed))
    throw new Error("gives a different mode each time it is applied; write each class once");
  return parsed;
});

/**
 * The permission bits (12 of them) that a file with `current` bits has once `spec` is applied.
 * As with GNU chmod, the set-id bits of a directory stay unless the mode writes them out (`2755`, `g-s`) or
 * is octal of five digits (`00755`): they carry the group of a volume down the tree, and fsGroup sets them.
 */
export function applyMode(spec: Mode, current: number, isDirectory: boolean): number {
  return spec.reduce((bits, change) => applyChange(change, bits, isDirectory), current & allBits);
}

/** A mode for files makes no sense of folders: who may read one may search it too. */
export const searchable = (mode: number): number => mode | ((mode & 0o444) >> 2);

function applyChange(change: Change, current: number, isDirectory: boolean): number {
  const kept = isDirectory ? (setUid | setGid) & ~change.mentioned : 0;
  const touched = change.affected & ~kept;
  const bits = wantedBits(change, current, isDirectory) & touched;
  if (change.operator === "+") return current | bits;
  if (change.operator === "-") return current & ~bits;
  return (current & ~touched) | bits;
}

function wantedBits({ bits, conditionalX, copied }: Change, current: number, isDirectory: boolean): number {
  if (copied !== undefined) return spread(current & classBits[copied] & 0o777);
  return conditionalX && (isDirectory || (current & 0o111) !== 0) ? bits | 0o111 : bits;
}

/** The read, write and execute bits of one class, given to all three. */
function spread(ofOneClass: number): number {
  return [0o444, 0o222, 0o111].reduce((bits, each) => (ofOneClass & each ? bits | each : bits), 0);
}

function parseOctal(value: string): Mode | undefined {
  const digits = /^(?:0[oO])?([0-9]+)$/.exec(value)?.[1];
  if (digits === undefined) return undefined;
  const bits = /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Infinity;
  if (bits > allBits) throw new Error("is not an octal mode; write 0755, or 0644");
  const mentioned = digits.length > 4 ? allBits : bits;
  return [{ operator: "=", affected: allBits, bits, conditionalX: false, mentioned }];
}

const clause = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/;

function parseClause(value: string): Change[] {
  const [, classes, actions] = clause.exec(value) ?? [];
  if (actions === undefined) throw new Error("is not a mode; write 0755, or u=rwX,g=rX,o=");
  const affected = classes === "" || classes!.includes("a") ? allBits : bitsOf(classes!, classBits);
  return actions
    .matchAll(/([-+=])([^-+=]*)/g)
    .map(([, operator, what]) => parseAction(operator as Change["operator"], what!, affected))
    .toArray();
}

function parseAction(operator: Change["operator"], what: string, affected: number): Change {
  const copied = /^[ugo]$/.test(what) ? (what as Class) : undefined;
  const bits = copied ? 0 : bitsOf(what, permissionBits);
  return { operator, affected, bits, conditionalX: what.includes("X"), copied, mentioned: affected & bits };
}

function bitsOf<T extends string>(letters: string, table: Record<T, number>): number {
  return Array.from(letters).reduce((bits, letter) => bits | table[letter as T], 0);
}

/** Reading, writing and executing are decided each by itself, so files that give a class all or nothing show it. */
function settles(spec: Mode): boolean {
  return [0o000, 0o007, 0o070, 0o077, 0o700, 0o707, 0o770, 0o777].every((current) =>
    [false, true].every((isDirectory) => {
      const once = applyMode(spec, current, isDirectory);
      return applyMode(spec, once, isDirectory) === once;
    }),
  );
}
