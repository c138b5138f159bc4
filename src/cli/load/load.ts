// `Load` is one worker's part of a load: it opens connections, sends over them for a time, and reports the figures.
import { performance } from 'node:perf_hooks';
import { Client, type Owner } from './client.js';
import { Histogram } from './histogram.js';
import { Messages } from './messages.js';
import { ClosedLoop, newRecording, OpenLoop, type Loop, type Recording, type Window } from './pacing.js';
import type { Errors, Plan, Told } from './plan.js';
import { rehearse } from './rehearsal.js';
import { touchYoungMemory } from './young-memory.js';

/** The most handshakes at a time, if no rate is given. */
const OPENING = 100;
/** The interval of progress reports, in ms. */
const TELLING = 1000;
/** The interval of checks for the last answers, in ms. */
const LOOKING = 5;
/** How long a stop still waits for the last answers, in ms. */
const PATIENCE = 1000;
const NANOSECONDS = 1e6;

/** Sums over all clients. */
interface Sums {
  sent: number;
  bytesSent: number;
  bytesReceived: number;
}

export class Load implements Owner {
  readonly #plan: Plan;
  readonly #tell: (told: Told) => void;
  readonly #clients: Client[] = [];
  readonly #connecting = new Histogram();
  readonly #recording: Recording = newRecording();
  readonly #errors: Errors = {};
  readonly #messages: (Messages | undefined)[] = [];
  #window: Window = { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };
  #loop: Loop | undefined;
  #opened = 0;
  #open = 0;
  #failed = 0;
  /** The number of answers in the measured time. */
  #answered = 0;
  #isStopped = false;
  /** The time at which the wait for the last answers ends, if that is earlier than the limit. */
  #latest = Number.POSITIVE_INFINITY;
  /** Called when a handshake has succeeded or failed. */
  #settled: () => void = () => {};
  /** Called when the window has changed, or no connection is left. */
  #lookAgain: () => void = () => {};

  constructor(plan: Plan, tell: (told: Told) => void) {
    this.#plan = plan;
    this.#tell = tell;
  }

