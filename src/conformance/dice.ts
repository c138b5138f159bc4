// createDice makes whole numbers from a seed, the same in every run.

/** A whole number from 0 up to, not including, `limit`. */
export type Dice = (limit: number) => number;

/** Dice of a seed (a linear congruence with its low bits cut off). */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
