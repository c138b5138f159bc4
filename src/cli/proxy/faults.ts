// `Faults` delays and drops frames of one connection, and cuts it, to test how its two ends react.
import { Queue } from '../../queue.js';
import type { Filter } from '../traffic/filter.js';
import { SIDES, type Side } from '../traffic/frame.js';
import { FrameCutter, type Piece } from './frame-cutter.js';

/** The faults that a proxy makes. */
export interface FaultPlan {
  /** The delay of frames, in ms; 0 for none. */
  readonly delay: number;
  /** The probability from 0 to 1 of dropping a frame, or the number of first frames of a connection to drop. */
  readonly drop: { readonly chance: number } | { readonly count: number } | undefined;
  /** When the connection is cut, counted from its opening. */
  readonly cut: { readonly after: number; readonly unit: 'bytes' | 'frames' | 'ms' } | undefined;
  /** The frames that the faults apply to. */
  readonly on: Filter;
}

/** The two ends of a connection as the faults need them. */
export interface Ends {
  /** Whether nothing may pass. */
  readonly isPaused: boolean;
  /** Writes bytes of `from` to the other end. */
  pass(from: Side, bytes: Uint8Array): void;
  /** Ends the stream to the other end, because `from` sends nothing more. */
  finish(from: Side): void;
  /** Closes both ends after the bytes that were passed. */
  cut(): void;
  /** Reports that the frame with this number, counted on its side from 1, does not pass. */
  dropped(from: Side, number: number, opcode: number): void;
  /** Pauses reading from a sender, or resumes it. */
  hold(from: Side, holds: boolean): void;
}

/** The number of waiting bytes above which reading from their sender pauses. */
const HIGH_WATER: number = 16 * 1024 * 1024;

/** How long, in ms, what a client sends before the server's answer waits for it: a server may read it first. */
const ANSWER_WITHIN = 5000;

/** The interval in ms at which waiting work looks whether a pause has ended. */
const LOOK_EVERY = 20;

/** Delayed work, its due time, and the number of bytes that it holds. */
interface Waiting {
  readonly due: number;
  readonly length: number;
  readonly work: () => void;
}

/** The state of one side. */
interface Way {
  readonly cutter: FrameCutter;
  /** The number of the current frame. */
  number: number;
  /** Whether the current frame is dropped, and whether the plan's `on` takes it. */
  isDropping: boolean;
  isMeant: boolean;
  readonly waiting: Queue<Waiting>;
  waitingBytes: number;
}

export class Faults {
  private readonly ways: Readonly<Record<Side, Way>>;
  private readonly timers = new Set<NodeJS.Timeout>();
  private dropped = 0;
  private frames = 0;
  private bytes = 0;
  private isCut = false;
  private isTimed = false;
  private isWaitingForAnswer = false;
  /** Whether the end of the client waits for the server's answer. */
  private isEnding = false;

  /** @param random returns a number from 0 up to, but not including, 1 */
  constructor(
    private readonly plan: FaultPlan,
    private readonly ends: Ends,
    private readonly random: () => number = Math.random,
  ) {
    const way = (from: Side): Way => {
      return {
        cutter: new FrameCutter(from),
        number: 0,
        isDropping: false,
        isMeant: false,
        waiting: new Queue(),
        waitingBytes: 0,
      };
    };
    this.ways = { client: way('client'), server: way('server') };
  }

  /** Takes bytes of one side, which must not change afterwards. */
  push(from: Side, chunk: Uint8Array): void {
    for (const piece of this.ways[from].cutter.push(chunk)) this.take(from, piece);
    this.settle(this.ways.server.cutter.hasAgreed);
    const { cut } = this.plan;
    if (cut?.unit !== 'ms' || this.isTimed || !this.ways.server.cutter.hasAgreed) return;
    this.isTimed = true;
    this.at(cut.after, () => this.cutNow());
  }

  /** Takes the end of one side's bytes. */
  end(from: Side): void {
    const { cutter } = this.ways[from];
    if (cutter.isAsked) this.isEnding = true;
    else this.finish(from);
    this.settle(this.ways.server.cutter.hasAgreed);
  }

