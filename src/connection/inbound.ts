// `Inbound` turns the records of a decoder into events: it assembles messages and control frames within their limits.
import { toLimit } from '../codec/checks.js';
import { decodeClosePayload, judgeClosePayload } from '../codec/close-payload.js';
import type { FrameDecoder } from '../codec/frame-decoder.js';
import { toResult } from '../codec/payload.js';
import { isUtf8 } from '../codec/utf8.js';
import { internalError, violationError, type WebSocketError } from '../errors/violations.js';
import { LATER, type Inflater } from '../extensions/transform.js';
import type { Kernels } from '../kernels/kernels.js';
import { Opcode } from '../spec/frame.js';
import { DEFAULT_MAX_BUFFERED_CHUNKS, DEFAULT_MAX_FRAGMENTS, DEFAULT_MAX_FRAME_PAYLOAD } from '../spec/limits.js';
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
import type { Values } from '../values/values.js';
import { Assembly } from './assembly.js';
import { EventType, type ConnectionEvent, type FailureEvent } from './event.js';
import type { ConnectionOptions } from './options.js';

/** Of these bits, a message that is returned as it lies in its frame has only RECORD_WHOLE set. */
const JUDGED = RECORD_WHOLE | RECORD_COMPRESSED;

/** A message that the inflater works on, or whose result has not been returned yet. */
interface Inflating {
  readonly isBinary: boolean;
  readonly ends: number[] | undefined;
  result: Uint8Array | WebSocketError | undefined;
}

/** The half of a connection that reads records. It answers nothing: a failure is an event, and the connection acts on it. */
export class Inbound {
  private readonly inflater: Inflater | undefined;
  private readonly maxFragments: number;
  private readonly maxBufferedChunks: number;
  private readonly maxFramePayload: number;
  /** Whether messages are returned in parts; whether text is returned as strings. */
  private readonly inParts: boolean;
  readonly strings: boolean;
  /** Whether a whole text message is returned without being assembled. */
  private readonly tellsWhole: boolean;
  /** The message that arrives in pieces; the control frame that arrives in pieces. */
  private assembly: Assembly | undefined;
  private control: Assembly | undefined;
  private firstRsv = 0;
  /** The length of the data frame that is being received. */
  private frameLength = 0;
  inflating: Inflating | undefined;
  /** Whether to note the end of each fragment in a message. */
  keepFragments = false;

  constructor(
    private readonly decoder: FrameDecoder,
    private readonly values: Values,
    private readonly kernels: Kernels,
    options: ConnectionOptions,
    public maxPayload: number,
    public skipUtf8: boolean,
  ) {
    this.inflater = options.inflater;
    this.maxFragments = toLimit('maxFragments', options.maxFragments ?? DEFAULT_MAX_FRAGMENTS);
    this.maxBufferedChunks = toLimit('maxBufferedChunks', options.maxBufferedChunks ?? DEFAULT_MAX_BUFFERED_CHUNKS);
    this.maxFramePayload = toLimit('maxFramePayload', options.maxFramePayload ?? DEFAULT_MAX_FRAME_PAYLOAD);
    this.inParts = options.parts === true;
    this.strings = options.text === 'string' && !this.inParts;
    this.tellsWhole = !this.inParts && this.maxFramePayload === 0;
  }

  /** The RSV bits of the first frame of the message that was returned last, whole or in part. */
  get rsv(): number {
    const { decoder } = this;
    return decoder.start && decoder.opcode !== Opcode.Continuation ? decoder.rsv : this.firstRsv;
  }

  /** Drops the message that is being assembled. */
  drop(): void {
    this.assembly?.drop();
  }

