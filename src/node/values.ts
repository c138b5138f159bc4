// Octets <-> what Node's users hold: Buffers that share memory, and strings by whichever decoder this Node has fast.
import { Buffer, isUtf8 } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Values } from '../values/values.js';

/** Buffer's own subclass of Uint8Array: making one directly costs half of what `buffer.subarray` does. */
const FastBuffer = (
  Buffer as unknown as { [Symbol.species]: new (memory: ArrayBufferLike, at: number, length: number) => Buffer }
)[Symbol.species];

/** Buffers shorter than this come out of Node's 8 KiB pool; longer ones have memory of their own. */
const POOLED_BELOW = 4096;
/** Text is transcoded in windows of this many octets. */
const WINDOW = 64 * 1024;
/** Below this many octets, handing text to the kernel costs more than it saves. */
const TRANSCODE_FROM = 24;

/**
 * Which decoder makes a string of text that is not ASCII, by Node's major version: Node 20 and 22 decode it at
 * 0.25 GB/s, where the kernel's UTF-16 and `ucs2Slice` reach several times that; from Node 24 the native one is faster
 * (`npm run bench:micro`).
 */
const TRANSCODES: boolean = Number(process.versions.node.split('.')[0]) < 24;

interface Slices {
  latin1Slice(start: number, end: number): string;
  ucs2Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, at: number): number;
}
const native = Buffer.prototype as unknown as Slices;

/** Values in terms of Buffer, with `kernels` to transcode. */
export function makeNodeValues(kernels: Kernels = loadedKernels): Values {
  const { scratchAddress } = kernels;
  const units = scratchAddress + WINDOW + 64;

  /** The string of valid UTF-8 that lies at `at` in the kernels' memory, at most a window of it. */
  function transcoded(at: number, length: number): string {
    const count = kernels.transcode(at, length, units);
    return native.ucs2Slice.call(kernels.bytes, units, units + 2 * count);
  }

  function transcode(source: Uint8Array, start: number, end: number): string {
    if (source.buffer === kernels.bytes.buffer && end - start <= WINDOW) return transcoded(start, end - start);
    let text = '';
    for (let at = start; at < end;) {
      let stop = Math.min(at + WINDOW, end);
      // A window ends between characters: an octet 10xxxxxx goes on with one.
      while (stop < end && (source[stop] & 0xc0) === 0x80) stop--;
      kernels.bytes.set(source.subarray(at, stop), scratchAddress);
      text += transcoded(scratchAddress, stop - at);
      at = stop;
    }
    return text;
  }

  const utf16 = (source: Uint8Array, start: number, end: number): string => native.ucs2Slice.call(source, start, end);

  return {
    latin1: (source: Uint8Array, start: number, end: number) => native.latin1Slice.call(source, start, end),
    utf16: TRANSCODES ? utf16 : undefined,
    view(memory: ArrayBufferLike, start: number, length: number): Uint8Array {
      return new FastBuffer(memory, start, length);
    },
    allocate(length: number): Uint8Array {
      return length < POOLED_BELOW ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
    },
    text(source: Uint8Array, start: number, end: number, ascii: boolean): string {
      if (ascii) return native.latin1Slice.call(source, start, end);
      if (TRANSCODES && end - start >= TRANSCODE_FROM) return transcode(source, start, end);
      return native.utf8Slice.call(source, start, end);
    },
    writeText(target: Uint8Array, at: number, text: string): number {
      return native.utf8Write.call(target, text, at);
    },
    encode(text: string): Uint8Array {
      return Buffer.from(text);
    },
    isUtf8,
    random(into: Uint8Array): void {
      randomFillSync(into);
    },
  };
}

/** The values that this thread's connections use. */
export const nodeValues: Values = makeNodeValues();
