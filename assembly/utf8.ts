// `isUtf8` and `continueUtf8` validate UTF-8 (RFC 3629), whole or resumed in mid-character, 16 bytes at a time. No byte
// outside the given area is read.
//
// Blocks are judged by the lookup of Keiser and Lemire ("Validating UTF-8 in less than one instruction per byte",
// 2021): three tables, indexed by the two halves of the byte before and by the high half of the byte itself, hold a bit
// for each mistake that two neighbouring bytes can show; a bit that all three tables set is a mistake made. Two bytes
// cannot show whether a third or fourth byte of a character is a continuation, so that is compared apart.

import { loadEnd, loadShort } from './vector';

const TOO_SHORT: i8 = 1 << 0; //      a lead, then no continuation
const TOO_LONG: i8 = 1 << 1; //       ASCII, then a continuation
const OVERLONG_3: i8 = 1 << 2; //     e0, then 80-9f
const TOO_LARGE: i8 = 1 << 3; //      f4, then 90-bf; or f5-ff, then a continuation
const SURROGATE: i8 = 1 << 4; //      ed, then a0-bf
const OVERLONG_2: i8 = 1 << 5; //     c0 or c1, then a continuation
const TOO_LARGE_1000: i8 = 1 << 6; // f5-ff, then 80-8f
const OVERLONG_4: i8 = 1 << 6; //     f0, then 80-8f
const TWO_CONTINUATIONS: i8 = -128;

// The mistakes that the high half of the byte before allows, then its low half, then the high half of the byte itself.
const BY_HIGH_BEFORE: v128 = i8x16(
  TOO_LONG, // 0
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TWO_CONTINUATIONS, // 8
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TOO_SHORT | OVERLONG_2, // c
  TOO_SHORT,
  TOO_SHORT | OVERLONG_3 | SURROGATE,
  TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
);
const ANY: i8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;
const HUGE: i8 = ANY | TOO_LARGE | TOO_LARGE_1000;
const BY_LOW_BEFORE: v128 = i8x16(
  ANY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, // 0
  ANY | OVERLONG_2,
  ANY,
  ANY,
  ANY | TOO_LARGE, // 4
  HUGE,
  HUGE,
  HUGE,
  HUGE, // 8
  HUGE,
  HUGE,
  HUGE,
  HUGE, // c
  HUGE | SURROGATE,
  HUGE,
  HUGE,
);
const CONTINUATION: i8 = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;
const BY_HIGH: v128 = i8x16(
  TOO_SHORT, // 0
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4, // 8
  CONTINUATION | OVERLONG_3 | TOO_LARGE,
  CONTINUATION | SURROGATE | TOO_LARGE,
  CONTINUATION | SURROGATE | TOO_LARGE,
  TOO_SHORT, // c
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
);

/** 1 if [at, at + length) is whole, valid UTF-8, 0 if not. */
export function isUtf8(at: usize, length: i32): i32 {
  const end = at + length;
  if (length < 16) {
    const block = loadShort(at, length);
    if (i8x16.bitmask(block) == 0) return 1;
    return v128.any_true(mistakesAfterAscii(block)) ? 0 : 1;
  }
  at = skipAscii(at, end);
  if (at == end) return 1;
  if (at + 16 > end) {
    return v128.any_true(mistakesAfterAscii(loadEnd(at, end))) ? 0 : 1;
  }
  let wrong = mistakesAfterAscii(v128.load(at));
  at += 16;
  while (at + 64 <= end) {
    if (isAsciiBlock(at)) {
      wrong = v128.or(wrong, unfinished(v128.load(at - 16)));
      at += 64;
    } else {
      // One block at a time: on four at once V8 runs out of registers, and is slower.
      const stop = at + 64;
      do {
        wrong = v128.or(wrong, mistakesAt(at));
        at += 16;
      } while (at < stop);
      if (v128.any_true(wrong)) return 0;
    }
  }
  while (at + 16 <= end) {
    wrong = v128.or(wrong, mistakesAt(at));
    at += 16;
  }
  if (at == end) {
    wrong = v128.or(wrong, unfinished(v128.load(at - 16)));
  } else {
    wrong = v128.or(wrong, mistakesAfter(v128.load(at - 16), loadEnd(at, end)));
  }
  return v128.any_true(wrong) ? 0 : 1;
}

/**
 * Continues to validate from `state` (0 at a character's start) over [at, at + length). Returns the state after the
 * last byte: 0 between characters, -1 once no further bytes can make it UTF-8, and otherwise
 * `needed | lowest << 8 | highest << 16`: the bytes the open character still needs, and the bounds of the next one.
 */
