// `Outbox` gathers the messages that a tick publishes to a topic into one entry for the broker, and bounds how long and how much waits.
import { randomBytes } from 'node:crypto';
import { sizeOf } from '../node/data.js';
import type { Broker } from './broker.js';
import { EntryDraft, entryBytes, ORIGIN_BYTES, type Entry } from './entry.js';
import { TopicsError, type TopicsErrorCode } from './errors.js';
import type { TopicSocket } from './member.js';
import { writePosition, type Place } from './position.js';

/** Called once each message has its position, '' without history. */
interface Waiter {
  readonly resolve: (position: string) => void;
  readonly reject: (error: TopicsError) => void;
}

interface Batch {
  readonly topic: string;
  readonly draft: EntryDraft;
  /** One for each message or, without history, whose positions are all the same, one for all. */
  readonly waiters: Waiter[];
  /** Without history, told to all that publish. */
  accepted: Promise<string> | undefined;
  excepts: (TopicSocket | undefined)[] | undefined;
  /** Set when it is handed over to the broker. */
  number: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** How far behind the oldest unanswered entry excluded sockets are kept: an answered entry may still be on its way. */
const REMEMBERED = 10_000;

export class Outbox {
  readonly origin: string;
  /** The time that the broker took to accept the last entry, in ms. */
  roundTrip = 0;
  private readonly originBytes = randomBytes(ORIGIN_BYTES);
  private number = 0;
  /** The batches of this tick. */
  private open = new Map<string, Batch>();
  /** The earlier ones that are not settled; those without a number wait for the engine to return. */
  private readonly batches = new Set<Batch>();
  private readonly excepts = new Map<number, readonly (TopicSocket | undefined)[]>();
  /** Entries whose time is over but which the broker has not answered: its client still holds them. */
  private readonly unanswered = new Map<number, { readonly topic: string; readonly bytes: number }>();
  private waitingBytes = 0;
  private isUp = true;
  private emptied: (() => void) | undefined;

  /**
   * @param timeout how long an entry may wait for its acceptance, in ms
   * @param limit the most bytes that may wait for the engine
   */
  constructor(
    private readonly broker: Broker,
    private readonly timeout: number,
    private readonly limit: number,
  ) {
    this.origin = this.originBytes.toString('hex');
  }

  add(
    topic: string,
    payload: Uint8Array | string,
    isBinary: boolean,
    compress: boolean,
    except: TopicSocket | undefined,
  ): Promise<string> {
    const length = sizeOf(payload);
    const { maxEntry = Infinity } = this.broker;
    const most = Math.min(maxEntry - entryBytes(1, 0), this.limit);
    if (length > most) return this.refused('WS_ERR_PUBLISH_SIZE', `${length} bytes of at most ${most}`);
    if (this.waitingBytes + length > this.limit) return this.refused('WS_ERR_PUBLISH_FULL', `${this.limit} bytes`);
    this.waitingBytes += length;
    if (this.open.size === 0) queueMicrotask(() => this.leave());
    let batch = this.open.get(topic);
    if (batch !== undefined && entryBytes(batch.draft.count + 1, batch.draft.bytes + length) > maxEntry) {
      // A second entry of the same tick follows the first.
      this.leave();
      queueMicrotask(() => this.leave());
      batch = undefined;
    }
    if (batch === undefined) this.open.set(topic, (batch = makeBatch(topic)));
    const { draft } = batch;
    if (except !== undefined) (batch.excepts ??= [])[draft.count] = except;
    draft.add(payload, length, isBinary, compress);
    if (this.broker.keepsHistory) return settlement(batch);
    return (batch.accepted ??= settlement(batch));
  }

  /** The sockets that do not get the messages of an entry, if it is an own one that has not arrived live. */
  exceptsOf({ origin, number }: Entry): readonly (TopicSocket | undefined)[] | undefined {
    return origin === this.origin ? this.excepts.get(number) : undefined;
  }

  /** The same for an entry that arrives live; they are then forgotten. */
  takeExcepts(entry: Entry): readonly (TopicSocket | undefined)[] | undefined {
    const excepts = this.exceptsOf(entry);
    if (excepts !== undefined) this.excepts.delete(entry.number);
    return excepts;
  }

  down(): void {
    this.isUp = false;
  }

  /** Begins a message to all nodes; the returned function is called once it has arrived, and with it all from before. */
  pulse(): () => void {
    const { number } = this;
    return () => this.release((other) => other <= number);
  }