  /** The next event, from the decoder's current record on; undefined when it needs more bytes or the inflater's result. */
  next(): ConnectionEvent | undefined {
    const { decoder } = this;
    do {
      const kind = decoder.kindWord;
      // A whole binary message is either plain or a part.
      const isWholeText = (kind & RECORD_OPCODE) === Opcode.Text && (kind & JUDGED) === RECORD_WHOLE && this.tellsWhole;
      const event = isWholeText ? this.wholeText(kind) : this.piece(kind);
      if (event !== undefined) return event;
      if (this.inflating !== undefined) return undefined;
    } while (decoder.next());
    return undefined;
  }

  /** The message that the inflater worked on, once its result has come. */
  nextInflated(): ConnectionEvent | undefined {
    const { inflating } = this;
    if (inflating?.result === undefined) return undefined;
    this.inflating = undefined;
    return this.inflatedMessage(inflating.result, inflating.isBinary, inflating.ends);
  }

  private wholeText(kind: number): ConnectionEvent {
    const { decoder } = this;
    const fragmentEnds = this.keepFragments ? [decoder.length] : undefined;
    const data = this.strings ? this.string(kind) : decoder.take();
    if (data === undefined) return failed(this.strings ? Violation.MessageTooBig : Violation.Internal);
    // RFC 6455 8.1: text that is not UTF-8 fails the connection.
    if (kind & RECORD_UNCHECKED && !this.isUtf8(data as Uint8Array)) return failed(Violation.InvalidUtf8);
    return { type: EventType.Message, data, isBinary: false, fragmentEnds };
  }

  /** The string of the current record's text; undefined where memory for it is refused. */
  private string(kind: number): string | undefined {
    try {
      return this.decoder.text((kind & RECORD_ASCII) !== 0);
    } catch {
      return undefined;
    }
  }

  /** The event of a record that is not a whole message; undefined when the message or frame continues. */
  private piece(kind: number): ConnectionEvent | undefined {
    if (kind === RECORD_VIOLATION) return failed(this.decoder.violation, this.decoder.detail);
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
    // A message of several frames has begun.
    const assembly = this.assembly!;
    const { length } = decoder;
    const rest = kind & RECORD_END ? 0 : decoder.remaining;
    const limit = this.judgePiece(kind, assembly, length, rest);
    if (limit !== Violation.None) return failed(limit);
    const isDeflated = this.inflater !== undefined && (kind & RECORD_COMPRESSED) !== 0;
    const isBinary = (kind & RECORD_TEXT) === 0;
    const isLast = (kind & RECORD_LAST) === RECORD_LAST;
    if (this.inParts && !isDeflated) return this.part(kind, isBinary, isFirst, isLast);

    let payload: Uint8Array;
    try {
      assembly.add(decoder, assembly.length + length + rest);
      if (this.keepFragments && kind & RECORD_END) assembly.noteEnd();
      if (!isLast) return undefined;
      payload = assembly.take();
    } catch {
      // RFC 6455 7.4.1: 1009 says that the message is too big, here for the available memory.
      return failed(Violation.MessageTooBig);
    }
    this.assembly = undefined;
    const { ends } = assembly;
    // RFC 6455 8.1: text that is not UTF-8 fails the connection.
    if (kind & RECORD_UNCHECKED && !this.isUtf8(payload)) return failed(Violation.InvalidUtf8);
    return isDeflated ? this.inflate(payload, isBinary, ends) : this.message(payload, isBinary, ends);
  }

  /** Counts a piece of `length` bytes, `rest` before its frame's end, and returns the limit that it breaks (RFC 6455 10.4). */
  private judgePiece(kind: number, assembly: Assembly, length: number, rest: number): Violation {
    if (kind & RECORD_START) {
      assembly.fragments++;
      assembly.chunks = 0;
      this.frameLength = length + rest;
      if (this.maxFramePayload > 0 && this.frameLength > this.maxFramePayload) return Violation.MessageTooBig;
      if (this.maxFragments > 0 && assembly.fragments > this.maxFragments) return Violation.TooManyFragments;
    } else if (this.maxBufferedChunks > 0 && assembly.chunks >= this.maxBufferedChunks) {
      // As in ws, the chunks that a frame arrives in are counted, and the first one beyond the limit fails.
      return Violation.TooManyChunks;
    }
    if (!(kind & RECORD_END) && length > 0) assembly.chunks++;
    return Violation.None;
  }

