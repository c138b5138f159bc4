import { beforeEach, describe, expect, test } from 'vitest';
import { Budget } from '../../../src/node/deflate/budget.js';
import { Turn, Turns, type Job } from '../../../src/node/deflate/turns.js';

let queue: Turns;
/** What the jobs did, in order. */
let done: string[];

/** A job that answers with what it is given, and is done after that. */
class Steps implements Job {
  readonly concurrencyLimit: number;
  isShort = false;
  readonly name: string;
  readonly #turns: Turn[];

  constructor(name: string, turns: Turn[], concurrencyLimit = 10) {
    this.name = name;
    this.#turns = turns;
    this.concurrencyLimit = concurrencyLimit;
  }

  step(): Turn {
    done.push(this.name);
    return this.#turns.shift() ?? Turn.Done;
  }

  settle(): void {
    done.push(`${this.name}.`);
  }
}

/** A job of large output: it claims room in its first step and asks for a second. */
class Large extends Steps {
  #claimed = false;

  override step(): Turn {
    if (!this.#claimed && !queue.claimLarge(this)) {
      done.push(`${this.name}?`);
      return Turn.Blocked;
    }
    if (this.#claimed) return super.step();
    this.#claimed = true;
    return Turn.Elsewhere;
  }
}

async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  queue = new Turns(new Budget());
  done = [];
});

describe('a queue of jobs', () => {
  test('calls no job before the turn of the event loop is over', async () => {
    queue.enter(new Steps('a', []));
    expect(done).toEqual([]);
    expect(queue.count).toBe(1);
    await idle();
    expect(done).toEqual(['a', 'a.']);
    expect(queue.count).toBe(0);
  });

  test('lets jobs take turns', async () => {
    queue.enter(new Steps('a', [Turn.Again, Turn.Again]));
    queue.enter(new Steps('b', [Turn.Again]));
    await idle();
    expect(done).toEqual(['a', 'b', 'a', 'b', 'b.', 'a', 'a.']);
  });

  test('has no more jobs under way than concurrencyLimit, first come, first served', async () => {
    for (const name of ['a', 'b', 'c']) queue.enter(new Steps(name, [Turn.Again], 1));
    await idle();
    expect(done).toEqual(['a', 'a', 'a.', 'b', 'b', 'b.', 'c', 'c', 'c.']);
  });

  test('lets two jobs produce large output, and the others wait for it in their order', async () => {
    const jobs = ['a', 'b', 'c', 'd', 'e'].map((name) => new Large(name, []));
    for (const job of jobs) queue.enter(job);
    await idle();
    expect(done).toEqual(['c?', 'd?', 'e?']);
    queue.done(jobs[1]);
    await idle();
    expect(done.splice(0)).toEqual(['c?', 'd?', 'e?', 'b.']);
    queue.leave(jobs[0]);
    queue.leave(jobs[2]);
    await idle();
    expect(queue.claimLarge(jobs[0])).toBe(false);
    expect(queue.count).toBe(2);
    for (const job of jobs) queue.leave(job);
    expect(queue.count).toBe(0);
    expect(queue.claimLarge(jobs[0])).toBe(true);
  });

  test('takes turns between short jobs and the others, which never keep a short one waiting', async () => {
    const short = new Steps('short', [Turn.Again], 1);
    short.isShort = true;
    for (const name of ['a', 'b']) queue.enter(new Steps(name, [Turn.Again, Turn.Again], 1));
    queue.enter(short);
    await idle();
    expect(done.join()).toBe('short,a,short,short.,a,a,a.,b,b,b,b.');
  });

  test('has a short job that turns out long wait among the others', async () => {
    const short = new Steps('short', [Turn.Again], 1);
    short.isShort = true;
    const step = short.step.bind(short);
    short.step = () => {
      short.isShort = false;
      return step();
    };
    for (const name of ['a', 'b']) queue.enter(new Steps(name, [Turn.Again], 1));
    queue.enter(short);
    await idle();
    expect(done.join()).toBe('short,a,a,a.,b,b,b.,short,short.');
  });

  test('forgets a job that leaves, wherever it stands', async () => {
    const running = new Steps(
      'running',
      Array.from({ length: 1e6 }, () => Turn.Again),
      2,
    );
    const elsewhere = new Steps('elsewhere', [Turn.Elsewhere], 2);
    const waiting = new Steps('waiting', [], 2);
    const short = new Steps(
      'short',
      Array.from({ length: 1e6 }, () => Turn.Again),
    );
    short.isShort = true;
    for (const job of [running, elsewhere, waiting, short]) queue.enter(job);
    await expect.poll(() => done).toContain('running');
    await expect.poll(() => done).toContain('elsewhere');
    expect(queue.count).toBe(4);
    for (const job of [waiting, running, elsewhere, short]) queue.leave(job);
    expect(queue.count).toBe(0);
    done = [];
    await idle();
    expect(done).toEqual([]);
  });

  test('asks for no turn while all that is under way is elsewhere', async () => {
    const elsewhere = new Steps('elsewhere', [Turn.Elsewhere], 1);
    queue.enter(elsewhere);
    queue.enter(new Steps('next', [], 1));
    await idle();
    expect(done).toEqual(['elsewhere']);
    queue.done(elsewhere);
    await idle();
    expect(done).toEqual(['elsewhere', 'elsewhere.', 'next', 'next.']);
  });

  test('goes on with a job that the thread pool has done a part of', async () => {
    const job = new Steps('a', [Turn.Elsewhere, Turn.Elsewhere]);
    queue.enter(job);
    await idle();
    expect(done).toEqual(['a']);
    queue.goOn(job);
    queue.goOn(job);
    expect(done).toEqual(['a', 'a', 'a', 'a.']);
    expect(queue.count).toBe(0);
  });

  test('is idle in the turn after that of the last result', async () => {
    expect(queue.isIdle).toBe(true);
    const job = new Steps('a', [Turn.Elsewhere]);
    queue.enter(job);
    expect(queue.isIdle).toBe(false);
    await idle();
    expect(queue.isIdle).toBe(false);
    queue.done(job);
    expect([queue.count, queue.isIdle]).toEqual([0, false]);
    await idle();
    expect(queue.isIdle).toBe(true);
  });

  test('goes on after a result whose receiver throws', async () => {
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => thrown.push(error));
    const throwing = new Steps('throwing', []);
    throwing.settle = () => {
      throw new Error('from the receiver');
    };
    queue.enter(throwing);
    queue.enter(new Steps('next', []));
    await idle();
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(thrown).toEqual([new Error('from the receiver')]);
    expect(done).toEqual(['throwing', 'next', 'next.']);
  });

  test('takes a job back that enters again while it hands over its result', async () => {
    const job = new Steps('a', []);
    job.settle = () => {
      if (done.length < 3) queue.enter(job);
    };
    queue.enter(job);
    await idle();
    expect(done).toEqual(['a', 'a', 'a']);
    expect(queue.count).toBe(0);
  });
});

