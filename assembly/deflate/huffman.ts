// `makeCode` finds the Huffman code of limited length for the symbols of a block, by how often they occur.
import { DISTANCES, LITERALS, workAddress } from './memory';

const GAPS: usize = memory.data<u8>([57, 23, 10, 4, 1]);
const GAP_COUNT = 5;

// A symbol has 32 bits: how often it occurs, until the code is made; then its code, first bit lowest, in the high half,
// and the code's length in the low half.

/**
 * Makes the code of `size` symbols at `symbols`, from their frequencies, each below 65,536. At least two get a code: a
 * code of one symbol would be incomplete, and not every decoder takes it.
 * @param limit the most bits of a code (RFC 1951 3.2.7)
 */
export function makeCode(symbols: usize, size: i32, limit: i32): void {
  // work: keys in order, of the frequency and the symbol; then weights, which become depths
  const keys = workAddress();
  const weights = keys + 1536;
  let used = 0;
  for (let symbol = 0; symbol < size; symbol++) {
    const frequency = get(symbols, symbol);
    if (frequency > 0) set(keys, used++, (frequency << 9) | symbol);
  }
  for (let symbol = 0; used < 2; symbol++) {
    if (get(symbols, symbol) == 0) set(keys, used++, (1 << 9) | symbol);
  }
  sort(keys, used);
  for (let i = 0; i < used; i++) set(weights, i, get(keys, i) >> 9);
  findDepths(weights, used);
  const counts = weights + 1536;
  countLengths(weights, used, counts, limit);
  memory.fill(symbols, 0, (<usize>size) << 2);
  // The rarest symbols get the longest codes.
  let length = limit;
  let rest = get(counts, length);
  for (let i = 0; i < used; i++) {
    while (rest == 0) rest = get(counts, --length);
    rest--;
    set(symbols, get(keys, i) & 511, length);
  }
  assignCodes(symbols, size, counts, limit);
}

/** Puts keys in order by Shell's method. */
function sort(keys: usize, size: i32): void {
  for (let step = 0; step < GAP_COUNT; step++) {
    const gap = <i32>load<u8>(GAPS + step);
    for (let i = gap; i < size; i++) {
      const key = get(keys, i);
      let j = i;
      while (j >= gap && get(keys, j - gap) > key) {
        set(keys, j, get(keys, j - gap));
        j -= gap;
      }
      set(keys, j, key);
    }
  }
}

// @ts-ignore: decorator
@inline
function get(list: usize, index: i32): i32 {
  return load<i32>(list + ((<usize>index) << 2));
}

// @ts-ignore: decorator
@inline
function set(list: usize, index: i32, value: i32): void {
  store<i32>(list + ((<usize>index) << 2), value);
}

/**
 * Replaces weights in rising order by the depths of their leaves in a Huffman tree: the method of Moffat and Katajainen
 * ("In-place calculation of minimum-redundancy codes", 1995).
 */
function findDepths(weights: usize, size: i32): void {
  // Inner nodes are made from left to right, in the places of the leaves that they have used up; each then holds the
  // place of its parent.
  set(weights, 0, get(weights, 0) + get(weights, 1));
  let inner = 0;
  let leaf = 2;
  for (let next = 1; next < size - 1; next++) {
    let weight = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= size || (inner < next && get(weights, inner) < get(weights, leaf))) {
        weight += get(weights, inner);
        set(weights, inner++, next);
      } else {
        weight += get(weights, leaf++);
      }
    }
    set(weights, next, weight);
  }
  // Parents become depths of inner nodes, from the root down.
  set(weights, size - 2, 0);
  for (let node = size - 3; node >= 0; node--) set(weights, node, get(weights, get(weights, node)) + 1);
  // The places of a level that are not inner nodes are leaves.
  let places = 1;
  let depth = 0;
  let node = size - 2;
  let next = size - 1;
  while (places > 0) {
    let inners = 0;
    while (node >= 0 && get(weights, node) == depth) {
      inners++;
      node--;
    }
    for (; places > inners; places--) set(weights, next--, depth);
    places = inners << 1;
    depth++;
  }
}

/** Counts the codes of each length, at most `limit`, so that all of them have a place. */
function countLengths(depths: usize, size: i32, counts: usize, limit: i32): void {
  memory.fill(counts, 0, 64);
  // How many codes of `limit` bits there are too many.
  let over = -(1 << limit);
  for (let i = 0; i < size; i++) {
    const length = min(get(depths, i), limit);
    set(counts, length, get(counts, length) + 1);
    over += 1 << (limit - length);
  }
  for (; over > 0; over--) {
    // One of the longest codes goes to the place beside a shorter one, which becomes longer.
    let length = limit - 1;
    while (get(counts, length) == 0) length--;
    set(counts, length, get(counts, length) - 1);
    set(counts, length + 1, get(counts, length + 1) + 2);
    set(counts, limit, get(counts, limit) - 1);
  }
}

// RFC 1951 3.2.2
function assignCodes(symbols: usize, size: i32, counts: usize, limit: i32): void {
  const codes = counts + 64;
  let code = 0;
  for (let length = 1; length <= limit; length++) {
    set(codes, length, code);
    code = (code + get(counts, length)) << 1;
  }
  for (let symbol = 0; symbol < size; symbol++) {
    const length = get(symbols, symbol);
    if (length == 0) continue;
    const next = get(codes, length);
    set(codes, length, next + 1);
    set(symbols, symbol, (reversed(next, length) << 16) | length);
  }
}

/** The lowest `length` bits, at most 15, in the other order. */
function reversed(code: i32, length: i32): i32 {
  code = ((code & 0x5555) << 1) | ((code >> 1) & 0x5555);
  code = ((code & 0x3333) << 2) | ((code >> 2) & 0x3333);
  code = ((code & 0x0f0f) << 4) | ((code >> 4) & 0x0f0f);
  return (((code & 0xff) << 8) | (code >> 8)) >> (16 - length);
}

/** Makes the fixed codes of both alphabets (RFC 1951 3.2.6). */
export function makeFixedCodes(literals: usize, distances: usize): void {
  for (let symbol = 0; symbol < LITERALS; symbol++) {
    const length = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
    const first = symbol < 144 ? 0x30 : symbol < 256 ? 0x190 - 144 : symbol < 280 ? -256 : 0xc0 - 280;
    set(literals, symbol, (reversed(first + symbol, length) << 16) | length);
  }
  for (let symbol = 0; symbol < DISTANCES; symbol++) set(distances, symbol, (reversed(symbol, 5) << 16) | 5);
}
