import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

export type ScramHash = "sha1" | "sha256";

export interface ScramOptions {
  readonly hash: ScramHash;
  readonly user: string;
  /** Prepared as the protocol wants it: `saslPrep`. */
  readonly password: string;
  /** For tests. */
  readonly nonce?: string;
}

const lengths: Readonly<Record<ScramHash, number>> = { sha1: 20, sha256: 32 };

/** RFC 7677, section 4: fewer make a recorded login easy to guess; very many would keep us busy. */
const [minIterations, maxIterations] = [4096, 1_000_000];

const deriveKey = promisify(pbkdf2);

/** The client's side of a login that shows both sides that the other knows the password (RFC 5802, RFC 7677). */
export class Scram {
  readonly #hash: ScramHash;
  readonly #password: string;
  readonly #nonce: string;
  readonly #bare: string;
  #signature: Buffer | undefined;

  constructor({ hash, user, password, nonce = randomBytes(24).toString("base64") }: ScramOptions) {
    this.#hash = hash;
    this.#password = password;
    this.#nonce = nonce;
    this.#bare = `n=${user.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  }

  /** The client's first message, without channel binding. */
  get firstMessage(): string {
    return `n,,${this.#bare}`;
  }

  /**
   * The client's final message.
   * @param challenge the server's first message
   * @returns undefined where the challenge breaks the rules
   */
  async finalMessage(challenge: string): Promise<string | undefined> {
    const asked = challengeIn(challenge);
    if (!asked?.nonce.startsWith(this.#nonce) || asked.nonce === this.#nonce) return undefined;
    const { nonce, salt, iterations } = asked;
    const salted = await deriveKey(this.#password, salt, iterations, lengths[this.#hash], this.#hash);
    const withoutProof = `c=biws,r=${nonce}`;
    const transcript = `${this.#bare},${challenge},${withoutProof}`;
    this.#signature = this.#hmac(this.#hmac(salted, "Server Key"), transcript);
    return `${withoutProof},p=${this.#proof(salted, transcript).toString("base64")}`;
  }

  #proof(salted: Buffer, transcript: string): Buffer {
    const clientKey = this.#hmac(salted, "Client Key");
    const storedKey = createHash(this.#hash).update(clientKey).digest();
    const signature = this.#hmac(storedKey, transcript);
    return Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!));
  }

  /** Whether the server's final message shows that it knows the password. */
  accepts(message: string): boolean {
    const [, verifier = ""] = /^v=([^,]+)/.exec(message) ?? [];
    const shown = Buffer.from(verifier, "base64");
    return shown.length === this.#signature?.length && timingSafeEqual(shown, this.#signature);
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }
}

interface Challenge {
  /** The client's, with the server's at its end. */
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

function challengeIn(text: string): Challenge | undefined {
  const [, nonce, salt, digits] = /^r=([^,]+),s=([^,]+),i=([0-9]+)(?:,|$)/.exec(text) ?? [];
  const iterations = Number(digits);
  if (!(iterations >= minIterations && iterations <= maxIterations)) return undefined;
  const bytes = Buffer.from(salt!, "base64");
  return bytes.length > 0 ? { nonce: nonce!, salt: bytes, iterations } : undefined;
}
