// `plainBytes` looks at a payload before any memory has changed, past its class.
import { UsageError } from '../errors/usage-error.js';
import { bytesOf, lengthOf } from '../values/typed-array.js';

/**
 * The bytes of `data` as a Uint8Array without a class of the caller's, whose `subarray` could give another length.
 * @throws UsageError when `data` is not a Uint8Array, of whatever realm, or its class reports another length
 */
export function plainBytes(data: Uint8Array): Uint8Array {
  if (lengthOf(data) < 0) throw new UsageError('A payload is a Uint8Array');
  return bytesOf(data)!;
}
