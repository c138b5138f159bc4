// `OutMemory` lends memory for outgoing chunks, each of which holds one connection's bytes and zeros, nothing else.
import { shared } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';
import { FULL_BATCH } from '../spec/limits.js';
import type { Values } from '../values/values.js';

/** The length of the desk: a full batch fits, whatever its last frame adds. */
const DESK_LENGTH = 2 * FULL_BATCH;
/** Chunks are copied from the desk into the smallest tray that they fit; longer ones leave with the desk itself. */
const TRAY_LENGTHS = [1024, 4096, 16_384] as const;
const LONGEST_TRAY = TRAY_LENGTHS[2];
/** The most bytes of spare trays of one length. */
const SPARE_LENGTH = 64 * 1024;

/** The part of a batch that its desk uses. */
interface DeskTenant {
  /** Makes way for another connection. */
  moveOut(): void;
}

/**
 * The place where connections write batches, one at a time. It has no methods: copies of the library share one, and its code
 * would keep a copy that is let go in memory.
 */
export interface Desk {
  /** The connection whose batch lies here. */
  tenant: DeskTenant | undefined;
  bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

function makeDesk(bytes: Uint8Array, start: number, end: number): Desk {
  return { tenant: undefined, bytes, start, end };
}

/** Moves an open batch out, and returns whether `length` bytes fit now. */
export function clearDesk(desk: Desk, length: number): boolean {
  desk.tenant?.moveOut();
  return desk.start + length <= desk.end;
}

/** Memory for chunks, used again and again; bytes from `dirty` on are zero. */
export interface Tray {
  readonly bytes: Uint8Array;
  dirty: number;
}

/**
 * The memory that connections with the same values and kernels share. They write batches at a desk; a chunk is a copy of
 * its batch, or the desk itself where the batch is long, and `reuse` takes its memory back. The memory of a chunk holds
 * only that chunk and zeros, so that a stalled peer, a tool or a log shows no other connection's bytes.
 */
export class OutMemory {
  readonly desk: Desk;
  /** The desk for frames to be masked: an area of the kernels' memory. */
  readonly stage: Desk;
  /** The kernels' memory, for unaligned numbers. */
  readonly stageWords: DataView;
  private deskDirty = 0;
  /** Spare trays of each length. */
  private readonly trays: readonly Tray[][] = [[], [], []];
  /** The chunk that was made last, and its tray; the chunk that a connection took last, the only one that `reuse` accepts. */
  private made: Uint8Array | undefined;
  private tray: Tray | undefined;
  private taken: Uint8Array | undefined;
  /** Frames that many connections share, and the chunk that they make together. */
  private shared: { readonly parts: readonly Uint8Array[]; readonly joined: Uint8Array } | undefined;
  /** The number of takes. */
  takes = 0;

  constructor(
    readonly values: Values,
    readonly kernels: Kernels,
  ) {
    this.desk = makeDesk(new Uint8Array(0), 0, DESK_LENGTH);
    this.stage = stageOf(kernels);
    this.stageWords = new DataView(kernels.bytes.buffer);
  }

  /** Makes room at the desk for `length` bytes; false where they do not fit. */
  clearDesk(length: number): boolean {
    const { desk } = this;
    if (!clearDesk(desk, length)) return false;
    if (desk.bytes.length === 0) {
      desk.bytes = new Uint8Array(DESK_LENGTH);
      this.deskDirty = 0;
    }
    return true;
  }

  /** A chunk of `length` bytes for the caller to fill, in a tray or in memory of its own. */
  chunk(length: number): Uint8Array {
    this.shared = undefined;
    const index = trayIndex(length);
    if (index === NO_TRAY && this.desk.tenant === undefined && this.desk.bytes.length >= length) {
      return this.giveDesk(length);
    }
    const tray = index === NO_TRAY ? undefined : this.trays[index].pop();
    // The caller may have transferred the memory of a chunk, before it confirmed the chunk or after that.
    if (tray === undefined || tray.bytes.length === 0) {
      this.tray = undefined;
      return (this.made = this.values.view(new ArrayBuffer(length), 0, length));
    }
    if (tray.dirty > length) tray.bytes.fill(0, length, tray.dirty);
    tray.dirty = length;
    this.tray = tray;
    return (this.made = this.values.view(tray.bytes.buffer, 0, length));
  }

  /** One chunk of `length` bytes of shared frames: connections in a row that send the same frames share the chunk. */
  joinShared(parts: readonly Uint8Array[], length: number): Uint8Array {
    if (this.shared !== undefined && areSame(this.shared.parts, parts)) return this.shared.joined;
    const joined = this.values.view(new ArrayBuffer(length), 0, length);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    this.shared = { parts, joined };
    return joined;
  }

