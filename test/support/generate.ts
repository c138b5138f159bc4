// A seed becomes a stream of frames: valid ones, with sizes at the borders where decoders go wrong, and the same after
// something has happened to them.
import { BAD_CODES, GOOD_CODES } from './close-codes.js';
import { hex, type ReceiverOptions } from './events.js';
import { naiveEncodeHeader, type LengthForm } from './naive/header.js';
import { naiveMask } from './naive/mask.js';
import { Random } from './random.js';

export interface Stream {
  options: ReceiverOptions;
  wire: Uint8Array;
}

interface Frame {
  first: number;
  payload: Uint8Array;
  form?: LengthForm;
}

/** Lengths near which decoders change their way: of the length's forms, of vectors, of blocks. */
const BORDERS = [0, 1, 2, 4, 8, 16, 32, 48, 64, 96, 125, 126, 127, 128, 192, 256, 320, 512, 1024];
const LONG_BORDERS = [4096, 16_384, 65_535, 65_536];

/** The first and the last character of each length, those beside the surrogates, and a few others. */
const CHARACTERS = Array.from('\0\x7f\x80é\u07ff\u0800€\ud7ff\ue000\uffff\u{10000}😀\u{10ffff}');

const NOT_UTF8 = [
  '80 bf c080 c1bf e08080 e09fbf eda080 edbfbf f0808080 f08fbfbf f4908080',
  'f5 f8 fc fe ff c3 e282 f09f98 c328 e28228 f09f9828',
].flatMap((line) => line.split(' '));

const CLOSE_CODES = [...GOOD_CODES, ...BAD_CODES];

/** One stream, valid or not; about half of them have been damaged. */
export function generateStream(random: Random): Stream {
  const options = generateOptions(random);
  const frames = generateFrames(random, options);
  const pieces = frames.map((frame) => encode(random, frame, options.role));
  const wire = random.oneIn(2) ? Buffer.concat(pieces) : damage(random, pieces, options);
  return { options, wire: new Uint8Array(wire) };
}

/** How a stream is shown when a run with it fails. */
export function describeStream({ options, wire }: Stream): string {
  return `${JSON.stringify(options)} ${hex(wire.subarray(0, 2000))}${wire.length > 2000 ? '...' : ''}`;
}

function generateOptions(random: Random): ReceiverOptions {
  return {
    role: random.pick(['client', 'server']),
    rsv: random.oneIn(3) ? 0x40 : 0,
    maxPayload: random.oneIn(4) ? random.pick(BORDERS.slice(1)) + random.below(2) : Infinity,
    skipUtf8: random.oneIn(10),
  };
}

/** A few messages in fragments, control frames between them, and perhaps a Close. */
function generateFrames(random: Random, { rsv = 0 }: ReceiverOptions): Frame[] {
  const frames: Frame[] = [];
  const count = random.between(1, random.oneIn(20) ? 40 : 5);
  for (let message = 0; message < count; message++) {
    const text = random.oneIn(2);
    const rsv1 = rsv !== 0 && random.oneIn(2) ? 0x40 : 0;
    const length = generateLength(random);
    const payload = text ? generateText(random, length) : random.octets(length);
    const parts = split(random, payload, random.oneIn(2) ? 1 : random.between(2, 6));
    parts.forEach((part, index) => {
      while (random.oneIn(5)) {
        frames.push(generateControl(random));
      }
      const opcode = index > 0 ? 0 : text ? 1 : 2;
      const fin = index === parts.length - 1 ? 0x80 : 0;
      frames.push({
        first: fin | (index === 0 ? rsv1 : 0) | opcode,
        payload: part,
        form: generateForm(random, part.length),
      });
    });
  }
  if (random.oneIn(3)) {
    frames.splice(random.oneIn(3) ? random.below(frames.length) : frames.length, 0, generateClose(random));
  }
  return frames;
}

function generateLength(random: Random): number {
  if (random.oneIn(2)) {
    return random.below(40);
  }
  const border = random.pick(random.oneIn(60) ? LONG_BORDERS : BORDERS);
  return Math.max(0, border + random.between(-2, 2));
}

/** The shortest form, as it must be; rarely a longer one. */
function generateForm(random: Random, length: number): LengthForm | undefined {
  if (!random.oneIn(80)) {
    return undefined;
  }
  return length < 65_536 && random.oneIn(2) ? 2 : 8;
}

