// `natsBroker` relays topics over NATS 2.9 or later, with the caller's connection of `@nats-io/transport-node` 3 or `nats` 2.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Broker, BrokerListener, HistoryLimits, Recovery } from '../broker.js';
import { readHistory } from '../options.js';
import type { Place } from '../position.js';
import { isMissing, JetStream } from './jetstream.js';
import {
  Requests,
  token,
  Unanswered,
  type NatsConnection,
  type NatsMessage,
  type NatsSubscription,
} from './nats-requests.js';

export type { NatsConnection, NatsMessage, NatsSubscription } from './nats-requests.js';

// Out: the entry of a tick -> a message, and one PING for the whole tick, whose PONG confirms that the server has them; with history
//      a request to the stream, whose answer is the entry's offset.
// In:  the server's message -> its topic by the subscription; with history also its offset, and that of the topic's previous entry,
//      from the headers that the stream adds when it forwards a stored message.
// Gap: the client renews its subscriptions by itself; each topic is read from its last offset on by a consumer of its own.

export interface NatsBrokerOptions {
  /** The prefix of all subjects, and the name of the stream; `wsimd:` by default. */
  readonly prefix?: string;
  /** Keep messages in a stream of JetStream, for `after`. */
  readonly history?: Partial<HistoryLimits> | boolean;
}

/** The delay before an unavailable stream is asked for again, in ms. */
const AGAIN = 200;
/** The server's default, in bytes. */
const MAX_PAYLOAD = 1024 * 1024;

class NatsBroker implements Broker {
  readonly keepsHistory: boolean;
  private readonly prefix: string;
  private readonly requests: Requests;
  private readonly stream: JetStream | undefined;
  private readonly subscriptions = new Map<string, NatsSubscription>();
  private listener: BrokerListener | undefined;
  private statuses: (AsyncIterable<{ readonly type: string }> & { stop?(): void }) | undefined;
  /** Pending until the stream is available. */
  private begun: Promise<void> | undefined;
  private flushed: Promise<void> | undefined;
  private isConnected = true;
  private isRenewing = false;
  private isClosed = false;

  constructor(
    private readonly connection: NatsConnection,
    { prefix = 'wsimd:', history = false }: NatsBrokerOptions,
  ) {
    this.prefix = prefix;
    this.keepsHistory = history !== false;
    this.requests = new Requests(connection, `${prefix}r.${randomBytes(8).toString('hex')}`);
    if (this.keepsHistory) this.stream = new JetStream(this.requests, prefix, readHistory(history));
  }

  get maxEntry(): number {
    return this.connection.info?.max_payload ?? MAX_PAYLOAD;
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
    this.requests.start();
    void this.watch();
    if (this.stream === undefined) return;
    const begun = this.stream.begin();
    this.begun = begun;
    try {
      await begun;
    } catch (error) {
      void this.comeBack();
      throw error;
    } finally {
      // In the turn in which the publishes that wait for it go on: none overtakes them.
      this.begun = undefined;
    }
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    await this.begun;
    for (const topic of topics) {
      if (this.subscriptions.has(topic)) continue;
      const callback = this.stream === undefined ? this.taker(topic) : this.placedTaker(topic, this.stream);
      this.subscriptions.set(topic, this.connection.subscribe(this.liveSubject(topic), { callback }));
    }
    await this.connection.flush();
  }

  unsubscribe(topics: readonly string[]): void {
    if (this.begun !== undefined) {
      // After those that wait to be subscribed; where the stream does not begin, none are.
      this.begun.then(
        () => this.unsubscribe(topics),
        () => undefined,
      );
      return;
    }
    for (const topic of topics) {
      this.subscriptions.get(topic)?.unsubscribe();
      this.subscriptions.delete(topic);
    }
  }

  async publish(topic: string, entry: Uint8Array): Promise<Place | undefined> {
    if (this.begun !== undefined) await this.begun;
    if (this.stream !== undefined) return this.store(this.stream, topic, entry);
    this.connection.publish(this.liveSubject(topic), entry);
    await (this.flushed ??= this.flush());
    return undefined;
  }

