// `inflate` decodes a DEFLATE stream (RFC 1951) that comes in pieces, into the window of the connection that is here.
import { INFLATE_OUTPUT, Inflating, MAX_WINDOW } from '../../src/spec/deflate';
import { copyMatch } from './copy';
import {
  CODE_LENGTH_BITS,
  DISTANCE_BITS,
  LITERAL_BITS,
  codeLengthTable,
  codeLengthsAddress,
  distanceTable,
  fixedDistanceTable,
  fixedLiteralTable,
  inputAddress,
  lengthsAddress,
  literalTable,
  outputAddress,
  suspendedAddress,
} from './memory';
import { Alphabet, END, LITERAL, ODD, TABLE, buildCodeLengthTable, buildTable } from './table';

/** Where in the stream the decoder stands, and so what it reads next. */
enum Mode {
  Header,
  StoredLength,
  Stored,
  Sizes,
  CodeLengths,
  Lengths,
  Codes,
  Match,
}

/** The longest length, and vectors written past its end. */
const MATCH_ROOM: usize = 258 + 32;

// RFC 1951 3.2.7: the order in which the lengths of the code length code stand.
const ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

// The stream: `count` bits that have been fetched, the next one lowest, and the input that follows them.
let bits: u64 = 0;
let count: u32 = 0;
let at: usize = 0;
let end: usize = 0;
let mode: Mode = Mode.Header;
let isFinal: bool = false;
let isFixed: bool = false;
/** Bytes of a stored block, or of a match, that are still to be copied. */
let pending: u32 = 0;
let distance: u32 = 0;
let literals: u32 = 0;
let distances: u32 = 0;
let codeLengths: u32 = 0;
let have: u32 = 0;

// The output.
let output: usize = 0;
/** The first byte to which the stream may refer back. */
let oldest: usize = 0;
let windowLength: usize = 0;
let isPrepared: bool = false;

/**
 * Lets a connection in that has inflated `length` bytes which its stream may refer to, at most its window.
 * @returns where these bytes are to be put
 */
export function admit(length: i32, window: i32): usize {
  if (!isPrepared) prepare();
  output = max(output, outputAddress());
  // A window has room behind it that is seven times as long.
  if (output + length + MAX_WINDOW > outputAddress() + INFLATE_OUTPUT) output = outputAddress();
  oldest = output;
  output += length;
  windowLength = window;
  begin();
  return oldest;
}

/** Begins a new stream, which may refer to nothing that was before it. */
export function restart(): void {
  oldest = output;
  begin();
}

function begin(): void {
  bits = 0;
  count = 0;
  mode = Mode.Header;
  isFinal = false;
}

/** How many of the last bytes the stream may refer to. */
export function windowFilled(): i32 {
  return <i32>min(output - oldest, windowLength);
}

/** Where the next byte of output will be. */
export function outputEnd(): usize {
  return output;
}

/** How many bytes of output there is room for. */
export function outputRoom(): i32 {
  return <i32>(outputAddress() + INFLATE_OUTPUT - output);
}

/** Makes room for output: moves the window to the beginning of its area. */
export function moveWindow(): void {
  const filled = windowFilled();
  memory.copy(outputAddress(), output - filled, filled);
  oldest = outputAddress();
  output = oldest + filled;
}

/** Whether the stream stands between two blocks, at the border of a byte. */
export function isBetweenBlocks(): i32 {
  return i32(mode == Mode.Header && count == 0 && !isFinal);
}

/** Writes the state of a stream that stands in a block, for `resume`; the lengths of its codes lie behind it. */
export function suspend(): void {
  const state = suspendedAddress();
  store<u64>(state, bits);
  store<u32>(state, pending, 8);
  store<u16>(state, <u16>distance, 12);
  store<u16>(state, <u16>literals, 14);
  store<u16>(state, <u16>have, 16);
  store<u8>(state, <u8>distances, 18);
  store<u8>(state, <u8>codeLengths, 19);
  store<u8>(state, <u8>count, 20);
  store<u8>(state, <u8>mode, 21);
  store<u8>(state, <u8>isFinal, 22);
  store<u8>(state, <u8>isFixed, 23);
}

