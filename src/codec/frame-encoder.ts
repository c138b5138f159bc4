// `FrameEncoder` writes frames into the connection's outgoing batch (RFC 6455 5.2), masked when the sender is a client (5.3).
import { refuse, UsageError } from '../errors/usage-error.js';
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';
import { FIN, MASK, MAX_CONTROL_PAYLOAD, MAX_HEADER, OPCODE_BITS, Opcode, Role, RSV_BITS } from '../spec/frame.js';
import { FULL_BATCH } from '../spec/limits.js';
import { toBytes, type Bytes } from '../values/bytes.js';
import { lengthIn, lengthOf } from '../values/typed-array.js';
import { plainValues, type Values } from '../values/values.js';
import { checkCodecOptions, checkRole, checkRsv } from './checks.js';
import { headerLength, writeFrameHeader, writeHeader, writeKey } from './header.js';
import { mask, maskInto } from './mask.js';
import { maskingKeys, type GenerateMask } from './masking-key.js';
import { memoryOf, type OutMemory, type Tray } from './out-memory.js';
import { Outgoing } from './outgoing.js';
import { toFrames, type Payload } from './payload.js';
import { count, countFrames, type Traffic } from './statistics.js';
import { limitOf, Withheld, type TakeOptions } from './withheld.js';

export interface FrameEncoderOptions {
  /** The end of the connection that encodes: a client masks, a server does not. */
  readonly role: Role;
  /** The source of masking keys; default: `values.random`. */
  readonly generateMask?: GenerateMask | undefined;
  /** RSV bits, in their places on the wire, that an extension has claimed on control frames too (RFC 6455 5.2). */
  readonly rsv?: number | undefined;
  /** Allow control frames that RFC 6455 forbids, for testing a peer; default false. */
  readonly unchecked?: boolean | undefined;
  readonly kernels?: Kernels | undefined;
  readonly values?: Values | undefined;
  /** Counts of the frames and bytes sent. */
  readonly traffic?: Traffic | undefined;
}

/** Text of up to this many code units is written straight into the batch; longer text is encoded separately first. */
const DIRECT_TEXT = 16 * 1024;
/** For ASCII text of up to this many code units, a loop here is cheaper than calling an encoder. */
const SHORT_TEXT = 24;
/** The bits allowed in the first byte of a data frame: opcodes from 8 on are those of control frames (RFC 6455 5.2). */
const DATA_FIRST = 0xf7;
/** Payloads of at least this length are passed on by reference where the caller lends them. */
export const LEND_FROM: number = FULL_BATCH;

/** The method that copies payloads, looked up once: the lookup is a third of a short copy where Buffers and plain arrays alternate. */
// oxlint-disable-next-line unbound-method -- it is called on its target
const { set } = Uint8Array.prototype;

/** Writes frames one after another; `take()` returns the written frames. */
export class FrameEncoder {
  private readonly traffic: Traffic | undefined;
  private readonly memory: OutMemory;
  /** The frames that were written and not taken. */
  private outgoing: Outgoing | undefined;
  /** Output that was taken but exceeded a limit. */
  private withheld: Withheld | undefined;
  /** The frame that `beginFrame` began: missing payload bytes, received payload bytes, and its key. */
  private begun: { left: number; phase: number; readonly key: number } | undefined;
  /** The memory's count of takes when this encoder last took; -1 before. */
  private takes = -1;
  /** Draws the next frame's masking key; undefined on a server. */
  private readonly drawKey: (() => number) | undefined;
  /** Whether the caller's code draws the keys. */
  private readonly hasOwnKeys: boolean;
  private readonly rsv: number;
  private readonly unchecked: boolean;
  /** Counts what decides which frame may come next: fragments, Closes and ends. @internal */
  turns = 0;
  /** Whether the caller's code makes a part of a frame now. @internal */
  isAsking = false;

