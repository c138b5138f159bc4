// `run` shares a load among workers, each in its own thread, and combines the figures that they report.
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { Histogram } from './histogram.js';
import { Load } from './load.js';
import type { Connected, Done, Errors, Plan, Progress, Told } from './plan.js';
import { YOUNG_GENERATION } from './young-memory.js';

/** An order to a worker: to send from a time on, in ms since 1970, or to stop. */
export type Order = { readonly at: number } | 'stop';

/** A worker, in this thread or another. */
export interface Hand {
  order(order: Order): void;
  /** Ends the worker, after its last report. */
  dismiss(): void;
}

/** Starts a worker; `failed` receives the error that stops it. */
export type Hire = (plan: Plan, tell: (told: Told) => void, failed: (error: unknown) => void) => Hand;

/** Starts a worker in this thread. */
export const hireHere: Hire = (plan, tell, failed) => {
  const load = new Load(plan, tell);
  load.connect().catch(failed);
  return {
    order(order) {
      if (order === 'stop') load.stop();
      else load.run(order.at).catch(failed);
    },
    dismiss() {},
  };
};

/**
 * Flags of the engine for an open loop, whose thread keeps its core busy. Helper threads could only take that core from
 * it. The memory for young objects, in MiB, is large from the start, because each collection delays messages.
 */
const EVEN = [
  '--no-parallel-scavenge',
  '--no-concurrent-sweeping',
  '--no-concurrent-array-buffer-sweeping',
  '--no-concurrent-marking',
  '--min-semi-space-size=16',
];

/** Starts a worker in a new thread. */
const hireThread: Hire = (plan, tell, failed) => {
  if (plan.pace.rate !== undefined) for (const flag of EVEN) setFlagsFromString(flag);
  const worker = new Worker(new URL('./load-worker.js', import.meta.url), {
    workerData: plan,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION },
  });
  worker.on('message', tell);
  worker.on('error', failed);
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    order: (order) => worker.postMessage(order),
    dismiss: () => void worker.terminate(),
  };
};

/** Receives reports while the load runs. */
export interface Watcher {
  /** Called when `open` connections are open, and the others have failed. */
  connected(open: number, errors: Errors): void;
  /** Called each second with the figures of all workers. */
  progress(second: Second): void;
}

/** The figures of all workers in one second. */
export interface Second {
  open: number;
  answered: number;
  errors: number;
  latency: Histogram;
}

/** The time in ms from the order to begin until the beginning, so that all workers begin together. */
const HEAD_START = 20;

/**
 * Runs a load to its end.
 * @param plans one plan per worker
 * @param hire starts a worker; default: in a new thread
 * @returns the figures of each worker; none if the load was stopped, or had no connection, before anything was sent
 */
export async function run(
  plans: readonly Plan[],
  watcher: Watcher,
  signal: AbortSignal,
  hire: Hire = hireThread,
): Promise<Done[]> {
  const crew: Hand[] = [];
  const order = (told: Order): void => crew.forEach((hand) => hand.order(told));
  const stop = (): void => order('stop');
  const connected: Connected[] = [];
  const done: Done[] = [];
  const news = plans.map(() => new News());
  signal.addEventListener('abort', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      const hear = (told: Told, from: News): void => {
        if (told.type === 'progress') {
          from.told.push(told);
          showSeconds(news, watcher);
        } else if (told.type === 'done') {
          from.isLast = true;
          showSeconds(news, watcher);
          if (done.push(told) === plans.length) resolve();
        } else if (connected.push(told) === plans.length) {
          const open = connected.reduce((sum, each) => sum + each.open, 0);
          watcher.connected(open, sumOf(connected.map(({ errors }) => errors)));
          if (signal.aborted || open === 0) resolve();
          else order({ at: performance.timeOrigin + performance.now() + HEAD_START });
        }
      };
      plans.forEach((plan, at) => crew.push(hire(plan, (told) => hear(told, news[at]), reject)));
    });
    return done;
  } finally {
    signal.removeEventListener('abort', stop);
    crew.forEach((hand) => hand.dismiss());
  }
}

/** The reports of one worker on seconds that were not shown yet. */
class News {
  readonly told: Progress[] = [];
  /** Whether the worker has ended, which it does before the others if it has lost all its connections. */
  isLast = false;
  #errors = 0;

  /** Takes the report on its next second; after the end, further ones only repeat the number of its errors. */
  next(): Progress {
    const next = this.told.shift() ?? { type: 'progress', open: 0, answered: 0, errors: this.#errors, latency: NONE };
    this.#errors = next.errors;
    return next;
  }
}

const NONE = new Histogram().pack();

/** Shows the seconds that all workers have reported, apart from those that have ended. */
function showSeconds(news: readonly News[], watcher: Watcher): void {
  while (news.some(({ told }) => told.length > 0) && news.every(({ told, isLast }) => isLast || told.length > 0)) {
    watcher.progress(together(news.map((each) => each.next())));
  }
}

function together(progress: readonly Progress[]): Second {
  const second: Second = { open: 0, answered: 0, errors: 0, latency: new Histogram() };
  for (const { open, answered, errors, latency } of progress) {
    second.open += open;
    second.answered += answered;
    second.errors += errors;
    second.latency.add(latency);
  }
  return second;
}

/** Adds up the counts of all workers by kind. */
export function sumOf(all: readonly Errors[]): Errors {
  const sum: Errors = {};
  for (const errors of all) {
    for (const [kind, count] of Object.entries(errors)) sum[kind] = (sum[kind] ?? 0) + count;
  }
  return sum;
}
