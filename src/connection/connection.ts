// Octets from a peer -> events, and what is sent -> octets for the peer: one WebSocket connection after its handshake,
// with no sockets, no clocks and no callbacks (RFC 6455 5-7).
import { decodeClosePayload, encodeClosePayload, judgeClosePayload } from '../codec/close-payload.js';
import { FrameDecoder, isWhole } from '../codec/frame-decoder.js';
import { FrameEncoder } from '../codec/frame-encoder.js';
import type { GenerateMask } from '../codec/masking-key.js';
import { lengthOf, toBytes, toChunks, type Bytes, type Payload } from '../codec/payload.js';
import { isUtf8 } from '../codec/utf8.js';
import type { Statistics } from '../codec/statistics.js';
import { UsageError } from '../errors/usage-error.js';
import { violationError, type WebSocketError } from '../errors/violations.js';
import { LATER, type Deflater, type Inflater } from '../extensions/transform.js';
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';
import { CloseCode } from '../spec/close-code.js';
import { FIN, MAX_CONTROL_PAYLOAD, Opcode, RSV1, type Role } from '../spec/frame.js';
import { DEFAULT_MAX_PAYLOAD } from '../spec/limits.js';
import {
  RECORD_ASCII,
  RECORD_COMPRESSED,
  RECORD_END,
  RECORD_LAST,
  RECORD_OPCODE,
  RECORD_START,
  RECORD_TEXT,
  RECORD_UNCHECKED,
  RECORD_VIOLATION,
  RECORD_WHOLE,
} from '../spec/record.js';
import { Violation } from '../spec/violation.js';
import { plainValues, type Values } from '../values/values.js';
import { Assembly } from './assembly.js';
import { EventType, type ConnectionEvent } from './event.js';
import { Outbound, type FragmentSource } from './outbound.js';
import { State } from './state.js';

export interface ConnectionOptions {
  readonly role: Role;
  /** The longest message, in octets, after decompression; 0 for no limit. Default 100 MiB. */
  readonly maxPayload?: number;
  /** The most frames of one message, empty ones counted; 0 (the default) for no limit. */
  readonly maxFragments?: number;
  /** The most chunks over which one frame may be spread; 0 (the default) for no limit. */
  readonly maxBufferedChunks?: number;
  /** Leave text and close reasons unvalidated; text that is handed on as strings is validated all the same. */
  readonly skipUTF8Validation?: boolean;
  /** Answer pings (RFC 6455 5.5.2); default true. */
  readonly autoPong?: boolean;
  /** Hand messages on in parts as they arrive, instead of whole. */
  readonly parts?: boolean;
  /** Hand text on as octets (the default) or as strings. */
  readonly text?: 'bytes' | 'string';
  /** Where a client's masking keys come from; default: the platform's secure source. */
  readonly generateMask?: GenerateMask;
  /** RSV bits, in their places on the wire, that an extension of the caller's has claimed (RFC 6455 5.2). */
  readonly rsv?: number;
  /** What decompresses and compresses, once permessage-deflate has been agreed (RFC 7692). */
  readonly inflater?: Inflater;
  readonly deflater?: Deflater;
  /** Messages shorter than this many octets are sent uncompressed. Default 0. */
  readonly threshold?: number;
  readonly statistics?: Statistics;
  readonly kernels?: Kernels;
  readonly values?: Values;
}

export interface SendOptions {
  /** Whether the message is binary; by default, whether `data` is not a string. */
  readonly binary?: boolean;
  /** Whether this is the message's last fragment; default true. */
  readonly fin?: boolean;
  /** Whether to compress, where that has been agreed; default true. */
  readonly compress?: boolean;
  /** Whether `data` stays as it is until it has been written out, so that a long payload need not be copied. */
  readonly lent?: boolean;
}

/** How many automatic pongs may wait unwritten; past that only the answer to the latest ping is kept (RFC 6455 5.5.3). */
const MAX_PONGS = 60;

/** A message is handed on as it lies in its frame when, of these, only RECORD_WHOLE is set. */
const JUDGED = RECORD_WHOLE | RECORD_COMPRESSED;
/** It needs no look at its text either when, of these, only RECORD_WHOLE is set. */
const PLAIN = JUDGED | RECORD_UNCHECKED;

/** A message that the inflater is busy with, or whose result waits to be told. */
interface Inflating {
  readonly isBinary: boolean;
  readonly ends: number[] | undefined;
  result: Uint8Array | WebSocketError | undefined;
}

/**
 * One connection. Octets go in by `receive`, events come out of `next` one at a time; what is sent comes out of
 * `takeOutput` as chunks to write. Nothing that a peer sends makes it throw: the connection is failed and says so in an
 * event. A mistake of the caller's throws before anything has changed.
 */
