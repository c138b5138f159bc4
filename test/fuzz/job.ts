// One thread of a fuzz run: a seed and a share of the batches become a tally, and inputs that failed, shrunk.
import { parentPort } from 'node:worker_threads';
import { examine, newTally, type Disagreement, type Tally } from './differential.js';
import { makeBatch, type Input } from './inputs.js';
import { examineInflating, makeInflating } from './inflating.js';
import { fuzzServer } from './server-job.js';
import { describe, shrink } from './shrink.js';

export interface Order {
  /** Shared memory that is not 0 once the thread is to stop. */
  stopping: Int32Array;
  seed: number;
  /** This thread does the batches `first`, `first + step`, and so on. */
  first: number;
  step: number;
  /** How many inputs at most. */
  inputs: number;
  /** Streams for the decoders, or programs for a server. */
  isServer: boolean;
}

export interface Failure {
  batch: number;
  /** The input or program, as `--replay` takes it. */
  input: string;
  what: string;
}

/** What a thread tells from time to time, and at its end. */
export interface Report {
  tally: Tally;
  batch: number;
  failures: Failure[];
  isDone: boolean;
  /** At the end of a guided run: what it was guided by. */
  corpus: Uint8Array[];
}

/** A thread gives up when so many inputs have failed. */
const FAILURES = 20;
const REPORT_EVERY = 500;
/** One batch in so many is compressed, which costs as much as fifteen others. */
const INFLATING_EVERY = 40;

/** Runs until the order is done or the thread is told to stop. */
export async function run({ stopping, seed, first, step, inputs, isServer }: Order): Promise<void> {
  const port = parentPort!;
  const tally = newTally();
  let failures: Failure[] = [];
  let found = 0;
  let told = performance.now();
  let batch = first;
  const goesOn = (): boolean => Atomics.load(stopping, 0) === 0 && tally.inputs < inputs && found < FAILURES;
  const fail = (input: string, what: string): void => {
    found++;
    failures.push({ batch, input, what });
  };
  const report = (isDone: boolean, corpus: Uint8Array[] = []): void => {
    port.postMessage({ tally, batch, failures, isDone, corpus } satisfies Report);
    failures = [];
    told = performance.now();
  };
  const tell = (): void => {
    if (performance.now() - told > REPORT_EVERY) report(false);
  };
  if (isServer) return report(true, await fuzzServer(seed, first, tally, { goesOn, fail, tell }));
  for (; goesOn(); batch += step) {
    if (Math.floor(batch / step) % INFLATING_EVERY === INFLATING_EVERY - 1) {
      for (const input of makeInflating(seed, batch)) {
        const disagreement = await examineInflating(input, tally);
        if (disagreement !== undefined) fail(describe(input), say(disagreement));
      }
    } else {
      for (const input of makeBatch(seed, batch)) {
        const disagreement = examine(input, tally);
        if (disagreement !== undefined) failShrunk(input, disagreement, fail);
      }
    }
    tell();
  }
  report(true);
}

function failShrunk(input: Input, { who }: Disagreement, fail: (input: string, what: string) => void): void {
  const smallest = shrink(input, (candidate) => examine(candidate, newTally())?.who === who);
  const disagreement = examine(smallest, newTally());
  fail(describe(smallest), disagreement === undefined ? `${who} disagreed once, and not again` : say(disagreement));
}

export function say({ who, expected, found }: Disagreement): string {
  const show = (events: unknown): string =>
    (typeof events === 'string' ? events : JSON.stringify(events)).slice(0, 2000);
  return `${who}\n  expected ${show(expected)}\n  found    ${show(found)}`;
}