/** Takes up the state that `suspend` wrote. */
export function resume(): void {
  const state = suspendedAddress();
  bits = load<u64>(state);
  pending = load<u32>(state, 8);
  distance = load<u16>(state, 12);
  literals = load<u16>(state, 14);
  have = load<u16>(state, 16);
  distances = load<u8>(state, 18);
  codeLengths = load<u8>(state, 19);
  count = load<u8>(state, 20);
  mode = load<u8>(state, 21);
  isFinal = load<u8>(state, 22) != 0;
  isFixed = load<u8>(state, 23) != 0;
  if (mode == Mode.Lengths) buildCodeLengthTable(codeLengthsAddress(), codeLengthTable());
  if (mode >= Mode.Codes && !isFixed) buildTables();
}

/** Makes `length` bytes at `inputAddress` the next input. */
export function feed(length: i32): void {
  at = inputAddress();
  end = at + length;
}

/** Inflates what was fed, at most `room` bytes of output. */
export function inflate(room: i32): i32 {
  const stop = output + room;
  while (true) {
    let answer: i32;
    switch (mode) {
      case Mode.Header: {
        if (isFinal) return Inflating.Ended;
        if (!need(3)) return Inflating.NeedsInput;
        isFinal = take(1) != 0;
        const type = take(2);
        if (type == 0) {
          // RFC 1951 3.2.4: what is left of the byte is ignored
          take(count & 7);
          mode = Mode.StoredLength;
        } else if (type == 1) {
          isFixed = true;
          mode = Mode.Codes;
        } else if (type == 2) {
          isFixed = false;
          mode = Mode.Sizes;
        } else {
          return Inflating.Corrupt;
        }
        continue;
      }
      case Mode.StoredLength:
        if (!need(32)) return Inflating.NeedsInput;
        pending = take(16);
        // RFC 1951 3.2.4: the length stands there a second time, as its complement
        if (take(16) != (pending ^ 0xffff)) return Inflating.Corrupt;
        mode = Mode.Stored;
        continue;
      case Mode.Stored:
        answer = copyStored(stop);
        break;
      case Mode.Sizes:
        if (!need(14)) return Inflating.NeedsInput;
        literals = 257 + take(5);
        distances = 1 + take(5);
        codeLengths = 4 + take(4);
        if (literals > 286 || distances > 30) return Inflating.Corrupt;
        memory.fill(codeLengthsAddress(), 0, 32);
        have = 0;
        mode = Mode.CodeLengths;
        continue;
      case Mode.CodeLengths:
        while (have < codeLengths) {
          if (!need(3)) return Inflating.NeedsInput;
          store<u8>(codeLengthsAddress() + load<u8>(ORDER + have), <u8>take(3));
          have++;
        }
        if (!buildCodeLengthTable(codeLengthsAddress(), codeLengthTable())) return Inflating.Corrupt;
        have = 0;
        mode = Mode.Lengths;
        continue;
      case Mode.Lengths:
        answer = readLengths();
        break;
      case Mode.Codes:
        answer = decode(stop);
        break;
      default:
        answer = copyPending(stop);
        break;
    }
    if (answer != GO_ON) return answer;
  }
}

/** The part of the stream is over, and `mode` tells the next. */
const GO_ON: i32 = -1;

/** Fetches bytes until there are `wanted` bits, at most 32; false if the input ends before. */
function need(wanted: u32): bool {
  while (count < wanted) {
    if (at == end) return false;
    bits |= (<u64>load<u8>(at++)) << count;
    count += 8;
  }
  return true;
}

/** Fetches bytes until there are at least 56 bits, of which a match takes at most 48, or the input ends. */
function fetch(): void {
  while (count < 56 && at < end) {
    bits |= (<u64>load<u8>(at++)) << count;
    count += 8;
  }
}

/** The next `length` bits, at most 31, which must be there. */
function take(length: u32): u32 {
  const value = (<u32>bits) & ((1 << length) - 1);
  bits >>= length;
  count -= length;
  return value;
}