export class Connection {
  private readonly values: Values;
  private readonly kernels: Kernels;
  private readonly decoder: FrameDecoder;
  private readonly encoder: FrameEncoder;
  /** What waits its turn: there from the start with a deflater, else from the first source on. */
  private outbound: Outbound | undefined;
  private readonly inflater: Inflater | undefined;
  private readonly deflater: Deflater | undefined;
  private readonly threshold: number;
  private maxPayloadBytes: number;
  /** Answer pings (RFC 6455 5.5.2). */
  autoPong: boolean;
  /** Answer the peer's Close (RFC 6455 5.5.1); otherwise the owner calls `close` when it has come. */
  autoClose = true;
  /** The bits of a record that tell, by being RECORD_WHOLE, that `next` need not look further; 0 where it always must. */
  private readonly plainMask: number;
  private skipUtf8: boolean;
  private readonly maxFragments: number;
  private readonly maxBufferedChunks: number;

  private currentState: State = State.Open;
  /** The peer's Close frame, once it has come: its code (1005 for none) and reason. */
  closeReceived: { readonly code: number; readonly reason: Uint8Array } | undefined;
  /** The code of our Close frame, 1005 for none, from when it is queued on; undefined before. */
  closeQueued: number | undefined;
  /** The same, from when `takeOutput` has handed the frame out. */
  closeSent: number | undefined;
  /** Why the connection was failed (RFC 6455 7.1.7), if it was. */
  failure: WebSocketError | undefined;

  // What is being received.
  /** The message that comes in pieces. */
  private assembly: Assembly | undefined;
  /** The control frame that comes in pieces. */
  private control: Assembly | undefined;
  private firstRsv = 0;
  private inflating: Inflating | undefined;

  /** A failure that came to light while sending, to be told by `next`. */
  private untold: ConnectionEvent | undefined;

  // What is being sent.
  /** Whether a message has been begun with `fin: false` and not ended; then, whether it is compressed. */
  private openMessage: { readonly compress: boolean } | undefined;
  private pongs = 0;
  private latestPing: Uint8Array | undefined;
  private isCongested = false;
  private writingStopped = false;
  private closePayload: Uint8Array | undefined;

  /** Note where fragments end in each message. */
  keepFragments = false;

  constructor(options: ConnectionOptions) {
    this.threshold = options.threshold ?? 0;
    this.values = options.values ?? plainValues;
    this.kernels = options.kernels ?? loadedKernels;
    this.inflater = options.inflater;
    this.deflater = options.deflater;
    this.maxPayloadBytes = options.maxPayload ?? DEFAULT_MAX_PAYLOAD;
    this.maxFragments = options.maxFragments ?? 0;
    this.maxBufferedChunks = options.maxBufferedChunks ?? 0;
    this.autoPong = options.autoPong !== false;
    const strings = options.text === 'string';
    this.plainMask = options.parts === true ? 0 : strings ? PLAIN | RECORD_TEXT : PLAIN;
    // Only valid UTF-8 can be transcoded to a string.
    this.skipUtf8 = options.skipUTF8Validation === true && !strings;
    const { values, kernels } = this;
    this.decoder = new FrameDecoder({
      role: options.role,
      rsv: (options.rsv ?? 0) | (options.inflater === undefined ? 0 : RSV1),
      maxPayload: this.maxPayloadBytes,
      skipUtf8: this.skipUtf8,
      strings,
      traffic: options.statistics?.received,
      kernels,
      values,
    });
    this.encoder = new FrameEncoder({
      role: options.role,
      generateMask: options.generateMask,
      traffic: options.statistics?.sent,
      kernels,
      values,
    });
    if (this.deflater !== undefined) this.outbound = new Outbound(this.encoder, values, this.deflater);
  }

  get state(): State {
    return this.currentState;
  }

  /** Whether messages are handed on in parts as they arrive. */
  private get inParts(): boolean {
    return this.plainMask === 0;
  }

  /** Whether the text of whole messages is handed on as strings. */
  private get strings(): boolean {
    return (this.plainMask & RECORD_TEXT) !== 0;
  }

  // ---- in

  /** Takes in a chunk, which must stay as it is until `next()` has returned undefined; messages never refer to it. */
  receive(chunk: Uint8Array): void {
    this.decoder.push(chunk);
  }

  /** As `receive`, for a chunk that the caller gives away: it is unmasked in place, and messages may be views of it. */
  receiveOwned(chunk: Uint8Array): void {
    this.decoder.pushOwned(chunk);
  }

  /** Takes in `length` octets that a socket has put into the kernels' landing area. */
  receiveLanded(length: number): void {
    this.decoder.pushLanded(length);
  }

