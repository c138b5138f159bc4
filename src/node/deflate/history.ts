// `History` keeps the last bytes of one direction as the dictionary that replaces zlib's window where no state is kept.
import { constants, type ZlibOptions } from 'node:zlib';

/** The bytes of a dictionary, in any type that zlib takes. */
export function bytesOf(dictionary: ZlibOptions['dictionary']): Uint8Array | undefined {
  if (!ArrayBuffer.isView(dictionary)) return dictionary && new Uint8Array(dictionary);
  return new Uint8Array(dictionary.buffer, dictionary.byteOffset, dictionary.byteLength);
}

/** The last bytes of one direction of a connection, at most one window. It takes no memory before the first bytes. */
export class History {
  readonly #first: Uint8Array | undefined;
  readonly #size: number;
  #buffer: Uint8Array | undefined;
  #length = 0;

  /** @param options windowBits, and zlib's initial dictionary, if any */
  constructor({ windowBits = constants.Z_DEFAULT_WINDOWBITS, dictionary }: ZlibOptions) {
    this.#size = 2 ** windowBits;
    this.#first = bytesOf(dictionary);
  }

  /** The dictionary for the next message, valid until the next `append`; undefined where there is none, as zlib expects. */
  get window(): Uint8Array | undefined {
    return this.#buffer?.subarray(0, this.#length) ?? this.#first;
  }

  /** Whether the next message cannot refer to an earlier one. */
  get isEmpty(): boolean {
    return this.#buffer === undefined && this.#first === undefined;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const begun = this.#buffer === undefined ? this.#first : undefined;
    if (begun !== undefined) this.#add(begun);
    this.#add(bytes);
  }

  /** Drops everything except zlib's initial dictionary. */
  clear(): void {
    this.#buffer = undefined;
    this.#length = 0;
  }

  #add(bytes: Uint8Array): void {
    const added = bytes.length > this.#size ? bytes.subarray(bytes.length - this.#size) : bytes;
    const kept = Math.min(this.#length, this.#size - added.length);
    const buffer = this.#grown(kept + added.length);
    buffer.copyWithin(0, this.#length - kept, this.#length);
    buffer.set(added, kept);
    this.#buffer = buffer;
    this.#length = kept + added.length;
  }

  /** A buffer for `length` bytes that starts with the kept bytes. */
  #grown(length: number): Uint8Array {
    if (this.#buffer !== undefined && this.#buffer.length >= length) return this.#buffer;
    const buffer = new Uint8Array(Math.min(this.#size, Math.max(2 * length, 1024)));
    if (this.#buffer !== undefined) buffer.set(this.#buffer.subarray(0, this.#length));
    return buffer;
  }
}
