// Chunks of octets -> a cursor over the frames in them, one kernel call a chunk (RFC 6455 5).
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels, Tenant } from '../kernels/kernels.js';
import { Queue } from '../queue.js';
import { Opcode, Role } from '../spec/frame.js';
import {
  PHASE_HEADER,
  PHASE_STOPPED,
  RECORD_ASCII,
  RECORD_COMPRESSED,
  RECORD_END,
  RECORD_EXTRA,
  RECORD_FIN,
  RECORD_KIND,
  RECORD_LENGTH,
  RECORD_OFFSET,
  RECORD_OPCODE,
  RECORD_RSV,
  RECORD_RSV_SHIFT,
  RECORD_START,
  RECORD_TEXT,
  RECORD_UNCHECKED,
  RECORD_VIOLATION,
  RECORD_WHOLE,
  RECORD_WORDS,
  SCAN_LEAVE_LONG_TEXT,
  SCAN_RSV,
  SCAN_SERVER,
  SCAN_SKIP_UTF8,
  STATE_HELD,
  STATE_MESSAGE,
  STATE_PHASE,
  STATE_RECORDS,
  STATE_REMAINING,
  STATE_WORDS,
} from '../spec/record.js';
import { Violation } from '../spec/violation.js';
import { plainValues, type Values } from '../values/values.js';
import type { Traffic } from './statistics.js';
import { TextWindow } from './text-window.js';

export interface FrameDecoderOptions {
  /** Which end of the connection decodes: a server expects masked frames, a client unmasked ones. */
  readonly role: Role;
  /** RSV bits that an extension has claimed, in their places on the wire (RSV1 = 0x40). Default 0. */
  readonly rsv?: number;
  /** The longest message, in octets, counted over its fragments; 0 or absent for no limit. */
  readonly maxPayload?: number;
  /** Leave text unvalidated. */
  readonly skipUtf8?: boolean;
  /** Whether text is asked for by `text()`, so that it is made of many messages at once; default false. */
  readonly strings?: boolean;
  readonly kernels?: Kernels;
  readonly values?: Values;
  /** Counts of what is received, kept up once a chunk. */
  readonly traffic?: Traffic;
}

/**
 * Short payloads share memory with their neighbours in the chunk, at most this many bytes of it, so that a message that
 * the user keeps pins little else; a payload that is longer, or alone, has memory of its own.
 */
const SLAB_UP_TO = 12 * 1024;

/** A chunk that waits to be scanned from `at` on; another's, that is not `owned`, is copied before the call that brought it ends. */
interface Waiting {
  readonly chunk: Uint8Array;
  readonly at: number;
  readonly owned: boolean;
}

const NO_RECORDS = new Int32Array(0);
/** All that is left to tell after memory was refused: a violation, which is not the peer's. Nobody writes to it. */
const REFUSED = new Int32Array(RECORD_WORDS);
REFUSED[RECORD_KIND] = RECORD_VIOLATION;
REFUSED[RECORD_EXTRA] = Violation.Internal;

/** Whether a kind word is that of a whole message that has, of the bits of `mask`, only RECORD_WHOLE set. @internal */
export function isWhole(kind: number, mask: number): boolean {
  const opcode = kind & RECORD_OPCODE;
  return (kind & mask) === RECORD_WHOLE && opcode !== Opcode.Continuation && opcode < Opcode.Close;
}

/**
 * Reads frames from chunks: `push` a chunk, then `next()` until it returns false; while it returned true, the getters
 * describe one frame, or one piece of a frame that straddles chunks. It never throws for what a peer sends: the first
 * violation is reported in `violation`, after everything valid before it, and nothing follows it.
 */
export class FrameDecoder implements Tenant {
  private readonly kernels: Kernels;
  private readonly values: Values;
  private config: number;
  private maxPayload = 0;
  private readonly traffic: Traffic | undefined;
  private readonly window: TextWindow | undefined;