  /**
   * Says that the peer will send nothing more. Without its Close, the code is then 1006 (RFC 6455 7.1.5). What has been
   * received and not told yet is still told by `next`.
   */
  receiveEnd(): void {
    if (!this.decoder.isBusy) this.stopReading();
    this.outbound?.abandon();
    this.setState(State.Closed);
  }

  /** Carries what is not yet dispatched out of memory that others use; needed when `next` is not called to its end. */
  detach(): void {
    this.decoder.leave();
  }

  /** The next event; undefined when more octets, or the inflater's result, are needed. */
  next(): ConnectionEvent | undefined {
    // The way that nearly every message takes, short enough for the engine to put it into its caller's loop.
    const { decoder } = this;
    if (this.untold !== undefined || this.inflating !== undefined) return this.nextHeld();
    if (!decoder.next()) return undefined;
    const kind = decoder.kindWord;
    if (!isWhole(kind, this.plainMask)) return this.nextPiece();
    const data = decoder.take();
    if (data === undefined) return this.failWith(Violation.Internal);
    return {
      type: EventType.Message,
      data,
      isBinary: (kind & RECORD_TEXT) === 0,
      fragmentEnds: this.keepFragments ? [decoder.length] : undefined,
    };
  }

  /**
   * The payload of the next event where that is a message which has come whole in a frame that was scanned already, else
   * undefined, and `next` tells what comes: the way that nearly every message takes, with no object for an event.
   * `isBinary` tells the rest of it. @internal
   */
  nextPlain(): Uint8Array | undefined {
    if (this.untold !== undefined || this.inflating !== undefined || this.keepFragments) return undefined;
    return this.decoder.nextWhole(this.plainMask);
  }

  /** Whether the message that `nextPlain` has just returned is binary. @internal */
  get isBinary(): boolean {
    return !this.decoder.isText;
  }

  /** The next event, when a failure is still to be told or the inflater has a message. */
  private nextHeld(): ConnectionEvent | undefined {
    if (this.untold !== undefined) {
      const event = this.untold;
      this.untold = undefined;
      return event;
    }
    // What holds `next` up is one of the two.
    const { isBinary, ends, result } = this.inflating!;
    if (result === undefined) return undefined;
    this.inflating = undefined;
    return this.inflatedMessage(result, isBinary, ends);
  }

  /** The next event, from the decoder's current record on. */
  private nextPiece(): ConnectionEvent | undefined {
    const { decoder } = this;
    do {
      const kind = decoder.kindWord;
      // A whole binary message is plain, or a part.
      const isWholeText = (kind & RECORD_OPCODE) === Opcode.Text && (kind & JUDGED) === RECORD_WHOLE && !this.inParts;
      const event = isWholeText ? this.wholeText(kind) : this.piece(kind);
      if (event !== undefined) return event;
      if (this.inflating !== undefined) return undefined;
    } while (decoder.next());
    return undefined;
  }

  /** Takes in what the inflater has made of a message, after it had answered LATER; `next` goes on from there. */
  inflated(result: Uint8Array | WebSocketError): void {
    if (this.inflating !== undefined) this.inflating.result = result;
  }

  /**
   * Fails the connection because the platform has no memory for what its user makes of a message (RFC 6455 7.4.1, code
   * 1009); `next` tells of it. @internal
   */
  refuseMessage(): void {
    this.failUntold(violationError(Violation.MessageTooBig));
  }

  /** Whether more octets are of use: not while the inflater is busy, nor after a Close, a failure or `stopReading`. */
  get wantsRead(): boolean {
    return this.inflating === undefined && !this.decoder.isStopped;
  }

  /** The RSV bits, in their places on the wire, of the first frame of the message that `next` has just returned, or a part of. */
  get rsv(): number {
    const { decoder } = this;
    return decoder.start && decoder.opcode !== Opcode.Continuation ? decoder.rsv : this.firstRsv;
  }

  /** Whether the inflater is busy with a message, or its result has not been told yet. */
  get isInflating(): boolean {
    return this.inflating !== undefined;
  }

  /** The longest message, in bytes, after decompression; 0 for no limit. A change holds from the next chunk on. @internal */
  get maxPayload(): number {
    return this.maxPayloadBytes;
  }
  set maxPayload(bytes: number) {
    this.maxPayloadBytes = bytes;
    this.decoder.limit(bytes);
  }

  /** Whether text and close reasons stay unvalidated; text that is handed on as strings never does. @internal */
  get skipUTF8Validation(): boolean {
    return this.skipUtf8;
  }
  set skipUTF8Validation(skips: boolean) {
    this.skipUtf8 = skips && !this.strings;
    this.decoder.skipUtf8(this.skipUtf8);
  }

  /** Whether pieces, or bytes not yet scanned, follow the event that was told last. @internal */
  get hasMore(): boolean {
    return this.decoder.isBusy;
  }

