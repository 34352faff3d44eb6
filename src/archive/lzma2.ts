import { corrupt } from "./faults.ts";
import type { ByteSource } from "./byte-source.ts";
import { LzmaDecoder } from "./lzma.ts";
import { LzmaDictionary } from "./lzma-dictionary.ts";
import { DictionaryMemory } from "./xz-memory.ts";

/** So much is handed on at a time, that a limit may stop it soon. */
const pieceSize = 128 * 1024;

/** What the first byte of a chunk says of it. */
const end = 0x00;
const storedWithReset = 0x01;
const stored = 0x02;
const compressed = 0x80;
const withStateReset = 0xa0;
const withProperties = 0xc0;
const withDictionaryReset = 0xe0;

/**
 * Decodes LZMA2 (The .xz File Format, section 5.3.1, and XZ Embedded): chunks, stored or compressed by LZMA, up to
 * their end mark.
 */
export class Lzma2Decoder {
  readonly #source: ByteSource;
  readonly #memory = new DictionaryMemory();
  #dictionary = new LzmaDictionary(0);
  #lzma = new LzmaDecoder(this.#dictionary);
  #needsDictionary = true;
  #needsProperties = true;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * The content up to the next end mark, in pieces of at most 128 KiB, each valid until the next one.
   * @throws Failure `integrity` where it is damaged, or the dictionary is too large for this container
   */
  *content(dictionarySize: number): Generator<Buffer> {
    this.#start(dictionarySize);
    for (let control = this.#source.byte(); control !== end; control = this.#source.byte()) {
      this.#resetDictionary(control);
      if (control >= compressed) yield* this.#compressed(control);
      else if (control <= stored) yield* this.#stored();
      else throw corrupt("the xz data is damaged");
    }
  }

  /** A dictionary that is large enough serves for the next block too: there may be very many. */
  #start(dictionarySize: number): void {
    this.#memory.checkSize(dictionarySize);
    if (dictionarySize > this.#dictionary.size) {
      this.#dictionary = new LzmaDictionary(dictionarySize);
      this.#lzma = new LzmaDecoder(this.#dictionary);
    }
    this.#needsDictionary = true;
    this.#needsProperties = true;
  }

  #resetDictionary(control: number): void {
    if (control === storedWithReset || control >= withDictionaryReset) {
      this.#dictionary.reset();
      this.#needsDictionary = false;
      this.#needsProperties = true;
    } else if (this.#needsDictionary) throw corrupt("the xz data is damaged");
  }

  *#stored(): Generator<Buffer> {
    yield* this.#pieces(this.#size(), (count) => this.#dictionary.putAll(this.#source.bytes(count)));
  }

  *#compressed(control: number): Generator<Buffer> {
    const size = ((control & 0x1f) << 16) + this.#size();
    const compressedSize = this.#size();
    this.#resetState(control);
    this.#lzma.input.start(this.#source.bytes(compressedSize));
    yield* this.#pieces(size, (count) => this.#lzma.decode(count));
    if (!this.#lzma.isBetweenSymbols() || !this.#lzma.input.isFinished())
      throw corrupt("the xz data is damaged");
  }

  #resetState(control: number): void {
    if (control >= withProperties) {
      this.#lzma.setProperties(this.#source.byte());
      this.#needsProperties = false;
    } else if (this.#needsProperties) throw corrupt("the xz data is damaged");
    if (control >= withStateReset) this.#lzma.reset();
  }

  *#pieces(size: number, put: (count: number) => void): Generator<Buffer> {
    for (let left = size; left > 0;) {
      const count = Math.min(left, this.#dictionary.room, pieceSize);
      put(count);
      this.#memory.checkFilled(this.#dictionary.filled, this.#dictionary.size);
      yield this.#dictionary.flush();
      left -= count;
    }
  }

  /** Sizes are stored less one, in two bytes. */
  #size(): number {
    return this.#source.bytes(2).readUInt16BE() + 1;
  }
}
