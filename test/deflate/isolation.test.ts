// Connections that share the memory of one module: none reads a byte of another's, whatever the peers send and in any order.
import { describe, expect, test } from 'vitest';
import { createDeflater, createInflater } from '../../src/deflate/index.js';
import { machine } from '../../src/deflate/machine.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { Role } from '../../src/spec/frame.js';
import { BitWriter } from '../support/deflate-bits.js';
import { compressed, jsonLike, seeded } from '../support/deflate.js';
import { ZlibPair } from '../support/zlib-pair.js';

const agreed = (bits: number, takeover: boolean): Parameters<typeof createInflater>[0] => ({
  serverNoContextTakeover: !takeover,
  clientNoContextTakeover: !takeover,
  serverMaxWindowBits: bits,
  clientMaxWindowBits: bits,
});

const SECRET = 'SECRET of another connection';

/** A message of the fixed codes: a few literals, then a match of 10 bytes from `distance` bytes before. */
function reachingBack(literals: string, distanceCode: number, extra: number, extraBits: number): Uint8Array {
  const writer = new BitWriter().put(0, 1).put(1, 2);
  for (const byte of Buffer.from(literals)) writer.code(0x30 + byte, 8);
  return writer.code(8, 7).code(distanceCode, 5).put(extra, extraBits).code(0, 7).bytes;
}

describe('a stream that refers back past its own beginning', () => {
  test.each([true, false])(
    'gets nothing of another connection, nor of one that is closed (takeover: %s)',
    (takeover) => {
      for (const isClosed of [false, true]) {
        const other = createInflater(agreed(15, takeover), Role.Server);
        for (let at = 0; at < 20; at++) other.inflate(compressed(SECRET.repeat(300)), Infinity);
        if (isClosed) other.close();
        // Distances of 1 to 24,577 bytes, before and after bytes of its own.
        for (const literals of ['', 'own']) {
          for (let code = 0; code < 30; code++) {
            const extraBits = code < 4 ? 0 : (code >> 1) - 1;
            if (literals !== '' && code < 3) continue;
            const inflater = createInflater(agreed(15, takeover), Role.Server);
            const answer = inflater.inflate(reachingBack(literals, code, 0, extraBits), Infinity);
            expect(answer, `${literals} ${code}`).toBeInstanceOf(Error);
          }
        }
      }
    },
  );

  test('gets nothing of its own messages before, without takeover', () => {
    const inflater = createInflater(agreed(15, false), Role.Server);
    inflater.inflate(compressed(SECRET), Infinity);
    expect(inflater.inflate(reachingBack('', 3, 0, 0), Infinity)).toBeInstanceOf(Error);
  });
});

test('each of many connections that take turns gets its own messages back, in both directions', () => {
  const random = seeded(21);
  const pairs = Array.from({ length: 8 }, (_, at) => {
    const agreement = agreed(8 + at, at % 3 !== 2);
    return {
      inflater: createInflater(agreement, Role.Server),
      deflater: createDeflater(agreement, Role.Client),
      zlib: new ZlibPair(8 + at, at % 3 !== 2),
      // Texts of which only this connection's window has the beginning.
      text: jsonLike(3000, seeded(at)),
    };
  });
  for (let turn = 0; turn < 600; turn++) {
    const { inflater, deflater, zlib, text } = pairs[random(pairs.length)];
    const start = random(2000);
    const data = text.subarray(start, start + random(1000));
    const inflated = inflater.inflate(zlib.deflate(data), Infinity);
    expect(data.equals(inflated as Uint8Array), `turn ${turn}`).toBe(true);
    expect(zlib.inflate(deflater.deflate(data, true) as Uint8Array).equals(data), `turn ${turn}`).toBe(true);
  }
  for (const { zlib, inflater, deflater } of pairs) {
    zlib.close();
    inflater.close();
    deflater.close();
  }
});

