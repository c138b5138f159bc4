// `copyMatch` repeats bytes of the output, several at once.

/** Copies `length` bytes from `distance` bytes before `to`; up to 15 bytes behind the copy are written over. */
export function copyMatch(to: usize, distance: usize, length: u32): void {
  const end = to + length;
  if (distance >= 16) {
    let from = to - distance;
    do {
      v128.store(to, v128.load(from));
      to += 16;
      from += 16;
    } while (to < end);
  } else if (distance == 1) {
    const byte = i8x16.splat(load<i8>(to - 1));
    do {
      v128.store(to, byte);
      to += 16;
    } while (to < end);
  } else if (distance >= 8) {
    do {
      store<u64>(to, load<u64>(to - distance));
      to += 8;
    } while (to < end);
  } else {
    do {
      store<u8>(to, load<u8>(to - distance));
      to++;
    } while (to < end);
  }
}
