// `Topics` knows which sockets of this process subscribe to which topics, and publishes to them, here and by way of a broker.
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '../errors/usage-error.js';
import { toPayload } from '../node/data.js';
import { MAX_TOPIC_LENGTH } from '../spec/limits.js';
import type { Broker } from './broker.js';
import { channels } from './channels.js';
import { Delivery } from './delivery.js';
import { TopicsError } from './errors.js';
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
import { readPosition, writePosition, type Place, type Position } from './position.js';
import { Reads, type Past } from './reads.js';
import { Subscription, Topic, type SubscribeResult } from './topic.js';

/** How long to wait before the history is read again, after the engine has not answered, in ms. */
const AGAIN = 100;
const UNRECOVERED: SubscribeResult = { recovered: false, position: '' };

/**
 * Emits 'brokerDown' (error), 'brokerUp', 'gap' ({ topics }: messages of these may have been lost), and 'deliveryError'
 * (error, socket) for a socket whose `send` threw, or without a socket for an `envelope` that did.
 */
export class Topics extends EventEmitter {
  readonly #topics = new Map<string, Topic>();
  readonly #members = new Map<TopicSocket, Member>();
  readonly #delivery: Delivery;
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
  readonly #reads: Reads | undefined;
  #isClosed = false;

  /** @throws RangeError for a number that cannot be honoured; UsageError for a broker that is none */
  constructor(options: TopicsOptions = {}) {
    super();
    const checked = checkOptions(options);
    const { publishTimeout, maxWaiting, checkInterval, slow, limits } = checked;
    this.#owner = {
      slow,
      counters: this.#counters,
      turns: new Turns(),
      leave: (member) => this.#leaveAll(member),
      failed: (error, socket) => void this.emit('deliveryError', error, socket),
    };
    this.#delivery = new Delivery(this.#counters, options.envelope, (error) => void this.emit('deliveryError', error));
    this.#broker = options.broker ?? (options.history === undefined ? undefined : new MemoryBroker(limits));
    if (this.#broker === undefined) return;
    this.#outbox = new Outbox(this.#broker, publishTimeout, maxWaiting);
    this.#reads = new Reads(this.#broker);
    this.#link = new Link(this.#broker, this.#outbox, this.#linkOwner(), checkInterval);
  }

