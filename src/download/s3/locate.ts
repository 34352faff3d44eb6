import type { Failure } from "../../failure.ts";
import type { Pair } from "../../kinds.ts";
import type { HttpResponse } from "../../net/http.ts";
import type { Access } from "../http-source.ts";
import type { Location } from "../location.ts";
import { findCredentials } from "./chain.ts";
import { regionOf, urlOf } from "./endpoint.ts";
import { s3Failure } from "./explain.ts";
import { parseS3 } from "./object.ts";
import { emptyHash, signed } from "./sign.ts";

/** Where an object is. */
export interface S3Location extends Location {
  readonly headers: readonly Pair[];
  /** What an answer means that does not carry the object; it reads the body, so it is to be asked before `close`. */
  explain(response: HttpResponse): Promise<Failure>;
}

/**
 * The object that an `s3://bucket/key` URL names, with the headers for a GET of it within the next minutes. Headers
 * that are not `x-amz-…` may be added, as Range and If-None-Match.
 * @throws Failure `configuration`, and what the credentials fail with: `refused`, `source-unavailable`
 */
export async function locateS3(url: URL, access: Access): Promise<readonly S3Location[]> {
  const { env } = access;
  const place = urlOf(parseS3(url), env);
  const credentials = await findCredentials(access);
  const given = amazonHeaders(access.args.header);
  const digest = { name: "x-amz-content-sha256", value: emptyHash };
  const scope = { region: regionOf(env), service: "s3", at: new Date() };
  const headers = credentials
    ? signed({ url: place, headers: [...given, digest] }, scope, credentials)
    : given;
  return [{ url: place, headers, explain: (response) => s3Failure(response, credentials?.origin) }];
}

/** S3 takes such a header only where it is signed: `x-amz-request-payer`, the key of SSE-C. */
const amazonHeaders = (headers: readonly Pair[]): Pair[] =>
  headers.filter(({ name }) => name.toLowerCase().startsWith("x-amz-"));
