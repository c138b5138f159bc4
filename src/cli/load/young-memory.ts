// `touchYoungMemory` makes the system provide a worker's memory for young objects before the load.

/** The memory for young objects, in MiB. Most are dead when it is full, so more memory only means fewer pauses. */
export const YOUNG_GENERATION = 64;

/** An array that takes 8 KiB. */
const ARRAY = Array.from({ length: 1024 }, () => 0);

/** The newest array, kept so that the engine cannot leave the arrays out. */
const newest: { array: number[] } = { array: [] };

/**
 * Makes as much garbage as there is memory for young objects, so that both halves of it are used. The system provides a page
 * when it is first written to; under a load of few messages that would delay messages for many seconds.
 */
export function touchYoungMemory(): void {
  for (let made = 0; made < YOUNG_GENERATION * 1024; made += 8) newest.array = [...ARRAY];
  newest.array = [];
}