  /** Octets that were received and wait to be dispatched. */
  get unread(): number {
    return this.decoder.unread;
  }

  /** Reads nothing more, and drops what has not been dispatched. */
  stopReading(): void {
    this.decoder.stop();
    this.assembly?.drop();
  }

  // ---- out

  /**
   * Sends a message, or one fragment of it (RFC 6455 5.4, 5.6).
   * @param data bytes, or text, which is sent as UTF-8 with lone surrogates replaced
   * @returns whether its frame has been written; if not, `takeReleased` will count it, unless `stopWriting` was called
   * @throws UsageError, before anything is sent, when the connection is not open or `data` is neither
   */
  send(data: Payload, options: SendOptions = {}): boolean {
    const { binary = typeof data !== 'string', fin = true, compress = true, lent = false } = options;
    if (typeof data === 'string') return this.sendData(data, binary, fin, compress, lent);
    const length = lengthOf(data);
    if (length < 0 || lent || !fin || !this.isAlone) {
      return this.sendData(toBytes(data), binary, fin, compress, lent);
    }
    this.encoder.put(FIN | (binary ? Opcode.Binary : Opcode.Text), data as Uint8Array, length, false);
    return true;
  }

  /** As `send`, without an object of options, for what is known to be text, or bytes in memory that nothing resizes. @internal */
  sendData(data: Uint8Array | string, binary: boolean, fin: boolean, compress: boolean, lent: boolean): boolean {
    // The way that nearly every message takes, short for the same reason as that of `next`.
    if (!fin || !this.isAlone) return this.sendInTurn(data, binary, fin, compress, lent);
    const first = FIN | (binary ? Opcode.Binary : Opcode.Text);
    if (typeof data === 'string') this.encoder.putText(first, data);
    else this.encoder.put(first, data, data.length, lent);
    return true;
  }

  /** Whether a whole message can be written at once: nothing else is under way, and nothing is compressed. */
  private get isAlone(): boolean {
    return (
      this.currentState === State.Open &&
      this.openMessage === undefined &&
      this.outbound === undefined &&
      !this.writingStopped
    );
  }

  /** Sends a fragment, or what may be compressed or have to wait; or throws, where nothing can be sent any more. */
  private sendInTurn(
    data: Uint8Array | string,
    binary: boolean,
    fin: boolean,
    compress: boolean,
    lent: boolean,
  ): boolean {
    this.assertOpen();
    const { openMessage } = this;
    const compressed = openMessage?.compress ?? this.wantsCompression(data, compress);
    const opcode = openMessage !== undefined ? Opcode.Continuation : binary ? Opcode.Binary : Opcode.Text;
    const written = this.write((fin ? FIN : 0) | opcode, data, compressed, true, lent);
    this.openMessage = fin ? undefined : { compress: compressed };
    return written;
  }

  /**
   * Sends a message whose fragments are pulled from `source` whenever output is taken. A Close does not wait for its end: a
   * source that is not at its end by then is given up, and told.
   * @throws UsageError when the connection is not open, a message is open, or `source` has no `pull`
   */
  sendFrom(source: FragmentSource, options: { readonly binary?: boolean } = {}): void {
    if (typeof (source as Partial<FragmentSource> | null | undefined)?.pull !== 'function') {
      throw new UsageError('A source of fragments has a method pull');
    }
    this.assertOpen();
    if (this.writingStopped) return;
    if (this.openMessage !== undefined) throw new UsageError('The open message must be ended before another begins');
    this.outbound ??= new Outbound(this.encoder, this.values, this.deflater);
    this.outbound.pullFrom(source, options.binary === false ? Opcode.Text : Opcode.Binary);
  }

  /**
   * Gives up the message that is being pulled, or is the next to be pulled, as where its source has thrown. The connection
   * goes on when nothing of the message has been written yet; otherwise it closes with 1011, since the peer cannot be told
   * that a message has no end. Does nothing where there is none.
   */
  dropSource(): void {
    const { outbound } = this;
    if (outbound === undefined) return;
    if (!outbound.dropSource() && this.closeQueued === undefined) {
      this.writeClose(encodeClosePayload(CloseCode.InternalError), CloseCode.InternalError, false);
    }
    this.settleOutbound();
    outbound.tellAbandoned();
  }

  /** Sends a ping (RFC 6455 5.5.2) of at most 125 octets; returns and throws as `send`. */
  ping(data: Payload = ''): boolean {
    return this.sendControl(Opcode.Ping, data);
  }

  /** Sends a pong (RFC 6455 5.5.3) of at most 125 octets; returns and throws as `send`. */
  pong(data: Payload = ''): boolean {
    return this.sendControl(Opcode.Pong, data);
  }

