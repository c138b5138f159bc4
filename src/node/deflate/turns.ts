// `Turns` divides work that outlasts its call into steps: every turn of the event loop does some for a few milliseconds.
import { MAX_LARGE_INFLATIONS } from '../../spec/limits.js';
import { nextTurn } from '../turn.js';
import { budget as threadBudget, type Budget } from './budget.js';
import { STEPS_MILLISECONDS } from './limits.js';

/** The answer of a job after a step. */
export enum Turn {
  /** There is more to do. */
  Again,
  /** The result is there. */
  Done,
  /** It asked for room for large output, and is to be called when it has it. */
  Blocked,
  /** The thread pool works for it, and `done` will be called. */
  Elsewhere,
}

/** Work that outlasts one call. */
export interface Job {
  /** How many jobs may be under way, this one included; short ones do not count. */
  readonly concurrencyLimit: number;
  /** Whether it holds little memory, so that it waits for no other. A job that turns out long waits among the long ones. */
  readonly isShort: boolean;
  /** Does one step, which takes at most a few milliseconds, and charges the budget for it. */
  step(): Turn;
  /** Hands over the result, after the last step. The job is no longer in the queue, so the same object may enter it again. */
  settle(): void;
}

/** A queue of jobs, first come, first served; those under way take turns, a short one and a long one. */
export class Turns {
  readonly #budget: Budget;
  readonly #short = new Set<Job>();
  readonly #waiting = new Set<Job>();
  readonly #running = new Set<Job>();
  readonly #blocked = new Set<Job>();
  readonly #elsewhere = new Set<Job>();
  readonly #large = new Set<Job>();
  #scheduled = false;
  #hasJustSettled = false;

  constructor(budget: Budget = threadBudget) {
    this.#budget = budget;
  }

  /** Jobs waiting and under way. */
  get count(): number {
    return this.#short.size + this.#waiting.size + this.#underWay;
  }

  /** Whether no job waits or is under way, and none has handed over a result in this turn, which may bring more work. */
  get isIdle(): boolean {
    return !this.#hasJustSettled && this.count === 0;
  }

  get #underWay(): number {
    return this.#running.size + this.#blocked.size + this.#elsewhere.size;
  }

  get #canAdvance(): boolean {
    const [first] = this.#waiting;
    return (
      this.#short.size + this.#running.size > 0 || (first !== undefined && this.#underWay < first.concurrencyLimit)
    );
  }

  /** Lets a job wait for its first turn, which never comes before this turn of the event loop is over. */
  enter(job: Job): void {
    (job.isShort ? this.#short : this.#waiting).add(job);
    this.#schedule();
  }

  /** Takes a job out, wherever it stands; it is not called again. */
  leave(job: Job): void {
    this.#short.delete(job);
    this.#waiting.delete(job);
    this.#running.delete(job);
    this.#blocked.delete(job);
    this.#elsewhere.delete(job);
    if (this.#large.delete(job)) this.#unblock();
    this.#schedule();
  }

  /** Takes a job out that has its result, and lets it hand the result over. */
  done(job: Job): void {
    this.leave(job);
    if (!this.#hasJustSettled) {
      this.#hasJustSettled = true;
      nextTurn(() => (this.#hasJustSettled = false));
    }
    job.settle();
  }

  /** Goes on with a job that the thread pool has done a part of. */
  goOn(job: Job): void {
    this.#elsewhere.delete(job);
    this.#advance(job);
  }

  /** Whether the job may produce large output now. After false it answers `Turn.Blocked`. */
  claimLarge(job: Job): boolean {
    if (this.#large.size < MAX_LARGE_INFLATIONS) this.#large.add(job);
    return this.#large.has(job);
  }

  #unblock(): void {
    for (const job of this.#blocked) {
      this.#blocked.delete(job);
      this.#running.add(job);
      this.#large.add(job);
      return;
    }
  }

  #schedule(): void {
    if (this.#scheduled || !this.#canAdvance) return;
    this.#scheduled = true;
    nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    const { now } = this.#budget;
    // Code of the user's that takes results in takes its time, too.
    const end = now() + STEPS_MILLISECONDS;
    const isOver = (): boolean => this.#budget.isSpent || now() >= end;
    this.#budget.setStepping(true);
    // A result goes to code of the user's, which may throw: the other jobs go on all the same.
    try {
      do {
        const [short] = this.#short;
        if (short !== undefined) {
          this.#advance(short);
          if (isOver()) break;
        }
        this.#admit();
        const [job] = this.#running;
        if (job !== undefined) this.#advance(job);
        else if (short === undefined) break;
      } while (!isOver());
    } finally {
      this.#budget.setStepping(false);
      this.#schedule();
    }
  }

  #admit(): void {
    for (const job of this.#waiting) {
      if (this.#underWay >= job.concurrencyLimit) return;
      this.#waiting.delete(job);
      this.#running.add(job);
    }
  }

  #advance(job: Job): void {
    const wasShort = this.#short.delete(job);
    this.#running.delete(job);
    const turn = job.step();
    switch (turn) {
      case Turn.Again:
        if (!wasShort) this.#running.add(job);
        else if (job.isShort) this.#short.add(job);
        else this.#waiting.add(job);
        break;
      case Turn.Blocked:
        this.#blocked.add(job);
        break;
      case Turn.Elsewhere:
        this.#elsewhere.add(job);
        break;
      case Turn.Done:
        this.done(job);
        break;
    }
  }
}

/** The queue of this thread: its limits hold over all connections. */
export const turns: Turns = new Turns();
