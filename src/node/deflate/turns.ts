// `Turns` divides long work into steps: every turn of the event loop does some of them for a few milliseconds.
import { MAX_LARGE_INFLATIONS } from '../../spec/limits.js';
import { nextTurn } from '../turn.js';
import { budget as threadBudget, type Budget } from './budget.js';
import { STEPS_MILLISECONDS } from './limits.js';

/** The result of a job's step. */
export enum Turn {
  /** There is more to do. */
  Again,
  /** The result is ready. */
  Done,
  /** The job needs room for large output, and is called when there is some. */
  Blocked,
  /** The thread pool works for the job, and `done` will be called. */
  Elsewhere,
}

/** Work that outlasts one call. */
export interface Job {
  /** How many jobs may be under way, including this one; short ones do not count. */
  readonly concurrencyLimit: number;
  /** Whether it holds little memory, so that it waits for no other. A job that turns out long waits among the long ones. */
  readonly isShort: boolean;
  /** Does one step of at most a few milliseconds, and charges the budget for it. */
  step(): Turn;
  /** Delivers the result, after the last step. The job has left the queue, and the same object may enter it again. */
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

  /** Whether no job waits or is under way, and none has delivered a result in this turn, which may bring more work. */
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

  /** Queues a job for its first turn, which is never this turn of the event loop. */
  enter(job: Job): void {
    (job.isShort ? this.#short : this.#waiting).add(job);
    this.#schedule();
  }

  /** Removes a job in any state; it is not called again. */
  leave(job: Job): void {
    this.#short.delete(job);
    this.#waiting.delete(job);
    this.#running.delete(job);
    this.#blocked.delete(job);
    this.#elsewhere.delete(job);
    if (this.#large.delete(job)) this.#unblock();
    this.#schedule();
  }

  /** Removes a finished job, and makes it deliver its result. */
  done(job: Job): void {
    this.leave(job);
    if (!this.#hasJustSettled) {
      this.#hasJustSettled = true;
      nextTurn(() => (this.#hasJustSettled = false));
    }
    job.settle();
  }

  /** Continues a job after the thread pool has done a part of it. */
  goOn(job: Job): void {
    this.#elsewhere.delete(job);
    this.#advance(job);
  }

  /** Whether the job may produce large output now. After false it returns `Turn.Blocked`. */
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
    // The user's code that receives results takes time, too.
    const end = now() + STEPS_MILLISECONDS;
    const isOver = (): boolean => this.#budget.isSpent || now() >= end;
    this.#budget.setStepping(true);
    // A result goes to the user's code, which may throw: the other jobs continue nevertheless.
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

/** The queue of this thread: its limits apply to all connections together. */
export const turns: Turns = new Turns();