  constructor(options: FrameEncoderOptions) {
    checkCodecOptions(options);
    const { role, generateMask } = options;
    checkRole(role);
    if (generateMask !== undefined && typeof generateMask !== 'function') {
      refuse('generateMask is a function', generateMask);
    }
    this.traffic = options.traffic;
    const { kernels = loadedKernels, values = plainValues } = options;
    this.memory = memoryOf(values, kernels);
    this.rsv = options.rsv ?? 0;
    checkRsv(this.rsv);
    this.unchecked = options.unchecked === true;
    this.hasOwnKeys = generateMask !== undefined;
    // RFC 6455 5.1: a client masks all frames that it sends; a server masks none.
    if (role === Role.Client) {
      const draw = maskingKeys(values, generateMask);
      this.drawKey = this.hasOwnKeys ? () => this.undisturbed(draw) : draw;
    }
  }

  /** The number of bytes that were written and not taken. */
  get length(): number {
    const { outgoing, withheld } = this;
    return (outgoing === undefined ? 0 : outgoing.length) + (withheld === undefined ? 0 : withheld.length);
  }

  /** The number of frames that were written and not taken, one that a limit has cut too. */
  get frames(): number {
    return (this.outgoing?.frames ?? 0) + (this.withheld?.frames ?? 0);
  }

  /** Whether a limit has cut the output, so that its rest begins within a frame. */
  get isCut(): boolean {
    return this.withheld !== undefined && this.withheld.isCut;
  }

  /** Whether a limit keeps output back. @internal */
  get keepsBack(): boolean {
    return this.withheld !== undefined && this.withheld.length > 0;
  }

  /** The number of payload bytes still missing from the frame that `beginFrame` began; 0 between frames. */
  get remaining(): number {
    return this.begun === undefined ? 0 : this.begun.left;
  }

  /**
   * Writes one frame. The caller chooses the bits of a data frame; a control frame must follow RFC 6455 5.5, unless the
   * option `unchecked` is set.
   * @param first the header's first byte: FIN, RSV bits and opcode (RFC 6455 5.2)
   * @param payload bytes, or text, which is sent as UTF-8
   * @param lent whether the payload may be kept by reference, not copied, until it has been written; from 64 KiB on
   * @throws UsageError, before anything is written, when an argument has a wrong type, or the control frame is forbidden
   */
  frame(first: number, payload: Payload, lent = false): void {
    // The path of nearly every frame, short enough for the engine to inline it into its caller's loop.
    if (typeof first === 'number' && (first & DATA_FIRST) === first && this.begun === undefined) {
      if (typeof payload === 'string') return this.putText(first, payload);
      const length = lent ? -1 : lengthOf(payload);
      if (length >= 0) return this.put(first, payload as Uint8Array, length, false);
    }
    this.checkedFrame(first, payload, lent);
  }

  /** As `frame`, for any arguments. */
  private checkedFrame(first: number, payload: Payload, lent: boolean): void {
    const isControl = this.isChecked(first);
    if (!isControl && typeof payload === 'string') return this.putText(first, payload);
    const bytes = typeof payload === 'string' ? this.memory.values.encode(payload) : toBytes(payload);
    if (isControl) assertControlPayload(bytes.length);
    this.put(first, bytes, bytes.length, lent);
  }

  /** Writes one frame whose payload is `text` as UTF-8; throws as `frame` does. */
  text(first: number, text: string): void {
    if (typeof text !== 'string') throw new UsageError('Text must be a string');
    // Not by `frame`: where a program sends bytes as well, the engine's code for text here sees strings alone.
    if (typeof first === 'number' && (first & DATA_FIRST) === first && this.begun === undefined) {
      return this.putText(first, text);
    }
    this.checkedFrame(first, text, false);
  }

  /**
   * Writes the header of a frame whose payload comes in pieces by `payload`; no other frame can be written before its end.
   * @param first as for `frame`
   * @param length the length of the whole payload, in bytes, up to 2^53 - 1
   * @throws UsageError, before anything is written, when an argument is out of range, or another frame is unfinished
   */
  beginFrame(first: number, length: number): void {
    const isControl = this.isChecked(first);
    if (!Number.isSafeInteger(length) || length < 0) throw new UsageError('A length is 0 to 2^53 - 1');
    if (isControl) assertControlPayload(length);
    const key = this.drawKey?.();
    const header = new Uint8Array(MAX_HEADER);
    this.putPiece(header.subarray(0, writeFrameHeader(header, 0, first, length, key)), false);
    if (length > 0) this.begun = { left: length, phase: 0, key: key ?? 0 };
    this.turns++;
    if (this.traffic !== undefined) count(this.traffic, first, length);
  }