  /** The decoder state between chunks; undefined at a frame's border outside a message, so that idle costs nothing. */
  private saved: Int32Array | undefined;
  private stopped = false;

  /** Chunks not yet scanned, oldest first; undefined for none. */
  private waiting: Queue<Waiting> | undefined;

  /** The records of the last scan: a cursor into the kernels' table, or into a copy once another decoder scans. */
  private records: Int32Array = NO_RECORDS;
  private record = -RECORD_WORDS;
  private recordsEnd = 0;

  /**
   * Memory with payloads of this chunk and of no other: what a record has at `offset` lies at `slabShift + offset`, and
   * below `slabEnd` payloads may be views of it. Once the records were carried away, they are copies: then `slabEnd` is 0,
   * and the owner of a message can take away nothing that is still to be read.
   */
  private slab: ArrayBufferLike | undefined;
  private slabShift = 0;
  private slabEnd = 0;
  /** A chunk that was given away, scanned from `ownedAt` on: payloads go back into it once one of them is asked for. */
  private owned: Uint8Array | undefined;
  private ownedAt = 0;
  private ownedLength = 0;

  /** The current record's kind word. */
  private kind = 0;

  constructor(options: FrameDecoderOptions) {
    this.kernels = options.kernels ?? loadedKernels;
    this.values = options.values ?? plainValues;
    this.limit(options.maxPayload ?? 0);
    this.traffic = options.traffic;
    if (options.strings === true) this.window = new TextWindow(this.kernels, this.values);
    this.config =
      (options.role === Role.Server ? SCAN_SERVER : 0) |
      (options.skipUtf8 === true ? SCAN_SKIP_UTF8 : 0) |
      (this.values.isUtf8 !== undefined && options.strings !== true ? SCAN_LEAVE_LONG_TEXT : 0) |
      ((options.rsv ?? 0) & SCAN_RSV);
  }

  /** Limits the length of messages, in bytes, from the next chunk on; 0 for no limit. */
  limit(maxPayload: number): void {
    this.maxPayload = Math.min(maxPayload || Infinity, Number.MAX_SAFE_INTEGER);
  }

  /** Leaves text unvalidated, or not, from the next chunk on. */
  skipUtf8(skips: boolean): void {
    this.config = skips ? this.config | SCAN_SKIP_UTF8 : this.config & ~SCAN_SKIP_UTF8;
  }

  /** Takes in a chunk, which must stay as it is until `next()` has returned false. Payloads are copied out of it. */
  push(chunk: Uint8Array): void {
    if (this.isBusy) this.enqueueCopy(chunk, 0, chunk.length);
    else if (!this.stopped) this.scanFirst(chunk, false);
  }

  /**
   * As `push`, for a chunk that the caller gives away: where it is all of its memory, it is unmasked in place, and payloads
   * are views of it; where it is a part of larger memory, others may have the rest, and payloads are copied.
   */
  pushOwned(chunk: Uint8Array): void {
    if (this.isBusy) this.enqueue(chunk);
    else if (!this.stopped) this.scanFirst(chunk, true);
  }

  /**
   * Takes in the first `length` octets of the kernels' landing area, where a socket has put them. Before the next read
   * lands there, `next()` has returned false or `leave()` was called.
   */
  pushLanded(length: number): void {
    const { kernels } = this;
    const { landingAddress } = kernels;
    const end = landingAddress + length;
    if (this.isBusy) this.enqueueCopy(kernels.bytes, landingAddress, end);
    else if (!this.stopped) {
      const at = landingAddress + this.scanAt(landingAddress, length);
      if (at < end && !this.stopped) this.enqueueCopy(kernels.bytes, at, end);
    }
  }

  /** Moves to the next piece; false when more octets are needed. */
  next(): boolean {
    let at = this.record + RECORD_WORDS;
    if (at >= this.recordsEnd) {
      if (!this.scanWaiting()) return false;
      at = this.record + RECORD_WORDS;
    }
    this.record = at;
    this.kind = this.records[at + RECORD_KIND];
    return true;
  }

