/** How long a server asks to wait (RFC 9110, section 10.2.3: seconds or a date), in milliseconds. */
export function retryAfterOf(header: string | string[] | undefined, today = Date.now()): number | undefined {
  if (typeof header !== "string") return undefined;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - today);
}
