// `Result` is the outcome of a job, bytes or the error that fails the connection, and `Deliver` receives it.
import { CloseCode } from '../../spec/close-code.js';
import type { WebSocketError } from '../../errors/violations.js';
import type { ZlibError } from './zlib-handle.js';

export type Result = Uint8Array | WebSocketError;

/** Receives the result of a call that answered LATER; never called during that call, nor after `close`. */
export type Deliver = (result: Result) => void;

/** The error of corrupt data: zlib's own, as in `ws`, with the code that the Close frame carries (RFC 6455 7.4.1). */
export function corruptData(error: ZlibError): WebSocketError {
  return Object.assign(error, { closeCode: CloseCode.InvalidPayload });
}
