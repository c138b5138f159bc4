// `checkOptions` adds the defaults to a user's options, and refuses every number that it cannot honour in full.
import { inspect } from 'node:util';
import {
  DEFAULT_CLOSE_TIMEOUT,
  DEFAULT_HEARTBEAT_INTERVAL,
  DEFAULT_HEARTBEAT_TIMEOUT,
  DEFAULT_MAX_BACKPRESSURE,
  DEFAULT_MAX_BUFFERED_CHUNKS,
  DEFAULT_MAX_FRAGMENTS,
  DEFAULT_MAX_PAYLOAD,
} from '../spec/limits.js';
import { readPath, type ReadPath } from './landing.js';
import { writePath, type WritePath } from './write-path.js';

/** The longest time that a timer of Node can take, in ms; a longer one fires at once. */
export const LONGEST_TIMER: number = 2 ** 31 - 1;

/** Reads an own property only, so that nothing on Object.prototype can change a limit. */
export function own<T extends object, K extends keyof T>(options: T, name: K): T[K] | undefined {
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

/**
 * An option that is a count: an integer of 0 or more.
 * @throws RangeError when it is anything else
 */
// Deviation from ws (D9): a number is honoured in full or refused with a RangeError; ws cuts it to 32 bits.
export function countOption(name: string, value: unknown, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  const number = typeof value === 'bigint' || typeof value === 'symbol' ? NaN : Number(value);
  if (number === Infinity) return 0;
  if (!Number.isSafeInteger(number) || number < 0) throw refusal(name, value);
  return number;
}

/**
 * An option that is a time in ms: an integer of 0 or more, at most the 24.8 days that a timer of Node can take.
 * @throws RangeError when it is anything else
 */
function timeOption(name: string, value: unknown, otherwise: number): number {
  // Infinity counts as 0 where 0 means no limit; a timer of 0 ms would be the opposite.
  if (value === Infinity) throw refusal(name, value);
  return Math.min(countOption(name, value, otherwise), LONGEST_TIMER);
}

function refusal(name: string, value: unknown): RangeError {
  return new RangeError(`The "${name}" option must be an integer of 0 or more, not ${inspect(value)}`);
}

/**
 * An option that is one of a set of words.
 * @throws TypeError when it is anything else
 */
export function wordOption<T extends string>(name: string, value: unknown, words: readonly T[], otherwise: T): T {
  if (value === undefined || value === null) return otherwise;
  if (words.includes(value as T)) return value as T;
  throw new TypeError(`The "${name}" option must be '${words.join("' or '")}', not ${inspect(value)}`);
}

/** Pings a silent peer, and ends the connection when nothing comes back. Times are in milliseconds. */
export interface Heartbeat {
  /** How long the connection may be silent before a ping is sent. */
  readonly interval?: number | undefined;
  /** How long to wait for an answer. */
  readonly timeout?: number | undefined;
}

/** The same with its defaults, in milliseconds. */
export interface HeartbeatTimes {
  readonly interval: number;
  readonly timeout: number;
}

/** Options of both servers and clients. */
export interface SharedOptions {
  /** Answer pings automatically. Default true. */
  autoPong?: boolean | undefined;
  /** Emit all events of a chunk in one turn of the event loop (the default), or at most one event a turn. */
  allowSynchronousEvents?: boolean | undefined;
  /** How long the closing handshake may take, in ms, before the socket is destroyed. Default 30,000. */
  closeTimeout?: number | undefined;
  /** The longest message, in bytes, after decompression; 0 for no limit. Default 100 MiB. */
  maxPayload?: number | undefined;
  /** The most frames in a message; 0, the default, for no limit. */
  maxFragments?: number | undefined;
  /** The most chunks in which one frame may arrive; 0, the default, for no limit. */
  maxBufferedChunks?: number | undefined;
  /** Accepted for compatibility with `ws`; without effect: automatic pongs are merged and never end a connection. */
  maxPendingAutoPongs?: number | undefined;
  /** Skip the UTF-8 validation of text and close reasons. */
  skipUTF8Validation?: boolean | undefined;
  /** End a connection, with an error, when this many bytes wait to be written; 0, the default, for no limit. */
  maxBackpressure?: number | undefined;
  /** Ping silent peers. Off by default. */
  heartbeat?: Heartbeat | undefined;
  /** Pass text on as Buffers (the default) or as strings, which saves a copy. */
  text?: 'bytes' | 'string' | undefined;
  /**
   * Whether sockets are read straight into the kernels' memory, where this Node can, or through 'data'. Default: the value of
   * the environment variable WSIMD_READ_PATH, else 'landing'.
   */
  readPath?: ReadPath | undefined;
  /**
   * Whether short messages go straight to the socket's handle, where this Node can, or through the stream. Default: the
   * value of the environment variable WSIMD_WRITE_PATH, else 'direct'.
   */
  writePath?: WritePath | undefined;
  /** Count messages, frames and bytes in `websocket.statistics`. */
  statistics?: boolean | undefined;
}

/** The shared options with every default filled in. */
export interface CheckedOptions {
  readonly autoPong: boolean;
  readonly allowSynchronousEvents: boolean;
  readonly closeTimeout: number;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly skipUTF8Validation: boolean;
  readonly maxBackpressure: number;
  readonly heartbeat: HeartbeatTimes | undefined;
  readonly text: 'bytes' | 'string';
  readonly statistics: boolean;
  readonly readPath: ReadPath;
  readonly writePath: WritePath;
}

/**
 * Fills in the defaults.
 * @throws RangeError when a number cannot be honoured; TypeError for an unknown word
 */
export function checkOptions(options: SharedOptions): CheckedOptions {
  const heartbeat = own(options, 'heartbeat');
  const isSynchronous: unknown = own(options, 'allowSynchronousEvents');
  return {
    // As in ws, an explicit `undefined` turns the one off and means the default for the other.
    autoPong: !Object.hasOwn(options, 'autoPong') || Boolean(options.autoPong),
    allowSynchronousEvents: isSynchronous === undefined || Boolean(isSynchronous),
    closeTimeout: timeOption('closeTimeout', own(options, 'closeTimeout'), DEFAULT_CLOSE_TIMEOUT),
    maxPayload: countOption('maxPayload', own(options, 'maxPayload'), DEFAULT_MAX_PAYLOAD),
    maxFragments: countOption('maxFragments', own(options, 'maxFragments'), DEFAULT_MAX_FRAGMENTS),
    maxBufferedChunks: countOption('maxBufferedChunks', own(options, 'maxBufferedChunks'), DEFAULT_MAX_BUFFERED_CHUNKS),
    skipUTF8Validation: Boolean(own(options, 'skipUTF8Validation')),
    maxBackpressure: countOption('maxBackpressure', own(options, 'maxBackpressure'), DEFAULT_MAX_BACKPRESSURE),
    heartbeat: heartbeat
      ? {
          interval: timeOption('heartbeat.interval', heartbeat.interval, DEFAULT_HEARTBEAT_INTERVAL),
          timeout: timeOption('heartbeat.timeout', heartbeat.timeout, DEFAULT_HEARTBEAT_TIMEOUT),
        }
      : undefined,
    text: wordOption('text', own(options, 'text'), ['bytes', 'string'], 'bytes'),
    statistics: own(options, 'statistics') === true,
    readPath: wordOption('readPath', own(options, 'readPath'), ['landing', 'data'], readPath),
    writePath: wordOption('writePath', own(options, 'writePath'), ['direct', 'stream'], writePath),
  };
}