  /**
   * Subscribes a socket, with `after` to all that was published since that position, and resolves when the broker has confirmed.
   * @throws TypeError for a topic that is not 1 to 256 bytes of UTF-8 without control characters; UsageError for a socket that
   *   is none
   */
  subscribe(socket: TopicSocket, topic: string, { after }: { after?: string | null } = {}): Promise<SubscribeResult> {
    checkSocket(socket);
    checkTopic(topic);
    if (this.#isClosed || socket.readyState !== 1) return Promise.resolve(UNRECOVERED);
    let member = this.#members.get(socket);
    if (member === undefined) this.#members.set(socket, (member = new Member(socket, this.#owner)));
    const found = this.#topics.get(topic) ?? this.#addTopic(topic);
    const existing = found.subscribers.get(socket);
    if (existing?.started !== undefined) return existing.started;
    const subscription = new Subscription(member, this.#delivery.nextSerial());
    member.topics.add(topic);
    found.subscribers.set(socket, subscription);
    this.#counters.subscriptions++;
    if (channels.subscribe.hasSubscribers) channels.subscribe.publish({ topic, socket });
    const started = this.#begin(found, subscription, readPosition(after));
    subscription.started = started;
    // Behind the turn of the caller that awaits it.
    void started.then(() => queueMicrotask(() => this.#delivery.release(found, subscription)));
    return started;
  }

  /** Ends a subscription; false if there was none. Nothing is delivered any more once it returns. */
  unsubscribe(socket: TopicSocket, topic: string): boolean {
    checkTopic(topic);
    const member = this.#members.get(socket);
    if (member === undefined || !member.topics.has(topic)) return false;
    this.#leave(member, topic);
    return true;
  }

  /**
   * Publishes a message, and resolves with its position, or with '' without history, once the broker has accepted it. It rejects
   * with a TopicsError; a rejection that nobody waits for is no unhandled one.
   * @throws TypeError for a topic that is none, or data that is neither string nor bytes
   */
  publish(topic: string, data: TopicData, options: PublishOptions = {}): Promise<string> {
    checkTopic(topic);
    if (typeof data !== 'string' && !isBytes(data)) {
      throw new TypeError('The data must be a string, an ArrayBuffer or a view of one');
    }
    if (this.#isClosed) return closed();
    const { except, binary = typeof data !== 'string', compress = false } = options;
    const isBinary = binary;
    this.#counters.published++;
    if (channels.publish.hasSubscribers) channels.publish.publish({ topic, data, isBinary });
    const outbox = this.#outbox;
    const found = this.#topics.get(topic);
    const isLocal = this.#broker?.keepsHistory !== true && found !== undefined && found.subscribers.size > 0;
    if (outbox === undefined && !isLocal) return DONE;
    // The bytes are the message's own from here on: frames copy them, and entries are made at the end of the tick.
    const message = { payload: Buffer.from(toPayload(data) as Uint8Array), isBinary, compress };
    if (isLocal) {
      const entry = { origin: '', number: 0, messages: [message] };
      this.#delivery.fanOut(found, { entry, place: undefined, excepts: except && [except], framed: undefined });
    }
    return outbox === undefined ? DONE : outbox.add(topic, message, except);
  }

  isSubscribed(socket: TopicSocket, topic: string): boolean {
    return this.#members.get(socket)?.topics.has(topic) === true;
  }

  /** The topics of a socket. */
  subscriptions(socket: TopicSocket): string[] {
    return [...(this.#members.get(socket)?.topics ?? [])];
  }

  /** How many sockets of this process are subscribed. */
  subscriberCount(topic: string): number {
    return this.#topics.get(topic)?.subscribers.size ?? 0;
  }

  get statistics(): TopicsStatistics {
    return { ...this.#counters, topics: this.#topics.size, brokerRoundTrip: this.#outbox?.roundTrip ?? 0 };
  }

  /**
   * Ends all subscriptions and, once the broker has accepted what was published before, leaves it; the sockets stay open. What
   * waits for an engine that has gone is rejected, and so is what is published from now on.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const member of this.#members.values()) this.#leaveAll(member);
    this.#topics.clear();
    await this.#outbox?.close();
    await this.#link?.close();
  }

  // ---- private

  #addTopic(name: string): Topic {
    const topic = new Topic(name);
    this.#topics.set(name, topic);
    if (this.#link === undefined) topic.begin(undefined);
    else this.#link.join(topic);
    return topic;
  }

  async #begin(topic: Topic, subscription: Subscription, after: Position | undefined): Promise<SubscribeResult> {
    const isKept = this.#broker?.keepsHistory === true;
    if (!isKept) {
      if (!topic.isConfirmed) await topic.confirmed;
      return UNRECOVERED;
    }
    subscription.from = topic.position;
    subscription.held = [];
    if (!topic.isConfirmed) await topic.confirmed;
    const past = after === undefined ? undefined : await this.#read(topic, subscription, after);
    if (topic.subscribers.get(subscription.member.socket) !== subscription) return UNRECOVERED;
    if (past !== undefined) {
      const { offset, seen } = after!;
      for (const live of past.lives) {
        const first = live.place!.offset === offset ? seen : 0;
        this.#counters.recovered += this.#delivery.deliverTo(topic, subscription, live, first);
      }
      subscription.from = past.end;
    }
    return { recovered: past !== undefined, position: writePosition(subscription.from!) };
  }

  /** Reads the history after a position; again, when the engine has gone meanwhile, for as long as there is a subscription. */
  async #read(topic: Topic, subscription: Subscription, after: Position): Promise<Past | undefined> {
    while (topic.subscribers.get(subscription.member.socket) === subscription) {
      try {
        return await this.#reads!.read(topic.name, after);
      } catch {
        await delay(AGAIN, undefined, { ref: false });
      }
    }
    return undefined;
  }

  #leave(member: Member, name: string): void {
    const topic = this.#topics.get(name)!;
    topic.subscribers.delete(member.socket);
    member.topics.delete(name);
    member.forget(name);
    this.#counters.subscriptions--;
    if (topic.subscribers.size > 0) return;
    if (this.#link === undefined) this.#topics.delete(name);
    else this.#link.leave(topic);
  }

  #leaveAll(member: Member): void {
    for (const name of member.topics) this.#leave(member, name);
    this.#members.delete(member.socket);
  }

  #linkOwner(): LinkOwner {
    return {
      topics: this.#topics,
      arrived: (topic, bytes, place) => this.#arrived(topic, bytes, place),
      gap: (topics) => {
        if (channels.gap.hasSubscribers) channels.gap.publish({ topics });
        this.emit('gap', { topics });
      },
      brokerDown: (reason) => {
        if (channels.broker.hasSubscribers) channels.broker.publish({ isUp: false, reason });
        this.emit('brokerDown', reason);
      },
      brokerUp: () => {
        if (channels.broker.hasSubscribers) channels.broker.publish({ isUp: true });
        this.emit('brokerUp');
      },
      dropped: (topic) => void this.#topics.delete(topic.name),
    };
  }

  #arrived(topic: Topic, bytes: Uint8Array, place: Place | undefined): void {
    const entry = topic.decode(bytes);
    if (entry === undefined) return;
    const isOwn = entry.origin === this.#outbox!.origin;
    // Without history, this process's subscribers had it when it was published.
    if (isOwn && place === undefined) return;
    const excepts = isOwn ? this.#outbox!.takeExcepts(entry.number) : undefined;
    this.#delivery.fanOut(topic, { entry, place, excepts, framed: undefined });
  }
}

const DONE: Promise<string> = Promise.resolve('');

function closed(): Promise<never> {
  const refused = Promise.reject(new TopicsError('WS_ERR_TOPICS_CLOSED', false));
  refused.catch(() => undefined);
  return refused;
}

/** Whether no half of a surrogate pair stands alone. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function isBytes(data: unknown): boolean {
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data);
}

function checkSocket(socket: Partial<TopicSocket> | null | undefined): void {
  const isSocket =
    typeof socket === 'object' &&
    typeof socket?.send === 'function' &&
    typeof socket.once === 'function' &&
    typeof socket.readyState === 'number';
  if (!isSocket) throw new UsageError('A subscriber must be a WebSocket of a server');
}

// oxlint-disable-next-line no-control-regex -- these are refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

function checkTopic(topic: unknown): asserts topic is string {
  const isTopic =
    typeof topic === 'string' &&
    topic !== '' &&
    isWellFormed(topic) &&
    Buffer.byteLength(topic) <= MAX_TOPIC_LENGTH &&
    !CONTROL.test(topic);
  if (isTopic) return;
  throw new TypeError(`A topic must be 1 to ${MAX_TOPIC_LENGTH} bytes of UTF-8 without control characters`);
}
