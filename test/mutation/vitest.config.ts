// The tests that judge the mutants of `npm run mutation`: those of the mutated directories that open no socket and start no process.
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import all from '../../vitest.config.js';

const config: ViteUserConfig = defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  resolve: all.resolve,
  test: {
    include: ['test/{codec,connection,extensions,handshake}/**/*.test.ts'],
    exclude: ['test/handshake/{client,server}-and-ws.test.ts'],
    testTimeout: 20_000,
  },
});
export default config;
