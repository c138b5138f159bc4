// `Link` keeps the topics of this process subscribed at the broker, and fills the gap after the engine was away.
import { setTimeout as delay } from 'node:timers/promises';
import type { Broker, BrokerListener, Recovery } from './broker.js';
import type { Outbox } from './outbox.js';
import type { Place } from './position.js';
import type { Topic } from './topic.js';

/** How long a topic stays subscribed without subscribers, so that quick reconnects cost nothing, in ms. */
const GRACE = 1000;
/** The delay after a call that failed although the engine is connected, in ms. */
const AGAIN = 1000;
/** The longest delay before a topic that the engine refuses is asked for again, in ms. */
const LONGEST = 30_000;
/** About how many bytes of a missed past are read at once. */
const PART = 1024 * 1024;

export interface LinkOwner {
  readonly topics: ReadonlyMap<string, Topic>;
  /** Called with the next entry of a topic. */
  arrived(topic: Topic, bytes: Uint8Array, place: Place | undefined): void;
  /** Called when messages of these topics may be lost. */
  gap(topics: readonly string[]): void;
  brokerDown(reason: Error): void;
  brokerUp(): void;
  /** Called when a topic has had no subscribers for a while. */
  dropped(topic: Topic): void;
}

export class Link implements BrokerListener {
  private isClosed = false;
  private isEngineUp = true;
  private isDeaf = false;
  private joining: Topic[] = [];
  private readonly leaving = new Set<Topic>();
  private graceTimer: NodeJS.Timeout | undefined;
  private pulseTimer: NodeJS.Timeout | undefined;
  private isPulsing = false;
  /** Counts the returns of the engine, after each of which all topics are subscribed again. */
  private returns = 0;
  /** Topics whose gap has been reported while the engine is away. */
  private readonly toldGaps = new Set<Topic>();

  /** @param interval the time between messages to oneself, which show that the engine relays, in ms; 0 for never */
  constructor(
    private readonly broker: Broker,
    private readonly outbox: Outbox,
    private readonly owner: LinkOwner,
    interval: number,
  ) {
    void this.start();
    if (interval > 0 && broker.pulse !== undefined) {
      this.pulseTimer = setInterval(() => void this.pulse(), interval).unref();
    }
  }

  private async start(): Promise<void> {
    try {
      await this.broker.start(this);
    } catch (error) {
      this.down(toError(error));
    }
  }

  get isUp(): boolean {
    return this.isEngineUp && !this.isDeaf;
  }

  // ---- called by the broker

  entry(name: string, bytes: Uint8Array, place: Place | undefined): void {
    const topic = this.owner.topics.get(name);
    if (topic === undefined || this.isClosed) return;
    if (!this.isUp && !this.broker.keepsHistory) this.tellGap(topic);
    if (topic.early === undefined) this.take(topic, bytes, place);
    else topic.early.push({ entry: bytes, place });
  }

  down(reason: Error): void {
    this.toldGaps.clear();
    this.change(() => (this.isEngineUp = false), reason);
  }

  up(): void {
    this.change(() => (this.isEngineUp = true));
  }

  // ---- subscriptions

  /** Subscribes to a topic, together with the others of this tick. */
  join(topic: Topic): void {
    if (this.joining.length === 0) queueMicrotask(() => this.leaveTogether());
    this.joining.push(topic);
    if (this.broker.keepsHistory) topic.early = [];
  }