  /**
   * Moves to the next piece and returns its octets, where that is scanned already and is a whole message which `isWhole`
   * says yes to; else, and where memory was refused, it returns undefined, and `next` tells what comes. @internal
   */
  nextWhole(mask: number): Uint8Array | undefined {
    const at = this.record + RECORD_WORDS;
    if (at >= this.recordsEnd) return undefined;
    const kind = this.records[at + RECORD_KIND];
    if (!isWhole(kind, mask)) return undefined;
    this.record = at;
    this.kind = kind;
    return this.take();
  }

  /** The frame's own opcode (RFC 6455 5.2). */
  get opcode(): Opcode {
    return this.kind & RECORD_OPCODE;
  }
  /** Whether the frame is its message's last (RFC 6455 5.2). */
  get fin(): boolean {
    return (this.kind & RECORD_FIN) !== 0;
  }
  /** The frame's RSV bits, in their places on the wire. */
  get rsv(): number {
    return (this.kind & RECORD_RSV) >> RECORD_RSV_SHIFT;
  }
  /** Whether the piece begins its frame. */
  get start(): boolean {
    return (this.kind & RECORD_START) !== 0;
  }
  /** Whether the piece ends its frame. */
  get end(): boolean {
    return (this.kind & RECORD_END) !== 0;
  }
  /** Whether the frame belongs to a text message. */
  get isText(): boolean {
    return (this.kind & RECORD_TEXT) !== 0;
  }
  /** Whether all octets of this piece of text are below 0x80. */
  get isAscii(): boolean {
    return (this.kind & RECORD_ASCII) !== 0;
  }
  /** Whether the text still has to pass `values.isUtf8`, which is faster than the kernel on it. */
  get isUnchecked(): boolean {
    return (this.kind & RECORD_UNCHECKED) !== 0;
  }
  /** Whether the frame belongs to a message whose first frame had RSV1 set (RFC 7692 6). */
  get isCompressed(): boolean {
    return (this.kind & RECORD_COMPRESSED) !== 0;
  }
  /** The piece's length, in octets. */
  get length(): number {
    return this.records[this.record + RECORD_LENGTH];
  }
  /** The whole frame's length, in octets, where the piece starts it; at most 2^31 - 1 is told. */
  get frameLength(): number {
    return this.records[this.record + RECORD_EXTRA];
  }
  /** What the peer broke, if this record says so; then no other getter but `detail` has a meaning. */
  get violation(): Violation {
    return this.kind === RECORD_VIOLATION ? this.records[this.record + RECORD_EXTRA] : Violation.None;
  }
  /** The number that was wrong: an opcode or a length. */
  get detail(): number {
    return this.records[this.record + RECORD_LENGTH];
  }
  /** The kind word as it stands in the record (`spec/record.ts`). @internal */
  get kindWord(): number {
    return this.kind;
  }

  /**
   * The piece's octets, in memory that is never written again, is no part of WASM memory, and holds nothing but octets of
   * the chunk.
   * @throws RangeError where memory for them is refused; the violation of `next()` then tells so too, and nothing follows
   */
  payload(): Uint8Array {
    const payload = this.take();
    if (payload === undefined) throw new RangeError('There is no memory for the payload');
    return payload;
  }

  /** As `payload`, but undefined where memory is refused. @internal */
  take(): Uint8Array | undefined {
    const { records, record, slab } = this;
    const length = records[record + RECORD_LENGTH];
    const offset = records[record + RECORD_OFFSET];
    // A slab without octets was transferred away by the owner of a message.
    return offset + length > this.slabEnd || slab!.byteLength === 0
      ? this.takeOut(offset, length)
      : this.values.view(slab!, this.slabShift + offset, length);
  }

  /** Copies the piece's octets to `at` in `target`, which has room for them. */
  copyTo(target: Uint8Array, at: number): void {
    target.set(this.octets(), at);
  }

