// XOR of a byte string with a masking key, in place (RFC 6455 5.3).
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';

/** Below this many octets a loop here is quicker than carrying them to the kernel and back. */
const LOOP_BELOW = 32;

/**
 * Masks, or unmasks, octets [start, end) of `bytes` in place.
 * @param key the four octets of the masking key as an integer, the first in the lowest byte
 * @param phase how many payload octets lie before `start`, so that a payload can be masked piece by piece
 */
export function mask(
  bytes: Uint8Array,
  key: number,
  start = 0,
  end: number = bytes.length,
  phase = 0,
  kernels: Kernels = loadedKernels,
): void {
  const turn = (phase & 3) << 3;
  const turned = turn === 0 ? key : (key >>> turn) | (key << (32 - turn));
  if (end - start < LOOP_BELOW) {
    for (let i = start, shift = 0; i < end; i++, shift = (shift + 8) & 31) bytes[i] ^= turned >>> shift;
    return;
  }
  const { scratchAddress, scratchLength } = kernels;
  // A window is a multiple of 4 octets long, so that each starts at the key's first octet.
  for (let at = start; at < end; at += scratchLength) {
    const stop = Math.min(at + scratchLength, end);
    kernels.bytes.set(bytes.subarray(at, stop), scratchAddress);
    kernels.mask(scratchAddress, stop - at, turned);
    bytes.set(kernels.bytes.subarray(scratchAddress, scratchAddress + stop - at), at);
  }
}
