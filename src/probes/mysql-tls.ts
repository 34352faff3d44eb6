import type { TlsSettings } from "../net/tls.ts";
import type { Asking, Security } from "./server.ts";

/** When to go over to TLS, and what to verify then. */
export interface Encryption {
  readonly when: "never" | "offered" | "always";
  readonly security: Security;
}

type Mode = "disabled" | "preferred" | "required" | "verify_ca" | "verify_identity";

/** As MySQL has them (Reference Manual, "Command Options for Encrypted Connections": --ssl-mode). */
const whenIn: Readonly<Record<Mode, Encryption["when"]>> = {
  disabled: "never",
  preferred: "offered",
  required: "always",
  verify_ca: "always",
  verify_identity: "always",
};

/** How the clients say it: MySQL's own, Connector/J, Go, Prisma, and libpq's words where people write those. */
const spellings: ReadonlyMap<string, Mode> = new Map<string, Mode>([
  ["disabled", "disabled"],
  ["disable", "disabled"],
  ["false", "disabled"],
  ["0", "disabled"],
  ["preferred", "preferred"],
  ["prefer", "preferred"],
  ["required", "required"],
  ["require", "required"],
  ["true", "required"],
  ["1", "required"],
  ["skip-verify", "required"],
  ["accept_invalid_certs", "required"],
  ["verify_ca", "verify_ca"],
  ["verify-ca", "verify_ca"],
  ["verify_identity", "verify_identity"],
  ["verify-identity", "verify_identity"],
  ["verify_full", "verify_identity"],
  ["verify-full", "verify_identity"],
  ["strict", "verify_identity"],
]);

const parameterNames = ["sslmode", "sslaccept", "tls", "ssl", "usessl"];

/** By the parameters of the URL, else by the options of the step, else as MySQL's clients do for a password. */
export function encryptionOf(asking: Asking): Encryption {
  const mode = modeOf(asking);
  return { when: whenIn[mode], security: securityIn(mode, asking.tls) };
}

function securityIn(mode: Mode, tls: TlsSettings): Security {
  if (mode === "verify_identity") return {};
  if (mode === "verify_ca") return { checkName: false };
  return { tls: { ...tls, insecure: true } };
}

function modeOf({ target, tls, server }: Asking): Mode {
  const said = parameterIn(target.parameters);
  if (said !== undefined) return modeNamed(said);
  const { ca, cert, serverName, insecure = false } = tls;
  if (insecure || [ca, cert, serverName].some((given) => given !== undefined)) return "verify_identity";
  const isWorthIt = target.password !== undefined && server.path === undefined;
  return isWorthIt ? "preferred" : "disabled";
}

/** A value of the application's own (a configuration in Go, JSON for mysql2) names what it verifies with. */
const modeNamed = (value: string): Mode => spellings.get(value) ?? "verify_identity";

/** `ssl-mode`, `ssl_mode` and `sslMode` are the same. */
function parameterIn(parameters: ReadonlyMap<string, string>): string | undefined {
  const plain = new Map(
    [...parameters].map(([name, value]) => [name.toLowerCase().replace(/[-_]/g, ""), value]),
  );
  const name = parameterNames.find((one) => plain.has(one));
  return name === undefined ? undefined : plain.get(name)!.toLowerCase();
}
