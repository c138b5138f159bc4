// `flushLater` decides when a gathered batch leaves: `flushLater` at the end of the tick, `flushOnExit` when the process exits first.
import { EventEmitter } from 'node:events';
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
let openConnections = 0;
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

const kExit = Symbol.for('wsimd.exit.2');
type ProcessWithExits = NodeJS.Process & { [kExit]?: EventEmitter };

/** One emitter and one listener for all copies of this module that the process has loaded; neither is of a copy. */
function exits(): EventEmitter {
  const host = process as ProcessWithExits;
  const known = host[kExit];
  if (known !== undefined) return known;
  const made = new EventEmitter().setMaxListeners(0);
  Object.defineProperty(host, kExit, { value: made });
  // A function of our own would keep this copy of the module in memory after it has been let go.
  process.on('exit', made.emit.bind(made, 'exit'));
  return made;
}

function flushAtExit(): void {
  isExitingNow = true;
  flushAll();
  for (const batch of reading) batch.flushBatch();
}

/** Has gathered batches written when the process exits; `endFlushOnExit` takes it back when the connection is over. */
export function flushOnExit(): void {
  if (openConnections++ === 0) exits().on('exit', flushAtExit);
}

export function endFlushOnExit(): void {
  if (--openConnections === 0) exits().removeListener('exit', flushAtExit);
}

/** Whether the process is exiting, so that nothing is flushed later. */
export function isExiting(): boolean {
  return isExitingNow;
}