  up(): void {
    this.isUp = true;
    // What the client held has left, or is lost.
    this.release(() => true);
    for (const batch of this.batches) if (batch.number === undefined) void this.handOver(batch);
  }

  /** Settles once the engine has accepted or refused every entry; entries that wait for a lost engine are rejected. */
  async close(): Promise<void> {
    this.leave();
    for (const batch of this.batches) if (batch.number === undefined) this.fail(batch, 'WS_ERR_TOPICS_CLOSED', '');
    if (this.batches.size > 0) await new Promise<void>((resolve) => (this.emptied = resolve));
  }

  private leave(): void {
    const { open } = this;
    this.open = new Map();
    for (const batch of open.values()) {
      this.batches.add(batch);
      batch.timer = setTimeout(() => this.expire(batch), this.timeout);
      if (this.isUp) void this.handOver(batch);
    }
  }

  private async handOver(batch: Batch): Promise<void> {
    const number = (batch.number = ++this.number);
    // Without history, own entries that come back are dropped.
    if (batch.excepts !== undefined && this.broker.keepsHistory) this.remember(number, batch.excepts);
    const since = performance.now();
    try {
      const place = await this.broker.publish(batch.topic, batch.draft.encode(this.originBytes, number));
      this.roundTrip = performance.now() - since;
      // Those before have left too; those of other topics may wait for another node of a cluster.
      this.release((other, topic) => other <= number && topic === batch.topic);
      this.settle(batch, place);
    } catch (error) {
      this.release((other) => other === number);
      // Its exceptions stay remembered: the engine may have it all the same.
      this.fail(batch, 'WS_ERR_PUBLISH_REFUSED', error instanceof Error ? error.message : String(error), error);
    }
  }

  private expire(batch: Batch): void {
    this.fail(batch, 'WS_ERR_PUBLISH_TIMEOUT', `${this.timeout} ms`);
    const { topic, number, draft } = batch;
    if (number === undefined) return;
    const { bytes } = draft;
    this.unanswered.set(number, { topic, bytes });
    this.waitingBytes += bytes;
  }

  /** The engine has these entries, or they are lost. */
  private release(isGone: (number: number, topic: string) => boolean): void {
    for (const [number, { topic, bytes }] of this.unanswered) {
      if (!isGone(number, topic)) continue;
      this.unanswered.delete(number);
      this.waitingBytes -= bytes;
    }
  }

  private remember(number: number, excepts: (TopicSocket | undefined)[]): void {
    this.excepts.set(number, excepts);
    const [oldest] = this.batches;
    for (const first of this.excepts.keys()) {
      if (first > oldest.number! - REMEMBERED) return;
      this.excepts.delete(first);
    }
  }

  private settle(batch: Batch, place: Place | undefined): void {
    if (!this.end(batch)) return;
    const { waiters } = batch;
    const last = waiters.length - 1;
    for (const [index, { resolve }] of waiters.entries()) {
      resolve(place === undefined ? '' : positionIn(place, index, last));
    }
  }

  private fail(batch: Batch, code: TopicsErrorCode, detail: string, cause?: unknown): void {
    this.end(batch);
    const error = new TopicsError(code, batch.number !== undefined, detail, cause);
    for (const { reject } of batch.waiters) reject(error);
  }

  /** False for a batch that was settled before. */
  private end(batch: Batch): boolean {
    clearTimeout(batch.timer);
    if (!this.batches.delete(batch)) return false;
    this.waitingBytes -= batch.draft.bytes;
    if (this.batches.size === 0) this.emptied?.();
    return true;
  }

  private refused(code: TopicsErrorCode, detail: string): Promise<never> {
    const refused = Promise.reject(new TopicsError(code, false, detail));
    refused.catch(() => undefined);
    return refused;
  }
}

function makeBatch(topic: string): Batch {
  return {
    topic,
    draft: new EntryDraft(),
    waiters: [],
    accepted: undefined,
    excepts: undefined,
    number: undefined,
    timer: undefined,
  };
}

/** Settles with the batch, for one message or for all. */
function settlement({ waiters }: Batch): Promise<string> {
  const settled = new Promise<string>((resolve, reject) => waiters.push({ resolve, reject }));
  // A caller that does not wait learns of a lost engine by 'brokerDown'.
  settled.catch(() => undefined);
  return settled;
}

/** The position after a message of an entry. */
export function positionIn(place: Place, index: number, last: number): string {
  const { epoch, offset } = place;
  return writePosition(index === last ? { epoch, offset: offset + 1, seen: 0 } : { epoch, offset, seen: index + 1 });
}
