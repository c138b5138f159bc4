// `createInflater` and `createDeflater` make the compression engines of one connection from its agreement.
import { constants, createDeflateRaw, createInflateRaw, type ZlibOptions } from 'node:zlib';
import type { DeflateAgreement, DeflateOptions } from '../../extensions/permessage-deflate.js';
import type { Deflater, Inflater } from '../../extensions/transform.js';
import { Role } from '../../spec/frame.js';
import { DEFAULT_CONCURRENCY_LIMIT } from '../../spec/limits.js';
import { wordOption } from '../options.js';
import { budget as threadBudget, type Budget } from './budget.js';
import { HandleDeflater } from './deflater.js';
import { HandleSupply } from './handle-supply.js';
import { History } from './history.js';
import { HandleInflater } from './inflater.js';
import { PublicDeflater } from './public-deflater.js';
import { PublicInflater } from './public-inflater.js';
import type { Deliver } from './result.js';
import { handlesBehave } from './self-test.js';

/** The interface of zlib in use: its native handles, or only its public one. */
export type ZlibPath = 'handle' | 'public';

/** A user's options for the engines, with the names of `ws`. */
export interface EngineOptions {
  /** Parameters of zlib for compression; `windowBits` is honoured up to the agreed value. */
  readonly zlibDeflateOptions?: ZlibOptions | undefined;
  /** Parameters of zlib for decompression; `windowBits` is the agreed value. */
  readonly zlibInflateOptions?: ZlibOptions | undefined;
  /** The most messages of several steps under work at the same time in this thread: 10 by default, 0 for no limit. */
  readonly concurrencyLimit?: number | undefined;
  /** By default the handles, where they pass the self-test. */
  readonly zlibPath?: ZlibPath | undefined;
}

/** Everything that `perMessageDeflate` may contain. */
export interface PerMessageDeflateOptions extends DeflateOptions, EngineOptions {}

/** The agreement for one direction of a connection. */
interface Direction {
  /** The sender's window as a power of two, 8 to 15. */
  readonly windowBits: number;
  /** Whether the sender may refer to earlier messages. */
  readonly contextTakeover: boolean;
}

// A copy of a 4 KiB window costs little to keep, and such a handle takes half of the memory of zlib's own defaults.
const DEDICATED_WINDOW_BITS = 12;
const DEDICATED_MEM_LEVEL = 5;

let tested: ZlibPath | undefined;

/** The default interface of zlib. */
export function zlibPath(): ZlibPath {
  tested ??= handlesBehave() ? 'handle' : 'public';
  return tested;
}

/**
 * Refuses options that could not be honoured later, so that the error is thrown at the caller's line.
 * @throws RangeError for a concurrencyLimit that is not a number from 0; TypeError for an unknown zlibPath; RangeError or
 *   TypeError, as zlib throws them, for parameters of zlib
 */
export function checkEngineOptions(options: EngineOptions): void {
  if (options.concurrencyLimit !== undefined && !(options.concurrencyLimit >= 0)) {
    throw new RangeError('perMessageDeflate.concurrencyLimit must be a number from 0');
  }
  wordOption('perMessageDeflate.zlibPath', options.zlibPath, ['handle', 'public'], 'handle');
  createDeflateRaw({ ...options.zlibDeflateOptions }).close();
  createInflateRaw({ ...options.zlibInflateOptions }).close();
}

const usesHandles = (options: EngineOptions): boolean => (options.zlibPath ?? zlibPath()) === 'handle';
const limitOf = (options: EngineOptions): number => (options.concurrencyLimit ?? DEFAULT_CONCURRENCY_LIMIT) || Infinity;

/** RFC 7692 7.1: the agreement for the messages that this role sends. */
function directionFrom(sender: Role, agreed: DeflateAgreement): Direction {
  return sender === Role.Server
    ? { windowBits: agreed.serverMaxWindowBits, contextTakeover: !agreed.serverNoContextTakeover }
    : { windowBits: agreed.clientMaxWindowBits, contextTakeover: !agreed.clientNoContextTakeover };
}

/**
 * Makes the engine that decompresses the messages that this side receives. It takes no memory before the first one.
 * @param role the role of this side
 * @param deliver receives the results of calls that answered LATER
 */
export function createInflater(
  agreed: DeflateAgreement,
  role: Role,
  options: EngineOptions,
  deliver: Deliver,
  budget: Budget = threadBudget,
): Inflater {
  const { windowBits, contextTakeover } = directionFrom(role === Role.Server ? Role.Client : Role.Server, agreed);
  const zlibOptions = { ...options.zlibInflateOptions, windowBits };
  const limit = limitOf(options);
  return usesHandles(options)
    ? new HandleInflater(HandleSupply.of('inflate', zlibOptions), contextTakeover, limit, deliver, budget)
    : new PublicInflater(zlibOptions, contextTakeover, limit, deliver, budget);
}

/**
 * Makes the engine that compresses the messages that this side sends. It takes no memory before the first one.
 * @param role the role of this side
 * @param deliver receives the results of calls that answered LATER
 */
export function createDeflater(
  agreed: DeflateAgreement,
  role: Role,
  options: EngineOptions,
  deliver: Deliver,
  budget: Budget = threadBudget,
): Deflater {
  const { windowBits, contextTakeover } = directionFrom(role, agreed);
  const chosen = options.zlibDeflateOptions ?? {};
  const wanted = chosen.windowBits ?? (contextTakeover ? DEDICATED_WINDOW_BITS : constants.Z_MAX_WINDOWBITS);
  const memLevel = chosen.memLevel ?? (contextTakeover ? DEDICATED_MEM_LEVEL : constants.Z_DEFAULT_MEMLEVEL);
  // RFC 7692 7.1.2.1: a sender may use a smaller window than agreed. zlib uses 9 for 8, which is valid: it never refers
  // back further than its window less 262 bytes, here 250 bytes, which a window of 256 holds.
  const zlibOptions = { ...chosen, memLevel, windowBits: Math.min(wanted, windowBits) };
  const limit = limitOf(options);
  if (!usesHandles(options)) return new PublicDeflater(zlibOptions, contextTakeover, limit, deliver, budget);
  const history = contextTakeover ? new History(zlibOptions) : undefined;
  return new HandleDeflater(HandleSupply.of('deflate', zlibOptions), history, limit, deliver, budget);
}
