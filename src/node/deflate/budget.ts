// `Budget` measures the work that zlib does within a turn of the event loop, and says when a later turn must do the rest.
import { now as clock } from '../flush-time.js';
import { nextTurn } from '../turn.js';
import { STEPS_MILLISECONDS, TURN_MILLISECONDS } from './limits.js';

/** Less work than this, in ms, asks for no later turn to forget it in. */
const NOTICED = 0.5;

/** The time of one turn, which all connections share, for both directions. */
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

  /** Whether nothing more is to be done in this turn. */
  get isSpent(): boolean {
    return this.#spent >= this.#limit;
  }

  /** Counts the time from `since` on, and returns the end of it. */
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

  /** Says whether jobs that waited are being worked on, which leave a part of the turn to the bytes read in it. */
  setStepping(isStepping: boolean): void {
    this.#limit = isStepping ? STEPS_MILLISECONDS : TURN_MILLISECONDS;
  }
}

/** The budget of this thread. */
export const budget: Budget = new Budget();
