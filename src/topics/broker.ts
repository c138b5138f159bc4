// `Broker` is the interface between `Topics` and an engine that relays entries from process to process.
import type { Place } from './position.js';

/** How far the history of a topic reaches back. */
export interface HistoryLimits {
  /** At least so many messages of a topic are kept, if they are not too old. */
  readonly messages: number;
  /** For how long a message is kept, in ms. */
  readonly age: number;
}

/** Takes the messages and news of a broker. */
export interface BrokerListener {
  /** An entry of a topic that was subscribed to, one's own too; `place` where the broker keeps history. */
  entry(topic: string, entry: Uint8Array, place: Place | undefined): void;
  /** The engine has gone: nothing is relayed until `up`. */
  down(reason: Error): void;
  /** The engine is there again. All subscriptions are then made anew. */
  up(): void;
}

/** The content of the history of a topic. */
export interface Recovery {
  readonly epoch: string;
  /** The offset of the topic's latest entry. */
  readonly last: number;
  /** The offset that the engine gives next, where that is not `last + 1`, as it counts for all topics. */
  readonly end?: number;
  /** Whether no entry between the given offset and the first of `entries` is missing. */
  readonly isWhole: boolean;
  readonly entries: readonly { readonly offset: number; readonly entry: Uint8Array }[];
}

/**
 * Relays entries. An entry is opaque bytes, one for all that a tick publishes to a topic. Every method may reject while the
 * engine is away; no method throws.
 */
export interface Broker {
  /** Whether `read` works and entries have places. */
  readonly keepsHistory: boolean;
  /** The longest entry that the engine takes, in bytes. */
  readonly maxEntry?: number;
  /** Called once, before all else; `up` need not be told for the first time. */
  start(listener: BrokerListener): void | Promise<void>;
  /** Settles when the engine has confirmed; a topic may be subscribed to again. */
  subscribe(topics: readonly string[]): Promise<void>;
  unsubscribe(topics: readonly string[]): void;
  /** Settles when the engine has accepted the entry. Entries of a topic keep their order. */
  publish(topic: string, entry: Uint8Array): Promise<Place | undefined>;
  /** The entries from `offset` on; without one, none, only where the topic stands. */
  read?(topic: string, offset: number | undefined): Promise<Recovery>;
  /** Sends a message to itself by way of the engine, and settles when it has come. */
  pulse?(): Promise<void>;
  /** Ends the work that `start` began; the caller's own client stays open. */
  close(): Promise<void>;
}
