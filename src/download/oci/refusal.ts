import { Failure } from "../../failure.ts";
import { listAt, textAt } from "../../json-fields.ts";
import type { HttpResponse } from "../../net/http.ts";
import { statusFailure } from "../status.ts";
import { readJson } from "./body.ts";
import { type OciReference, isDockerHub, shownReference } from "./reference.ts";

/** An answer of a registry that does not carry what was asked for. */
export interface Refusal {
  readonly status: number;
  /** Its first error (OCI distribution-spec 1.1, "Error Codes"): `MANIFEST_UNKNOWN`; empty where it names none. */
  readonly error: string;
  /** What the status alone says. */
  readonly failure: Failure;
}

/** Its words are left out, for they may repeat what was sent. */
export async function readRefusal(response: HttpResponse): Promise<Refusal> {
  const failure = statusFailure(response);
  const document = await readJson(response).catch(() => undefined);
  const word = textAt(listAt(document, "errors")[0], "code");
  return { status: response.status, error: /^[A-Z_]{1,40}$/.test(word) ? word : "", failure };
}

/**
 * What it means for the user.
 * @param advice what to check about the credentials
 */
export function refusalFailure(refusal: Refusal, reference: OciReference, advice: string): Failure {
  const { status, error, failure } = refusal;
  const hint = hintFor(refusal, reference, advice) ?? failure.hint;
  const why = error === "" ? "" : ` (${error})`;
  return new Failure(
    failure.code,
    `${shownReference(reference)}: ${says(status, reference, failure)}${why}`,
    {
      ...failure.options,
      hint,
    },
  );
}

function says(status: number, { host, repository, tag, digest }: OciReference, { message }: Failure): string {
  if (status === 401) return `${host} wants other credentials for the repository ${repository} (401)`;
  if (status === 403) return `${host} does not allow to pull from the repository ${repository} (403)`;
  if (status !== 404) return message;
  const version = digest ? "that digest" : `the tag ${tag}`;
  return `${host} has no ${version} in the repository ${repository} (404)`;
}

function hintFor({ status }: Refusal, reference: OciReference, advice: string): string | undefined {
  if (status === 401 || status === 403) return advice;
  if (status === 404)
    return `check that ${reference.repository} is the whole name and that this version has been pushed; some registries answer 404 to missing credentials too, then: ${advice}`;
  return status === 429 ? tooManyPulls(reference) : undefined;
}

export const tooManyPulls = (reference: OciReference): string =>
  isDockerHub(reference)
    ? "Docker Hub limits pulls, for those without an account by address: give credentials (DOCKER_CONFIG), or use a mirror of your own"
    : "the registry limits requests: give credentials (DOCKER_CONFIG), or use a mirror";