  /** Whether bytes, or the end, of a side are delayed. */
  isWaiting(from: Side): boolean {
    return this.ways[from].waiting.length > 0 || (from === 'client' && this.isEnding);
  }

  /** Discards all delayed work, and all bytes from now on. */
  stop(): void {
    this.isCut = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const side of SIDES) this.ways[side].waiting.clear();
  }

  /** Lets the client's side know of the server's answer; undefined while there is none. */
  private settle(hasAgreed: boolean | undefined): void {
    const { cutter } = this.ways.client;
    if (hasAgreed !== undefined) {
      for (const piece of cutter.answered(hasAgreed)) this.take('client', piece);
      if (this.isEnding) this.finish('client');
      this.isEnding = false;
    } else if ((cutter.isHolding || this.isEnding) && !this.isWaitingForAnswer) {
      this.isWaitingForAnswer = true;
      this.waitForAnswer(ANSWER_WITHIN);
    }
  }

  /** Waits `left` ms for the server's answer, and as long as at first after a pause, which holds the answer too. */
  private waitForAnswer(left: number): void {
    this.at(LOOK_EVERY, () => {
      const more = this.ends.isPaused ? ANSWER_WITHIN : left - LOOK_EVERY;
      if (more > 0) this.waitForAnswer(more);
      else this.settle(this.ways.server.cutter.hasAgreed ?? false);
    });
  }

  private finish(from: Side): void {
    for (const piece of this.ways[from].cutter.end()) this.take(from, piece);
    this.later(from, 0, 0, () => this.ends.finish(from));
  }

  private take(from: Side, { bytes, opcode, isFrame, isEnd }: Piece): void {
    if (this.isCut) return;
    const way = this.ways[from];
    const pass = (): void => this.ends.pass(from, bytes);
    if (!isFrame) return this.later(from, 0, bytes.length, pass);
    if (opcode !== undefined) {
      way.number++;
      way.isMeant = this.plan.on.takesStart({ from, opcode });
      way.isDropping = way.isMeant && this.drops();
      if (way.isDropping) this.ends.dropped(from, way.number, opcode);
    }
    if (way.isDropping) return;
    if (!way.isMeant) return this.later(from, 0, bytes.length, pass);
    const { cut, delay } = this.plan;
    const left = cut?.unit === 'bytes' ? cut.after - this.bytes : Infinity;
    this.bytes += bytes.length;
    if (isEnd) this.frames++;
    const isLast = left <= bytes.length || (cut?.unit === 'frames' && this.frames === cut.after);
    if (!isLast) return this.later(from, delay, bytes.length, pass);
    this.later(from, delay, bytes.length, () => {
      this.ends.pass(from, bytes.subarray(0, left));
      this.cutNow();
    });
  }

  private drops(): boolean {
    const { drop } = this.plan;
    if (drop === undefined) return false;
    if ('chance' in drop) return this.random() < drop.chance;
    return ++this.dropped <= drop.count;
  }

  private cutNow(): void {
    if (this.isCut) return;
    this.stop();
    this.ends.cut();
  }

  /** Runs `work` after `delay` ms, and never before earlier work of the same side. */
  private later(from: Side, delay: number, length: number, work: () => void): void {
    const way = this.ways[from];
    if (delay === 0 && way.waiting.length === 0) return work();
    way.waiting.push({ due: performance.now() + delay, length, work });
    way.waitingBytes += length;
    if (way.waitingBytes > HIGH_WATER) this.ends.hold(from, true);
    if (way.waiting.length === 1) this.wait(from);
  }

  private wait(from: Side): void {
    const way = this.ways[from];
    const { first } = way.waiting;
    if (first === undefined) return;
    this.at(Math.max(this.ends.isPaused ? LOOK_EVERY : 0, first.due - performance.now()), () => {
      const now = performance.now();
      // A timer may fire up to a millisecond early.
      while (!this.ends.isPaused && (way.waiting.first?.due ?? Infinity) <= now + 1) {
        const { work, length } = way.waiting.shift()!;
        way.waitingBytes -= length;
        work();
      }
      if (way.waitingBytes <= HIGH_WATER) this.ends.hold(from, false);
      this.wait(from);
    });
  }

  private at(delay: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, delay);
    this.timers.add(timer);
  }
}
