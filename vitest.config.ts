import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

// Two runs of the neutral layers: with the WASM kernels, and with WebAssembly taken away before anything is loaded.
const config: ViteUserConfig = defineConfig({
  // What package.json calls #wasm is a file of dist; tests run on the sources.
  resolve: { alias: { '#wasm': fileURLToPath(new URL('src/kernels/module.ts', import.meta.url)) } },
  test: {
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'wasm', include: ['test/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'javascript',
          include: ['test/{codec,connection,kernels,values,node}/**/*.test.ts'],
          setupFiles: ['test/support/without-webassembly.ts'],
        },
      },
    ],
  },
});
export default config;
