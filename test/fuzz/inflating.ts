// Compressed messages in frames, damaged in their bytes or on the wire, become what zlib used plainly, both of our engines
// and `ws` disagree on (RFC 7692 7.2.2).
import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { LATER, type Inflater } from '../../src/extensions/transform.js';
import { Budget } from '../../src/node/deflate/budget.js';
import { createInflater } from '../../src/node/deflate/engines.js';
import { Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { explanation } from '../support/differences-from-ws.js';
import { fails, hex, type WireEvent } from '../support/events.js';
import { naiveUtf8State } from '../support/naive/utf8.js';
import { connection, DOORS, KERNELS } from '../support/our-decoders.js';
import type { Random } from '../support/random.js';
import { encodeFrame } from '../support/raw-peer.js';
import { decodeReference } from '../support/reference-decoder.js';
import { wsEvents } from './ws-inflating.js';
import type { Disagreement, Tally } from './differential.js';
import { chooseCuts, frameStarts, mutateOnce, type Input } from './inputs.js';
import { WideRandom } from './wide-random.js';

const TAIL = Uint8Array.of(0, 0, 0xff, 0xff);
/** RFC 1951 3.2.4: a final stored block of eight bytes, and these. Its header is not all zeros, so that one bit too many shows. */
const PROBED = Buffer.from('d3a5f01c8e6b2479', 'hex');
const PROBE = Buffer.concat([Uint8Array.of(1, 8, 0, 0xf7, 0xff), PROBED]);
const BATCH = 12;
/** No message is longer, so that each is inflated within the call that brought it. */
const LONGEST = 60_000;

/** Where `ws` 8.23.0 may differ on compressed messages, beside the differences in frames; with the reason of the RFC. */
export const INFLATING_DIFFERENCES: Record<'final' | 'fragments', string> = {
  final:
    'what follows a final block is lost or refused by ws; RFC 7692 7.2.3.4: a message may end in one, and the next begins anew',
  fragments:
    'compressed fragments are inflated by ws as they come; RFC 7692 7.2.2: the payload of the whole message is inflated',
};

/** What a stream means, and how far that is certain. */
interface Meaning {
  events: WireEvent[];
  /** Where the first message stands whose deflate data has a final block: `ws` may differ from there on. */
  finalAt: number;
  /**
   * Where the first message stands whose data, with its tail, ends inside a block or with a final one: RFC 7692 does not say
   * what the next one means, and our two ways differ there.
   */
  uncertainAt: number;
}

export function makeInflating(seed: number, batch: number): Input[] {
  const random = new WideRandom(seed, batch);
  const takeover = random.oneIn(2);
  // Inflating the whole stream at once, as the reference does, zlib lets a distance reach past a shorter window.
  const deflate = { takeover, windowBits: takeover ? 15 : random.pick([9, 10, 12, 15]) };
  const role = random.pick(['client', 'server'] as const);
  return Array.from({ length: BATCH }, (_, turn) => {
    const maxPayload = random.oneIn(8) ? random.between(1, 400) : LONGEST;
    let wire: Uint8Array = encode(random, role, deflate);
    if (random.oneIn(3)) wire = mutateOnce(random, wire, frameStarts(wire));
    const options = { role, rsv: 0x40, maxPayload, skipUtf8: random.oneIn(10) };
    return { options, wire: new Uint8Array(wire), cuts: chooseCuts(random, wire.length), turn: batch + turn, deflate };
  });
}

/** Plays an input to zlib, our engines and `ws`. */
export async function examineInflating(input: Input, tally: Tally): Promise<Disagreement | undefined> {
  const { options, wire, cuts, turn } = input;
  const { events: expected, finalAt, uncertainAt } = meaning(input);
  tally.inputs++;
  tally.inflating++;
  tally.octets += wire.length;
  for (const [index, zlibPath] of (['handle', 'public'] as const).entries()) {
    const isCut = (turn + index) % 2 === 0;
    const kernels = KERNELS[(turn >> 1) % KERNELS.length];
    const decoder = connection(options, kernels, DOORS[turn % DOORS.length], undefined, engine(input, zlibPath));
    let start = 0;
    for (const end of isCut ? cuts : []) {
      decoder.feed(wire.subarray(start, end));
      start = end;
    }
    decoder.feed(wire.subarray(start));
    tally.runs++;
    if (isCut) tally.splits++;
    const found = decoder.events();
    // The handle's stream goes on inside a block, as that of `ws` does, and forgets its window after a final one; the public
    // way begins each message anew and keeps the window.
    const until = zlibPath === 'public' ? uncertainAt + 1 : Infinity;
    if (!agree(expected.slice(0, until), found.slice(0, until)))
      return { who: `connection inflating by ${zlibPath}`, expected, found };
  }
  const theirs = await wsEvents(input);
  tally.runs++;
  if (!agree(expected, theirs)) {
    const name = explain(expected, theirs, finalAt);
    if (name === undefined) return { who: 'Receiver of ws, inflating', expected, found: theirs };
    tally.differences[name] = (tally.differences[name] ?? 0) + 1;
  }
  return undefined;
}

/** Messages of words and noise, compressed in various ways and damaged, in fragments, with pings between them. */
function encode(random: Random, role: 'client' | 'server', deflate: { takeover: boolean; windowBits: number }): Buffer {
  let history = Buffer.alloc(0);
  const frames: Buffer[] = [];
  const add = (opcode: number, payload: Uint8Array, fin: boolean, rsv1: boolean): void => {
    frames.push(encodeFrame({ opcode, payload, fin, rsv1, masked: role === 'server', key: random.octets(4) }));
  };
  for (let count = random.between(1, 5); count > 0; count--) {
    const message = compose(random);
    const isCompressed = !random.oneIn(6);
    let payload: Uint8Array = message;
    if (isCompressed) {
      payload = compress(random, message, deflate, history);
      if (deflate.takeover) history = Buffer.concat([history, message]).subarray(-(2 ** deflate.windowBits));
    }
    if (random.oneIn(4)) payload = mutateOnce(random, payload, [0]);
    const opcode = random.oneIn(2) ? 1 : 2;
    const cut = random.oneIn(3) ? random.between(0, payload.length) : payload.length;
    add(opcode, payload.subarray(0, cut), cut === payload.length, isCompressed);
    if (random.oneIn(5)) add(random.pick([9, 10]), random.octets(random.below(9)), true, false);
    if (cut < payload.length) add(0, payload.subarray(cut), true, false);
  }
  return Buffer.concat(frames);
}

function compose(random: Random): Buffer {
  const words = ['{"id":', 'price', 'EUR', 'é', '漢字', '😀', ' ', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'];
  if (random.oneIn(6)) return Buffer.from(random.octets(random.below(200)));
  return Buffer.from(Array.from({ length: random.below(60) }, () => random.pick(words)).join(''));
}

function compress(
  random: Random,
  message: Buffer,
  { windowBits }: { windowBits: number },
  history: Buffer,
): Uint8Array {
  const options: ZlibOptions = {
    windowBits,
    level: random.pick([0, 1, 6, 9]),
    strategy: random.pick([constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY]),
    finishFlush: constants.Z_SYNC_FLUSH,
    dictionary: history.length > 0 ? history : undefined,
  };
  // RFC 7692 7.2.3.4: a final block, and one byte that makes an empty block of what is appended.
  if (random.oneIn(12))
    return Buffer.concat([deflateRawSync(message, { ...options, finishFlush: constants.Z_FINISH }), Uint8Array.of(0)]);
  return deflateRawSync(message, options).subarray(0, -4);
}

function engine({ deflate, options }: Input, zlibPath: 'handle' | 'public'): Inflater {
  const { takeover, windowBits } = deflate!;
  const agreement = {
    serverNoContextTakeover: !takeover,
    clientNoContextTakeover: !takeover,
    serverMaxWindowBits: windowBits,
    clientMaxWindowBits: windowBits,
  };
  const role = options.role === 'server' ? Role.Server : Role.Client;
  const inflater = createInflater(agreement, role, { zlibPath }, () => {}, new Budget(() => 0));
  return {
    inflate(payload, maxLength) {
      const result = inflater.inflate(payload, maxLength);
      if (result === LATER) throw new Error('a short message was not inflated at once');
      return result;
    },
    close: () => inflater.close(),
  };
}

/** What the reference decoder finds in the frames, with everything that was compressed since the last reset inflated anew. */
function meaning({ options, wire, deflate }: Input): Meaning {
  const events: WireEvent[] = [];
  let [finalAt, uncertainAt] = [Infinity, Infinity];
  let stream = Buffer.alloc(0);
  let told = 0;
  for (const event of decodeReference(wire, options)) {
    if (event.type !== 'message' || !event.compressed) {
      events.push(event);
      continue;
    }
    if (!deflate!.takeover) [stream, told] = [Buffer.alloc(0), 0];
    stream = Buffer.concat([stream, Buffer.from(event.data, 'hex'), TAIL]);
    const inflated = inflate(stream, deflate!.windowBits, told, options.maxPayload!);
    if ('violation' in inflated) {
      events.push(fails(inflated.violation));
      break;
    }
    const { data } = inflated;
    if (inflated.isFinal) finalAt = Math.min(finalAt, events.length);
    if (inflated.isUncertain) uncertainAt = Math.min(uncertainAt, events.length);
    if (event.text && !options.skipUtf8 && naiveUtf8State(data) !== 0) {
      events.push(fails(Violation.InvalidUtf8));
      break;
    }
    events.push({ ...event, compressed: false, data: hex(data) });
    told += data.length;
    if (inflated.isFinal) [stream, told] = [Buffer.alloc(0), 0];
  }
  return { events, finalAt, uncertainAt };
}

type Inflated = { data: Buffer; isFinal: boolean; isUncertain: boolean } | { violation: Violation };

/** Inflates a stream of whole messages, of which the first `told` bytes are known. */
function inflate(stream: Buffer, windowBits: number, told: number, maxLength: number): Inflated {
  const options = { windowBits, finishFlush: constants.Z_SYNC_FLUSH, info: true, maxOutputLength: told + maxLength };
  try {
    const { buffer } = inflateRawSync(stream, options) as unknown as Informed;
    return {
      data: buffer.subarray(told),
      ...judgeEnd(stream, buffer.length, { ...options, maxOutputLength: 2 ** 24 }),
    };
  } catch (error) {
    const isTooBig = (error as { code: string }).code === 'ERR_BUFFER_TOO_LARGE';
    return { violation: isTooBig ? Violation.MessageTooBig : Violation.InvalidDeflate };
  }
}

interface Informed {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

/** After a final block zlib reads nothing; where a block may begin, a stored one gives its bytes. */
function judgeEnd(stream: Buffer, length: number, options: ZlibOptions): { isFinal: boolean; isUncertain: boolean } {
  try {
    const { buffer, engine } = inflateRawSync(Buffer.concat([stream, PROBE]), options) as unknown as Informed;
    const isFinal = engine.bytesWritten <= stream.length;
    const isBorder = buffer.length === length + PROBED.length && buffer.subarray(length).equals(PROBED);
    return { isFinal, isUncertain: isFinal ? engine.bytesWritten === stream.length : !isBorder };
  } catch {
    return { isFinal: false, isUncertain: true };
  }
}

function explain(ours: WireEvent[], theirs: WireEvent[], finalAt: number): string | undefined {
  const difference = explanation(ours, theirs);
  if (difference !== undefined) return difference.name;
  const same = ours.findIndex((event, index) => JSON.stringify(event) !== JSON.stringify(theirs[index]));
  const from = same === -1 ? ours.length : same;
  if (from >= finalAt) return INFLATING_DIFFERENCES.final;
  const last = theirs.at(-1);
  if (theirs.length === from + 1 && last?.type === 'violation') {
    const { violation } = last;
    if (violation === Violation.InvalidDeflate || violation === Violation.MessageTooBig) {
      return INFLATING_DIFFERENCES.fragments;
    }
  }
  return undefined;
}

/** Equal, or of a message that is both corrupt and too long one says this and the other that. */
function agree(expected: WireEvent[], found: WireEvent[]): boolean {
  const [last, other] = [expected.at(-1), found.at(-1)];
  const isEither =
    last?.type === 'violation' &&
    last.violation === Violation.InvalidDeflate &&
    other?.type === 'violation' &&
    other.violation === Violation.MessageTooBig;
  return JSON.stringify(isEither ? [...found.slice(0, -1), last] : found) === JSON.stringify(expected);
}
