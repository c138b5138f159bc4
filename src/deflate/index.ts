// `createInflater` and `createDeflater` make the codec's transforms of a connection: the entry `wsimd/codec/deflate`.
import { checkObject, UsageError } from '../errors/usage-error.js';
import type { DeflateAgreement } from '../extensions/permessage-deflate.js';
import type { Deflater, Inflater } from '../extensions/transform.js';
import { Role } from '../spec/frame.js';
import { DEFAULT_LEVEL } from '../spec/limits.js';
import { WasmDeflater } from './deflater.js';
import { WasmInflater } from './inflater.js';

export { canDeflate } from './machine.js';

export interface DeflaterOptions {
  /** The effort, an integer from 1, the fastest, to 9, the smallest; default 6. */
  readonly level?: number | undefined;
}

/**
 * Makes the transform of received messages (RFC 7692 7.2.2). It answers at once, never LATER.
 * @param agreement the parameters agreed in the opening handshake
 * @param role the role of this side
 * @throws UsageError where `canDeflate()` is false, and for an invalid agreement or role
 */
export function createInflater(agreement: DeflateAgreement, role: Role): Inflater {
  // Stricter than zlib: a match that refers back past the agreed window fails the connection, also within a message.
  const { windowBits, takeover } = streamOf(agreement, role, Role.Client);
  return new WasmInflater(windowBits, takeover);
}

/**
 * Makes the transform of sent messages (RFC 7692 7.2.1). It answers at once, never LATER.
 * @param agreement the parameters agreed in the opening handshake
 * @param role the role of this side
 * @throws UsageError where `canDeflate()` is false, and for an invalid agreement or role, or a level out of range
 */
export function createDeflater(agreement: DeflateAgreement, role: Role, options: DeflaterOptions = {}): Deflater {
  checkObject('Options are', options);
  const { level = DEFAULT_LEVEL } = options;
  if (!Number.isInteger(level) || level < 1 || level > 9) throw new UsageError('A level is an integer from 1 to 9');
  const { windowBits, takeover } = streamOf(agreement, role, Role.Server);
  return new WasmDeflater(windowBits, takeover, level);
}

/** What was agreed for the messages of the server, where `role` is `ofServer`; else of the client. */
function streamOf(agreement: DeflateAgreement, role: Role, ofServer: Role): { windowBits: number; takeover: boolean } {
  if (role !== Role.Client && role !== Role.Server) throw new UsageError('The role is Role.Client or Role.Server');
  checkObject('An agreement is', agreement);
  const isServers = role === ofServer;
  const windowBits = isServers ? agreement.serverMaxWindowBits : agreement.clientMaxWindowBits;
  const isNewEachTime = isServers ? agreement.serverNoContextTakeover : agreement.clientNoContextTakeover;
  // RFC 7692 7.1.2.
  if (!Number.isInteger(windowBits) || windowBits < 8 || windowBits > 15) {
    throw new UsageError('Window bits are an integer from 8 to 15');
  }
  return { windowBits, takeover: !isNewEachTime };
}
