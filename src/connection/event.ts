// `ConnectionEvent` is one thing that a connection has read from its peer.
import type { WebSocketError } from '../errors/violations.js';

export enum EventType {
  /** A whole message. */
  Message = 1,
  /** A part of a message, where the connection was asked not to assemble. */
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
  /** The payload, owned by whoever takes the event: octets, or a string where text is asked for as strings. */
  readonly data: Uint8Array | string;
  readonly isBinary: boolean;
  /** Where each fragment ends in `data`, in octets, when the connection was asked to note that; else undefined. */
  readonly fragmentEnds: number[] | undefined;
}

export interface PartEvent {
  readonly type: EventType.Part;
  /** Some octets of the message; in text, a character may be cut between two parts. */
  readonly data: Uint8Array;
  readonly isBinary: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export interface ControlEvent {
  readonly type: EventType.Ping | EventType.Pong;
  /** At most 125 octets. */
  readonly data: Uint8Array;
}

export interface CloseEvent {
  readonly type: EventType.Close;
  /** The peer's code; 1005 when its Close frame had none (RFC 6455 7.1.5). */
  readonly code: number;
  /** The reason's octets, valid UTF-8. */
  readonly data: Uint8Array;
}

export interface FailureEvent {
  readonly type: EventType.Failure;
  /** What the peer did; `closeCode` is the code that the Close frame to it carries. */
  readonly error: WebSocketError;
}

export type ConnectionEvent = MessageEvent | PartEvent | ControlEvent | CloseEvent | FailureEvent;
