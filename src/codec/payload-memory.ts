// `PayloadMemory` is the memory that the payloads of one chunk are viewed from, outside the kernels' memory.
import type { Kernels } from '../kernels/kernels.js';
import { RECORD_LENGTH, RECORD_OFFSET, RECORD_VIOLATION, RECORD_WORDS } from '../spec/record.js';
import type { Values } from '../values/values.js';

/**
 * Short payloads share memory with their neighbours in the chunk, at most this many bytes, so that a message that the
 * user keeps pins little else; a longer payload, or one without neighbours, has memory of its own.
 */
const SLAB_UP_TO = 12 * 1024;

/** Up to this many bytes are copied sooner one by one than with a view of them. */
const BY_ONE = 32;

/** Memory for payloads: a slab that they are copied to, or a chunk that was given away and gets them back unmasked. */
export class PayloadMemory {
  /**
   * Memory with payloads of this chunk only: a record's payload at `offset` is at `shift + offset`, and payloads below
   * `end` may be views of it. Once the records were copied out, payloads are copies, and `end` is 0: the owner of a
   * message cannot detach anything unread.
   */
  private memory: ArrayBufferLike | undefined;
  /** The same memory: the engine reads the length of a view without a call, that of an ArrayBuffer with one. */
  private slab: Uint8Array | undefined;
  private shift = 0;
  private end = 0;
  /** A chunk that was given away, scanned from `ownedAt` on: payloads return to it once one of them is asked for. */
  private owned: Uint8Array | undefined;
  private ownedAt = 0;
  private ownedLength = 0;

  /** @param isMasked whether payloads are unmasked, so that an owned chunk has to be rewritten */
  constructor(
    private readonly values: Values,
    private readonly kernels: Kernels,
    private readonly isMasked: boolean,
  ) {}

  /** The payload at `offset`, where it is in the slab; else undefined. */
  view(offset: number, length: number): Uint8Array | undefined {
    // A slab without bytes was transferred by the owner of a message.
    if (offset + length > this.end || this.slab!.length === 0) return undefined;
    return this.values.view(this.memory!, this.shift + offset, length);
  }

  /**
   * Takes over a chunk that was given away, of which `length` bytes from `at` on lie in the arena, if these are its last and
   * it fills memory of a fixed length: the owner of a message may detach or resize that.
   */
  own(chunk: Uint8Array, at: number, length: number): void {
    const { buffer } = chunk;
    if (at + length < chunk.length || chunk.length !== buffer.byteLength || isResizable(buffer)) return;
    this.owned = chunk;
    this.ownedAt = at;
    this.ownedLength = length;
  }

  /**
   * The payload of `record`, of records up to `recordsEnd`, in memory of its own or in a new slab with its neighbours.
   * @throws RangeError where memory is refused
   */
  takeOut(records: Int32Array, record: number, recordsEnd: number): Uint8Array {
    const { kernels, values } = this;
    const offset = records[record + RECORD_OFFSET];
    const length = records[record + RECORD_LENGTH];
    if (this.owned !== undefined) this.giveBack();
    else if (records !== kernels.words || length > SLAB_UP_TO || record + RECORD_WORDS === recordsEnd) {
      const own = values.allocate(length);
      own.set(this.bytes(records, record));
      return own;
    } else this.copy(offset, slabBorder(records, record, recordsEnd));
    return values.view(this.memory!, this.shift + offset, length);
  }

  /** The payload of `record` in place: in the kernels' memory, or here once it was copied out. */
  bytes(records: Int32Array, record: number): Uint8Array {
    const offset = records[record + RECORD_OFFSET];
    const length = records[record + RECORD_LENGTH];
    if (records !== this.kernels.words) return new Uint8Array(this.memory!, this.shift + offset, length);
    return this.kernels.bytes.subarray(offset, offset + length);
  }

  /** Copies the payload of `record` to `at` in `target`, which must have room for it. */
  copyTo(records: Int32Array, record: number, target: Uint8Array, at: number): void {
    const length = records[record + RECORD_LENGTH];
    if (records !== this.kernels.words || length > BY_ONE) return target.set(this.bytes(records, record), at);
    const { bytes } = this.kernels;
    const offset = records[record + RECORD_OFFSET];
    for (let index = 0; index < length; index++) target[at + index] = bytes[offset + index];
  }

  /** Copies [start, end) out of the kernels' memory; payloads are copies from then on. */
  carryOut(start: number, end: number): void {
    if (this.owned === undefined) this.copy(start, end);
    else this.giveBack();
    this.end = 0;
  }

  /** Drops the chunk. */
  letGo(): void {
    this.memory = undefined;
    this.slab = undefined;
    this.owned = undefined;
    this.end = 0;
  }

  /** Copies [offset, end) out of the kernels' memory in one go. */
  private copy(offset: number, end: number): void {
    const slab = this.values.allocate(end - offset);
    slab.set(this.kernels.bytes.subarray(offset, end));
    this.slab = slab;
    this.memory = slab.buffer;
    this.shift = slab.byteOffset - offset;
    this.end = end;
  }

  /** Writes unmasked bytes back to the chunk that they came in. */
  private giveBack(): void {
    const { ownedAt, kernels } = this;
    const { arenaAddress } = kernels;
    const chunk = this.owned!;
    const end = arenaAddress + this.ownedLength;
    if (this.isMasked) chunk.set(kernels.bytes.subarray(arenaAddress, end), ownedAt);
    this.slab = chunk;
    this.memory = chunk.buffer;
    this.shift = chunk.byteOffset + ownedAt - arenaAddress;
    this.end = end;
    this.owned = undefined;
  }
}

/** Whether a view of `memory` may change its length: V8 11 finds a wrong length where it has met such a view. */
function isResizable(memory: ArrayBufferLike): boolean {
  const flexible = memory as { resizable?: boolean; growable?: boolean };
  // Memory that is not shared has `resizable` alone, and looking for the other takes longer.
  return (flexible.resizable ?? flexible.growable) === true;
}

/** The end of a slab that starts with the payload of `record`, after as many whole payloads as fit. */
function slabBorder(records: Int32Array, record: number, recordsEnd: number): number {
  const offset = records[record + RECORD_OFFSET];
  let at = recordsEnd - RECORD_WORDS;
  if (records[at] === RECORD_VIOLATION) at -= RECORD_WORDS;
  let end = records[at + RECORD_OFFSET] + records[at + RECORD_LENGTH];
  if (end - offset <= SLAB_UP_TO) return end;
  for (at = record; ; at += RECORD_WORDS) {
    const stop = records[at + RECORD_OFFSET] + records[at + RECORD_LENGTH];
    if (stop - offset > SLAB_UP_TO) return end;
    end = stop;
  }
}
