// `flushLater` writes a gathered batch at the end of the tick; `flushOnExit` does when the process exits first.
import { EventEmitter } from 'node:events';
import { performance } from 'node:perf_hooks';
import { sendUnsent } from './http2/last-writes.js';
import { surface } from './send-callback.js';

/** An object that writes the batch it holds. */
export interface Batch {
  /** Writes the batch, unless it waits for its stream. Must not throw, or the other batches would wait for ever. */
  flushBatch(): void;
}

/** Batches that wait for the end of the tick. */
let waiting: Batch[] = [];
/** Batches of connections that are dispatching a read and flush after it, the innermost last. */
const reading: Batch[] = [];
let openConnections = 0;
let isExitingNow = false;

// Test runners replace queueMicrotask, process.nextTick and the timers, but not the jobs of a native promise.
const resolved = Promise.resolve();
// oxlint-disable-next-line unbound-method -- it is called with its promise
const { then } = Promise.prototype;

/** Sends to many that were put off within this tick. */
let putOff: (() => void)[] = [];
let isTickOverNow = false;

/**
 * Puts sends to many off until the end of the tick, or the next send of any connection of this thread: those that come until
 * then can join them. `work` throws nothing.
 */
export function putOffSends(work: () => void): void {
  if (putOff.push(work) > 1) return;
  if (isExitingNow) catchUp();
  else void then.call(resolved, endTick);
}

/** Whether sends that were put off are done since the tick, or the dispatch of a read, is over: little will join them. */
export function isTickOver(): boolean {
  return isTickOverNow;
}

function endTick(): void {
  isTickOverNow = true;
  catchUp();
  isTickOverNow = false;
}

/** Does the sends that were put off: whatever a connection is asked for comes after them. */
export function catchUp(): void {
  if (putOff.length > 0) doPutOff();
}

function doPutOff(): void {
  const all = putOff;
  putOff = [];
  for (const work of all) {
    try {
      work();
    } catch (thrown) {
      // A listener of the application's: neither the others nor the batches that leave next wait for it.
      surface(thrown);
    }
  }
}

function flushAll(): void {
  endTick();
  const all = waiting;
  waiting = [];
  for (const batch of all) batch.flushBatch();
}

/** Flushes a batch by the end of this tick. */
export function flushLater(batch: Batch): void {
  if (waiting.push(batch) === 1) void then.call(resolved, flushAll);
}

/** Notes that a batch is flushed when the dispatch of its read ends; `endReading` marks that end. */
export function beginReading(batch: Batch): void {
  reading.push(batch);
}

export function endReading(): void {
  reading.pop();
  if (reading.length === 0) endTick();
  else catchUp();
}

/** The time in ms since an arbitrary moment; kept here, since test runners replace it. */
export const now: () => number = performance.now.bind(performance);

const kExit = Symbol.for('wsimd.exit.2');
type ProcessWithExits = NodeJS.Process & { [kExit]?: EventEmitter };

/** One emitter and one 'exit' listener for all loaded copies of this module; they belong to none of the copies. */
function exits(): EventEmitter {
  const host = process as ProcessWithExits;
  const known = host[kExit];
  if (known !== undefined) return known;
  const made = new EventEmitter().setMaxListeners(0);
  Object.defineProperty(host, kExit, { value: made });
  // A function of this module would keep this copy in memory after it has been let go.
  process.on('exit', made.emit.bind(made, 'exit'));
  return made;
}

function flushAtExit(): void {
  catchUp();
  isExitingNow = true;
  flushAll();
  for (const batch of reading) batch.flushBatch();
  sendUnsent();
}

/** Writes gathered batches when the process exits; `endFlushOnExit` undoes this when the connection is over. */
export function flushOnExit(): void {
  if (openConnections++ === 0) exits().on('exit', flushAtExit);
}

export function endFlushOnExit(): void {
  if (--openConnections === 0) exits().removeListener('exit', flushAtExit);
}

/** Whether the process is exiting, so that nothing can be flushed later. */
export function isExiting(): boolean {
  return isExitingNow;
}