  /** The piece's text, which must be valid. `ascii` says that no octet is above 0x7f. @internal */
  text(ascii: boolean): string {
    const { kernels, values, records, record } = this;
    if (records !== kernels.words) {
      const octets = this.octets();
      return values.text(octets, 0, octets.length, ascii);
    }
    const shared = this.window?.text(record, this.recordsEnd);
    if (shared !== undefined) return shared;
    const offset = records[record + RECORD_OFFSET];
    return values.text(kernels.bytes, offset, offset + records[record + RECORD_LENGTH], ascii);
  }

  /** Octets of the current frame that are still to come; meaningful at the chunk's last piece. */
  get remaining(): number {
    return this.saved === undefined ? 0 : new Float64Array(this.saved.buffer)[STATE_REMAINING >>> 3];
  }

  /** Whether nothing more is read: after `stop()`, and from the chunk on that holds a violation. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** Whether the stream stands at a frame's border outside any message, with nothing left to read. */
  get isIdle(): boolean {
    return this.saved === undefined && !this.isBusy;
  }

  /** Whether pieces, or octets not yet scanned, are left to read. */
  get isBusy(): boolean {
    return this.record + RECORD_WORDS < this.recordsEnd || this.waiting !== undefined;
  }

  /** How many octets lie here unread; 0 when `isBusy` is false. */
  get unread(): number {
    let octets = 0;
    for (const { chunk, at } of this.waiting ?? []) octets += chunk.length - at;
    for (let at = this.record + RECORD_WORDS; at < this.recordsEnd; at += RECORD_WORDS) {
      if (this.records[at] !== RECORD_VIOLATION) octets += this.records[at + RECORD_LENGTH];
    }
    return octets;
  }

  /** Drops everything unread and reads nothing more. */
  stop(): void {
    this.stopped = true;
    this.saved = undefined;
    this.waiting = undefined;
    this.forget();
  }

  /**
   * Carries what is unread out of the kernels' memory and out of the caller's chunk. A decoder does so by itself when
   * another one scans; the owner of a chunk calls it before it reuses the chunk's memory.
   */
  leave(): void {
    try {
      this.carryAway();
    } catch {
      // There is no memory for what is unread. Another connection may be the one that scans: it gets no error of this one.
      this.refuse();
    }
  }

  private carryAway(): void {
    const { kernels, waiting } = this;
    // Only the chunk that was being scanned can be somebody else's.
    const first = waiting?.first;
    if (waiting !== undefined && first?.owned === false) {
      waiting.replaceFirst({ chunk: new Uint8Array(first.chunk.subarray(first.at)), at: 0, owned: true });
    }
    if (this.records !== kernels.words) return;
    // The current record stays the current one, so that its payload can still be asked for.
    const current = this.record >= kernels.recordsAddress >>> 2;
    const from = current ? this.record : this.record + RECORD_WORDS;
    if (from === this.recordsEnd) {
      // The chunk was all header, not yet whole: it lies in the saved state.
      this.forget();
      return;
    }
    this.records = kernels.words.slice(from, this.recordsEnd);
    this.recordsEnd -= from;
    this.record = current ? 0 : -RECORD_WORDS;
    const last = this.recordsEnd - RECORD_WORDS;
    const start = this.records[RECORD_OFFSET];
    const end =
      this.records[last + RECORD_OFFSET] +
      (this.records[last] === RECORD_VIOLATION ? 0 : this.records[last + RECORD_LENGTH]);
    if (this.owned === undefined) this.copyToSlab(start, end);
    else this.giveBack();
    this.slabEnd = 0;
    kernels.tenant = undefined;
  }

  private enqueueCopy(source: Uint8Array, start: number, end: number): void {
    try {
      // `new Uint8Array` copies, where a Buffer's `slice` would not.
      this.enqueue(new Uint8Array(source.subarray(start, end)));
    } catch {
      this.refuse();
    }
  }

  /** Memory was refused: drops everything unread, and has `next` tell of it (RFC 6455 7.4.1, code 1011). */
  private refuse(): void {
    this.stop();
    this.records = REFUSED;
    this.recordsEnd = RECORD_WORDS;
  }

