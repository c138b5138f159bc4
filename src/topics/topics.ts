// `Topics` knows the sockets of this process that subscribe to topics, and publishes to them, directly and through a broker.
import { EventEmitter } from 'node:events';
import { toPayload } from '../node/data.js';
import { surface } from '../node/send-callback.js';
import { joinsRuns } from '../node/websocket.js';
import { checkSocket, checkTopic, isBytes } from './arguments.js';
import type { Broker } from './broker.js';
import { channels } from './channels.js';
import { Delivery } from './delivery.js';
import { TopicsError } from './errors.js';
import { Gathering } from './gathering.js';
import { Link, type LinkOwner } from './link.js';
import { Member, Turns, type MemberOwner, type TopicSocket } from './member.js';
import { MemoryBroker } from './memory-broker.js';
import {
  checkOptions,
  type PublishOptions,
  type TopicData,
  type TopicsOptions,
  type TopicsStatistics,
} from './options.js';
import { Outbox } from './outbox.js';
import { Pasts } from './pasts.js';
import { readPosition, writePosition, type Place, type Position } from './position.js';
import { Subscription, Topic, type SubscribeResult } from './topic.js';

const UNRECOVERED: SubscribeResult = { recovered: false, position: '' };

/**
 * Emits 'brokerDown' (error), 'brokerUp', 'gap' ({ topics }: messages of these may be lost), and 'deliveryError'
 * (error, socket) for a socket whose `send` threw, or without a socket for an `envelope` that threw.
 */
