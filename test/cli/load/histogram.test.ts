/** `Histogram`, held against the durations themselves, sorted. */
import { expect, it } from 'vitest';
import { Histogram, PERCENTILES } from '../../../src/cli/load/histogram.js';
import { Random } from '../../support/random.js';

/** The duration within which `percent` of all lie. */
function exactly(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length - 1e-9)) - 1];
}

it('is right to 1 % over ten decades, and exact where it says so', () => {
  const choices = new Random(28);
  for (const decades of [1, 5, 10, 12.9]) {
    const durations = Array.from({ length: 20_000 }, () => Math.floor(10 ** ((choices.next() / 2 ** 32) * decades)));
    const histogram = new Histogram();
    for (const duration of durations) histogram.record(duration, 1);
    const sorted = [...durations].sort((a, b) => a - b);
    for (const percent of [...PERCENTILES, 0, 1, 10, 100]) {
      const exact = exactly(sorted, percent);
      expect(Math.abs(histogram.percentile(percent) - exact), `${percent} % of ${decades}`).toBeLessThanOrEqual(
        exact * 0.01,
      );
    }
    expect(histogram.min).toBe(sorted[0]);
    expect(histogram.max).toBe(sorted.at(-1));
    expect(histogram.mean).toBeCloseTo(durations.reduce((sum, each) => sum + each, 0) / durations.length, 2);
    expect(histogram.percentile(100)).toBe(sorted.at(-1));
  }
});

it('has a bucket for every value from 0 to hours, in ascending order and at most 1 % off', () => {
  for (const value of [0, 1, 255, 256, 257, 511, 512, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 40, 2 ** 43 - 1]) {
    const histogram = new Histogram();
    histogram.record(value, 2);
    const [[middle, count], ...more] = histogram.buckets();
    expect([count, more.length]).toEqual([2, 0]);
    expect(Math.abs(middle - value), String(value)).toBeLessThanOrEqual(value * 0.01);
  }
  const long = new Histogram();
  long.record(2 ** 50, 1);
  long.record(-5, 1);
  expect([long.min, long.max]).toEqual([0, 2 ** 43 - 1]);
});

it('counts those of others, packed, as if they were its own', () => {
  const choices = new Random(7);
  const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()];
  for (let at = 0; at < 1000; at++) {
    const duration = choices.below(1e9);
    (at % 3 === 0 ? one : other).record(duration, 3);
    both.record(duration, 3);
  }
  const sum = new Histogram();
  sum.add(structuredClone(one.pack()));
  sum.add(structuredClone(other.pack()));
  sum.add(new Histogram().pack());
  expect(sum.pack()).toEqual(both.pack());
  sum.clear();
  expect(sum.pack()).toEqual(new Histogram().pack());
  expect([sum.percentile(50), sum.min, sum.max, sum.mean]).toEqual([0, 0, 0, 0]);
});
