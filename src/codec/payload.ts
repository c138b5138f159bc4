// `toBytes` converts bytes that a caller passes, of any class and realm, to a Uint8Array of the right length.
import { UsageError } from '../errors/usage-error.js';
import type { WebSocketError } from '../errors/violations.js';

/** Bytes: a view of any kind, or the memory itself, shared or not. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

/** A payload: bytes, or text, which is sent as UTF-8 with lone surrogates replaced. */
export type Payload = string | Bytes;

type Getter<T> = (this: unknown) => T;

/** An accessor that reads the object itself, whatever its class or the caller has defined over it. */
function getter<T>(prototype: object, name: PropertyKey): Getter<T> {
  // Every runtime has these accessors (ECMAScript 23.2.3, 25.3.4).
  // oxlint-disable-next-line unbound-method -- it is called with the object that it reads
  return Object.getOwnPropertyDescriptor(prototype, name)!.get as Getter<T>;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
/** The name of a typed array's class; undefined for a DataView. */
const className = getter<string | undefined>(typedArray, Symbol.toStringTag);
const arrayMemory = getter<ArrayBufferLike>(typedArray, 'buffer');
const arrayOffset = getter<number>(typedArray, 'byteOffset');
const arrayLength = getter<number>(typedArray, 'byteLength');
const viewMemory = getter<ArrayBufferLike>(DataView.prototype, 'buffer');
const viewOffset = getter<number>(DataView.prototype, 'byteOffset');
const viewLength = getter<number>(DataView.prototype, 'byteLength');

/**
 * The number of bytes of a Uint8Array or Buffer, which is copied as it is; -1 for other data, and for a class whose
 * `length` differs from its memory's. The engine reads both lengths without a call; the accessor would make it look
 * at the class.
 */
export function lengthOf(data: unknown): number {
  if (className.call(data) !== 'Uint8Array') return -1;
  const told = (data as Uint8Array).length;
  return arrayLength.call(data) === told ? told : -1;
}

/** The number of bytes that a typed array has in its memory, whatever its `length` says: none once that was detached. */
export function lengthIn(data: Uint8Array): number {
  return arrayLength.call(data);
}

/**
 * The bytes of `data`, without copying, as a Uint8Array with the length of its memory, even if the class of `data`
 * reports another. A typed array with detached memory has no bytes.
 * @throws UsageError when `data` is not a view, ArrayBuffer or SharedArrayBuffer
 */
export function toBytes(data: Bytes): Uint8Array {
  if (ArrayBuffer.isView(data) && className.call(data) !== undefined) {
    const length = arrayLength.call(data);
    return length === 0 ? new Uint8Array(0) : new Uint8Array(arrayMemory.call(data), arrayOffset.call(data), length);
  }
  return memoryBytes(data);
}

/** A chunk of bytes as a Uint8Array with the length of its memory; throws as `toBytes`. */
export function toChunk(chunk: Uint8Array): Uint8Array {
  return lengthOf(chunk) < 0 ? toBytes(chunk) : chunk;
}

/**
 * The result of a deflater or an inflater, a view of any kind as its bytes.
 * @throws UsageError when it is neither bytes nor a WebSocketError
 */
export function toResult(result: Uint8Array | WebSocketError): Uint8Array | WebSocketError {
  if (lengthOf(result) >= 0) return result;
  if (ArrayBuffer.isView(result)) return toBytes(result);
  if (typeof (result as Partial<WebSocketError> | null | undefined)?.closeCode === 'number') return result;
  throw new UsageError('The result of a transform is bytes or a WebSocketError');
}

/** `toBytes` of a value that is not a typed array. */
function memoryBytes(data: Bytes): Uint8Array {
  try {
    // The only constructor that accepts memory of any realm, shared or not, and nothing else.
    const view = ArrayBuffer.isView(data) ? data : new DataView(data);
    return new Uint8Array(viewMemory.call(view), viewOffset.call(view), viewLength.call(view));
  } catch (cause) {
    throw new UsageError('Bytes must be a view, an ArrayBuffer or a SharedArrayBuffer that is not detached', { cause });
  }
}

/** `toBytes` of one chunk, or of each chunk of a list; it throws before it returns any. */
export function toChunks(data: Bytes | readonly Bytes[]): Uint8Array[] {
  return Array.isArray(data) ? Array.from(data as Bytes[], toBytes) : [toBytes(data as Bytes)];
}
