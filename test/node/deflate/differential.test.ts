import { constants, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { expect, test } from 'vitest';
import { LATER } from '../../../src/extensions/transform.js';
import { compressed, jsonLike, NO_TAKEOVER, noise, PATHS, seeded, TestInflater, told } from '../../support/deflate.js';
import { runsLong } from '../../support/long.js';

// Streams a run, split between the two ways: WSIMD_DEFLATE_STREAMS=1000000 for a long one.
const STREAMS = Number(process.env['WSIMD_DEFLATE_STREAMS'] ?? (runsLong ? 20_000 : 3000));
const LIMIT = 300_000;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

type Random = (below: number) => number;

/** Valid streams of every block type, some long, some with final blocks, some of several messages. */
function makeSeeds(random: Random): Buffer[] {
  const texts = [0, 1, 3, 40, 200, 1000, 3000].map((length) => jsonLike(length, random));
  const messages = [...texts, noise(50, random), noise(700, random), Buffer.alloc(500, 0xa5), Buffer.alloc(100_000)];
  const ways: ZlibOptions[] = [
    {},
    { level: 0 },
    { level: 9, windowBits: 9 },
    { strategy: constants.Z_FIXED },
    { memLevel: 1 },
  ];
  const seeds = messages.flatMap((message) => ways.map((way) => compressed(message, way)));
  const finals = seeds.map((stream) => Buffer.concat([Buffer.from([stream[0] ^ 1]), stream.subarray(1)]));
  return [...seeds, ...finals, Buffer.concat([seeds[15], TAIL, seeds[20]])];
}

/** Changes a stream in one to four ways: bits, bytes, cuts, insertions, repetitions. */
function mutate(stream: Buffer, random: Random): Buffer {
  let mutated = Buffer.from(stream);
  for (let count = 1 + random(4); count > 0; count -= 1) {
    const at = random(Math.min(mutated.length, random(2) === 0 ? 40 : mutated.length) + 1);
    const before = mutated.subarray(0, at);
    const after = mutated.subarray(at);
    switch (random(6)) {
      case 0:
        if (after.length > 0) after[0] ^= 1 << random(8);
        break;
      case 1:
        if (after.length > 0) after[0] = random(256);
        break;
      case 2:
        mutated = Buffer.from(before);
        break;
      case 3:
        mutated = Buffer.concat([before, after.subarray(1 + random(5))]);
        break;
      case 4:
        mutated = Buffer.concat([before, noise(1 + random(8), random), after]);
        break;
      default:
        mutated = Buffer.concat([before, before.subarray(Math.max(0, at - random(50))), after]);
    }
  }
  return mutated;
}

/** zlib's own answer, in the form of `told`. */
function expected(stream: Buffer): string {
  try {
    return inflateRawSync(Buffer.concat([stream, TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: LIMIT,
    }).toString('latin1');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return '1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH Max payload size exceeded';
    return `1007 ${code} ${message}`;
  }
}

test.each(PATHS)(
  `B04, H10: ${STREAMS / 2} mutated streams are accepted and refused as by zlib.inflateRawSync: %s`,
  async (path) => {
    const seed = path === 'handle' ? 7692 : 1951;
    const random = seeded(seed);
    const seeds = makeSeeds(random);
    const poison = compressed(Buffer.alloc(40_000, 0xa5));
    const inflater = new TestInflater(NO_TAKEOVER, { zlibPath: path });
    const counts = { accepted: 0, refused: 0, later: 0 };
    for (let index = 0; index < STREAMS / 2; index += 1) {
      const stream = mutate(seeds[random(seeds.length)], random);
      // The window that this stream must not see is full of 0xA5.
      if (index % 16 === 0) await inflater.inflate(poison);
      const answer = inflater.engine.inflate(stream, LIMIT);
      if (answer === LATER) counts.later += 1;
      const settled = await inflater.settle(answer);
      if (settled instanceof Error) counts.refused += 1;
      else counts.accepted += 1;
      if (told(settled) === expected(stream)) continue;
      expect(told(settled), `seed ${seed}, stream ${index}: ${stream.toString('hex')}`).toBe(expected(stream));
    }
    inflater.close();
    console.log(`${path}: ${JSON.stringify(counts)}`);
    expect(Math.min(counts.accepted, counts.refused)).toBeGreaterThan(STREAMS / 50);
    expect(counts.later).toBeGreaterThan(0);
  },
  3_600_000,
);
