// `after` calls back after a time that passes only while the examiner itself runs.
// A busy machine makes such a time longer, so that a verdict does not depend on the load.

/** The milliseconds between two looks at the clock, which is the precision of a limit. */
const STEP = 10;
/** The most milliseconds that one look adds; where more have passed, the process did not run. */
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
    // The examiner first reads the bytes that have arrived.
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

/** Calls back after `seconds` in which the examiner ran; the returned function cancels that. */
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

/** Resolves after `seconds` in which the examiner ran. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => void after(seconds, resolve));
}
