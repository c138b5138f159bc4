// `decodeClosePayload` and `encodeClosePayload` read and write the code and reason of a Close frame (RFC 6455 5.5.1, 7.4).
import type { Kernels } from '../kernels/kernels.js';
import { CloseCode, FIRST_REGISTERED_CODE, LAST_PRIVATE_CODE, NEVER_SENT } from '../spec/close-code.js';
import { MAX_CONTROL_PAYLOAD } from '../spec/frame.js';
import { Violation } from '../spec/violation.js';
import { toBytes, toChunk } from '../values/bytes.js';
import { lengthOf } from '../values/typed-array.js';
import { plainValues } from '../values/values.js';
import type { Payload } from './payload.js';
import { isUtf8 } from './utf8.js';

/** The longest reason, in bytes: a control frame's payload less the code. */
export const MAX_REASON: number = MAX_CONTROL_PAYLOAD - 2;

/** The contents of a Close frame. `code` is `CloseCode.NoStatus` when the payload is empty. */
export interface ClosePayload {
  readonly code: number;
  /** The reason's bytes, valid UTF-8. */
  readonly reason: Uint8Array;
}

/** Whether an endpoint may put `code` into a Close frame (RFC 6455 7.4.1, 7.4.2): one that `CloseCode` lists, or 3000 to 4999. */
export function isValidCloseCode(code: number): boolean {
  // Deviation from ws (D9): a fraction is refused; cut to 16 bits, 1006.5 would put 1006 on the wire.
  if (!Number.isInteger(code)) return false;
  if (code >= FIRST_REGISTERED_CODE) return code <= LAST_PRIVATE_CODE;
  return code in CloseCode && !NEVER_SENT.includes(code);
}

/**
 * Reads a Close payload without judging it: an empty one, or one of a single byte, means `NoStatus`.
 * @throws UsageError when it is not bytes, or they are detached
 */
export function decodeClosePayload(payload: Uint8Array): ClosePayload {
  // A Buffer stays one, as its reason is that of the 'close' event.
  const bytes = lengthOf(payload) < 0 ? toBytes(payload) : payload;
  if (bytes.length < 2) {
    // Detached memory looks empty.
    toChunk(payload);
    return { code: CloseCode.NoStatus, reason: bytes.subarray(bytes.length) };
  }
  return { code: (bytes[0] << 8) | bytes[1], reason: bytes.subarray(2) };
}

/** The rule that a Close payload breaks, if any (RFC 6455 5.5.1, 7.4, 8.1). */
export function judgeClosePayload(payload: Uint8Array, skipUtf8: boolean, kernels: Kernels): Violation {
  const bytes = toBytes(payload);
  if (bytes.length === 0) return Violation.None;
  // RFC 6455 5.5.1: if there is a body, its first two bytes are a code.
  if (bytes.length === 1) return Violation.InvalidControlLength;
  const { code, reason } = decodeClosePayload(bytes);
  // RFC 6455 7.4: only codes that are defined, registered or private may be sent.
  if (!isValidCloseCode(code)) return Violation.InvalidCloseCode;
  // RFC 6455 5.5.1: the reason is UTF-8.
  if (!skipUtf8 && !isUtf8(reason, kernels)) return Violation.InvalidUtf8;
  return Violation.None;
}

/**
 * Writes code and reason as a Close payload.
 * @param code a code that may be sent, or undefined for an empty payload
 * @param reason text, or bytes of UTF-8, at most 123 bytes
 * @throws UsageError when the reason is neither; TypeError when the code may not be sent, or a reason comes without a code; RangeError when the reason is too long
 */
export function encodeClosePayload(code?: number, reason: Payload = ''): Uint8Array {
  const bytes = typeof reason === 'string' ? plainValues.encode(reason) : toBytes(reason);
  if (code === undefined) {
    if (bytes.length > 0) throw new TypeError('A close reason needs a close code before it');
    return new Uint8Array();
  }
  if (!isValidCloseCode(code)) {
    throw new TypeError('First argument must be a valid error code number');
  }
  // RFC 6455 5.5: a control frame carries at most 125 bytes, two of which are the code.
  if (bytes.length > MAX_REASON) throw new RangeError(`The message must not be greater than ${MAX_REASON} bytes`);
  const payload = new Uint8Array(2 + bytes.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(bytes, 2);
  return payload;
}
