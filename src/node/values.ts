// `nodeValues` makes Buffers and strings from bytes, with the decoder that is fast on this Node.
import { Buffer, isUtf8 } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import process from 'node:process';
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Values } from '../values/values.js';

/** Buffer's own subclass of Uint8Array: making one directly costs half as much as `buffer.subarray`. */
const FastBuffer = (
  Buffer as unknown as {
    [Symbol.species]: {
      new (memory: ArrayBufferLike, at: number, length: number): Buffer;
      new (length: number): Buffer;
    };
  }
)[Symbol.species];

/**
 * Memory shorter than this is made by the constructor, which zeroes it, and at 125 bytes takes 60 % of the time of
 * `allocUnsafeSlow`. Up to 4 KiB, it made the decoding of 1 KiB 4 % dearer (`bench/NOTES.md`, Encoding).
 */
const ZEROED_BELOW = 512;
/** Text is transcoded in windows of this many bytes. */
const WINDOW = 64 * 1024;
/** Below this length, in bytes, passing text to the kernel costs more than it saves. */
const TRANSCODE_FROM = 24;

/**
 * Whether the kernel decodes text that is not ASCII, by Node's major version: Node 20 and 22 decode it at 0.25 GB/s, while the
 * kernel's UTF-16 and `ucs2Slice` are several times as fast; from Node 24 on the native decoder is faster
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

/** Values in terms of Buffer. */
class NodeValues implements Values {
  readonly latin1: Values['latin1'] = latin1;
  readonly utf16: Values['utf16'] = TRANSCODES ? utf16 : undefined;
  readonly isUtf8: Values['isUtf8'] = isUtf8;
  private readonly kernels: Kernels;
  /** The kernel writes code units here. */
  private readonly units: number;

  /** @param kernels the kernels that transcode */
  constructor(kernels: Kernels) {
    this.kernels = kernels;
    this.units = kernels.scratchAddress + WINDOW + 64;
  }

  view(memory: ArrayBufferLike, start: number, length: number): Uint8Array {
    return new FastBuffer(memory, start, length);
  }

  allocate(length: number): Uint8Array {
    // Never from Node's pool, which holds bytes of the whole process side by side. Zeroing costs less than a call.
    return length < ZEROED_BELOW ? new FastBuffer(length) : Buffer.allocUnsafeSlow(length);
  }

  text(source: Uint8Array, start: number, end: number, ascii: boolean): string {
    if (ascii) return latin1(source, start, end);
    if (TRANSCODES && end - start >= TRANSCODE_FROM) return this.transcode(source, start, end);
    return native.utf8Slice.call(source, start, end);
  }

  writeText(target: Uint8Array, at: number, text: string): number {
    return native.utf8Write.call(target, text, at);
  }

  encode(text: string): Uint8Array {
    const bytes = this.allocate(Buffer.byteLength(text));
    native.utf8Write.call(bytes, text, 0);
    return bytes;
  }

  random(into: Uint8Array): void {
    randomFillSync(into);
  }

  private transcode(source: Uint8Array, start: number, end: number): string {
    const { kernels } = this;
    if (source === kernels.bytes && end - start <= WINDOW) return this.transcoded(start, end - start);
    let text = '';
    for (let at = start; at < end;) {
      let stop = Math.min(at + WINDOW, end);
      // A window ends between characters: a byte 10xxxxxx continues one.
      while (stop < end && (source[stop] & 0xc0) === 0x80) stop--;
      kernels.bytes.set(source.subarray(at, stop), kernels.scratchAddress);
      text += this.transcoded(kernels.scratchAddress, stop - at);
      at = stop;
    }
    return text;
  }

  /** The string of the valid UTF-8 at `at` in the kernels' memory, at most one window long. */
  private transcoded(at: number, length: number): string {
    const { kernels, units } = this;
    return utf16(kernels.bytes, units, units + 2 * kernels.transcode(at, length, units));
  }
}

/** Values in terms of Buffer, with `kernels` to transcode. */
export function makeNodeValues(kernels: Kernels = loadedKernels): Values {
  return new NodeValues(kernels);
}

/** The values that this thread's connections use. */
export const nodeValues: Values = makeNodeValues();

/** All chunks in one piece of memory: not in Node's pool, which holds bytes of the whole process side by side. */
export function joined(chunks: readonly Uint8Array[]): Buffer {
  const all = nodeValues.allocate(chunks.reduce((bytes, { length }) => bytes + length, 0)) as Buffer;
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function latin1(source: Uint8Array, start: number, end: number): string {
  return native.latin1Slice.call(source, start, end);
}

function utf16(source: Uint8Array, start: number, end: number): string {
  return native.ucs2Slice.call(source, start, end);
}
