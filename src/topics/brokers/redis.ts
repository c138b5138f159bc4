// `redisBroker` relays topics over Redis 6.2 or later, or Valkey, by the caller's client of `redis` 5 or `ioredis` 5, or later.
import { randomBytes } from 'node:crypto';
import type { Broker, BrokerListener, HistoryLimits, Recovery } from '../broker.js';
import type { Place } from '../position.js';
import { HISTORY } from '../options.js';
import { PUBLISH, READ } from './redis-scripts.js';

// Out: the entry of a tick -> PUBLISH, or a script that gives it an offset, keeps it in a stream and publishes both; the client sends
//      all commands of a tick in one write.
// In:  the subscriber connection's message -> its topic by the channel's name, and with history its offset from the head.
// Gap: a topic is read from its stream from the offset after its last entry on, with the entries of the subscriber connection held back.

/** How much is used of a client of `redis`. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  duplicate(): NodeRedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  withTypeMapping(mapping: never): { sendCommand(command: readonly (string | Buffer)[]): Promise<unknown> };
  subscribe(channels: string[], listener: (message: never, channel: never) => void, isBuffer: never): Promise<void>;
  unsubscribe(channels: string[]): Promise<void>;
  on(event: string, listener: (...values: never[]) => void): unknown;
  off(event: string, listener: (...values: never[]) => void): unknown;
}

/** How much is used of a client of `ioredis`. */
export interface IoredisClient {
  readonly status: string;
  duplicate(): IoredisClient;
  disconnect(): void;
  callBuffer(command: string, ...values: (string | Buffer)[]): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...values: never[]) => void): unknown;
  off(event: string, listener: (...values: never[]) => void): unknown;
}

export type RedisClient = NodeRedisClient | IoredisClient;

export interface RedisBrokerOptions {
  /** Begins all names in the engine; `wsimd:` by default. */
  readonly prefix?: string;
  /** Keeps messages in a stream for each topic, for `after`. */
  readonly history?: Partial<HistoryLimits> | boolean;
}

/** The clients' common face. */
interface Connection {
  call(command: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channels: string[], listener: (channel: string, message: Buffer) => void): Promise<unknown>;
  unsubscribe(channels: string[]): Promise<unknown>;
  /** Has this told whether the connection is there; the function returned ends that. */
  watch(up: () => void, down: (reason: Error) => void): () => void;
  duplicate(): Connection;
  /** Connects a duplicate. */
  open(): Promise<unknown>;
  end(): void;
}

function isIoredis(client: RedisClient): client is IoredisClient {
  return 'callBuffer' in client;
}

// The type of a blob in RESP, which `redis` maps to text unless told otherwise.
const BUFFERS = { 36: Buffer } as never;

function overNodeRedis(client: NodeRedisClient): Connection {
  const commands = client.withTypeMapping(BUFFERS);
  return {
    call: (command) => commands.sendCommand(command),
    subscribe: (channels, listener) =>
      client.subscribe(
        channels,
        (message, channel) => listener((channel as Buffer).toString(), message),
        true as never,
      ),
    unsubscribe: (channels) => client.unsubscribe(channels),
    watch: (up, down) => watch(client, ['reconnecting', 'end'], up, down),
    duplicate: () => overNodeRedis(client.duplicate()),
    open: () => client.connect(),
    end: () => client.destroy(),
  };
}

function overIoredis(client: IoredisClient): Connection {
  let isListened = false;
  return {
    call: ([command, ...values]) => client.callBuffer(command as string, ...values),
    subscribe: (channels, listener) => {
      if (!isListened)
        client.on('messageBuffer', (channel: Buffer, message: Buffer) => listener(channel.toString(), message));
      isListened = true;
      return client.subscribe(...channels);
    },
    unsubscribe: (channels) => client.unsubscribe(...channels),
    watch: (up, down) => watch(client, ['close', 'end'], up, down),
    duplicate: () => overIoredis(client.duplicate()),
    open: () => Promise.resolve(),
    end: () => client.disconnect(),
  };
}

/** Of a client's events, `gone` say that its connection has ended; 'error' only says why. */
function watch(
  client: RedisClient,
  gone: readonly string[],
  up: () => void,
  down: (reason: Error) => void,
): () => void {
  let cause: Error | undefined;
  const lost = (): void => down(cause ?? new Error('The connection to Redis has ended'));
  const failed = (reason: Error): void => void (cause = reason);
  const events: [string, (reason: Error) => void][] = [
    ['ready', up],
    ['error', failed],
  ];
  for (const name of gone) events.push([name, lost]);
  for (const [name, listener] of events) client.on(name, listener);
  return () => {
    for (const [name, listener] of events) client.off(name, listener);
  };
}

/** The facts of a topic, its epoch and last offset, outlive its messages, so that silent topics recover too; in ms. */
const KEPT = 7 * 24 * 60 * 60 * 1000;
/** The head of an entry: offset, epoch, both with a blank behind. */
const HEAD_AT_MOST = 64;

