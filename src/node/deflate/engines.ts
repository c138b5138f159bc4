// An agreement on permessage-deflate turned into the inflater and the deflater of one connection.
import { constants, createDeflateRaw, createInflateRaw, type ZlibOptions } from 'node:zlib';
import type { Deflater, Inflater } from '../../extensions/transform.js';
import { HandleDeflater } from './deflater.js';
import { HandleSupply } from './handle-supply.js';
import { HandleInflater } from './inflater.js';
import { CONCURRENCY_LIMIT } from './limits.js';
import { PublicDeflater } from './public-deflater.js';
import { PublicInflater } from './public-inflater.js';
import type { Deliver } from './result.js';
import { handlesBehave } from './self-test.js';

/** Which way zlib is used: its native handles, or its public interface alone. */
export type ZlibPath = 'handle' | 'public';

/** What is agreed for one direction of a connection (RFC 7692 7.1). */
export interface Direction {
  /** Base-2 logarithm of the sender's window, 8 to 15. */
  readonly windowBits: number;
  /** Whether the sender may refer to earlier messages. */
  readonly contextTakeover: boolean;
}

/** What a user may choose about the engines: the names are those of `ws`. */
export interface EngineOptions {
  /** Parameters of zlib for compression; `windowBits` is honoured up to what is agreed. */
  readonly zlibDeflateOptions?: ZlibOptions | undefined;
  /** Parameters of zlib for decompression; `windowBits` is what is agreed. */
  readonly zlibInflateOptions?: ZlibOptions | undefined;
  /** How many messages too long for one call are worked on side by side in this thread: 10 by default, 0 for no limit. */
  readonly concurrencyLimit?: number | undefined;
  /** By default the handles, where they pass the self-test. */
  readonly zlibPath?: ZlibPath | undefined;
}

// 4 KiB of window and 2^12 hash entries: about a tenth of the memory of zlib's own defaults.
const DEDICATED_WINDOW_BITS = 12;
const DEDICATED_MEM_LEVEL = 5;

let tested: ZlibPath | undefined;

/** The way that is used unless an option says otherwise. */
export function zlibPath(): ZlibPath {
  tested ??= handlesBehave() ? 'handle' : 'public';
  return tested;
}

/**
 * Throws what zlib throws for parameters that it does not take, so that it happens at the caller's line.
 * @throws {RangeError | TypeError} with the name of the parameter
 */
export function checkZlibOptions(options: EngineOptions): void {
  createDeflateRaw({ ...options.zlibDeflateOptions }).close();
  createInflateRaw({ ...options.zlibInflateOptions }).close();
}

const usesHandles = (options: EngineOptions): boolean => (options.zlibPath ?? zlibPath()) === 'handle';
const limitOf = (options: EngineOptions): number => (options.concurrencyLimit ?? CONCURRENCY_LIMIT) || Infinity;

/**
 * Makes what decompresses one connection's messages. It holds no memory before the first one.
 * @param received what is agreed for the peer's direction
 * @param deliver takes the results of calls that answered LATER
 */
export function createInflater(received: Direction, options: EngineOptions, deliver: Deliver): Inflater {
  const zlibOptions = { ...options.zlibInflateOptions, windowBits: received.windowBits };
  const limit = limitOf(options);
  return usesHandles(options)
    ? new HandleInflater(HandleSupply.of('inflate', zlibOptions), received.contextTakeover, limit, deliver)
    : new PublicInflater(zlibOptions, received.contextTakeover, limit, deliver);
}

/**
 * Makes what compresses one connection's messages. It holds no memory before the first one.
 * @param sent what is agreed for this side's direction
 * @param deliver takes the results of calls that answered LATER
 */
export function createDeflater(sent: Direction, options: EngineOptions, deliver: Deliver): Deflater {
  const { contextTakeover } = sent;
  const chosen = options.zlibDeflateOptions ?? {};
  const windowBits = chosen.windowBits ?? (contextTakeover ? DEDICATED_WINDOW_BITS : constants.Z_MAX_WINDOWBITS);
  const memLevel = chosen.memLevel ?? (contextTakeover ? DEDICATED_MEM_LEVEL : constants.Z_DEFAULT_MEMLEVEL);
  // RFC 7692 7.1.2.1: a sender may use a smaller window than agreed. zlib takes 9 for 8, and is right to: it never refers
  // back further than its window less 262 octets, so that 250 octets are the furthest, and a window of 256 holds them.
  const zlibOptions = { ...chosen, memLevel, windowBits: Math.min(windowBits, sent.windowBits) };
  const limit = limitOf(options);
  return usesHandles(options)
    ? new HandleDeflater(HandleSupply.of('deflate', zlibOptions), contextTakeover, limit, deliver)
    : new PublicDeflater(zlibOptions, contextTakeover, limit, deliver);
}
