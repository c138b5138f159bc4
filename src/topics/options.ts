// `checkOptions` reads the options of `Topics`, whose types are declared here too.
import { UsageError } from '../errors/usage-error.js';
import { LONGEST_TIMER } from '../node/options.js';
import {
  DEFAULT_CHECK_INTERVAL,
  DEFAULT_HISTORY_AGE,
  DEFAULT_HISTORY_MESSAGES,
  DEFAULT_MAX_WAITING,
  DEFAULT_PUBLISH_TIMEOUT,
  DEFAULT_SLOW_LIMIT,
} from '../spec/limits.js';
import type { Broker, HistoryLimits } from './broker.js';
import type { SlowOptions, TopicSocket } from './member.js';

export type TopicData = string | ArrayBuffer | ArrayBufferView;

/** The argument of `envelope`. */
export interface TopicMessage {
  readonly topic: string;
  /** A string unless it is binary. */
  readonly data: string | Buffer;
  readonly isBinary: boolean;
  /** The message's position in the history; '' without history. */
  readonly position: string;
}

export interface TopicsOptions {
  /** Relays to other processes; without it, topics are local to this process. */
  readonly broker?: Broker;
  /** Keep messages in this process, for `after`. A broker has an option of its own for that. */
  readonly history?: Partial<HistoryLimits>;
  /** Makes the data for subscribers; called once a message. By default, the message's data. */
  readonly envelope?: (message: TopicMessage) => string | Uint8Array;
  readonly slow?: SlowOptions;
  /** How long a broker may take to accept a message, in ms; 5000 by default. */
  readonly publishTimeout?: number;
  /** The most bytes that may wait for the broker; 8 MiB by default. */
  readonly maxWaiting?: number;
  /** How often a message to oneself checks that the broker relays, in ms; 5000 by default, 0 for never. */
  readonly checkInterval?: number;
}

export interface PublishOptions {
  /** A socket that does not get the message, such as its author's. */
  readonly except?: TopicSocket;
  /** Whether to send as binary; by default, it is unless the data is a string. */
  readonly binary?: boolean;
  /** Whether to compress for subscribers that agreed on it, once for all that can share the frame; false by default. */
  readonly compress?: boolean;
}

export interface TopicsStatistics {
  readonly topics: number;
  readonly subscriptions: number;
  /** Messages that this process published. */
  readonly published: number;
  /** The sum over messages of their subscribers: `delivered + skipped + closedForSlowness`, and those that wait for slow sockets. */
  readonly due: number;
  readonly delivered: number;
  readonly skipped: number;
  readonly closedForSlowness: number;
  /** Messages that were sent from the history. */
  readonly recovered: number;
  /** The time that the broker took to accept the last entry, in ms. */
  readonly brokerRoundTrip: number;
}

/** The limits on history where the options set none. */
export const HISTORY: HistoryLimits = { messages: DEFAULT_HISTORY_MESSAGES, age: DEFAULT_HISTORY_AGE };

/**
 * The limits in the option `history` of a broker.
 * @throws RangeError for a number that an engine cannot honour
 */
export function readHistory(history: Partial<HistoryLimits> | boolean): HistoryLimits {
  const limits = { ...HISTORY, ...(typeof history === 'object' ? history : undefined) };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`"${name}" must be an integer from 1`);
  }
  return limits;
}

/** The methods of every broker. */
const METHODS = ['start', 'subscribe', 'unsubscribe', 'publish', 'close'] as const;

function isBroker(broker: Partial<Broker> | null): boolean {
  if (typeof broker !== 'object' || broker === null || typeof broker.keepsHistory !== 'boolean') return false;
  const isWhole = METHODS.every((name) => typeof broker[name] === 'function');
  return isWhole && (!broker.keepsHistory || typeof broker.read === 'function');
}

const POLICIES: readonly unknown[] = ['close', 'skip', 'latest'];

export interface CheckedOptions {
  readonly publishTimeout: number;
  readonly maxWaiting: number;
  readonly checkInterval: number;
  readonly slow: Required<SlowOptions>;
  readonly limits: HistoryLimits;
}

/**
 * @throws RangeError for a number or a policy that cannot be honoured; UsageError for an invalid broker; TypeError for a
 *   history beside a broker without one
 */
export function checkOptions(options: TopicsOptions): CheckedOptions {
  const { history, broker, publishTimeout = DEFAULT_PUBLISH_TIMEOUT } = options;
  const { maxWaiting = DEFAULT_MAX_WAITING, checkInterval = DEFAULT_CHECK_INTERVAL } = options;
  if (broker !== undefined && !isBroker(broker)) {
    throw new UsageError('"broker" must be a broker, such as those of redisBroker, natsBroker and clusterBroker');
  }
  const limits = { ...HISTORY, ...history };
  const { limit = DEFAULT_SLOW_LIMIT, policy = 'close' } = options.slow ?? {};
  for (const [name, value] of Object.entries({ publishTimeout, maxWaiting, checkInterval, limit, ...limits })) {
    if (typeof value !== 'number' || !(value >= 0)) throw new RangeError(`"${name}" must be a number from 0`);
  }
  if (!POLICIES.includes(policy)) throw new RangeError('"policy" must be close, skip or latest');
  if (history !== undefined && broker?.keepsHistory === false) {
    throw new TypeError('The broker keeps no history: it has an option of its own for that');
  }
  return {
    publishTimeout: Math.min(publishTimeout, LONGEST_TIMER),
    maxWaiting,
    checkInterval: Math.min(checkInterval, LONGEST_TIMER),
    slow: { limit, policy },
    limits,
  };
}
