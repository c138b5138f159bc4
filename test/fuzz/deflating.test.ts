// The fuzzer of the codec's deflate in short. `npm run fuzz -- --deflate` goes on.
import { expect, test } from 'vitest';
import { playDeflate } from './deflating.js';

const EPISODES = 30;
const STREAMS = 100;

test('RFC 7692 7.2: the codec and zlib inflate what the other deflates, and refuse the same streams', () => {
  const sums = { inflated: 0, deflated: 0, wrong: 0, refused: 0 };
  for (let seed = 1; seed <= EPISODES; seed++) {
    const { found, ...counts } = playDeflate(seed, STREAMS);
    expect(found).toEqual([]);
    for (const name of ['inflated', 'deflated', 'wrong', 'refused'] as const) sums[name] += counts[name];
  }
  const few = (EPISODES * STREAMS) / 4;
  expect(Math.min(sums.inflated, sums.deflated, sums.wrong)).toBeGreaterThan(few);
  // Of the wrong ones, neither all nor none are refused.
  expect(sums.refused).toBeGreaterThan(sums.wrong / 4);
  expect(sums.refused).toBeLessThan((sums.wrong * 3) / 4);
}, 60_000);
