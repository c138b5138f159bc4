// `Aside` is where messages to many wait while a connection sends a message of its application's in fragments (RFC 6455 5.4).
import { Queue } from '../queue.js';
import type { SendCallback } from './send-callback.js';

interface Waiting {
  readonly bytes: number;
  readonly callback: SendCallback | undefined;
  readonly send: () => void;
}

export class Aside {
  /** Bytes of payload that wait here. */
  bytes = 0;
  private readonly waiting = new Queue<Waiting>();
  private isReleasing = false;

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  put(bytes: number, callback: SendCallback | undefined, send: () => void): void {
    this.bytes += bytes;
    this.waiting.push({ bytes, callback, send });
  }

  /** Sends all that waits, in its order, for as long as nothing is in its way. */
  release(isFree: () => boolean): void {
    // A send comes by here too.
    if (this.isReleasing) return;
    this.isReleasing = true;
    try {
      while (!this.isEmpty && isFree()) {
        const { bytes, send } = this.waiting.shift()!;
        this.bytes -= bytes;
        send();
      }
    } finally {
      this.isReleasing = false;
    }
  }

  /** Gives all up, and returns their callbacks. */
  abandon(): (SendCallback | undefined)[] {
    this.bytes = 0;
    return this.waiting.takeAll().map(({ callback }) => callback);
  }
}
