// One input becomes what the decoders disagree on: the reference written from the RFC, both sets of kernels by every door, and
// the Receiver of `ws`, whose listed differences are counted.
import { explanation } from '../support/differences-from-ws.js';
import type { ReceiverOptions, WireEvent } from '../support/events.js';
import type { Decoder } from '../support/feeder.js';
import { connection, DOORS, frameDecoder, KERNELS } from '../support/our-decoders.js';
import { decodeReference } from '../support/reference-decoder.js';
import { wsReceiver } from '../support/ws-receiver.js';
import type { Input } from './inputs.js';

/** What has been done so far. */
export interface Tally {
  inputs: number;
  /** Runs of a decoder over an input that was cut. */
  splits: number;
  /** Runs of a decoder, cut or whole. */
  runs: number;
  octets: number;
  /** How many of the inputs were inflated by zlib. */
  inflating: number;
  /** Blocks of the library that were reached, each with how often, where a run is guided by them. */
  features: number;
  /** How often each listed difference from `ws` showed, by its name. */
  differences: Record<string, number>;
}

export interface Disagreement {
  /** Which decoder, and how it was fed. */
  who: string;
  expected: WireEvent[];
  found: WireEvent[] | string;
}

export function newTally(): Tally {
  return { inputs: 0, splits: 0, runs: 0, octets: 0, inflating: 0, features: 0, differences: {} };
}

/** Plays an input to every decoder. */
export function examine(input: Input, tally: Tally): Disagreement | undefined {
  const { options, wire, cuts, turn } = input;
  const before = Buffer.from(wire);
  const expected = decodeReference(wire, options);
  const text = JSON.stringify(expected);
  tally.inputs++;
  tally.octets += wire.length;

  const check = (
    who: string,
    make: (options: ReceiverOptions) => Decoder,
    isCut: boolean,
  ): Disagreement | undefined => {
    tally.runs++;
    if (isCut) tally.splits++;
    const found = run(make, options, wire, isCut ? cuts : []);
    return JSON.stringify(found) === text ? undefined : { who: `${who}${isCut ? ', cut' : ''}`, expected, found };
  };

  const door = DOORS[turn % DOORS.length];
  for (const [index, kernels] of KERNELS.entries()) {
    // In turn, one set of kernels gets the wire whole, the other in pieces.
    const isCut = (turn + index) % 2 === 0;
    const who = `connection on ${kernels.name} by ${door}`;
    const disagreement = check(who, (given) => connection(given, kernels, door), isCut);
    if (disagreement !== undefined) return disagreement;
    if (turn % 4 === 0) {
      const lower = check(`frame decoder on ${kernels.name}`, (given) => frameDecoder(given, kernels), !isCut);
      if (lower !== undefined) return lower;
    }
  }

  // No Receiver of ws has an extension that claims RSV2 or RSV3.
  if (((options.rsv ?? 0) & 0x30) === 0) {
    const theirs = check('Receiver of ws', wsReceiver, turn % 8 === 0);
    if (theirs !== undefined) {
      const difference = typeof theirs.found === 'string' ? undefined : explanation(expected, theirs.found);
      if (difference === undefined) return theirs;
      tally.differences[difference.name] = (tally.differences[difference.name] ?? 0) + 1;
    }
  }
  if (before.compare(wire) !== 0) return { who: 'one that wrote to the bytes that were fed', expected, found: [] };
  return undefined;
}

/** The events, or what was thrown. */
function run(
  make: (options: ReceiverOptions) => Decoder,
  options: ReceiverOptions,
  wire: Uint8Array,
  cuts: number[],
): WireEvent[] | string {
  try {
    const decoder = make(options);
    let start = 0;
    for (const end of cuts) {
      decoder.feed(wire.subarray(start, end));
      start = end;
    }
    decoder.feed(wire.subarray(start));
    return decoder.events();
  } catch (error) {
    return `thrown: ${(error as Error).stack}`;
  }
}