  /** Called when the last subscriber of a topic has left. */
  leave(topic: Topic): void {
    topic.emptySince = performance.now();
    this.leaving.add(topic);
    this.graceTimer ??= setTimeout(() => this.dropLeft(), GRACE).unref();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.pulseTimer);
    clearTimeout(this.graceTimer);
    await this.broker.close();
  }

  private leaveTogether(): void {
    const topics = this.joining;
    this.joining = [];
    void this.subscribe(topics);
  }

  private async subscribe(asked: readonly Topic[], wait: number = AGAIN): Promise<void> {
    if (!this.isUp) return;
    // A topic may have been dropped since the engine refused it.
    const topics = asked.filter(this.isThere);
    if (topics.length === 0) return;
    const { returns } = this;
    try {
      await this.broker.subscribe(topics.map(({ name }) => name));
    } catch {
      // Either the engine is away, and all topics are subscribed when it returns; or it is connected, and is asked again.
      if (this.isUp) await delay(wait, undefined, { ref: false });
      if (returns !== this.returns) return;
      // The engine may refuse one topic alone: in halves, it holds up the others no longer.
      const half = Math.ceil(topics.length / 2);
      const next = half < topics.length ? AGAIN : Math.min(2 * wait, LONGEST);
      await Promise.all([this.subscribe(topics.slice(0, half), next), this.subscribe(topics.slice(half))]);
      return;
    }
    await Promise.all(topics.map((topic) => this.readPast(topic)));
  }

  private readonly isThere = (topic: Topic): boolean => this.owner.topics.get(topic.name) === topic;

  /** Finds the current position of a topic, or reads the entries that it has missed; new entries wait meanwhile. */
  private async readPast(topic: Topic): Promise<void> {
    const { broker } = this;
    if (!broker.keepsHistory) return topic.begin(undefined);
    topic.early ??= [];
    const turn = ++topic.reads;
    for (let hasMore = true; hasMore;) {
      let recovery: Recovery | undefined;
      try {
        recovery = await broker.read!(topic.name, topic.position?.offset, PART);
      } catch {
        if (!this.isUp) return;
        await delay(AGAIN, undefined, { ref: false });
      }
      // Another read has begun, after the engine was away, or the topic has been dropped.
      if (topic.reads !== turn || !this.isThere(topic)) return;
      if (recovery === undefined) continue;
      const { epoch, last, entries } = recovery;
      hasMore = recovery.hasMore === true;
      // Where the history that was read continues at the topic's place.
      if (recovery.isWhole && epoch === topic.position?.epoch) {
        for (const { offset, entry } of entries) this.take(topic, entry, { epoch, offset });
      } else {
        if (topic.position !== undefined) this.owner.gap([topic.name]);
        topic.position = { epoch, offset: last + 1, seen: 0 };
      }
    }
    topic.begin(topic.position);
    const { early } = topic;
    topic.early = undefined;
    for (const { entry, place } of early ?? []) this.entry(topic.name, entry, place);
  }

  private take(topic: Topic, bytes: Uint8Array, place: Place | undefined): void {
    if (place !== undefined) {
      const verdict = topic.judge(place);
      if (verdict === 'old') return;
      if (verdict === 'hole') {
        topic.early = [{ entry: bytes, place }];
        void this.readPast(topic);
        return;
      }
      if (verdict === 'lost') this.owner.gap([topic.name]);
    }
    this.owner.arrived(topic, bytes, place);
  }

  /** Clients of engines resubscribe by themselves: an entry may come before the news that the engine has returned. */
  private tellGap(topic: Topic): void {
    if (!topic.isConfirmed || this.toldGaps.has(topic)) return;
    this.toldGaps.add(topic);
    this.owner.gap([topic.name]);
  }

  private dropLeft(): void {
    this.graceTimer = undefined;
    const until = performance.now() - GRACE + 1;
    const dropped: string[] = [];
    for (const topic of this.leaving) {
      if (topic.subscribers.size === 0 && topic.emptySince! > until) continue;
      this.leaving.delete(topic);
      if (topic.subscribers.size > 0) continue;
      this.owner.dropped(topic);
      dropped.push(topic.name);
    }
    if (dropped.length > 0) this.broker.unsubscribe(dropped);
    if (this.leaving.size > 0) this.graceTimer = setTimeout(() => this.dropLeft(), GRACE).unref();
  }

  // ---- the engine's state

  private change(apply: () => void, reason?: Error): void {
    const before = this.isUp;
    apply();
    if (this.isClosed || before === this.isUp) return;
    if (this.isUp) {
      this.toldGaps.clear();
      this.outbox.up();
      void this.rejoin();
      this.owner.brokerUp();
    } else {
      this.outbox.down();
      this.owner.brokerDown(reason!);
    }
  }

  private async rejoin(): Promise<void> {
    const { broker, owner } = this;
    this.returns++;
    const topics = [...owner.topics.values()];
    const known = topics.filter(({ isConfirmed }) => isConfirmed).map(({ name }) => name);
    if (broker.keepsHistory) for (const topic of topics) topic.early ??= [];
    else if (known.length > 0) owner.gap(known);
    await this.subscribe(topics);
  }

  private async pulse(): Promise<void> {
    // The broker reports an engine that is away by itself.
    if (!this.isEngineUp) {
      this.isPulsing = false;
      return;
    }
    // The engine was silent for a whole interval.
    if (this.isPulsing) this.change(() => (this.isDeaf = true), new Error('The broker relays nothing'));
    this.isPulsing = true;
    const arrived = this.outbox.pulse();
    try {
      await this.broker.pulse!();
    } catch {
      // The broker reports an engine that is away, and silence reveals one that does not relay.
      return;
    }
    this.isPulsing = false;
    arrived();
    if (this.isDeaf) this.change(() => (this.isDeaf = false));
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
