import { expect, it } from 'vitest';
import { loadWasmKernels, makeJavaScriptKernels } from '../../src/kernels/index.js';
import { compareKernels } from '../mutation/compare-kernels.mjs';
import { runsLong } from '../support/long.js';

// npm run mutants counts how many changes of the .wasm this finds.
it('WASM does exactly what the JavaScript kernels do, over bytes of every kind', () => {
  expect(compareKernels(loadWasmKernels()!, makeJavaScriptKernels(), 1, runsLong ? 1500 : 300)).toBe(undefined);
});
