// The one set of kernels that this thread uses, chosen when it is first imported: WASM SIMD, else plain JavaScript.
import type { Kernels } from './kernels.js';
import { loadWasmKernels } from './load.js';
import { makeJavaScriptKernels } from './twin.js';

export type { Kernels } from './kernels.js';
export { loadWasmKernels } from './load.js';
export { makeJavaScriptKernels } from './twin.js';

/** The kernels of this thread; `kernels.name` says which they are. */
export const kernels: Kernels = loadWasmKernels() ?? makeJavaScriptKernels();
