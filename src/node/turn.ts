// `nextTurn` and `startTimer` run work later, even where a test runner has replaced the timers.
import { clearTimeout as clear, setImmediate as given, setTimeout as start } from 'node:timers';
import { MessageChannel } from 'node:worker_threads';

/** Kept here, since test runners replace it later. */
const immediate = given;
/** Timers that were replaced before this module was loaded never fire by themselves. */
const isNodes = String(immediate).includes('Immediate(');

function bySetImmediate(work: () => void): void {
  immediate(work);
}

function byMessage(work: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.once('message', () => {
    port1.close();
    work();
  });
  port2.postMessage(undefined);
}

/** Runs `work` once everything that is ready to be read now has been read. */
export const nextTurn: (work: () => void) => void = isNodes ? bySetImmediate : byMessage;

/** Node's timers, for times that are none of the application's: as where Node keeps them, no test runner counts or moves them. */
export const startTimer: typeof start = start;
export const stopTimer: typeof clear = clear;
