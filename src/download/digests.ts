import type { Hash } from "node:crypto";
import { type Algorithm, createHash } from "../files/digest.ts";
import type { Digest } from "./checksum.ts";

/** A wanted digest that bytes do not have, with the one that they have. */
export interface Mismatch {
  readonly wanted: Digest;
  readonly found: string;
}

/** The digests of bytes as they come: the sha256, and those that are wanted. */
export class Digests {
  readonly #wanted: readonly Digest[];
  readonly #hashes = new Map<Algorithm, Hash>();
  #bytes = 0;

  constructor(wanted: readonly Digest[]) {
    this.#wanted = wanted;
    for (const name of ["sha256", ...wanted.map(({ algorithm }) => algorithm)] as const) {
      if (!this.#hashes.has(name)) this.#hashes.set(name, createHash(name));
    }
  }

  /** How many bytes have come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the bytes must have certain digests. */
  get areWanted(): boolean {
    return this.#wanted.length > 0;
  }

  update(chunk: Buffer): void {
    for (const hash of this.#hashes.values()) hash.update(chunk);
    this.#bytes += chunk.length;
  }

  get sha256(): string {
    return this.#hex("sha256");
  }

  mismatch(): Mismatch | undefined {
    const wanted = this.#wanted.find(({ algorithm, hex }) => this.#hex(algorithm) !== hex);
    return wanted && { wanted, found: this.#hex(wanted.algorithm) };
  }

  #hex(algorithm: Algorithm): string {
    return this.#hashes.get(algorithm)!.copy().digest("hex");
  }
}