describe('the budget of a turn', () => {
  /** A clock, and the turns of an event loop, that only the test moves. */
  function clocked() {
    const clock = { time: 0 };
    const later: (() => void)[] = [];
    const budget = new Budget(
      () => clock.time,
      (work) => later.push(work),
    );
    const work = (milliseconds: number): void => {
      const since = budget.now();
      clock.time += milliseconds;
      budget.charge(since);
    };
    const nextTurn = (): void => {
      for (const renew of later.splice(0)) renew();
    };
    return { budget, clock, later, work, nextTurn };
  }

  test('is 3 ms, and is there again in the next turn', () => {
    const { budget, work, nextTurn } = clocked();
    for (let turn = 0; turn < 3; turn++) {
      work(2.5);
      expect(budget.isSpent).toBe(false);
      work(0.5);
      expect(budget.isSpent).toBe(true);
      nextTurn();
      expect(budget.isSpent).toBe(false);
    }
  });

  test('asks for no turn of its own before half a millisecond of work, and for one then', () => {
    const { later, work } = clocked();
    work(0.4);
    expect(later).toHaveLength(0);
    for (let at = 0; at < 10; at++) work(1);
    expect(later).toHaveLength(1);
  });

  test('leaves jobs that have waited 2 ms of it', () => {
    const { budget, work } = clocked();
    work(2);
    expect(budget.isSpent).toBe(false);
    budget.setStepping(true);
    expect(budget.isSpent).toBe(true);
    budget.setStepping(false);
    expect(budget.isSpent).toBe(false);
  });

  test('is kept by jobs: a turn of the event loop does 2 ms of them, and one step at least', async () => {
    const { budget, clock, work, nextTurn } = clocked();
    queue = new Turns(budget);
    const perTurn: number[] = [];
    for (let at = 0; at < 20; at++) {
      const job = new Steps(`${at}`, []);
      job.isShort = at % 2 === 0;
      job.step = () => {
        work(0.75);
        return Turn.Done;
      };
      queue.enter(job);
    }
    while (queue.count > 0) {
      const before = clock.time;
      await new Promise((resolve) => setImmediate(resolve));
      perTurn.push(clock.time - before);
      nextTurn();
    }
    expect(perTurn).toEqual([2.25, 2.25, 2.25, 2.25, 2.25, 2.25, 1.5]);
    budget.charge(clock.time - 100);
    const job = new Steps('last', []);
    queue.enter(job);
    await new Promise((resolve) => setImmediate(resolve));
    expect(queue.count).toBe(0);
  });
});
