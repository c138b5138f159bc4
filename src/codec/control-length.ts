// `assertControlLength` refuses payloads that are too long for a control frame.
import { MAX_CONTROL_PAYLOAD } from '../spec/frame.js';

/** @throws RangeError, with the text of `ws`, when a payload of `length` bytes does not fit a control frame (RFC 6455 5.5) */
export function assertControlLength(length: number): void {
  if (length > MAX_CONTROL_PAYLOAD) {
    throw new RangeError(`The data size must not be greater than ${MAX_CONTROL_PAYLOAD} bytes`);
  }
}
