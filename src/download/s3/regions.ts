import { customEndpoint, regionOf } from "./endpoint.ts";
import type { Environment } from "./environment.ts";

/** The regions of buckets that S3 has told, for the rest of the run. */
const told = new Map<string, string>();

/**
 * The region of a bucket: the one that S3 has told, else the one that the variables say.
 * @throws Failure `configuration`
 */
export const regionFor = (bucket: string, env: Environment): string =>
  told.get(keyOf(bucket, env)) ?? regionOf(env);

export function rememberRegion(bucket: string, env: Environment, region: string): void {
  told.set(keyOf(bucket, env), region);
}

const keyOf = (bucket: string, env: Environment): string =>
  `${customEndpoint("S3", env)?.href ?? ""} ${bucket}`;
