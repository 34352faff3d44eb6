import { quote } from "../../format.ts";
import { textAt } from "../../json-fields.ts";
import type { Access } from "../http-source.ts";
import {
  configFolder,
  type DockerConfig,
  entryFor,
  helperFor,
  readDockerConfig,
  unusable,
} from "./docker-config.ts";
import type { OciReference } from "./reference.ts";

/** Who asks. */
type Credentials =
  /** `NAME:PASSWORD`, for the registry or its token server. */
  | { readonly type: "basic"; readonly pair: string }
  /** For the token server. */
  | { readonly type: "identity-token"; readonly token: string }
  /** For the registry. */
  | { readonly type: "registry-token"; readonly token: string };

export interface Login {
  readonly credentials: Credentials | undefined;
  /** What to check where they do not do; it names no secret. */
  readonly advice: string;
}

/**
 * What there is for a registry: the options of the step where it is their host, else the Docker configuration.
 * @throws Failure `configuration` for a configuration that cannot be read
 */
export function findLogin(reference: OciReference, origin: string, { args, env, ...access }: Access): Login {
  const { user } = args;
  if (origin === access.origin && user !== undefined)
    return { credentials: { type: "basic", pair: user }, advice: ofOption("user") };
  const folder = configFolder(env);
  const config = readDockerConfig(folder);
  if (!config)
    return { credentials: undefined, advice: `${quote(folder)} holds no config.json: ${mountSecret}` };
  return loginIn(config, reference);
}

const mountSecret =
  "a step does not use imagePullSecrets; mount that Secret as a folder, with .dockerconfigjson as config.json, and name the folder in DOCKER_CONFIG";

export const ofOption = (name: string): string =>
  `check ${name}, the Secret that it comes from, and that it may pull from this repository`;

function loginIn(config: DockerConfig, reference: OciReference): Login {
  const found = entryFor(config, reference);
  const credentials = found && credentialsOf(found.entry, found.key, config);
  if (credentials) {
    const advice = `the credentials for ${quote(found.key)} in ${quote(config.path)} were used: check that they are current and may pull from this repository`;
    return { credentials, advice };
  }
  const helper = helperFor(config, reference);
  const why =
    helper === undefined
      ? `${quote(config.path)} holds nothing for ${reference.host}: ${mountSecret}`
      : `${quote(config.path)} leaves the credentials to the program ${quote(`docker-credential-${helper}`)}, which is not here: ${mountSecret}`;
  return { credentials: undefined, advice: why };
}

/** The fields of an entry, as the Docker CLI writes them (cli/config/types, AuthConfig). */
function credentialsOf(entry: unknown, key: string, { path }: DockerConfig): Credentials | undefined {
  const [registryToken, identityToken] = [textAt(entry, "registrytoken"), textAt(entry, "identitytoken")];
  if (registryToken !== "") return { type: "registry-token", token: registryToken };
  if (identityToken !== "") return { type: "identity-token", token: identityToken };
  const [auth, username, password] = ["auth", "username", "password"].map((name) => textAt(entry, name));
  if (username !== "" && password !== "") return { type: "basic", pair: `${username}:${password}` };
  if (auth === "") return undefined;
  // The Docker CLI fills the password up with zeros.
  const pair = Buffer.from(auth!, "base64").toString().replace(/\0+$/, "");
  if (pair.includes(":")) return { type: "basic", pair };
  throw unusable(`auth of ${quote(key)} in ${quote(path)} is not NAME:PASSWORD in base64`);
}
