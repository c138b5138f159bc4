// `transcode` turns valid UTF-8 into UTF-16LE code units, 16 bytes at a time. It reads no byte outside the given area,
// and may overwrite up to 32 bytes after the units.
//
// Every byte is treated as if a character began there: from it and the two bytes after it come the low and the high
// half of a code unit. Then the units of the bytes that do begin one are moved together, by a shuffle looked up from
// their bits, eight at a time. So it does not matter where a block begins, and blocks do not wait for each other. A
// character of four bytes yields its second unit at its second byte.
import { loadEnd, loadShort } from './vector';

// For each set of eight lanes, the shuffle that moves them together: 256 vectors, drawn up once, when the module
// starts.
const SHUFFLES = memory.data(256 * 16, 16);
for (let lanes: i32 = 0; lanes < 256; lanes++) {
  let to = SHUFFLES + ((<usize>lanes) << 4);
  for (let lane: i32 = 0; lane < 8; lane++) {
    if ((lanes >> lane) & 1) {
      store<u8>(to, <u8>(2 * lane));
      store<u8>(to, <u8>(2 * lane + 1), 1);
      to += 2;
    }
  }
}

// The bytes of a block at which characters begin, as bits, where they are all of three bytes: from the block's first
// byte on, and from its second, so that the next block has one at its first. And where no character has more than one.
const THREES: i32 = 0b1001001001001001;
const THREES_FROM_SECOND: i32 = 0b0010010010010010;
const ONES: i32 = 0xffff;

/**
 * Writes the code units of the valid UTF-8 in [at, at + length) to `to`; the areas do not overlap, and `to` has room
 * for 2 * length + 32 bytes. Returns how many code units were written.
 */
export function transcode(at: usize, length: i32, to: usize): i32 {
  const end = at + length;
  const start = to;
  // Three loops that test at their ends, so that V8 keeps the constants of each in registers.
  while (at + 18 <= end) {
    const found = v128.load(at);
    if (i8x16.bitmask(found) == 0) {
      do {
        const block = v128.load(at);
        v128.store(to, i16x8.extend_low_i8x16_u(block));
        v128.store(to, i16x8.extend_high_i8x16_u(block), 16);
        at += 16;
        to += 32;
      } while (at + 18 <= end && i8x16.bitmask(v128.load(at)) == 0);
    } else if (starts(found) == THREES) {
      do {
        v128.store(to, fiveOfThree(v128.load(at)));
        at += 15;
        to += 10;
      } while (at + 18 <= end && starts(v128.load(at)) == THREES);
    } else {
      let lanes = 0;
      do {
        const block = v128.load(at);
        lanes = starts(block);
        // A character of four bytes that begins at the block's last byte is left to the next block.
        const count = load<u8>(at, 15) >= 0xf0 ? 15 : 16;
        to = put(block, v128.load(at, 1), v128.load(at, 2), lanes, (1 << count) - 1, to);
        at += count;
      } while (at + 18 <= end && lanes != THREES_FROM_SECOND && lanes != ONES);
    }
  }
  if (at + 16 <= end) {
    const count = load<u8>(at, 13) >= 0xf0 ? 13 : 14;
    to = putLast(v128.load(at), count, to);
    at += count;
  }
  if (at < end) {
    const block = length < 16 ? loadShort(at, length) : loadEnd(at, end);
    to = putLast(block, i32(end - at), to);
  }
  return <i32>((to - start) >> 1);
}

/** The bits of the bytes that are not continuations. */
function starts(block: v128): i32 {
  return i8x16.bitmask(i8x16.gt_s(block, i8x16.splat(-65)));
}