  private part(kind: number, isBinary: boolean, isFirst: boolean, isLast: boolean): ConnectionEvent {
    if (isLast) this.assembly = undefined;
    const data = this.decoder.take();
    if (data === undefined) return failed(Violation.Internal);
    // RFC 6455 8.1: text that is not UTF-8 fails the connection.
    if (kind & RECORD_UNCHECKED && !this.isUtf8(data)) return failed(Violation.InvalidUtf8);
    const { opcode, fin, start, end } = this.decoder;
    const frame = { opcode, fin, isFrameStart: start, isFrameEnd: end, frameLength: this.frameLength };
    return { type: EventType.Part, data, isBinary, isFirst, isLast, ...frame };
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
      // RFC 6455 7.4.1: 1011 says that the cause is not the peer, here that memory is refused.
      return failed(Violation.Internal);
    }
    switch (opcode) {
      case Opcode.Ping:
        return { type: EventType.Ping, data };
      case Opcode.Pong:
        return { type: EventType.Pong, data };
      case Opcode.Close:
        return this.closeFrame(data);
    }
  }

  private closeFrame(data: Uint8Array): ConnectionEvent {
    const violation = judgeClosePayload(data, this.skipUtf8, this.kernels);
    const { code, reason } = decodeClosePayload(data);
    if (violation === Violation.None) return { type: EventType.Close, code, data: reason };
    return failed(violation, violation === Violation.InvalidCloseCode ? code : data.length);
  }

  private inflate(payload: Uint8Array, isBinary: boolean, ends: number[] | undefined): ConnectionEvent | undefined {
    // RFC 6455 10.4: the limit applies after decompression too.
    let result: ReturnType<Inflater['inflate']>;
    try {
      result = this.inflater!.inflate(payload, this.maxPayload || Infinity);
      if (result !== LATER) result = toResult(result);
    } catch (cause) {
      // An inflater throws when memory is refused.
      return { type: EventType.Failure, error: internalError(cause) };
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
    if (!ArrayBuffer.isView(result)) return { type: EventType.Failure, error: result };
    if (!isBinary && !this.skipUtf8 && !this.isUtf8(result)) return failed(Violation.InvalidUtf8);
    if (this.inParts) {
      const opcode = isBinary ? Opcode.Binary : Opcode.Text;
      const frame = { opcode, fin: true, isFrameStart: true, isFrameEnd: true, frameLength: result.length };
      return { type: EventType.Part, data: result, isBinary, isFirst: true, isLast: true, ...frame };
    }
    // The borders of compressed fragments do not exist in the message.
    return this.message(result, isBinary, ends === undefined ? undefined : [result.length]);
  }

  /** A whole, valid message in memory of its own. */
  private message(payload: Uint8Array, isBinary: boolean, fragmentEnds: number[] | undefined): ConnectionEvent {
    if (isBinary || !this.strings) return { type: EventType.Message, data: payload, isBinary, fragmentEnds };
    try {
      const data = this.values.text(payload, 0, payload.length, false);
      return { type: EventType.Message, data, isBinary, fragmentEnds };
    } catch {
      // RFC 6455 7.4.1: 1009 says that the message is too big, here for a string of the platform.
      return failed(Violation.MessageTooBig);
    }
  }

  private isUtf8(bytes: Uint8Array): boolean {
    return this.values.isUtf8 === undefined ? isUtf8(bytes, this.kernels) : this.values.isUtf8(bytes);
  }
}

/** The event of a violation; `detail` is the invalid number. */
export function failed(violation: Violation, detail = 0): FailureEvent {
  return {
    type: EventType.Failure,
    error: violationError(violation as Exclude<Violation, Violation.None>, detail),
  };
}
