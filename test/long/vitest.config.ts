// npm run test:long: the long forms of tests, all that runs on the kernels without WebAssembly, which npm test runs a part of,
// and the tests of isolation, order and time on the public ways of reading and writing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import all from '../../vitest.config.js';

const root = new URL('../..', import.meta.url).pathname;

/** Tests that are only long, and those that have a long form: of their own, or of the feeder. */
function hasLongForm(file: string): boolean {
  if (file.endsWith('.long.test.ts')) return true;
  return file.endsWith('.test.ts') && /\/(long|feeder)\.js'/.test(readFileSync(join(root, file), 'utf8'));
}

/** What isolation, order and time are held by: again on sockets that are read and written in the public ways. */
const PUBLIC_PATHS = [
  'test/node/contract/{at-once,batching,blobs,compressed-bursts,message-memory,odd-streams,patched-methods,write-paths}.test.ts',
  'test/node/{backpressure,broadcast,isolation,refused-memory,stalled-peers,deflate/time}.test.ts',
  'test/fuzz/isolation.test.ts',
];

const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).map((file) => `test/${file}`);

const config: ViteUserConfig = defineConfig({
  root,
  resolve: all.resolve,
  test: {
    ...all.test,
    testTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'long', include: files.filter(hasLongForm), env: { WSIMD_LONG: '1' } } },
      {
        extends: true,
        test: {
          name: 'public-paths',
          include: PUBLIC_PATHS,
          env: { WSIMD_READ_PATH: 'data', WSIMD_WRITE_PATH: 'stream', WSIMD_ACCEPT_PATH: 'http' },
        },
      },
      {
        extends: true,
        test: {
          name: 'twin',
          include: ['test/{codec,connection,kernels,values,node}/**/*.test.ts'],
          // The twin has nothing to be compared with where there is no WebAssembly.
          exclude: ['test/**/*.long.test.ts', 'test/kernels/twins.test.ts'],
          setupFiles: ['test/support/without-webassembly.ts'],
        },
      },
    ],
  },
});
export default config;