  /**
   * Sends frames that were encoded beforehand, for instance once for many connections.
   * @param frames their bytes, or a list of chunks of them, as `FrameEncoder.take` returns
   * @param lent `frames` stay as they are until they have been written out
   * @returns and throws as `send`
   */
  sendFrames(frames: Bytes | readonly Bytes[], lent = false): boolean {
    const chunks = toChunks(frames);
    this.assertOpen();
    // One call is one send, and written whole or not at all.
    const [first = new Uint8Array(0)] = chunks;
    return this.sendEncoded(chunks.length < 2 ? first : joined(chunks), lent || chunks.length > 1);
  }

  /** As `sendFrames`, for what is known to be bytes in memory that nothing resizes. @internal */
  sendEncoded(frames: Uint8Array, lent: boolean): boolean {
    this.assertOpen();
    if (this.writingStopped) return false;
    if (this.queuedMessages > 0) {
      this.outbound!.encoded(frames, lent);
      return false;
    }
    this.encoder.raw(frames, lent);
    return true;
  }

  /**
   * Starts the closing handshake (RFC 6455 7.1.2). Does nothing once a Close has been queued. The Close goes out behind
   * what has been sent, but not behind a source that is not at its end: its message is abandoned (5.5.1).
   * @param code a code that may be sent (7.4), or undefined for none
   * @param reason at most 123 bytes as UTF-8
   * @returns whether the Close frame has been written by this call; otherwise, if it is queued, `takeReleased` will count it
   * @throws TypeError when the code may not be sent; RangeError when the reason is too long; UsageError when it is neither
   * text nor bytes
   */
  close(code?: number, reason: Payload = ''): boolean {
    const payload = encodeClosePayload(code, reason);
    if (this.closeQueued !== undefined || this.currentState === State.Closed || this.writingStopped) return false;
    const written = this.writeClose(payload, code ?? CloseCode.NoStatus, true);
    this.outbound?.tellAbandoned();
    return written;
  }

  /** Takes in what the deflater has made of a frame, after it had answered LATER. */
  deflated(result: Uint8Array | WebSocketError): void {
    this.guard(() => this.outbound?.deflated(result));
    this.settleOutbound();
  }

  /**
   * Empties the output: chunks to write, in order, which nobody writes to again unless `reuse` is called. What a source
   * throws goes through to the caller, once: the source is not asked again, what has been written waits for the next call,
   * and `dropSource` or `close` gives the message up.
   */
  takeOutput(): Uint8Array[] {
    if (this.outbound !== undefined) this.pull(this.outbound);
    if (!this.isCongested) this.settlePongs();
    const chunks = this.encoder.take();
    // A Close is the last frame of all.
    if (this.queuedMessages === 0) this.closeSent = this.closeQueued;
    return chunks;
  }

  private pull(outbound: Outbound): void {
    outbound.tellAbandoned();
    for (let fragment = outbound.pull(); fragment !== undefined; fragment = outbound.pull()) {
      const pulled = fragment;
      this.guard(() => outbound.pulled(pulled));
      this.settleOutbound();
    }
  }

  /** Says that `chunk`, the only one of the last `takeOutput`, has been written out and that nobody keeps it. */
  reuse(chunk: Uint8Array): void {
    this.encoder.reuse(chunk);
  }

  /** How many octets `takeOutput` would return now. */
  get outputLength(): number {
    return this.encoder.length;
  }

  /**
   * Whether there is output to take, or a source that may have some. A source that had nothing ready counts again once
   * `takeOutput` has found a fragment: its owner calls that when there is one.
   */
  get wantsWrite(): boolean {
    return this.encoder.length > 0 || this.outbound?.wantsPull === true;
  }

  /** Drops what waits to be sent, save for a Close, and sends nothing more: `send` returns false. */
  stopWriting(): void {
    const { closePayload, closeQueued, closeSent, encoder, outbound } = this;
    const isStopped = this.writingStopped;
    this.writingStopped = true;
    if (isStopped) return;
    outbound?.drop();
    encoder.take();
    if (closeQueued !== undefined && closeSent === undefined) {
      encoder.put(FIN | Opcode.Close, closePayload!, closePayload!.length, false);
    }
    this.settleClose();
    outbound?.tellAbandoned();
  }

  /**
   * Whether earlier output still waits to be written out. While it does, automatic pongs are counted, and past 60 of
   * them only the latest ping is answered, once the output moves again.
   */
  get congested(): boolean {
    return this.isCongested;
  }
  set congested(isCongested: boolean) {
    this.isCongested = isCongested;
    if (!isCongested) this.settlePongs();
  }

  /** How many frames and messages wait, for the deflater or to be pulled. */
  get queuedMessages(): number {
    return this.outbound?.waiting ?? 0;
  }