class RedisBroker implements Broker {
  readonly keepsHistory: boolean;
  readonly isContiguous = true;
  private readonly limits: HistoryLimits;
  private readonly prefix: string;
  private readonly subscriber: Connection;
  private readonly self: string = randomBytes(8).toString('hex');
  private unwatch: (() => void) | undefined;
  private listener: BrokerListener | undefined;
  private isPublisherUp = true;
  private isSubscriberUp = false;
  private isClosed = false;
  private pulses: (() => void)[] = [];

  constructor(
    private readonly publisher: Connection,
    { prefix = 'wsimd:', history = false }: RedisBrokerOptions,
  ) {
    this.prefix = prefix;
    this.keepsHistory = history !== false;
    this.limits = { ...HISTORY, ...(typeof history === 'object' ? history : undefined) };
    this.subscriber = publisher.duplicate();
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    const { publisher, subscriber } = this;
    this.unwatch = publisher.watch(
      () => this.change(() => (this.isPublisherUp = true)),
      (reason) => this.change(() => (this.isPublisherUp = false), reason),
    );
    // For good: an error that comes late would end the process.
    subscriber.watch(
      () => this.change(() => (this.isSubscriberUp = true)),
      (reason) => this.change(() => (this.isSubscriberUp = false), reason),
    );
    await subscriber.open();
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    const channels = topics.map((topic) => this.prefix + topic);
    await this.subscriber.subscribe([...channels, this.pulseChannel], this.take);
  }

  unsubscribe(topics: readonly string[]): void {
    // A connection that has gone holds no subscriptions.
    this.subscriber.unsubscribe(topics.map((topic) => this.prefix + topic)).catch(() => undefined);
  }

  async publish(topic: string, entry: Uint8Array): Promise<Place | undefined> {
    const channel = this.prefix + topic;
    const bytes = entry as Buffer;
    if (!this.keepsHistory) {
      await this.publisher.call(['PUBLISH', channel, bytes]);
      return undefined;
    }
    const { messages, age } = this.limits;
    const [origin, number] = [bytes.toString('hex', 1, 9), bytes.readUIntLE(9, 6)];
    const reply = (await this.evaluate(PUBLISH, topic, [
      channel,
      bytes,
      origin,
      String(number),
      String(Math.max(1, messages)),
      String(Math.max(1, age)),
      String(Date.now()),
      newEpoch(),
      String(Math.max(KEPT, age)),
    ])) as [Buffer, number];
    return { epoch: String(reply[0]), offset: reply[1] };
  }

  async read(topic: string, offset: number | undefined): Promise<Recovery> {
    const from = offset === undefined ? '' : String(offset);
    const reply = await this.evaluate(READ, topic, [from, newEpoch(), String(Math.max(KEPT, this.limits.age))]);
    const [epoch, lastText, rows] = reply as [Buffer, Buffer, [Buffer, Buffer[]][]];
    const last = Number(String(lastText));
    const oldest = Date.now() - this.limits.age;
    const entries = rows
      .map(([id, [, entry, , time]]) => ({ offset: parseInt(String(id), 10), entry, time: Number(String(time)) }))
      .filter(({ time }) => time >= oldest);
    const first = entries.length > 0 ? entries[0].offset : last + 1;
    return { epoch: String(epoch), last, isWhole: offset === undefined || offset === first, entries };
  }

  async pulse(): Promise<void> {
    const come = new Promise<void>((resolve) => this.pulses.push(resolve));
    await this.subscriber.subscribe([this.pulseChannel], this.take);
    await this.publisher.call(['PUBLISH', this.pulseChannel, '']);
    await come;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.unwatch?.();
    this.subscriber.end();
    return Promise.resolve();
  }

  /** No topic has a control character in it. */
  private get pulseChannel(): string {
    return `${this.prefix}\u0000${this.self}`;
  }

  private readonly take = (channel: string, message: Buffer): void => {
    if (this.isClosed) return;
    if (channel === this.pulseChannel) {
      const { pulses } = this;
      this.pulses = [];
      for (const come of pulses) come();
      return;
    }
    const topic = channel.slice(this.prefix.length);
    if (!this.keepsHistory) return this.listener!.entry(topic, message, undefined);
    const match = /^(\d+) (\w+) /.exec(message.toString('latin1', 0, HEAD_AT_MOST));
    if (match === null) return;
    this.listener!.entry(topic, message.subarray(match[0].length), { epoch: match[2], offset: Number(match[1]) });
  };

  private evaluate(script: string, topic: string, values: (string | Buffer)[]): Promise<unknown> {
    // The braces keep the keys of a topic in one slot of a cluster.
    const keys = ['s', 'f'].map((kind) => `${this.prefix}${kind}:{${topic}}`);
    // By its text, not its hash: an engine that has started again would refuse some, and those sent again would lose their order.
    return this.publisher.call(['EVAL', script, '2', ...keys, ...values]);
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
 * A broker over Redis. The client is connected, and stays the caller's, who closes it; a duplicate of it subscribes.
 * @throws TypeError for a value that is no client of `redis` or `ioredis`
 */
export function redisBroker(client: RedisClient, options: RedisBrokerOptions = {}): Broker {
  if (typeof (client as RedisClient | undefined)?.duplicate !== 'function') {
    throw new TypeError('The client must be one of redis or ioredis');
  }
  return new RedisBroker(isIoredis(client) ? overIoredis(client) : overNodeRedis(client), options);
}
