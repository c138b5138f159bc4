// What one direction of a connection carried turned into the dictionary that stands for zlib's window, where no state is kept.
import { constants, type ZlibOptions } from 'node:zlib';

/** The last octets of one direction of a connection, at most a window's worth. */
export class History {
  readonly #first: Uint8Array | undefined;
  readonly #size: number;
  #window: Uint8Array | undefined;

  /** @param options windowBits, and the dictionary that zlib begins with, if any */
  constructor({ windowBits = constants.Z_DEFAULT_WINDOWBITS, dictionary }: ZlibOptions) {
    this.#size = 2 ** windowBits;
    if (dictionary instanceof ArrayBuffer) this.#first = new Uint8Array(dictionary);
    else if (dictionary !== undefined) {
      this.#first = new Uint8Array(dictionary.buffer, dictionary.byteOffset, dictionary.byteLength);
    }
  }

  /** The dictionary for what comes next; undefined where there is none, as zlib wants it. */
  get window(): Uint8Array | undefined {
    return this.#window ?? this.#first;
  }

  append(octets: Uint8Array): void {
    if (octets.length === 0) return;
    const added = octets.subarray(Math.max(0, octets.length - this.#size));
    const before = this.window ?? new Uint8Array(0);
    const kept = before.subarray(Math.max(0, before.length + added.length - this.#size));
    const window = new Uint8Array(kept.length + added.length);
    window.set(kept);
    window.set(added, kept.length);
    this.#window = window;
  }

  /** Forgets everything but the dictionary that zlib begins with. */
  clear(): void {
    this.#window = undefined;
  }
}