  /** Payload octets of what waits for the deflater. */
  get queuedOctets(): number {
    return this.outbound?.waitingOctets ?? 0;
  }

  /** How many sends that had to wait have been written since this was last asked. */
  takeReleased(): number {
    return this.outbound?.takeReleased() ?? 0;
  }

  // ---- the end

  /** Whether the owner should end its half of the transport: both Closes have been exchanged, or the connection failed. */
  get shouldEnd(): boolean {
    return this.currentState === State.Closed && this.encoder.length === 0 && this.queuedMessages === 0;
  }

  /** The code that the connection closed with: the peer's, 1005 for none in its Close, 1006 without one (RFC 6455 7.1.5). */
  get closeCode(): number {
    return this.closeReceived?.code ?? CloseCode.Abnormal;
  }

  /** Gives back all memory; nothing is read or sent afterwards. */
  dispose(): void {
    this.stopReading();
    this.writingStopped = true;
    this.outbound?.drop();
    this.encoder.take();
    this.latestPing = undefined;
    this.inflating = undefined;
    this.inflater?.close();
    this.deflater?.close();
    this.setState(State.Closed);
    this.outbound?.tellAbandoned();
  }

  // ---- rooms within

  private setState(state: State): void {
    if (this.currentState !== State.Closed) this.currentState = state;
  }

  private wholeText(kind: number): ConnectionEvent {
    const { decoder } = this;
    const fragmentEnds = this.keepFragments ? [decoder.length] : undefined;
    const data = this.strings ? this.string(kind) : decoder.take();
    if (data === undefined) return this.failWith(this.strings ? Violation.MessageTooBig : Violation.Internal);
    // RFC 6455 8.1: text that is not UTF-8 fails the connection.
    if (kind & RECORD_UNCHECKED && !this.isUtf8(data as Uint8Array)) return this.failWith(Violation.InvalidUtf8);
    return { type: EventType.Message, data, isBinary: false, fragmentEnds };
  }

  /** The string of the current record's text; undefined where there is no memory for it. */
  private string(kind: number): string | undefined {
    try {
      return this.decoder.text((kind & RECORD_ASCII) !== 0);
    } catch {
      return undefined;
    }
  }

  /** What a record means that is not a whole message by itself; undefined when the message or frame goes on. */
  private piece(kind: number): ConnectionEvent | undefined {
    if (kind === RECORD_VIOLATION) return this.failWith(this.decoder.violation, this.decoder.detail);
    const opcode: Opcode = kind & RECORD_OPCODE;
    switch (opcode) {
      case Opcode.Continuation:
      case Opcode.Text:
      case Opcode.Binary:
        return this.dataPiece(kind, opcode);
      case Opcode.Close:
      case Opcode.Ping:
      case Opcode.Pong:
        return this.controlPiece(kind, opcode);
    }
  }

  private dataPiece(kind: number, opcode: Opcode): ConnectionEvent | undefined {
    const { decoder } = this;
    const isFirst = opcode !== Opcode.Continuation && (kind & RECORD_START) !== 0;
    if (isFirst) {
      this.firstRsv = decoder.rsv;
      this.assembly = new Assembly(this.values);
    }
    // A message that goes on has begun.
    const assembly = this.assembly!;
    const isDeflated = this.inflater !== undefined && (kind & RECORD_COMPRESSED) !== 0;
    if (kind & RECORD_START) {
      assembly.fragments++;
      assembly.chunks = 0;
      // RFC 6455 10.4: the receiver may limit what it takes in.
      if (this.maxFragments > 0 && assembly.fragments > this.maxFragments) {
        return this.failWith(Violation.TooManyFragments);
      }
    } else if (this.maxBufferedChunks > 0 && assembly.chunks >= this.maxBufferedChunks) {
      // RFC 6455 10.4: as in ws, the chunks that hold some of a frame are counted, and the one that is too many fails.
      return this.failWith(Violation.TooManyChunks);
    }
    if (!(kind & RECORD_END) && decoder.length > 0) assembly.chunks++;
    const isBinary = (kind & RECORD_TEXT) === 0;
    const isLast = (kind & RECORD_LAST) === RECORD_LAST;
    if (this.inParts && !isDeflated) {
      if (isLast) this.assembly = undefined;
      const data = decoder.take();
      if (data === undefined) return this.failWith(Violation.Internal);
      // RFC 6455 8.1: text that is not UTF-8 fails the connection.
      if (kind & RECORD_UNCHECKED && !this.isUtf8(data)) return this.failWith(Violation.InvalidUtf8);
      return { type: EventType.Part, data, isBinary, isFirst, isLast };
    }

    let expected = assembly.length + decoder.length;
    if (!(kind & RECORD_END)) {
      expected = kind & RECORD_START ? assembly.length + decoder.frameLength : expected + decoder.remaining;
    }
    let payload: Uint8Array;
    try {
      assembly.add(decoder, expected);
      if (this.keepFragments && kind & RECORD_END) (assembly.ends ??= []).push(assembly.length);
      if (!isLast) return undefined;
      payload = assembly.take();
    } catch {
      // RFC 6455 7.4.1: 1009 says that the message is too big, here for the memory that is to be had.
      return this.failWith(Violation.MessageTooBig);
    }
    this.assembly = undefined;
    const { ends } = assembly;
    return isDeflated ? this.inflate(payload, isBinary, ends) : this.message(payload, isBinary, ends);
  }

