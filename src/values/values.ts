// `Values` makes the views and strings that a user receives from bytes, and bytes from text.
import { decodeText, encodeInto, encodeText } from './text-coding.js';

/** The platform's way of making values; `node/` passes its own, with Buffers. */
export interface Values {
  /** A view of `length` bytes of `memory` from `start` on, in the class that users expect. */
  view(memory: ArrayBufferLike, start: number, length: number): Uint8Array;
  /**
   * `length` bytes in memory of their own. Their contents are undefined, possibly an earlier user's: the caller fills all
   * of them before it passes on any.
   * @throws RangeError where the platform refuses the memory
   */
  allocate(length: number): Uint8Array;
  /** The string of the valid UTF-8 in [start, end); with `ascii`, no byte is above 0x7f. */
  text(source: Uint8Array, start: number, end: number, ascii: boolean): string;
  /**
   * The string with one code unit for each byte in [start, end); undefined where the platform has no such
   * decoder.
   */
  readonly latin1: ((source: Uint8Array, start: number, end: number) => string) | undefined;
  /**
   * The string of the UTF-16LE in [start, end), where transcoding to it is faster than `text` on text that is not ASCII.
   */
  readonly utf16: ((source: Uint8Array, start: number, end: number) => string) | undefined;
  /** Writes `text` as UTF-8 at `at`, where there is room for 3 bytes a code unit, and returns the number of bytes. */
  writeText(target: Uint8Array, at: number, text: string): number;
  /** `text` as UTF-8 in memory of its own; a lone surrogate becomes U+FFFD. */
  encode(text: string): Uint8Array;
  /** Whether `bytes` is valid UTF-8, where the platform has a validator that is faster than the kernel on long text. */
  readonly isUtf8: ((bytes: Uint8Array) => boolean) | undefined;
  /**
   * Fills `into`, at most 65,536 bytes, from a cryptographically secure source (RFC 6455 5.3). From TypeScript 5.7 on, its
   * type is Uint8Array<ArrayBuffer>, as `crypto.getRandomValues` asks.
   */
  random(into: ReturnType<Uint8ArrayConstructor['of']>): void;
}

/** The defaults, made with Uint8Array, `text-coding.ts` and `globalThis.crypto`. */
export const plainValues: Values = {
  view(memory: ArrayBufferLike, start: number, length: number): Uint8Array {
    return new Uint8Array(memory, start, length);
  },
  allocate(length: number): Uint8Array {
    return new Uint8Array(length);
  },
  text(source: Uint8Array, start: number, end: number): string {
    return decodeText(source.subarray(start, end));
  },
  latin1: undefined,
  utf16: undefined,
  writeText(target: Uint8Array, at: number, text: string): number {
    return encodeInto(text, target.subarray(at));
  },
  encode(text: string): Uint8Array {
    return encodeText(text);
  },
  isUtf8: undefined,
  random(into: Uint8Array<ArrayBuffer>): void {
    globalThis.crypto.getRandomValues(into);
  },
};