/** About `length` bytes of text: runs of ASCII, characters from the borders of UTF-8 and, rarely, what is not UTF-8. */
function generateText(random: Random, length: number): Uint8Array {
  const pieces: Buffer[] = [];
  const plain = random.oneIn(3);
  for (let left = length; left > 0;) {
    const piece =
      plain || random.oneIn(2)
        ? Buffer.alloc(random.between(1, Math.min(left, 70)), random.between(0x20, 0x7e))
        : Buffer.from(random.pick(CHARACTERS).repeat(random.between(1, 6)));
    pieces.push(piece);
    left -= piece.length;
  }
  if (random.oneIn(12)) {
    pieces.splice(random.below(pieces.length + 1), 0, Buffer.from(random.pick(NOT_UTF8), 'hex'));
  }
  return Buffer.concat(pieces);
}

function generateControl(random: Random): Frame {
  const length = random.pick([0, 0, 1, 2, 15, 16, 17, 124, 125]);
  return { first: 0x80 | random.pick([0x9, 0xa]), payload: random.octets(length) };
}

function generateClose(random: Random): Frame {
  if (random.oneIn(4)) {
    return { first: 0x88, payload: new Uint8Array(0) };
  }
  const code = random.pick(CLOSE_CODES);
  const reason = generateText(random, random.pick([0, 1, 20, 100])).subarray(0, 123);
  return { first: 0x88, payload: Buffer.concat([Uint8Array.of(code >> 8, code & 0xff), reason]) };
}

/** Cuts `payload` into `count` parts, some of them empty. */
function split(random: Random, payload: Uint8Array, count: number): Uint8Array[] {
  const cuts = Array.from({ length: count - 1 }, () => random.between(0, payload.length));
  const borders = [0, ...cuts.sort((left, right) => left - right), payload.length];
  return borders.slice(1).map((end, index) => payload.subarray(borders[index], end));
}

function encode(random: Random, { first, payload, form }: Frame, role: 'client' | 'server'): Uint8Array {
  const key = role === 'server' ? random.pick([0, -1, random.next(), random.next(), random.next()]) : undefined;
  const header = naiveEncodeHeader(
    {
      fin: (first & 0x80) !== 0,
      rsv: first & 0x70,
      opcode: first & 0x0f,
      key: key === undefined ? undefined : Uint8Array.of(key, key >> 8, key >> 16, key >> 24),
      length: BigInt(payload.length),
    },
    form,
  );
  return Buffer.concat([header, key === undefined ? payload : naiveMask(payload, key)]);
}

/** One to three things happen to the frames, most often to a header. */
function damage(random: Random, frames: Uint8Array[], { role }: ReceiverOptions): Uint8Array {
  const pieces = [...frames];
  for (let times = random.between(1, 3); times > 0; times--) {
    const index = random.below(pieces.length);
    const piece = pieces[index];
    const at = random.below(random.oneIn(3) ? piece.length : Math.min(piece.length, 14));
    pieces[index] = hurt(random, piece, at, role);
  }
  const wire = Buffer.concat(pieces);
  return random.oneIn(8) ? wire.subarray(0, random.below(wire.length + 1)) : wire;
}

function hurt(random: Random, piece: Uint8Array, at: number, role: 'client' | 'server'): Uint8Array {
  const before = piece.subarray(0, at);
  const after = piece.subarray(at);
  switch (random.below(6)) {
    case 0: {
      const flipped = Uint8Array.from(piece);
      flipped[at] ^= 1 << random.below(8);
      return flipped;
    }
    case 1:
      return Buffer.concat([before, after.subarray(random.between(1, 4))]);
    case 2:
      return Buffer.concat([before, after.subarray(0, random.between(1, 8)), after]);
    case 3:
      return Buffer.concat([piece, piece]);
    case 4:
      return Buffer.concat([generateHeader(random, role), piece]);
    default:
      return Buffer.concat([before, random.octets(random.between(1, 12)), after]);
  }
}

/** Any header at all, masked as it should be in most cases. */
function generateHeader(random: Random, role: 'client' | 'server'): Uint8Array {
  const mustMask = role === 'server';
  const isMasked = random.oneIn(8) ? !mustMask : mustMask;
  const form = random.pick<LengthForm>([0, 0, 0, 2, 8]);
  const long = random.pick([
    0n,
    125n,
    126n,
    65_535n,
    65_536n,
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 63n,
    2n ** 64n - 1n,
  ]);
  return naiveEncodeHeader(
    {
      fin: !random.oneIn(3),
      rsv: random.oneIn(3) ? 0x10 * random.below(8) : 0,
      opcode: random.oneIn(3) ? random.below(16) : random.pick([0, 1, 2, 8, 9, 10]),
      key: isMasked ? random.octets(4) : undefined,
      length: form === 0 ? BigInt(random.pick([0, 0, 1, 2, 5, 125])) : form === 2 ? long & 0xffffn : long,
    },
    form,
  );
}
