import { readFile } from "node:fs/promises";
import type { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import type { Access } from "../http-source.ts";
import { type Answer, ask, noCredentials } from "./ask.ts";
import { borrow, type Lent } from "./cache.ts";
import { checked, type Credentials } from "./credentials.ts";
import { awsEndpoint, customEndpoint, regionOf } from "./endpoint.ts";
import { type Environment, setting, unreadable, wrong } from "./environment.ts";
import { hide } from "./hidden.ts";
import { textIn } from "./xml.ts";

interface Role {
  readonly arn: string;
  readonly session: string;
  readonly tokenFile: string;
}

/**
 * The credentials of a role that is taken on with a service account's token: IAM Roles for Service Accounts
 * (AWS SDKs and Tools Reference Guide, "Assume role credential provider").
 * @returns undefined where no variable names a role and a token
 * @throws Failure `configuration`, `refused`, `source-unavailable`
 */
export async function fromWebIdentity(access: Access): Promise<Credentials | undefined> {
  const role = roleIn(access.env);
  if (!role) return undefined;
  const endpoint = customEndpoint("STS", access.env) ?? awsEndpoint("sts", regionOf(access.env));
  const lender = [endpoint.href, role.arn, role.session, role.tokenFile].join(" ");
  return await borrow(lender, () => assume(role, endpoint, access));
}

function roleIn(env: Environment): Role | undefined {
  const tokenFile = setting(env, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (tokenFile === undefined) return undefined;
  const arn = setting(env, "AWS_ROLE_ARN");
  const session = setting(env, "AWS_ROLE_SESSION_NAME") ?? "initkit";
  if (arn !== undefined) return { arn, session, tokenFile };
  throw wrong(
    "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not",
    "annotate the service account with eks.amazonaws.com/role-arn, or set AWS_ROLE_ARN",
  );
}

/** AWS STS API Reference, AssumeRoleWithWebIdentity. */
async function assume(role: Role, endpoint: URL, access: Access): Promise<Lent> {
  const token = await tokenIn(role.tokenFile);
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: role.arn,
    RoleSessionName: role.session,
    WebIdentityToken: token,
  });
  const type = { name: "content-type", value: "application/x-www-form-urlencoded" };
  const asked = { method: "POST", headers: [type], body: form.toString(), proxyEnv: access.env };
  const answer = await ask(endpoint, asked, access);
  const server = `STS (${endpoint.host})`;
  if (answer.status !== 200) throw refusal(answer, server, role);
  return lentIn(answer, server, role);
}

async function tokenIn(file: string): Promise<string> {
  const token = await readFile(file, "utf8").catch((error: unknown) => {
    throw unreadable("AWS_WEB_IDENTITY_TOKEN_FILE", file, error);
  });
  hide(token.trim());
  return token.trim();
}

function lentIn(answer: Answer, server: string, { arn }: Role): Lent {
  const [accessKeyId, secretAccessKey, sessionToken, expiration = ""] = [
    "AccessKeyId",
    "SecretAccessKey",
    "SessionToken",
    "Expiration",
  ].map((name) => textIn(answer.text, name));
  hide(secretAccessKey, sessionToken);
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const origin = `the role ${quote(arn)} (AWS_ROLE_ARN)`;
    const credentials = checked({ accessKeyId, secretAccessKey, sessionToken, origin });
    return { credentials, expires: Date.parse(expiration) || 0 };
  }
  const hint = "check that AWS_ENDPOINT_URL_STS is a server of the AWS Security Token Service";
  throw noCredentials(answer, {
    server,
    code: undefined,
    message: "no credentials in it",
    isTransient: false,
    hint,
  });
}

function refusal(answer: Answer, server: string, role: Role): Failure {
  const [code, message] = [textIn(answer.text, "Code"), textIn(answer.text, "Message")];
  const said = [code ?? "", message ?? ""] as const;
  return noCredentials(answer, {
    server,
    code,
    message,
    isTransient: isTransient(...said),
    hint: hintFor(...said, role),
  });
}

/** STS fetches the keys of the token's issuer, and sometimes in vain. */
const isTransient = (code: string, message: string): boolean =>
  /^(IDPCommunicationError|Throttling|RequestLimitExceeded)/.test(code) || /verification key/i.test(message);

function hintFor(code: string, message: string, { arn, tokenFile }: Role): string {
  if (code.startsWith("AccessDenied"))
    return `the trust policy of ${quote(arn)} must allow this cluster's OIDC provider and the namespace and name of this service account (sub); check the annotation eks.amazonaws.com/role-arn, and that the role exists`;
  if (code.startsWith("ExpiredToken"))
    return `the token in ${quote(tokenFile)} has expired: check that it is a projected volume, which the kubelet renews, and the node's clock`;
  if (/provider/i.test(message))
    return "create the IAM OIDC identity provider of this cluster in the account of the role";
  return `check AWS_ROLE_ARN, and that the token in ${quote(tokenFile)} is for the audience sts.amazonaws.com`;
}
