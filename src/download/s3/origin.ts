import { urlOf } from "./endpoint.ts";
import type { Environment } from "./environment.ts";
import { parseS3 } from "./object.ts";
import { regionFor } from "./regions.ts";

/** The origin of the server that is asked for an object first. */
export function originOfS3(url: URL, env: Environment): string {
  const object = parseS3(url);
  return urlOf(object, env, regionFor(object.bucket, env)).origin;
}
