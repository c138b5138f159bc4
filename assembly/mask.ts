// `mask` XORs bytes with a masking key, 64 at a time (RFC 6455 5.3). It reads and writes no byte outside the given
// area: the rest that does not fill a vector is covered by a last one that overlaps the one before it.

/** XORs [at, at + length) with `key`, whose lowest byte meets the byte at `at`. */
export function mask(at: usize, length: i32, key: i32): void {
  maskAndFindAscii(at, length, key);
}

/** As `mask`; returns whether every byte is ASCII afterwards. */
export function maskAndFindAscii(at: usize, length: i32, key: i32): bool {
  if (length < 16) {
    return (maskShort(at, length, key) & 0x8080808080808080) == 0;
  }
  // Both ends are masked apart, before the loop that overlaps them, and stored after it; so the loop can run on aligned
  // addresses, which long payloads gain from.
  const start = at;
  const end = at + length;
  const first = v128.xor(v128.load(at), i32x4.splat(key));
  const last = v128.xor(v128.load(end - 16), i32x4.splat(turned(key, length)));
  let seen = v128.or(first, last);
  const ahead = -(<i32>at) & 15;
  const keys = i32x4.splat(turned(key, ahead));
  at += ahead;
  while (at + 64 <= end) {
    const a = v128.xor(v128.load(at), keys);
    const b = v128.xor(v128.load(at, 16), keys);
    const c = v128.xor(v128.load(at, 32), keys);
    const d = v128.xor(v128.load(at, 48), keys);
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, d, 48);
    seen = v128.or(seen, v128.or(v128.or(a, b), v128.or(c, d)));
    at += 64;
  }
  while (at + 16 <= end) {
    const a = v128.xor(v128.load(at), keys);
    v128.store(at, a);
    seen = v128.or(seen, a);
    at += 16;
  }
  v128.store(start, first);
  v128.store(end - 16, last);
  return i8x16.bitmask(seen) == 0;
}

/** Up to this many bytes a plain loop where it is called costs less than a call and aligning. */
const SHORT: u32 = 256;

/** As `maskAndFindAscii`, without a call where the payload is short. */
// @ts-ignore: decorator
@inline
export function maskShortAndFindAscii(at: usize, length: i32, key: i32): bool {
  if (<u32>(length - 16) > SHORT - 16) return maskAndFindAscii(at, length, key);
  const tail = at + length - 16;
  const first = v128.xor(v128.load(at), i32x4.splat(key));
  const last = v128.xor(v128.load(tail), i32x4.splat(turned(key, length)));
  let seen = v128.or(first, last);
  v128.store(at, first);
  // Up to 32 bytes, the two cover all.
  if (length > 32) {
    const keys = i32x4.splat(key);
    do {
      at += 16;
      const octets = v128.xor(v128.load(at), keys);
      v128.store(at, octets);
      seen = v128.or(seen, octets);
    } while (at + 16 < tail);
  }
  v128.store(tail, last);
  return i8x16.bitmask(seen) == 0;
}

/** Masks fewer than 16 bytes; returns some OR of all of them, masked. */
function maskShort(at: usize, length: i32, key: i32): u64 {
  const end = at + length;
  if (length >= 8) {
    const first = load<u64>(at) ^ doubled(key);
    const last = load<u64>(end - 8) ^ doubled(turned(key, length));
    store<u64>(at, first);
    store<u64>(end - 8, last);
    return first | last;
  }
  if (length >= 4) {
    const first = load<u32>(at) ^ (<u32>key);
    const last = load<u32>(end - 4) ^ (<u32>turned(key, length));
    store<u32>(at, first);
    store<u32>(end - 4, last);
    return <u64>(first | last);
  }
  let seen: u32 = 0;
  while (at < end) {
    const octet = (<u32>load<u8>(at)) ^ ((<u32>key) & 0xff);
    store<u8>(at, <u8>octet);
    seen |= octet;
    key = turned(key, 1);
    at += 1;
  }
  return <u64>seen;
}

/** The key as it meets the byte `phase` bytes further on. */
function turned(key: i32, phase: i32): i32 {
  return rotr<i32>(key, 8 * phase);
}

function doubled(key: i32): u64 {
  return (<u64>(<u32>key)) | ((<u64>(<u32>key)) << 32);
}
