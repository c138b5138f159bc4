// `writeHeader` writes a frame's header: first byte, length and masking key (RFC 6455 5.2).
import { UsageError } from '../errors/usage-error.js';
import { LENGTH_16, LENGTH_64, MASK, MAX_HEADER } from '../spec/frame.js';
import { toBytes } from '../values/bytes.js';

/**
 * Writes a frame's header at `at`, with its length in the fewest bytes (RFC 6455 5.2), and returns where the payload
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

/** The rest of `writeHeader`, for lengths that take 2 or 8 bytes of their own. */
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

/** The length, in bytes, of a frame's header without a masking key. */
export function headerLength(length: number): number {
  if (length < LENGTH_16) return 2;
  return length < 0x10000 ? 4 : 10;
}

/** Writes the masking key, whose first byte is the lowest byte, and returns where the payload begins. */
export function writeKey(bytes: Uint8Array, at: number, key: number): number {
  bytes[at] = key;
  bytes[at + 1] = key >>> 8;
  bytes[at + 2] = key >>> 16;
  bytes[at + 3] = key >>> 24;
  return at + 4;
}

/** The start of the payload of the whole, well-formed frame at `at`, and the end of the frame. */
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

/**
 * The number of frames whose headers are in `chunks`, each header in one of them.
 * @param skip the length of what goes on from an earlier frame
 */
export function framesIn(chunks: Iterable<Uint8Array>, skip: number): number {
  let frames = 0;
  let at = skip;
  for (const chunk of chunks) {
    for (; at + 2 <= chunk.length; at = frameAt(chunk, at).end) frames++;
    at = Math.max(0, at - chunk.length);
  }
  return frames;
}

/**
 * Writes a frame's header, for callers that write the payload themselves (RFC 6455 5.2).
 * @param target memory for the header, from `at` on; a header has 2 to 14 bytes
 * @param first the header's first byte: FIN, RSV bits and opcode
 * @param length the length of the payload, in bytes, up to 2^53 - 1
 * @param key the masking key, its first byte lowest, as `mask` takes it; undefined for an unmasked frame
 * @returns where the payload begins
 * @throws UsageError, before anything is written, when an argument is out of range or there is no room
 */
export function writeFrameHeader(target: Uint8Array, at: number, first: number, length: number, key?: number): number {
  const isByte = Number.isInteger(first) && first >= 0 && first <= 0xff;
  const isLength = Number.isSafeInteger(length) && length >= 0;
  const isKey = key === undefined || Number.isInteger(key);
  if (!isByte || !isLength || !isKey) throw new UsageError('The first byte, the length or the key is out of range');
  const header = new Uint8Array(MAX_HEADER);
  const keyAt = writeHeader(header, 0, first, length, key === undefined ? 0 : MASK);
  const end = key === undefined ? keyAt : writeKey(header, keyAt, key);
  const bytes = toBytes(target);
  if (!Number.isInteger(at) || at < 0 || at + end > bytes.length) {
    throw new UsageError(`There is no room for a header of ${end} bytes`);
  }
  bytes.set(header.subarray(0, end), at);
  return at + end;
}
