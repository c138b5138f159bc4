// `ClosedLoop` and `OpenLoop` decide when clients send messages, and measure how long the answers take.
import type { Client } from './client.js';
import { Histogram } from './histogram.js';

/** The measured time, in ms of `performance.now()`. */
export interface Window {
  readonly start: number;
  /** The time from which on nothing is sent; an interruption makes it earlier. */
  end: number;
}

export interface Loop {
  /** Starts sending; an open loop counts all its times from `at`. */
  start(at: number): void;
  /** Records the latencies of `count` answers that have arrived at `now`. */
  answered(client: Client, count: number, now: number): void;
  /** A connection was lost: its messages get no answer. */
  lost(client: Client): void;
  /** Stops sending. */
  stop(): void;
}

/**
 * The histograms of durations: of messages sent in the window, of those answered since the last report, and of late
 * sends. Durations outside of the window go to `dropped`, so that no code first runs, and is compiled, in the measured
 * time.
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

/** A queue of the times and counts of batches, which never has more batches than messages are under way. */
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

  /** Takes up to `count` messages from the oldest batch, of which there is one. */
  take(count: number): { time: number; count: number } {
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
 * Keeps `depth` messages under way on each connection, and sends another for each answer. A slow answer delays the
 * messages after it, so that percentiles of a closed loop are not those that users of a service see.
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
      const duration = (now - batch.time) * NANOSECONDS;
      const into = batch.time >= start && batch.time < end ? latency : dropped;
      into.record(duration, batch.count);
      recent.record(duration, batch.count);
      left -= batch.count;
    }
    if (!this.#isStopped && client.isOpen) this.#send(client, stamps, count);
  }

  lost(client: Client): void {
    this.#stamps.delete(client);
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

/** The time in ms before a message in which the loop does not sleep, because timers can be over a millisecond late. */
const AWAKE = 1.5;
const SHORTEST_SLEEP = 1;
/**
 * The reads by which a loop that does not sleep rests for about two microseconds at a time: each turn leaves
 * garbage, whose collection delays messages for longer. Reading the clock would leave garbage too.
 */
const RESTS = 300;
const CELL = new Int32Array(new SharedArrayBuffer(4));

/** The unsent bytes from which on a connection delays its next message, whose latency counts from its due time. */
const FULL = 1024 * 1024;

function rest(): void {
  for (let step = 0; step < RESTS; step++) Atomics.load(CELL, 0);
}

/**
 * Sends `rate` messages a second over all connections, evenly spaced, by turns. The latency of a message counts from
 * the time at which it is due, even if it is sent later, so that a stall counts for all messages that it delays.
 */
export class OpenLoop implements Loop {
  /** The time from one message of a connection to its next, in ms. */
  readonly #interval: number;
  /** The time from the turn of a connection to that of the next one, over all workers, in ms. */
  readonly #step: number;
  /** The time to the turn of the first connection of this worker, in ms. */
  readonly #offset: number;
  #start = 0;
  /** The index of the client whose turn is next, and the round of that turn. */
  #turn = 0;
  #round = 0;
  /** The number of messages without an answer so far. */
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
    // The messages of a lost connection do not count any more.
    if (client.isOpen) this.#underWay -= count;
    for (let number = client.answers - count; number < client.answers; number++) {
      const time = base + number * this.#interval;
      const duration = (now - time) * NANOSECONDS;
      const into = time >= start && time < end ? latency : dropped;
      into.record(duration, 1);
      recent.record(duration, 1);
    }
  }

  lost({ sent, answers }: Client): void {
    this.#underWay -= sent - answers;
  }

  stop(): void {
    this.#isStopped = true;
    // Where this thread is late, messages of the window are still due.
    const now = performance.now();
    this.#sendDue(Math.min(now, this.window.end), now);
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

  /** Waits in this turn of the event loop until the next message is due, as no answer can arrive; returns the time. */
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

  /** Sends all messages that are due before `until`, those of one connection together. */
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

  /** Records the delay of the oldest message of a batch. */
  #note(time: number, now: number): void {
    const { late, dropped } = this.recording;
    const into = time >= this.window.start ? late : dropped;
    into.record((now - time) * NANOSECONDS, 1);
  }
}
