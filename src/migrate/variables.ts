import { identifier, literal } from "../postgres/quoting.ts";

/** The values of `var`, by name. */
export type Variables = ReadonlyMap<string, string>;

/** Which names psql takes for a variable (psql, "SQL Interpolation"). */
export const isVariableName = (name: string): boolean => /^[A-Za-z0-9_\u0080-\uffff]+$/.test(name);

/** The name in `:NAME`, `:'NAME'` or `:"NAME"`. */
export const nameIn = (variable: string): string => variable.replace(/^:['"]?|['"]$/g, "");

/**
 * What stands for a variable in the SQL.
 * @param variable as it is written: `:NAME`, `:'NAME'` or `:"NAME"`
 * @returns undefined where the value would have to be quoted and is not
 */
export function substituteFor(variable: string, value: string): string | undefined {
  if (variable[1] === "'") return literal(value);
  if (variable[1] === '"') return identifier(value);
  if (number.test(value)) return value.startsWith("-") ? ` ${value}` : value;
  return plainName.test(value) ? value : undefined;
}

/** A minus behind a minus would begin a comment, so a blank goes before it. */
const number = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const plainName = /^[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*$/;