test('a message that ended in mid-block goes on in the next one, also after another connection', () => {
  const random = seeded(31);
  const data = jsonLike(2000, random);
  for (const options of [{}, { strategy: 4 }, { level: 0 }]) {
    const payload = compressed(data, options);
    // The tail that the receiver appends stands in the middle of the stream then, and is data to it: as to zlib.
    for (let cut = 1; cut < payload.length; cut += 1 + random(20)) {
      const zlib = new ZlibPair(15, true);
      const [alone, moved] = [0, 1].map(() => createInflater(agreed(15, true), Role.Server));
      const expected = [payload.subarray(0, cut), payload.subarray(cut)].map((part) => zlib.tryInflate(part));
      const told = (answer: unknown): string =>
        answer instanceof Uint8Array ? Buffer.from(answer).toString('latin1') : '!';
      const first = told(moved.inflate(payload.subarray(0, cut), Infinity));
      const aloneFirst = told(alone.inflate(payload.subarray(0, cut), Infinity));
      expect([first, aloneFirst]).toEqual([told(expected[0]), told(expected[0])]);
      if (first === '!') continue;
      expect(told(alone.inflate(payload.subarray(cut), Infinity)), `cut at ${cut}`).toBe(told(expected[1]));
      expect(told(moved.inflate(payload.subarray(cut), Infinity)), `cut at ${cut}, moved`).toBe(told(expected[1]));
      zlib.close();
    }
  }
});

test('messages own their bytes', () => {
  const deflater = createDeflater(agreed(15, true), Role.Server);
  const inflater = createInflater(agreed(15, true), Role.Client);
  const data = jsonLike(500_000, seeded(1));
  for (const length of [0, 10, 5000, 500_000]) {
    const sent = deflater.deflate(data.subarray(0, length), true) as Uint8Array;
    const received = inflater.inflate(sent, Infinity) as Uint8Array;
    for (const bytes of [sent, received]) {
      expect(bytes.buffer).not.toBe(machine().bytes.buffer);
      expect(bytes.buffer.byteLength).toBe(bytes.length);
    }
    const [sentBefore, receivedBefore] = [Buffer.from(sent), Buffer.from(received)];
    inflater.inflate(deflater.deflate(Buffer.alloc(500_000, 'x'), true) as Uint8Array, Infinity);
    expect([sentBefore.equals(sent), receivedBefore.equals(received)]).toEqual([true, true]);
  }
});

test('a window that was closed is no longer there', () => {
  const inflater = createInflater(agreed(15, true), Role.Server);
  const deflater = createDeflater(agreed(15, true), Role.Client);
  const data = jsonLike(300, seeded(1));
  const first = deflater.deflate(data, true) as Uint8Array;
  inflater.inflate(first, Infinity);
  deflater.close();
  inflater.close();
  expect(inflater.inflate(compressed(data, { dictionary: data }), Infinity)).toBeInstanceOf(Error);
  expect(Buffer.from(deflater.deflate(data, true) as Uint8Array).equals(first)).toBe(true);
});

test('a payload whose class reports another length is taken by its memory, in both directions', () => {
  class Long extends Uint8Array {
    override get length(): number {
      return 2005;
    }
  }
  const other = createInflater(agreed(15, true), Role.Client);
  const stored = (length: number): number[] => [0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff];
  const secret = Buffer.from(SECRET.repeat(100));
  other.inflate(Buffer.concat([Buffer.from(stored(secret.length)), secret, Buffer.of(0)]), Infinity);
  // The header of a block of 2000 bytes, which are those of the other connection.
  const header = new Long(5);
  header.set(stored(2000));
  // The block ends with the message: no byte but the four that RFC 7692 7.2.2 puts behind it.
  const empty = Uint8Array.of(0, 0, 255, 255);
  expect(createInflater(agreed(15, true), Role.Client).inflate(header, Infinity)).toEqual(empty);
  const deflate = (data: Uint8Array): unknown => createDeflater(agreed(15, true), Role.Server).deflate(data, true);
  expect(deflate(header)).toEqual(deflate(Uint8Array.from(stored(2000))));
  // A class that is honest itself, but not the one that its `subarray` makes.
  class Honest extends Uint8Array {
    static get [Symbol.species](): typeof Long {
      return Long;
    }
  }
  const honest = new Honest(5);
  honest.set(stored(2000));
  expect(createInflater(agreed(15, true), Role.Client).inflate(honest, Infinity)).toEqual(empty);
});

test.each(['5 ', new Date(0), null, '100', Number.NaN, -1])('a limit that is no number, %s, is refused', (limit) => {
  const inflater = createInflater(agreed(15, true), Role.Client);
  expect(() => inflater.inflate(Uint8Array.of(0), limit as never)).toThrow(UsageError);
});
