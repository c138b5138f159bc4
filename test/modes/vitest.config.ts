// npm run test:modes: the whole suite in every way in which the library can come to its kernels, and with poisoned memory.
import { defineConfig, mergeConfig, type TestProjectConfiguration, type ViteUserConfig } from 'vitest/config';
import all from '../../vitest.config.js';
import { FILES_NOT_OVER_HTTP2 } from '../node/contract/over-http2.js';

// Without compiled code, and with memory that is overwritten all the time, tests take longer.
const test = { ...all.test, projects: undefined, testTimeout: 120_000, env: { WSIMD_LONG: '1' } };
const root = new URL('../..', import.meta.url).pathname;
const suite = 'test/**/*.test.ts';
/** How fast compiled kernels are beside `ws`. */
const ratios = 'test/bench-ratios.test.ts';

function mode(name: string, setup: string[], more: NonNullable<ViteUserConfig['test']> = {}): TestProjectConfiguration {
  return mergeConfig<ViteUserConfig, ViteUserConfig>(
    { resolve: all.resolve, test },
    {
      root,
      test: { name, include: [suite], exclude: [ratios], setupFiles: setup, ...more },
    },
  ) as TestProjectConfiguration;
}

const config: ViteUserConfig = defineConfig({
  root,
  resolve: all.resolve,
  test: {
    ...test,
    projects: [
      mode('javascript', ['test/support/without-webassembly.ts']),
      mode('jitless', [], { pool: 'forks', execArgv: ['--jitless'] }),
      mode('refused-memory', ['test/modes/refused-memory.ts']),
      mode('refused-module', ['test/modes/refused-module.ts']),
      mode('public-paths', [], {
        env: { WSIMD_READ_PATH: 'data', WSIMD_WRITE_PATH: 'stream', WSIMD_ACCEPT_PATH: 'http' },
        include: ['test/{node,faults}/**/*.test.ts', 'test/interop/http2.test.ts'],
        // It says which ways are taken unless they are forced.
        exclude: ['test/node/additions.test.ts'],
      }),
      mode('over-http2', ['test/modes/over-http2.ts'], {
        env: { WSIMD_TEST_HTTP2: '1' },
        include: ['test/node/contract/*.test.ts'],
        exclude: Object.keys(FILES_NOT_OVER_HTTP2).map((name) => `test/node/contract/${name}.test.ts`),
        // Some of those that are listed never come to their end.
        testTimeout: 10_000,
      }),
      mode('poisoned', ['test/modes/poisoned.ts'], {
        include: ['test/{codec,connection,node}/**/*.test.ts'],
      }),
    ],
  },
});
export default config;
