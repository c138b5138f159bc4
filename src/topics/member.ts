// `Member` is one socket with its topics, and decides message by message whether it is fast enough for more.
import { sendFramed } from '../node/broadcast.js';
import type { FramedMessage } from '../node/framed-message.js';
import type { WebSocket } from '../node/websocket.js';
import { CloseCode } from '../spec/close-code.js';

/** How much is used of a socket: a server's WebSocket of this package, or of `ws`. */
export interface TopicSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: never, options: never, callback: (error?: Error | null) => void): void;
  close(code?: number, reason?: string): void;
  once(event: 'close', listener: () => void): unknown;
}

/** The fate of a subscriber with more than `limit` bytes waiting. */
export interface SlowOptions {
  /** In bytes; 1 MiB by default. */
  readonly limit?: number;
  /** `close`: it is closed with 1013. `skip`: messages are dropped until it has drained. `latest`: all but each topic's newest. */
  readonly policy?: 'close' | 'skip' | 'latest';
}

export interface Counters {
  delivered: number;
  skipped: number;
  closedForSlowness: number;
}

const OPEN = 1;

/** Counts turns of the microtask queue: how much a socket has waiting is asked once in each. */
export class Turns {
  private turn = 0;
  private isCounted = false;

  now(): number {
    if (!this.isCounted) {
      this.isCounted = true;
      queueMicrotask(() => {
        this.isCounted = false;
        this.turn++;
      });
    }
    return this.turn;
  }
}

/** The part of a member's topics that is no concern of the member. */
export interface MemberOwner {
  readonly slow: Required<SlowOptions>;
  readonly counters: Counters;
  readonly turns: Turns;
  leave(member: Member): void;
  failed(error: unknown, socket: TopicSocket): void;
}

export class Member {
  /** The names of its topics. */
  readonly topics: Set<string> = new Set();
  private asked = -1;
  private waiting = 0;
  private isSlow = false;
  private newest: Map<string, FramedMessage> | undefined;

  constructor(
    readonly socket: TopicSocket,
    private readonly owner: MemberOwner,
  ) {
    socket.once('close', () => {
      this.dropNewest();
      owner.leave(this);
    });
  }

  get isOpen(): boolean {
    return this.socket.readyState === OPEN;
  }

  /** Sends a message, or does with it as the policy says; counts which. */
  deliver(topic: string, message: FramedMessage): void {
    const { owner } = this;
    const { counters, slow } = owner;
    if (this.isSlow) return this.hold(topic, message);
    const now = owner.turns.now();
    try {
      if (this.asked !== now) {
        this.asked = now;
        this.waiting = this.socket.bufferedAmount;
      }
      if (this.waiting <= slow.limit) {
        this.waiting += message.frame.length;
        sendFramed(this.socket as unknown as WebSocket, message);
        counters.delivered++;
      } else if (slow.policy === 'close') {
        counters.closedForSlowness++;
        this.socket.close(CloseCode.TryAgainLater, 'Too slow');
        owner.leave(this);
      } else {
        this.isSlow = true;
        // The callback of this one message says when it, and all that waits before it, has been written.
        sendFramed(this.socket as unknown as WebSocket, message, () => this.drained());
        counters.delivered++;
      }
    } catch (error) {
      counters.skipped++;
      owner.failed(error, this.socket);
    }
  }

  /** Forgets the messages kept of a topic that it left. */
  forget(topic: string): void {
    if (this.newest?.delete(topic) === true) this.owner.counters.skipped++;
  }

  private hold(topic: string, message: FramedMessage): void {
    if (this.owner.slow.policy === 'skip') {
      this.owner.counters.skipped++;
      return;
    }
    this.forget(topic);
    (this.newest ??= new Map()).set(topic, message);
  }

  private drained(): void {
    this.isSlow = false;
    this.asked = -1;
    if (!this.isOpen) return this.dropNewest();
    const { newest } = this;
    this.newest = undefined;
    for (const [topic, message] of newest ?? []) this.deliver(topic, message);
  }

  private dropNewest(): void {
    this.owner.counters.skipped += this.newest?.size ?? 0;
    this.newest = undefined;
  }
}
