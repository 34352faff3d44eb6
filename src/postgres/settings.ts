import { join } from "node:path";
import { quote } from "../format.ts";
import { type Host, hostsOf } from "./hosts.ts";
import type { Parameters } from "./uri.ts";

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const;

/** As in libpq; `no-verify`, of Node's drivers, is `require` that looks at no certificate. */
export type SslMode = (typeof sslModes)[number];

const targets = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;

/** Which servers will do (target_session_attrs). */
export type TargetSession = (typeof targets)[number];

/** How to reach and enter a database. */
export interface DatabaseSettings {
  /** Tried in order, or in any (load_balance_hosts). Empty: the local server. */
  readonly hosts: readonly Host[];
  readonly shuffled: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Where to look for the password that is not given. */
  readonly passwordFile: string | undefined;
  readonly database: string | undefined;
  readonly sslMode: SslMode;
  readonly directTls: boolean;
  /** PEM files; `system` for the CA stands for the public ones. */
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly channelBinding: "disable" | "prefer" | "require";
  /** Settings of the session, `-c name=value …`. */
  readonly options: string | undefined;
  readonly target: TargetSession;
  /** Bound on the login at one server, in milliseconds. */
  readonly connectTimeout: number;
}

/**
 * To leave these out in silence would be less safe than what was asked for, unless they ask for what is so anyway
 * (Node.js speaks TLS 1.2 and later).
 */
const unsupported: Readonly<Record<string, readonly string[]>> = {
  sslcrl: [],
  sslcrldir: [],
  sslcertmode: ["allow"],
  ssl_min_protocol_version: ["TLSv1", "TLSv1.1", "TLSv1.2"],
  ssl_max_protocol_version: ["TLSv1.3"],
  gssencmode: ["disable", "prefer"],
  require_auth: [],
  requirepeer: [],
};

/**
 * What libpq's parameters mean.
 * @throws Error that completes the sentence "database …"
 */
export function settingsOf(parameters: Parameters, home: string | undefined): DatabaseSettings {
  refuseUnsupported(parameters);
  const rootCertificate = parameters.get("sslrootcert");
  const sslMode = sslModeOf(parameters.get("sslmode"), rootCertificate);
  return {
    hosts: hostsOf(parameters),
    shuffled: oneOf(parameters, "load_balance_hosts", ["disable", "random"]) === "random",
    user: parameters.get("user"),
    password: parameters.get("password"),
    passwordFile: parameters.get("passfile") ?? (home && join(home, ".pgpass")),
    database: parameters.get("dbname") ?? parameters.get("user"),
    sslMode,
    directTls: directTls(parameters, sslMode),
    rootCertificate,
    certificate: parameters.get("sslcert"),
    key: parameters.get("sslkey"),
    channelBinding: oneOf(parameters, "channel_binding", ["prefer", "disable", "require"]),
    options: parameters.get("options"),
    target: oneOf(parameters, "target_session_attrs", targets),
    connectTimeout: connectTimeoutOf(parameters.get("connect_timeout")),
  };
}

function refuseUnsupported(parameters: Parameters): void {
  for (const [name, harmless] of Object.entries(unsupported)) {
    const value = parameters.get(name);
    if (value !== undefined && !harmless.includes(value))
      throw new Error(`sets ${name} to ${quote(value)}, which initkit cannot do`);
  }
}

const longestLoginMs = 10_000;

/** In seconds; libpq makes 2 of 1, and waits for ever where it is 0, which is a limit of our own here. */
function connectTimeoutOf(text: string | undefined): number {
  if (text === undefined) return longestLoginMs;
  if (!/^\s*[+-]?[0-9]{1,6}\s*$/.test(text))
    throw new Error(`has connect_timeout ${quote(text)}, which is no number of seconds`);
  const seconds = Number(text);
  return seconds > 0 ? Math.max(seconds, 2) * 1000 : longestLoginMs;
}

function sslModeOf(text: string | undefined, rootCertificate: string | undefined): SslMode {
  const system = rootCertificate === "system";
  const mode = sslModes.find((each) => each === (text ?? (system ? "verify-full" : "prefer")));
  if (mode === undefined)
    throw new Error(`has sslmode ${quote(text!)}, which is none of ${sslModes.join(", ")}`);
  if (system && mode !== "verify-full")
    throw new Error(`has sslrootcert=system, which needs sslmode=verify-full`);
  return mode;
}

function directTls(parameters: Parameters, mode: SslMode): boolean {
  if (oneOf(parameters, "sslnegotiation", ["postgres", "direct"]) === "postgres") return false;
  if (["disable", "allow", "prefer"].includes(mode)) {
    throw new Error("has sslnegotiation=direct, which needs sslmode=require or stronger");
  }
  return true;
}

function oneOf<const T extends string>(parameters: Parameters, name: string, words: readonly T[]): T {
  const text = parameters.get(name);
  const word = text === undefined ? words[0] : words.find((each) => each === text);
  if (word === undefined)
    throw new Error(`has ${name} ${quote(text!)}, which is none of ${words.join(", ")}`);
  return word;
}
