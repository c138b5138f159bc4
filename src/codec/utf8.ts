// `isUtf8` tells whether bytes are UTF-8 (RFC 6455 8.1), through the kernels' scratch area.
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';
import { toChunk } from '../values/bytes.js';

/** Whether `data` is valid UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
export function isUtf8(data: Uint8Array, kernels: Kernels = loadedKernels): boolean {
  const bytes = toChunk(data);
  const { scratchAddress, scratchLength } = kernels;
  if (bytes.length <= scratchLength) {
    kernels.bytes.set(bytes, scratchAddress);
    return kernels.isUtf8(scratchAddress, bytes.length) === 1;
  }
  let state = 0;
  for (let at = 0; at < bytes.length && state >= 0; at += scratchLength) {
    const window = bytes.subarray(at, at + scratchLength);
    kernels.bytes.set(window, scratchAddress);
    state = kernels.continueUtf8(scratchAddress, window.length, state);
  }
  return state === 0;
}
