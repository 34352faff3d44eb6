import { isIP } from "node:net";
import { quote } from "../../format.ts";
import { percentDecoded } from "../../net/url.ts";
import { type Environment, setting, wrong } from "./environment.ts";
import type { S3Object } from "./object.ts";
import { componentEncoded, uriEncoded } from "./uri-encode.ts";

/** As the SDKs read it (AWS SDKs and Tools Reference Guide, "AWS Region"), else the one that S3 began with. */
export function regionOf(env: Environment): string {
  const region = setting(env, "AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1";
  if (/^[a-z0-9-]{1,40}$/i.test(region)) return region;
  throw wrong(
    `AWS_REGION or AWS_DEFAULT_REGION is ${quote(region)}, which is no region`,
    "give the region of the bucket, as in eu-west-1",
  );
}

/**
 * Where a service is (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
 * @param id `S3` or `STS`
 * @returns undefined where no variable says it, for AWS's own endpoint
 * @throws Failure `configuration`
 */
export function customEndpoint(id: "S3" | "STS", env: Environment): URL | undefined {
  if (setting(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.toLowerCase() === "true") return undefined;
  const name = [`AWS_ENDPOINT_URL_${id}`, "AWS_ENDPOINT_URL"].find((each) => setting(env, each));
  return name === undefined ? undefined : parseEndpoint(name, setting(env, name)!);
}

function parseEndpoint(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (url && isPlain && /^https?:$/.test(url.protocol)) return url;
  throw wrong(
    `${name} is no http or https URL`,
    "write it as http://minio:9000, with its scheme and without credentials, ? or #",
  );
}

/** `https://s3.eu-west-1.amazonaws.com` */
export function awsEndpoint(service: "s3" | "sts", region: string): URL {
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return new URL(`https://${service}.${region}.${suffix}`);
}

/**
 * The URL of an object, encoded just as it is signed.
 * @param region of the bucket, where it is on AWS
 * @throws Failure `configuration`
 */
export function urlOf({ bucket, key, versionId }: S3Object, env: Environment, region: string): URL {
  const custom = customEndpoint("S3", env);
  const endpoint = custom ?? awsEndpoint("s3", region);
  const isVirtual = isVirtualHosted(bucket, endpoint, styleOf(env) ?? (custom ? "path" : "auto"));
  const url = new URL(endpoint);
  if (isVirtual) url.hostname = `${bucket}.${endpoint.hostname}`;
  const base = percentDecoded(endpoint.pathname).replace(/\/+$/, "");
  url.pathname = [uriEncoded(base), ...(isVirtual ? [] : [bucket]), uriEncoded(key)].join("/");
  if (versionId !== undefined) url.search = `versionId=${componentEncoded(versionId)}`;
  return url;
}

const styles = ["path", "virtual", "auto"] as const;

/**
 * How the bucket is named, in the words of `s3.addressing_style` of the AWS CLI. The SDKs have no variable for it
 * (boto/botocore#3190), and some servers take only one style.
 */
function styleOf(env: Environment): (typeof styles)[number] | undefined {
  const text = setting(env, "AWS_S3_ADDRESSING_STYLE");
  const style = styles.find((each) => each === text);
  if (text === undefined || style) return style;
  throw wrong(`AWS_S3_ADDRESSING_STYLE is ${quote(text)}`, `write ${styles.join(", ")}, or leave it out`);
}

/** A certificate for `*.host` is good for no name with another dot in it, and an address takes no name before it. */
function isVirtualHosted(bucket: string, { hostname }: URL, style: (typeof styles)[number]): boolean {
  if (style === "path" || isIP(hostname.replace(/^\[(.*)\]$/, "$1"))) return false;
  return style === "virtual" || /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket);
}
