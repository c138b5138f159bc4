// `Withheld` holds output that exceeded a caller's limit.
import { UsageError } from '../errors/usage-error.js';
import { Queue } from '../queue.js';
import { checkOptions } from './checks.js';
import { frameAt, framesIn } from './header.js';

/** The limit of one call for output. */
export interface TakeOptions {
  /** The most bytes to return, 1 or more; the next calls return the rest. Default: all. */
  readonly limit?: number | undefined;
}

/** The limit of `options`. Throws UsageError where it is not a length. */
export function limitOf(options: TakeOptions): number {
  checkOptions(options);
  const { limit = Infinity } = options;
  if (limit !== Infinity && (!Number.isInteger(limit) || limit < 1)) {
    throw new UsageError('A limit is a whole number of bytes, at least 1');
  }
  return limit;
}

/** Chunks in order, handed out whole or cut. */
export class Withheld {
  private readonly chunks = new Queue<Uint8Array>();
  /** The number of bytes held. */
  length = 0;
  /** How many bytes, from the first on, are the rest of a frame whose header was taken. */
  private rest = 0;

  /** Whether the bytes begin within a frame. */
  get isCut(): boolean {
    return this.rest > 0;
  }

  /** The number of frames held, a cut one too. */
  get frames(): number {
    return framesIn(this.chunks, this.rest) + (this.rest > 0 ? 1 : 0);
  }

  /** @param rest how many bytes, from the first on, go on a frame whose header was taken */
  add(chunks: readonly Uint8Array[], rest = 0): void {
    if (this.length === 0) this.rest = rest;
    for (const chunk of chunks) {
      this.chunks.push(chunk);
      this.length += chunk.length;
    }
  }

  /** The first chunk, or as much of it as `limit` allows; undefined where there is none. */
  shift(limit: number): Uint8Array | undefined {
    const chunk = this.chunks.first;
    if (chunk === undefined) return undefined;
    const length = Math.min(chunk.length, limit);
    if (this.length > limit) {
      // The rest of the call's bytes cut a frame in this chunk or in a later one.
      while (this.rest < length) this.rest = frameAt(chunk, this.rest).end;
      this.rest -= length;
    }
    this.length -= length;
    if (length === chunk.length) {
      this.chunks.shift();
      // The owner of a lent chunk may have detached it since.
      if (this.chunks.length === 0) this.length = this.rest = 0;
      return chunk;
    }
    this.chunks.replaceFirst(chunk.subarray(length));
    return chunk.subarray(0, length);
  }

  /** Chunks of `limit` bytes in total, or all of them where they are shorter. */
  take(limit: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let left = limit; left > 0;) {
      const chunk = this.shift(left);
      if (chunk === undefined) break;
      taken.push(chunk);
      left -= chunk.length;
    }
    return taken;
  }
}
