import { Failure } from "../../failure.ts";
import type { HttpResponse } from "../../net/http.ts";
import { statusFailure } from "../status.ts";
import { startOf } from "./ask.ts";
import { wordsOf } from "./hidden.ts";
import { textIn } from "./xml.ts";

/** What an answer of S3 that carries no object means. */
export interface Explained {
  /** `AccessDenied: Access Denied`, in S3's own words. */
  readonly says: string | undefined;
  readonly hint: string | undefined;
  /** Another try can help, whatever the status says. */
  readonly isTransient: boolean;
}

/** An answer of S3 with the beginning of its body. */
interface S3Answer {
  readonly response: HttpResponse;
  readonly body: string;
}

export const answerOf = async (response: HttpResponse): Promise<S3Answer> => ({
  response,
  body: await startOf(response.body).catch(() => ""),
});

/** An answer of S3 that carries no object, as a Failure. */
export function s3Failure({ response, body }: S3Answer, origin: string | undefined): Failure {
  const failure = statusFailure(response);
  const { says, hint, isTransient } = explainS3(response.status, response.headers, body, origin);
  const message = says === undefined ? failure.message : `${failure.message} (${says})`;
  const code = isTransient ? "source-unavailable" : failure.code;
  return new Failure(code, message, { ...failure.options, hint: hint ?? failure.hint });
}

/**
 * S3 API Reference, "Error responses". Of the body only its code, its message and its region are told: the rest
 * repeats what was sent.
 * @param origin where the credentials come from that the request was signed with; undefined where it was not
 */
export function explainS3(
  status: number,
  headers: HttpResponse["headers"],
  body: string,
  origin?: string,
): Explained {
  const [code, message] = [textIn(body, "Code"), textIn(body, "Message")];
  const says = code === undefined ? undefined : wordsOf(message ? `${code}: ${message}` : code);
  const kind = code ?? kindOf(status, origin !== undefined);
  const hint =
    hints[kind] ?? regionHint(kind, regionIn(status, headers, body)) ?? clockHint(kind, headers, body);
  return { says, hint: hint ?? credentialsHint(kind, origin), isTransient: transient.has(kind) };
}

/**
 * Where the answer has no code: it comes from a proxy, or from another server than S3. One that also speaks another
 * protocol takes a request without a signature for one of that: OpenStack Swift answers 400 then.
 */
function kindOf(status: number, isSigned: boolean): string {
  if (status === 301 || status === 307) return "PermanentRedirect";
  const isDenied = status === 401 || status === 403 || (status === 400 && !isSigned);
  return isDenied ? "AccessDenied" : "";
}

const transient = new Set(["RequestTimeout", "SlowDown", "ServiceUnavailable", "InternalError"]);

const hints: Readonly<Record<string, string>> = {
  NoSuchKey: "check the key letter by letter: in the URL it is percent-encoded, in the bucket it is not",
  NoSuchVersion: "check versionId; a lifecycle rule may have removed the version",
  NoSuchBucket:
    "check the name of the bucket, and AWS_ENDPOINT_URL and AWS_S3_ADDRESSING_STYLE where it is not on AWS",
  InvalidBucketName:
    "check the name of the bucket, and AWS_S3_ADDRESSING_STYLE (path or virtual) where it is not on AWS",
  MethodNotAllowed: "this version only marks that the object was deleted: name another versionId",
  InvalidObjectState: "the object is archived (Glacier): restore it first",
  NotImplemented:
    "this server does not know versionId, or an x-amz-… header that was given: leave it out, or ask a server that does",
};

const elsewhere = new Set([
  "PermanentRedirect",
  "TemporaryRedirect",
  "Redirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
]);

/** The region that a bucket is in, where an answer is one of those that tell it. */
export function regionIn(status: number, headers: HttpResponse["headers"], body = ""): string | undefined {
  const isTold = [301, 307, 400].includes(status) || elsewhere.has(textIn(body, "Code") ?? "");
  const region = isTold ? (headers["x-amz-bucket-region"] ?? textIn(body, "Region")) : undefined;
  return typeof region === "string" && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined;
}

function regionHint(kind: string, region: string | undefined): string | undefined {
  if (!elsewhere.has(kind)) return undefined;
  return region === undefined
    ? "the bucket is in another region, or at another endpoint: check AWS_REGION and AWS_ENDPOINT_URL"
    : `the bucket is in another region: set AWS_REGION to ${region}`;
}

function clockHint(kind: string, headers: HttpResponse["headers"], body: string): string | undefined {
  if (kind !== "RequestTimeTooSkewed") return undefined;
  const theirs = Date.parse(textIn(body, "ServerTime") ?? String(headers["date"]));
  const here = `here it is ${new Date().toISOString()}`;
  const times = Number.isNaN(theirs) ? here : `${here}, there ${new Date(theirs).toISOString()}`;
  return `set the clock of the node (NTP): ${times}`;
}

const expired = "the session token has expired, or belongs to other keys";

const refused: Readonly<Record<string, string>> = {
  AccessDenied:
    "they may lack s3:GetObject (with versionId s3:GetObjectVersion) on the object or kms:Decrypt on its key; without s3:ListBucket S3 answers so for a key that is not there, too",
  SignatureDoesNotMatch:
    "the secret key is not that of the access key, or was cut off or encoded twice in its Secret; a proxy that changes Host or path does this too, and to some servers an unknown access key is the same",
  InvalidAccessKeyId: "this server does not know the access key; check AWS_ENDPOINT_URL too",
  ExpiredToken: expired,
  InvalidToken: expired,
  TokenRefreshRequired: expired,
};

const anonymous =
  "the request was not signed, for there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the service account a role (IRSA, EKS Pod Identity); the instance metadata service is not asked";

/** Whose credentials they were is the first thing to check. */
function credentialsHint(kind: string, origin: string | undefined): string | undefined {
  const why = refused[kind];
  if (why === undefined) return undefined;
  return origin === undefined ? anonymous : `signed with the credentials of ${origin}: ${why}`;
}
