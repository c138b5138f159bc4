// Frames, as they are written one after another -> the few contiguous chunks that leave in one write.
import type { Kernels } from '../kernels/kernels.js';
import { MAX_HEADER } from '../spec/frame.js';
import type { Values } from '../values/values.js';
import { writeHeader } from './header.js';

/**
 * The slab that all connections of the thread write into, one at a time. A chunk that waits for its peer pins the slab that
 * it is a view of, so that no connection pins more than this, in octets; and a batch that is written at 64 KiB fits.
 */
const SLAB_LENGTH = 128 * 1024;
/** A batch that had to leave the slab starts with room for twice its octets, and at least this much. */
const PRIVATE_LENGTH = 1024;

/** Chunks of up to this many octets together leave as one. */
const JOIN_UP_TO = 64 * 1024;

/** Memory that batches are written in, one after another; one connection at a time writes at its end. */
class Slab {
  /** Whose batch is being written from `at` on. */
  tenant: Outgoing | undefined;

  constructor(
    public bytes: Uint8Array,
    /** The first octet not yet given to anybody. */
    public at: number,
    readonly end: number,
  ) {}

  /** Moves an open batch out, and returns whether `octets` fit then. */
  clear(octets: number): boolean {
    this.tenant?.moveOut();
    return this.at + octets <= this.end;
  }
}

/** What connections with the same values share: the slab that chunks are views of, and the place where frames are masked. */
export class Memory {
  readonly slab: Slab;
  /** An area of the kernels' memory: batches are copied out of it when they are taken. */
  readonly stage: Slab;
  /** The kernels' memory, for what is not aligned. */
  readonly stageWords: DataView;
  /** The chunk that was taken last, which alone can be given back; and how often something was taken. */
  private taken: Uint8Array | undefined;
  takes = 0;

  constructor(
    readonly values: Values,
    readonly kernels: Kernels,
  ) {
    this.slab = new Slab(values.allocate(SLAB_LENGTH), 0, SLAB_LENGTH);
    this.stage = stageOf(kernels);
    this.stageWords = new DataView(kernels.bytes.buffer);
  }

  /** Makes room in the slab for `octets`, at most SLAB_LENGTH. */
  room(octets: number): Slab {
    const { slab } = this;
    if (!slab.clear(octets)) {
      slab.bytes = this.values.allocate(SLAB_LENGTH);
      slab.at = 0;
    }
    return slab;
  }

  /** Notes the chunk that a connection has just taken. */
  note(chunk: Uint8Array | undefined): void {
    this.taken = chunk;
    this.takes++;
  }

  /** Says that the last chunk taken has been written out, so that its place in the slab can serve again. */
  reuse(chunk: Uint8Array): void {
    const { slab } = this;
    if (chunk !== this.taken) return;
    this.taken = undefined;
    if (slab.tenant === undefined && chunk.buffer === slab.bytes.buffer) {
      const start = chunk.byteOffset - slab.bytes.byteOffset;
      if (start + chunk.length === slab.at) slab.at = start;
    }
  }
}

const stages = new WeakMap<Kernels, Slab>();

/** The one place where frames are masked in these kernels' memory, whatever the values of those who write there. */
function stageOf(kernels: Kernels): Slab {
  let stage = stages.get(kernels);
  if (stage === undefined) {
    const { bytes, outgoingAddress, outgoingLength } = kernels;
    stages.set(kernels, (stage = new Slab(bytes, outgoingAddress, outgoingAddress + outgoingLength)));
  }
  return stage;
}

const memories = new WeakMap<Values, WeakMap<Kernels, Memory>>();

/** The memory that all connections of the thread share that have these values and kernels. */
export function memoryOf(values: Values, kernels: Kernels): Memory {
  let byKernels = memories.get(values);
  if (byKernels === undefined) memories.set(values, (byKernels = new WeakMap()));
  let memory = byKernels.get(kernels);
  if (memory === undefined) byKernels.set(kernels, (memory = new Memory(values, kernels)));
  return memory;
}

/**
 * What one connection has to send, from its first frame until it is taken; an idle connection has none. Small frames are
 * written into memory that all connections of the thread share, as long as one connection writes at a time; when another
 * begins while a batch waits, the waiting batch is closed, and what follows it goes to memory of its own. Frames to be
 * masked are written in the kernels' memory, as they are, and masked there when the batch leaves it, all by one call.
 */
export class Outgoing {
  /** The open batch: octets [start, end) of `bytes`, with room up to `limit`. */
  bytes: Uint8Array | undefined;
  start = 0;
  end = 0;
  private limit = 0;
  /** Chunks that go before the open batch. */
  private chunks: Uint8Array[] | undefined;
  private chunkOctets = 0;
  private readonly home: Slab;

  /** @param isMasked whether what is written are frames to be masked */
  constructor(
    private readonly memory: Memory,
    isMasked: boolean,
  ) {
    this.home = isMasked ? memory.stage : memory.slab;
  }

  /** How many octets wait. */
  get length(): number {
    return this.chunkOctets + this.end - this.start;
  }

