// The deflater: zlib inflates all that it writes, within the agreed window, and its output is about as short as zlib's.
import { constants, createInflateRaw, deflateRawSync, inflateRawSync, type InflateRaw } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createDeflater, createInflater } from '../../src/deflate/index.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { Role } from '../../src/spec/frame.js';
import { jsonLike, noise, seeded } from '../support/deflate.js';

const { Z_SYNC_FLUSH } = constants;
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

const agreed = (bits: number, takeover: boolean): Parameters<typeof createDeflater>[0] => ({
  serverNoContextTakeover: !takeover,
  clientNoContextTakeover: !takeover,
  serverMaxWindowBits: bits,
  clientMaxWindowBits: bits,
});

const deflater = (level?: number, bits = 15, takeover = true): ReturnType<typeof createDeflater> =>
  createDeflater(agreed(bits, takeover), Role.Server, level === undefined ? {} : { level });

const whole = (payload: unknown): Buffer => Buffer.concat([payload as Uint8Array, TAIL]);
const inflated = (payload: unknown): Buffer => inflateRawSync(whole(payload), { finishFlush: Z_SYNC_FLUSH });

/** Data of every kind, of many lengths. */
function samples(): Buffer[] {
  const random = seeded(4);
  const skewed = Buffer.from(
    Array.from({ length: 30_000 }, () => Math.min(random(256), random(256), random(256), random(256))),
  );
  // So that codes would be longer than 15 bits: each byte occurs as often as the two before it together.
  const fibonacci: number[] = [];
  for (let byte = 0, [one, two] = [1, 1]; fibonacci.length + one < 48_000; byte++, [one, two] = [two, one + two]) {
    for (let times = 0; times < one; times++) fibonacci.splice(random(fibonacci.length + 1), 0, byte);
  }
  return [
    ...[0, 1, 2, 3, 4, 5, 8, 100, 300, 5000].flatMap((length) => [
      jsonLike(length, random),
      noise(length, random),
      Buffer.alloc(length, 'x'),
    ]),
    skewed,
    Buffer.from(fibonacci),
    Buffer.concat([noise(33_000, random), jsonLike(70_000, random), Buffer.alloc(300_000, 'ab')]),
    noise(49_152, random),
    jsonLike(49_153, random),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  ];
}

describe('RFC 7692 7.2.1: zlib inflates a message', () => {
  test.each([1, 3, 4, 6, 9])('of level %d', (level) => {
    for (const data of samples()) {
      expect(inflated(deflater(level).deflate(data, true)).equals(data), `${data.length}`).toBe(true);
    }
  });

  test.each([8, 9, 10, 11, 12, 13, 14, 15])(
    '7.1.2 of a window of %d bits, which it never refers past',
    async (bits) => {
      const stream: InflateRaw = createInflateRaw({ windowBits: bits });
      const strict = createInflater(agreed(bits, true), Role.Client);
      const sender = deflater(6, bits);
      const random = seeded(bits);
      const before = jsonLike(70_000, random);
      for (let at = 0; at < 60; at++) {
        const length = random(at % 10 === 9 ? 70_000 : 400);
        const data = at % 3 === 2 ? jsonLike(length, random) : before.subarray(0, length);
        const payload = sender.deflate(data, true) as Uint8Array;
        expect(data.equals(strict.inflate(payload, Infinity) as Uint8Array), `message ${at}`).toBe(true);
        expect(data.equals(await through(stream, whole(payload), length)), `message ${at} by zlib`).toBe(true);
      }
      stream.close();
    },
  );

  test('in fragments: each ends with a whole flush, but the last', () => {
    const random = seeded(9);
    for (const takeover of [true, false]) {
      const sender = deflater(6, 15, takeover);
      for (let message = 0; message < 20; message++) {
        const data = jsonLike(1 + random(5000), random);
        const ends = [random(data.length), random(data.length), data.length].sort((one, other) => one - other);
        const parts = ends.map(
          (end, at) => sender.deflate(data.subarray(ends[at - 1] ?? 0, end), at === 2) as Uint8Array,
        );
        for (const part of parts.slice(0, -1)) {
          if (part.length > 0) expect(Buffer.from(part.subarray(-4)).equals(TAIL)).toBe(true);
        }
        if (!takeover || message === 0) expect(inflated(Buffer.concat(parts)).equals(data)).toBe(true);
      }
    }
  });

  test('7.2.3.6 that is empty, and fragments that are', () => {
    expect(deflater().deflate(Buffer.alloc(0), true)).toEqual(Uint8Array.of(0));
    const sender = deflater();
    expect(sender.deflate(Buffer.alloc(0), false)).toEqual(new Uint8Array(0));
    const parts = [sender.deflate(Buffer.from('data'), false), sender.deflate(Buffer.alloc(0), true)];
    expect(inflated(Buffer.concat(parts as Uint8Array[])).toString()).toBe('data');
  });

  test('with takeover shorter than without, when messages repeat', () => {
    const data = jsonLike(1000, seeded(1));
    const keeping = deflater();
    const forgetting = deflater(6, 15, false);
    const lengths = [1, 2, 3].map(() =>
      [keeping, forgetting].map((one) => (one.deflate(data, true) as Uint8Array).length),
    );
    expect(lengths[1][0]).toBeLessThan(40);
    expect(lengths[2][0]).toBeLessThan(40);
    expect(lengths[2][1]).toBe(lengths[0][1]);
  });
});

test('what it writes is at most 3 % longer than what zlib does at the same level, and never much longer than the data', () => {
  const random = seeded(6);
  for (const [data, share] of [
    [jsonLike(1000, random), 1.03],
    [jsonLike(10_000, random), 1.03],
    [jsonLike(100_000, random), 1.03],
    [noise(100_000, random), 1],
  ] as const) {
    const ours = deflater(6).deflate(data, true) as Uint8Array;
    expect(ours.length, `${data.length}`).toBeLessThanOrEqual(deflateRawSync(data, { level: 6 }).length * share + 8);
    expect(ours.length).toBeLessThanOrEqual(data.length + 6 * Math.ceil(data.length / 49_152) + 1);
  }
});

test('a level out of range is a mistake of the caller', () => {
  for (const level of [0, 10, 1.5, Number.NaN, '6']) {
    expect(() => deflater(level as number), String(level)).toThrow(UsageError);
  }
});

/** The next `length` bytes of output of a stream that is fed a message. */
function through(stream: InflateRaw, payload: Buffer, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let made = 0;
    const collect = (part: Buffer): void => {
      parts.push(part);
      made += part.length;
    };
    stream.on('data', collect);
    stream.once('error', reject);
    stream.write(payload, () => {
      stream.flush(Z_SYNC_FLUSH, () => {
        stream.off('data', collect);
        stream.off('error', reject);
        if (made === length) resolve(Buffer.concat(parts));
        else reject(new Error(`${made} bytes of ${length}`));
      });
    });
  });
}
