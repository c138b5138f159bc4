// `FrameDecoder` turns chunks of bytes into a cursor over the frames in them, one kernel call a chunk (RFC 6455 5).
import { UsageError } from '../errors/usage-error.js';
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels, Tenant } from '../kernels/kernels.js';
import { Queue } from '../queue.js';
import { Opcode, Role } from '../spec/frame.js';
import {
  RECORD_EXTRA,
  RECORD_KIND,
  RECORD_LENGTH,
  RECORD_OFFSET,
  RECORD_OPCODE,
  RECORD_WHOLE,
  RECORD_WORDS,
  SCAN_LEAVE_LONG_TEXT,
  SCAN_SERVER,
  SCAN_SKIP_UTF8,
} from '../spec/record.js';
import { toBytes, toChunk } from '../values/bytes.js';
import { plainValues, type Values } from '../values/values.js';
import { checkCodecOptions, checkRole, checkRsv } from './checks.js';
import { FrameCursor } from './frame-cursor.js';
import { NeutralScan, type FrameHeader } from './neutral-scan.js';
import { PayloadMemory } from './payload-memory.js';
import { countRecords, Scan } from './scan.js';
import type { Traffic } from './statistics.js';
import { TextWindow } from './text-window.js';

export interface FrameDecoderOptions {
  /** The end of the connection that decodes: a server expects masked frames, a client unmasked ones. */
  readonly role: Role;
  /** RSV bits that an extension has claimed, in their places on the wire (RSV1 = 0x40). Default 0. */
  readonly rsv?: number | undefined;
  /** The longest message, in bytes, counted over its fragments; 0 or absent for no limit. */
  readonly maxPayload?: number | undefined;
  /** Skip the UTF-8 validation of text. */
  readonly skipUtf8?: boolean | undefined;
  /** Whether the owner calls `text()`, so that one string is made for many messages; default false. */
  readonly strings?: boolean | undefined;
  /**
   * Whether to judge frames; default true. A tap or a proxy passes false: the decoder then reads frames of both roles,
   * reserved opcodes, any RSV bits and non-minimal lengths, and continues past a Close or a violation. It unmasks masked
   * frames, validates no text, has no limits, and provides each frame's `header`.
   */
  readonly judge?: boolean | undefined;
  readonly kernels?: Kernels | undefined;
  readonly values?: Values | undefined;
  /** Counts of received frames, updated once a chunk. */
  readonly traffic?: Traffic | undefined;
}

/** A chunk that waits to be scanned from `at` on; one that is not `owned` is copied before the call that passed it ends. */
interface Waiting {
  readonly chunk: Uint8Array;
  readonly at: number;
  readonly owned: boolean;
}

/** Whether a kind word is that of a whole message: RECORD_WHOLE is the only bit of `mask` that it has set. @internal */
export function isWhole(kind: number, mask: number): boolean {
  const opcode = kind & RECORD_OPCODE;
  return (kind & mask) === RECORD_WHOLE && opcode !== Opcode.Continuation && opcode < Opcode.Close;
}

/** Copies what is left of the first chunk, the one being scanned: only it can belong to the caller. */
function ownFirst(waiting: Queue<Waiting>): void {
  const { chunk, at, owned } = waiting.first!;
  if (!owned) waiting.replaceFirst({ chunk: new Uint8Array(chunk.subarray(at)), at: 0, owned: true });
}

/** The `SCAN_*` flags of a decoder that leaves long text to the platform, or not. Throws UsageError for a wrong role or RSV bit. */
function configOf({ role, skipUtf8, rsv = 0 }: FrameDecoderOptions, leavesText: boolean): number {
  checkRole(role);
  checkRsv(rsv);
  return (
    (role === Role.Server ? SCAN_SERVER : 0) |
    (skipUtf8 === true ? SCAN_SKIP_UTF8 : 0) |
    (leavesText ? SCAN_LEAVE_LONG_TEXT : 0) |
    rsv
  );
}

/** Throws UsageError unless `length` is a whole number from 0 to `limit`. */
function checkLanded(length: number, limit: number): void {
  if (length >>> 0 !== length || length > limit) {
    throw new UsageError(`At most ${limit} bytes can have landed, not ${length}`);
  }
}

/**
 * Reads frames from chunks: `push` a chunk, then call `next()` until it returns false; after each true, the getters
 * describe one frame, or one piece of a frame that spans chunks. It never throws for bytes of a peer: `violation` reports
 * the first violation, after everything valid before it, and nothing follows.
 */
export class FrameDecoder extends FrameCursor implements Tenant {
  private readonly kernels: Kernels;
  private readonly values: Values;
  private readonly traffic: Traffic | undefined;
  private readonly window: TextWindow | undefined;
  private readonly scanner: Scan;
  /** The same scanner, where it does not judge. */
  private readonly neutral: NeutralScan | undefined;
  /** Memory for payloads that leave the kernels' memory, from the first one on. */
  private memory: PayloadMemory | undefined;
  /** Chunks not yet scanned, oldest first; undefined for none. */
  private waiting: Queue<Waiting> | undefined;

