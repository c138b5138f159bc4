// `checkOptions` reads the options of `Topics`, whose types stand here too.
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

/** A message as `envelope` sees it. */
export interface TopicMessage {
  readonly topic: string;
  /** A string unless it is binary. */
  readonly data: string | Buffer;
  readonly isBinary: boolean;
  /** Where it stands in the history; '' without. */
  readonly position: string;
}

export interface TopicsOptions {
  /** Relays to other processes; without one, topics are this process's own. */
  readonly broker?: Broker;
  /** Keeps messages in this process, for `after`. A broker has its own option for that. */
  readonly history?: Partial<HistoryLimits>;
  /** Makes the data for subscribers; called once for a message. By default its data. */
  readonly envelope?: (message: TopicMessage) => string | Uint8Array;
  readonly slow?: SlowOptions;
  /** How long a broker may take to accept a message, in ms; 5000 by default. */
  readonly publishTimeout?: number;
  /** How many bytes may wait for the broker; 8 MiB by default. */
  readonly maxWaiting?: number;
  /** How often a message to oneself checks that the broker relays, in ms; 5000 by default, 0 for never. */
  readonly checkInterval?: number;
}

export interface PublishOptions {
  /** A socket that does not get the message, such as its author's. */
  readonly except?: TopicSocket;
  /** Whether it is sent as binary; by default, whether the data is not a string. */
  readonly binary?: boolean;
  /** Whether subscribers that agreed on compression get it compressed, once for all that can share that; false by default. */
  readonly compress?: boolean;
}

export interface TopicsStatistics {
  readonly topics: number;
  readonly subscriptions: number;
  /** Messages published by this process. */
  readonly published: number;
  /** Messages times the subscribers that each came to: `delivered + skipped + closedForSlowness`, and those that wait for slow ones. */
  readonly due: number;
  readonly delivered: number;
  readonly skipped: number;
  readonly closedForSlowness: number;
  /** Messages that were sent from the history. */
  readonly recovered: number;
  /** How long the broker took to accept the last entry, in ms. */
  readonly brokerRoundTrip: number;
}

/** How much history is kept where the options do not say. */
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

/** The methods that every broker has. */
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
 * @throws RangeError for a number or a policy that cannot be honoured; UsageError for a broker that is none; TypeError for a
 *   history beside a broker without
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
