// `Broker` is the interface between `Topics` and an engine that relays entries from process to process.
import type { Place } from './position.js';

/** The limits on the history of a topic. */
export interface HistoryLimits {
  /** At least this many messages of a topic are kept, if they are not too old. */
  readonly messages: number;
  /** How long a message is kept, in ms. */
  readonly age: number;
}

/** Takes the entries and the state changes of a broker. */
export interface BrokerListener {
  /** An entry of a subscribed topic, own entries included; `place` where the broker keeps history. */
  entry(topic: string, entry: Uint8Array, place: Place | undefined): void;
  /** The engine is away: nothing is relayed until `up`. */
  down(reason: Error): void;
  /** The engine has returned. All subscriptions are then made again. */
  up(): void;
}

/** The content of the history of a topic. */
export interface Recovery {
  readonly epoch: string;
  /** The offset of the topic's latest entry. */
  readonly last: number;
  /** The offset that the engine assigns next, where that is not `last + 1` because it counts for all topics together. */
  readonly end?: number;
  /** Whether no entry between the given offset and the first of `entries` is missing. */
  readonly isWhole: boolean;
  readonly entries: readonly { readonly offset: number; readonly entry: Uint8Array }[];
  /** Whether there are more entries, after these. */
  readonly hasMore?: boolean;
}

/**
 * Relays entries. An entry is opaque bytes: all messages that a tick publishes to a topic. Every method may reject while the
 * engine is away; no method throws.
 */
export interface Broker {
  /** Whether `read` works and entries have places. */
  readonly keepsHistory: boolean;
  /** The longest entry that the engine accepts, in bytes. */
  readonly maxEntry?: number;
  /** Called once, before all other methods; `up` need not be called for the first connection. */
  start(listener: BrokerListener): void | Promise<void>;
  /** Settles when the engine has confirmed; may be called again for a topic. */
  subscribe(topics: readonly string[]): Promise<void>;
  unsubscribe(topics: readonly string[]): void;
  /** Settles when the engine has accepted the entry. Entries of a topic keep their order. */
  publish(topic: string, entry: Uint8Array): Promise<Place | undefined>;
  /**
   * The entries from `offset` on, which may end as soon as they have `most` bytes; without an offset no entries, only the
   * topic's current place.
   */
  read?(topic: string, offset: number | undefined, most?: number): Promise<Recovery>;
  /** Sends a message to itself through the engine, and settles when it has arrived. */
  pulse?(): Promise<void>;
  /** Ends the work that `start` began; the caller's client stays open. */
  close(): Promise<void>;
}
