// `Reads` reads the history once for all subscriptions that return to a topic together.
import type { Broker, Recovery } from './broker.js';
import { decodeEntry } from './entry.js';
import { behind, type Position } from './position.js';
import type { Live } from './topic.js';

/** Everything in a topic's history after a position. */
export interface Past {
  readonly lives: readonly Live[];
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

  constructor(private readonly broker: Broker) {}

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
    let [low, high] = [0, readers.length];
    for (let at = 0; low < high; at = (low + high) >> 1) {
      const recovery = await this.broker.read!(topic, readers[at].after.offset);
      if (recovery.isWhole) {
        settle(readers.slice(at, high), recovery);
        high = at;
      } else {
        for (const { resolve } of readers.slice(low, at + 1)) resolve(undefined);
        low = at + 1;
      }
    }
  }
}

function settle(readers: readonly Reader[], { epoch, last, end = last + 1, entries }: Recovery): void {
  const lives: Live[] = [];
  for (const { offset, entry: bytes } of entries) {
    const entry = decodeEntry(bytes);
    if (entry !== undefined) lives.push({ entry, place: { epoch, offset }, excepts: undefined, framed: undefined });
  }
  for (const { after, resolve } of readers) {
    const { offset } = after;
    if (after.epoch !== epoch || offset > end) resolve(undefined);
    else {
      const first = lives.findIndex(({ place }) => place!.offset >= offset);
      resolve({
        lives: first === -1 ? [] : lives.slice(first),
        end: behind({ epoch, offset: Math.max(last, offset - 1) }),
      });
    }
  }
}