  /** The chunk of a batch that lies at the desk, [0, length). */
  leaveDesk(length: number): Uint8Array {
    this.deskDirty = Math.max(this.deskDirty, length);
    if (length > LONGEST_TRAY) return this.giveDesk(length);
    const chunk = this.chunk(length);
    chunk.set(this.desk.bytes.subarray(0, length));
    return chunk;
  }

  /** The first `length` bytes of the desk as a chunk. */
  private giveDesk(length: number): Uint8Array {
    const { desk } = this;
    const { bytes } = desk;
    if (this.deskDirty > length) bytes.fill(0, length, this.deskDirty);
    this.tray = { bytes, dirty: length };
    desk.bytes = new Uint8Array(0);
    return (this.made = this.values.view(bytes.buffer, 0, length));
  }

  /** Notes bytes that were written at the desk and left it other than by `leaveDesk`. */
  soilDesk(length: number): void {
    this.deskDirty = Math.max(this.deskDirty, length);
  }

  /** Notes the chunk that a connection has just taken. */
  note(chunk: Uint8Array | undefined): void {
    this.taken = chunk;
    this.takes++;
  }

  /** Confirms that the last taken chunk has been written and nothing refers to it: its memory can be used again. */
  reuse(chunk: Uint8Array): void {
    if (chunk !== this.taken) return;
    this.taken = undefined;
    if (chunk !== this.made) return;
    this.made = undefined;
    const { tray } = this;
    this.tray = undefined;
    const index = trayIndex(chunk.length);
    if (index === NO_TRAY) this.takeDesk(tray);
    else if (this.trays[index].length === 0) this.spare(index, tray);
  }

  /** The tray of the last taken chunk, if it has one, for an owner that will call `giveBack`, not `reuse`. */
  claim(chunk: Uint8Array): Tray | undefined {
    if (chunk !== this.taken || chunk !== this.made) return undefined;
    const { tray } = this;
    this.taken = this.made = this.tray = undefined;
    return tray;
  }

  /** Confirms that a chunk of `length` bytes has been written, whenever it was taken; `tray` comes from `claim`. */
  giveBack(length: number, tray: Tray | undefined): void {
    const index = trayIndex(length);
    if (index === NO_TRAY) this.takeDesk(tray);
    else if ((this.trays[index].length + 1) * TRAY_LENGTHS[index] <= SPARE_LENGTH) this.spare(index, tray);
  }

  /** Gives an empty desk memory: that of a long chunk that came back, or new memory. */
  private takeDesk(tray: Tray | undefined): void {
    const { desk } = this;
    if (desk.bytes.length > 0) return;
    desk.bytes = tray === undefined ? new Uint8Array(DESK_LENGTH) : tray.bytes;
    this.deskDirty = tray === undefined ? 0 : tray.dirty;
  }

  private spare(index: number, tray: Tray | undefined): void {
    this.trays[index].push(tray ?? { bytes: new Uint8Array(TRAY_LENGTHS[index]), dirty: 0 });
  }
}

function areSame(parts: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return parts.length === others.length && parts.every((part, at) => part === others[at]);
}

const NO_TRAY = 3;

/** The index of the smallest tray for `length` bytes. */
function trayIndex(length: number): number {
  if (length <= TRAY_LENGTHS[0]) return 0;
  if (length <= TRAY_LENGTHS[1]) return 1;
  return length <= LONGEST_TRAY ? 2 : NO_TRAY;
}

// Copies of the library that share kernels share the places in their memory.
const stages = shared('stages', () => new WeakMap<Kernels, Desk>());

/** The one place where frames are masked in these kernels' memory, whatever the values of those who write there. */
function stageOf(kernels: Kernels): Desk {
  let stage = stages.get(kernels);
  if (stage === undefined) {
    const { bytes, outgoingAddress, outgoingLength } = kernels;
    stages.set(kernels, (stage = makeDesk(bytes, outgoingAddress, outgoingAddress + outgoingLength)));
  }
  return stage;
}

const memories = new WeakMap<Values, WeakMap<Kernels, OutMemory>>();

/** The memory that all connections of the thread share that have these values and kernels. */
export function memoryOf(values: Values, kernels: Kernels): OutMemory {
  let byKernels = memories.get(values);
  if (byKernels === undefined) memories.set(values, (byKernels = new WeakMap()));
  let memory = byKernels.get(kernels);
  if (memory === undefined) byKernels.set(kernels, (memory = new OutMemory(values, kernels)));
  return memory;
}
