import { constants, createHash, publicEncrypt } from "node:crypto";

/** What an answer to the server depends on. */
export interface Challenge {
  readonly password: string;
  readonly nonce: Buffer;
  readonly isEncrypted: boolean;
  /** Over a Unix socket, which nobody listens in on either. */
  readonly isLocal: boolean;
}

/** A way to prove the password (MySQL Reference Manual, "Authentication Plugins"). */
export interface Plugin {
  /** The first answer; undefined where the password would be there for everyone to read. */
  readonly start: (challenge: Challenge) => Buffer | undefined;
  /** The answer to what the server says more; undefined where none is due, or `foreign`. */
  readonly goOn: (data: Buffer, challenge: Challenge) => Buffer | "foreign" | undefined;
}

const never = () => "foreign" as const;

/** MariaDB's client_ed25519 takes a seed of any length, which is not the Ed25519 of node:crypto (RFC 8032). */
const plugins: ReadonlyMap<string, Plugin> = new Map<string, Plugin>([
  ["mysql_native_password", { start: nativeScramble, goOn: never }],
  ["caching_sha2_password", { start: cachingScramble, goOn: afterScramble }],
  ["sha256_password", { start: clearOrKeyRequest, goOn: encrypted }],
  ["mysql_clear_password", { start: clearIfEncrypted, goOn: never }],
]);

export const pluginNamed = (name: string): Plugin | undefined => plugins.get(name);

/** How a client without a password answers, whatever the plugin. */
export function withoutPassword(name: string): Plugin {
  const answer = Buffer.alloc(name === "caching_sha2_password" || name === "sha256_password" ? 1 : 0);
  return { start: () => answer, goOn: () => undefined };
}

/** SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password))) ("Native Authentication"). */
function nativeScramble({ password, nonce }: Challenge): Buffer {
  const once = hash("sha1", password);
  return xor(once, hash("sha1", nonce, hash("sha1", once)));
}

/** SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce) ("Caching_sha2_password information"). */
function cachingScramble({ password, nonce }: Challenge): Buffer {
  const once = hash("sha256", password);
  return xor(once, hash("sha256", hash("sha256", once), nonce));
}

const fastSuccess = 3;
const fullAuthentication = 4;

/** The server knows the password from an earlier login, or asks for the password itself. */
function afterScramble(data: Buffer, challenge: Challenge): Buffer | "foreign" | undefined {
  if (data.length > 1) return encrypted(data, challenge);
  if (data[0] === fastSuccess) return undefined;
  if (data[0] !== fullAuthentication) return "foreign";
  const isSafe = challenge.isEncrypted || challenge.isLocal;
  return isSafe ? clear(challenge) : Buffer.from([2]);
}

function clearOrKeyRequest(challenge: Challenge): Buffer {
  return clearIfEncrypted(challenge) ?? Buffer.from([1]);
}

function clearIfEncrypted(challenge: Challenge): Buffer | undefined {
  return challenge.isEncrypted ? clear(challenge) : undefined;
}

const clear = ({ password }: Challenge): Buffer => Buffer.from(`${password}\0`);

/**
 * The password for the server's eyes only, by the public key that it has sent.
 * @param key in PEM
 */
function encrypted(key: Buffer, challenge: Challenge): Buffer | "foreign" {
  try {
    const masked = xor(clear(challenge), challenge.nonce);
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, masked);
  } catch {
    return "foreign";
  }
}

function hash(algorithm: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const sum = createHash(algorithm);
  for (const part of parts) sum.update(part);
  return sum.digest();
}

/** The mask is repeated as often as needed. */
const xor = (bytes: Buffer, mask: Buffer): Buffer =>
  Buffer.from(bytes.map((byte, index) => byte ^ (mask[index % mask.length] ?? 0)));