  async read(topic: string, offset: number | undefined, most?: number): Promise<Recovery> {
    await this.begun;
    try {
      return await this.stream!.read(topic, offset, most);
    } catch (error) {
      if (isMissing(error)) void this.renew();
      throw error;
    }
  }

  async pulse(): Promise<void> {
    await this.requests.pulse();
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.statuses?.stop?.();
    if (!this.connection.isClosed()) {
      this.unsubscribe([...this.subscriptions.keys()]);
      this.requests.close();
    }
    return Promise.resolve();
  }

  private liveSubject(topic: string): string {
    return `${this.prefix}${this.keepsHistory ? 'l' : 'c'}.${token(topic)}`;
  }

  private async store(stream: JetStream, topic: string, entry: Uint8Array): Promise<Place> {
    try {
      return await stream.publish(topic, entry);
    } catch (error) {
      // The stream has been deleted.
      if (error instanceof Unanswered) void this.renew();
      throw error;
    }
  }

  /** One PING after everything that the tick publishes. */
  private async flush(): Promise<void> {
    await Promise.resolve();
    this.flushed = undefined;
    await this.connection.flush();
  }

  private taker(topic: string): (error: Error | null, message: NatsMessage) => void {
    return (error, { data }) => {
      if (error === null && !this.isClosed) this.listener!.entry(topic, data, undefined);
    };
  }

  private placedTaker(topic: string, stream: JetStream): (error: Error | null, message: NatsMessage) => void {
    return (error, message) => {
      if (error !== null || this.isClosed) return;
      const place = stream.placeOf(message);
      if (place === undefined) void this.renew();
      else this.listener!.entry(topic, message.data, place);
    };
  }

  private async watch(): Promise<void> {
    this.statuses = this.connection.status();
    for await (const { type } of this.statuses) {
      if (this.isClosed) return;
      if (type === 'disconnect') {
        this.isConnected = false;
        const reason = new Error('The connection to NATS has ended');
        this.requests.fail(reason);
        this.listener!.down(reason);
      } else if (type === 'reconnect') {
        this.isConnected = true;
        void this.comeBack();
      }
    }
  }

  /** Reports that the engine is connected, once its stream is available. */
  private async comeBack(): Promise<void> {
    for (;;) {
      try {
        await this.stream?.begin();
        break;
      } catch {
        await delay(AGAIN, undefined, { ref: false });
      }
      if (!this.isConnected || this.isClosed) return;
    }
    if (this.isConnected && !this.isClosed) this.listener!.up();
  }

  /** The stream was deleted or created anew while the connection stood: all topics are read again. */
  private async renew(): Promise<void> {
    if (this.isClosed || this.isRenewing) return;
    this.isRenewing = true;
    this.listener!.down(new Error('The stream of NATS has begun anew'));
    await this.comeBack();
    this.isRenewing = false;
  }
}

// Characters that a subject cannot contain, blanks and wildcards; and an empty token.
const PREFIX = /^[^\s*>.][^\s*>]*$/;

/**
 * A broker over NATS. The caller keeps the connection and closes it; it must receive its own messages (no `noEcho`), and
 * should reconnect for ever (`maxReconnectAttempts: -1`).
 * @throws TypeError for a value that is not a connection, or a prefix that cannot begin a subject
 */
export function natsBroker(connection: NatsConnection, options: NatsBrokerOptions = {}): Broker {
  const isConnection =
    typeof (connection as NatsConnection | undefined)?.flush === 'function' && typeof connection.status === 'function';
  if (!isConnection) throw new TypeError('The connection must be one of @nats-io/transport-node or nats');
  const { prefix = 'wsimd:' } = options;
  if (typeof prefix !== 'string' || !PREFIX.test(prefix)) {
    throw new TypeError('"prefix" must be text that a subject of NATS can begin with');
  }
  return new NatsBroker(connection, options);
}
