// `Faults` delays, drops and cuts the frames of one connection, to try how its ends take that.
import type { Filter } from '../traffic/filter.js';
import { SIDES, type Side } from '../traffic/frame.js';
import { FrameCutter, type Piece } from './frame-cutter.js';

/** The faults that a proxy makes. */
export interface FaultPlan {
  /** How long bytes are held, in ms; 0 for not at all. */
  readonly delay: number;
  /** The chance that a frame is dropped, or how many frames of a connection are, its first ones. */
  readonly drop: { readonly chance: number } | { readonly count: number } | undefined;
  /** When the connection is cut, counted from its opening. */
  readonly cut: { readonly after: number; readonly unit: 'bytes' | 'frames' | 'ms' } | undefined;
  /** The frames that this is done to. */
  readonly on: Filter;
}

/** The two ends of a connection as the faults need them. */
export interface Ends {
  /** Passes bytes on to the other end of the sender. */
  pass(from: Side, bytes: Uint8Array): void;
  /** Has the sender's end told that nothing more comes. */
  finish(from: Side): void;
  /** Ends both, after the bytes that were passed. */
  cut(): void;
  dropped(from: Side): void;
  /** Reads no more from a sender, or does again. */
  hold(from: Side, holds: boolean): void;
}

/** How many bytes may wait before their sender is held. */
const HIGH_WATER: number = 16 * 1024 * 1024;

/** Work that waits for its time, and the bytes that wait with it. */
interface Waiting {
  readonly due: number;
  readonly length: number;
  readonly work: () => void;
}

/** The state of one side. */
interface Way {
  readonly cutter: FrameCutter;
  /** Whether the frame that goes on is dropped, and whether it is one that the plan names. */
  isDropping: boolean;
  isMeant: boolean;
  readonly waiting: Waiting[];
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

  /** @param random a number from 0 to 1, 1 left out */
  constructor(
    private readonly plan: FaultPlan,
    private readonly ends: Ends,
    private readonly random: () => number = Math.random,
  ) {
    const way = (from: Side): Way => {
      return { cutter: new FrameCutter(from), isDropping: false, isMeant: false, waiting: [], waitingBytes: 0 };
    };
    this.ways = { client: way('client'), server: way('server') };
  }

  /** Takes in bytes of one side, which stay as they are. */
  push(from: Side, chunk: Uint8Array): void {
    for (const piece of this.ways[from].cutter.push(chunk)) this.take(from, piece);
    const { cut } = this.plan;
    if (cut?.unit !== 'ms' || this.isTimed || this.ways.server.cutter.state !== 'frames') return;
    this.isTimed = true;
    this.at(cut.after, () => this.cutNow());
  }

  /** One side sends nothing more. */
  end(from: Side): void {
    for (const piece of this.ways[from].cutter.end()) this.take(from, piece);
    this.later(from, 0, 0, () => this.ends.finish(from));
  }

  /** Forgets all that waits. */
  stop(): void {
    this.isCut = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const side of SIDES) this.ways[side].waiting.length = 0;
  }

  private take(from: Side, { bytes, opcode, isFrame, isEnd }: Piece): void {
    if (this.isCut) return;
    const way = this.ways[from];
    const pass = (): void => this.ends.pass(from, bytes);
    if (!isFrame) return this.later(from, 0, bytes.length, pass);
    if (opcode !== undefined) {
      way.isMeant = this.plan.on.takesStart({ from, opcode });
      way.isDropping = way.isMeant && this.drops();
      if (way.isDropping) this.ends.dropped(from);
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

  /** Does some work after a delay, and never before the work that was given before it. */
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
    const [first] = way.waiting;
    if (first === undefined) return;
    this.at(Math.max(0, first.due - performance.now()), () => {
      const now = performance.now();
      // A timer may run up to a millisecond before its time.
      while (way.waiting.length > 0 && way.waiting[0].due <= now + 1) {
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
