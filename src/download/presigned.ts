/**
 * Up to when a presigned URL is good, by its query: `X-Amz-Date` and `X-Amz-Expires` (S3 API Reference, "Authenticating
 * Requests: Using Query Parameters"), the same of Google Cloud Storage with `X-Goog-`, `Expires` in seconds since the
 * epoch (version 2 of both, CloudFront), `se` (Azure Storage, service SAS). Undefined where it does not say so.
 */
export function expiryOf({ searchParams }: URL): Date | undefined {
  for (const vendor of ["X-Amz", "X-Goog"]) {
    const [at, seconds] = [searchParams.get(`${vendor}-Date`), searchParams.get(`${vendor}-Expires`)];
    if (at !== null && seconds !== null) return dateOf(basicTime(at) + Number(seconds) * 1000);
  }
  const [expires, end] = [searchParams.get("Expires"), searchParams.get("se")];
  if (expires !== null) return dateOf(Number(expires) * 1000);
  return end === null || !searchParams.has("sig") ? undefined : dateOf(Date.parse(end));
}

/** `20261128T034902Z` (ISO 8601, basic format), in milliseconds since the epoch. */
const basicTime = (text: string): number =>
  Date.parse(text.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));

function dateOf(ms: number): Date | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
