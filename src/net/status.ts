/**
 * A status as people know it: `503 Service Unavailable`. Only failures need the names, and the module that has them
 * is dear to load.
 */
export function statusLine(status: number): string {
  const name = process.getBuiltinModule("node:http").STATUS_CODES[status];
  return name === undefined ? String(status) : `${status} ${name}`;
}
