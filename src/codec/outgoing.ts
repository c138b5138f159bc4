// `Outgoing` gathers the frames that one connection has to send into few chunks, written together.
import { MAX_HEADER } from '../spec/frame.js';
import { FULL_BATCH } from '../spec/limits.js';
import { framesIn, writeHeader } from './header.js';
import { clearDesk, type Desk, type OutMemory } from './out-memory.js';

/** A batch that is moved off the desk gets room for twice its bytes, and at least this much. */
const PRIVATE_LENGTH = 1024;

/**
 * The frames that one connection has to send, until they are taken; an idle connection has none. Small frames are written
 * at a desk that all connections of the thread share, one connection at a time; when another connection starts while a
 * batch waits, that batch moves to memory of its own. Frames to be masked are written unmasked into the kernels' memory,
 * and masked there by one call when the batch leaves.
 */
export class Outgoing {
  /** The open batch: bytes [start, end) of `bytes`, with room up to `limit`. */
  bytes: Uint8Array | undefined;
  start = 0;
  end = 0;
  private limit = 0;
  /** Chunks before the open batch. */
  private chunks: Uint8Array[] | undefined;
  private chunkBytes = 0;
  /** How many of the chunks are frames that many connections share. */
  private shared = 0;
  private readonly home: Desk;

  /**
   * @param isMasked whether frames to be masked are written
   * @param rest the bytes still to come of a frame whose header has been taken
   */
  constructor(
    private readonly memory: OutMemory,
    isMasked: boolean,
    readonly rest = 0,
  ) {
    this.home = isMasked ? memory.stage : memory.desk;
  }

  /** The number of waiting bytes. */
  get length(): number {
    return this.chunkBytes + this.end - this.start;
  }

  /** The number of waiting frames, counted by their headers. */
  get frames(): number {
    const { bytes, chunks = [], start, end } = this;
    return framesIn(bytes === undefined ? chunks : [...chunks, bytes.subarray(start, end)], this.rest);
  }

  /**
   * Writes a frame's header at `end` and makes room for a key of 4 bytes where `maskBit` is MASK, and for `length` bytes
   * of payload; returns their place in `bytes`. The frame is part of the batch once the caller has filled it and moved
   * `end` past it: until then an error leaves the batch as it was.
   */
  begin(first: number, length: number, maskBit: number): number {
    return writeHeader(this.reserve(MAX_HEADER + length), this.end, first, length, maskBit);
  }

  /** Writes a frame with its payload by reference: the owner keeps it unchanged until it has been written. */
  lend(first: number, payload: Uint8Array): void {
    const bytes = this.reserve(MAX_HEADER);
    const { end } = this;
    this.end = writeHeader(bytes, end, first, payload.length, 0);
    try {
      this.append(payload);
    } catch (cause) {
      // Memory for a chunk of the batch is refused: the batch stays as it was.
      this.end = end;
      throw cause;
    }
  }

  /** Makes room for `length` bytes at `end`, in one piece; the caller writes there and moves `end`. */
  reserve(length: number): Uint8Array {
    const { bytes } = this;
    if (bytes !== undefined && this.end + length <= this.limit) return bytes;
    return this.grow(length);
  }

  /** Adds a chunk by reference: the owner keeps it unchanged until it has been written. */
  append(chunk: Uint8Array): void {
    this.closeBatch();
    (this.chunks ??= []).push(chunk);
    this.chunkBytes += chunk.length;
  }

  /** As `append`, for frames that many connections share and nothing changes any more. */
  appendShared(frames: Uint8Array): void {
    this.append(frames);
    this.shared++;
  }

  /** Empties the queue: the chunks to write, in order; joined into one where they are many and short. */
  take(): Uint8Array[] {
    this.closeBatch();
    const { chunks = [], chunkBytes } = this;
    let taken = chunks;
    if (chunks.length > 1 && chunkBytes <= FULL_BATCH) {
      const { memory } = this;
      taken = [this.shared === chunks.length ? memory.joinShared(chunks, chunkBytes) : this.join(chunks)];
    }
    this.chunks = undefined;
    this.chunkBytes = 0;
    this.shared = 0;
    this.memory.note(taken.length === 1 ? taken[0] : undefined);
    return taken;
  }

  /** As `take`, where only one open batch waits; else undefined. */
  takeSingle(): Uint8Array | undefined {
    if (this.chunks !== undefined || this.bytes === undefined) return undefined;
    const batch = this.takeBatch();
    this.memory.note(batch);
    return batch;
  }

  /** Makes way for another connection: the open batch moves to memory of its own. */
  moveOut(): void {
    // A tenant of the desk always has an open batch.
    this.moveTo(this.bytes!, Math.max(PRIVATE_LENGTH, 2 * (this.end - this.start)));
  }

  /** Joins all chunks, since writing many costs more than copying them. */
  private join(chunks: Uint8Array[]): Uint8Array {
    // A chunk that its owner has detached has no bytes left, and cannot be copied.
    const whole = chunks.filter((chunk) => chunk.length > 0);
    const joined = this.memory.chunk(whole.reduce((length, chunk) => length + chunk.length, 0));
    let at = 0;
    for (const chunk of whole) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    return joined;
  }

  private closeBatch(): void {
    if (this.bytes === undefined) return;
    const chunk = this.takeBatch();
    if (chunk.length === 0) return;
    (this.chunks ??= []).push(chunk);
    this.chunkBytes += chunk.length;
  }

  /** The open batch, in memory that nothing changes any more. Memory may be refused; the batch is dropped only after that. */
  private takeBatch(): Uint8Array {
    const { start, end, home, memory } = this;
    const bytes = this.bytes!;
    const length = end - start;
    const isTenant = home.tenant === this;
    let chunk: Uint8Array;
    if (!isTenant) {
      chunk = memory.values.view(bytes.buffer, bytes.byteOffset + start, length);
    } else if (home === memory.desk) {
      chunk = memory.leaveDesk(length);
    } else {
      chunk = memory.chunk(length);
      memory.kernels.maskFrames(start, end);
      chunk.set(bytes.subarray(start, end));
    }
    if (isTenant) home.tenant = undefined;
    this.bytes = undefined;
    this.start = this.end = this.limit = 0;
    return chunk;
  }

  private grow(length: number): Uint8Array {
    if (this.bytes !== undefined) return this.moveTo(this.bytes, 2 * (this.end - this.start + length));
    const { home, memory } = this;
    if (home === memory.desk ? memory.clearDesk(length) : clearDesk(home, length)) {
      home.tenant = this;
      this.start = this.end = home.start;
      this.limit = home.end;
      return (this.bytes = home.bytes);
    }
    this.bytes = new Uint8Array(length);
    this.limit = length;
    return this.bytes;
  }

  /** Moves the open batch, which lies in `bytes`, to memory of its own. */
  private moveTo(bytes: Uint8Array, capacity: number): Uint8Array {
    const { start, end, home, memory } = this;
    const own = new Uint8Array(capacity);
    if (home.tenant === this && home === memory.stage) memory.kernels.maskFrames(start, end);
    own.set(bytes.subarray(start, end));
    if (home.tenant === this) {
      home.tenant = undefined;
      if (home === memory.desk) memory.soilDesk(end);
    }
    this.start = 0;
    this.end = end - start;
    this.limit = capacity;
    return (this.bytes = own);
  }
}
