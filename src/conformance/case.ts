// `Case` is a case as data: the steps of the examiner, the answers that it accepts, and the required end of the connection.

import type { Behavior, ExpectedClose } from './result.js';
import { type LengthForm, Opcode } from './wire.js';

/** Bytes to send: `unit`, repeated and cut to `length` bytes. */
export interface Payload {
  unit: Buffer;
  length: number;
}

/** An event that a case accepts, with its whole payload. */
export type ExpectedEvent =
  | { kind: 'message'; payload: Payload; binary: boolean }
  | { kind: 'pong'; payload: Payload }
  | { kind: 'timeout'; tag: string };

/** One action of the examiner. */
export type Step =
  | {
      do: 'frame';
      opcode: number;
      fin: boolean;
      rsv: number;
      payload: Payload;
      /** The bytes in a piece, where the frame is written in pieces with a turn of the event loop between them. */
      chop: number | null;
      /** Whether the frame is written alone, with a turn of the event loop after it. */
      sync: boolean;
      /** How the frame differs from a valid one. */
      odd: { form?: LengthForm; mask?: 'wrong role' | 'zero' };
    }
  /** Starts the closing handshake with this payload. */
  | { do: 'close'; payload: Buffer; code: number | null }
  /** Sends a message in frames of `fragment` bytes. Where its length is a multiple of that, an empty final frame follows. */
  | { do: 'message'; opcode: number; payload: Payload; fragment: number | null }
  /** Sends the header of a frame; `bytes` steps send its payload. */
  | { do: 'header'; opcode: number; fin: boolean; length: number }
  /** Sends a part of that frame's payload. */
  | { do: 'bytes'; payload: Buffer }
  /** Pauses; a tag makes the end of the pause an event. The next steps follow only if the connection is still open. */
  | { do: 'wait'; seconds: number; tag: string | null };

/** The time limit of a case. */
export interface Limit {
  seconds: number;
  /** What follows at the limit: the examiner fails the connection with 1001, or starts the closing handshake without a code. */
  action: 'fail' | 'close';
}

/** One of the outcomes of a case. */
export interface Outcome {
  behavior: Behavior;
  /** The events in order; only the same list matches. */
  events: ExpectedEvent[];
  /** Replaces the comparison with `events` where the RFC allows several lists. */
  accepts?: (received: readonly ReceivedEvent[]) => boolean;
  close: ExpectedClose;
}

/** A received event, with its whole payload. */
export type ReceivedEvent =
  | { kind: 'message'; payload: Buffer; binary: boolean }
  | { kind: 'pong'; payload: Buffer }
  | { kind: 'timeout'; tag: string };

/** The compression agreement that a case needs. */
export interface DeflateWish {
  /** The Sec-WebSocket-Extensions value of the examiner as client. */
  offer: string;
  /** The answer of the examiner as server to a client's offer; null declines the offer. */
  answer: (offered: DeflateOffer) => string | null;
  /** Whether the agreement for the examiner's direction suffices for the case; absent where any does. */
  fits?: (own: { takeover: boolean; windowBits: number }) => boolean;
}

/** The parameters of a client's first valid permessage-deflate offer. */
export interface DeflateOffer {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | null;
  /** Null where the parameter is absent; 15 where it has no value. */
  clientMaxWindowBits: number | null;
}

/** How a request of the examiner differs from the usual one. */
export interface RequestShape {
  /** The method and the version in the request line. */
  method?: string;
  version?: string;
  /** The names of header lines to leave out, in lower case. */
  without?: string[];
  /** Header lines to add; they replace all usual lines of the same names. */
  lines?: [name: string, value: string][];
  /** The bytes after the header. */
  body?: Buffer;
  /** The bytes in a piece, where the request is written in pieces. */
  chop?: number;
  /** Replaces the whole request. */
  raw?: Buffer;
}

/** How a response of the examiner differs from the usual one. */
export interface ResponseShape {
  statusLine?: string;
  without?: string[];
  lines?: [name: string, value: string][];
  chop?: number;
  raw?: Buffer;
  /** Whether it is written together with the first frames. */
  glued?: boolean;
}

/** The kind of a case: how the examiner plays and judges it. */
export type Exam =
  /** Performs steps and compares the received events. */
  | {
      kind: 'script';
      steps: Step[];
      outcomes: Outcome[];
      limit: Limit;
      /** Whether a close by the wrong side makes the behavior FAILED. */
      wrongEndpointFails?: true;
      /** Whether a close code that is not among the expected ones makes the behavior FAILED. */
      wrongCodeFails?: true;
      /** Whether a close code that is not among the expected ones is INFORMATIONAL: RFC 6455 7.1.7 only says SHOULD. */
      codeIsPolicy?: true;
      /** Whether both verdicts are always INFORMATIONAL. */
      informational?: true;
      /** The number of frames, by opcode, that the examiner itself must have sent. */
      ownFrames?: Record<number, number>;
      request?: RequestShape;
      response?: ResponseShape;
      deflate?: DeflateWish;
      /** Judges the testee's handshake in addition to the usual rules; returns the mistake in it, or null. */
      handshake?: (header: HandshakeHeader) => string | null;
      /** The verdict where the testee refuses the handshake, with an HTTP status or by dropping TCP. */
      refused?: Behavior;
    }
  /** Sends one message; the echo must have its type and length. */
  | { kind: 'echo'; step: Step & { do: 'frame' | 'message' }; limit: Limit }
  /** Sends a frame and waits for an echo of its type and length, `count` times. */
  | { kind: 'roundTrips'; opcode: number; payload: Payload; count: number; limit: Limit }
  /** Sends `count` compressed messages, each after the echo of the one before. */
  | {
      kind: 'compression';
      file: PayloadName;
      /** The characters (of text) or bytes in a message. */
      size: number;
      fragment: number | null;
      count: number;
      wish: DeflateWish;
      limit: Limit;
    }
  /** Performs an opening handshake that the testee must refuse; `accepted` is the verdict if it does not. */
  | {
      kind: 'refusal';
      request?: RequestShape;
      response?: ResponseShape;
      accepted: Behavior;
      /** Judges the header fields of a server's refusal; returns the mistake in them, or null. */
      refusal?: (header: HandshakeHeader) => string | null;
    };

