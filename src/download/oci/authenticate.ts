import type { HttpResponse } from "../../net/http.ts";
import { parseChallenges } from "./challenge.ts";
import { type Applicant, basic, fetchToken } from "./token.ts";

/**
 * What to put into Authorization, for a 401 of the registry itself.
 * @returns undefined where there is nothing to say to its challenges
 * @throws Failure of the token server
 */
export async function answerTo({ headers }: HttpResponse, applicant: Applicant): Promise<string | undefined> {
  const challenges = parseChallenges(headers["www-authenticate"]);
  const { credentials } = applicant.login;
  const bearer = challenges.find(({ scheme }) => scheme === "bearer");
  if (bearer && credentials?.type === "registry-token") return `Bearer ${credentials.token}`;
  if (bearer) return `Bearer ${await fetchToken(bearer, applicant)}`;
  const wantsBasic = challenges.some(({ scheme }) => scheme === "basic");
  return wantsBasic && credentials?.type === "basic" ? basic(credentials.pair) : undefined;
}
