// `Pace` computes when each frame of a recording is due, and waits for that to a fraction of a millisecond.
import { setImmediate as nextTurn, setTimeout as later } from 'node:timers/promises';

/** Timers may be this many ms late, so they are set for earlier; turns of the event loop fill the rest. */
const TIMER_SLACK = 3;

export class Pace {
  /** The time at which the recording's clock was at 0, on the clock of `performance.now()`; late events move it. */
  private begun = performance.now();
  /** The delays in ms of frames, from the times at which they were due. */
  readonly late: number[] = [];

  /** @param speed the multiple of the recorded speed; Infinity for no waiting */
  constructor(private readonly speed: number) {}

  /** Sets the recording's clock to 0. */
  start(): void {
    this.begun = performance.now();
  }

  /** Reports an event that was recorded at `time`. If it is late, all that follows is due later by as much. */
  happened(time: number): void {
    this.begun = Math.max(this.begun, performance.now() - time / this.speed);
  }

  /** Waits until `time` of the recording; returns false if `signal` has ended the wait. */
  async until(time: number, signal: AbortSignal): Promise<boolean> {
    if (this.speed === Infinity) return !signal.aborted;
    const due = this.begun + time / this.speed;
    const timer = due - performance.now() - TIMER_SLACK;
    if (timer > 0) await later(timer, undefined, { signal }).catch(() => undefined);
    while (performance.now() < due && !signal.aborted) await nextTurn();
    return !signal.aborted;
  }

  /** Notes how late a frame is sent that was due at `time` of the recording. */
  sends(time: number): void {
    if (this.speed !== Infinity) this.late.push(performance.now() - (this.begun + time / this.speed));
  }
}

/** Returns the least value that at least a `share` of all values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