/** The names of the five payloads of the compression cases. */
export type PayloadName = 'json' | 'bitmap' | 'prose' | 'html' | 'pdf';

/** The header of a request or a response. */
export interface HandshakeHeader {
  startLine: string;
  /** The status of a response; 0 for a request. */
  status: number;
  /** All values of the fields with a name, in order; the name in lower case. */
  values: (name: string) => string[];
}

/** The role of the testee that a case examines. */
export type Testee = 'server' | 'client';

/** One case of the suite. */
export interface Case {
  id: string;
  description: string;
  expectation: string;
  /** The role of the testee; absent for both. */
  testee?: Testee;
  /** Whether the case is so much work for the testee that no other runs beside it. */
  alone?: true;
  /** The sentence by which the examiner judges a generated case. */
  judgedBy?: string;
  exam: Exam;
}

// ---- builders ------------------------------------------------------------------------------------------------------------------

/** A payload of text or bytes; with `length`, repeated and cut to it. */
export function payload(content: string | Buffer, length?: number): Payload {
  const unit = typeof content === 'string' ? Buffer.from(content) : content;
  return { unit, length: length ?? unit.length };
}

/** The bytes of hexadecimal digits, which spaces may separate. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex');
}

/** The payload's bytes. */
export function octetsOf({ unit, length }: Payload): Buffer {
  if (unit.length === length) return unit;
  return Buffer.alloc(length, unit.length === 0 ? 0 : unit);
}

/** The fields of a frame besides opcode and payload. */
export type FrameOptions = Partial<Omit<Step & { do: 'frame' }, 'do' | 'opcode' | 'payload'>>;

/** Bytes, text, or a repeated unit. */
export type Content = Payload | Buffer | string;

function payloadOf(content: Content): Payload {
  return typeof content === 'string' || Buffer.isBuffer(content) ? payload(content) : content;
}

function frame(opcode: number, content: Content, options: FrameOptions = {}): Step & { do: 'frame' } {
  return {
    do: 'frame',
    opcode,
    payload: payloadOf(content),
    fin: true,
    rsv: 0,
    chop: null,
    sync: false,
    odd: {},
    ...options,
  };
}

/** Steps that send one frame. */
export interface Send {
  /** A frame of any opcode. */
  raw: (opcode: number, content: Content, options?: FrameOptions) => Step & { do: 'frame' };
  text: (content?: Content, options?: FrameOptions) => Step;
  binary: (content?: Content, options?: FrameOptions) => Step;
  continuation: (content?: Content, options?: FrameOptions) => Step;
  ping: (content?: Content, options?: FrameOptions) => Step;
  pong: (content?: Content, options?: FrameOptions) => Step;
  /** A Close frame that does not start the examiner's closing handshake. */
  closeFrame: (content?: Content, options?: FrameOptions) => Step;
  /** Starts the closing handshake. */
  close: (code: number | null, reason?: string | Buffer) => Step;
}

/** See {@link Send}. */
export const send: Send = {
  raw: frame,
  text: (content = '', options = {}) => frame(Opcode.Text, content, options),
  binary: (content = '', options = {}) => frame(Opcode.Binary, content, options),
  continuation: (content = '', options = {}) => frame(Opcode.Continuation, content, options),
  ping: (content = '', options = {}) => frame(Opcode.Ping, content, options),
  pong: (content = '', options = {}) => frame(Opcode.Pong, content, options),
  closeFrame: (content = '', options = {}) => frame(Opcode.Close, content, options),
  close: (code, reason = '') => {
    const head = Buffer.alloc(code === null ? 0 : 2);
    if (code !== null) head.writeUInt16BE(code);
    return { do: 'close', payload: Buffer.concat([head, Buffer.from(reason)]), code };
  },
};

/** Events that a case expects. */
export interface Expect {
  text: (content?: Content) => ExpectedEvent;
  binary: (content?: Content) => ExpectedEvent;
  pong: (content?: Content) => ExpectedEvent;
  timeout: (tag: string) => ExpectedEvent;
}

/** See {@link Expect}. */
export const expect: Expect = {
  text: (content = '') => ({ kind: 'message', payload: payloadOf(content), binary: false }),
  binary: (content = '') => ({ kind: 'message', payload: payloadOf(content), binary: true }),
  pong: (content = '') => ({ kind: 'pong', payload: payloadOf(content) }),
  timeout: (tag) => ({ kind: 'timeout', tag }),
};

/** The examiner closes with 1000, and the closing handshake is clean. */
export const CLEAN: ExpectedClose = { closedByMe: true, closeCode: [1000], requireClean: true };

/** The testee fails the connection, with one of these codes, any where there are none, or without a Close frame. */
export function failed(...codes: number[]): ExpectedClose {
  return { closedByMe: false, closeCode: codes, requireClean: false };
}

/** A time limit at which the examiner fails the connection. */
export function failAfter(seconds: number): Limit {
  return { seconds, action: 'fail' };
}

/** A time limit at which the examiner starts the closing handshake. */
export function closeAfter(seconds: number): Limit {
  return { seconds, action: 'close' };
}
