// The inflater beside zlib: all that zlib can write, cut anywhere, and streams that are wrong in every way a stream can be.
import { constants, createDeflateRaw, deflateRawSync, inflateRawSync, type DeflateRaw } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { canDeflate, createDeflater, createInflater } from '../../src/deflate/index.js';
import { UsageError } from '../../src/errors/usage-error.js';
import type { WebSocketError } from '../../src/errors/violations.js';
import { Inflating } from '../../src/spec/deflate.js';
import { Role } from '../../src/spec/frame.js';
import { BitWriter, dynamicHeader } from '../support/deflate-bits.js';
import { compressed, jsonLike, noise, seeded } from '../support/deflate.js';
import { inflatePieces } from '../support/raw-deflate.js';

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_SYNC_FLUSH } = constants;
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** What a side that receives has agreed on. */
const agreed = (bits: number, takeover: boolean): Parameters<typeof createInflater>[0] => ({
  serverNoContextTakeover: !takeover,
  clientNoContextTakeover: !takeover,
  serverMaxWindowBits: bits,
  clientMaxWindowBits: bits,
});

const inflater = (bits = 15, takeover = true): ReturnType<typeof createInflater> =>
  createInflater(agreed(bits, takeover), Role.Server);

/** What zlib makes of a message: its bytes, or undefined where it refuses. */
function zlibInflates(payload: Uint8Array): Buffer | undefined {
  try {
    return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: Z_SYNC_FLUSH });
  } catch {
    return undefined;
  }
}

/** A payload is taken or refused as by zlib, with the same bytes, in one piece and in many. */
function expectAsZlib(payload: Uint8Array, name: string): void {
  const expected = zlibInflates(payload);
  const result = inflater().inflate(payload, Infinity);
  const found = result instanceof Uint8Array ? Buffer.from(result) : undefined;
  expect([name, found?.toString('hex')]).toEqual([name, expected?.toString('hex')]);
  const bytes = Array.from(Buffer.concat([payload, TAIL]), (byte) => Uint8Array.of(byte));
  const { output, answer } = inflatePieces(bytes);
  expect([name, answer === Inflating.Corrupt]).toEqual([name, expected === undefined]);
  if (expected !== undefined) expect(output.equals(expected)).toBe(true);
}

const samples = (): Buffer[] => {
  const random = seeded(7);
  return [
    Buffer.alloc(0),
    Buffer.from('a'),
    jsonLike(3000, random),
    noise(2000, random),
    Buffer.alloc(5000, 97),
    Buffer.concat([noise(300, random), Buffer.alloc(700, 'abc'), jsonLike(20_000, random), Buffer.alloc(600)]),
  ];
};

test('there is WebAssembly to inflate with', () => {
  expect(canDeflate()).toBe(true);
});

