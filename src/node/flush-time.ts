// Batches that were begun turned into one flush of each: at the end of the tick, or when the process exits before that.

/** What writes the batch that it holds. */
export interface Batch {
  flush(): void;
}

/** Those that wait for the tick's end. */
let waiting: Batch[] = [];
/** Those whose owner is dispatching what was read, and which are flushed after that; the innermost last. */
const reading: Batch[] = [];
let isListeningForExit = false;
let isExitingNow = false;

function flushAll(): void {
  const all = waiting;
  waiting = [];
  for (const batch of all) batch.flush();
}

/** Has a batch flushed by the end of this tick. */
export function flushLater(batch: Batch): void {
  if (waiting.push(batch) === 1) queueMicrotask(flushAll);
}

/** Notes that a batch is flushed when what was read has been dispatched, which ends with `endReading`. */
export function beginReading(batch: Batch): void {
  reading.push(batch);
}

export function endReading(): void {
  reading.pop();
}

/** A write in an 'exit' listener still reaches the peer, as it does when each send is written by itself. */
export function flushOnExit(): void {
  if (isListeningForExit) return;
  isListeningForExit = true;
  process.on('exit', () => {
    isExitingNow = true;
    flushAll();
    for (const batch of reading) batch.flush();
  });
}

/** Whether this tick is the last, so that nothing is flushed later. */
export function isExiting(): boolean {
  return isExitingNow;
}
