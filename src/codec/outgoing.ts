// Frames, as they are written one after another -> the few contiguous chunks that leave in one write.
import type { Values } from '../values/values.js';

/** The slab that all connections of the thread write into, one at a time. */
const SLAB_LENGTH = 256 * 1024;
/** A batch that had to leave the slab starts with room for twice its octets, and at least this much. */
const PRIVATE_LENGTH = 256;

class Slab {
  bytes: Uint8Array;
  /** The first octet not yet given to anybody. */
  at = 0;
  /** Whose batch is being written at the end of the slab. */
  tenant: Outgoing | undefined;

  constructor(private readonly values: Values) {
    this.bytes = values.allocate(SLAB_LENGTH);
  }

  renew(): void {
    this.bytes = this.values.allocate(SLAB_LENGTH);
    this.at = 0;
  }
}

const slabs = new WeakMap<Values, Slab>();

function slabOf(values: Values): Slab {
  let slab = slabs.get(values);
  if (slab === undefined) slabs.set(values, (slab = new Slab(values)));
  return slab;
}

/**
 * What one connection has to send. Small frames are written into one slab that all connections of the thread share, as
 * long as one connection writes at a time; when another begins while a batch waits, the waiting batch moves to memory
 * of its own.
 */
export class Outgoing {
  /** The open batch: octets [start, end) of `bytes`. */
  bytes: Uint8Array | undefined;
  start = 0;
  end = 0;
  /** Chunks that go before the open batch. */
  private chunks: Uint8Array[] | undefined;
  private chunkOctets = 0;
  private readonly slab: Slab;

  constructor(private readonly values: Values) {
    this.slab = slabOf(values);
  }

  /** How many octets wait. */
  get length(): number {
    return this.chunkOctets + this.end - this.start;
  }

  /** Makes room for `octets` after `end`, in one piece; the caller writes there and moves `end`. */
  reserve(octets: number): Uint8Array {
    const { bytes } = this;
    if (bytes !== undefined && this.end + octets <= bytes.length) return bytes;
    return this.grow(octets);
  }

  /** Adds a chunk by reference: its owner leaves it as it is until it has been written. */
  append(chunk: Uint8Array): void {
    this.closeBatch();
    (this.chunks ??= []).push(chunk);
    this.chunkOctets += chunk.length;
  }

  /** Empties the queue: the chunks to write, in order. */
  take(): Uint8Array[] {
    this.closeBatch();
    const chunks = this.chunks ?? [];
    this.chunks = undefined;
    this.chunkOctets = 0;
    return chunks;
  }

  /** As `take`, where all that waits is one open batch: a view of it, or undefined when there is more than that. */
  takeSingle(): Uint8Array | undefined {
    if (this.chunks !== undefined || this.bytes === undefined) return undefined;
    const chunk = this.values.view(this.bytes, this.start, this.end);
    this.leaveSlab();
    return chunk;
  }

  /** Says that what `take` returned last has been written out, so that its place in the slab can serve again. */
  reuse(chunk: Uint8Array): void {
    const { slab } = this;
    if (slab.tenant === undefined && chunk.buffer === slab.bytes.buffer) {
      const start = chunk.byteOffset - slab.bytes.byteOffset;
      if (start + chunk.length === slab.at) slab.at = start;
    }
  }

  private closeBatch(): void {
    if (this.bytes === undefined) return;
    if (this.end > this.start) {
      (this.chunks ??= []).push(this.values.view(this.bytes, this.start, this.end));
      this.chunkOctets += this.end - this.start;
    }
    this.leaveSlab();
  }

  private leaveSlab(): void {
    if (this.slab.tenant === this) {
      this.slab.at = this.end;
      this.slab.tenant = undefined;
    }
    this.bytes = undefined;
    this.start = this.end = 0;
  }

  private grow(octets: number): Uint8Array {
    const { slab } = this;
    if (this.bytes === undefined) {
      slab.tenant?.moveOut();
      if (slab.at + octets > SLAB_LENGTH && octets <= SLAB_LENGTH) slab.renew();
      if (slab.at + octets <= SLAB_LENGTH) {
        slab.tenant = this;
        this.start = this.end = slab.at;
        return (this.bytes = slab.bytes);
      }
      this.bytes = this.values.allocate(octets);
      return this.bytes;
    }
    this.moveTo(2 * (this.end - this.start + octets));
    return this.bytes;
  }

  private moveOut(): void {
    this.moveTo(Math.max(PRIVATE_LENGTH, 2 * (this.end - this.start)));
  }

  /** Moves the open batch to memory of its own. */
  private moveTo(capacity: number): void {
    const { bytes, start, end, slab } = this;
    if (bytes === undefined) return;
    const own = this.values.allocate(capacity);
    own.set(bytes.subarray(start, end));
    if (slab.tenant === this) {
      slab.at = start;
      slab.tenant = undefined;
    }
    this.bytes = own;
    this.start = 0;
    this.end = end - start;
  }
}
