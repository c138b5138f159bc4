// `Reads` reads the history once for all subscriptions that return to a topic together.
import type { Broker, Recovery } from './broker.js';
import { decodeEntry } from './entry.js';
import type { Outbox } from './outbox.js';
import { behind, type Position } from './position.js';
import type { Live } from './topic.js';

/** What a topic's history holds after a position, or the first part of it. */
export interface Past {
  readonly lives: readonly Live[];
  readonly hasMore: boolean;
  /** The end of the read history. */
  readonly end: Position;
}

interface Reader {
  readonly after: Position;
  readonly resolve: (past: Past | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Those of a tick share a read from the oldest of their positions, and those that come during a read share the next one:
 * thousands of clients that lost one process cost the engine little, and their messages are framed once.
 */
export class Reads {
  private readonly readers = new Map<string, Reader[]>();

  /** @param most about how many bytes a read takes */
  constructor(
    private readonly broker: Broker,
    private readonly outbox: Outbox,
    private readonly most: number,
  ) {}

  /** Resolves with undefined where the history does not reach back, or is another; rejects when the engine does not answer. */
  read(topic: string, after: Position): Promise<Past | undefined> {
    return new Promise((resolve, reject) => {
      const reader = { after, resolve, reject };
      const waiting = this.readers.get(topic);
      if (waiting !== undefined) {
        waiting.push(reader);
        return;
      }
      this.readers.set(topic, [reader]);
      queueMicrotask(() => void this.run(topic));
    });
  }

  private async run(topic: string): Promise<void> {
    for (let readers = this.readers.get(topic)!; readers.length > 0; readers = this.readers.get(topic)!) {
      this.readers.set(topic, []);
      readers.sort((a, b) => a.after.offset - b.after.offset);
      try {
        await this.readFor(topic, readers);
      } catch (error) {
        for (const { reject } of readers) reject(error);
      }
    }
    this.readers.delete(topic);
  }

  /** From the oldest position, or, where the history does not reach back to it, from the oldest that it reaches. */
  private async readFor(topic: string, readers: readonly Reader[]): Promise<void> {
    let rest = readers;
    for (let at = 0; rest.length > 0; at = rest.length >> 1) {
      const reader = rest[at];
      const recovery = await this.broker.read!(topic, reader.after.offset, this.most);
      rest = rest.filter((one) => isOf(recovery, one.after) || one.resolve(undefined));
      at = rest.indexOf(reader);
      // Where it is of another history, the answer says nothing of the others.
      if (at === -1) continue;
      if (recovery.isWhole) {
        const beyond = this.settle(rest.slice(at), recovery);
        if (beyond.length > 0) await this.readFor(topic, beyond);
        rest = rest.slice(0, at);
      } else {
        for (const { resolve } of rest.slice(0, at + 1)) resolve(undefined);
        rest = rest.slice(at + 1);
      }
    }
  }

  /** Returns those that are beyond a first part. */
  private settle(readers: readonly Reader[], recovery: Recovery): Reader[] {
    const { epoch, last, entries, hasMore = false } = recovery;
    const read = hasMore ? entries.at(-1)!.offset : last;
    const lives: Live[] = [];
    for (const { offset, entry: bytes } of entries) {
      const entry = decodeEntry(bytes);
      if (entry === undefined) continue;
      const excepts = this.outbox.exceptsOf(entry);
      lives.push({ entry, place: { epoch, offset }, excepts, framed: undefined });
    }
    return readers.filter(({ after: { offset }, resolve }) => {
      if (hasMore && offset > read) return true;
      const first = lives.findIndex(({ place }) => place!.offset >= offset);
      resolve({
        lives: first === -1 ? [] : lives.slice(first),
        hasMore,
        end: behind({ epoch, offset: Math.max(read, offset - 1) }),
      });
      return false;
    });
  }
}

/** Whether a position is one of the history that was read. */
function isOf({ epoch, last, end = last + 1 }: Recovery, after: Position): boolean {
  return after.epoch === epoch && after.offset <= end;
}
