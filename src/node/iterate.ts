// `iterate` makes an async iterator over a WebSocket's messages, which pauses the peer while the consumer is slow.
import type { EventEmitter } from 'node:events';
import { Queue } from '../queue.js';
import { MAX_UNREAD_MESSAGES } from '../spec/limits.js';
import { ReadyState } from './types.js';

/** The members of a WebSocket that iteration uses. */
export interface IterableWebSocket extends EventEmitter {
  readonly readyState: ReadyState;
  readonly isPaused: boolean;
  pause(): void;
  resume(): void;
}

/** One message; `data` as a 'message' listener gets it. */
export interface Received<Data> {
  readonly data: Data;
  readonly isBinary: boolean;
}

interface Waiter<Data> {
  resolve(result: IteratorResult<Received<Data>, undefined>): void;
  reject(error: Error): void;
}

class Messages<Data> implements AsyncIterableIterator<Received<Data>, undefined> {
  readonly #ws: IterableWebSocket;
  /** Messages that the consumer has not asked for yet; empty while it waits. */
  readonly #messages = new Queue<Received<Data>>();
  readonly #waiters = new Queue<Waiter<Data>>();
  #error: Error | undefined;
  #isOver: boolean;
  #hasPaused = false;

  constructor(ws: IterableWebSocket) {
    this.#ws = ws;
    this.#isOver = ws.readyState === ReadyState.Closed;
    if (this.#isOver) return;
    ws.on('message', this.#onMessage);
    ws.on('error', this.#onError);
    ws.on('close', this.#onClose);
  }

  next(): Promise<IteratorResult<Received<Data>, undefined>> {
    const value = this.#messages.shift();
    if (value !== undefined) {
      if (this.#messages.length === 0) this.#resume();
      return Promise.resolve({ value, done: false });
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** Stops listening, as `break` does; the WebSocket stays open. */
  return(): Promise<IteratorResult<Received<Data>, undefined>> {
    this.#messages.clear();
    this.#error = undefined;
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #onMessage = (data: Data, isBinary: boolean): void => {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ value: { data, isBinary }, done: false });
      return;
    }
    this.#messages.push({ data, isBinary });
    if (this.#messages.length >= MAX_UNREAD_MESSAGES && !this.#ws.isPaused) {
      this.#hasPaused = true;
      this.#ws.pause();
    }
  };

  readonly #onError = (error: Error): void => {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#error = error;
    else waiter.reject(error);
  };

  readonly #onClose = (): void => this.#end();

  #resume(): void {
    if (!this.#hasPaused) return;
    this.#hasPaused = false;
    this.#ws.resume();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ws.removeListener('message', this.#onMessage);
    this.#ws.removeListener('error', this.#onError);
    this.#ws.removeListener('close', this.#onClose);
    this.#resume();
    for (const waiter of this.#waiters.takeAll()) waiter.resolve({ value: undefined, done: true });
  }
}

/**
 * Iterates over the messages that come from now on. While 16 of them wait for the consumer, the WebSocket is paused.
 * The iterator ends when the WebSocket closes, after the messages before that; it throws an error of the WebSocket in
 * order. Leaving the loop early leaves the WebSocket open.
 */
export function iterate<Data>(ws: IterableWebSocket): AsyncIterableIterator<Received<Data>, undefined> {
  return new Messages<Data>(ws);
}
