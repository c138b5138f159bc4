// `Case` is data: the steps of the examiner, the answers that it accepts, and the end that the connection must have.

import type { Behavior, ExpectedClose } from './result.js';
import { type LengthForm, Opcode } from './wire.js';

/** Bytes to send: `unit` repeated and cut to `length`. */
export interface Payload {
  unit: Buffer;
  length: number;
}

/** An event that a case accepts, with its payload in full. */
export type ExpectedEvent =
  | { kind: 'message'; payload: Payload; binary: boolean }
  | { kind: 'pong'; payload: Payload }
  | { kind: 'timeout'; tag: string };

/** One thing that the examiner does. */
export type Step =
  | {
      do: 'frame';
      opcode: number;
      fin: boolean;
      rsv: number;
      payload: Payload;
      /** Written in pieces of so many bytes, with a turn of the event loop between them. */
      chop: number | null;
      /** Written by itself, with a turn of the event loop after it. */
      sync: boolean;
      /** How the frame differs from that of a conforming sender. */
      odd: { form?: LengthForm; mask?: 'wrong role' | 'zero' };
    }
  /** Starts the closing handshake with exactly this payload. */
  | { do: 'close'; payload: Buffer; code: number | null }
  /** A message in frames of `fragment` bytes. When the length is a multiple of that, an empty final frame follows. */
  | { do: 'message'; opcode: number; payload: Payload; fragment: number | null }
  /** The header of a frame whose payload comes later. */
  | { do: 'header'; opcode: number; fin: boolean; length: number }
  /** Some payload of that frame. */
  | { do: 'bytes'; payload: Buffer }
  /** A pause; with a tag it becomes an event. The next steps are done only if the connection is still open. */
  | { do: 'wait'; seconds: number; tag: string | null };

/** The verdict when the testee has not finished in time. */
export interface Limit {
  seconds: number;
  /** Fail the connection with 1001, or start the closing handshake without a code. */
  action: 'fail' | 'close';
}

/** One way in which a case may turn out. */
export interface Outcome {
  behavior: Behavior;
  /** The events in order; any other list is no match. */
  events: ExpectedEvent[];
  /** Replaces the comparison with `events` where the RFC leaves a choice. */
  accepts?: (received: readonly ReceivedEvent[]) => boolean;
  close: ExpectedClose;
}

/** An event that was received, with its payload in full. */
export type ReceivedEvent =
  | { kind: 'message'; payload: Buffer; binary: boolean }
  | { kind: 'pong'; payload: Buffer }
  | { kind: 'timeout'; tag: string };

/** A compression agreement that a case asks for. */
export interface DeflateWish {
  /** Value of Sec-WebSocket-Extensions when the examiner is the client. */
  offer: string;
  /** The examiner's answer, as server, to the client's offer; null declines. */
  answer: (offered: DeflateOffer) => string | null;
  /** Whether the case can be played on this agreement, by the examiner's own direction; left out: on any. */
  fits?: (own: { takeover: boolean; windowBits: number }) => boolean;
}

/** The demands of a client's first permessage-deflate offer. */
export interface DeflateOffer {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | null;
  /** Null when the parameter is absent; 15 when it stands there without a value. */
  clientMaxWindowBits: number | null;
}

/** How a request of the examiner departs from the plain one. */
export interface RequestShape {
  /** The request line's method and version. */
  method?: string;
  version?: string;
  /** Header lines to leave out, by lower-case name. */
  without?: string[];
  /** Header lines that replace those of the same name (all of them), or are added. */
  lines?: [name: string, value: string][];
  /** Bytes after the header. */
  body?: Buffer;
  /** Writes the request in pieces of so many bytes. */
  chop?: number;
  /** Replaces the whole request. */
  raw?: Buffer;
}

/** How a response of the examiner departs from the plain one. */
export interface ResponseShape {
  statusLine?: string;
  without?: string[];
  lines?: [name: string, value: string][];
  chop?: number;
  raw?: Buffer;
  /** Written together with the first frames. */
  glued?: boolean;
}

