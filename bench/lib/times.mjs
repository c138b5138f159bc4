// The command line -> what to measure and how long: `--smoke` only shows that a bench runs, its figures mean nothing.
export const isSmoke = process.argv.includes('--smoke');

const onlyAt = process.argv.indexOf('--only');
/** `--only <text>` measures only what has the text in its name. */
export const only = onlyAt === -1 ? '' : process.argv[onlyAt + 1];

/** Times for `measure` where one unit of work is a call of a kernel. */
export const KERNEL_TIMES = isSmoke ? { rounds: 1, slice: 1, warmUp: 5 } : { rounds: 9, slice: 25, warmUp: 100 };
/** Times for `measure` where whole streams are worked through. */
export const STREAM_TIMES = isSmoke ? { rounds: 1, slice: 2, warmUp: 10 } : { rounds: 9, slice: 60, warmUp: 500 };
/** The same, where there are many tables. */
export const MICRO_TIMES = isSmoke ? STREAM_TIMES : { rounds: 7, slice: 40, warmUp: 300 };
