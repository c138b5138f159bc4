// `createDice` makes integers from a seed, the same in every run.

/** Returns an integer from 0 up to, but not including, `limit`. */
export type Dice = (limit: number) => number;

/** The dice of a seed: a linear congruential generator without its low bits. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