describe('RFC 7692 7.2.2: a message of zlib', () => {
  test.each([0, 1, 6, 9])('of level %d comes out as it was, of every strategy, memLevel and window', (level) => {
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) {
      for (const [windowBits, memLevel] of [
        [9, 1],
        [12, 5],
        [15, 9],
      ]) {
        for (const data of samples()) {
          const result = inflater(windowBits).inflate(
            compressed(data, { level, strategy, windowBits, memLevel }),
            Infinity,
          );
          expect(data.equals(result as Uint8Array), `${strategy} ${windowBits} ${data.length}`).toBe(true);
        }
      }
    }
  });

  test.each([8, 9, 10, 11, 12, 13, 14, 15])(
    '7.1.2 with a window of %d bits refers to messages before',
    async (bits) => {
      // zlib writes with 9 bits where 8 are asked, and refers back no further than 8 bits hold.
      const stream: DeflateRaw = createDeflateRaw({ windowBits: Math.max(bits, 9) });
      const receiver = inflater(bits);
      const random = seeded(bits);
      const before = jsonLike(40_000, random);
      for (let at = 0; at < 60; at++) {
        const length = random(at % 10 === 9 ? 40_000 : 400);
        const data = at % 3 === 2 ? jsonLike(length, random) : before.subarray(0, length);
        const payload = await flushed(stream, data);
        const result = receiver.inflate(payload, Infinity);
        expect(data.equals(result as Uint8Array), `message ${at}`).toBe(true);
      }
      stream.close();
    },
  );

  test('without takeover begins with an empty window', () => {
    const data = jsonLike(1000, seeded(1));
    const payload = compressed(data, { dictionary: data });
    const receiver = inflater(15, false);
    expect(data.equals(receiver.inflate(compressed(data), Infinity) as Uint8Array)).toBe(true);
    expect((receiver.inflate(payload, Infinity) as WebSocketError).code).toBe('Z_DATA_ERROR');
    const keeping = inflater(15, true);
    expect(data.equals(keeping.inflate(compressed(data), Infinity) as Uint8Array)).toBe(true);
    expect(data.equals(keeping.inflate(payload, Infinity) as Uint8Array)).toBe(true);
  });

  test('comes out the same wherever its bytes are cut, also when it is carried out of the memory between', () => {
    const random = seeded(3);
    const data = Buffer.concat([jsonLike(200, random), noise(20, random), Buffer.alloc(300, 'ab')]);
    for (const options of [{ level: 0 }, { strategy: Z_FIXED }, {}]) {
      const payload = Buffer.concat([compressed(data, options), TAIL]);
      for (let cut = 0; cut <= payload.length; cut++) {
        for (const moves of [false, true]) {
          const { output } = inflatePieces([payload.subarray(0, cut), payload.subarray(cut)], Infinity, moves);
          expect(output.equals(data), `cut at ${cut}`).toBe(true);
        }
      }
      const bytes = Array.from(payload, (byte) => Uint8Array.of(byte));
      for (const room of [1, 2, 7, 300, Infinity]) {
        expect(inflatePieces([payload], room).output.equals(data), `room for ${room}`).toBe(true);
        expect(inflatePieces(bytes, room, true).output.equals(data), `bytes, room for ${room}`).toBe(true);
      }
    }
  });

  test('of several MiB, whose input and output come in many pieces', () => {
    const random = seeded(5);
    const data = Buffer.concat([noise(300_000, random), jsonLike(300_000, random), Buffer.alloc(2_000_000)]);
    expect(data.equals(inflater().inflate(compressed(data), Infinity) as Uint8Array)).toBe(true);
    // Input of exactly the length that is taken at once, and of one byte less and more.
    for (const length of [65_535, 65_536, 65_537, 131_072]) {
      const stored = compressed(noise(length, random).subarray(0, length - 20), { level: 0 });
      expectLength(inflater().inflate(stored, Infinity), length - 20);
    }
  });

  test('7.2.3.4 with a final block ends there, and the next one begins with an empty window', () => {
    const data = jsonLike(300, seeded(2));
    const final = Buffer.concat([deflateRawSync(data), Buffer.from('more that is not read')]);
    const receiver = inflater();
    expect(data.equals(receiver.inflate(final, Infinity) as Uint8Array)).toBe(true);
    expect(data.equals(receiver.inflate(compressed(data), Infinity) as Uint8Array)).toBe(true);
    expect(data.equals(receiver.inflate(final, Infinity) as Uint8Array)).toBe(true);
    const answer = receiver.inflate(compressed(data, { dictionary: data }), Infinity);
    expect((answer as WebSocketError).closeCode).toBe(1007);
  });
});

