// One module at a time -> whether the comparison with the JavaScript kernels finds it. A thread, so that an endless loop can end.
import { parentPort } from 'node:worker_threads';
import { loadWasmKernels, makeJavaScriptKernels } from '../../dist/kernels/index.js';
import { compareKernels } from './compare-kernels.mjs';

const twin = makeJavaScriptKernels();
parentPort.on('message', ({ binary, seed, rounds }) => {
  const kernels = loadWasmKernels(new WebAssembly.Module(binary));
  const found = kernels === undefined ? 'does not start' : compareKernels(kernels, twin, seed, rounds);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort.postMessage(found ?? '');
});
