// XOR with a masking key, 16 octets at a time (RFC 6455 5.3). Assumes 16 octets of slack after the octets it masks.

/**
 * XORs [at, at + length) with `key`, whose lowest byte meets the octet at `at`. Octets past the end are stored back
 * unchanged, so that the tail needs no loop of its own.
 */
export function mask(at: usize, length: i32, key: i32): void {
  const keys = i32x4.splat(key);
  const end = at + length;
  while (at + 64 <= end) {
    v128.store(at, v128.xor(v128.load(at), keys));
    v128.store(at, v128.xor(v128.load(at, 16), keys), 16);
    v128.store(at, v128.xor(v128.load(at, 32), keys), 32);
    v128.store(at, v128.xor(v128.load(at, 48), keys), 48);
    at += 64;
  }
  while (at + 16 <= end) {
    v128.store(at, v128.xor(v128.load(at), keys));
    at += 16;
  }
  if (at < end) {
    v128.store(at, v128.xor(v128.load(at), v128.and(keys, tailMask(<i32>(end - at)))));
  }
}

/** A vector whose first `count` octets are 0xff and whose others are 0 (0 <= count <= 16). */
export function tailMask(count: i32): v128 {
  return i8x16.lt_u(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<i8>count));
}