describe('RFC 1951: a stream that is wrong is refused as by zlib', () => {
  const ordinary = Array.from({ length: 257 }, (_, symbol) => (symbol < 255 ? 8 : 9));
  const fixed = (isFinal = 0): BitWriter => new BitWriter().put(isFinal, 1).put(1, 2);
  const dynamic = (literals: readonly number[], distances: readonly number[]): BitWriter =>
    dynamicHeader(new BitWriter(), literals, distances);
  const sparse = (...used: [symbol: number, length: number][]): number[] => {
    const lengths = Array.from({ length: Math.max(257, ...used.map(([symbol]) => symbol + 1)) }, () => 0);
    for (const [symbol, length] of used) lengths[symbol] = length;
    return lengths;
  };
  const only = (symbol: number, length: number): number[] =>
    Array.from({ length: 19 }, (_, at) => (at === symbol ? length : 0));
  const literal = (writer: BitWriter, byte: number): BitWriter =>
    byte < 144 ? writer.code(0x30 + byte, 8) : writer.code(0x190 + byte - 144, 9);

  const streams: Record<string, () => BitWriter> = {
    'a block of the reserved type': () => new BitWriter().put(0, 1).put(3, 2),
    'a stored block whose lengths differ': () => new BitWriter().put(0, 3).align().put(5, 16).put(5, 16),
    'a stored block that is cut short': () =>
      new BitWriter()
        .put(0, 3)
        .align()
        .put(9, 16)
        .put(0xffff - 9, 16)
        .put(1, 8),
    'a match before the first byte': () => fixed().code(1, 7).code(0, 5),
    'a match one byte too far': () => literal(fixed(), 65).code(1, 7).code(1, 5),
    'a match as far as the first byte': () => literal(fixed(), 65).code(1, 7).code(0, 5),
    'length code 286': () => literal(fixed(), 65).code(0xc6, 8),
    'length code 287': () => literal(fixed(), 65).code(0xc7, 8),
    'distance code 30': () => literal(fixed(), 65).code(1, 7).code(30, 5),
    'distance code 31': () => literal(fixed(), 65).code(1, 7).code(31, 5),
    '287 literal and length codes': () => new BitWriter().put(4, 3).put(30, 5).put(0, 5).put(0, 4).put(0, 32),
    '31 distance codes': () => new BitWriter().put(4, 3).put(0, 5).put(30, 5).put(0, 4).put(0, 32),
    'no code for the end of the block': () => dynamic([...ordinary.slice(0, 255), 8, 0], [1, 1]),
    'an oversubscribed code of literals': () => dynamic([...ordinary.slice(0, 255), 8, 8], [1, 1]),
    'an incomplete code of literals': () => dynamic(sparse([65, 2], [256, 2]), [1, 1]),
    'a code of one literal, of one bit': () => dynamic(sparse([256, 1]), [1]).code(0, 1),
    'a code of one literal, of one bit, and the other bit': () => dynamic(sparse([256, 1]), [1]).code(1, 1),
    'a code of one literal, of two bits': () => dynamic(sparse([256, 2]), [1]),
    'an oversubscribed code of distances': () => dynamic(ordinary, [1, 1, 1]),
    'an incomplete code of distances': () => dynamic(ordinary, [2, 2]),
    'a code of one distance, of one bit': () =>
      dynamic(sparse([65, 1], [256, 2], [257, 2]), [1])
        .code(0, 1)
        .code(3, 2)
        .code(0, 1)
        .code(2, 2),
    'a code of one distance, of one bit, and the other bit': () =>
      dynamic(sparse([65, 1], [256, 2], [257, 2]), [1])
        .code(0, 1)
        .code(3, 2)
        .code(1, 1),
    'a code of one distance, of two bits': () => dynamic(ordinary, [2]),
    'a code without distances, that is not used': () =>
      dynamic(sparse([65, 1], [256, 1]), [0])
        .code(0, 1)
        .code(1, 1),
    'a code without distances, that is used': () =>
      dynamic(sparse([65, 1], [256, 2], [257, 2]), [0])
        .code(0, 1)
        .code(3, 2)
        .put(0, 8),
    'codes of fifteen bits': () => {
      const lengths = Array.from({ length: 15 }, (_, at): [number, number] => [at, at + 1]);
      return dynamic(sparse(...lengths, [256, 15]), [1, 1])
        .code(0x7ffe, 15)
        .code(0x7ffe, 15)
        .code(0x7fff, 15);
    },
    'an oversubscribed code length code': () =>
      dynamicHeader(new BitWriter(), sparse([256, 1]), [1], false, [1, 1, 1, ...only(0, 0).slice(3)]),
    'an incomplete code length code': () => dynamicHeader(new BitWriter(), sparse([256, 1]), [1], false, only(0, 2)),
    'a code length code of one symbol': () => dynamicHeader(new BitWriter(), sparse([256, 1]), [1], false, only(1, 1)),
    'a code length code without symbols': () =>
      dynamicHeader(new BitWriter(), sparse([256, 1]), [1], false, only(0, 0)).put(0, 300),
    'a code length code without symbols, cut short': () =>
      dynamicHeader(new BitWriter(), sparse([256, 1]), [1], false, only(0, 0)).put(0, 20),
    'a repetition of no length': () => runs([16, 0, 2]),
    'repetitions past the end': () => runs([18, 127, 7], [18, 127, 7]),
    'a repetition past the end of the literals': () =>
      runs([1, 0, 0], [18, 127, 7], [18, 106, 7], [1, 0, 0], [16, 0, 2]),
    'zeroes to the last place': () => runs([18, 127, 7], [18, 109, 7]),
  };
  /** A dynamic block with 257 and 2 codes, whose lengths are 0, 1, 16 and 18, each of 2 bits. */
  function runs(...symbols: [symbol: number, extra: number, bits: number][]): BitWriter {
    const lengths = [0, 1, 16, 18];
    const writer = new BitWriter().put(4, 3).put(0, 5).put(1, 5).put(15, 4);
    for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]) {
      writer.put(lengths.includes(symbol) ? 2 : 0, 3);
    }
    for (const [symbol, extra, bits] of symbols) writer.code(lengths.indexOf(symbol), 2).put(extra, bits);
    return writer;
  }

  test.each(Object.entries(streams))('%s', (name, stream) => {
    const { bytes } = stream();
    expectAsZlib(bytes, name);
    // Once more after bytes, so that the way that decodes many symbols at once meets it.
    const random = seeded(name.length);
    const before = compressed(jsonLike(400, random));
    expectAsZlib(Buffer.concat([before, TAIL, bytes]), name);
    expectAsZlib(Buffer.concat([bytes, noise(400, random)]), name);
  });

  test('a message with any of its bits changed, or cut short anywhere', () => {
    const random = seeded(11);
    const data = Buffer.concat([jsonLike(70, random), Buffer.alloc(20, 'xyz')]);
    for (const options of [{}, { strategy: Z_FIXED }, { level: 0 }]) {
      const payload = compressed(data, options);
      for (let bit = 0; bit < payload.length * 8; bit++) {
        const changed = Buffer.from(payload);
        changed[bit >> 3] ^= 1 << (bit & 7);
        expectAsZlib(changed, `bit ${bit}`);
      }
      for (let cut = 0; cut < payload.length; cut++) expectAsZlib(payload.subarray(0, cut), `cut at ${cut}`);
    }
  });

  test('7.1.2 a match past the agreed window, though the message holds its bytes', () => {
    const data = noise(600, seeded(1));
    const payload = compressed(Buffer.concat([data, data]));
    expect(inflater(10).inflate(payload, Infinity)).toBeInstanceOf(Uint8Array);
    expect((inflater(9).inflate(payload, Infinity) as WebSocketError).code).toBe('Z_DATA_ERROR');
  });
});

