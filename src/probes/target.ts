import { kind, type Kind } from "../kinds.ts";
import { type KubernetesTarget, parseKubernetes } from "../kubernetes/target.ts";
import { percentDecoded } from "../net/url.ts";
import { type DnsTarget, parseDns } from "./dns-target.ts";
import { hostPort } from "../net/host-port.ts";
import { didYouMean } from "../suggest.ts";
import { jdbc, postgresScheme } from "../postgres/uri.ts";
import type { Host } from "../postgres/hosts.ts";
import type { DatabaseSettings } from "../postgres/settings.ts";
import { databaseSettings } from "../postgres/settings-source.ts";
import { type Protocol, protocols } from "./protocols.ts";
import { isServer, parseServer, type ServerTarget } from "./server-target.ts";

interface Named {
  /** For messages and the report: without credentials and query. */
  readonly name: string;
}

export interface TcpTarget extends Named {
  readonly scheme: "tcp";
  readonly host: string;
  readonly port: number;
}

export interface UnixTarget extends Named {
  readonly scheme: "unix";
  readonly path: string;
}

export interface FileTarget extends Named {
  readonly scheme: "file";
  readonly path: string;
}

export interface HttpTarget extends Named {
  readonly scheme: "http" | "https";
  readonly url: URL;
}

export interface PostgresTarget extends Named {
  readonly scheme: "postgres";
  readonly settings: DatabaseSettings;
}

/** What to wait for. */
export type Target =
  | TcpTarget
  | UnixTarget
  | FileTarget
  | DnsTarget
  | KubernetesTarget
  | HttpTarget
  | PostgresTarget
  | ServerTarget;

export const isHttp = (target: Target): target is HttpTarget =>
  target.scheme === "http" || target.scheme === "https";

/** A database restarts while it is set up: it is seen to be ready, goes away, and comes back. */
export const isDatabase = (target: Target): boolean =>
  target.scheme === "postgres" || protocolOf(target)?.isDatabase === true;

/** Whether the options for TLS have a meaning for it. A postgres URL has parameters of its own. */
export const speaksTls = (target: Target): boolean =>
  target.scheme === "https" ||
  (target.scheme === "server" && (target.tls || protocolOf(target)?.upgrades === true));

const protocolOf = (target: Target): Protocol | undefined =>
  target.scheme === "server" ? protocols[target.protocol] : undefined;

const forms = [
  "host:port",
  ...["tcp", "http", "https", "postgres", ...Object.keys(protocols)].map((scheme) => `${scheme}://...`),
  "dns:name",
  "file:/path",
  "unix:/path",
  "kubernetes:KIND/NAME",
].join(", ");

export const target: Kind<Target> = kind("TARGET", parseTarget);

const parsers = {
  tcp: parseTcp,
  http: parseHttp,
  https: parseHttp,
  dns: parseDns,
  kubernetes: parseKubernetes,
  file: (text: string): Target => ({ scheme: "file", ...pathIn(text) }),
  unix: (text: string): Target => ({ scheme: "unix", ...pathIn(text) }),
} satisfies Record<string, (text: string) => Target>;

/** Every kind of target, by the scheme that it is usually written with. */
export const targetSchemes: readonly string[] = [
  ...Object.keys(parsers),
  "postgres",
  ...Object.keys(protocols),
];

function parseTarget(given: string): Target {
  const text = given.replace(jdbc, "");
  if (postgresScheme.test(text)) return parsePostgres(text);
  const [, scheme = "", slashes] = /^([a-z][a-z0-9+._-]*):(\/\/)?/i.exec(text) ?? [];
  // host:port looks like a scheme, too: redis:6379, dns:53
  if (slashes === undefined && (scheme === "" || /^[0-9]/.test(text.slice(scheme.length + 1))))
    return parseTcp(text);
  const named = scheme.toLowerCase();
  if (named in parsers) return parsers[named as keyof typeof parsers](text);
  if (slashes === undefined) return parseTcp(text);
  if (isServer(scheme)) return parseServer(text);
  throw new Error(
    `has a scheme that wait-for does not know${didYouMean(named, everyScheme())}; write ${forms}`,
  );
}

const everyScheme = (): string[] => [
  ...targetSchemes,
  ...Object.values(protocols).flatMap(({ schemes }) => Object.keys(schemes)),
];

/** The path of `file:/path` or `file:///path`, percent-encoded like any URL. */
function pathIn(text: string): { name: string; path: string } {
  const [, scheme = "", rest = ""] = /^([a-z]+):(?:\/\/(?=\/))?(.*)$/is.exec(text)!;
  if (!/^\/[^/?#][^?#]*$/s.test(rest)) throw new Error(`names no absolute path; write ${scheme}:/path`);
  const path = percentDecoded(rest);
  if (path.includes("\0")) throw new Error("holds a NUL byte");
  return { name: `${scheme.toLowerCase()}:${path}`, path };
}

function parseTcp(text: string): TcpTarget {
  const form = /^(?:tcp:\/\/)?(\[[0-9a-f:.%]+\]|[^\s:/@?#[\]]+):([0-9]{1,5})\/?$/i;
  const [, host, port] = form.exec(text) ?? [];
  if (host === undefined) throw new Error(/^tcp:/i.test(text) ? notTcp : `is not a target; write ${forms}`);
  const number = Number(port);
  if (number < 1 || number > 65_535) throw noPort();
  return { scheme: "tcp", name: `tcp://${hostPort(host, number)}`, host, port: number };
}

const notTcp = "is not of the form tcp://host:port; several targets are words of their own, or a list";

const noPort = () => new Error("has no port from 1 to 65535");

function parseHttp(text: string): HttpTarget {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw new Error("is not a URL");
  if (url.port === "0") throw noPort();
  const path = url.pathname === "/" ? "" : url.pathname;
  const scheme = url.protocol === "http:" ? "http" : "https";
  return { scheme, name: `${scheme}://${url.host}${path}${url.search && "?…"}`, url };
}

function parsePostgres(text: string): PostgresTarget {
  const settings = settingsOf(text);
  const hosts = settings.hosts.map(shownHost).join(",");
  const database = settings.database === undefined ? "" : `/${settings.database}`;
  return { scheme: "postgres", name: `postgres://${hosts}${database}`, settings };
}

/** Only the URL counts: the PG* variables are meant for the application's own connection. */
function settingsOf(text: string): DatabaseSettings {
  try {
    return databaseSettings(text, {});
  } catch (error) {
    throw new Error((error as Error).message.replace(/^database /, ""), { cause: error });
  }
}

const shownHost = ({ host, port, path }: Host): string => path ?? hostPort(host, port);