  private controlPiece(kind: number, opcode: Opcode.Close | Opcode.Ping | Opcode.Pong): ConnectionEvent | undefined {
    const { decoder } = this;
    let data: Uint8Array;
    try {
      if ((kind & RECORD_WHOLE) === RECORD_WHOLE) {
        data = decoder.payload();
      } else {
        const control = (this.control ??= new Assembly(this.values));
        control.add(decoder, control.length + decoder.length);
        if (!(kind & RECORD_END)) return undefined;
        data = control.take();
        this.control = undefined;
      }
    } catch {
      // RFC 6455 7.4.1: 1011 says that it is not the peer's fault, here that there is no memory.
      return this.failWith(Violation.Internal);
    }
    switch (opcode) {
      case Opcode.Ping:
        this.answer(data);
        return { type: EventType.Ping, data };
      case Opcode.Pong:
        return { type: EventType.Pong, data };
      case Opcode.Close:
        return this.closed(data);
    }
  }

  private inflate(payload: Uint8Array, isBinary: boolean, ends: number[] | undefined): ConnectionEvent | undefined {
    // RFC 6455 10.4: the limit holds for the message after decompression too.
    let result: ReturnType<Inflater['inflate']>;
    try {
      result = this.inflater!.inflate(payload, this.maxPayloadBytes || Infinity);
    } catch (cause) {
      // An inflater that throws has had no memory.
      return this.fail(internalError(cause));
    }
    if (result !== LATER) return this.inflatedMessage(result, isBinary, ends);
    this.inflating = { isBinary, ends, result: undefined };
    this.decoder.leave();
    return undefined;
  }

  private inflatedMessage(
    result: Uint8Array | WebSocketError,
    isBinary: boolean,
    ends: number[] | undefined,
  ): ConnectionEvent {
    if (!ArrayBuffer.isView(result)) return this.fail(result);
    if (!isBinary && !this.skipUtf8 && !this.isUtf8(result)) {
      return this.failWith(Violation.InvalidUtf8);
    }
    if (this.inParts) {
      return { type: EventType.Part, data: result, isBinary, isFirst: true, isLast: true };
    }
    // Fragments of compressed octets have no borders in the message.
    return this.message(result, isBinary, ends === undefined ? undefined : [result.length]);
  }

  /** A whole message that is valid, in memory of its own. */
  private message(payload: Uint8Array, isBinary: boolean, fragmentEnds: number[] | undefined): ConnectionEvent {
    if (isBinary || !this.strings) return { type: EventType.Message, data: payload, isBinary, fragmentEnds };
    try {
      const data = this.values.text(payload, 0, payload.length, false);
      return { type: EventType.Message, data, isBinary, fragmentEnds };
    } catch {
      // RFC 6455 7.4.1: 1009 says that the message is too big, here for a string of the platform.
      return this.failWith(Violation.MessageTooBig);
    }
  }

  private isUtf8(bytes: Uint8Array): boolean {
    return this.values.isUtf8 === undefined ? isUtf8(bytes, this.kernels) : this.values.isUtf8(bytes);
  }

  /** Answers a ping, at once or, when too many answers wait to be written, by the latest ping alone. */
  private answer(data: Uint8Array): void {
    if (!this.autoPong || this.currentState !== State.Open) return;
    if (this.pongs < MAX_PONGS) {
      this.pongs++;
      this.guard(() => void this.write(FIN | Opcode.Pong, data, false, false, false));
    } else {
      // RFC 6455 5.5.3: an endpoint may answer only the most recent ping; what waits is a copy, which pins no other message.
      this.guard(() => void (this.latestPing = new Uint8Array(data)));
    }
  }

  private settlePongs(): void {
    this.pongs = 0;
    const data = this.latestPing;
    if (data === undefined) return;
    this.latestPing = undefined;
    this.answer(data);
  }

