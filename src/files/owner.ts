import { readFileSync } from "node:fs";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { kind, type Kind } from "../kinds.ts";
import { fileFailure } from "../system-errors.ts";

/** A user and a group as they were written: a number is an id, a text is a name. */
export interface Owner {
  readonly user?: string | number | undefined;
  /** `login` stands for the user's own group in the user database (`USER:`). */
  readonly group?: string | number | { readonly login: true } | undefined;
}

/** Ids to give to chown; what is absent stays as it is. */
export interface Ids {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** The highest id there is; the one above it means "leave as it is" to chown(2). */
const highestId = 2 ** 32 - 2;

/** `USER[:GROUP]`, `:GROUP`, or `USER:` for the user's login group; names or numbers. */
export const owner: Kind<Owner> = kind("USER[:GROUP]", (value) => {
  const [, user = "", colon, group = ""] = /^([^:\s]*)(:)?([^:\s]*)$/.exec(value) ?? [];
  if (user === "" && group === "") throw new Error("is not an owner; write 1000, 1000:1000, :1000, or names");
  return {
    ...(user && { user: idOrName(user) }),
    ...(colon && { group: group === "" ? { login: true } : idOrName(group) }),
  };
});

function idOrName(value: string): number | string {
  if (!/^[-+]?[0-9]+$/.test(value)) return value;
  const id = /^[0-9]+$/.test(value) ? Number(value) : Infinity;
  if (id > highestId) throw new Error(`has an id that is not between 0 and ${highestId}`);
  return id;
}

/**
 * The ids of an owner, names looked up in the files passwd(5) and group(5) of the file system that initkit runs in.
 * @throws Failure `access` where a name is in neither
 */
export function resolveOwner(
  { user, group }: Owner,
  { passwd = "/etc/passwd", group: groups = "/etc/group" } = {},
): Ids {
  return { ...(user !== undefined && { uid: uidOf(user, passwd) }), ...groupOf() };

  function groupOf(): Ids {
    if (group === undefined) return {};
    if (typeof group === "number") return { gid: group };
    if (typeof group === "string") return { gid: numberIn(groups, 2, "group", 0, group) };
    return { gid: numberIn(passwd, 3, "user", typeof user === "number" ? 2 : 0, String(user)) };
  }
}

const uidOf = (user: string | number, passwd: string): number =>
  typeof user === "number" ? user : numberIn(passwd, 2, "user", 0, user);

/** The id in the column `wanted` of the line that has `value` in the column `key`. */
function numberIn(file: string, wanted: number, what: string, key: number, value: string): number {
  const line = readLines(file, what, value).find((columns) => columns[key] === value);
  const id = line?.[wanted] ?? "";
  if (!/^[0-9]+$/.test(id) || Number(id) > highestId) throw unknown(what, value, file);
  return Number(id);
}

function readLines(file: string, what: string, value: string): string[][] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch (error) {
    const { message, cause } = fileFailure(
      `cannot read ${quote(file)} to look up the ${what} ${quote(value)}`,
      error,
    );
    throw new Failure("access", message, { hint: numbersHint, cause });
  }
}

const numbersHint = "write the number instead; numbers need no user database in the image";

function unknown(what: string, value: string, file: string): Failure {
  return new Failure("access", `unknown ${what} ${quote(value)}: it is not in ${quote(file)}`, {
    hint: numbersHint,
  });
}
