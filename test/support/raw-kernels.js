// The kernel module's own exports, with a memory of their own: for what the Kernels interface does not show.
import { KERNEL_MODULE_BASE64 } from '../../src/kernels/embedded.js';
function makeRawKernels() {
    const module = new WebAssembly.Module(Buffer.from(KERNEL_MODULE_BASE64, 'base64'));
    return new WebAssembly.Instance(module).exports;
}
const absent = typeof WebAssembly === 'undefined';
if (absent)
    console.log('WebAssembly is absent: the kernel module itself is not tested');
/** A new instance for `describe.each`; none where WebAssembly has been taken away. */
export const rawKernels = absent ? [] : [makeRawKernels()];
