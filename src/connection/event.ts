// `ConnectionEvent` describes one message, control frame or failure that a connection has read.
import type { WebSocketError } from '../errors/violations.js';
import type { Opcode } from '../spec/frame.js';

export enum EventType {
  /** A whole message. */
  Message = 1,
  /** A part of a message, where the connection does not assemble messages. */
  Part = 2,
  Ping = 3,
  Pong = 4,
  /** The peer's Close frame (RFC 6455 5.5.1). */
  Close = 5,
  /** The peer broke the protocol and the connection has been failed (RFC 6455 7.1.7). */
  Failure = 6,
}

export interface MessageEvent {
  readonly type: EventType.Message;
  /** The payload, owned by the caller: bytes, or a string where text is returned as strings. */
  readonly data: Uint8Array | string;
  readonly isBinary: boolean;
  /** The places in `data` where fragments end, each once, where the connection was asked to note them; else undefined. */
  readonly fragmentEnds: number[] | undefined;
}

export interface PartEvent {
  readonly type: EventType.Part;
  /** Some bytes of the message; in text, a character may be cut between two parts. */
  readonly data: Uint8Array;
  readonly isBinary: boolean;
  /** Whether the part begins its message; whether it ends it. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The opcode and FIN of its frame (RFC 6455 5.2); those of a whole message where it was compressed. */
  readonly opcode: Opcode;
  readonly fin: boolean;
  /** Whether the part begins its frame; whether it ends it. */
  readonly isFrameStart: boolean;
  readonly isFrameEnd: boolean;
  /** The length of its frame's payload, in bytes, up to 2^53 - 1; of the whole message where it was compressed. */
  readonly frameLength: number;
}

export interface ControlEvent {
  readonly type: EventType.Ping | EventType.Pong;
  /** At most 125 bytes. */
  readonly data: Uint8Array;
}

export interface CloseEvent {
  readonly type: EventType.Close;
  /** The peer's code; 1005 when its Close frame had none (RFC 6455 7.1.5). */
  readonly code: number;
  /** The reason's bytes, valid UTF-8. */
  readonly data: Uint8Array;
}

export interface FailureEvent {
  readonly type: EventType.Failure;
  /** The violation of the peer; `closeCode` is the code of the Close frame that answers it. */
  readonly error: WebSocketError;
}

export type ConnectionEvent = MessageEvent | PartEvent | ControlEvent | CloseEvent | FailureEvent;
