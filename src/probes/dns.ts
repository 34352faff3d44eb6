import { resolve, resolveRecords } from "../net/resolver.ts";
import type { DnsTarget } from "./dns-target.ts";

/**
 * Ready when the name has a record of the type, or an address; looked up as the dialer does, search list included.
 * @throws Failure `not-ready` of kind `dns:...`
 */
export async function probeDns({ host, type }: DnsTarget, signal: AbortSignal): Promise<void> {
  const options = { signal, code: "not-ready" } as const;
  if (type === undefined) await resolve(host, options);
  else await resolveRecords(host, type, options);
}
