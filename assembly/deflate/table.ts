// `buildTable` makes the table by which Huffman codes (RFC 1951 3.2.2) are decoded, several bits at once.
import { CODE_LENGTH_BITS, workAddress } from './memory';

// An entry is found by the next bits of the stream, the first bit lowest. 32 bits:
//
//   31         16   15       14     13     12    11    8   5    0
//  +-------------+---------+-----+-------+-----+--------+--------+
//  | value       | LITERAL | ODD | TABLE | END | length | total  |
//  +-------------+---------+-----+-------+-----+--------+--------+
//
// value: a literal, the base of a length or distance, or the first entry of a second table. length: bits of the code;
// of a TABLE, the bits by which the second table is found, behind those of the first. total: bits of the code and of
// the extra bits behind it.
export const LITERAL: u32 = 0x8000;
/** Neither a literal nor a base: a second table, the end of the block, or, with neither bit, no code at all. */
export const ODD: u32 = 0x4000;
export const TABLE: u32 = 0x2000;
export const END: u32 = 0x1000;

/** A code that stands for nothing: zlib takes one bit of it before it fails. */
const NO_CODE: u32 = ODD | (1 << 8) | 1;

/** The alphabets (RFC 1951 3.2.5, 3.2.7). */
export enum Alphabet {
  CodeLengths,
  Literals,
  Distances,
}

const MAX_BITS: u32 = 15;

// RFC 1951 3.2.5: the base lengths and their extra bits, then the base distances and theirs.
const LENGTH_BASES: usize = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]);
const LENGTH_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const DISTANCE_BASES: usize = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
]);

/**
 * Makes a table of `1 << root` entries at `table`, and second tables behind it for longer codes.
 * @param lengths one byte for each of `size` symbols: how many bits its code has, at most 15; 0 for none
 * @returns 1; 0 if the lengths are those of no code: too many, or too few but for a single code of one bit, or none
 */
export function buildTable(lengths: usize, size: i32, table: usize, root: u32, alphabet: Alphabet): i32 {
  // work: how many codes have each length, then where each length begins among the symbols, then the symbols in order
  const counts = workAddress();
  const places = counts + 64;
  const sorted = places + 64;
  memory.fill(counts, 0, 64);
  for (let symbol = 0; symbol < size; symbol++) {
    const place = counts + ((<usize>load<u8>(lengths + symbol)) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  const none = load<i32>(counts);
  store<i32>(counts, 0);
  let left = 1;
  let longest: u32 = 0;
  let place = 0;
  for (let length: u32 = 1; length <= MAX_BITS; length++) {
    const count = load<i32>(counts + (length << 2));
    left = (left << 1) - count;
    if (left < 0) return 0;
    if (count > 0) longest = length;
    store<i32>(places + (length << 2), place);
    place += count;
  }
  if (left > 0) {
    // An incomplete code: zlib takes one that has no codes, or one code of one bit, and fails where another is read.
    if (longest > 1 || (longest == 1 && alphabet == Alphabet.CodeLengths)) return 0;
    // A code length code without codes reads as zeroes there, of one bit each.
    const filling = alphabet == Alphabet.CodeLengths ? (1 << 8) | 1 : NO_CODE;
    for (let i: usize = 0; i < 1 << root; i++) store<u32>(table + (i << 2), filling);
  }
  for (let symbol = 0; symbol < size; symbol++) {
    const length = <usize>load<u8>(lengths + symbol);
    if (length == 0) continue;
    const at = places + (length << 2);
    store<u16>(sorted + (load<u32>(at) << 1), <u16>symbol);
    store<u32>(at, load<u32>(at) + 1);
  }
  fill(sorted, size - none, lengths, table, root, alphabet);
  return 1;
}

function fill(sorted: usize, count: i32, lengths: usize, table: usize, root: u32, alphabet: Alphabet): void {
  const counts = workAddress();
  const end = sorted + (count << 1);
  // The code with its first bit lowest, as it is read.
  let code: u32 = 0;
  let next: u32 = 1 << root;
  let second: usize = 0;
  let secondBits: u32 = 0;
  let prefix: u32 = u32.MAX_VALUE;
  for (let at = sorted; at < end; at += 2) {
    const symbol = <u32>load<u16>(at);
    const length = <u32>load<u8>(lengths + symbol);
    const entry = entryOf(symbol, length, alphabet);
    if (length <= root) {
      for (let i = code; i < 1 << root; i += 1 << length) store<u32>(table + ((<usize>i) << 2), entry);
    } else {
      if ((code & ((1 << root) - 1)) != prefix) {
        prefix = code & ((1 << root) - 1);
        secondBits = bitsOfSecond(counts, length, root);
        second = table + ((<usize>next) << 2);
        store<u32>(table + ((<usize>prefix) << 2), (next << 16) | ODD | TABLE | (secondBits << 8) | root);
        next += 1 << secondBits;
      }
      for (let i = code >> root; i < 1 << secondBits; i += 1 << (length - root)) {
        store<u32>(second + ((<usize>i) << 2), entry);
      }
    }
    const counter = counts + (length << 2);
    store<u32>(counter, load<u32>(counter) - 1);
    let bit: u32 = 1 << (length - 1);
    while (code & bit) bit >>= 1;
    code = bit == 0 ? 0 : (code & (bit - 1)) | bit;
  }
}

/** By how many bits the table behind a first one is found, where the codes counted are still to come. */
function bitsOfSecond(counts: usize, length: u32, root: u32): u32 {
  let bits = length - root;
  let left: i32 = 1 << bits;
  while (bits + root < MAX_BITS) {
    left -= load<i32>(counts + ((bits + root) << 2));
    if (left <= 0) break;
    bits++;
    left <<= 1;
  }
  return bits;
}

function entryOf(symbol: u32, length: u32, alphabet: Alphabet): u32 {
  const bits = (length << 8) | length;
  if (alphabet == Alphabet.CodeLengths) return (symbol << 16) | bits;
  if (alphabet == Alphabet.Distances) {
    // RFC 1951 3.2.6: distances 30 and 31 never occur
    if (symbol > 29) return ODD | bits;
    const extra: u32 = symbol < 4 ? 0 : (symbol >> 1) - 1;
    return ((<u32>load<u16>(DISTANCE_BASES + (symbol << 1))) << 16) | (bits + extra);
  }
  if (symbol < 256) return (symbol << 16) | LITERAL | bits;
  if (symbol == 256) return ODD | END | bits;
  // RFC 1951 3.2.6: codes 286 and 287 never occur
  if (symbol > 285) return ODD | bits;
  const extra = <u32>load<u8>(LENGTH_EXTRA + (symbol - 257));
  return ((<u32>load<u16>(LENGTH_BASES + ((symbol - 257) << 1))) << 16) | (bits + extra);
}

/** Makes the table of code lengths at `table`. */
export function buildCodeLengthTable(lengths: usize, table: usize): i32 {
  return buildTable(lengths, 19, table, CODE_LENGTH_BITS, Alphabet.CodeLengths);
}
