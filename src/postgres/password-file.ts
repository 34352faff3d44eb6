import { readFile, stat } from "node:fs/promises";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import type { Host } from "./hosts.ts";

export interface Login {
  readonly host: Host;
  readonly database: string;
  readonly user: string;
}

/** What a password file has for a login, or why it has nothing. */
export type FoundPassword = { readonly password: string } | { readonly why: string };

/** As libpq takes it: whoever else may read the file could be the one who has it read. */
const othersMode = 0o077;

/**
 * Looks into a password file (PostgreSQL manual, 32.16): lines `host:port:database:user:password`, of which the first
 * that matches counts. A file that others may read is passed over.
 */
export async function findPassword(file: string, login: Login): Promise<FoundPassword> {
  try {
    const found = await stat(file);
    if (!found.isFile()) return { why: `${quote(file)} is no plain file` };
    if (found.mode & othersMode) return { why: `${quote(file)} is passed over, since others may read it` };
    const password = passwordIn(await readFile(file, "utf8"), login);
    return password === undefined ? { why: `no line of ${quote(file)} matches` } : { password };
  } catch (error) {
    return { why: `${quote(file)} cannot be read (${errnoOf(error)})` };
  }
}

function passwordIn(text: string, { host, database, user }: Login): string | undefined {
  const names = [host.host, ...(isUsualFolder(host) ? ["localhost"] : [])];
  for (const line of text.split(/\r?\n/)) {
    const fields = line.startsWith("#") ? undefined : fieldsOf(line);
    if (!fields) continue;
    const [ofHost, ...rest] = fields.names;
    const wanted = [String(host.port), database, user];
    const matches =
      names.some((name) => isMeant(ofHost, name)) && wanted.every((each, at) => isMeant(rest[at], each));
    if (matches) return fields.password;
  }
  return undefined;
}

/** A server that is reached by its usual socket stands there as localhost. */
const isUsualFolder = ({ host }: Host): boolean =>
  ["/var/run/postgresql", "/run/postgresql", "/tmp"].includes(host);

const isMeant = (pattern: string | undefined, value: string): boolean =>
  pattern === "*" || (pattern !== undefined && unescaped(pattern) === value);

/** A colon within a field is written `\:`; in the password it may be. */
function fieldsOf(line: string): { names: string[]; password: string } | undefined {
  const [, ...fields] =
    /^((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):(.*)$/s.exec(line) ?? [];
  const password = fields.pop();
  return password === undefined ? undefined : { names: fields, password: unescaped(password) };
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, "$1");
