// `Pace` says when each frame of a recording is due, and waits for that to a fraction of a millisecond.
import { setImmediate as nextTurn, setTimeout as later } from 'node:timers/promises';

/** A timer is asked for so much less, in ms: the rest is waited for turn by turn, because timers are late by up to this. */
const TIMER_SLACK = 3;

export class Pace {
  /** When the recording would have begun, on the clock of `performance.now()`, for all to have been in time since. */
  private begun = performance.now();
  /** How much later than they were due frames were sent, in ms. */
  readonly late: number[] = [];

  /** @param speed how many times as fast as recorded; Infinity for no waiting */
  constructor(private readonly speed: number) {}

  /** The recording's clock stands at 0 now. */
  start(): void {
    this.begun = performance.now();
  }

  /** Something happened now that was recorded at `time`: all after it is due so much later, if it was late. */
  happened(time: number): void {
    this.begun = Math.max(this.begun, performance.now() - time / this.speed);
  }

  /** Waits until `time` of the recording; false where that was ended by `signal`. */
  async until(time: number, signal: AbortSignal): Promise<boolean> {
    if (this.speed === Infinity) return !signal.aborted;
    const due = this.begun + time / this.speed;
    const timer = due - performance.now() - TIMER_SLACK;
    if (timer > 0) await later(timer, undefined, { signal }).catch(() => undefined);
    while (performance.now() < due && !signal.aborted) await nextTurn();
    this.late.push(performance.now() - due);
    return !signal.aborted;
  }
}

/** The value that a share of the values is not above. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
