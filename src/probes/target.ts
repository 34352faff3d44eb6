import { kind, type Kind } from "../kinds.ts";
import { hostPort } from "../net/host-port.ts";
import { postgresScheme } from "../postgres/uri.ts";
import { type DatabaseSettings, databaseSettings, type Host } from "../postgres/settings.ts";
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

export interface HttpTarget extends Named {
  readonly scheme: "http" | "https";
  readonly url: URL;
}

export interface PostgresTarget extends Named {
  readonly scheme: "postgres";
  readonly settings: DatabaseSettings;
}

/** What to wait for. */
export type Target = TcpTarget | HttpTarget | PostgresTarget | ServerTarget;

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
  ...["tcp", "http", "https", "postgres", ...Object.keys(protocols)].map((scheme) => `${scheme}://…`),
].join(", ");

export const target: Kind<Target> = kind("TARGET", parseTarget);

function parseTarget(text: string): Target {
  if (postgresScheme.test(text)) return parsePostgres(text);
  const [, scheme = ""] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case "http":
    case "https":
      return parseHttp(text);
    case "tcp":
    case "":
      return parseTcp(text);
    default:
      if (isServer(scheme)) return parseServer(text);
      throw new Error(`has a scheme that wait-for does not know; write ${forms}`);
  }
}

function parseTcp(text: string): TcpTarget {
  const form = /^(?:tcp:\/\/)?(\[[0-9a-f:.%]+\]|[^\s:/@?#[\]]+):([0-9]{1,5})\/?$/i;
  const [, host, port] = form.exec(text) ?? [];
  if (host === undefined) throw new Error(`is not a target; write ${forms}`);
  const number = Number(port);
  if (number < 1 || number > 65_535) throw noPort();
  return { scheme: "tcp", name: `tcp://${hostPort(host, number)}`, host, port: number };
}

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