  constructor(options: FrameDecoderOptions) {
    super();
    checkCodecOptions(options);
    const { kernels = loadedKernels, values = plainValues, strings = false, judge, maxPayload = 0 } = options;
    this.kernels = kernels;
    this.values = values;
    this.traffic = options.traffic;
    if (strings) this.window = new TextWindow(kernels, values);
    const config = configOf(options, values.isUtf8 !== undefined && !strings);
    if (judge === false) this.neutral = new NeutralScan(kernels, config, maxPayload);
    this.scanner = this.neutral ?? new Scan(kernels, config, maxPayload);
  }

  /** Limits the length of messages, in bytes, from the next chunk on; 0 for no limit. */
  limit(maxPayload: number): void {
    this.scanner.limit(maxPayload);
  }

  /** Turns the validation of text off or on, from the next chunk on. */
  skipUtf8(skips: boolean): void {
    this.scanner.skipUtf8(skips);
  }

  /** Takes in a chunk, unchanged until `next()` returns false; payloads are copied. Throws UsageError for no bytes. */
  push(chunk: Uint8Array): void {
    const bytes = toChunk(chunk);
    if (this.isBusy) this.enqueueCopy(bytes, 0, bytes.length);
    else if (!this.isStopped) this.scanFirst(bytes, false);
  }

  /**
   * As `push`, for a chunk that the caller gives away: it may be unmasked in place, and payloads may be views of it, where
   * it fills memory of a fixed length; in a part of larger memory, payloads are copied. Throws as `push`.
   */
  pushOwned(chunk: Uint8Array): void {
    if (this.isBusy) this.enqueue(toChunk(chunk));
    else if (!this.isStopped) this.scanFirst(toChunk(chunk), true);
  }

  /**
   * Takes in the first `length` bytes of the kernels' landing area, which a socket has read. Before the next read
   * lands there, `next()` must have returned false or `leave()` been called.
   * @throws UsageError when `length` is longer than that area, or not a whole number
   */
  pushLanded(length: number): void {
    const { landingAddress, landingLength, bytes } = this.kernels;
    checkLanded(length, landingLength);
    const end = landingAddress + length;
    if (this.isBusy) this.enqueueCopy(bytes, landingAddress, end);
    else if (!this.isStopped) {
      const at = landingAddress + this.scanAt(landingAddress, length);
      if (at < end && !this.isStopped) this.enqueueCopy(bytes, at, end);
    }
  }

  /** Moves to the next piece; false when more bytes are needed. */
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
   * Moves to the next piece and returns its bytes, where it has been scanned already and is a whole message which `isWhole`
   * says yes to; else, and where memory was refused, it returns undefined, and `next` tells the event. @internal
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

  /** The header of the frame, as it was on the wire, where `judge` is false; else undefined. */
  get header(): FrameHeader | undefined {
    return this.hasPiece ? this.neutral?.headers[this.records[this.record + RECORD_EXTRA]] : undefined;
  }

  /**
   * The piece's bytes, in memory that is never written again, is not WASM memory, and holds only bytes of the chunk; none
   * where there is no piece, as at a violation.
   * @throws RangeError where memory for them is refused; `next()` then reports that as a violation, and nothing follows
   */
  payload(): Uint8Array {
    const payload = this.hasPiece ? this.take() : this.values.allocate(0);
    if (payload === undefined) throw new RangeError('There is no memory for the payload');
    return payload;
  }

  /** As `payload`, where there is a piece, but undefined where memory is refused. @internal */
  take(): Uint8Array | undefined {
    const { records, record } = this;
    const seen = this.memory?.view(records[record + RECORD_OFFSET], records[record + RECORD_LENGTH]);
    return seen ?? this.takeOut();
  }

  private takeOut(): Uint8Array | undefined {
    try {
      return this.outside().takeOut(this.records, this.record, this.recordsEnd);
    } catch {
      this.refuse();
      return undefined;
    }
  }

  /** Copies the piece's bytes to `at` in `target`. Throws RangeError, before it copies any, where there is no room. */
  copyTo(target: Uint8Array, at: number): void {
    if (this.hasPiece) toBytes(target).set(this.outside().bytes(this.records, this.record), at);
  }

  /** As `copyTo`, where there is a piece and room for it. @internal */
  takeTo(target: Uint8Array, at: number): void {
    this.outside().copyTo(this.records, this.record, target, at);
  }

  /** The piece's text, which must be valid. With `ascii`, no byte is above 0x7f. @internal */
  text(ascii: boolean): string {
    const { window, records, record } = this;
    if (window !== undefined && records === this.kernels.words) return window.text(record, this.recordsEnd, ascii);
    const bytes = this.outside().bytes(records, record);
    return this.values.text(bytes, 0, bytes.length, ascii);
  }