function copyStored(stop: usize): i32 {
  // Bytes that have been fetched with the header come first.
  while (pending > 0 && count > 0) {
    if (output == stop) return Inflating.IsFull;
    store<u8>(output++, <u8>take(8));
    pending--;
  }
  if (pending > 0) {
    const length = min(min(<usize>pending, end - at), stop - output);
    memory.copy(output, at, length);
    output += length;
    at += length;
    pending -= <u32>length;
    if (pending > 0) return output == stop ? Inflating.IsFull : Inflating.NeedsInput;
  }
  mode = Mode.Header;
  return GO_ON;
}

// RFC 1951 3.2.7
function readLengths(): i32 {
  const lengths = lengthsAddress();
  const total = literals + distances;
  while (have < total) {
    fetch();
    const entry = load<u32>(codeLengthTable() + ((<usize>((<u32>bits) & ((1 << CODE_LENGTH_BITS) - 1))) << 2));
    const used = entry & 63;
    if (used > count) return Inflating.NeedsInput;
    const symbol = entry >> 16;
    if (symbol < 16) {
      take(used);
      store<u8>(lengths + have++, <u8>symbol);
      continue;
    }
    const extra: u32 = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    if (used + extra > count) return Inflating.NeedsInput;
    take(used);
    const times = take(extra) + (symbol == 18 ? 11 : 3);
    if ((symbol == 16 && have == 0) || have + times > total) return Inflating.Corrupt;
    memory.fill(lengths + have, symbol == 16 ? load<u8>(lengths + have - 1) : 0, times);
    have += times;
  }
  // Without an end the block would never be over; zlib refuses it too.
  if (load<u8>(lengths + 256) == 0 || !buildTables()) return Inflating.Corrupt;
  mode = Mode.Codes;
  return GO_ON;
}

function buildTables(): bool {
  const lengths = lengthsAddress();
  return (
    buildTable(lengths, literals, literalTable(), LITERAL_BITS, Alphabet.Literals) != 0 &&
    buildTable(lengths + literals, distances, distanceTable(), DISTANCE_BITS, Alphabet.Distances) != 0
  );
}

/** Makes the tables of the fixed codes (RFC 1951 3.2.6). */
function prepare(): void {
  const lengths = lengthsAddress();
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  buildTable(lengths, 288, fixedLiteralTable(), LITERAL_BITS, Alphabet.Literals);
  memory.fill(lengths, 5, 32);
  buildTable(lengths, 32, fixedDistanceTable(), DISTANCE_BITS, Alphabet.Distances);
  isPrepared = true;
}

/** The table's entry for the code at the beginning of `bits`. */
// @ts-ignore: decorator
@inline
function find(table: usize, bits: u64, root: u32): u32 {
  const entry = load<u32>(table + ((<usize>((<u32>bits) & ((1 << root) - 1))) << 2));
  if ((entry & TABLE) == 0) return entry;
  const index = (entry >> 16) + ((<u32>(bits >> root)) & ((1 << ((entry >> 8) & 15)) - 1));
  return load<u32>(table + ((<usize>index) << 2));
}

/** The base of an entry and the extra bits behind its code, which `bits` begins with. */
// @ts-ignore: decorator
@inline
function valueOf(entry: u32, bits: u64): u32 {
  return (entry >> 16) + (((<u32>bits) & ((1 << (entry & 63)) - 1)) >> ((entry >> 8) & 15));
}

