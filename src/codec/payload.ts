// A payload is bytes or text; `toFrames` and `toResult` read lists of chunks and what a transform answers.
import { refuse } from '../errors/usage-error.js';
import type { WebSocketError } from '../errors/violations.js';
import { toBytes, type Bytes } from '../values/bytes.js';
import { joined } from '../values/joined.js';
import { lengthOf } from '../values/typed-array.js';

/** A payload: bytes, or text, which is sent as UTF-8 with lone surrogates replaced. */
export type Payload = string | Bytes;

/**
 * The result of a deflater or an inflater, a view of any kind as its bytes.
 * @throws UsageError when it is neither bytes nor a WebSocketError
 */
export function toResult(result: Uint8Array | WebSocketError): Uint8Array | WebSocketError {
  if (lengthOf(result) >= 0) return result;
  if (ArrayBuffer.isView(result)) return toBytes(result);
  if (typeof (result as Partial<WebSocketError> | null | undefined)?.closeCode === 'number') return result;
  refuse('The result of a transform is bytes or a WebSocketError', result);
}

/**
 * Encoded frames in one piece, and whether they may be kept by reference: those of one chunk where it is lent, and those of
 * several chunks, which are joined in memory of their own. Throws as `toBytes`.
 */
export function toFrames(data: Bytes | readonly Bytes[], lent: boolean): { bytes: Uint8Array; lent: boolean } {
  const chunks = Array.isArray(data) ? Array.from(data as Bytes[], toBytes) : [toBytes(data as Bytes)];
  return chunks.length === 1 ? { bytes: chunks[0], lent } : { bytes: joined(chunks), lent: true };
}
