import type { Credentials } from "./credentials.ts";

/** Credentials that end. */
export interface Lent {
  readonly credentials: Credentials;
  /** In milliseconds since the epoch. */
  readonly expires: number;
}

/** Credentials are not used in the last minutes of their life, for a download takes its time. */
const margin = 5 * 60_000;
const kept = new Map<string, Lent>();

/**
 * Credentials that were lent before, as long as they are good, else new ones.
 * @param lender who lends them, and to whom; no secret
 */
export async function borrow(lender: string, lend: () => Promise<Lent>): Promise<Credentials> {
  const known = kept.get(lender);
  if (known && known.expires - margin > Date.now()) return known.credentials;
  const lent = await lend();
  kept.set(lender, lent);
  return lent.credentials;
}
