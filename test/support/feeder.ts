// Plays one string of bytes to a decoder in many pieces: whole, byte by byte, cut in two at every offset and cut at
// random; the events must be the same each time, and the bytes must be left as they were.
import { expect } from 'vitest';
import { hex, type ReceiverOptions, type WireEvent } from './events.js';
import { describeStream, generateStream } from './generate.js';
import { runsLong } from './long.js';
import { Random } from './random.js';
import { decodeReference } from './reference-decoder.js';

/** What the feeder needs of a decoder. */
export interface Decoder {
  feed(chunk: Uint8Array): void;
  /** Every event since the decoder was made, the earlier ones again. */
  events(): WireEvent[];
}

export type DecoderFactory = (options: ReceiverOptions) => Decoder;

/** Up to this many bytes a wire is cut at every offset; a longer one near its ends and at random. */
const EVERY_OFFSET_UP_TO = runsLong ? 400 : 64;
const NEAR = runsLong ? 16 : 4;
const RANDOM_RUNS = runsLong ? 12 : 4;
const FENCE = 16;

/**
 * Plays `wire` in every way and holds the events against `expected`.
 * @returns how many runs were made
 */
export function playEveryWay(
  wire: Uint8Array,
  options: ReceiverOptions,
  expected: WireEvent[],
  decoder: DecoderFactory,
  seed = 1,
): number {
  const random = new Random(seed);
  const ways: number[][] = [
    [],
    Array.from({ length: Math.max(0, wire.length - 1) }, (_, index) => index + 1),
    ...offsets(wire.length, random).map((offset) => [offset]),
    ...Array.from({ length: RANDOM_RUNS }, () => randomCuts(wire.length, random)),
  ];
  for (const cuts of ways) {
    compare(play(wire, cuts, decoder(options)), expected, `seed ${seed}, ${describeCuts(cuts, wire.length)}`);
  }
  return ways.length;
}

/**
 * Plays `wire` byte by byte, and after each byte holds the events so far against those that `reference` finds in the
 * part already fed: an event must come with the byte that completes it, neither later nor earlier. In a long wire only
 * the bytes near its ends are looked at.
 */
export function playPromptly(
  wire: Uint8Array,
  options: ReceiverOptions,
  decoder: DecoderFactory,
  reference: (wire: Uint8Array, options: ReceiverOptions) => WireEvent[],
): void {
  const played = decoder(options);
  for (let fed = 1; fed <= wire.length; fed++) {
    played.feed(wire.slice(fed - 1, fed));
    if (fed <= EVERY_OFFSET_UP_TO || wire.length - fed < NEAR) {
      compare(played.events(), reference(wire.subarray(0, fed), options), `after ${fed} of ${wire.length} bytes`);
    }
  }
}

/** Plays `wire` whole and in a few random pieces: fewer ways than `playEveryWay`, for when there are many wires. */
function playAtRandom(
  wire: Uint8Array,
  options: ReceiverOptions,
  expected: WireEvent[],
  decoder: DecoderFactory,
  random: Random,
  what: string,
): void {
  for (const cuts of [[], randomCuts(wire.length, random)]) {
    compare(play(wire, cuts, decoder(options)), expected, `${what}, ${describeCuts(cuts, wire.length)}`);
  }
}

/** Plays generated streams to a decoder, each whole and in random pieces, and holds the events against the reference's. */
export function playGenerated(decoder: DecoderFactory, streams: number, seed = 6455): void {
  const random = new Random(seed);
  for (let index = 0; index < streams; index++) {
    const stream = generateStream(random);
    const expected = decodeReference(stream.wire, stream.options);
    const what = `stream ${index} of seed ${seed}: ${describeStream(stream)}`;
    playAtRandom(stream.wire, stream.options, expected, decoder, random, what);
  }
}

/** Plays `wire`, cut at the given ascending offsets, and returns the events. Equal offsets make an empty chunk. */
export function play(wire: Uint8Array, cuts: readonly number[], decoder: Decoder): WireEvent[] {
  // The chunks lie side by side between two fences, as they would in a socket's buffer.
  const memory = new Uint8Array(FENCE + wire.length + FENCE).fill(0xa5);
  memory.set(wire, FENCE);
  const before = memory.slice();
  let start = 0;
  for (const end of [...cuts, wire.length]) {
    decoder.feed(memory.subarray(FENCE + start, FENCE + end));
    start = end;
  }
  const events = decoder.events();
  if (Buffer.compare(memory, before) !== 0) {
    expect(hex(memory), 'the bytes fed, and those beside them, are not written to').toBe(hex(before));
  }
  return events;
}

function compare(found: WireEvent[], expected: WireEvent[], way: string): void {
  // Comparing text first: vitest's own comparison is slow, and runs are many.
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    expect(found, way).toEqual(expected);
  }
}

function offsets(length: number, random: Random): number[] {
  if (length <= EVERY_OFFSET_UP_TO) {
    return Array.from({ length: length + 1 }, (_, offset) => offset);
  }
  const near = Array.from({ length: NEAR }, (_, distance) => [distance, length - distance]).flat();
  return [...near, ...Array.from({ length: NEAR }, () => random.below(length))];
}

function randomCuts(length: number, random: Random): number[] {
  const count = random.between(2, 12);
  return Array.from({ length: count }, () => random.between(0, length)).sort((left, right) => left - right);
}

function describeCuts(cuts: number[], length: number): string {
  if (cuts.length === 0) {
    return 'whole';
  }
  return cuts.length === length - 1 ? 'byte by byte' : `cut at ${cuts.join(', ')}`;
}