  /**
   * Writes the next piece of the payload of the frame that `beginFrame` began.
   * @param data bytes, or text, which is sent as UTF-8
   * @param lent whether the piece may be kept by reference, not copied, until it has been written; on a server, from 64 KiB on
   * @throws UsageError, before anything is written, when no frame was begun, or `data` exceeds the announced length
   */
  payload(data: Payload, lent = false): void {
    const bytes = typeof data === 'string' ? this.memory.values.encode(data) : toBytes(data);
    const { begun } = this;
    if (bytes.length > this.remaining) throw new UsageError(`The frame has ${this.remaining} bytes left`);
    if (begun === undefined || bytes.length === 0) return;
    if (this.drawKey === undefined) this.putPiece(bytes, lent && bytes.length >= LEND_FROM);
    else {
      const own = new Uint8Array(bytes);
      mask(own, begun.key, 0, own.length, begun.phase, this.memory.kernels);
      this.putPiece(own, true);
    }
    begun.left -= bytes.length;
    begun.phase = (begun.phase + bytes.length) & 3;
    if (begun.left === 0) this.begun = undefined;
  }

  /** Writes a part of a frame, by reference when `lent`. */
  private putPiece(piece: Uint8Array, lent: boolean): void {
    const outgoing = this.outgoing ?? this.open();
    // A client's batch is masked as whole frames when it leaves.
    if (lent || this.drawKey !== undefined) return outgoing.append(piece);
    outgoing.reserve(piece.length).set(piece, outgoing.end);
    outgoing.end += piece.length;
  }

  /** Whether `first` begins a control frame that has to be checked; throws where it cannot begin a frame. */
  private isChecked(first: number): boolean {
    if (this.begun !== undefined) throw new UsageError(`The frame that was begun has ${this.remaining} bytes left`);
    if (!Number.isInteger(first) || first < 0 || first > 0xff) throw new UsageError("A frame's first byte is 0 to 255");
    if ((first & OPCODE_BITS) < Opcode.Close || this.unchecked) return false;
    assertControlFirst(first, this.rsv);
    return true;
  }

  /**
   * Adds encoded frames, by reference when `lent`, else copied; several chunks are joined: all of them are added, or none.
   * @throws UsageError, before anything is added, when `frames` are not bytes
   */
  raw(frames: Bytes | readonly Bytes[], lent = false): void {
    const whole = toFrames(frames, lent);
    if (this.begun !== undefined) throw new UsageError(`The frame that was begun has ${this.remaining} bytes left`);
    this.putRaw(whole.bytes, whole.lent);
  }

  /** As `frame`, for a payload known to be `length` bytes. @internal */
  put(first: number, payload: Uint8Array, length: number, lent: boolean): void {
    const { drawKey } = this;
    if (drawKey !== undefined) {
      const key = drawKey();
      // The caller's source of keys may have detached or shrunk the payload's memory.
      return this.putMasked(first, payload, this.hasOwnKeys ? lengthIn(payload) : length, key);
    }
    const outgoing = this.outgoing ?? this.open();
    if (lent && length >= LEND_FROM) {
      outgoing.lend(first, payload);
    } else {
      const at = outgoing.begin(first, length, 0);
      // Bytes with detached memory count as none, and cannot be copied.
      if (length > 0) set.call(outgoing.bytes!, payload, at);
      outgoing.end = at + length;
    }
    if (this.traffic !== undefined) count(this.traffic, first, length);
  }

