// `deflate` compresses bytes into one block (RFC 1951): it looks for earlier bytes in chains of places with the same hash.
import { Flush, MAX_WINDOW } from '../../src/spec/deflate';
import { addLiteral, addMatch, beginBlock, resetBits, writeBlock } from './block';
import { HASH_BITS, WINDOW_LENGTH, headsAddress, linksAddress, windowAddress } from './memory';

/** The shortest match that is looked for: its bytes are hashed. */
const MIN_MATCH: u32 = 4;
/** The longest match (RFC 1951 3.2.5). */
const MAX_MATCH: u32 = 258;
const LINK_MASK: usize = MAX_WINDOW - 1;

/** The end of the bytes that are here, the first that a match may refer to, and the first that no chain holds yet. */
let end: usize = 0;
let oldest: usize = 0;
let unlinked: usize = 0;

// The effort, and the window.
let windowLength: usize = MAX_WINDOW;
/** A match this long is good enough: from here on fewer places are looked at. */
let goodLength: u32 = 8;
/** A match this long is taken without a look at the next byte. */
let lazyLength: u32 = 16;
/** A match this long ends the search. */
let niceLength: u32 = 128;
let chainLength: u32 = 128;

/** The length and distance of the match that `search` found; 0 for none. */
let foundDistance: u32 = 0;

/**
 * Lets a connection in that has deflated `length` bytes to which its stream may refer, at most its window.
 * @returns where these bytes are to be put
 */
export function admitDeflater(length: i32, window: i32, good: u32, lazy: u32, nice: u32, chain: u32): usize {
  windowLength = window;
  goodLength = good;
  lazyLength = lazy;
  niceLength = nice;
  chainLength = chain;
  resetBits();
  end = max(end, windowAddress());
  oldest = end;
  const place = room(length);
  end += length;
  return place;
}

/** Begins a new stream, which refers to nothing that was before it. */
export function restartDeflater(): void {
  oldest = end;
  unlinked = end;
  resetBits();
}

/** How many of the last bytes the stream may refer to. */
export function deflaterFilled(): i32 {
  return <i32>min(end - oldest, windowLength);
}

/** Where the next `length` bytes to deflate are to be put, at most DEFLATE_INPUT. */
export function room(length: i32): usize {
  if (end + length > windowAddress() + WINDOW_LENGTH) moveWindow();
  return end;
}

/** Moves the window to the beginning of its area. */
function moveWindow(): void {
  const filled = min(end - oldest, windowLength);
  // Links are found by the low bits of a place, so that these stay.
  const shift = (end - filled - windowAddress()) & ~LINK_MASK;
  memory.copy(end - filled - shift, end - filled, filled);
  end -= shift;
  oldest = end - filled;
  unlinked = max(unlinked - shift, oldest);
  const heads = headsAddress();
  const by = i32x4.splat(<i32>shift);
  for (let at = heads; at < heads + (4 << HASH_BITS); at += 16) {
    v128.store(at, i32x4.max_s(i32x4.sub(v128.load(at), by), i32x4.splat(0)));
  }
}

// @ts-ignore: decorator
@inline
function headOf(at: usize): usize {
  return headsAddress() + ((<usize>((load<u32>(at) * 0x9e3779b1) >> (32 - HASH_BITS))) << 2);
}

/** Puts a place at the head of its chain; returns the place that was there. */
// @ts-ignore: decorator
@inline
function link(at: usize): usize {
  const head = headOf(at);
  const before = <usize>load<u32>(head);
  store<u32>(head, <u32>at);
  const back = at - before;
  // 0 ends a chain.
  store<u16>(linksAddress() + ((at & LINK_MASK) << 1), <u16>(back > <usize>MAX_WINDOW ? 0 : back));
  return before;
}

/** Puts places up to `to` in their chains, as far as their bytes are here. */
function linkTo(to: usize): void {
  const stop = min(to, end - min(end, MIN_MATCH - 1));
  while (unlinked < stop) link(unlinked++);
}

/** Deflates the `length` bytes at `room()`; returns how many bytes there are at `deflatedAddress`. */
export function deflate(length: i32, flush: Flush): i32 {
  const from = end;
  end += length;
  unlinked = max(unlinked, oldest);
  beginBlock();
  linkTo(from);
  let at = from;
  // The match at the byte before, which waits for a longer one here; without a match it is a literal that waits.
  let isWaiting = false;
  let waitingLength: u32 = 0;
  let waitingDistance: u32 = 0;
  while (at < end) {
    let found: u32 = 0;
    if (at + MIN_MATCH <= end) {
      const before = link(at);
      unlinked = at + 1;
      found = search(at, before, waitingLength);
    }
    if (waitingLength >= MIN_MATCH && found <= waitingLength) {
      addMatch(waitingLength, waitingDistance);
      at += waitingLength - 1;
      linkTo(at);
      isWaiting = false;
      waitingLength = 0;
      continue;
    }
    if (isWaiting) addLiteral(load<u8>(at - 1));
    if (found >= MIN_MATCH && found >= lazyLength) {
      addMatch(found, foundDistance);
      at += found;
      linkTo(at);
      isWaiting = false;
      waitingLength = 0;
    } else {
      isWaiting = true;
      waitingLength = found;
      waitingDistance = foundDistance;
      at++;
    }
  }
  if (isWaiting) addLiteral(load<u8>(end - 1));
  return writeBlock(from, length, flush);
}

/** The length of the longest match at a place, if it is longer than `least`, else 0; `before` is the next of its chain. */
function search(at: usize, before: usize, least: u32): u32 {
  const longest = min(<u32>(end - at), MAX_MATCH);
  const first = max(oldest, at - min(at, windowLength));
  const nice = min(niceLength, longest);
  let best = max(least, MIN_MATCH - 1);
  if (best >= longest) return 0;
  let tries = least >= goodLength ? chainLength >> 2 : chainLength;
  let length: u32 = 0;
  // The four bytes of which the last would make the match longer.
  let wanted = load<u32>(at + best - 3);
  while (before >= first && before < at && tries-- > 0) {
    if (load<u32>(before + best - 3) == wanted) {
      const matched = matchLength(before, at, longest);
      if (matched > best) {
        best = matched;
        length = matched;
        foundDistance = <u32>(at - before);
        if (matched >= nice) break;
        wanted = load<u32>(at + best - 3);
      }
    }
    const back = <usize>load<u16>(linksAddress() + ((before & LINK_MASK) << 1));
    if (back == 0) break;
    before -= back;
  }
  return length;
}

/** How many bytes are the same at both places, at most `longest`; up to 7 bytes behind those are read. */
function matchLength(one: usize, other: usize, longest: u32): u32 {
  let length: u32 = 0;
  do {
    const difference = load<u64>(one + length) ^ load<u64>(other + length);
    if (difference != 0) return min(length + <u32>(ctz(difference) >> 3), longest);
    length += 8;
  } while (length < longest);
  return longest;
}