  private enqueue(chunk: Uint8Array): void {
    if (this.stopped || chunk.length === 0) return;
    this.wait({ chunk, at: 0, owned: true });
  }

  private wait(waiting: Waiting): void {
    (this.waiting ??= new Queue()).push(waiting);
  }

  /** Scans what nothing waits before. */
  private scanFirst(chunk: Uint8Array, owned: boolean): void {
    const consumed = this.scan(chunk, 0, owned);
    if (consumed < chunk.length && !this.stopped) this.wait({ chunk, at: consumed, owned });
  }

  /** Scans what waits; whether that brought a record. */
  private scanWaiting(): boolean {
    while (this.waiting !== undefined) {
      const { waiting } = this;
      const { chunk, at, owned } = waiting.first!;
      const consumed = this.scan(chunk, at, owned);
      if (at + consumed < chunk.length) waiting.replaceFirst({ chunk, at: at + consumed, owned });
      else waiting.shift();
      if (waiting.length === 0) this.waiting = undefined;
      if (this.recordsEnd > this.record + RECORD_WORDS) return true;
    }
    this.forget();
    return false;
  }

  /** Scans one window of `chunk`, from `at` on, and returns how many bytes of it were taken in. */
  private scan(chunk: Uint8Array, at: number, owned: boolean): number {
    const { kernels } = this;
    const { arenaAddress, arenaLength, bytes } = kernels;
    const available = chunk.length - at;
    if (kernels.tenant !== this && kernels.tenant !== undefined) kernels.tenant.leave();
    const length = Math.min(available, arenaLength);
    bytes.set(at === 0 && length === available ? chunk : chunk.subarray(at, at + length), arenaAddress);
    const consumed = this.scanAt(arenaAddress, length);
    if (owned && length > 0 && chunk.length === chunk.buffer.byteLength) {
      this.owned = chunk;
      this.ownedAt = at;
      this.ownedLength = consumed;
    }
    return consumed;
  }

  /** Lets the kernel walk `length` octets of its memory, and returns how many it took in. */
  private scanAt(address: number, length: number): number {
    const { kernels } = this;
    const { words, stateAddress, recordsAddress } = kernels;
    const state = stateAddress >>> 2;
    if (kernels.tenant !== this) {
      kernels.tenant?.leave();
      kernels.tenant = this;
    }
    if (this.saved !== undefined) words.set(this.saved, state);
    else {
      words[state + (STATE_PHASE >>> 2)] = PHASE_HEADER;
      words[state + (STATE_HELD >>> 2)] = 0;
      words[state + (STATE_MESSAGE >>> 2)] = 0;
    }
    this.letSlabGo();
    this.records = words;
    const first = recordsAddress >>> 2;
    let consumed = length;
    try {
      consumed = kernels.scanFrames(address, address + length, this.config, this.maxPayload) - address;
    } catch {
      // A trap ends this connection only (RFC 6455 7.4.1, code 1011): kernels remember nothing.
      words[first + RECORD_KIND] = RECORD_VIOLATION;
      words[first + RECORD_EXTRA] = Violation.Internal;
      words[state + (STATE_RECORDS >>> 2)] = 1;
      words[state + (STATE_PHASE >>> 2)] = PHASE_STOPPED;
    }
    this.record = first - RECORD_WORDS;
    this.recordsEnd = first + words[state + (STATE_RECORDS >>> 2)] * RECORD_WORDS;
    const phase = words[state + (STATE_PHASE >>> 2)];
    if (phase === PHASE_STOPPED) {
      this.stopped = true;
      this.waiting = undefined;
    }
    if (
      phase !== PHASE_HEADER ||
      words[state + (STATE_HELD >>> 2)] !== 0 ||
      words[state + (STATE_MESSAGE >>> 2)] !== 0
    ) {
      this.save(words.subarray(state, state + STATE_WORDS));
    } else {
      this.saved = undefined;
    }
    if (this.traffic !== undefined) this.count(this.traffic);
    return consumed;
  }

