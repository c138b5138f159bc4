import { existsSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
const sourceFile = fileURLToPath(new URL('../../../src/index.ts', import.meta.url));
function implementationOf(name, namespace) {
    return {
        ...namespace,
        name,
        namespace,
        differs: (_deviation, expected) => expected[name],
        childModule: name === 'ws' ? wsChildModule : bundleForChild,
    };
}
async function wsChildModule() {
    const directory = path.dirname(createRequire(import.meta.url).resolve('ws/package.json'));
    return pathToFileURL(path.join(directory, 'wrapper.mjs')).href;
}
let bundle;
/** Bundles the TypeScript source into one file, so that a child always runs what is in the tree, built or not. */
function bundleForChild() {
    bundle ??= (async () => {
        const directory = await mkdtemp(path.join(tmpdir(), 'wsimd-contract-'));
        process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
        const file = path.join(directory, 'wsimd.mjs');
        const bundler = await rolldown({ input: sourceFile, platform: 'node' });
        await bundler.write({ file, format: 'esm', codeSplitting: false });
        await bundler.close();
        return pathToFileURL(file).href;
    })();
    return bundle;
}
const entries = [{ name: 'ws', load: async () => implementationOf('ws', await import('ws')) }];
if (existsSync(sourceFile)) {
    const ours = {
        name: 'wsimd',
        load: async () => implementationOf('wsimd', (await import(/* @vite-ignore */ sourceFile))),
    };
    // `ws` is the proof of the tests themselves: once is enough, the run without WebAssembly needs only ours.
    if (typeof globalThis.WebAssembly === 'undefined')
        entries.splice(0, 1, ours);
    else
        entries.push(ours);
}
else {
    console.log('contract: src/index.ts is absent, the tests run against ws alone');
}
export const implementations = entries;
