// `MemoryHistory` keeps the latest entries of topics; `MemoryBroker` is an engine in this process, for `Topics` with history.
import { randomBytes } from 'node:crypto';
import type { Broker, BrokerListener, HistoryLimits, Recovery } from './broker.js';
import type { Place } from './position.js';

/** How long a topic without messages, reads and subscribers is remembered, in ms. */
const KEPT = 7 * 24 * 60 * 60 * 1000;

/** The entries of one topic, oldest first. */
interface Kept {
  /** Its own, so that no position of another topic, or from before it was forgotten, is one of it. */
  readonly epoch: string;
  last: number;
  /** When it was added to or read, in ms. */
  time: number;
  entries: { readonly offset: number; readonly entry: Uint8Array; readonly time: number }[];
  /** The number of `entries` that are gone. */
  gone: number;
}

export class MemoryHistory {
  private readonly epoch = randomBytes(6).toString('hex');
  private readonly topics = new Map<string, Kept>();
  private sweep = this.topics.entries();
  private made = 0;

  constructor(
    private readonly limits: HistoryLimits,
    private readonly isSubscribed: (topic: string) => boolean,
  ) {}

  add(topic: string, entry: Uint8Array): Place {
    const kept = this.find(topic);
    const offset = ++kept.last;
    kept.entries.push({ offset, entry, time: kept.time });
    this.trim(kept, kept.time);
    return { epoch: kept.epoch, offset, before: offset - 1 };
  }

  read(topic: string, offset: number | undefined, most: number = Infinity): Recovery {
    const kept = this.find(topic);
    const { epoch, last } = kept;
    if (offset === undefined) return { epoch, last, isWhole: true, entries: [] };
    this.trim(kept, kept.time);
    const first = last - (kept.entries.length - kept.gone) + 1;
    if (offset < first || offset > last + 1) return { epoch, last, isWhole: false, entries: [] };
    const start = kept.gone + offset - first;
    let end = start;
    for (let bytes = 0; bytes < most && end < kept.entries.length; end++) bytes += kept.entries[end].entry.length;
    const hasMore = end < kept.entries.length;
    return { epoch, last, isWhole: true, entries: kept.entries.slice(start, end), hasMore };
  }

  private find(topic: string): Kept {
    const time = Date.now();
    let kept = this.topics.get(topic);
    if (kept === undefined) {
      kept = { epoch: `${this.epoch}${(this.made++).toString(36)}`, last: 0, time, entries: [], gone: 0 };
      this.topics.set(topic, kept);
    }
    kept.time = time;
    // Two at a time: all topics are looked at, again and again, without a timer.
    this.sweepNext(time);
    this.sweepNext(time);
    return kept;
  }

  /** Frees what a silent topic has kept for too long. */
  private sweepNext(now: number): void {
    const next = this.sweep.next();
    if (next.done === true) {
      this.sweep = this.topics.entries();
      return;
    }
    const [topic, kept] = next.value;
    this.trim(kept, now);
    if (kept.entries.length > 0 || now - kept.time < KEPT || this.isSubscribed(topic)) return;
    this.topics.delete(topic);
  }

  private trim(kept: Kept, now: number): void {
    const { messages, age } = this.limits;
    const oldest = now - age;
    const { entries } = kept;
    while (kept.gone < entries.length && (entries.length - kept.gone > messages || entries[kept.gone].time < oldest)) {
      kept.gone++;
    }
    // Removed together, when half of them are gone: a shift for each would move them all.
    if (kept.gone * 2 > entries.length) {
      entries.splice(0, kept.gone);
      kept.gone = 0;
    }
  }
}

export class MemoryBroker implements Broker {
  readonly keepsHistory = true;
  private readonly history: MemoryHistory;
  private listener: BrokerListener | undefined;
  private readonly subscribed = new Set<string>();

  constructor(limits: HistoryLimits) {
    this.history = new MemoryHistory(limits, (topic) => this.subscribed.has(topic));
  }

  start(listener: BrokerListener): void {
    this.listener = listener;
  }

  subscribe(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.subscribed.add(topic);
    return Promise.resolve();
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.subscribed.delete(topic);
  }

  publish(topic: string, entry: Uint8Array): Promise<Place> {
    const place = this.history.add(topic, entry);
    if (this.subscribed.has(topic)) this.listener!.entry(topic, entry, place);
    return Promise.resolve(place);
  }

  read(topic: string, offset: number | undefined, most?: number): Promise<Recovery> {
    return Promise.resolve(this.history.read(topic, offset, most));
  }

  close(): Promise<void> {
    this.subscribed.clear();
    return Promise.resolve();
  }
}