  private closed(data: Uint8Array): ConnectionEvent {
    const violation = judgeClosePayload(data, this.skipUtf8, this.kernels);
    if (violation !== Violation.None) {
      return this.failWith(
        violation,
        violation === Violation.InvalidCloseCode ? decodeClosePayload(data).code : data.length,
      );
    }
    const { code, reason } = decodeClosePayload(data);
    this.closeReceived = { code, reason };
    this.decoder.stop();
    if (this.closeQueued === undefined && this.autoClose) {
      // RFC 6455 5.5.1: a Close is answered by a Close, typically with the code received.
      this.setState(State.RemoteClosing);
      this.guard(() => void this.writeClose(data, code, false));
    } else {
      this.settleClose();
    }
    return { type: EventType.Close, code, data: reason };
  }

  private failWith(violation: Violation, detail = 0): ConnectionEvent {
    return this.fail(violationError(violation as Exclude<Violation, Violation.None>, detail));
  }

  /** Fails the connection (RFC 6455 7.1.7): a Close with the error's code, after what is already queued, and no more reading. */
  private fail(error: WebSocketError): ConnectionEvent {
    if (this.failure === undefined) {
      this.failure = error;
      this.stopReading();
      if (this.closeQueued === undefined) {
        try {
          this.writeClose(encodeClosePayload(error.closeCode), error.closeCode, false);
        } catch {
          // RFC 6455 5.3: no frame goes out without a fresh masking key, so that none goes out at all.
          this.stopWriting();
        }
      }
      this.setState(State.Closed);
    }
    return { type: EventType.Failure, error };
  }

  /** Writes where no caller waits for an error, as when there is no masking key: the connection is failed, and `next` says so. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.outbound?.drop();
      this.failUntold(internalError(cause));
    }
  }

  private failUntold(error: WebSocketError): void {
    if (this.failure === undefined) this.untold = this.fail(error);
  }

  /** Follows what has become of the frames that waited. */
  private settleOutbound(): void {
    if (this.outbound?.failure !== undefined) this.failUntold(this.outbound.failure);
    this.settleClose();
  }

  private writeClose(payload: Uint8Array, code: number, counted: boolean): boolean {
    // RFC 6455 5.5.1: no data follows a Close, so that nothing waits for a message whose end is not at hand.
    this.outbound?.abandon();
    const written = this.write(FIN | Opcode.Close, payload, false, counted, false);
    if (!this.writingStopped) {
      this.closeQueued = code;
      this.closePayload = payload;
    }
    if (this.currentState === State.Open) this.setState(State.LocalClosing);
    this.settleClose();
    return written;
  }

  /** Closed is reached when the peer's Close has come and ours has been written, or never will be (RFC 6455 7.1.4). */
  private settleClose(): void {
    const isOurs = this.closeQueued !== undefined || this.writingStopped;
    if (this.closeReceived !== undefined && isOurs && this.queuedMessages === 0) this.setState(State.Closed);
  }

  private sendControl(opcode: Opcode.Ping | Opcode.Pong, data: Payload): boolean {
    this.assertOpen();
    const payload = this.bytesOf(data);
    // RFC 6455 5.5: control frames carry at most 125 octets.
    if (payload.length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(`The data size must not be greater than ${MAX_CONTROL_PAYLOAD} bytes`);
    }
    return this.write(FIN | opcode, payload, false, true, false);
  }

  private write(first: number, data: Uint8Array | string, compress: boolean, counted: boolean, lent: boolean): boolean {
    if (this.writingStopped) return false;
    if (!compress && this.queuedMessages === 0) {
      if (typeof data === 'string') this.encoder.putText(first, data);
      else this.encoder.put(first, data, data.length, lent);
      return true;
    }
    // Whatever compresses or waits has made it.
    const order = this.outbound!;
    if (!compress) return order.frame(first, data, false, counted, lent);
    try {
      return order.frame(first, data, true, counted, lent);
    } catch (cause) {
      // The deflater remembers a message that the peer will never see: nothing compressed can follow it.
      this.failUntold(internalError(cause));
      throw cause;
    } finally {
      this.settleOutbound();
    }
  }

  private bytesOf(data: Payload): Uint8Array {
    return typeof data === 'string' ? this.values.encode(data) : toBytes(data);
  }

  private wantsCompression(data: Uint8Array | string, asked: boolean): boolean {
    if (this.deflater === undefined || !asked) return false;
    const { threshold } = this;
    if (threshold === 0) return true;
    if (typeof data !== 'string') return data.length >= threshold;
    return data.length >= threshold || this.values.encode(data).length >= threshold;
  }

  private assertOpen(): void {
    // RFC 6455 5.5.1: after a Close frame nothing more is sent.
    if (this.currentState !== State.Open)
      throw new UsageError(`The connection is ${this.currentState}, nothing can be sent`);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((octets, { length }) => octets + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function internalError(cause: unknown): WebSocketError {
  return Object.assign(violationError(Violation.Internal), { cause });
}
