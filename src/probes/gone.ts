/**
 * Whether a failure of this kind shows that a target is gone, for `absent`: nobody listens, the database is not there,
 * or an expectation does not hold. Silence and certificates show nothing, and an unknown name only where it was known.
 * @param resolved the host name has had an address earlier
 */
export function showsGone(kind: string, resolved: boolean): boolean {
  if (kind === "dns:not-found" || kind === "dns:no-data") return resolved;
  return gone.has(kind) || kind.startsWith("expectation:");
}

const gone = new Set(["connect:ECONNREFUSED", "connect:ENOENT", "postgres:3D000", "mysql:1049"]);
