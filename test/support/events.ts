// What a receiver makes of a string of bytes, as plain data that two decoders can be compared by; bytes are lower-case hex.
import { Violation } from '../../src/spec/violation.js';

/** One thing that the wire meant. A `close` or a `violation` is always the last. */
export type WireEvent =
  | { type: 'message'; text: boolean; compressed: boolean; data: string }
  | { type: 'ping'; data: string }
  | { type: 'pong'; data: string }
  | { type: 'close'; code: number; reason: string }
  | { type: 'violation'; violation: Violation; closeCode: number };

/** Every violation there is. */
export const VIOLATION_NUMBERS: Exclude<Violation, Violation.None>[] = [
  Violation.UnexpectedRsv23,
  Violation.UnexpectedRsv1,
  Violation.InvalidOpcode,
  Violation.ExpectedFin,
  Violation.InvalidControlLength,
  Violation.ExpectedMask,
  Violation.UnexpectedMask,
  Violation.NonMinimalLength,
  Violation.LengthTooLarge,
  Violation.MessageTooBig,
  Violation.InvalidUtf8,
  Violation.InvalidCloseCode,
  Violation.TooManyFragments,
  Violation.TooManyChunks,
  Violation.InvalidDeflate,
  Violation.Internal,
];

/** Who receives, and what has been agreed with the peer. */
export interface ReceiverOptions {
  /** The receiver's own role: a server's frames come masked, a client's do not. */
  role: 'client' | 'server';
  /** RSV bits claimed by an extension, where they stand on the wire: 0x40, 0x20, 0x10. Default: none. */
  rsv?: number;
  /** The longest message allowed, in bytes. Default: Infinity, by which 2^53 - 1 is meant. */
  maxPayload?: number;
  /** Neither text nor close reasons are checked for UTF-8. Default: false. */
  skipUtf8?: boolean;
}

export function hex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');
}

/** The bytes of a hex string; blanks are for reading. */
export function octets(spaced: string): Uint8Array {
  const digits = spaced.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) {
    throw new Error(`not hex: ${spaced.slice(0, 80)}`);
  }
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** A text message, given as the text it says. */
export function text(content: string): WireEvent {
  return { type: 'message', text: true, compressed: false, data: hex(Buffer.from(content)) };
}

/** A binary message, given in hex. */
export function binary(data: string): WireEvent {
  return { type: 'message', text: false, compressed: false, data: hex(octets(data)) };
}

/** A compressed message as it came, not inflated, given in hex. */
export function compressed(kind: 'text' | 'binary', data: string): WireEvent {
  return { type: 'message', text: kind === 'text', compressed: true, data: hex(octets(data)) };
}

/** A text message that need not be UTF-8, given in hex. */
export function textOctets(data: string): WireEvent {
  return { type: 'message', text: true, compressed: false, data: hex(octets(data)) };
}

export function ping(data = ''): WireEvent {
  return { type: 'ping', data: hex(octets(data)) };
}

export function pong(data = ''): WireEvent {
  return { type: 'pong', data: hex(octets(data)) };
}

export function close(code: number, reason = ''): WireEvent {
  return { type: 'close', code, reason: hex(Buffer.from(reason)) };
}

/** The peer broke the protocol; the close code is the one that RFC 6455 7.4.1 gives for it. */
export function fails(violation: Violation): WireEvent {
  return { type: 'violation', violation, closeCode: closeCodeFor(violation) };
}

function closeCodeFor(violation: Violation): number {
  switch (violation) {
    case Violation.InvalidUtf8:
    case Violation.InvalidDeflate:
      return 1007;
    case Violation.TooManyFragments:
    case Violation.TooManyChunks:
      return 1008;
    case Violation.MessageTooBig:
    case Violation.LengthTooLarge:
      return 1009;
    case Violation.Internal:
      return 1011;
    default:
      return 1002;
  }
}
