// `Budget` measures the work of zlib within a turn of the event loop, and decides when a later turn must do the rest.
import { now as clock } from '../flush-time.js';
import { nextTurn } from '../turn.js';
import { STEPS_MILLISECONDS, TURN_MILLISECONDS } from './limits.js';

/** Less work than this, in ms, needs no later turn to reset it. */
const NOTICED = 0.5;

/** The time of one turn, shared by all connections and both directions. */
export class Budget {
  /** A clock in ms. */
  readonly now: () => number;
  readonly #later: (work: () => void) => void;
  #spent = 0;
  #limit: number = TURN_MILLISECONDS;
  #isNoticed = false;

  constructor(now: () => number = clock, later: (work: () => void) => void = nextTurn) {
    this.now = now;
    this.#later = later;
  }

  /** Whether the time of this turn is used up. */
  get isSpent(): boolean {
    return this.#spent >= this.#limit;
  }

  /** Counts the time since `since`, and returns its end. */
  charge(since: number): number {
    const time = this.now();
    this.#spent += time - since;
    if (this.#spent >= NOTICED && !this.#isNoticed) {
      this.#isNoticed = true;
      this.#later(() => {
        this.#isNoticed = false;
        this.#spent = 0;
      });
    }
    return time;
  }

  /** Sets whether waiting jobs are being worked on; these leave a part of the turn to bytes that are read in it. */
  setStepping(isStepping: boolean): void {
    this.#limit = isStepping ? STEPS_MILLISECONDS : TURN_MILLISECONDS;
  }
}

/** The budget of this thread. */
export const budget: Budget = new Budget();