  /** The piece's text, where one string was made of it and its neighbours already. @internal */
  sharedText(): string | undefined {
    return this.window?.slice(this.record);
  }

  override get remaining(): number {
    return this.scanner.remaining;
  }

  /** Whether reading has ended: after `stop()`, and from a chunk with a violation on. */
  get isStopped(): boolean {
    return this.scanner.isStopped;
  }

  /** Whether the stream is between frames and outside any message, with nothing left to read. */
  get isIdle(): boolean {
    return this.scanner.isBetween && !this.isBusy;
  }

  /** Whether pieces, or bytes not yet scanned, are left to read. */
  get isBusy(): boolean {
    return this.record + RECORD_WORDS < this.recordsEnd || this.waiting !== undefined;
  }

  /** The number of unread bytes; 0 when `isBusy` is false. */
  get unread(): number {
    let bytes = this.unreadRecords;
    for (const { chunk, at } of this.waiting ?? []) bytes += chunk.length - at;
    return bytes;
  }

  /** Drops everything unread and reads nothing more. */
  stop(): void {
    this.scanner.stop();
    this.waiting = undefined;
    this.forget();
  }

  /**
   * Copies unread bytes out of the kernels' memory and out of the caller's chunk. A decoder does so by itself when
   * another one scans; the owner of a chunk calls it before reusing the chunk's memory.
   */
  leave(): void {
    try {
      this.carryAway();
    } catch {
      // Memory for the unread bytes is refused. Another connection's scan may have called, which must not get this error.
      this.refuse();
    }
  }

  private carryAway(): void {
    const { kernels } = this;
    if (this.waiting !== undefined) ownFirst(this.waiting);
    if (this.records !== kernels.words) return;
    // The current record stays current, so that its payload can still be read.
    const span = this.carryRecords(kernels.words, this.record >= this.firstRecord);
    // Without a record the chunk was part of a header, which the saved state holds.
    if (span === undefined) return this.forget();
    this.outside().carryOut(span[0], span[1]);
    this.window?.close();
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

  /** Memory was refused: drops everything unread, and makes `next` report it (RFC 6455 7.4.1, code 1011). */
  private refuse(): void {
    this.stop();
    this.readNothing(true);
  }

  private enqueue(chunk: Uint8Array): void {
    if (this.isStopped || chunk.length === 0) return;
    this.wait({ chunk, at: 0, owned: true });
  }

  private wait(waiting: Waiting): void {
    (this.waiting ??= new Queue()).push(waiting);
  }

  /** Scans a chunk when no other waits before it. */
  private scanFirst(chunk: Uint8Array, owned: boolean): void {
    const consumed = this.scan(chunk, 0, owned);
    if (consumed < chunk.length && !this.isStopped) this.wait({ chunk, at: consumed, owned });
  }

  /** Scans the waiting chunks; returns whether that made a record. */
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

  /** Scans one window of `chunk`, from `at` on, and returns how many bytes it consumed. */
  private scan(chunk: Uint8Array, at: number, owned: boolean): number {
    const { kernels } = this;
    const { arenaAddress, arenaLength, bytes } = kernels;
    const available = chunk.length - at;
    if (kernels.tenant !== this && kernels.tenant !== undefined) kernels.tenant.leave();
    const length = Math.min(available, arenaLength);
    bytes.set(at === 0 && length === available ? chunk : chunk.subarray(at, at + length), arenaAddress);
    const consumed = this.scanAt(arenaAddress, length);
    if (owned && length > 0) this.outside().own(chunk, at, consumed);
    return consumed;
  }

  /** Makes the kernel walk `length` bytes of its memory, and returns how many it consumed. */
  private scanAt(address: number, length: number): number {
    const { kernels, scanner } = this;
    if (kernels.tenant !== this) {
      kernels.tenant?.leave();
      kernels.tenant = this;
    }
    this.memory?.letGo();
    this.window?.close();
    let consumed = length;
    try {
      consumed = scanner.run(address, length);
    } catch {
      this.refuse();
      return length;
    }
    const { firstRecord, recordsEnd } = scanner;
    this.read(kernels.words, firstRecord, recordsEnd);
    if (scanner.isStopped) this.waiting = undefined;
    if (this.traffic !== undefined) countRecords(this.traffic, kernels.words, firstRecord, recordsEnd);
    return consumed;
  }

  private outside(): PayloadMemory {
    return (this.memory ??= new PayloadMemory(this.values, this.kernels, this.scanner.unmasks));
  }

  private forget(): void {
    this.readNothing(false);
    this.memory?.letGo();
    this.window?.close();
    if (this.kernels.tenant === this) this.kernels.tenant = undefined;
  }
}
