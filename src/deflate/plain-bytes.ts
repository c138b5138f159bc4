// `plainBytes` looks at a payload before any memory has changed, past its class.
import { UsageError } from '../errors/usage-error.js';

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

type Getter<T> = (this: unknown) => T;

/** An accessor that reads a typed array itself, whatever its class has defined over it (ECMAScript 23.2.3). */
function getter<T>(name: PropertyKey): Getter<T> {
  // oxlint-disable-next-line unbound-method -- it is called with the array that it reads
  return Object.getOwnPropertyDescriptor(typedArray, name)!.get as Getter<T>;
}

const className = getter<string | undefined>(Symbol.toStringTag);
const memory = getter<ArrayBufferLike>('buffer');
const offset = getter<number>('byteOffset');
const lengthOf = getter<number>('byteLength');

/**
 * The bytes of `data` as a Uint8Array without a class of the caller's, whose `subarray` could give another length.
 * @throws UsageError when `data` is not a Uint8Array, of whatever realm, or its class reports another length
 */
export function plainBytes(data: Uint8Array): Uint8Array {
  const length = className.call(data) === 'Uint8Array' ? lengthOf.call(data) : -1;
  if (length < 0 || length !== data.length) throw new UsageError('A payload is a Uint8Array');
  return length === 0 ? new Uint8Array(0) : new Uint8Array(memory.call(data), offset.call(data), length);
}
