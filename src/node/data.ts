// `toPayload` and the functions beside it turn arguments of send, ping and close into payloads, as `ws` does.
import { Buffer } from 'node:buffer';
import { inspect, types } from 'node:util';
import type { SendCallback } from './send-callback.js';
import { nodeValues } from './values.js';

/** Everything that can be sent. A number is sent as text; anything falsy as an empty message. */
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

/** Whether data is a Blob of any realm: one of jsdom or of another copy of its class counts, as with `ws`. */
export function isBlob(data: unknown): data is Blob {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return false;
  const { arrayBuffer, stream, type } = data as Partial<Blob>;
  if (typeof arrayBuffer !== 'function' || typeof stream !== 'function' || typeof type !== 'string') return false;
  const tag = (data as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === 'Blob' || tag === 'File';
}

/**
 * The bytes or the text to send, without copying.
 * @throws TypeError when it is nothing that can be sent
 */
export function toPayload(data: Exclude<Sendable, Blob>): Uint8Array | string {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (typeof data === 'number') return String(data);
  return data ? toBytes(data) : EMPTY;
}

/**
 * The same without numbers and values that are falsy, as a Sender of `ws` takes it.
 * @throws TypeError when it is nothing that can be sent
 */
export function toBytes(data: Exclude<Sendable, Blob | string>): Uint8Array {
  if (ArrayBuffer.isView(data)) return nodeValues.view(data.buffer, data.byteOffset, data.byteLength);
  // Also of another realm, whose classes are not ours.
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data);
  return Buffer.from(data as readonly number[]);
}

/** The length of `payload` in bytes; text as UTF-8. */
export function sizeOf(payload: Uint8Array | string): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
}

/** Whether only this thread can change the length of `payload`'s memory, or its bytes. */
export function isSteady(payload: Uint8Array | string): boolean {
  if (typeof payload === 'string') return false;
  const { buffer } = payload;
  return types.isArrayBuffer(buffer) && (buffer as ArrayBuffer & { resizable?: boolean }).resizable !== true;
}

/**
 * The callback of a send, as a socket's `write` takes it: falsy values and names of encodings are none.
 * @throws TypeError (`ERR_UNKNOWN_ENCODING`) for any other value that is no function
 */
export function toCallback(callback: unknown): SendCallback | undefined {
  if (typeof callback === 'function') return callback as SendCallback;
  if (!callback || callback === 'buffer' || Buffer.isEncoding(callback as string)) return undefined;
  throw Object.assign(new TypeError(`Unknown encoding: ${inspect(callback)}`), { code: 'ERR_UNKNOWN_ENCODING' });
}

/** Whether a frame is masked: as the caller says, by any value but undefined, else as RFC 6455 5.1 asks of the role. */
// Deviation from ws: `{ mask: undefined }` says nothing; a client of ws sends the frame without a mask then.
export function toMask(mask: unknown, isServer: boolean): boolean {
  return mask === undefined ? !isServer : Boolean(mask);
}

/**
 * The reason of a Close. One without a length, like an Error, a number or an ArrayBuffer, is none; and so is any without a code.
 * @throws TypeError for null, and for anything else with a length that is neither string nor Uint8Array
 */
export function toReason(code: unknown, reason: unknown): string | Uint8Array {
  if (code === undefined || reason === undefined) return '';
  if (typeof reason === 'string' || types.isUint8Array(reason)) return reason;
  if (reason !== null && !(reason as { length?: unknown }).length) return '';
  throw new TypeError('Second argument must be a string or a Uint8Array');
}
