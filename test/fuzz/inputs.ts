// A seed and the number of a batch become inputs: one stream, generated or from the vectors, and many that differ from it
// in a few bytes or options; each with the places where it is cut.
import { octets, type ReceiverOptions } from '../support/events.js';
import { generateStream, type Stream } from '../support/generate.js';
import type { Random } from '../support/random.js';
import { VECTORS } from '../vectors/index.js';
import { WideRandom } from './wide-random.js';

export interface Input extends Stream {
  /** Ascending offsets at which the wire is cut when it is not played whole; equal ones make an empty chunk. */
  cuts: number[];
  /** Which of the decoders gets the wire whole, which in pieces, and by which door: any number from 0. */
  turn: number;
  /** Where permessage-deflate inflates: what was agreed for the direction that is read. */
  deflate?: { takeover: boolean; windowBits: number };
}

/** How many inputs a batch holds, and how many where the stream is long. */
const BATCH = 24;
const LONG_BATCH = 3;
const LONG = 2500;

/** Bytes that mean something: first and second bytes of headers, borders of UTF-8, parts of lengths. */
const TELLING = [
  0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x20, 0x40, 0x41, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0x82, 0x83,
  0x88, 0x89, 0x8a, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xfd,
  0xfe, 0xff,
];

const PREPARED: Stream[] = VECTORS.map(({ role, options, wire }) => ({
  options: { role, ...options },
  wire: octets(wire),
}));

export function makeBatch(seed: number, batch: number): Input[] {
  const random = new WideRandom(seed, batch);
  const stream = random.oneIn(12) ? random.pick(PREPARED) : generateStream(random);
  const starts = frameStarts(stream.wire);
  return Array.from({ length: stream.wire.length > LONG ? LONG_BATCH : BATCH }, (_, turn) => {
    const { wire, options } = turn === 0 ? stream : mutate(random, stream, starts);
    return { wire, options, cuts: chooseCuts(random, wire.length), turn: batch + turn };
  });
}

function mutate(random: Random, { options, wire }: Stream, starts: number[]): Stream {
  let mutated = wire;
  for (let times = random.oneIn(2) ? 1 : random.between(2, 4); times > 0; times--) {
    mutated = mutateOnce(random, mutated, starts);
  }
  return { options: random.oneIn(8) ? mutateOptions(random, options) : options, wire: new Uint8Array(mutated) };
}

export function mutateOnce(random: Random, wire: Uint8Array, starts: number[]): Uint8Array {
  // Half of the faults hit a header.
  const header = random.oneIn(2) ? random.pick(starts) + random.below(14) : random.below(wire.length);
  const at = Math.min(header, Math.max(0, wire.length - 1));
  const kind = random.below(8);
  if (wire.length === 0) return random.octets(random.between(1, 6));
  if (kind < 4) {
    const changed = wire.slice();
    if (kind === 0) changed[at] ^= 1 << random.below(8);
    else if (kind === 1) changed[at] = random.pick(TELLING);
    else if (kind === 2) changed[at] += random.oneIn(2) ? 1 : -1;
    else changed.copyWithin(at, random.below(wire.length), at + random.between(1, 16));
    return changed;
  }
  if (kind === 4) return Buffer.concat([wire.subarray(0, at), wire.subarray(at + random.between(1, 5))]);
  if (kind === 5) {
    const added = Uint8Array.from({ length: random.between(1, 4) }, () => random.pick(TELLING));
    return Buffer.concat([wire.subarray(0, at), added, wire.subarray(at)]);
  }
  // A frame twice, or a stream that ends early.
  if (kind === 6) {
    const from = random.pick(starts);
    return Buffer.concat([
      wire.subarray(0, from),
      wire.subarray(from, from + random.between(2, 40)),
      wire.subarray(from),
    ]);
  }
  return wire.slice(0, at);
}

function mutateOptions(random: Random, options: ReceiverOptions): ReceiverOptions {
  switch (random.below(4)) {
    case 0:
      return { ...options, role: options.role === 'server' ? 'client' : 'server' };
    case 1:
      return { ...options, rsv: options.rsv ? 0 : 0x40 };
    case 2:
      return { ...options, maxPayload: random.oneIn(2) ? Infinity : random.between(1, 300) };
    default:
      return { ...options, skipUtf8: !options.skipUtf8 };
  }
}

/** Where frames begin in a stream that is well formed; from the first fault on the offsets mean nothing, and do no harm. */
export function frameStarts(wire: Uint8Array): number[] {
  const starts = [0];
  for (let at = 0; at + 1 < wire.length;) {
    const length7 = wire[at + 1] & 0x7f;
    const extended = length7 === 126 ? 2 : length7 === 127 ? 8 : 0;
    const masked = wire[at + 1] >= 0x80 ? 4 : 0;
    let length = length7;
    if (extended > 0) {
      length = 0;
      for (let i = 0; i < extended; i++) length = length * 256 + (wire[at + 2 + i] ?? 0);
    }
    at += 2 + extended + masked + length;
    if (at < wire.length) starts.push(at);
  }
  return starts;
}

/** One cut, a few, or one at every byte. */
export function chooseCuts(random: Random, length: number): number[] {
  if (random.oneIn(24)) return Array.from({ length: Math.min(length, 200) }, (_, index) => index);
  const count = random.oneIn(2) ? 1 : random.between(2, 6);
  return Array.from({ length: count }, () => random.between(0, length)).sort((left, right) => left - right);
}
