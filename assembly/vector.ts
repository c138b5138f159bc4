// `loadShort` and `loadEnd` load fewer than 16 bytes into a vector, without reading a byte outside their area.

/** Fewer than 16 bytes, followed by zeros; by loads that overlap rather than over-read. */
export function loadShort(at: usize, length: i32): v128 {
  const end = at + length;
  if (length >= 8) {
    const high = (load<u64>(end - 8) >> 8) >> u64(8 * (15 - length));
    return i64x2.replace_lane(v128.load64_zero(at), 1, high);
  }
  let low: u64 = 0;
  if (length >= 4) {
    const first: u64 = load<u32>(at);
    const last: u64 = load<u32>(end - 4);
    low = first | (last << u64(8 * (length - 4)));
  } else if (length > 0) {
    const half = length >> 1;
    const first: u64 = load<u8>(at);
    const middle: u64 = load<u8>(at + half);
    const last: u64 = load<u8>(end - 1);
    low = first | (middle << u64(8 * half)) | (last << u64(8 * length - 8));
  }
  return i64x2.replace_lane(i64x2.splat(0), 0, low);
}

/** The bytes of [at, end), fewer than 16 and the end of a longer area, followed by zeros. */
export function loadEnd(at: usize, end: usize): v128 {
  const places = i8x16.add(
    i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    i8x16.splat(<i8>(16 - (end - at))),
  );
  return i8x16.swizzle(v128.load(end - 16), places);
}
