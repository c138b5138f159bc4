// `Member` is one socket with its topics, and decides for each message whether the socket is fast enough for it.
import { sendFramed } from '../node/broadcast.js';
import type { FramedMessage } from '../node/framed-message.js';
import type { FramedRun } from '../node/framed-run.js';
import { broadcastRun, type WebSocket } from '../node/websocket.js';
import { CloseCode } from '../spec/close-code.js';

/** The part of a socket that is used: a server's WebSocket of this package, or of `ws`. */
export interface TopicSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: never, options: never, callback: (error?: Error | null) => void): void;
  close(code?: number, reason?: string): void;
  once(event: 'close', listener: () => void): unknown;
  off?(event: 'close', listener: () => void): unknown;
}

/** The treatment of a subscriber with more than `limit` waiting bytes. */
export interface SlowOptions {
  /** In bytes; 1 MiB by default. */
  readonly limit?: number;
  /** `close`: close it with 1013. `skip`: drop messages until it drains. `latest`: drop all but each topic's newest message. */
  readonly policy?: 'close' | 'skip' | 'latest';
}

export interface Counters {
  delivered: number;
  skipped: number;
  closedForSlowness: number;
  due: number;
  recovered: number;
}

const OPEN = 1;

/** Counts turns of the microtask queue: a socket's waiting bytes are read once in each. */
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

/** The callbacks of a member's owner. */
export interface MemberOwner {
  readonly slow: Required<SlowOptions>;
  readonly counters: Counters;
  readonly turns: Turns;
  leave(member: Member): void;
  failed(error: unknown, socket: TopicSocket): void;
}

/** The members of each socket share one listener: emitters warn of more than ten. */
const groups = new WeakMap<TopicSocket, Member[]>();

export class Member {
  /** The names of the member's topics. */
  readonly topics: Set<string> = new Set();
  private readonly closed: () => void;
  private asked = -1;
  private waiting = 0;
  private isSlow = false;
  private newest: Map<string, FramedMessage> | undefined;
  /** Whether the socket has yet to take what it was sent of the past. */
  private isFull = false;
  /** How many bytes came since, live, for subscriptions that are still in the past. */
  private missed = 0;
  /** Each goes on with the past of one subscription, in turn. */
  private readonly turns: Set<() => void> = new Set();

  constructor(
    readonly socket: TopicSocket,
    private readonly owner: MemberOwner,
  ) {
    const group = groups.get(socket) ?? [];
    this.closed = group[0]?.closed ?? (() => group.slice().forEach((member) => member.owner.leave(member)));
    if (group.push(this) > 1) return;
    groups.set(socket, group);
    socket.once('close', this.closed);
  }

  /** Listens to the socket no more. */
  end(): void {
    const { socket } = this;
    const group = groups.get(socket)!;
    group.splice(group.indexOf(this), 1);
    if (group.length > 0) return;
    groups.delete(socket);
    socket.off?.('close', this.closed);
  }

  get isOpen(): boolean {
    return this.socket.readyState === OPEN;
  }

  /** Sends a message, or treats it as the policy says; counts the outcome. */
  deliver(topic: string, message: FramedMessage): void {
    const { owner } = this;
    const { counters, slow } = owner;
    if (this.isSlow) return this.hold(topic, message);
    try {
      if (this.ask() <= slow.limit) {
        this.waiting += message.length;
        sendFramed(this.socket as unknown as WebSocket, message);
        counters.delivered++;
      } else if (slow.policy === 'close') {
        this.tooSlow();
      } else {
        this.isSlow = true;
        // The callback of this message tells when it, and everything before it, has been written.
        sendFramed(this.socket as unknown as WebSocket, message, () => this.drained());
        counters.delivered++;
      }
    } catch (error) {
      this.isSlow = false;
      counters.skipped++;
      owner.failed(error, this.socket);
    }
  }

  /**
   * Sends messages of the past while at most half of the limit waits: the other half is for live ones.
   * @returns false for one that is to be sent later; undefined where the socket has thrown
   */
  deliverPast(message: FramedMessage): boolean | undefined {
    if (this.isFull || this.isSlow) return false;
    const { counters, slow } = this.owner;
    counters.due++;
    try {
      this.isFull = this.ask() + message.length > slow.limit / 2;
      this.waiting += message.length;
      sendFramed(this.socket as unknown as WebSocket, message, this.isFull ? () => this.taken() : undefined);
      counters.delivered++;
      counters.recovered++;
      return true;
    } catch (error) {
      this.isFull = false;
      counters.skipped++;
      this.owner.failed(error, this.socket);
      return undefined;
    }
  }

  /** Resolves once the socket has room for the past, or `subscription` has ended. */
  turn(subscription: { confirm: (() => void) | undefined }): Promise<void> {
    return new Promise((resolve) => {
      const go = (subscription.confirm = () => {
        this.turns.delete(go);
        resolve();
      });
      this.turns.add(go);
    });
  }

  /** One subscription is done with its turn. */
  next(): void {
    if (this.isFull || this.isSlow) return;
    for (const go of this.turns) return go();
  }

  /** Live messages come for a subscription that is still in the past, where it will find them. */
  miss(bytes: number): void {
    if (!this.isFull) return;
    this.missed += bytes;
    const { counters, slow } = this.owner;
    // More comes than the socket takes.
    if (this.missed <= slow.limit || slow.policy !== 'close') return;
    counters.due++;
    this.tooSlow();
  }

  private taken(): void {
    this.isFull = false;
    this.missed = 0;
    this.asked = -1;
    this.next();
  }

  private tooSlow(): void {
    this.owner.counters.closedForSlowness++;
    this.owner.leave(this);
    this.close();
  }

  private close(): void {
    try {
      this.socket.close(CloseCode.TryAgainLater, 'Too slow');
    } catch (error) {
      this.owner.failed(error, this.socket);
    }
  }

  /** Sends messages in one piece, and says whether it did: where not, they are to be delivered one by one. */
  deliverRun(run: FramedRun): boolean {
    const { owner } = this;
    if (this.isSlow || run.length === 0) return false;
    try {
      if (this.ask() + run.length > owner.slow.limit) return false;
      if (!broadcastRun(this.socket as unknown as WebSocket, run)) return false;
      this.waiting += run.length;
      owner.counters.delivered += run.messages.length;
    } catch (error) {
      owner.counters.skipped += run.messages.length;
      owner.failed(error, this.socket);
    }
    return true;
  }

  /** How much waits in the socket, as it was asked in this turn, and what was sent since. */
  private ask(): number {
    const now = this.owner.turns.now();
    if (this.asked !== now) {
      this.asked = now;
      this.waiting = this.socket.bufferedAmount;
    }
    return this.waiting;
  }

  /** Drops the kept message of a topic that the socket left. */
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
    // Sending one may end the subscription to the next.
    for (const [topic, message] of this.newest ?? []) {
      if (this.isSlow || !this.isOpen) return;
      this.newest!.delete(topic);
      this.deliver(topic, message);
    }
    this.next();
  }
}
