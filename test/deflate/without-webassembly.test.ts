import { expect, test, vi } from 'vitest';

test('without WebAssembly nothing can be inflated or deflated, and asking for it says so', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  const { canDeflate } = await import('../../src/deflate/index.js');
  const { machine } = await import('../../src/deflate/machine.js');
  expect(canDeflate()).toBe(false);
  expect(() => machine()).toThrow(/Compression needs WebAssembly with SIMD.*canDeflate\(\)/s);
});
