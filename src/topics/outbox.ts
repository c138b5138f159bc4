// `Outbox` gathers the messages that a tick publishes to a topic into one entry for the broker, and bounds how long and how much waits.
import { randomBytes } from 'node:crypto';
import type { Broker } from './broker.js';
import { encodeEntry, entryBytes, ORIGIN_BYTES, type EntryMessage } from './entry.js';
import { TopicsError, type TopicsErrorCode } from './errors.js';
import type { TopicSocket } from './member.js';
import { writePosition, type Place } from './position.js';

/** Told once each message has its position, '' without history. */
interface Waiter {
  readonly resolve: (position: string) => void;
  readonly reject: (error: TopicsError) => void;
}

interface Batch {
  readonly topic: string;
  readonly messages: EntryMessage[];
  readonly waiters: Waiter[];
  readonly excepts: (TopicSocket | undefined)[];
  bytes: number;
  isHandedOver: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Of so many entries it is remembered which sockets do not get them. */
const REMEMBERED = 10_000;

export class Outbox {
  readonly origin: string;
  /** How long the last entry took to be accepted, in ms. */
  roundTrip = 0;
  private readonly originBytes = randomBytes(ORIGIN_BYTES);
  private number = 0;
  /** The batches of this tick, and those that wait for the engine to come back. */
  private open = new Map<string, Batch>();
  private kept: Batch[] = [];
  private readonly batches = new Set<Batch>();
  private readonly excepts = new Map<number, readonly (TopicSocket | undefined)[]>();
  private waitingBytes = 0;
  private isUp = true;
  private emptied: (() => void) | undefined;

  /**
   * @param timeout how long an entry may wait to be accepted, in ms
   * @param limit how many bytes may wait for the engine
   */
  constructor(
    private readonly broker: Broker,
    private readonly timeout: number,
    private readonly limit: number,
  ) {
    this.origin = this.originBytes.toString('hex');
  }

  add(topic: string, message: EntryMessage, except: TopicSocket | undefined): Promise<string> {
    const { length } = message.payload;
    const { maxEntry = Infinity } = this.broker;
    const most = Math.min(maxEntry - entryBytes(1, 0), this.limit);
    if (length > most) return this.refused('WS_ERR_PUBLISH_SIZE', `${length} bytes of at most ${most}`);
    if (this.waitingBytes + length > this.limit) return this.refused('WS_ERR_PUBLISH_FULL', `${this.limit} bytes`);
    this.waitingBytes += length;
    if (this.open.size === 0) queueMicrotask(() => this.leave());
    let batch = this.open.get(topic);
    if (batch !== undefined && entryBytes(batch.messages.length + 1, batch.bytes + length) > maxEntry) {
      // A second entry of the same tick follows the first.
      this.leave();
      queueMicrotask(() => this.leave());
      batch = undefined;
    }
    if (batch === undefined) {
      batch = { topic, messages: [], waiters: [], excepts: [], bytes: 0, isHandedOver: false, timer: undefined };
      this.open.set(topic, batch);
    }
    batch.bytes += length;
    batch.messages.push(message);
    batch.excepts.push(except);
    const { waiters } = batch;
    const settled = new Promise<string>((resolve, reject) => waiters.push({ resolve, reject }));
    // A caller that does not wait hears of an engine that has gone by 'brokerDown'.
    settled.catch(() => undefined);
    return settled;
  }

  /** Which sockets do not get the messages of one's own entry. */
  takeExcepts(number: number): readonly (TopicSocket | undefined)[] | undefined {
    const excepts = this.excepts.get(number);
    this.excepts.delete(number);
    return excepts;
  }

  down(): void {
    this.isUp = false;
  }

  up(): void {
    this.isUp = true;
    const { kept } = this;
    this.kept = [];
    for (const batch of kept) if (this.batches.has(batch)) void this.handOver(batch);
  }

  /** Settles once the engine has accepted or refused every entry; an entry that waits for a lost engine is rejected. */
  async close(): Promise<void> {
    this.leave();
    for (const batch of this.kept) this.fail(batch, 'WS_ERR_TOPICS_CLOSED', '');
    if (this.batches.size > 0) await new Promise<void>((resolve) => (this.emptied = resolve));
  }

  private leave(): void {
    const { open } = this;
    this.open = new Map();
    for (const batch of open.values()) {
      this.batches.add(batch);
      batch.timer = setTimeout(() => this.fail(batch, 'WS_ERR_PUBLISH_TIMEOUT', `${this.timeout} ms`), this.timeout);
      if (this.isUp) void this.handOver(batch);
      else this.kept.push(batch);
    }
  }

  private async handOver(batch: Batch): Promise<void> {
    batch.isHandedOver = true;
    const number = ++this.number;
    if (batch.excepts.some((socket) => socket !== undefined)) this.remember(number, batch.excepts);
    const since = performance.now();
    try {
      const place = await this.broker.publish(batch.topic, encodeEntry(this.originBytes, number, batch.messages));
      this.roundTrip = performance.now() - since;
      this.settle(batch, place);
    } catch (error) {
      this.excepts.delete(number);
      this.fail(batch, 'WS_ERR_PUBLISH_REFUSED', error instanceof Error ? error.message : String(error), error);
    }
  }

  private remember(number: number, excepts: Batch['excepts']): void {
    this.excepts.set(number, excepts);
    if (this.excepts.size > REMEMBERED) this.excepts.delete(this.excepts.keys().next().value!);
  }

  private settle(batch: Batch, place: Place | undefined): void {
    if (!this.end(batch)) return;
    const last = batch.waiters.length - 1;
    for (const [index, { resolve }] of batch.waiters.entries()) {
      resolve(place === undefined ? '' : positionIn(place, index, last));
    }
  }

  private fail(batch: Batch, code: TopicsErrorCode, detail: string, cause?: unknown): void {
    this.end(batch);
    const error = new TopicsError(code, batch.isHandedOver, detail, cause);
    for (const { reject } of batch.waiters) reject(error);
  }

  /** False for a batch that has been settled before. */
  private end(batch: Batch): boolean {
    clearTimeout(batch.timer);
    if (!this.batches.delete(batch)) return false;
    this.waitingBytes -= batch.bytes;
    if (this.batches.size === 0) this.emptied?.();
    return true;
  }

  private refused(code: TopicsErrorCode, detail: string): Promise<never> {
    const refused = Promise.reject(new TopicsError(code, false, detail));
    refused.catch(() => undefined);
    return refused;
  }
}

/** The position behind a message of an entry. */
export function positionIn(place: Place, index: number, last: number): string {
  const { epoch, offset } = place;
  return writePosition(index === last ? { epoch, offset: offset + 1, seen: 0 } : { epoch, offset, seen: index + 1 });
}
