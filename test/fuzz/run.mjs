// `npm run fuzz`: the fuzzers, written in TypeScript, become JavaScript that Node runs; options are handed on.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const directory = path('../../build/fuzz');

const bundle = await rolldown({
  input: path('main.ts'),
  platform: 'node',
  external: ['ws'],
});
// The library is a file of its own, so that its coverage can be told from that of the fuzzers.
await bundle.write({
  dir: directory,
  format: 'esm',
  entryFileNames: 'main.mjs',
  chunkFileNames: '[name].mjs',
  codeSplitting: { groups: [{ name: 'library', test: /[\\/]src[\\/]/ }] },
});

// Every violation makes an Error: without stacks the run is four times as fast, and whatever fails is played again with them.
const fuzzer = spawn(process.execPath, ['--stack-trace-limit=0', `${directory}/main.mjs`, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => fuzzer.kill(signal));
fuzzer.on('exit', (code) => (process.exitCode = code ?? 1));
