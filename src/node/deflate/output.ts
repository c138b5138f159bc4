// `Output` joins the output of several steps in one buffer of its exact length.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { LARGE_OUTPUT } from '../../spec/limits.js';
import { STEP_OUTPUT } from './limits.js';

// The most bytes for which a copy into a buffer of the exact length takes about a millisecond.
const COPIED = 4 * 1024 * 1024;

// The most that is reserved on an estimate; beyond it the buffer doubles.
const RESERVED = 128 * 1024 * 1024;

// glibc returns a block of more than 32 MiB to the system when it is freed, a smaller one only while no block of its size
// was freed before (mallopt, M_MMAP_THRESHOLD).
const GIVEN_BACK = 33 * 1024 * 1024;

let drain: MessagePort | undefined;

// A closed port takes the memory transferred to it and drops it (HTML 9.4.4), which frees memory before the garbage
// collector does.
/** Frees the memory of a buffer at once; it has no bytes afterwards. */
export function release(buffer: Uint8Array): void {
  if (drain === undefined) {
    drain = new MessageChannel().port1;
    drain.close();
  }
  drain.postMessage(undefined, [buffer.buffer as ArrayBuffer]);
}

let scratch: Uint8Array | undefined;

/** Holds output before its length is known: at least the compressed form of `AT_ONCE` bytes. */
export function scratchOutput(): Uint8Array {
  scratch ??= new Uint8Array(STEP_OUTPUT);
  return scratch;
}

/** Memory for the first output of jobs, which is lent to one after another and never given away. */
const unlent: Buffer[] = [];
/** How many wait for the next job: as many as libuv's pool has threads by default. */
const UNLENT = 4;

/** The output of a job so far. It starts in lent memory, doubles, and above 1 MiB reserves everything that can still come. */
export class Output {
  /** The place of the next bytes. */
  buffer: Buffer;
  length: number;
  readonly #most: number;
  #isLent: boolean;

  /**
   * @param begun the first bytes, which are copied
   * @param most the most bytes that can come, as far as the caller knows: above 1 MiB that much is reserved, and at least
   *   33 MiB. This takes only address space: the system provides memory for a page when it is first written.
   */
  constructor(begun: Uint8Array, most: number) {
    this.#most = Math.min(Math.max(most, GIVEN_BACK), RESERVED);
    this.length = begun.length;
    this.#isLent = begun.length === 0;
    if (this.#isLent) {
      this.buffer = unlent.pop() ?? Buffer.allocUnsafeSlow(STEP_OUTPUT);
    } else {
      this.buffer = Buffer.allocUnsafeSlow(2 * begun.length);
      this.buffer.set(begun);
    }
  }

  /** Makes room and returns its length; 0 where the system has no more memory. */
  room(): number {
    if (this.length === this.buffer.length) {
      const doubled = Math.max(2 * this.buffer.length, STEP_OUTPUT);
      try {
        // Zeroed, at no cost for this length from the system: the rest of a long output is visible to users.
        const grown = Buffer.alloc(doubled > LARGE_OUTPUT ? Math.max(this.#most, doubled) : doubled);
        grown.set(this.buffer);
        this.discard();
        this.buffer = grown;
        this.#isLent = false;
      } catch {
        return 0;
      }
    }
    return this.buffer.length - this.length;
  }

  /** Adds a copy of `bytes`; false where the system has no memory for it. */
  append(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length;) {
      const room = Math.min(this.room(), bytes.length - at);
      if (room === 0) return false;
      this.buffer.set(bytes.subarray(at, at + room), this.length);
      this.length += room;
      at += room;
    }
    return true;
  }

  /** Frees the memory at once. */
  discard(): void {
    if (!this.#isLent) release(this.buffer);
    else if (unlent.length < UNLENT) unlent.push(this.buffer);
  }

  /**
   * The output without its last `cut` bytes; nothing can be taken afterwards. A long one is a view with zeros after it, so
   * that no turn of the event loop is spent on a copy.
   */
  take(cut: number): Buffer {
    const taken = this.buffer.subarray(0, this.length - cut);
    try {
      if (taken.length <= COPIED) {
        const copy = exactCopy(taken, taken.length);
        this.discard();
        return copy;
      }
    } catch {
      // Memory for a copy is refused, and a copy is not needed.
    }
    this.buffer.fill(0, taken.length, this.length);
    return taken;
  }
}

// Incompressible data grows by an eighth at most, and by the tail: zlib's deflateBound for any parameters.
/** The most bytes that `length` bytes can be compressed to. */
export function mostDeflated(length: number): number {
  return length + (length >> 3) + (length >> 6) + 64;
}

/** The most bytes that `length` bytes can be inflated to: RFC 1951 codes 258 in two bits at best. */
export function mostInflated(length: number): number {
  return 1032 * (length + 1);
}

/** The first `length` bytes of `source` in memory of their own. */
export function exactCopy(source: Uint8Array, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  copy.set(length === source.length ? source : source.subarray(0, length));
  return copy;
}
