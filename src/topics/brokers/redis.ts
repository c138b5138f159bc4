// `redisBroker` relays topics over Redis 6.2 or later, or Valkey, with the caller's client of `redis` 5 or `ioredis` 5, or later.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Broker, BrokerListener, HistoryLimits, Recovery } from '../broker.js';
import type { Place } from '../position.js';
import { readHistory } from '../options.js';
import type { Connection, RedisClient } from './redis-clients.js';
import { connectionOf } from './redis-connection.js';
import { publishScript, READ, SPUBLISH } from './redis-scripts.js';

export type { IoredisClient, IoredisCluster, NodeRedisClient, NodeRedisCluster, RedisClient } from './redis-clients.js';

// Out: the entry of a tick -> PUBLISH, or a script that assigns an offset, stores it in a stream and publishes it; the client sends
//      all commands of a tick in one write.
// In:  the subscriber connection's message -> its topic by the channel's name, and with history its offset from the head.
// Gap: a topic is read from its stream from the offset after its last entry on, while new entries of the subscriber connection wait.

export interface RedisBrokerOptions {
  /** The prefix of all names in the engine; `wsimd:` by default. */
  readonly prefix?: string;
  /** Keep messages in a stream for each topic, for `after`. */
  readonly history?: Partial<HistoryLimits> | boolean;
  /** Publish only within the topic's shard of a cluster, by SPUBLISH of Redis 7: other nodes have no work with it. */
  readonly sharded?: boolean;
}

/** How long the epoch and last offset of a topic outlive its messages, so that silent topics recover too, in ms. */
const KEPT = 7 * 24 * 60 * 60 * 1000;
/** The head of an entry: its offset, that of the one before, and the epoch, each followed by a blank. */
const HEAD_AT_MOST = 64;

/** The delay before a server that loads its history is asked again, in ms. */
const LOADING_CHECK = 50;
/** The engine's default, in bytes. */
const MAX_BULK = 512 * 1024 * 1024;

class RedisBroker implements Broker {
  maxEntry: number = MAX_BULK - HEAD_AT_MOST;
  readonly keepsHistory: boolean;
  private readonly limits: HistoryLimits;
  private readonly prefix: string;
  private readonly isSharded: boolean;
  private readonly subscriber: Connection;
  private readonly publishScript: string;
  private readonly self: string = randomBytes(8).toString('hex');
  private unwatch: (() => void) | undefined;
  private listener: BrokerListener | undefined;
  private isPublisherUp = true;
  /** How often the publisher has come back or has been lost. */
  private returns = 0;
  private isSubscriberUp = false;
  private isClosed = false;
  private readonly pulses = new Map<string, () => void>();

  constructor(
    private readonly publisher: Connection,
    { prefix = 'wsimd:', history = false, sharded = false }: RedisBrokerOptions,
  ) {
    this.prefix = prefix;
    this.isSharded = sharded;
    this.publishScript = publishScript(sharded);
    this.keepsHistory = history !== false;
    this.limits = readHistory(history);
    this.subscriber = publisher.duplicate();
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    const { publisher, subscriber } = this;
    this.unwatch = publisher.watch(
      () => void this.awaitHistory(),
      (reason) => {
        this.returns++;
        this.change(() => (this.isPublisherUp = false), reason);
      },
    );
    // Kept for good: a late error would end the process.
    subscriber.watch(
      () => this.change(() => (this.isSubscriberUp = true)),
      (reason) => this.change(() => (this.isSubscriberUp = false), reason),
    );
    await Promise.all([subscriber.open(), this.askLimit()]);
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    await this.subscriber.subscribe(topics.map(this.channelOf), this.take);
  }

  unsubscribe(topics: readonly string[]): void {
    // A lost connection holds no subscriptions.
    this.subscriber.unsubscribe(topics.map(this.channelOf)).catch(() => undefined);
  }

  async publish(topic: string, entry: Uint8Array): Promise<Place | undefined> {
    const channel = this.channelOf(topic);
    const bytes = entry as Buffer;
    if (!this.keepsHistory) {
      await this.send(channel, bytes);
      return undefined;
    }
    const { messages, age } = this.limits;
    const [origin, number] = [bytes.toString('hex', 1, 9), bytes.readUIntLE(9, 6)];
    const reply = (await this.evaluate(this.publishScript, topic, [
      channel,
      bytes,
      origin,
      String(number),
      String(messages),
      String(age),
      newEpoch(),
      String(Math.max(KEPT, age)),
    ])) as [Buffer, number | string];
    return { epoch: String(reply[0]), offset: Number(reply[1]) };
  }

  async read(topic: string, offset: number | undefined, most: number = Infinity): Promise<Recovery> {
    const from = offset === undefined ? '' : String(offset);
    const kept = String(Math.max(KEPT, this.limits.age));
    const reply = await this.evaluate(READ, topic, [from, newEpoch(), kept, String(most)]);
    const [epoch, lastText, rows, seconds] = reply as [Buffer, Buffer, [Buffer, Buffer[]][], Buffer];
    const last = Number(String(lastText));
    // Offsets are times of the engine, in microseconds.
    const oldest = Number(String(seconds)) * 1e6 - this.limits.age * 1e3;
    const entries = rows.map(([id, [, entry, , before]]) => ({
      offset: parseInt(String(id), 10),
      entry,
      before: Number(String(before)),
    }));
    const [first] = entries;
    // The entry before the offset is the last one, or the one before the first that was read.
    const isWhole =
      offset === undefined ||
      (first === undefined ? last === offset - 1 : first.offset === offset || first.before === offset - 1);
    return {
      epoch: String(epoch),
      last,
      isWhole: isWhole && entries.every(({ offset: time }) => time >= oldest),
      entries,
      hasMore: entries.length > 0 && entries.at(-1)!.offset < last,
    };
  }

