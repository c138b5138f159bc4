// Decides when a gathered batch leaves: `flushLater` at the end of the tick, `flushOnExit` when the process exits first.
import { performance } from 'node:perf_hooks';

/** An object that writes the batch it holds. */
export interface Batch {
  /** Writes the batch, unless it waits for its stream. Throws nothing: no other batch waits for ever. */
  flushBatch(): void;
}

/** Batches that wait for the end of the tick. */
let waiting: Batch[] = [];
/** Batches whose owner dispatches a read and flushes after it, the innermost last. */
const reading: Batch[] = [];
let isListeningForExit = false;
let isExitingNow = false;

// Test runners replace queueMicrotask, process.nextTick and the timers; the jobs of a native promise stay Node's own.
const resolved = Promise.resolve();
// oxlint-disable-next-line unbound-method -- it is called with its promise
const { then } = Promise.prototype;

function flushAll(): void {
  const all = waiting;
  waiting = [];
  for (const batch of all) batch.flushBatch();
}

/** Has a batch flushed by the end of this tick. */
export function flushLater(batch: Batch): void {
  if (waiting.push(batch) === 1) void then.call(resolved, flushAll);
}

/** Notes that a batch is flushed when the dispatch of its read ends, which `endReading` says. */
export function beginReading(batch: Batch): void {
  reading.push(batch);
}

export function endReading(): void {
  reading.pop();
}

/** The time in ms since an arbitrary moment; captured, since test runners replace it. */
export const now: () => number = performance.now.bind(performance);

const kExit = Symbol.for('wsimd.flushOnExit.1');
type Flusher = { readonly flush: () => void };
type ProcessWithFlushers = NodeJS.Process & { [kExit]?: Set<WeakRef<Flusher>> };

/** Kept by this module alone, so that a copy of the library that is let go can be collected. */
const flusher: Flusher = {
  flush() {
    isExitingNow = true;
    flushAll();
    for (const batch of reading) batch.flushBatch();
  },
};

/** Has gathered batches written by an 'exit' listener, one for all copies of this module that the process has loaded. */
export function flushOnExit(): void {
  if (isListeningForExit) return;
  isListeningForExit = true;
  const host = process as ProcessWithFlushers;
  let flushers = host[kExit];
  if (flushers === undefined) {
    const all = new Set<WeakRef<Flusher>>();
    flushers = all;
    Object.defineProperty(host, kExit, { value: all });
    process.on('exit', () => {
      for (const reference of all) reference.deref()?.flush();
    });
  }
  for (const reference of flushers) if (reference.deref() === undefined) flushers.delete(reference);
  flushers.add(new WeakRef(flusher));
}

/** Whether the process is exiting, so that nothing is flushed later. */
export function isExiting(): boolean {
  return isExitingNow;
}
