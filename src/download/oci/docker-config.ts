import { homedir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import { at } from "../../json-fields.ts";
import { readSmallFile } from "../../read-text.ts";
import { errnoOf } from "../../system-errors.ts";
import { hubHosts, isDockerHub, type OciReference } from "./reference.ts";

/** Where `docker login`, `podman login` and `kubectl create secret docker-registry` keep credentials. */
export interface DockerConfig {
  readonly path: string;
  readonly document: unknown;
}

/** The second is the key of a Secret of type kubernetes.io/dockerconfigjson that is mounted as it is. */
const names = ["config.json", ".dockerconfigjson"];

/** The folder that DOCKER_CONFIG names, as for the Docker CLI. */
export const configFolder = (env: Readonly<Record<string, string | undefined>>): string =>
  env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker");

/**
 * @returns undefined where there is none
 * @throws Failure `configuration` for one that cannot be read
 */
export function readDockerConfig(folder: string): DockerConfig | undefined {
  for (const name of names) {
    const path = join(folder, name);
    const text = textOf(path);
    if (text !== undefined) return { path, document: parsed(text, path) };
  }
  return undefined;
}

function textOf(path: string): string | undefined {
  try {
    return readSmallFile(path);
  } catch (error) {
    const { message, cause } = error as Error;
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(cause) ?? "")) return undefined;
    throw unusable(`the login ${message}`);
  }
}

/** What the parser says of a mistake would quote the secret around it. */
function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unusable(`the login needs the file ${quote(path)}, which is not JSON`);
  }
}

/** @param message without a word out of the file */
export const unusable = (message: string): Failure =>
  new Failure("configuration", message, {
    kind: "docker-config",
    hint: "mount a Secret of type kubernetes.io/dockerconfigjson there, readable for runAsUser or fsGroup, and check it with: kubectl get secret NAME -o jsonpath='{.data.\\.dockerconfigjson}' | base64 -d",
  });

/**
 * What the file has for a registry, and under which key: of several the one that names most of the repository, as
 * kubelet and podman choose (containers-auth.json(5)).
 */
export function entryFor(
  { document }: DockerConfig,
  reference: OciReference,
): { readonly key: string; readonly entry: unknown } | undefined {
  const auths = at(document, "auths");
  const fitting = keysOf(auths).flatMap((key) => {
    const rank = rankOf(key, reference);
    return rank === undefined ? [] : [{ key, rank }];
  });
  const [best] = fitting.toSorted((one, other) => other.rank - one.rank);
  return best && { key: best.key, entry: at(auths, best.key) };
}

const keysOf = (value: unknown): string[] =>
  typeof value === "object" && value !== null ? Object.keys(value) : [];

/** How well a key like `https://registry.example.com/team` fits, or undefined where it does not. */
function rankOf(key: string, reference: OciReference): number | undefined {
  const [, authority = "", path = ""] = /^(?:https?:\/\/)?([^/]*)\/?(.*?)\/?$/.exec(key) ?? [];
  // The path of the API says nothing: https://index.docker.io/v1/
  const folder = /^v[12]$/.test(path) ? "" : path;
  if (!isHost(authority.toLowerCase(), reference)) return undefined;
  if (folder !== "" && !`${reference.repository}/`.startsWith(`${folder}/`)) return undefined;
  return folder.length + (authority.includes("*") ? 0 : 0.5);
}

function isHost(name: string, reference: OciReference): boolean {
  if (isDockerHub(reference)) return hubHosts.has(name);
  const [wanted, given] = [reference.host, name].map((host) => host.replace(/:443$/, "").split("."));
  const isSame = (part: string, index: number) => part === "*" || part === wanted![index];
  return given!.length === wanted!.length && given!.every(isSame);
}

/** The program that keeps the credentials of a registry instead (`credHelpers`, `credsStore`), if one does. */
export function helperFor({ document }: DockerConfig, reference: OciReference): string | undefined {
  const helpers = at(document, "credHelpers");
  const key = keysOf(helpers).find((name) => rankOf(name, reference) !== undefined);
  const helper = key === undefined ? at(document, "credsStore") : at(helpers, key);
  return typeof helper === "string" && helper !== "" ? helper : undefined;
}
