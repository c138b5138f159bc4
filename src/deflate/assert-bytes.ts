// `assertBytes` refuses a payload that is not bytes, before any memory has changed.
import { UsageError } from '../errors/usage-error.js';

/** @throws UsageError when `data` is not a Uint8Array, of whatever realm */
export function assertBytes(data: unknown): asserts data is Uint8Array {
  if (Object.prototype.toString.call(data) !== '[object Uint8Array]') throw new UsageError('A payload is a Uint8Array');
}
