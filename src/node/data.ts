// What a user passes to send -> octets or a string, as `ws` takes them.
import { Buffer } from 'node:buffer';
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

export function isBlob(data: unknown): data is Blob {
  return typeof data === 'object' && data !== null && !(data instanceof Uint8Array) && data instanceof Blob;
}

/**
 * Octets or text of what is to be sent, without copying.
 * @throws TypeError when it is nothing that can be sent
 */
export function toPayload(data: Exclude<Sendable, Blob>): Uint8Array | string {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (typeof data === 'number') return String(data);
  if (!data) return EMPTY;
  if (ArrayBuffer.isView(data)) return nodeValues.view(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  return Buffer.from(data as readonly number[]);
}

/** How many octets `payload` has; text as UTF-8. */
export function octetsOf(payload: Uint8Array | string): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
}

/** Whether nobody but this thread can change the length of `payload`'s memory, or what lies there, behind our back. */
export function isSteady(payload: Uint8Array | string): boolean {
  if (typeof payload === 'string') return false;
  const { buffer } = payload;
  return buffer instanceof ArrayBuffer && (buffer as ArrayBuffer & { resizable?: boolean }).resizable !== true;
}
