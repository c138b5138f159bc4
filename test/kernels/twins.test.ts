import { describe, expect, it } from 'vitest';
import { makeJavaScriptKernels } from '../../src/kernels/index.js';
import { compareKernels } from '../mutation/compare-kernels.mjs';
import { kernelSets } from '../support/kernel-sets.js';
import { runsLong } from '../support/long.js';

describe.each(kernelSets)('$name', (kernels) => {
  // npm run mutants counts how many changes of the .wasm this finds.
  it('does exactly what the JavaScript kernels do, over bytes of every kind', () => {
    expect(compareKernels(kernels, makeJavaScriptKernels(), 1, runsLong ? 1500 : 300)).toBe(undefined);
  });
});
