import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Only long, for `npm run test:long`. */
const LONG = ['test/**/*.long.test.ts'];

/** What sends and receives on the kernels that this thread has chosen; tests of the codec name their kernels, and run on both. */
const THROUGH_THE_FRONT_DOOR = [
  'test/{values,codec/outgoing,codec/masking-key,kernels/load,kernels/module-workerd,connection/sources}{/**/*,}.test.ts',
  'test/node/{client,data,isolation,stream}.test.ts',
  'test/node/contract/{close,events,ping-pong,send}.test.ts',
];

// Everything with the WASM kernels; and the front door again, with WebAssembly taken away before anything is loaded.
const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: {
      // workerd resolves this import by itself.
      '../codec.wasm': at('test/support/deployed-module.ts'),
      '../deflate.wasm': at('test/support/deployed-module.ts'),
    },
  },
  test: {
    // A worker more than there are cores, since many tests wait for peers and timers.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Node 22 compiles the parser of fetch for whoever imports node:http, as tests do, and fails where there is no WebAssembly.
    // That the library survives there is said by test/package.test.ts.
    onUnhandledError: ({ message, stack }) =>
      !(process.version.startsWith('v22.') && message === 'WebAssembly is not defined' && stack?.includes('undici')),
    // `npm run coverage`: what runs everywhere, judged by tests in this process alone.
    coverage: {
      include: [
        'src/{spec,errors,kernels,values,codec,extensions,handshake,connection,deflate}/**/*.ts',
        'src/sans-io.ts',
      ],
      exclude: ['src/**/*.d.ts'],
      reporter: ['text'],
      reportOnFailure: true,
      thresholds: { lines: 100, statements: 100, functions: 100, branches: 99 },
    },
    projects: [
      { extends: true, test: { name: 'wasm', include: ['test/**/*.test.ts'], exclude: LONG } },
      {
        extends: true,
        test: {
          name: 'javascript',
          include: THROUGH_THE_FRONT_DOOR,
          setupFiles: ['test/support/without-webassembly.ts'],
        },
      },
    ],
  },
});
export default config;