/** Literals and matches (RFC 1951 3.2.3). */
function decode(stop: usize): i32 {
  const table = isFixed ? fixedLiteralTable() : literalTable();
  const distanceCodes = isFixed ? fixedDistanceTable() : distanceTable();
  while (true) {
    if (end - at >= 16 && stop - output >= MATCH_ROOM) {
      const answer = decodeFast(stop, table, distanceCodes);
      if (answer != GO_ON || mode != Mode.Codes) return answer;
    }
    // A symbol that is not there whole is left in `bits`.
    fetch();
    const entry = find(table, bits, LITERAL_BITS);
    let used = (entry >> 8) & 15;
    if (used > count) return Inflating.NeedsInput;
    if (entry & LITERAL) {
      if (output == stop) return Inflating.IsFull;
      store<u8>(output++, <u8>(entry >> 16));
      take(used);
      continue;
    }
    if (entry & ODD) {
      if ((entry & END) == 0) return Inflating.Corrupt;
      take(used);
      mode = Mode.Header;
      return GO_ON;
    }
    used = entry & 63;
    if (used > count) return Inflating.NeedsInput;
    const behind = bits >> used;
    const code = find(distanceCodes, behind, DISTANCE_BITS);
    if (used + ((code >> 8) & 15) > count) return Inflating.NeedsInput;
    if (code & ODD) return Inflating.Corrupt;
    if (used + (code & 63) > count) return Inflating.NeedsInput;
    pending = valueOf(entry, bits);
    distance = valueOf(code, behind);
    // RFC 1951 2: nothing refers back past the window, or past the beginning
    if (<usize>distance > output - oldest || <usize>distance > windowLength) return Inflating.Corrupt;
    used += code & 63;
    bits >>= used;
    count -= used;
    mode = Mode.Match;
    const answer = copyPending(stop);
    if (answer != GO_ON) return answer;
  }
}

/** Copies the rest of a match as far as there is room. */
function copyPending(stop: usize): i32 {
  while (pending > 0) {
    if (output == stop) return Inflating.IsFull;
    store<u8>(output, load<u8>(output - distance));
    output++;
    pending--;
  }
  mode = Mode.Codes;
  return GO_ON;
}

/** Decodes while a fetch of 8 bytes stays within the input, and a match within the output. */
function decodeFast(stop: usize, table: usize, distanceCodes: usize): i32 {
  const lastInput = end - 16;
  const lastOutput = stop - MATCH_ROOM;
  const first = oldest;
  const window = windowLength;
  let stream = bits;
  let left = count;
  let from = at;
  let to = output;
  let answer: i32 = GO_ON;
  do {
    // At least 56 bits: the bits that do not fit are read again the next time.
    stream |= load<u64>(from) << left;
    from += (63 - left) >> 3;
    left |= 56;
    let entry = find(table, stream, LITERAL_BITS);
    if (entry & LITERAL) {
      // A literal takes at most 15 bits.
      stream >>= entry & 63;
      left -= entry & 63;
      store<u8>(to++, <u8>(entry >> 16));
      entry = find(table, stream, LITERAL_BITS);
      if (entry & LITERAL) {
        stream >>= entry & 63;
        left -= entry & 63;
        store<u8>(to++, <u8>(entry >> 16));
        entry = find(table, stream, LITERAL_BITS);
        if (entry & LITERAL) {
          stream >>= entry & 63;
          left -= entry & 63;
          store<u8>(to++, <u8>(entry >> 16));
          continue;
        }
      }
      // A match takes at most 48 bits.
      stream |= load<u64>(from) << left;
      from += (63 - left) >> 3;
      left |= 56;
    }
    if (entry & ODD) {
      if (entry & END) {
        stream >>= entry & 63;
        left -= entry & 63;
        mode = Mode.Header;
      } else {
        answer = Inflating.Corrupt;
      }
      break;
    }
    const length = valueOf(entry, stream);
    stream >>= entry & 63;
    left -= entry & 63;
    const code = find(distanceCodes, stream, DISTANCE_BITS);
    if (code & ODD) {
      answer = Inflating.Corrupt;
      break;
    }
    const back = <usize>valueOf(code, stream);
    stream >>= code & 63;
    left -= code & 63;
    if (back > to - first || back > window) {
      answer = Inflating.Corrupt;
      break;
    }
    copyMatch(to, back, length);
    to += length;
  } while (from <= lastInput && to <= lastOutput);
  bits = stream & (((<u64>1) << left) - 1);
  count = left;
  at = from;
  output = to;
  return answer;
}
