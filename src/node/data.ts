// `toPayload` and the functions beside it convert the arguments of send, ping and close to payloads, as `ws` does.
import { Buffer } from 'node:buffer';
import { inspect, types } from 'node:util';
import { isValidCloseCode } from '../codec/close-payload.js';
import type { SendCallback } from './send-callback.js';
import { nodeValues } from './values.js';

/** Everything that can be sent. A number is sent as text; a falsy value as an empty message. */
export type Sendable =
  | string
  | number
  | Uint8Array
  | DataView
  | ArrayBufferLike
  | ArrayBufferView
  | Blob
  | readonly number[]
  | { valueOf(): ArrayBuffer | SharedArrayBuffer | readonly number[] | string }
  | null
  | undefined;

const EMPTY = Buffer.alloc(0);

/** Whether data is a Blob of any realm: as with `ws`, one of jsdom or of another copy of the class counts. */
export function isBlob(data: unknown): data is Blob {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return false;
  const { arrayBuffer, stream, type } = data as Partial<Blob>;
  if (typeof arrayBuffer !== 'function' || typeof stream !== 'function' || typeof type !== 'string') return false;
  const tag = (data as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === 'Blob' || tag === 'File';
}

/**
 * The bytes or the text to send, without copying.
 * @throws TypeError when it cannot be sent
 */
export function toPayload(data: Exclude<Sendable, Blob>): Uint8Array | string {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (typeof data === 'number') return String(data);
  return data ? toBytes(data) : EMPTY;
}

/**
 * As `toPayload`, without numbers and falsy values: the arguments of a Sender of `ws`.
 * @throws TypeError when it cannot be sent
 */
export function toBytes(data: Exclude<Sendable, Blob | string>): Uint8Array {
  if (ArrayBuffer.isView(data)) return nodeValues.view(data.buffer, data.byteOffset, data.byteLength);
  // Also of another realm, whose classes differ from ours.
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data);
  return Buffer.from(data as readonly number[]);
}

/** The length of `payload` in bytes; of text, in UTF-8. */
export function sizeOf(payload: Uint8Array | string): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
}

/** Whether only this thread can change the bytes of `payload`, or its length. */
export function isSteady(payload: Uint8Array | string): boolean {
  if (typeof payload === 'string') return false;
  const { buffer } = payload;
  return types.isArrayBuffer(buffer) && (buffer as ArrayBuffer & { resizable?: boolean }).resizable !== true;
}

/**
 * The callback of a send, as a socket's `write` takes it: falsy values and names of encodings are ignored.
 * @throws TypeError (`ERR_UNKNOWN_ENCODING`) for any other value that is not a function
 */
export function toCallback(callback: unknown): SendCallback | undefined {
  if (typeof callback === 'function') return callback as SendCallback;
  if (!callback || callback === 'buffer' || Buffer.isEncoding(callback as string)) return undefined;
  throw Object.assign(new TypeError(`Unknown encoding: ${inspect(callback)}`), { code: 'ERR_UNKNOWN_ENCODING' });
}

/** Whether a frame is masked: as the caller says with any value but undefined, else as RFC 6455 5.1 requires of the role. */
// Deviation from ws (D16): `{ mask: undefined }` keeps the default; a client of ws then sends the frame without a mask.
export function toMask(mask: unknown, isServer: boolean): boolean {
  return mask === undefined ? !isServer : Boolean(mask);
}

/**
 * The reason of a Close. A value without a length, such as an Error or a number, is ignored; so is a reason without a valid code.
 * @throws TypeError for null, and for any other value with a length that is neither a string nor a Uint8Array
 */
export function toReason(code: unknown, reason: unknown): string | Uint8Array {
  if (!isValidCloseCode(code as number) || reason === undefined) return '';
  if (typeof reason === 'string' || types.isUint8Array(reason)) return reason;
  if (!(reason as { length?: unknown }).length) return '';
  // As in ws, Node says why; but it knows the length of other views, whose bytes cannot be a text.
  Buffer.byteLength(reason as string);
  throw new TypeError('Second argument must be a string or a Uint8Array');
}