  /** As `put`, for a client; `key` is drawn first, so that nothing is written where there is none. */
  private putMasked(first: number, payload: Uint8Array, length: number, key: number): void {
    const outgoing = this.outgoing ?? this.open();
    const { memory } = this;
    const at = outgoing.begin(first, length, MASK);
    const bytes = outgoing.bytes!;
    if (bytes !== memory.kernels.bytes) {
      writeKey(bytes, at, key);
      if (length > 0) maskInto(bytes, at + 4, toBytes(payload), key, memory.kernels);
    } else {
      memory.stageWords.setInt32(at, key, true);
      if (length > 0) set.call(bytes, payload, at + 4);
    }
    outgoing.end = at + 4 + length;
    if (this.traffic !== undefined) count(this.traffic, first, length);
  }

  /** As `text`, for a value known to be a string. @internal */
  putText(first: number, text: string): void {
    const units = text.length;
    if (units > DIRECT_TEXT) return this.putLongText(first, text);
    const { drawKey } = this;
    const key = drawKey === undefined ? 0 : drawKey();
    const maskBit = drawKey === undefined ? 0 : MASK;
    const outgoing = this.outgoing ?? this.open();
    const bytes = outgoing.reserve(MAX_HEADER + 3 * units);
    const start = outgoing.end;
    // The header is that of ASCII text at first. What other text needs stands apart, so that the engine inlines this path.
    let at = writeHeader(bytes, start, first, units, maskBit) + (drawKey === undefined ? 0 : 4);
    const isShort = units <= SHORT_TEXT && writeAscii(bytes, at, text);
    const length = isShort ? units : this.memory.values.writeText(bytes, at, text);
    if (length !== units) at = rewriteHeader(bytes, start, at, first, length, maskBit);
    if (drawKey !== undefined) this.maskText(bytes, at, length, key);
    outgoing.end = at + length;
    if (this.traffic !== undefined) count(this.traffic, first, length);
  }

  private putLongText(first: number, text: string): void {
    const bytes = this.memory.values.encode(text);
    this.put(first, bytes, bytes.length, true);
  }

  /** Writes a client's key before the text at `at`; where the text is masked with its batch, the key is all there is to do. */
  private maskText(bytes: Uint8Array, at: number, length: number, key: number): void {
    const { memory } = this;
    if (bytes !== memory.kernels.bytes) return maskAlone(bytes, at, length, key, memory.kernels);
    memory.stageWords.setInt32(at - 4, key, true);
  }

  /** As `raw`, for bytes in memory that cannot be resized. @internal */
  putRaw(frames: Uint8Array, lent: boolean): void {
    this.putEncoded(frames, lent);
    if (this.traffic !== undefined) countFrames(this.traffic, frames);
  }

  private putEncoded(frames: Uint8Array, lent: boolean): void {
    const { length } = frames;
    if (length === 0) return;
    const outgoing = this.outgoing ?? this.open();
    if (lent) {
      outgoing.append(frames);
    } else if (this.drawKey !== undefined) {
      // A client's batch is masked when it leaves, but these frames are masked already.
      const own = this.memory.values.allocate(length);
      own.set(frames);
      outgoing.append(own);
    } else {
      outgoing.reserve(length).set(frames, outgoing.end);
      outgoing.end += length;
    }
  }

  /** Adds a server's encoded frames that many connections share, by reference: nothing changes them any more. @internal */
  putShared(frames: Uint8Array): void {
    (this.outgoing ?? this.open()).appendShared(frames);
    if (this.traffic !== undefined) countFrames(this.traffic, frames);
  }

  /**
   * Empties the batch: the chunks to write, in order. They are never written to again, unless `reuse` allows it.
   * @throws UsageError when the limit is not a length
   */
  take(options?: TakeOptions): Uint8Array[] {
    if (options === undefined && this.withheld === undefined) return this.takeAll();
    const limit = options === undefined ? Infinity : limitOf(options);
    return this.withhold().take(limit);
  }

  /**
   * Copies as much of the output as fits into the caller's memory; the rest stays.
   * @returns the number of copied bytes
   * @throws UsageError when `target` is not bytes
   */
  takeInto(target: Bytes): number {
    const bytes = toBytes(target);
    const withheld = this.withhold();
    let at = 0;
    while (at < bytes.length) {
      const chunk = withheld.shift(bytes.length - at);
      if (chunk === undefined) break;
      // A chunk that its owner has detached has no bytes left, and cannot be copied.
      if (chunk.length > 0) bytes.set(chunk, at);
      at += chunk.length;
      this.reuse(chunk);
    }
    return at;
  }

