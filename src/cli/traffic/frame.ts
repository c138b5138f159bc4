// `Frame`, `Message` and `Heads` describe the traffic between a client and a server.
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

/** A frame as it was on the wire (RFC 6455 5.2). */
export interface Frame {
  readonly from: Side;
  /** The arrival of its last byte, in ms on the clock of the tap. */
  readonly time: number;
  readonly opcode: number;
  readonly fin: boolean;
  /** 0 to 7; RSV1 is 4. */
  readonly rsv: number;
  readonly isMasked: boolean;
  /** The masking key as a little-endian number; 0 for an unmasked frame. */
  readonly maskingKey: number;
  readonly headerLength: number;
  /** The payload's length in bytes, from the header. */
  readonly length: number;
  /** The unmasked payload; only its beginning if the frame is too long to keep, or incomplete. */
  readonly payload: Uint8Array;
  /** The number of payload bytes that arrived: less than `length` if the connection ended within the frame. */
  readonly came: number;
  readonly fault: Fault | undefined;
}

/** A message, assembled from its frames and inflated. */
export interface Message {
  readonly isBinary: boolean;
  readonly frames: number;
  /** The bytes of its payloads on the wire. */
  readonly wireLength: number;
  readonly isCompressed: boolean;
  /** The content; undefined if it is too long to keep, or cannot be inflated. */
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

/** Returns the name of an opcode. */
export function kindOf(opcode: number): string {
  return NAMES[opcode] ?? `opcode ${opcode}`;
}

export const KINDS: readonly string[] = Object.values(NAMES);

/** Whether an opcode is of a control frame (RFC 6455 5.5). */
export function isControl(opcode: number): boolean {
  return opcode >= Opcode.Close;
}

/** Decodes bytes as text; returns undefined if they are not UTF-8. */
export function textIn(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? bufferOf(bytes).toString() : undefined;
}

/** Returns a Buffer that shares the memory of `bytes`. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Concatenates pieces. A single piece is returned uncopied. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

/** Concatenates pieces and empties the list. A single piece is popped, so that the array keeps its memory. */
export function takeJoined(pieces: Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces.pop()!;
  return Buffer.concat(pieces.splice(0));
}
