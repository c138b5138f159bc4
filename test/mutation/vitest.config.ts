// The tests that judge the mutants of `npm run mutation`: those of the mutated directories that open no socket and start no process.
// They run on the JavaScript kernels alone, without the vectors that decoding.test.ts plays once more, without the 65,536 headers, and
// without the threads of zlib: each mutant runs all tests that come by it.
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import all from '../../vitest.config.js';

const config: ViteUserConfig = defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  resolve: all.resolve,
  test: {
    include: ['test/{codec,connection,extensions,handshake}/**/*.test.ts'],
    exclude: [
      'test/handshake/{client,server}-and-ws.test.ts',
      'test/connection/{decoding,deflate}.test.ts',
      'test/codec/frame-headers.test.ts',
    ],
    setupFiles: ['test/support/without-webassembly.ts', 'test/mutation/setup.ts'],
    env: { WSIMD_LONG: '1' },
    testTimeout: 20_000,
  },
});
export default config;
