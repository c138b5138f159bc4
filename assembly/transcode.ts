// Turns valid UTF-8 into UTF-16LE code units, so that text becomes a JavaScript string without a slow native decoder.

/**
 * Writes the code units of the valid UTF-8 in [at, at + length) to `to`; the areas do not overlap, and `to` has room for
 * 2 * length + 32 octets. Returns how many code units were written.
 */
export function transcode(at: usize, length: i32, to: usize): i32 {
  const end = at + length;
  const start = to;
  while (at < end) {
    const octet = <i32>load<u8>(at);
    if (octet < 0x80) {
      store<u16>(to, <u16>octet);
      at += 1;
      to += 2;
    } else if (octet < 0xe0) {
      store<u16>(to, <u16>(((octet & 0x1f) << 6) | (load<u8>(at, 1) & 0x3f)));
      at += 2;
      to += 2;
    } else if (octet < 0xf0) {
      store<u16>(to, <u16>((octet << 12) | ((load<u8>(at, 1) & 0x3f) << 6) | (load<u8>(at, 2) & 0x3f)));
      at += 3;
      to += 2;
    } else {
      const point =
        ((octet & 0x07) << 18) |
        ((load<u8>(at, 1) & 0x3f) << 12) |
        ((load<u8>(at, 2) & 0x3f) << 6) |
        (load<u8>(at, 3) & 0x3f);
      store<u16>(to, <u16>(0xd7c0 + (point >> 10)));
      store<u16>(to, <u16>(0xdc00 | (point & 0x3ff)), 2);
      at += 4;
      to += 4;
    }
  }
  return <i32>((to - start) >> 1);
}
