// `toBytes` converts bytes that a caller passes, of any class and realm, to a Uint8Array of the right length.
import { refuse } from '../errors/usage-error.js';
import { bytesOf, getter, lengthOf } from './typed-array.js';

/** Bytes: a view of any kind, or the memory itself, shared or not. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

const viewMemory = getter<ArrayBufferLike>(DataView.prototype, 'buffer');
const viewOffset = getter<number>(DataView.prototype, 'byteOffset');
const viewLength = getter<number>(DataView.prototype, 'byteLength');

/**
 * The bytes of `data`, without copying, as a Uint8Array with the length of its memory, even if the class of `data`
 * reports another. A typed array with detached memory has no bytes.
 * @throws UsageError when `data` is not a view, ArrayBuffer or SharedArrayBuffer
 */
export function toBytes(data: Bytes): Uint8Array {
  return bytesOf(data) ?? memoryBytes(data);
}

/** A chunk of bytes as a Uint8Array with the length of its memory; throws as `toBytes`, and for detached memory. */
export function toChunk(chunk: Uint8Array): Uint8Array {
  if (lengthOf(chunk) > 0) return chunk;
  const bytes = toBytes(chunk);
  if (bytes.length === 0 && bytesOf(chunk) !== undefined) memoryBytes(chunk.buffer);
  return bytes;
}

/** `toBytes` of a value that is not a typed array. */
function memoryBytes(data: Bytes): Uint8Array {
  try {
    // The only constructor that accepts memory of any realm, shared or not, and nothing else.
    const view = ArrayBuffer.isView(data) ? data : new DataView(data);
    return new Uint8Array(viewMemory.call(view), viewOffset.call(view), viewLength.call(view));
  } catch (cause) {
    refuse('Bytes must be a view, an ArrayBuffer or a SharedArrayBuffer that is not detached', data, cause);
  }
}
