// `Model` is the naive picture of topics that a run of random operations is held against, socket by socket.
import { EventEmitter } from 'node:events';
import type { TopicSocket } from '../../src/topics/index.js';

/** A socket that keeps in memory all that it is sent; `waiting` bytes are said to wait in it. */
export class FakeSocket extends EventEmitter implements TopicSocket {
  readyState = 1;
  waiting = 0;
  received: string[] = [];
  closedWith: number | undefined;
  callbacks: (() => void)[] = [];
  /** Called with each message; may throw, or call back into the topics. */
  onSend: ((text: string) => void) | undefined;

  get bufferedAmount(): number {
    return this.waiting;
  }

  send(data: Uint8Array | string, _options: unknown, callback?: (error?: Error | null) => void): void {
    if (callback !== undefined) this.callbacks.push(callback);
    const text = typeof data === 'string' ? data : Buffer.from(data).toString();
    this.received.push(text);
    this.onSend?.(text);
  }

  close(code?: number): void {
    this.closedWith = code;
    this.readyState = 2;
  }

  /** The connection is over. */
  finish(): void {
    this.readyState = 3;
    this.emit('close');
  }

  /** All that waited has been written. */
  drain(): void {
    this.waiting = 0;
    const { callbacks } = this;
    this.callbacks = [];
    for (const callback of callbacks) callback();
  }
}

/** A socket in which all that it is sent waits until it drains. */
export class FullSocket extends FakeSocket {
  /** The most bytes that waited. */
  most = 0;

  override send(data: Uint8Array | string, options: unknown, callback?: (error?: Error | null) => void): void {
    this.waiting += data.length;
    this.most = Math.max(this.most, this.waiting);
    super.send(data, options, callback);
  }
}

/** Who is subscribed, and what each is due. */
export class Model {
  readonly subscribers: Map<string, Set<FakeSocket>> = new Map();
  readonly due: Map<FakeSocket, string[]> = new Map();

  of(topic: string): Set<FakeSocket> {
    let found = this.subscribers.get(topic);
    if (found === undefined) this.subscribers.set(topic, (found = new Set()));
    return found;
  }

  publish(topic: string, text: string, except: FakeSocket | undefined): void {
    for (const socket of this.of(topic)) {
      if (socket === except) continue;
      const due = this.due.get(socket) ?? [];
      due.push(text);
      this.due.set(socket, due);
    }
  }

  close(socket: FakeSocket): void {
    for (const sockets of this.subscribers.values()) sockets.delete(socket);
  }
}
