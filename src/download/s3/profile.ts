import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "../../format.ts";
import { type Credentials, checked } from "./credentials.ts";
import { type Environment, setting, unreadable, wrong } from "./environment.ts";
import { hide } from "./hidden.ts";

/**
 * The keys of a profile in the shared credentials file (AWS SDKs and Tools Reference Guide, "Shared config and
 * credentials files"). Roles, SSO and programs that a profile may name instead are not followed.
 * @returns undefined where there is no such file, or no default profile in it
 * @throws Failure `configuration` where what a variable names is not there
 */
export async function fromProfile(env: Environment): Promise<Credentials | undefined> {
  const file = fileIn(env);
  const named = setting(env, "AWS_PROFILE");
  if (file === undefined && named === undefined) return undefined;
  const text = await readShared(file, env);
  const profile = parseProfiles(text).get(named ?? "default");
  if (!profile && named === undefined) return undefined;
  return credentialsOf(profile ?? new Map(), named ?? "default", file);
}

/** Looked for in the home folder too, as a Secret is often mounted there. */
function fileIn(env: Environment): string | undefined {
  const home = setting(env, "HOME");
  return setting(env, "AWS_SHARED_CREDENTIALS_FILE") ?? (home && join(home, ".aws", "credentials"));
}

async function readShared(file: string | undefined, env: Environment): Promise<string> {
  try {
    return file === undefined ? "" : await readFile(file, "utf8");
  } catch (error) {
    if (!setting(env, "AWS_SHARED_CREDENTIALS_FILE")) return "";
    throw unreadable("AWS_SHARED_CREDENTIALS_FILE", file!, error);
  }
}

type Profile = ReadonlyMap<string, string>;

/** `[name]` begins a profile, `name = value` stands in it, and `#` or `;` begin a comment. */
export function parseProfiles(text: string): ReadonlyMap<string, Profile> {
  const profiles = new Map<string, Map<string, string>>();
  let profile: Map<string, string> | undefined;
  for (const line of text.split("\n")) {
    const [, name] = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line) ?? [];
    const [, key, value] = /^\s*([^\s#;=]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) {
      profile = profiles.get(name) ?? new Map();
      profiles.set(name, profile);
    } else if (key !== undefined) profile?.set(key.toLowerCase(), value!);
  }
  return profiles;
}

function credentialsOf(profile: Profile, name: string, file: string | undefined): Credentials {
  const [accessKeyId, secretAccessKey, sessionToken] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
  ].map((key) => profile.get(key) || undefined);
  const origin = `the profile ${quote(name)}${file === undefined ? "" : ` in ${quote(file)}`}`;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    hide(secretAccessKey, sessionToken);
    return checked({ accessKeyId, secretAccessKey, sessionToken, origin });
  }
  throw wrong(
    `no keys in ${origin}`,
    "give it aws_access_key_id and aws_secret_access_key, or check AWS_PROFILE; roles, SSO and credential_process are not followed",
  );
}