/** How a case is run and judged. */
export type Exam =
  /** Sends steps and compares the events that come back. */
  | {
      kind: 'script';
      steps: Step[];
      outcomes: Outcome[];
      limit: Limit;
      /** A close by the wrong side makes the behavior FAILED. */
      wrongEndpointFails?: true;
      /** A close code that is not among the expected ones makes the behavior FAILED. */
      wrongCodeFails?: true;
      /** A close code that is not among the expected ones is INFORMATIONAL: RFC 6455 7.1.7 only says SHOULD. */
      codeIsPolicy?: true;
      /** Both verdicts are INFORMATIONAL, whatever happens. */
      informational?: true;
      /** How many frames of each opcode the examiner itself must have sent. */
      ownFrames?: Record<number, number>;
      request?: RequestShape;
      response?: ResponseShape;
      deflate?: DeflateWish;
      /** Judges the testee's handshake beyond the usual; returns the mistake in it. */
      handshake?: (header: HandshakeHeader) => string | null;
      /** The verdict when the testee refuses the handshake instead, with an HTTP status or by dropping TCP. */
      refused?: Behavior;
    }
  /** Sends one message; the echo has to have its type and length. */
  | { kind: 'echo'; step: Step & { do: 'frame' | 'message' }; limit: Limit }
  /** Sends a frame, waits for the echo's type and length, `count` times. */
  | { kind: 'roundTrips'; opcode: number; payload: Payload; count: number; limit: Limit }
  /** Sends `count` compressed messages, one after the echo of the other. */
  | {
      kind: 'compression';
      file: PayloadName;
      /** Characters (of text) or bytes in a message. */
      size: number;
      fragment: number | null;
      count: number;
      wish: DeflateWish;
      limit: Limit;
    }
  /** An opening handshake that the testee has to refuse. `accepted` is the verdict when it does not. */
  | {
      kind: 'refusal';
      request?: RequestShape;
      response?: ResponseShape;
      accepted: Behavior;
      /** Judges the fields of a refusal by the server; returns the mistake in it. */
      refusal?: (header: HandshakeHeader) => string | null;
    };

/** The five sorts of payload of the compression cases. */
export type PayloadName = 'json' | 'bitmap' | 'prose' | 'html' | 'pdf';

/** A response's or request's header, as the cases look at it. */
export interface HandshakeHeader {
  startLine: string;
  /** Status of a response, 0 for a request. */
  status: number;
  /** All values of a header name, in order; names in lower case. */
  values: (name: string) => string[];
}

/** Which testees a case examines. */
export type Testee = 'server' | 'client';

/** One case. */
export interface Case {
  id: string;
  description: string;
  expectation: string;
  /** Left out: both. */
  testee?: Testee;
  /** So much work for the testee that nothing else is examined meanwhile. */
  alone?: true;
  /** The sentence by which a generated case is judged. */
  judgedBy?: string;
  exam: Exam;
}

// ---- builders ------------------------------------------------------------------------------------------------------------------

/** Bytes of text, of bytes, or of a repeated unit. */
export function payload(content: string | Buffer, length?: number): Payload {
  const unit = typeof content === 'string' ? Buffer.from(content) : content;
  return { unit, length: length ?? unit.length };
}

/** Bytes written in hexadecimal. */
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
  /** A close frame as a mere frame: it does not start the examiner's closing handshake. */
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

/** The connection ends by the examiner's close 1000, cleanly. */
export const CLEAN: ExpectedClose = { closedByMe: true, closeCode: [1000], requireClean: true };

/** The testee fails the connection, with one of these codes (any, when none is named) or without a word. */
export function failed(...codes: number[]): ExpectedClose {
  return { closedByMe: false, closeCode: codes, requireClean: false };
}

/** The examiner's limits of time. */
export function failAfter(seconds: number): Limit {
  return { seconds, action: 'fail' };
}

/** See {@link failAfter}. */
export function closeAfter(seconds: number): Limit {
  return { seconds, action: 'close' };
}
