// The sets of kernels that a test runs over: both, or the JavaScript twin alone where WebAssembly has been taken away.
import { type Kernels, loadWasmKernels, makeJavaScriptKernels } from '../../src/kernels/index.js';

const wasm = loadWasmKernels();
if (!wasm) console.log('WebAssembly is absent: the JavaScript kernels run alone');

export const kernelSets: Kernels[] = wasm ? [wasm, makeJavaScriptKernels()] : [makeJavaScriptKernels()];
