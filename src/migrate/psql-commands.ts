/** Commands that pg_dump writes for psql alone, against dumps that would lead psql astray. */
export const isHarmless = (command: string): boolean => /^\\(?:un)?restrict\b/.test(command);

const hints: Readonly<Record<string, string>> = {
  c: "the database is chosen with database, one for all files",
  connect: "the database is chosen with database, one for all files",
  copy: "write COPY … FROM STDIN with the data below it",
  i: "put the SQL of that file here, or into a migration of its own",
  include: "put the SQL of that file here, or into a migration of its own",
  ir: "put the SQL of that file here, or into a migration of its own",
  include_relative: "put the SQL of that file here, or into a migration of its own",
  set: "give the variable with var NAME=VALUE",
  gexec: "write a DO block that executes the statements",
  ".": "it ends the data of COPY … FROM STDIN, and there are none here",
};

/** What to do about a command: `\connect db`. */
export function hintFor(command: string): string {
  const [, name = ""] = /^\\(\w+|.)/.exec(command) ?? [];
  return hints[name] ?? "take it out: the file is sent to the server, not to psql";
}
