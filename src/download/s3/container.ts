import { readFile } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { textAt } from "../../json-fields.ts";
import type { Access } from "../http-source.ts";
import { type Answer, ask, noCredentials } from "./ask.ts";
import { borrow, type Lent } from "./cache.ts";
import { checked, type Credentials } from "./credentials.ts";
import { type Environment, setting, unreadable, wrong } from "./environment.ts";
import { hide } from "./hidden.ts";

/**
 * The credentials that an agent on the node gives: EKS Pod Identity, ECS (AWS SDKs and Tools Reference Guide,
 * "Container credential provider").
 * @returns undefined where no variable names the agent
 * @throws Failure `configuration`, `refused`, `source-unavailable`
 */
export async function fromContainer(access: Access): Promise<Credentials | undefined> {
  const url = agentIn(access.env);
  return url && (await borrow(url.href, () => fetchFrom(url, access)));
}

const server = "the agent of AWS_CONTAINER_CREDENTIALS_*";

function agentIn(env: Environment): URL | undefined {
  const relative = setting(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const full = setting(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative?.startsWith("/")) return new URL(`http://169.254.170.2${relative}`);
  if (relative !== undefined)
    throw wrong("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /", "leave it to ECS to set it");
  if (full === undefined) return undefined;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url && isTrusted(url)) return url;
  throw wrong(
    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither an https URL nor one of this node's own agent",
    "leave it to EKS to set it; over http only loopback, 169.254.170.2, 169.254.170.23 and [fd00:ec2::23] are asked",
  );
}

const agents = new Set(["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]);

/** The token and the credentials go over the wire, in the clear only as far as the node itself. */
function isTrusted({ protocol, hostname }: URL): boolean {
  if (protocol === "https:") return true;
  return protocol === "http:" && (agents.has(hostname) || (isIPv4(hostname) && hostname.startsWith("127.")));
}

async function fetchFrom(url: URL, access: Access): Promise<Lent> {
  const token = await tokenIn(access.env);
  const headers = token === undefined ? [] : [{ name: "authorization", value: token }];
  // A proxy is another machine, where these addresses mean something else.
  const proxyEnv = url.protocol === "https:" ? access.env : undefined;
  const answer = await ask(url, { headers, proxyEnv }, access);
  const document = parsed(answer.text);
  if (answer.status === 200) return lentIn(document, answer);
  throw noCredentials(answer, {
    server,
    code: textAt(document, "code") || undefined,
    message: textAt(document, "message") || (document === undefined ? answer.text : "") || undefined,
    isTransient: false,
    hint: "check the Pod Identity association of this namespace and service account, the trust policy of its role (pods.eks.amazonaws.com), and the log of the eks-pod-identity-agent on this node",
  });
}

/** A file may be renewed, so it wins. */
async function tokenIn(env: Environment): Promise<string | undefined> {
  const name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
  const file = setting(env, name);
  if (file === undefined) return setting(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw unreadable(name, file, error);
  });
  const token = text.trim();
  hide(token);
  if (/^[\x20-\x7e]+$/.test(token)) return token;
  throw wrong(`${name} names a file that holds no token`, "leave it to EKS to set it and to mount the file");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lentIn(document: unknown, answer: Answer): Lent {
  const [accessKeyId = "", secretAccessKey = "", sessionToken, expiration = ""] = [
    "AccessKeyId",
    "SecretAccessKey",
    "Token",
    "Expiration",
  ].map((name) => textAt(document, name));
  hide(secretAccessKey, sessionToken);
  if (accessKeyId !== "" && secretAccessKey !== "") {
    const origin = "the pod's or task's role (AWS_CONTAINER_CREDENTIALS_*)";
    const given = { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined, origin };
    return { credentials: checked(given), expires: Date.parse(expiration) || 0 };
  }
  const hint = "check what listens at AWS_CONTAINER_CREDENTIALS_FULL_URI";
  throw noCredentials(answer, {
    server,
    code: undefined,
    message: "no credentials in it",
    isTransient: false,
    hint,
  });
}
