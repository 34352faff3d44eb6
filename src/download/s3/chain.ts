import type { Access } from "../http-source.ts";
import { fromContainer } from "./container.ts";
import { checked, type Credentials } from "./credentials.ts";
import { type Environment, setting, wrong } from "./environment.ts";
import { fromProfile } from "./profile.ts";
import { fromWebIdentity } from "./web-identity.ts";

/**
 * The credentials that the environment gives, looked for in the order of the SDKs (AWS SDKs and Tools Reference Guide,
 * "Standardized credential providers"). The instance metadata service is left out: in a pod it would give the rights of
 * the node, and where it is blocked the search would hang.
 * @returns undefined where there are none, for a request without a signature
 * @throws Failure `configuration`, `refused`, `source-unavailable`
 */
export async function findCredentials(access: Access): Promise<Credentials | undefined> {
  const { env } = access;
  return (
    fromVariables(env) ??
    (await fromWebIdentity(access)) ??
    (await fromProfile(env)) ??
    (await fromContainer(access))
  );
}

function fromVariables(env: Environment): Credentials | undefined {
  const [id, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const;
  const [accessKeyId, secretAccessKey] = [setting(env, id), setting(env, secret)];
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const sessionToken = setting(env, "AWS_SESSION_TOKEN");
    return checked({ accessKeyId, secretAccessKey, sessionToken, origin: `${id} and ${secret}` });
  }
  const [given, missing] = accessKeyId === undefined ? [secret, id] : [id, secret];
  throw wrong(
    `${given} is set but ${missing} is not`,
    "check the Secret that they come from: both belong together",
  );
}
