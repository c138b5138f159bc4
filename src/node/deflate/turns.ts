// Jobs too long for one call turned into short steps: every turn of the event loop advances some of them for a few milliseconds.
import { now } from '../flush-time.js';
import { nextTurn } from '../turn.js';
import { LARGE_INFLATIONS, TURN_MILLISECONDS } from './limits.js';

/** What a job says after a step. */
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
  /** How many jobs may be under way, this one included. */
  readonly concurrencyLimit: number;
  /** Does one step, which takes at most a few milliseconds. */
  step(): Turn;
  /** Hands over the result, after the last step. The job is no longer in the queue, so the same object may enter it again. */
  settle(): void;
}

/** A queue of jobs, first come, first served; those under way take turns. */
export class Turns {
  readonly #waiting = new Set<Job>();
  readonly #running = new Set<Job>();
  readonly #blocked = new Set<Job>();
  readonly #elsewhere = new Set<Job>();
  readonly #large = new Set<Job>();
  #scheduled = false;

  /** Jobs waiting and under way. */
  get count(): number {
    return this.#waiting.size + this.#underWay;
  }

  get #underWay(): number {
    return this.#running.size + this.#blocked.size + this.#elsewhere.size;
  }

  get #canAdvance(): boolean {
    const [first] = this.#waiting;
    return this.#running.size > 0 || (first !== undefined && this.#underWay < first.concurrencyLimit);
  }

  /** Lets a job wait for its first turn, which never comes before this turn of the event loop is over. */
  enter(job: Job): void {
    this.#waiting.add(job);
    this.#schedule();
  }

  /** Takes a job out, wherever it stands; it is not called again. */
  leave(job: Job): void {
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
    job.settle();
  }

  /** Whether the job may produce large output now. After false it answers `Turn.Blocked`. */
  claimLarge(job: Job): boolean {
    if (this.#large.size < LARGE_INFLATIONS) this.#large.add(job);
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
    const end = now() + TURN_MILLISECONDS;
    // A result goes to code of the user's, which may throw: the other jobs go on all the same.
    try {
      do {
        this.#admit();
        const [job] = this.#running;
        if (job === undefined) break;
        this.#advance(job);
      } while (now() < end);
    } finally {
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
    this.#running.delete(job);
    const turn = job.step();
    switch (turn) {
      case Turn.Again:
        this.#running.add(job);
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
