// The kernel module's own exports, with a memory of their own: for what the Kernels interface does not show.
import { KERNEL_MODULE_BASE64 } from '../../src/kernels/embedded.js';

export interface RawKernels {
  readonly memory: WebAssembly.Memory;
  readonly arenaAddress: () => number;
  readonly isAscii: (at: number, length: number) => number;
  readonly maskAndFindAscii: (at: number, length: number, key: number) => number;
  readonly [name: string]: unknown;
}

function makeRawKernels(): RawKernels {
  const module = new WebAssembly.Module(Buffer.from(KERNEL_MODULE_BASE64, 'base64'));
  return new WebAssembly.Instance(module).exports as unknown as RawKernels;
}

/** `npm run test:modes` takes WebAssembly away, or puts what refuses in the place of a part of it. */
const absent =
  typeof WebAssembly === 'undefined' ||
  [WebAssembly.Module, WebAssembly.Instance].some((part) => !String(part).includes('[native code]'));
if (absent) console.log('WebAssembly is absent: the kernel module itself is not tested');

/** A new instance for `describe.each`; none where WebAssembly is absent. */
export const rawKernels: RawKernels[] = absent ? [] : [makeRawKernels()];
