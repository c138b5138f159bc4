import { defineConfig } from 'vitest/config';
// Two runs of the neutral layers: with the WASM kernels, and with WebAssembly taken away before anything is loaded.
const config = defineConfig({
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
