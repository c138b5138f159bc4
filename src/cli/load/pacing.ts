// `ClosedLoop` and `OpenLoop` decide when a client sends its next message, and how long an answer took.
import type { Client } from './client.js';
import { Histogram } from './histogram.js';

/** The measured time, in ms of `performance`. */
export interface Window {
  readonly start: number;
  /** From here on nothing is sent; an interruption brings it forward. */
  end: number;
}

export interface Loop {
  /** Begins to send; all times of an open loop are counted from `at`. */
  start(at: number): void;
  /** Records how long so many answers took that have come now. */
  answered(client: Client, count: number, now: number): void;
  /** Sends nothing more. */
  stop(): void;
}

/**
 * Where durations are recorded: of messages sent in the window, and of those answered since the last look. Those of the
 * warm-up are recorded too, and dropped: code that first runs when the measured time begins would be compiled in it.
 */
export interface Recording {
  readonly latency: Histogram;
  readonly recent: Histogram;
  readonly late: Histogram;
  readonly dropped: Histogram;
}

export function newRecording(): Recording {
  return { latency: new Histogram(), recent: new Histogram(), late: new Histogram(), dropped: new Histogram() };
}

const NANOSECONDS = 1e6;

/** Times and counts of batches, first in, first out; there are never more than messages under way. */
class Stamps {
  readonly #times: Float64Array;
  readonly #counts: Int32Array;
  #first = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity);
    this.#counts = new Int32Array(capacity);
  }

  push(time: number, count: number): void {
    const at = (this.#first + this.#length) % this.#times.length;
    this.#times[at] = time;
    this.#counts[at] = count;
    this.#length++;
  }

  /** Takes up to `count` from the oldest batch; undefined where there is none. */
  take(count: number): { time: number; count: number } | undefined {
    if (this.#length === 0) return undefined;
    const at = this.#first;
    const taken = Math.min(count, this.#counts[at]);
    this.#counts[at] -= taken;
    if (this.#counts[at] === 0) {
      this.#first = (at + 1) % this.#times.length;
      this.#length--;
    }
    return { time: this.#times[at], count: taken };
  }
}

/**
 * Each connection has so many messages under way, and sends another for each answer. A slow answer keeps back the messages
 * that would have followed it, so that percentiles of a closed loop are not those that users of a service see.
 */
export class ClosedLoop implements Loop {
  readonly #stamps = new Map<Client, Stamps>();
  #isStopped = false;

  constructor(
    private readonly clients: readonly Client[],
    private readonly depth: number,
    private readonly window: Window,
    private readonly recording: Recording,
  ) {}

  start(): void {
    for (const client of this.clients) {
      if (!client.isOpen) continue;
      const stamps = new Stamps(this.depth);
      this.#stamps.set(client, stamps);
      this.#send(client, stamps, this.depth);
    }
  }

  answered(client: Client, count: number, now: number): void {
    const stamps = this.#stamps.get(client);
    if (stamps === undefined) return;
    const { latency, recent, dropped } = this.recording;
    const { start, end } = this.window;
    let left = count;
    while (left > 0) {
      const batch = stamps.take(left);
      if (batch === undefined) break;
      const duration = (now - batch.time) * NANOSECONDS;
      const into = batch.time >= start && batch.time < end ? latency : dropped;
      into.record(duration, batch.count);
      recent.record(duration, batch.count);
      left -= batch.count;
    }
    // Answers that nothing had asked for are followed by no message.
    if (!this.#isStopped && client.isOpen) this.#send(client, stamps, count - left);
  }

  stop(): void {
    this.#isStopped = true;
  }

  #send(client: Client, stamps: Stamps, count: number): void {
    const now = performance.now();
    if (count === 0 || now >= this.window.end) return;
    stamps.push(now, count);
    client.send(count);
  }
}

/** A timer may be late by more than a millisecond: so long before a message's time, the loop stays awake, in ms. */
const AWAKE = 1.5;
const SHORTEST_SLEEP = 1;
/**
 * A loop that is awake rests for about two microseconds between its turns: each turn leaves garbage, and a collection delays
 * messages for longer. Reading the clock would leave garbage too.
 */
const RESTS = 300;
const CELL = new Int32Array(new SharedArrayBuffer(4));

/** A connection with so many bytes that the system has not taken waits with its next message, which loses no time: in bytes. */
const FULL = 1024 * 1024;

function rest(): void {
  for (let step = 0; step < RESTS; step++) Atomics.load(CELL, 0);
}

/**
 * All connections together send so many messages a second, evenly spread and by turns. Each message has its time, from which
 * its latency is measured, also when it could not be sent then: no stall hides the messages that it held up.
 */
export class OpenLoop implements Loop {
  /** ms from one message of a connection to its next. */
  readonly #interval: number;
  /** ms from a connection's turn to that of the next connection of all. */
  readonly #step: number;
  /** ms to the turn of the first connection of this worker. */
  readonly #offset: number;
  #start = 0;
  /** The client whose turn is next, and in which round. */
  #turn = 0;
  #round = 0;
  /** Messages without an answer so far. */
  #underWay = 0;
  #isStopped = false;

  constructor(
    private readonly clients: readonly Client[],
    { rate, connections, first }: { rate: number; connections: number; first: number },
    private readonly window: Window,
    private readonly recording: Recording,
  ) {
    this.#step = 1000 / rate;
    this.#interval = connections * this.#step;
    this.#offset = first * this.#step;
  }

  start(at: number): void {
    this.#start = at + this.#offset;
    this.#wait();
  }

  answered(client: Client, count: number, now: number): void {
    const { latency, recent, dropped } = this.recording;
    const { start, end } = this.window;
    const base = this.#start + client.index * this.#step;
    const first = client.answers - count;
    const last = Math.min(client.answers, client.sent);
    this.#underWay -= Math.max(0, last - first);
    for (let number = first; number < last; number++) {
      const time = base + number * this.#interval;
      const duration = (now - time) * NANOSECONDS;
      const into = time >= start && time < end ? latency : dropped;
      into.record(duration, 1);
      recent.record(duration, 1);
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  readonly #wait = (): void => {
    if (this.#isStopped) return;
    const now = this.#underWay > 0 ? performance.now() : this.#awaitTurn();
    this.#sendDue(Math.min(now, this.window.end), now);
    if (now >= this.window.end) return;
    const sleep = this.#timeOfTurn() - now - AWAKE;
    if (sleep >= SHORTEST_SLEEP) return void setTimeout(this.#wait, Math.floor(sleep));
    if (this.#underWay > 0) rest();
    setImmediate(this.#wait);
  };

  /** Waits for the time of the next message, in this turn of the event loop, as no answer can come; returns the time. */
  #awaitTurn(): number {
    let now = performance.now();
    const until = Math.min(this.#timeOfTurn(), this.window.end, now + AWAKE);
    while (now <= until) {
      rest();
      now = performance.now();
    }
    return now;
  }

  #timeOfTurn(): number {
    return this.#start + this.#turn * this.#step + this.#round * this.#interval;
  }

  /** Sends all messages whose time is before `until`, those of one connection together. */
  #sendDue(until: number, now: number): void {
    const { clients } = this;
    while (this.#timeOfTurn() < until) {
      const client = clients[this.#turn];
      const base = this.#start + this.#turn * this.#step;
      const due = Math.ceil((until - base) / this.#interval);
      if (client.isOpen && client.sent < due && client.waiting < FULL) {
        this.#note(base + client.sent * this.#interval, now);
        this.#underWay += due - client.sent;
        client.send(due - client.sent);
      }
      if (++this.#turn === clients.length) {
        this.#turn = 0;
        this.#round++;
      }
    }
  }

  /** Records how late the oldest message of a batch leaves. */
  #note(time: number, now: number): void {
    const { late, dropped } = this.recording;
    const into = time >= this.window.start ? late : dropped;
    into.record((now - time) * NANOSECONDS, 1);
  }
}
