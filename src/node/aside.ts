// `Aside` holds messages to many while a connection sends a message of its application in fragments (RFC 6455 5.4).
import { Queue } from '../queue.js';
import type { SendCallback } from './send-callback.js';

interface Waiting {
  readonly bytes: number;
  readonly callback: SendCallback | undefined;
  readonly send: (told: SendCallback | undefined) => void;
}

export class Aside {
  /** Bytes of payload that wait here. */
  bytes = 0;
  private readonly waiting = new Queue<Waiting>();
  private isReleasing = false;

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  put(bytes: number, callback: SendCallback | undefined, send: (told: SendCallback | undefined) => void): void {
    this.bytes += bytes;
    this.waiting.push({ bytes, callback, send });
  }

  /** Sends the waiting messages in order, until the application starts another message in fragments. */
  release(isFree: () => boolean): void {
    // Sending calls this method again.
    if (this.isReleasing) return;
    this.isReleasing = true;
    try {
      while (!this.isEmpty && isFree()) {
        const { bytes, callback, send } = this.waiting.shift()!;
        this.bytes -= bytes;
        send(callback);
      }
    } finally {
      this.isReleasing = false;
    }
  }

  /** Drops the waiting messages, and returns their callbacks. */
  abandon(): (SendCallback | undefined)[] {
    this.bytes = 0;
    return this.waiting.takeAll().map(({ callback }) => callback);
  }
}