  private withhold(): Withheld {
    const withheld = (this.withheld ??= new Withheld());
    const rest = this.outgoing?.rest;
    withheld.add(this.takeAll(), rest);
    return withheld;
  }

  private takeAll(): Uint8Array[] {
    const { memory, outgoing } = this;
    if (outgoing === undefined) return [];
    const single = outgoing.takeSingle();
    const chunks = single === undefined ? outgoing.take() : single.length === 0 ? [] : [single];
    this.outgoing = undefined;
    this.takes = memory.takes;
    return chunks;
  }

  /** Confirms that `chunk`, the only one of the last `take`, has been written and nothing refers to it; else does nothing. */
  reuse(chunk: Uint8Array): void {
    // The last chunk of the thread is this encoder's only if this encoder took last.
    if (this.takes === this.memory.takes) this.memory.reuse(chunk);
  }

  /** The tray of the only chunk of the last `take`, whose owner will call `giveBack`. @internal */
  claim(chunk: Uint8Array): Tray | undefined {
    return this.takes === this.memory.takes ? this.memory.claim(chunk) : undefined;
  }

  /** As `reuse`, for a chunk of `length` bytes that was claimed, whatever was taken since. @internal */
  giveBack(length: number, tray: Tray | undefined): void {
    this.memory.giveBack(length, tray);
  }

  /**
   * Calls the caller's code for a frame that is about to be written.
   * @throws UsageError where that code has changed which frame may come next, for instance by a Close
   * @internal
   */
  undisturbed<T>(work: () => T): T {
    const { isAsking, turns } = this;
    this.isAsking = true;
    try {
      const result = work();
      if (turns !== this.turns) throw new UsageError('The frame cannot follow what was sent while it was made');
      return result;
    } finally {
      this.isAsking = isAsking;
    }
  }

  private open(): Outgoing {
    return (this.outgoing = new Outgoing(this.memory, this.drawKey !== undefined, this.remaining));
  }
}

/** Writes `text` at `at`, one byte for each code unit; false, with a part written, when it is not ASCII. */
function writeAscii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return false;
    bytes[at + i] = unit;
  }
  return true;
}

/** Writes the header at `start` for a payload of `length` bytes that lies at `at`, and returns where the payload lies then. */
function rewriteHeader(
  bytes: Uint8Array,
  start: number,
  at: number,
  first: number,
  length: number,
  maskBit: number,
): number {
  const right = start + headerLength(length) + (maskBit === 0 ? 0 : 4);
  if (right !== at) bytes.copyWithin(right, at, at + length);
  writeHeader(bytes, start, first, length, maskBit);
  return right;
}

/** Writes the key before the payload at `at`, and masks it. */
function maskAlone(bytes: Uint8Array, at: number, length: number, key: number, kernels: Kernels): void {
  writeKey(bytes, at - 4, key);
  maskInto(bytes, at, bytes.subarray(at, at + length), key, kernels);
}

/** Throws where `first` does not begin a control frame of RFC 6455; `rsv` are the bits that an extension has claimed. */
function assertControlFirst(first: number, rsv: number): void {
  // RFC 6455 5.5: control frames are never fragmented. 5.2: RSV bits are 0 unless an extension defines them.
  if ((first & FIN) === 0) throw new UsageError('A control frame is never fragmented');
  if ((first & RSV_BITS & ~rsv) !== 0) {
    throw new UsageError('No extension has claimed the RSV bits of a control frame');
  }
}

/** Throws where a payload of `length` bytes does not fit a control frame (RFC 6455 5.5). */
function assertControlPayload(length: number): void {
  if (length > MAX_CONTROL_PAYLOAD) {
    throw new UsageError(`A control frame carries at most ${MAX_CONTROL_PAYLOAD} bytes`);
  }
}
