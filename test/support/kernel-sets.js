// The sets of kernels that a test runs over: both, or the JavaScript twin alone where WebAssembly has been taken away.
import { loadWasmKernels, makeJavaScriptKernels } from '../../src/kernels/index.js';
const wasm = loadWasmKernels();
if (!wasm)
    console.log('WebAssembly is absent: the JavaScript kernels run alone');
export const kernelSets = wasm ? [wasm, makeJavaScriptKernels()] : [makeJavaScriptKernels()];
