import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure, restate } from "../failure.ts";
import { readTlsSettings, type TlsSettings } from "../net/tls.ts";
import type { DatabaseSettings, SslMode } from "./settings.ts";

/** How a connection is encrypted: not at all, if the server offers it, or always. */
export type Encryption = "plain" | "offered" | "tls";

export interface PostgresTls {
  /** What to try, in order. */
  readonly encryptions: readonly Encryption[];
  readonly direct: boolean;
  readonly settings: TlsSettings;
  readonly checkName: boolean;
}

const encryptionsOf: Readonly<Record<SslMode, readonly Encryption[]>> = {
  disable: ["plain"],
  allow: ["plain", "tls"],
  prefer: ["offered", "plain"],
  require: ["tls"],
  "no-verify": ["tls"],
  "verify-ca": ["tls"],
  "verify-full": ["tls"],
};

/**
 * What libpq makes of sslmode and the files (PostgreSQL manual, 32.19): with a CA at hand, weaker modes verify as
 * `verify-ca` does, and `allow` and `prefer` go on without TLS where that fails. Where libpq would have no CA to verify with, the public ones are taken.
 * @throws Failure `configuration` where a file is missing or unusable
 */
export async function postgresTls(
  { sslMode, directTls, rootCertificate, certificate, key }: DatabaseSettings,
  home: string | undefined,
): Promise<PostgresTls> {
  const encryptions = encryptionsOf[sslMode];
  const tls = { encryptions, direct: directTls, checkName: sslMode === "verify-full" };
  if (sslMode === "disable") return { ...tls, settings: {} };
  const ca = rootCertificate ?? inHome(home, "root.crt");
  const cert = certificate ?? inHome(home, "postgresql.crt");
  const verifies = sslMode.startsWith("verify") || (ca !== undefined && sslMode !== "no-verify");
  const settings = await readFiles({
    ca: verifies && ca !== "system" ? ca : undefined,
    cert,
    key: cert && (key ?? inHome(home, "postgresql.key")),
    insecure: !verifies,
  });
  return { ...tls, settings };
}

/** Where libpq looks for a file that is not named. */
function inHome(home: string | undefined, name: string): string | undefined {
  const file = home && join(home, ".postgresql", name);
  return file && existsSync(file) ? file : undefined;
}

interface Files {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly insecure: boolean;
}

const libpqNames: Readonly<Record<string, string>> = { ca: "sslrootcert", cert: "sslcert", key: "sslkey" };

async function readFiles(files: Files): Promise<TlsSettings> {
  if (files.cert && !files.key)
    throw new Failure("configuration", "sslcert needs sslkey, the file with its private key");
  try {
    return await readTlsSettings({ ...files, "server-name": undefined });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw restate(
      error,
      error.message.replace(/^(?:ca|cert|key)(?=:)/, (name) => libpqNames[name]!),
    );
  }
}