  async pulse(): Promise<void> {
    // One for each node that relays; topics contain no control characters.
    const channels = this.subscriber.channels((text) => this.channelOf(`\u0000${this.self}${text}`));
    const come = channels.map((channel) => new Promise<void>((resolve) => this.pulses.set(channel, resolve)));
    await this.subscriber.subscribe(channels, this.take);
    await Promise.all(channels.map((channel) => this.send(channel, Buffer.alloc(0))));
    await Promise.all(come);
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.unwatch?.();
    this.subscriber.end();
    return Promise.resolve();
  }

  /** The braces keep a topic's channel and keys in one slot of a cluster; no topic makes them empty. */
  private readonly channelOf = (topic: string): string =>
    this.isSharded ? `${this.prefix}{:${topic}}` : this.prefix + topic;

  private topicOf(channel: string): string {
    return this.isSharded ? channel.slice(this.prefix.length + 2, -1) : channel.slice(this.prefix.length);
  }

  private send(channel: string, bytes: Buffer): Promise<unknown> {
    // By a script, whose key tells clients of clusters the node.
    const command = this.isSharded ? ['EVAL', SPUBLISH, '1', channel, channel, bytes] : ['PUBLISH', channel, bytes];
    return this.publisher.call(command);
  }

  private readonly take = (channel: string, message: Buffer): void => {
    if (this.isClosed) return;
    const topic = this.topicOf(channel);
    if (topic.startsWith('\u0000')) {
      this.pulses.get(channel)?.();
      this.pulses.delete(channel);
      return;
    }
    if (!this.keepsHistory) return this.listener!.entry(topic, message, undefined);
    const match = /^(\d+) (\d+) (\w+) /.exec(message.toString('latin1', 0, HEAD_AT_MOST));
    if (match === null) return;
    const place = { epoch: match[3], offset: Number(match[1]), before: Number(match[2]) };
    this.listener!.entry(topic, message.subarray(match[0].length), place);
  };

  /** An engine that does not report its limit has the default. */
  private async askLimit(): Promise<void> {
    const reply = await this.publisher.call(['CONFIG', 'GET', 'proto-max-bulk-len']).catch(() => undefined);
    // A map in one version of the protocol, a list of names and values in the other.
    const limit = Number(Array.isArray(reply) ? reply[1] : Object.values(reply ?? {})[0]);
    if (limit > 0) this.maxEntry = limit - HEAD_AT_MOST;
  }

  private evaluate(script: string, topic: string, values: (string | Buffer)[]): Promise<unknown> {
    const keys = ['s', 'f'].map((kind) => `${this.prefix}${kind}:{:${topic}}`);
    // By its text, not its hash: a restarted engine would refuse some calls, and sending those again would change their order.
    return this.publisher.call(['EVAL', script, '2', ...keys, ...values]);
  }

  /** A server that has started again refuses everything until it has loaded its history: it is away until then. */
  private async awaitHistory(): Promise<void> {
    const turn = ++this.returns;
    for (let isLoading = true; isLoading;) {
      isLoading = await this.evaluate('return 1', '', []).then(
        () => false,
        (error: Error) => error.message.startsWith('LOADING'),
      );
      if (turn !== this.returns || this.isClosed) return;
      if (isLoading) await delay(LOADING_CHECK, undefined, { ref: false });
    }
    this.change(() => (this.isPublisherUp = true));
  }

  private change(apply: () => void, reason?: Error): void {
    apply();
    if (this.isClosed) return;
    if (this.isPublisherUp && this.isSubscriberUp) this.listener!.up();
    else if (reason !== undefined) this.listener!.down(reason);
  }
}

function newEpoch(): string {
  return randomBytes(6).toString('hex');
}

/**
 * A broker over Redis. The caller connects the client, keeps it and closes it; a duplicate of it subscribes or, with
 * `sharded` and the client of a cluster, one duplicate for each node.
 * @throws TypeError for a value that is not such a client, or a cluster's without `sharded`; RangeError for a history that cannot be honoured
 */
export function redisBroker(client: RedisClient, options: RedisBrokerOptions = {}): Broker {
  // The sentinel of `redis` has a method of that name too, but takes commands otherwise.
  if (typeof (client as RedisClient | undefined)?.duplicate !== 'function' || 'getSentinelNode' in client) {
    throw new TypeError('The client must be one of redis or ioredis, and no createSentinel() of redis');
  }
  if (('nodes' in client || 'masters' in client) && options.sharded !== true) {
    throw new TypeError('The client of a cluster needs "sharded"');
  }
  return new RedisBroker(connectionOf(client, options.sharded === true), options);
}
