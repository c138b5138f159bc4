// `inputAddress` and its neighbours are the floor plan of the fixed memory in which messages are inflated and deflated.
import { DEFLATE_INPUT, INFLATE_INPUT, INFLATE_OUTPUT, MAX_WINDOW } from '../../src/spec/deflate';

//   0 ... __heap_base   statics of the AssemblyScript compiler
//   suspended           32 bytes: the inflater's state while another connection inflates
//   lengths             320 code lengths of a dynamic block, then 32 of its code length code; saved with the state
//   work                4 KiB: counts, and symbols in order, while a table or code is made
//   tables              decoding tables: of code lengths, of a dynamic block, of the fixed code
//   input               64 KiB and slack: compressed bytes
//   output              256 KiB and slack: the window, then bytes inflated
//   window              256 KiB and slack: the window, then bytes to deflate
//   heads, links        chains of earlier places with the same hash
//   symbols             literals and matches of one block
//   codes               of one block: frequencies, and then codes, of 32 bits each; the fixed codes; lengths as runs
//   deflated            the bytes of one block
// The slack lets a kernel load and store whole vectors at an area's end.

const SLACK: usize = 64;

const STATE_LENGTH: i32 = 32;
const LENGTHS_LENGTH: i32 = 320;
const CODE_LENGTHS_LENGTH: i32 = 32;
/** A table of literals and lengths is found by this many bits, one of distances by fewer, one of code lengths by 7. */
export const LITERAL_BITS: u32 = 10;
export const DISTANCE_BITS: u32 = 8;
export const CODE_LENGTH_BITS: u32 = 7;
/** The deflater's window and all that can follow it before it moves. */
export const WINDOW_LENGTH: i32 = 256 * 1024;
export const HASH_BITS: u32 = 15;
/** How many symbols of each alphabet a sender can use (RFC 1951 3.2.5, 3.2.7). */
export const LITERALS = 286;
export const DISTANCES = 30;
export const CODE_LENGTHS = 19;

export function suspendedAddress(): usize {
  return (__heap_base + 63) & ~63;
}

export function lengthsAddress(): usize {
  return suspendedAddress() + STATE_LENGTH;
}

export function codeLengthsAddress(): usize {
  return lengthsAddress() + LENGTHS_LENGTH;
}

export function workAddress(): usize {
  return codeLengthsAddress() + CODE_LENGTHS_LENGTH;
}

export function codeLengthTable(): usize {
  return workAddress() + 4096;
}

// The most entries that 286 codes with 10 bits at once need are 1,332, and 30 codes with 8 bits need 402.
export function literalTable(): usize {
  return codeLengthTable() + (4 << CODE_LENGTH_BITS);
}

export function distanceTable(): usize {
  return literalTable() + 4 * 1536;
}

export function fixedLiteralTable(): usize {
  return distanceTable() + 4 * 512;
}

export function fixedDistanceTable(): usize {
  return fixedLiteralTable() + (4 << LITERAL_BITS);
}

export function inputAddress(): usize {
  return fixedDistanceTable() + (4 << DISTANCE_BITS);
}

export function outputAddress(): usize {
  return inputAddress() + <usize>INFLATE_INPUT + SLACK;
}

export function windowAddress(): usize {
  return outputAddress() + <usize>INFLATE_OUTPUT + SLACK;
}

export function headsAddress(): usize {
  return windowAddress() + <usize>WINDOW_LENGTH + SLACK;
}

export function linksAddress(): usize {
  return headsAddress() + (4 << HASH_BITS);
}

export function symbolsAddress(): usize {
  return linksAddress() + 2 * <usize>MAX_WINDOW;
}

export function literals(): usize {
  return symbolsAddress() + 4 * <usize>DEFLATE_INPUT;
}

export function distances(): usize {
  return literals() + 4 * LITERALS;
}

export function codeLengths(): usize {
  return distances() + 4 * DISTANCES;
}

export function fixedLiterals(): usize {
  return codeLengths() + 4 * CODE_LENGTHS;
}

export function fixedDistances(): usize {
  return fixedLiterals() + 4 * LITERALS;
}

/** At most 316 runs of 16 bits, and from 1 KiB on the frequencies of a block whose codes are made. */
export function runsAddress(): usize {
  return fixedDistances() + 4 * DISTANCES;
}

export function deflatedAddress(): usize {
  return literals() + 8192;
}
