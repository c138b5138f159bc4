// `assertBytes` refuses a payload that is not bytes, before any memory has changed.
import { UsageError } from '../errors/usage-error.js';

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
/** The number of elements that a typed array has in its memory, whatever its class says (ECMAScript 23.2.3.21). */
// oxlint-disable-next-line unbound-method -- it is called with the array that it reads
const lengthOf = Object.getOwnPropertyDescriptor(typedArray, 'length')!.get as (this: object) => number;

/** @throws UsageError when `data` is not a Uint8Array, of whatever realm, or its class reports another length */
export function assertBytes(data: unknown): asserts data is Uint8Array {
  const isBytes = ArrayBuffer.isView(data) && Object.prototype.toString.call(data) === '[object Uint8Array]';
  if (!isBytes || lengthOf.call(data) !== (data as Uint8Array).length)
    throw new UsageError('A payload is a Uint8Array');
}
