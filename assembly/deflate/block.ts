// `writeBlock` writes the symbols of one block in the shortest of three ways: stored, with fixed codes or with codes of its own.
import { Flush } from '../../src/spec/deflate';
import { distanceCode, distanceExtra, lengthCode, lengthExtra } from './alphabet';
import { makeCode, makeFixedCodes } from './huffman';
import {
  CODE_LENGTHS,
  DISTANCES,
  LITERALS,
  codeLengths,
  deflatedAddress,
  distances,
  fixedDistances,
  fixedLiterals,
  literals,
  runsAddress,
  symbolsAddress,
} from './memory';

// A symbol: a literal in the high half, with 0 in the low one; or a length in the high half, and a distance in the low one.

const END_OF_BLOCK = 256;
const MAX_CODE: i32 = 15;
const MAX_CODE_LENGTH_CODE: i32 = 7;
/** A block of fewer bits with fixed codes is never shorter with codes of its own. */
const SHORT: u32 = 400;

// RFC 1951 3.2.7
const ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

let bits: u64 = 0;
let count: u32 = 0;
let to: usize = 0;
/** The end of the symbols. */
let end: usize = 0;
/** Bits of the block's symbols with fixed codes, and their extra bits, which are the same with any codes. */
let fixedBits: u32 = 0;
let extraBits: u32 = 0;
/** How many symbols the code length code stands for, each of 16 bits: a symbol, and its extra bits above. */
let runs: usize = 0;
let isPrepared: bool = false;

/** Forgets bits that have not been written. */
export function resetBits(): void {
  bits = 0;
  count = 0;
}

/** Begins a block without symbols. */
export function beginBlock(): void {
  if (!isPrepared) {
    makeFixedCodes(fixedLiterals(), fixedDistances());
    isPrepared = true;
  }
  memory.fill(literals(), 0, 4 * (LITERALS + DISTANCES + CODE_LENGTHS));
  end = symbolsAddress();
}

export function addLiteral(byte: u32): void {
  store<u32>(end, byte << 16);
  end += 4;
  const place = literals() + (byte << 2);
  store<u32>(place, load<u32>(place) + 1);
}

export function addMatch(length: u32, distance: u32): void {
  store<u32>(end, (length << 16) | distance);
  end += 4;
  const literal = literals() + (lengthCode(length) << 2);
  store<u32>(literal, load<u32>(literal) + 1);
  const place = distances() + (distanceCode(distance) << 2);
  store<u32>(place, load<u32>(place) + 1);
}

/**
 * Writes the block, and a sync flush after it if that is asked.
 * @param from the bytes that the symbols stand for
 * @returns how many whole bytes have been written to `deflatedAddress`; bits that are left come with the next block
 */
export function writeBlock(from: usize, length: i32, flush: Flush): i32 {
  to = deflatedAddress();
  const place = literals() + 4 * END_OF_BLOCK;
  store<u32>(place, 1);
  measure();
  // Stored: the rest of a byte, and two lengths.
  const storedBits: u32 = (-(count + 3) & 7) + 32 + ((<u32>length) << 3);
  const best = min(fixedBits, storedBits);
  const ownBits = best < SHORT ? u32.MAX_VALUE : makeOwnCodes();
  if (ownBits < best) {
    put(2 << 1, 3);
    putOwnCodes();
    putSymbols(literals(), distances());
  } else if (fixedBits <= storedBits) {
    put(1 << 1, 3);
    putSymbols(fixedLiterals(), fixedDistances());
  } else {
    putStored(from, length);
  }
  if (flush != Flush.None) {
    // RFC 7692 7.2.1: an empty stored block, of which the sender cuts off the two lengths
    put(0, 3);
    align();
    if (flush == Flush.Whole) {
      store<u32>(to, 0xffff0000);
      to += 4;
    }
  }
  return <i32>(to - deflatedAddress());
}

/** Counts the bits of the symbols with fixed codes, and their extra bits. */
function measure(): void {
  fixedBits = 0;
  extraBits = 0;
  for (let code = 0; code < LITERALS; code++) {
    const times = load<u32>(literals() + (code << 2));
    fixedBits += times * (load<u32>(fixedLiterals() + (code << 2)) & 0xffff);
    if (code > 264) extraBits += times * lengthExtra(code);
  }
  for (let code = 0; code < DISTANCES; code++) {
    const times = load<u32>(distances() + (code << 2));
    fixedBits += times * 5;
    extraBits += times * distanceExtra(code);
  }
  fixedBits += extraBits;
}

/** Makes the block's own codes; returns how many bits it has with them, less its first three. */
function makeOwnCodes(): u32 {
  const runsEnd = runsAddress();
  // The codes take the place of frequencies, which are needed for the sum.
  const kept = runsAddress() + 1024;
  memory.copy(kept, literals(), 4 * (LITERALS + DISTANCES));
  makeCode(literals(), LITERALS, MAX_CODE);
  makeCode(distances(), DISTANCES, MAX_CODE);
  let sum = extraBits;
  for (let code = 0; code < LITERALS + DISTANCES; code++) {
    sum += load<u32>(kept + (code << 2)) * (load<u32>(literals() + (code << 2)) & 0xffff);
  }
  runs = runsEnd;
  collectRuns();
  return sum + finishRuns();
}

/** How many codes are written: those behind the last that occurs are not (RFC 1951 3.2.7). */
function sizeOf(codes: usize, size: u32, least: u32): u32 {
  while (size > least && load<u32>(codes + ((size - 1) << 2)) == 0) size--;
  return size;
}