export function continueUtf8(at: usize, length: i32, state: i32): i32 {
  const end = at + length;
  while (state > 0 && at < end) {
    state = stateAfter(state, load<u8>(at));
    at += 1;
  }
  if (state != 0 || at == end) return state;
  const boundary = lastStart(at, end);
  if (!isUtf8(at, <i32>(boundary - at))) return -1;
  at = boundary;
  while (state >= 0 && at < end) {
    state = stateAfter(state, load<u8>(at));
    at += 1;
  }
  return state;
}

/** Whether every byte of [at, at + length) is below 0x80. */
export function isAscii(at: usize, length: i32): bool {
  if (length < 16) return i8x16.bitmask(loadShort(at, length)) == 0;
  const end = at + length;
  return skipAscii(at, end) == end;
}

/**
 * The first of the places `at`, `at + 16`, ... from which 16 bytes are not all ASCII; `end` if there is none and the
 * bytes after the last whole block are ASCII too. The area has at least 16 bytes.
 */
function skipAscii(at: usize, end: usize): usize {
  while (at + 64 <= end) {
    if (!isAsciiBlock(at)) break;
    at += 64;
  }
  while (at + 16 <= end) {
    if (i8x16.bitmask(v128.load(at)) != 0) return at;
    at += 16;
  }
  return i8x16.bitmask(v128.load(end - 16)) == 0 ? end : at;
}

/** Where the last character of [at, end) starts if it may be unfinished; otherwise `end`. */
function lastStart(at: usize, end: usize): usize {
  let place = end;
  while (place > at && end - place < 3) {
    place -= 1;
    const byte = load<u8>(place);
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return place;
  }
  return end;
}

/** The resumable state after one more byte; `state` is not -1. */
function stateAfter(state: i32, byte: i32): i32 {
  if (state != 0) {
    if (byte < ((state >> 8) & 0xff) || byte > state >> 16) return -1;
    const needed = (state & 0xff) - 1;
    return needed == 0 ? 0 : awaiting(needed, 0x80, 0xbf);
  }
  if (byte < 0x80) return 0;
  // RFC 3629 4: c0, c1 and f5-ff never appear; e0, ed, f0 and f4 narrow the byte after them.
  if (byte < 0xc2 || byte > 0xf4) return -1;
  if (byte < 0xe0) return awaiting(1, 0x80, 0xbf);
  if (byte < 0xf0) return awaiting(2, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf);
  return awaiting(3, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf);
}

function awaiting(needed: i32, lowest: i32, highest: i32): i32 {
  return needed | (lowest << 8) | (highest << 16);
}

/** Not zero where a character begins so late in the block that it cannot end there. */
function unfinished(block: v128): v128 {
  const highest = i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -17, -33, -65); // ef, df, bf
  return i8x16.sub_sat_u(block, highest);
}

/** Whether the 64 bytes at `at` are all ASCII. */
function isAsciiBlock(at: usize): bool {
  const first = v128.or(v128.load(at), v128.load(at, 16));
  const second = v128.or(v128.load(at, 32), v128.load(at, 48));
  return i8x16.bitmask(v128.or(first, second)) == 0;
}

/** The mistakes of the block at `at`, before which lie at least 3 bytes of the area. */
function mistakesAt(at: usize): v128 {
  return mistakes(v128.load(at), v128.load(at - 1), v128.load(at - 2), v128.load(at - 3));
}

function mistakesAfterAscii(block: v128): v128 {
  return mistakesAfter(i8x16.splat(0), block);
}

function mistakesAfter(before: v128, block: v128): v128 {
  return mistakes(
    block,
    i8x16.shuffle(before, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30),
    i8x16.shuffle(before, block, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29),
    i8x16.shuffle(before, block, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28),
  );
}

/** Not zero where the block is wrong; the other vectors hold, for each byte, the one 1, 2 and 3 bytes before it. */
function mistakes(block: v128, before1: v128, before2: v128, before3: v128): v128 {
  const low = i8x16.splat(0x0f);
  const pairs = v128.and(
    v128.and(
      i8x16.swizzle(BY_HIGH_BEFORE, v128.and(i16x8.shr_u(before1, 4), low)),
      i8x16.swizzle(BY_LOW_BEFORE, v128.and(before1, low)),
    ),
    i8x16.swizzle(BY_HIGH, v128.and(i16x8.shr_u(block, 4), low)),
  );
  // e0-ff two bytes before and f0-ff three bytes before demand a continuation: the bit of TWO_CONTINUATIONS.
  const demanded = v128.or(i8x16.sub_sat_u(before2, i8x16.splat(0x60)), i8x16.sub_sat_u(before3, i8x16.splat(0x70)));
  return v128.xor(v128.and(demanded, i8x16.splat(-128)), pairs);
}
