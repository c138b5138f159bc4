// `createInflater` and `createDeflater` make the codec's transforms of a connection: the entry `wsimd/codec/deflate`.
import { UsageError } from '../errors/usage-error.js';
import type { DeflateAgreement } from '../extensions/permessage-deflate.js';
import type { Deflater, Inflater } from '../extensions/transform.js';
import { Role } from '../spec/frame.js';
import { DEFAULT_LEVEL } from '../spec/limits.js';
import { WasmDeflater } from './deflater.js';
import { WasmInflater } from './inflater.js';

export { canDeflate } from './machine.js';

export interface DeflaterOptions {
  /** The effort, an integer from 1, the fastest, to 9, the smallest; default 6. */
  readonly level?: number;
}

/**
 * Makes the transform of received messages (RFC 7692 7.2.2). It answers at once, never LATER.
 * @param agreement the parameters agreed in the opening handshake
 * @param role the role of this side
 * @throws UsageError where `canDeflate()` is false
 */
export function createInflater(agreement: DeflateAgreement, role: Role): Inflater {
  // Stricter than zlib: a match that refers back past the agreed window fails the connection, also within a message.
  return role === Role.Server
    ? new WasmInflater(agreement.clientMaxWindowBits, !agreement.clientNoContextTakeover)
    : new WasmInflater(agreement.serverMaxWindowBits, !agreement.serverNoContextTakeover);
}

/**
 * Makes the transform of sent messages (RFC 7692 7.2.1). It answers at once, never LATER.
 * @param agreement the parameters agreed in the opening handshake
 * @param role the role of this side
 * @throws UsageError where `canDeflate()` is false, and for a level out of range
 */
export function createDeflater(agreement: DeflateAgreement, role: Role, options: DeflaterOptions = {}): Deflater {
  const { level = DEFAULT_LEVEL } = options;
  if (!Number.isInteger(level) || level < 1 || level > 9) throw new UsageError('A level is an integer from 1 to 9');
  return role === Role.Server
    ? new WasmDeflater(agreement.serverMaxWindowBits, !agreement.serverNoContextTakeover, level)
    : new WasmDeflater(agreement.clientMaxWindowBits, !agreement.clientNoContextTakeover, level);
}