/** Writes the lengths of both codes, which count as one list, as runs. */
function collectRuns(): void {
  const literalSize = sizeOf(literals(), LITERALS, 257);
  const total = literalSize + sizeOf(distances(), DISTANCES, 1);
  let i: u32 = 0;
  while (i < total) {
    const length = codeLengthAt(i, literalSize);
    let times: u32 = 1;
    while (i + times < total && codeLengthAt(i + times, literalSize) == length) times++;
    i += times;
    if (length != 0) {
      addRun(length, 0);
      times--;
    }
    while (times >= 3) {
      if (length != 0) {
        const some = min(times, 6);
        addRun(16, some - 3);
        times -= some;
      } else {
        const some = min(times, 138);
        if (some < 11) addRun(17, some - 3);
        else addRun(18, some - 11);
        times -= some;
      }
    }
    for (; times > 0; times--) addRun(length, 0);
  }
}

function codeLengthAt(index: u32, literalSize: u32): u32 {
  const codes = index < literalSize ? literals() : distances() - (literalSize << 2);
  return load<u32>(codes + (index << 2)) & 0xffff;
}

function addRun(symbol: u32, extra: u32): void {
  store<u16>(runs, <u16>((extra << 5) | symbol));
  runs += 2;
  const place = codeLengths() + (symbol << 2);
  store<u32>(place, load<u32>(place) + 1);
}

/** Makes the code length code; returns how many bits the lengths take. */
function finishRuns(): u32 {
  let sum: u32 =
    14 +
    2 * load<u32>(codeLengths() + 4 * 16) +
    3 * load<u32>(codeLengths() + 4 * 17) +
    7 * load<u32>(codeLengths() + 4 * 18);
  makeCode(codeLengths(), CODE_LENGTHS, MAX_CODE_LENGTH_CODE);
  for (let at = runsAddress(); at < runs; at += 2) {
    sum += load<u32>(codeLengths() + (((<usize>load<u16>(at)) & 31) << 2)) & 0xffff;
  }
  return sum + 3 * orderedSize();
}

/** How many lengths of the code length code are written. */
function orderedSize(): u32 {
  let size: u32 = CODE_LENGTHS;
  while (size > 4 && load<u32>(codeLengths() + ((<usize>load<u8>(ORDER + size - 1)) << 2)) == 0) size--;
  return size;
}

// RFC 1951 3.2.7
function putOwnCodes(): void {
  const size = orderedSize();
  put(sizeOf(literals(), LITERALS, 257) - 257, 5);
  put(sizeOf(distances(), DISTANCES, 1) - 1, 5);
  put(size - 4, 4);
  for (let i: u32 = 0; i < size; i++) put(load<u32>(codeLengths() + ((<usize>load<u8>(ORDER + i)) << 2)) & 0xffff, 3);
  for (let at = runsAddress(); at < runs; at += 2) {
    const run = <u32>load<u16>(at);
    const symbol = run & 31;
    putCode(load<u32>(codeLengths() + (symbol << 2)));
    if (symbol > 15) put(run >> 5, symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
  }
}

function putSymbols(literals: usize, distances: usize): void {
  const stop = end;
  let stream = bits;
  let filled = count;
  let at = to;
  for (let symbol = symbolsAddress(); symbol < stop; symbol += 4) {
    const value = load<u32>(symbol) >> 16;
    const distance = load<u32>(symbol) & 0xffff;
    if (distance == 0) {
      const code = load<u32>(literals + (value << 2));
      stream |= (<u64>(code >> 16)) << filled;
      filled += code & 0xffff;
    } else {
      const lengthSymbol = lengthCode(value);
      let code = load<u32>(literals + (lengthSymbol << 2));
      stream |= (<u64>(code >> 16)) << filled;
      filled += code & 0xffff;
      let extra = lengthExtra(lengthSymbol);
      stream |= (<u64>((value - 3) & ((1 << extra) - 1))) << filled;
      filled += extra;
      const distanceSymbol = distanceCode(distance);
      code = load<u32>(distances + (distanceSymbol << 2));
      stream |= (<u64>(code >> 16)) << filled;
      filled += code & 0xffff;
      extra = distanceExtra(distanceSymbol);
      stream |= (<u64>((distance - 1) & ((1 << extra) - 1))) << filled;
      filled += extra;
    }
    // At most 7 bits stay, and a symbol adds at most 48.
    store<u64>(at, stream);
    at += filled >> 3;
    stream >>= filled & ~7;
    filled &= 7;
  }
  bits = stream;
  count = filled;
  to = at;
  putCode(load<u32>(literals + 4 * END_OF_BLOCK));
}

// RFC 1951 3.2.4
function putStored(from: usize, length: i32): void {
  put(0, 3);
  align();
  store<u32>(to, length | (~length << 16));
  memory.copy(to + 4, from, length);
  to += 4 + length;
}

function putCode(code: u32): void {
  put(code >> 16, code & 0xffff);
}

/** Writes at most 16 bits. */
function put(value: u32, length: u32): void {
  bits |= (<u64>value) << count;
  count += length;
  store<u32>(to, <u32>bits);
  to += count >> 3;
  bits >>= count & ~7;
  count &= 7;
}

/** Fills the last byte with zeroes. */
function align(): void {
  if (count > 0) put(0, 8 - count);
}
