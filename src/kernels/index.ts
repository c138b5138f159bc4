// `kernels` is the one set that this thread uses, chosen when it is first imported: WASM SIMD, else plain JavaScript.
import type { Kernels } from './kernels.js';
import { loadWasmKernels } from './load.js';
import { shared } from './shared.js';
import { makeJavaScriptKernels } from './twin.js';

export type { Kernels } from './kernels.js';
export { shared } from './shared.js';
export { loadWasmKernels } from './load.js';
export { makeJavaScriptKernels } from './twin.js';

/** The kernels of this thread, of all copies of this version; `kernels.name` says which they are. */
export const kernels: Kernels = shared('kernels', () => loadWasmKernels() ?? makeJavaScriptKernels());