  /**
   * Writes a frame's header after `end` and makes room for a key of 4 bytes where `maskBit` is MASK, and for `length` bytes
   * of payload; returns where in `bytes` they begin. The frame is part of the batch once the caller has filled it and moved
   * `end` behind it: until then an error leaves the batch as it was.
   */
  begin(first: number, length: number, maskBit: number): number {
    return writeHeader(this.reserve(MAX_HEADER + length), this.end, first, length, maskBit);
  }

  /** Writes a frame whose payload is referred to: its owner leaves it as it is until it has been written. */
  lend(first: number, payload: Uint8Array): void {
    const bytes = this.reserve(MAX_HEADER);
    this.end = writeHeader(bytes, this.end, first, payload.length, 0);
    this.append(payload);
  }

  /** Makes room for `octets` after `end`, in one piece; the caller writes there and moves `end`. */
  reserve(octets: number): Uint8Array {
    const { bytes } = this;
    if (bytes !== undefined && this.end + octets <= this.limit) return bytes;
    return this.grow(octets);
  }

  /** Adds a chunk by reference: its owner leaves it as it is until it has been written. */
  append(chunk: Uint8Array): void {
    this.closeBatch();
    (this.chunks ??= []).push(chunk);
    this.chunkOctets += chunk.length;
  }

  /** Empties the queue: the chunks to write, in order; one where they are many and short. */
  take(): Uint8Array[] {
    this.closeBatch();
    const { chunks = [], chunkOctets } = this;
    const taken = chunks.length > 1 && chunkOctets <= JOIN_UP_TO ? [this.join(chunks, chunkOctets)] : chunks;
    this.chunks = undefined;
    this.chunkOctets = 0;
    this.memory.note(taken.length === 1 ? taken[0] : undefined);
    return taken;
  }

  /** As `take`, where all that waits is one open batch: a view of it, or undefined when there is more than that. */
  takeSingle(): Uint8Array | undefined {
    if (this.chunks !== undefined || this.bytes === undefined) return undefined;
    const batch = this.takeBatch();
    this.memory.note(batch);
    return batch;
  }

  /** Makes way for another connection: the open batch becomes a chunk or, where one waits already, goes to memory of its own. */
  moveOut(): void {
    if (this.chunks === undefined) this.closeBatch();
    // Whoever is a slab's tenant has an open batch.
    else this.moveTo(this.bytes!, Math.max(PRIVATE_LENGTH, 2 * (this.end - this.start)));
  }

  /** One chunk of all, since a write of many costs more than copying them. */
  private join(chunks: Uint8Array[], octets: number): Uint8Array {
    const slab = this.memory.room(octets);
    const start = slab.at;
    for (const chunk of chunks) {
      // A chunk whose owner has detached it has no bytes left, and cannot be copied.
      if (chunk.length > 0) slab.bytes.set(chunk, slab.at);
      slab.at += chunk.length;
    }
    return this.memory.values.view(slab.bytes.buffer, slab.bytes.byteOffset + start, slab.at - start);
  }

  private closeBatch(): void {
    if (this.bytes === undefined) return;
    const chunk = this.takeBatch();
    if (chunk.length === 0) return;
    (this.chunks ??= []).push(chunk);
    this.chunkOctets += chunk.length;
  }

  /** The open batch, in memory that stays as it is. */
  private takeBatch(): Uint8Array {
    const { start, end, home, memory } = this;
    const { values } = memory;
    const bytes = this.bytes!;
    const length = end - start;
    const isTenant = home.tenant === this;
    let chunk: Uint8Array;
    if (isTenant && home === memory.stage) {
      // Memory may be refused: the batch is masked, and given up, only after that.
      const slab = memory.room(length);
      chunk = values.view(slab.bytes.buffer, slab.bytes.byteOffset + slab.at, length);
      memory.kernels.maskFrames(start, end);
      chunk.set(bytes.subarray(start, end));
      slab.at += length;
    } else {
      chunk = values.view(bytes.buffer, bytes.byteOffset + start, length);
      if (isTenant) home.at = end;
    }
    if (isTenant) home.tenant = undefined;
    this.bytes = undefined;
    this.start = this.end = this.limit = 0;
    return chunk;
  }

  private grow(octets: number): Uint8Array {
    if (this.bytes !== undefined) {
      return this.moveTo(this.bytes, 2 * (this.end - this.start + octets));
    }
    const { home, memory } = this;
    if (home === memory.slab ? octets <= SLAB_LENGTH && memory.room(octets) : home.clear(octets)) {
      home.tenant = this;
      this.start = this.end = home.at;
      this.limit = home.end;
      return (this.bytes = home.bytes);
    }
    this.bytes = this.memory.values.allocate(octets);
    this.limit = octets;
    return this.bytes;
  }

  /** Moves the open batch, which lies in `bytes`, to memory of its own. */
  private moveTo(bytes: Uint8Array, capacity: number): Uint8Array {
    const { start, end, home, memory } = this;
    const own = memory.values.allocate(capacity);
    if (home.tenant === this && home === memory.stage) memory.kernels.maskFrames(start, end);
    own.set(bytes.subarray(start, end));
    if (home.tenant === this) home.tenant = undefined;
    this.start = 0;
    this.end = end - start;
    this.limit = capacity;
    return (this.bytes = own);
  }
}
