// Masks octet by octet, as RFC 6455 5.3 words it: what the mask kernels must equal.

/** A masked copy of `octets`; `key` is four bytes, the first in the lowest byte. */
export function naiveMask(octets: Uint8Array, key: number): Uint8Array {
  return octets.map((octet, i) => octet ^ (key >>> (8 * (i % 4))));
}