/** The block moved down by a byte. */
function following(block: v128): v128 {
  return i8x16.shuffle(block, i8x16.splat(0), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
}

/** The units of five characters of three bytes, in the first five lanes. */
function fiveOfThree(block: v128): v128 {
  const zero = i8x16.splat(0);
  const first = i8x16.shuffle(block, zero, 0, 16, 3, 16, 6, 16, 9, 16, 12, 16, 16, 16, 16, 16, 16, 16);
  const second = i8x16.shuffle(block, zero, 1, 16, 4, 16, 7, 16, 10, 16, 13, 16, 16, 16, 16, 16, 16, 16);
  const third = i8x16.shuffle(block, zero, 2, 16, 5, 16, 8, 16, 11, 16, 14, 16, 16, 16, 16, 16, 16, 16);
  const low = i16x8.splat(0x3f);
  return v128.or(v128.or(i16x8.shl(first, 12), i16x8.shl(v128.and(second, low), 6)), v128.and(third, low));
}

/** Writes the units of the characters in the first `count` bytes of the block, which hold the last one whole. */
function putLast(block: v128, count: i32, to: usize): usize {
  const after1 = following(block);
  return put(block, after1, following(after1), starts(block), (1 << count) - 1, to);
}

/**
 * Writes the units that begin in `block` at the bytes in `places`, `lanes` being the starts; the other vectors hold,
 * for each byte, the first and the second byte after it. Returns the address after the last unit.
 */
// @ts-ignore: decorator
@inline
function put(block: v128, after1: v128, after2: v128, lanes: i32, places: i32, to: usize): usize {
  const half = i8x16.splat(0x0f);
  const second = v128.and(after1, i8x16.splat(0x3f));
  const third = v128.and(after2, i8x16.splat(0x3f));
  const lowOfTwo = v128.or(i16x8.shl(v128.and(block, i8x16.splat(0x03)), 6), second);
  const highOfTwo = v128.and(i16x8.shr_u(block, 2), half);
  const lowOfThree = v128.or(i16x8.shl(v128.and(second, i8x16.splat(0x03)), 6), third);
  const secondHigh = v128.and(i16x8.shr_u(second, 2), half);
  const highOfThree = v128.or(i16x8.shl(v128.and(block, half), 4), secondHigh);
  const three = i8x16.gt_s(block, i8x16.splat(-33));
  const ascii = i8x16.gt_s(block, i8x16.splat(-1));
  let low = v128.bitselect(block, v128.bitselect(lowOfThree, lowOfTwo, three), ascii);
  let high = v128.andnot(v128.bitselect(highOfThree, highOfTwo, three), ascii);
  const four = i8x16.ge_u(block, i8x16.splat(-16));
  const fours = i8x16.bitmask(four);
  if (fours != 0) {
    // With p the code point minus 10000, the high surrogate is d800 plus p's upper ten bits, the low one dc00 plus the
    // lower ten.
    const upper = v128.or(i16x8.shl(second, 2), v128.and(i16x8.shr_u(third, 4), i8x16.splat(0x03)));
    const borrow = i8x16.lt_u(upper, i8x16.splat(0x40));
    const highOfUpper = i8x16.add(i8x16.add(v128.and(block, half), i8x16.splat(-40)), borrow);
    const highOfLower = v128.or(v128.and(secondHigh, i8x16.splat(0x03)), i8x16.splat(-36));
    const fourBefore = i8x16.shuffle(
      i8x16.splat(0),
      four,
      15,
      16,
      17,
      18,
      19,
      20,
      21,
      22,
      23,
      24,
      25,
      26,
      27,
      28,
      29,
      30,
    );
    low = v128.bitselect(i8x16.sub(upper, i8x16.splat(0x40)), low, four);
    low = v128.bitselect(lowOfThree, low, fourBefore);
    high = v128.bitselect(highOfUpper, high, four);
    high = v128.bitselect(highOfLower, high, fourBefore);
    lanes |= fours << 1;
  }
  lanes &= places;
  const units1 = i8x16.shuffle(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const units2 = i8x16.shuffle(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return putLanes(units2, lanes >> 8, putLanes(units1, lanes & 0xff, to));
}

/** Writes the units of the lanes whose bits are set. */
function putLanes(units: v128, lanes: i32, to: usize): usize {
  v128.store(to, i8x16.swizzle(units, v128.load(SHUFFLES + ((<usize>lanes) << 4))));
  return to + ((<usize>popcnt(lanes)) << 1);
}