export class Topics extends EventEmitter {
  readonly #topics = new Map<string, Topic>();
  readonly #members = new Map<TopicSocket, Member>();
  readonly #delivery: Delivery;
  readonly #gathering: Gathering = new Gathering((topic, live) => this.#delivery.fanOut(topic, live));
  readonly #owner: MemberOwner;
  readonly #counters = {
    delivered: 0,
    skipped: 0,
    closedForSlowness: 0,
    published: 0,
    due: 0,
    recovered: 0,
    subscriptions: 0,
  };
  readonly #broker: Broker | undefined;
  readonly #outbox: Outbox | undefined;
  readonly #link: Link | undefined;
  readonly #pasts: Pasts | undefined;
  #closed: Promise<void> | undefined;

  /** @throws RangeError for a number that cannot be honoured; UsageError for an invalid broker */
  constructor(options: TopicsOptions = {}) {
    super();
    const checked = checkOptions(options);
    const { publishTimeout, maxWaiting, checkInterval, slow, limits } = checked;
    this.#owner = {
      slow,
      counters: this.#counters,
      turns: new Turns(),
      leave: (member) => this.#leaveAll(member),
      failed: (error, socket) => this.#tell('deliveryError', error, socket),
    };
    this.#delivery = new Delivery(this.#counters, options.envelope, (error) => this.#tell('deliveryError', error));
    this.#broker = options.broker ?? (options.history === undefined ? undefined : new MemoryBroker(limits));
    if (this.#broker === undefined) return;
    this.#outbox = new Outbox(this.#broker, publishTimeout, maxWaiting);
    this.#pasts = new Pasts(this.#delivery, this.#broker, this.#outbox, slow.limit / 2);
    this.#link = new Link(this.#broker, this.#outbox, this.#linkOwner(), checkInterval);
  }

  /**
   * Subscribes a socket, with `after` also to everything since that position, and resolves when the broker has confirmed.
   * @throws TypeError for a topic that is not 1 to 256 bytes of UTF-8 without control characters; UsageError for an invalid
   *   socket
   */
  subscribe(socket: TopicSocket, topic: string, { after }: { after?: string | null } = {}): Promise<SubscribeResult> {
    checkSocket(socket);
    checkTopic(topic);
    if (this.#closed !== undefined || socket.readyState !== 1) return Promise.resolve(UNRECOVERED);
    let member = this.#members.get(socket);
    if (member === undefined) this.#members.set(socket, (member = new Member(socket, this.#owner)));
    const found = this.#topics.get(topic) ?? this.#addTopic(topic);
    const existing = found.subscribers.get(socket);
    if (existing?.started !== undefined) return existing.started;
    this.#gathering.release();
    const isOurs = joinsRuns(socket);
    if (!isOurs) found.others++;
    const subscription = new Subscription(member, this.#delivery.nextSerial(), isOurs);
    member.topics.add(topic);
    found.subscribers.set(socket, subscription);
    this.#counters.subscriptions++;
    const started = this.#begin(found, subscription, readPosition(after));
    subscription.started = started;
    if (channels.subscribe.hasSubscribers) channels.subscribe.publish({ topic, socket });
    // After the turn of the caller that awaits the result.
    void started.then(() => queueMicrotask(() => this.#delivery.release(found, subscription)));
    return started;
  }

  /** Ends a subscription; false if there was none. After the return nothing more is delivered. */
  unsubscribe(socket: TopicSocket, topic: string): boolean {
    checkTopic(topic);
    const member = this.#members.get(socket);
    if (member === undefined || !member.topics.has(topic)) return false;
    this.#gathering.release();
    this.#leave(member, topic);
    return true;
  }

  /**
   * Publishes a message, and resolves with its position, or with '' without history, once the broker has accepted it. It rejects
   * with a TopicsError; a rejection without a handler is not an unhandled rejection.
   * @throws TypeError for an invalid topic, or data that is neither string nor bytes
   */
  publish(topic: string, data: TopicData, options: PublishOptions = {}): Promise<string> {
    checkTopic(topic);
    if (typeof data !== 'string' && !isBytes(data)) {
      throw new TypeError('The data must be a string, an ArrayBuffer or a view of one');
    }
    if (this.#closed !== undefined) return closed();
    const { except, binary = typeof data !== 'string', compress = false } = options;
    const isBinary = binary;
    this.#counters.published++;
    if (channels.publish.hasSubscribers) channels.publish.publish({ topic, data, isBinary });
    const outbox = this.#outbox;
    const found = this.#topics.get(topic);
    const isLocal = this.#broker?.keepsHistory !== true && found !== undefined && found.subscribers.size > 0;
    if (outbox === undefined && !isLocal) return DONE;
    let payload = toPayload(data);
    if (isLocal) {
      // The bytes belong to the message from here on: the caller may change its own.
      const own = (payload = Buffer.from(payload as Uint8Array));
      this.#gathering.add(found, { payload: own, isBinary, compress }, except);
      // Others, and those who trace, see each message when it is published.
      if (found.others > 0 || channels.deliver.hasSubscribers) this.#gathering.release();
    }
    return outbox === undefined ? DONE : outbox.add(topic, payload, isBinary, compress, except);
  }

  isSubscribed(socket: TopicSocket, topic: string): boolean {
    return this.#members.get(socket)?.topics.has(topic) === true;
  }

  /** The topics of a socket. */
  subscriptions(socket: TopicSocket): string[] {
    return [...(this.#members.get(socket)?.topics ?? [])];
  }

  /** The number of subscribed sockets in this process. */
  subscriberCount(topic: string): number {
    return this.#topics.get(topic)?.subscribers.size ?? 0;
  }

  get statistics(): TopicsStatistics {
    this.#gathering.release();
    return { ...this.#counters, topics: this.#topics.size, brokerRoundTrip: this.#outbox?.roundTrip ?? 0 };
  }

  /**
   * Ends all subscriptions and, once the broker has accepted everything published before, leaves it; the sockets stay open.
   * Messages that wait for an engine that is away are rejected, and so are later ones.
   */
  close(): Promise<void> {
    this.#gathering.release();
    return (this.#closed ??= this.#close());
  }

  // ---- private

  async #close(): Promise<void> {
    for (const member of this.#members.values()) this.#leaveAll(member);
    this.#topics.clear();
    await this.#outbox?.close();
    await this.#link?.close();
  }

  #addTopic(name: string): Topic {
    const topic = new Topic(name);
    this.#topics.set(name, topic);
    if (this.#link === undefined) topic.begin(undefined);
    else this.#link.join(topic);
    return topic;
  }

  async #begin(topic: Topic, subscription: Subscription, after: Position | undefined): Promise<SubscribeResult> {
    const isKept = this.#broker?.keepsHistory === true;
    if (isKept) {
      subscription.from = topic.position;
      subscription.held = [];
    }
    if (!topic.isConfirmed) await new Promise<void>((resolve) => (subscription.confirm = resolve));
    if (!isKept) return UNRECOVERED;
    const recovered = after !== undefined && (await this.#pasts!.recover(topic, subscription, after));
    if (!topic.has(subscription)) return UNRECOVERED;
    return { recovered, position: writePosition(subscription.from!) };
  }

  #leave(member: Member, name: string): void {
    const topic = this.#topics.get(name)!;
    const subscription = topic.subscribers.get(member.socket)!;
    if (!subscription.isOurs) topic.others--;
    topic.subscribers.delete(member.socket);
    subscription.confirm?.();
    member.topics.delete(name);
    member.forget(name);
    this.#counters.subscriptions--;
    if (topic.subscribers.size > 0) return;
    if (this.#link === undefined) this.#topics.delete(name);
    else this.#link.leave(topic);
  }

  #leaveAll(member: Member): void {
    this.#gathering.release();
    for (const name of member.topics) this.#leave(member, name);
    this.#members.delete(member.socket);
    member.end();
  }

  #linkOwner(): LinkOwner {
    return {
      topics: this.#topics,
      arrived: (topic, bytes, place) => this.#arrived(topic, bytes, place),
      gap: (topics) => {
        if (channels.gap.hasSubscribers) channels.gap.publish({ topics });
        this.#tell('gap', { topics });
      },
      brokerDown: (reason) => {
        if (channels.broker.hasSubscribers) channels.broker.publish({ isUp: false, reason });
        this.#tell('brokerDown', reason);
      },
      brokerUp: () => {
        if (channels.broker.hasSubscribers) channels.broker.publish({ isUp: true });
        this.#tell('brokerUp');
      },
      dropped: (topic) => void this.#topics.delete(topic.name),
    };
  }

  /** Emits an event; a listener that throws interrupts neither a fan-out nor the return of an engine. */
  #tell(event: string, ...values: readonly unknown[]): void {
    try {
      this.emit(event, ...values);
    } catch (thrown) {
      surface(thrown);
    }
  }

  #arrived(topic: Topic, bytes: Uint8Array, place: Place | undefined): void {
    const entry = topic.decode(bytes);
    if (entry === undefined) return;
    // Without history, subscribers in this process got the message when it was published.
    if (place === undefined && entry.origin === this.#outbox!.origin) return;
    const excepts = this.#outbox!.takeExcepts(entry);
    this.#delivery.fanOut(topic, { entry, place, excepts, framed: undefined });
  }
}

const DONE: Promise<string> = Promise.resolve('');

function closed(): Promise<never> {
  const refused = Promise.reject(new TopicsError('WS_ERR_TOPICS_CLOSED', false));
  refused.catch(() => undefined);
  return refused;
}
