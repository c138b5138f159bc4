// A short run of `npm run fuzz -- --calls`: no random call of the codec puts one connection's bytes into another's output.
import { expect, test } from 'vitest';
import { kernelSets } from '../support/kernel-sets.js';
import { playCalls } from './calls.js';

test.each(kernelSets)('random calls with random arguments never show foreign bytes on $name', (kernels) => {
  const { calls, refused, bytes, found } = playCalls(6455, 8000, kernels);
  expect(found).toEqual([]);
  expect(calls).toBe(8000);
  expect(refused).toBeGreaterThan(1000);
  expect(bytes).toBeGreaterThan(2_000_000);
});
