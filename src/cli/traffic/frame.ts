// `Frame`, `Message` and `Heads` are the facts of traffic that passes between a client and a server.
import { Buffer } from 'node:buffer';
import { isUtf8, Opcode } from '../../sans-io.js';

/** The end of a connection that has sent something. */
export type Side = 'client' | 'server';

export const SIDES: readonly Side[] = ['client', 'server'];

export function otherSide(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}

/** A rule that a frame breaks. */
export interface Fault {
  /** Such as `RFC 6455 5.1`. */
  readonly section: string;
  readonly text: string;
}

/** A frame as it stood on the wire (RFC 6455 5.2). */
export interface Frame {
  readonly from: Side;
  /** When its last byte came, in ms on the clock of the tap. */
  readonly time: number;
  readonly opcode: number;
  readonly fin: boolean;
  /** 0 to 7; RSV1 is 4. */
  readonly rsv: number;
  readonly isMasked: boolean;
  /** The masking key as a number, its first byte on the wire the lowest; 0 where the frame is not masked. */
  readonly maskingKey: number;
  readonly headerLength: number;
  /** The payload's length as the header tells it, in bytes. */
  readonly length: number;
  /** The payload, unmasked; less of it where the frame is longer than is kept, or was never whole. */
  readonly payload: Uint8Array;
  /** How many bytes of the payload came: less than `length` where the connection ended within the frame. */
  readonly came: number;
  readonly fault: Fault | undefined;
}

/** A message, put together from its frames and inflated. */
export interface Message {
  readonly isBinary: boolean;
  readonly frames: number;
  /** Bytes of payload on the wire. */
  readonly wireLength: number;
  readonly isCompressed: boolean;
  /** The content; undefined where it is longer than is kept, or cannot be inflated. */
  readonly data: Uint8Array | undefined;
}

/** The two heads of an opening handshake, each line with its CRLF. */
export interface Heads {
  readonly request: string;
  readonly response: string;
}

const NAMES: Readonly<Record<number, string>> = {
  [Opcode.Continuation]: 'continuation',
  [Opcode.Text]: 'text',
  [Opcode.Binary]: 'binary',
  [Opcode.Close]: 'close',
  [Opcode.Ping]: 'ping',
  [Opcode.Pong]: 'pong',
};

/** A frame's kind in a word. */
export function kindOf(opcode: number): string {
  return NAMES[opcode] ?? `opcode ${opcode}`;
}

export const KINDS: readonly string[] = Object.values(NAMES);

/** Whether an opcode is of a control frame (RFC 6455 5.5). */
export function isControl(opcode: number): boolean {
  return opcode >= Opcode.Close;
}

/** Bytes as text where they are UTF-8, else undefined. */
export function textIn(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? bufferOf(bytes).toString() : undefined;
}

/** Bytes as a Buffer, which shares their memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The bytes of pieces in one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

/** The bytes of pieces in one; the list is empty then. One piece leaves it its memory for the next. */
export function takeJoined(pieces: Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces.pop()!;
  return Buffer.concat(pieces.splice(0));
}
