import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import { textAt } from "../../json-fields.ts";
import { type HttpResponse, request } from "../../net/http.ts";
import { bare, shown } from "../../net/url.ts";
import type { Access } from "../http-source.ts";
import { statusFailure } from "../status.ts";
import { readJson } from "./body.ts";
import type { Challenge } from "./challenge.ts";
import type { Login } from "./credentials.ts";
import { isLoopback, type OciReference } from "./reference.ts";
import { tooManyPulls } from "./refusal.ts";
import { settingsFor } from "./settings.ts";

/** For whom a token is. */
export interface Applicant {
  readonly reference: OciReference;
  /** Of the registry that wants a token. */
  readonly origin: string;
  readonly login: Login;
  readonly access: Access;
}

/**
 * Fetches a token from the server that a challenge names (Distribution, "Token Authentication Specification"), without
 * credentials too: what is public is often to be had only with a token.
 * @throws Failure `refused` where there is none, `source-unavailable`
 */
export async function fetchToken(challenge: Challenge, applicant: Applicant): Promise<string> {
  const realm = realmOf(challenge, applicant);
  const { login, reference } = applicant;
  const { credentials } = login;
  using response =
    credentials?.type === "identity-token"
      ? await exchangeIdentity(realm, challenge, credentials.token, applicant)
      : await askForToken(realm, challenge, applicant);
  if (response.status !== 200) throw noToken(response, reference, login);
  const document = await readJson(response);
  const token = textAt(document, "token") || textAt(document, "access_token");
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Failure("refused", `the token server ${shown(realm)} answers without a token`, {
    kind: "token",
    hint: "check the auth settings of the registry: its realm is where tokens are to be had",
  });
}

/**
 * Credentials are sent there, so nobody in between may read them; a registry on loopback that is asked without TLS may
 * have its token server there too.
 */
function realmOf({ parameters }: Challenge, { origin, reference }: Applicant): URL {
  const text = parameters.get("realm") ?? "";
  const realm = URL.canParse(text) ? bare(new URL(text)) : undefined;
  const isSecure = realm?.protocol === "https:";
  const isNear = realm?.protocol === "http:" && isLoopback(realm) && origin.startsWith("http:");
  if (realm && (isSecure || isNear)) return realm;
  throw new Failure("refused", `${reference.host} wants a token from ${quote(text)}, which is no https URL`, {
    kind: "token",
    hint: "check the auth settings of the registry: credentials are sent over TLS only",
  });
}

/** What the token is to be for, as the registry words it. */
function scopesOf({ parameters }: Challenge, { repository }: OciReference): string[] {
  const scopes = (parameters.get("scope") ?? "").split(" ").filter(Boolean);
  return scopes.length > 0 ? scopes : [`repository:${repository}:pull`];
}

async function askForToken(realm: URL, challenge: Challenge, applicant: Applicant): Promise<HttpResponse> {
  const { login, access, reference } = applicant;
  const service = challenge.parameters.get("service");
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.append("service", service);
  for (const scope of scopesOf(challenge, reference)) url.searchParams.append("scope", scope);
  const { credentials } = login;
  const headers = credentials?.type === "basic" ? [authorization(basic(credentials.pair))] : [];
  return await request(url, { ...settingsFor(url, access), headers });
}

/** Distribution, "Oauth2 Token Authentication". A redirect could carry the body elsewhere, so none is followed. */
async function exchangeIdentity(
  realm: URL,
  challenge: Challenge,
  token: string,
  { access, reference }: Applicant,
): Promise<HttpResponse> {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: token,
    client_id: "initkit",
    service: challenge.parameters.get("service") ?? realm.host,
    scope: scopesOf(challenge, reference).join(" "),
  });
  const type = { name: "content-type", value: "application/x-www-form-urlencoded" };
  const settings = { ...settingsFor(realm, access), maxRedirects: 0 };
  return await request(realm, { ...settings, method: "POST", headers: [type], body: form.toString() });
}

function noToken(response: HttpResponse, reference: OciReference, { advice }: Login): Failure {
  const { code, message, options } = statusFailure(response);
  const hint = response.status === 429 ? tooManyPulls(reference) : code === "refused" ? advice : options.hint;
  return new Failure(code, `${reference.host}: no token: ${message}`, { ...options, hint });
}

export const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;
export const authorization = (value: string) => ({ name: "authorization", value });
