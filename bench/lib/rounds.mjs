// Sides of a comparison -> processor time per unit of work, measured in one process, in rounds where every side has its
// turn, so that what disturbs the machine disturbs all of them.

/** A pass of `run` lasts at least this long, in microseconds of processor time, so that the clock's own grain is nothing. */
const PASS = 2000;

/**
 * @typedef {object} Side
 * @property {string} name
 * @property {(count: number, input: unknown) => void} run does the work `count` times
 * @property {(count: number) => unknown} [prepare] makes what `run` is given, outside the measured time
 * @property {(count: number) => void} [check] looks at what `run` made, outside the measured time; throws if it is wrong
 * @property {number} [units] how many units of work one count is; default 1
 */

/**
 * Measures all sides: first each is warmed up, then come the rounds, each begun by another side.
 * @param {Side[]} sides
 * @param {{ rounds?: number, slice?: number, warmUp?: number }} [times] `slice` and `warmUp` in ms of processor time
 * @returns {import('./rounds.mjs').Figure[]} nanoseconds of processor time per unit, in the order of `sides`
 */
export function measure(sides, { rounds = 7, slice = 30, warmUp = 150 } = {}) {
  const counts = sides.map((side) => calibrate(side, warmUp * 1000));
  const samples = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const at = (round + turn) % sides.length;
      const side = sides[at];
      let micros = 0;
      let units = 0;
      while (micros < slice * 1000) {
        micros += pass(side, counts[at]);
        units += counts[at] * (side.units ?? 1);
      }
      samples[at].push((micros * 1000) / units);
    }
  }
  return sides.map(({ name }, i) => ({ name, ...summarize(samples[i]) }));
}

/** No answer is this; each is compared with it, so that no call can be left out. */
const NEVER = {};

/**
 * A side that calls `work` again and again, in a loop of its own: one loop for all sides would be optimised for none.
 * @param {() => unknown} work
 * @param {() => void} [after] called once after each `units` calls
 * @param {number} [units] how many calls one count is
 * @returns {Side}
 */
export function repeat(name, work, after, units = 1) {
  const inner = `for (let i = 0; i < units; i++) if (work() === never) throw new Error();${after === undefined ? '' : ' after();'}`;
  // oxlint-disable-next-line typescript/no-implied-eval
  const loop = new Function(
    'work, after, units, never, count',
    `for (let turn = 0; turn < count; turn++) { ${inner} }`,
  );
  return {
    name,
    units,
    run(count) {
      loop(work, after, units, NEVER, count);
    },
  };
}

/** The median of `samples`, with the lowest and the highest beside it. */
export function summarize(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, lowest: sorted[0], highest: sorted.at(-1), samples };
}

/** Runs a side until it is warm, and returns the count that makes a pass long enough. */
function calibrate(side, micros) {
  let count = 1;
  for (let spent = 0; spent < micros;) {
    const taken = pass(side, count);
    spent += taken;
    if (taken < PASS) count *= 2;
  }
  return count;
}

/**
 * One pass, in microseconds of processor time of the whole process: a garbage collector's threads count too. With
 * `--expose-gc` the young garbage of earlier passes, of other sides too, is collected before the clock starts.
 */
function pass(side, count) {
  const input = side.prepare?.(count);
  globalThis.gc?.({ type: 'minor' });
  const before = process.cpuUsage();
  side.run(count, input);
  const { user, system } = process.cpuUsage(before);
  side.check?.(count);
  return user + system;
}