  private save(state: Int32Array): void {
    try {
      if (this.saved === undefined) this.saved = state.slice();
      else this.saved.set(state);
    } catch {
      this.refuse();
    }
  }

  private count(traffic: Traffic): void {
    const { words } = this.kernels;
    for (let at = this.record + RECORD_WORDS; at < this.recordsEnd; at += RECORD_WORDS) {
      const kind = words[at + RECORD_KIND];
      if (kind === RECORD_VIOLATION) return;
      traffic.octets += words[at + RECORD_LENGTH];
      if (kind & RECORD_START) traffic.frames[kind & RECORD_OPCODE]++;
      if (kind & RECORD_END && kind & RECORD_FIN && (kind & RECORD_OPCODE) < Opcode.Close) traffic.messages++;
    }
  }

  /** The octets in memory of their own or, in a slab from now on, with neighbours; undefined where memory is refused. */
  private takeOut(offset: number, length: number): Uint8Array | undefined {
    const { values, records, record, kernels } = this;
    try {
      if (this.owned !== undefined) this.giveBack();
      else if (records !== kernels.words || length > SLAB_UP_TO || record + RECORD_WORDS === this.recordsEnd) {
        const own = values.allocate(length);
        own.set(this.octets());
        return own;
      } else this.copyToSlab(offset, this.slabBorder(offset));
      return values.view(this.slab!, this.slabShift + offset, length);
    } catch {
      this.refuse();
      return undefined;
    }
  }

  /** Where a slab ends that begins at `offset`, with the current payload: behind as many whole ones as it takes. */
  private slabBorder(offset: number): number {
    const { words } = this.kernels;
    let at = this.recordsEnd - RECORD_WORDS;
    if (words[at] === RECORD_VIOLATION) at -= RECORD_WORDS;
    let end = words[at + RECORD_OFFSET] + words[at + RECORD_LENGTH];
    if (end - offset <= SLAB_UP_TO) return end;
    for (at = this.record; ; at += RECORD_WORDS) {
      const stop = words[at + RECORD_OFFSET] + words[at + RECORD_LENGTH];
      if (stop - offset > SLAB_UP_TO) return end;
      end = stop;
    }
  }

  /** Copies [offset, end) out of the kernels' memory in one go. */
  private copyToSlab(offset: number, end: number): void {
    const slab = this.values.allocate(end - offset);
    slab.set(this.kernels.bytes.subarray(offset, end));
    this.slab = slab.buffer;
    this.slabShift = slab.byteOffset - offset;
    this.slabEnd = end;
  }

  /** Puts what was unmasked back into the chunk that it came in. */
  private giveBack(): void {
    const { ownedAt, kernels } = this;
    const { arenaAddress } = kernels;
    const chunk = this.owned!;
    const end = arenaAddress + this.ownedLength;
    if (this.config & SCAN_SERVER) chunk.set(kernels.bytes.subarray(arenaAddress, end), ownedAt);
    this.slab = chunk.buffer;
    this.slabShift = chunk.byteOffset + ownedAt - arenaAddress;
    this.slabEnd = end;
    this.owned = undefined;
  }

  /** The piece's octets where they lie. */
  private octets(): Uint8Array {
    const { slab, slabShift, records, record } = this;
    const length = records[record + RECORD_LENGTH];
    const offset = records[record + RECORD_OFFSET];
    if (records !== this.kernels.words) return new Uint8Array(slab!, slabShift + offset, length);
    return this.kernels.bytes.subarray(offset, offset + length);
  }

  private letSlabGo(): void {
    this.slab = undefined;
    this.owned = undefined;
    this.slabEnd = 0;
    this.window?.close();
  }

  private forget(): void {
    this.records = NO_RECORDS;
    this.record = -RECORD_WORDS;
    this.recordsEnd = 0;
    this.letSlabGo();
    if (this.kernels.tenant === this) this.kernels.tenant = undefined;
  }
}
