import type { Failure } from "../../failure.ts";
import type { Pair } from "../../kinds.ts";
import type { HttpResponse } from "../../net/http.ts";
import type { Access } from "../http-source.ts";
import type { Location } from "../location.ts";
import { findCredentials } from "./chain.ts";
import type { Credentials } from "./credentials.ts";
import { urlOf } from "./endpoint.ts";
import { answerOf, regionIn, s3Failure } from "./explain.ts";
import { parseS3, type S3Object } from "./object.ts";
import { regionFor, rememberRegion } from "./regions.ts";
import { emptyHash, signed } from "./sign.ts";

/** Where an object is. */
export interface S3Location extends Location {
  readonly headers: readonly Pair[];
  /** What an answer means that does not carry the object; it reads the body, so it is to be asked before `close`. */
  explain(response: HttpResponse): Promise<Failure | S3Location>;
}

/** How an object is asked for. */
interface Asking {
  readonly object: S3Object;
  readonly access: Access;
  readonly credentials: Credentials | undefined;
  readonly region: string;
  /** S3 has told the region: what it says of it then is not followed again. */
  readonly isTold: boolean;
}

/**
 * The object that an `s3://bucket/key` URL names, with the headers for a GET of it within the next minutes. Headers
 * that are not `x-amz-…` may be added, as Range and If-None-Match. Where the bucket is in another region, S3's answer
 * leads to it, once.
 * @throws Failure `configuration`, and what the credentials fail with: `refused`, `source-unavailable`
 */
export async function locateS3(url: URL, access: Access): Promise<readonly S3Location[]> {
  const object = parseS3(url);
  const region = regionFor(object.bucket, access.env);
  const credentials = await findCredentials(access);
  return [locationFor({ object, access, credentials, region, isTold: false })];
}

function locationFor(asking: Asking): S3Location {
  const { object, access, credentials, region } = asking;
  const url = urlOf(object, access.env, region);
  const given = amazonHeaders(access.args.header);
  const digest = { name: "x-amz-content-sha256", value: emptyHash };
  const scope = { region, service: "s3", at: new Date() };
  const headers = credentials ? signed({ url, headers: [...given, digest] }, scope, credentials) : given;
  return {
    url,
    headers,
    // A redirect leads to a place for which the request would have to be signed anew.
    follows: ({ status, headers: said }) => otherRegion(asking, regionIn(status, said)) === undefined,
    explain: (response) => explain(response, asking),
  };
}

/** S3 takes such a header only where it is signed: `x-amz-request-payer`, the key of SSE-C. */
const amazonHeaders = (headers: readonly Pair[]): Pair[] =>
  headers.filter(({ name }) => name.toLowerCase().startsWith("x-amz-"));

async function explain(response: HttpResponse, asking: Asking): Promise<Failure | S3Location> {
  const answer = await answerOf(response);
  const region = otherRegion(asking, regionIn(response.status, response.headers, answer.body));
  if (region === undefined) return s3Failure(answer, asking.credentials?.origin);
  rememberRegion(asking.object.bucket, asking.access.env, region);
  return locationFor({ ...asking, region, isTold: true });
}

const otherRegion = ({ region, isTold }: Asking, told: string | undefined): string | undefined =>
  isTold || told === region ? undefined : told;
