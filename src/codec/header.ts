// A frame's first octet, its length and its masking key -> the header on the wire (RFC 6455 5.2).
import { LENGTH_16, LENGTH_64, MASK } from '../spec/frame.js';

/**
 * Writes a frame's header at `at`, with its length in the fewest octets (RFC 6455 5.2), and returns where the payload
 * begins or, when `maskBit` is MASK and not 0, the masking key.
 */
export function writeHeader(bytes: Uint8Array, at: number, first: number, length: number, maskBit: number): number {
  bytes[at] = first;
  if (length < LENGTH_16) {
    bytes[at + 1] = maskBit | length;
    return at + 2;
  }
  return writeLength(bytes, at, length, maskBit);
}

/** The rest of `writeHeader`, for lengths that take 2 or 8 octets of their own. */
function writeLength(bytes: Uint8Array, at: number, length: number, maskBit: number): number {
  if (length < 0x10000) {
    bytes[at + 1] = maskBit | LENGTH_16;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
    return at + 4;
  }
  bytes[at + 1] = maskBit | LENGTH_64;
  at += 2;
  const high = Math.floor(length / 0x100000000);
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = high >>> shift;
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = length >>> shift;
  return at;
}

/** Writes the masking key, whose first octet is the lowest byte, and returns where the payload begins. */
export function writeKey(bytes: Uint8Array, at: number, key: number): number {
  bytes[at] = key;
  bytes[at + 1] = key >>> 8;
  bytes[at + 2] = key >>> 16;
  bytes[at + 3] = key >>> 24;
  return at + 4;
}

/** Where the payload of the whole, well-formed frame at `at` begins, and where the frame ends. */
export function frameAt(bytes: Uint8Array, at: number): { readonly payload: number; readonly end: number } {
  const second = bytes[at + 1];
  let length = second & ~MASK;
  let payload = at + 2;
  if (length >= LENGTH_16) {
    const lengthBytes = length === LENGTH_16 ? 2 : 8;
    length = 0;
    for (let i = 0; i < lengthBytes; i++) length = 0x100 * length + bytes[payload++];
  }
  if ((second & MASK) !== 0) payload += 4;
  return { payload, end: payload + length };
}