  /** Opens all connections, and reports when each has opened or failed. */
  async connect(): Promise<void> {
    const { target, connections, connectRate, first, timeout, pace } = this.#plan;
    const begun = performance.now();
    await new Promise<void>((resolve) => {
      const go = (): void => {
        const settled = this.#opened + this.#failed;
        // A server that does not answer holds up no stop.
        if (this.#isStopped || settled >= connections) return resolve();
        const due = (performance.now() - begun) * (connectRate / 1000) + 1;
        const allowed =
          connectRate > 0 ? Math.min(connections, Math.floor(due)) : Math.min(connections, settled + OPENING);
        while (this.#clients.length < allowed) {
          const index = this.#clients.length;
          this.#clients.push(new Client(target, this, index, { from: first + index, timeout }));
        }
        if (connectRate > 0 && this.#clients.length < connections) setTimeout(go, 1);
      };
      this.#settled = go;
      go();
    });
    this.#settled = () => {};
    if (pace.rate !== undefined && this.#open > 0 && !this.#isStopped) {
      touchYoungMemory();
      await rehearse();
    }
    this.#tell({ type: 'connected', open: this.#open, errors: { ...this.#errors } });
  }

  /** Sends from `at`, in ms since 1970, through the warm-up and the measured time, and reports the figures. */
  async run(at: number): Promise<void> {
    const { pace, warmup, duration, first, allConnections } = this.#plan;
    const start = at - performance.timeOrigin;
    const window = (this.#window = { start: start + warmup, end: start + warmup + duration });
    const clients = this.#clients;
    this.#loop =
      pace.depth === undefined
        ? new OpenLoop(clients, { rate: pace.rate, connections: allConnections, first }, window, this.#recording)
        : new ClosedLoop(clients, pace.depth, window, this.#recording);
    await this.#until(start);
    this.#loop.start(start);
    const telling = setInterval(() => this.#tellProgress(), TELLING);
    await this.#until(window.start);
    const before = this.#sums();
    const idle = performance.eventLoopUtilization();
    const unspent = process.cpuUsage();
    await this.#until(window.end);
    this.#loop.stop();
    const measured = performance.now();
    const busy = performance.eventLoopUtilization(idle).utilization;
    const spent = process.cpuUsage(unspent);
    const after = this.#sums();
    await this.#awaitAnswers();
    clearInterval(telling);
    this.#tellProgress();
    const { latency, late } = this.#recording;
    const unanswered = clients.reduce((sum, { sent, answers }) => sum + sent - answers, 0);
    const unasked = clients.reduce((sum, client) => sum + client.unasked, 0);
    if (unanswered > 0) this.#errors['message without an answer'] = unanswered;
    if (unasked > 0) this.#errors['answer without a message'] = unasked;
    this.#isStopped = true;
    await Promise.all(clients.map((client) => client.end()));
    this.#tell({
      type: 'done',
      opened: this.#opened,
      compressed: clients.filter(({ isCompressed }) => isCompressed).length,
      latency: latency.pack(),
      connecting: this.#connecting.pack(),
      late: late.pack(),
      sent: after.sent - before.sent,
      answered: this.#answered,
      bytesSent: after.bytesSent - before.bytesSent,
      bytesReceived: after.bytesReceived - before.bytesReceived,
      measured: Math.max(0, Math.min(measured, window.end) - window.start),
      busy,
      processorTime: spent.user + spent.system,
      errors: this.#errors,
    });
  }

  /** Ends the opening of connections, or the measured time, now, and limits the wait for the last answers. */
  stop(): void {
    this.#isStopped = true;
    this.#latest = performance.now() + PATIENCE;
    this.#window.end = Math.min(this.#window.end, performance.now());
    this.#settled();
    this.#lookAgain();
  }

  opened(client: Client): void {
    this.#opened++;
    this.#open++;
    this.#connecting.record(client.opening * NANOSECONDS, 1);
    this.#settled();
  }

  answered(client: Client, count: number, now: number): void {
    const { start, end } = this.#window;
    // Without a branch, nothing here runs for the first time when the measured time begins.
    const counted = Number(now >= start) & Number(now < end);
    this.#answered += counted * count;
    this.#loop?.answered(client, count, now);
  }

  failed(client: Client, kind: string): void {
    this.#errors[kind] = (this.#errors[kind] ?? 0) + 1;
    // A connection that has opened was counted then.
    if (client.hasOpened) this.#open--;
    else this.#failed++;
    this.#loop?.lost(client);
    this.#settled();
    if (this.#open === 0) this.#lookAgain();
  }

  messages(isCompressed: boolean): Messages {
    const { payloads, isBinary } = this.#plan;
    return (this.#messages[Number(isCompressed)] ??= new Messages({ payloads, isBinary, isCompressed }));
  }

  /** Waits until `time`, the end of the window if that is earlier now, or the loss of the last connection. */
  async #until(time: number): Promise<void> {
    for (;;) {
      const left = Math.min(time, this.#window.end) - performance.now();
      if (left <= 0 || this.#open === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#lookAgain = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Waits until each message has its answer, no connection is left, or the time limit is reached. */
  async #awaitAnswers(): Promise<void> {
    const until = performance.now() + this.#plan.timeout;
    const waits = (): boolean => this.#clients.some((client) => client.isOpen && client.answers < client.sent);
    while (waits() && performance.now() < Math.min(until, this.#latest))
      await new Promise((resolve) => setTimeout(resolve, LOOKING));
  }

  #sums(): Sums {
    const sums: Sums = { sent: 0, bytesSent: 0, bytesReceived: 0 };
    for (const { sent, bytesSent, bytesReceived } of this.#clients) {
      sums.sent += sent;
      sums.bytesSent += bytesSent;
      sums.bytesReceived += bytesReceived;
    }
    return sums;
  }

  #tellProgress(): void {
    const { recent } = this.#recording;
    const errors = Object.values(this.#errors).reduce((sum, count) => sum + count, 0);
    this.#tell({ type: 'progress', open: this.#open, answered: recent.total, errors, latency: recent.pack() });
    recent.clear();
  }
}