describe('RFC 6455 10.4: the limit', () => {
  test.each([
    ['zeroes', Buffer.alloc(1000)],
    ['text', jsonLike(1000, seeded(1))],
    ['noise', noise(1000, seeded(1))],
  ])('lets %s through at their length, and refuses them with 1009 at one byte less', (_, data) => {
    expectLength(inflater().inflate(compressed(data), 1000), 1000);
    expect((inflater().inflate(compressed(data), 999) as WebSocketError).closeCode).toBe(1009);
    expect((inflater().inflate(compressed(data), 0) as WebSocketError).closeCode).toBe(1009);
  });

  test('stops a bomb of 32 MiB at 1 MiB, before its memory is there', () => {
    const bomb = compressed(Buffer.alloc(32 * 1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    const start = process.cpuUsage();
    const answer = inflater().inflate(bomb, 1024 * 1024);
    const { user } = process.cpuUsage(start);
    expect((answer as WebSocketError).closeCode).toBe(1009);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
    // All of it would take longer than this.
    expect(user).toBeLessThan(20_000);
  });
});

function expectLength(result: unknown, length: number): void {
  expect((result as Uint8Array).length).toBe(length);
}

/** A stream of zlib's, flushed after some data, without the tail. */
function flushed(stream: DeflateRaw, data: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const collect = (part: Buffer): void => void parts.push(part);
    stream.on('data', collect);
    stream.write(data);
    stream.flush(Z_SYNC_FLUSH, () => {
      stream.off('data', collect);
      // zlib has nothing to flush after nothing.
      resolve(data.length === 0 ? Buffer.from([0]) : Buffer.concat(parts).subarray(0, -4));
    });
  });
}

describe('arguments out of range are refused before anything is done', () => {
  const good = agreed(15, true);
  test.each([7, 16, -1, 0, 8.5, NaN, '15', undefined])('window bits %o', (bits) => {
    for (const role of [Role.Client, Role.Server]) {
      const bad = agreed(bits as number, true);
      expect(() => createInflater(bad, role)).toThrow(UsageError);
      expect(() => createDeflater(bad, role)).toThrow(UsageError);
    }
  });
  test.each([undefined, null, 2, 'server'])('the role %o', (role) => {
    expect(() => createInflater(good, role as Role)).toThrow(UsageError);
    expect(() => createDeflater(good, role as Role)).toThrow(UsageError);
  });
  test.each([undefined, null, 'permessage-deflate'])('the agreement %o', (bad) => {
    expect(() => createInflater(bad as never, Role.Client)).toThrow(UsageError);
    expect(() => createDeflater(bad as never, Role.Client)).toThrow(UsageError);
  });
  test.each([undefined, null, 'text', 3, {}])('the payload %o', (bad) => {
    expect(() => inflater().inflate(bad as never, Infinity)).toThrow(UsageError);
    expect(() => createDeflater(good, Role.Server).deflate(bad as never, true)).toThrow(UsageError);
  });
  test.each([NaN, -1, undefined])('the limit %o', (limit) => {
    expect(() => inflater().inflate(compressed(Buffer.from('hello')), limit as number)).toThrow(UsageError);
  });
  test('a limit that is no integer', () => {
    const result = inflater().inflate(compressed(Buffer.from('hello')), 1.5);
    expect((result as WebSocketError).closeCode).toBe(1009);
  });
});
