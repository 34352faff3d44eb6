import { BlockList, isIP } from "node:net";
import { Failure } from "../failure.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a URL: `http_proxy`, `https_proxy` or `all_proxy`, unless `no_proxy` names
 * the host; each also in capitals, where the small ones win. What is on loopback is never asked for through a proxy.
 * @throws Failure `configuration` for a proxy that is no http:// or https:// URL
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const scheme = url.protocol.slice(0, -1);
  const found = variable(env, `${scheme}_proxy`) ?? variable(env, "all_proxy");
  if (found === undefined || isExempt(url, variable(env, "no_proxy")?.value ?? "")) return undefined;
  return parseProxy(found);
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

function variable(env: Environment, name: string): Variable | undefined {
  const names = isFromRequest(env, name) ? [name] : [name, name.toUpperCase()];
  const set = names.find((each) => env[each]?.trim());
  return set === undefined ? undefined : { name: set, value: env[set]!.trim() };
}

/** Under CGI the variable HTTP_PROXY is a header of whoever sends the request (CVE-2016-5385). */
const isFromRequest = (env: Environment, name: string): boolean =>
  name === "http_proxy" && env["REQUEST_METHOD"] !== undefined;

function parseProxy({ name, value }: Variable): URL {
  const text = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new Failure("configuration", `${name} names no proxy that initkit can use`, {
    hint: "write http://proxy:3128; a proxy of another kind (SOCKS) will not do",
  });
}

/**
 * Whether a list like `10.0.0.0/8, .svc, cluster.local, auth:8080` names the host of a URL. A name stands for all
 * names below it too, with a leading dot or without; `*` for every host.
 */
export function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  return isLoopback(host) || entries.some((entry) => matches(entry, host, port));
}

const isLoopback = (host: string): boolean =>
  /^(?:.*\.)?localhost$/.test(host) ||
  (isIP(host) > 0 && inSubnet(host, host.includes(":") ? "::1/128" : "127.0.0.0/8"));

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isIP(host) > 0 && inSubnet(host, entry);
  // An IPv6 address without brackets is all colons, and has no port.
  const [, bracketed, plain = entry, wanted] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(entry) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  const name = (bracketed ?? plain).replace(/^\*?\./, "").replace(/\.$/, "");
  if (isIP(host) > 0) return isIP(name) > 0 && inSubnet(host, `${name}/${name.includes(":") ? 128 : 32}`);
  return name !== "" && (host === name || host.endsWith(`.${name}`));
}

/** @param subnet CIDR (RFC 4632); what is none holds no address */
function inSubnet(address: string, subnet: string): boolean {
  const [network = "", bits = ""] = subnet.split("/");
  const family = isIP(network) === 6 ? "ipv6" : "ipv4";
  const isSubnet =
    isIP(network) > 0 && /^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === "ipv6" ? 128 : 32);
  if (!isSubnet || isIP(address) !== isIP(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(address, family);
}
