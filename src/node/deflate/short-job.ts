// `ShortJob` does the work of one call in a later turn, where the turn of the call had no time left.
import { LATER } from '../../extensions/transform.js';
import type { Deliver, Result } from './result.js';
import { Turn, turns, type Job } from './turns.js';

/** Work of one step. */
export class ShortJob implements Job {
  readonly concurrencyLimit: number = Infinity;
  readonly isShort = true;
  readonly #work: () => Result | typeof LATER;
  readonly #deliver: Deliver;
  #result: Result | typeof LATER = LATER;

  /** @param work returns LATER where another job continues it and delivers the result */
  constructor(work: () => Result | typeof LATER, deliver: Deliver) {
    this.#work = work;
    this.#deliver = deliver;
    turns.enter(this);
  }

  step(): Turn {
    this.#result = this.#work();
    return Turn.Done;
  }

  settle(): void {
    if (this.#result !== LATER) this.#deliver(this.#result);
  }

  /** Drops the work, or its result. */
  close(): void {
    turns.leave(this);
  }
}
