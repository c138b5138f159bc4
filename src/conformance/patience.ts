// `after` limits a time that counts only while the examiner itself runs.
// A machine that is busy elsewhere stretches it, so that a verdict does not depend on the load.

/** Milliseconds between looks at the clock; also how exact a limit is. */
const STEP = 10;
/** The most that one look may count: more has passed when the process had no turn. */
const MOST = 2 * STEP;

const waiting = new Set<{ due: number; callback: () => void }>();
let clock = 0;
let looked = 0;
let interval: NodeJS.Timeout | null = null;

function look(): void {
  const now = performance.now();
  clock += Math.min(now - looked, MOST);
  looked = now;
  for (const entry of waiting) {
    if (entry.due > clock) continue;
    // Bytes that have arrived by now are read first.
    setImmediate(() => {
      if (waiting.delete(entry)) settle(entry.callback);
    });
  }
}

function settle(callback: () => void): void {
  rest();
  callback();
}

function rest(): void {
  if (waiting.size > 0 || interval === null) return;
  clearInterval(interval);
  interval = null;
}

/** Calls back after so many seconds of running; the function returned takes that back. */
export function after(seconds: number, callback: () => void): () => void {
  if (interval === null) {
    looked = performance.now();
    interval = setInterval(look, STEP);
  }
  const entry = { due: clock + seconds * 1000, callback };
  waiting.add(entry);
  return () => {
    waiting.delete(entry);
    rest();
  };
}
