// `mask` XORs bytes with a masking key, in place (RFC 6455 5.3).
import { refuse, UsageError } from '../errors/usage-error.js';
import { kernels as loadedKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/kernels.js';
import { toBytes } from '../values/bytes.js';

/** Below this many bytes, a loop here is faster than copying to the kernel and back. */
const LOOP_BELOW = 32;

/**
 * Masks, or unmasks, bytes [start, end) of `data` in place, to its end by default. Throws UsageError for other arguments.
 * @param key the four bytes of the masking key as an integer, the first in the lowest byte
 * @param phase the number of payload bytes before `start`, so that a payload can be masked piece by piece
 */
export function mask(
  data: Uint8Array,
  key: number,
  start = 0,
  end?: number,
  phase = 0,
  kernels: Kernels = loadedKernels,
): void {
  const bytes = toBytes(data);
  if (!Number.isInteger(key)) refuse('A key is a whole number', key);
  const stop = end ?? bytes.length;
  if (![start, stop, phase].every(Number.isInteger) || start < 0 || stop > bytes.length) {
    throw new UsageError('Start, end and phase are whole numbers, the range within the bytes');
  }
  const turn = (phase & 3) << 3;
  const turned = turn === 0 ? key : (key >>> turn) | (key << (32 - turn));
  if (stop - start < LOOP_BELOW) {
    for (let i = start, shift = 0; i < stop; i++, shift = (shift + 8) & 31) bytes[i] ^= turned >>> shift;
    return;
  }
  maskInto(bytes, start, bytes.subarray(start, stop), turned, kernels);
}

/**
 * Writes `payload`, masked with `key` from its first byte on, to `at` in `target`, which must have room. The two may be
 * the same place.
 */
export function maskInto(target: Uint8Array, at: number, payload: Uint8Array, key: number, kernels: Kernels): void {
  const { scratchAddress, scratchLength } = kernels;
  const { length } = payload;
  // A window is a multiple of 4 bytes long, so that each starts at the key's first byte.
  for (let from = 0; from < length; from += scratchLength) {
    const octets = Math.min(scratchLength, length - from);
    kernels.bytes.set(octets === length ? payload : payload.subarray(from, from + octets), scratchAddress);
    kernels.mask(scratchAddress, octets, key);
    target.set(kernels.bytes.subarray(scratchAddress, scratchAddress + octets), at + from);
  }
}
