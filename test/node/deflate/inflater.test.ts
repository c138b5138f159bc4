import { constants, deflateRawSync } from 'node:zlib';
import * as ws from 'ws';
import { describe, expect, test } from 'vitest';
import { turns } from '../../../src/node/deflate/turns.js';
import {
  compressed,
  jsonLike,
  NO_TAKEOVER,
  noise,
  PATHS,
  seeded,
  TAKEOVER,
  TestInflater,
  told,
} from '../../support/deflate.js';

const MiB = 1024 * 1024;
const TOO_BIG = '1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH Max payload size exceeded';

/** The semi-public class of ws: types do not know it. */
interface WsDeflate {
  accept(offers: object[]): void;
  decompress(data: Uint8Array, fin: boolean, callback: (error: Error | null, result: Buffer) => void): void;
  cleanup(): void;
}
const { PerMessageDeflate } = ws as unknown as { PerMessageDeflate: new (options: { isServer: boolean }) => WsDeflate };

/** What ws makes of the same messages, in the form of `told`. */
async function toldByWs(messages: readonly Uint8Array[], contextTakeover: boolean): Promise<string[]> {
  const engine = new PerMessageDeflate({ isServer: true });
  engine.accept([contextTakeover ? {} : { client_no_context_takeover: [true] }]);
  const answers: string[] = [];
  for (const message of messages) {
    answers.push(
      await new Promise<string>((resolve) => {
        engine.decompress(message, true, (error, result) => {
          if (error === null) resolve(result.toString('latin1'));
          else resolve(`1007 ${(error as NodeJS.ErrnoException).code} ${error.message}`);
        });
      }),
    );
  }
  engine.cleanup();
  return answers;
}

const hello = compressed('Hello');
const final = deflateRawSync('Hello');
const stored = deflateRawSync('Hello', { level: 0 });
const noiseOctets = noise(60, seeded(9));

// Each row is the messages of one connection.
const MALFORMED: { name: string; messages: Uint8Array[] }[] = [
  { name: 'a final block (RFC 7692 7.2.3.4)', messages: [Buffer.concat([final, Buffer.from([0])]), hello] },
  { name: 'a final block without the empty one after it', messages: [final, hello] },
  { name: 'two final blocks', messages: [Buffer.concat([final, final]), hello] },
  { name: 'noise after a final block', messages: [Buffer.concat([final, noiseOctets]), hello] },
  { name: 'a final stored block', messages: [stored, hello] },
  {
    name: 'two blocks (RFC 7692 7.2.3.5)',
    messages: [Buffer.from('f248050000 00ffffcac9c90700'.replace(' ', ''), 'hex')],
  },
  { name: 'a payload of no bytes', messages: [new Uint8Array(0)] },
  { name: 'empty messages (RFC 7692 7.2.3.6)', messages: [Buffer.from([0]), Buffer.from([0]), hello] },
  { name: 'a message that ends inside a block', messages: [hello.subarray(0, 3)] },
  {
    name: 'a message with its tail still on',
    messages: [Buffer.concat([hello, Buffer.from([0, 0, 255, 255])])],
  },
  { name: 'an invalid block type', messages: [Buffer.from([0x06])] },
  { name: 'a distance that reaches back too far', messages: [Buffer.from([0x4b, 0x04, 0x61, 0x00])] },
  { name: 'stored lengths that do not match', messages: [Buffer.from([0x00, 0x05, 0x00, 0x00, 0x00, 0x48])] },
  { name: 'noise', messages: [noiseOctets] },
];

/** Short blocks, each with codes of its own that zlib builds tables for (RFC 1951 3.2.7). */
function ownCodes(length: number): Buffer {
  const text = noise(70, seeded(12)).toString('hex');
  const blocks = deflateRawSync(text, { finishFlush: constants.Z_FULL_FLUSH });
  expect(blocks[0] & 0b110).toBe(0b100);
  return Buffer.alloc(length, blocks);
}

describe.each(PATHS)('%s', (path) => {
  const options = { zlibPath: path };

  test.each(MALFORMED)('B04: $name is inflated or refused as in ws', async ({ messages }) => {
    for (const direction of [TAKEOVER, NO_TAKEOVER]) {
      const inflater = new TestInflater(direction, options);
      const answers: string[] = [];
      for (const message of messages) answers.push(told(await inflater.inflate(message)));
      expect(answers).toEqual(await toldByWs(messages, direction.contextTakeover));
      inflater.close();
    }
  });

  test('B04: a final block that ends with the tail itself does not cost the next message, as it does in ws', async () => {
    const endsWithTail = Buffer.from([0x01]);
    expect(await toldByWs([endsWithTail, hello], true)).toEqual(['', '']);
    for (const direction of [TAKEOVER, NO_TAKEOVER]) {
      const inflater = new TestInflater(direction, options);
      expect(told(await inflater.inflate(endsWithTail))).toBe('');
      expect(told(await inflater.inflate(hello))).toBe('Hello');
      inflater.close();
    }
  });

  test('B04: an error is the one of zlib, with its number', async () => {
    const inflater = new TestInflater(TAKEOVER, options);
    const error = await inflater.inflate(Buffer.from([0x06]));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ errno: constants.Z_DATA_ERROR, code: 'Z_DATA_ERROR', closeCode: 1007 });
    inflater.close();
  });

  test('RFC 6455 10.4: a message of maxLength bytes passes and one byte more does not', async () => {
    for (const maxLength of [0, 1, 63, 64, 1000, 65_535, 65_536, 65_537, 300_000]) {
      const inflater = new TestInflater(NO_TAKEOVER, options);
      expect(await inflater.inflate(compressed(Buffer.alloc(maxLength)), maxLength)).toHaveLength(maxLength);
      expect(told(await inflater.inflate(compressed(Buffer.alloc(maxLength + 1)), maxLength))).toBe(TOO_BIG);
      const message = jsonLike(maxLength + 1, seeded(maxLength));
      expect(told(await inflater.inflate(compressed(message), maxLength))).toBe(TOO_BIG);
      inflater.close();
    }
  });

  test('B01: output is counted as it comes: a bomb of 99 MiB is refused with a limit of 1 MiB after 1 MiB', async () => {
    const bomb = compressed(Buffer.alloc(99 * MiB));
    const inflater = new TestInflater(TAKEOVER, options);
    const before = process.memoryUsage().arrayBuffers;
    expect(told(await inflater.inflate(bomb, MiB))).toBe(TOO_BIG);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MiB);
    inflater.close();
    expect(turns.count).toBe(0);
  });

  test('B03: corrupt data behind a bomb gives one answer and no stray error, 500 times', async () => {
    const bomb = compressed(Buffer.alloc(150_000));
    const wire = Buffer.concat([bomb, Buffer.from([0x06, 0xff, 0xff])]);
    for (let round = 0; round < 500; round += 1) {
      const inflater = new TestInflater(TAKEOVER, options);
      expect(told(await inflater.inflate(wire, 100_000))).toBe(TOO_BIG);
      inflater.close();
      expect(inflater.stray).toEqual([]);
    }
    expect(turns.count).toBe(0);
  });

  test('B07: a distance never reaches what another message or connection left behind', async () => {
    // Fixed blocks (RFC 1951 3.2.6): the literal 'a', then three bytes from a distance of 2 and more.
    const far: Buffer[] = [Buffer.from([0x4b, 0x04, 0x61, 0x00])];
    const secret = Buffer.alloc(32_768, 0xa5);
    for (const size of [100, 1000, 20_000, 32_768]) {
      // What a sender with a preset window writes refers to bytes that the receiver must not have.
      far.push(compressed(secret.subarray(0, 300), { dictionary: secret.subarray(0, size) }));
    }
    const poisoned = new TestInflater(NO_TAKEOVER, options);
    for (const wire of far) {
      for (let round = 0; round < 3; round += 1) {
        expect(told(await poisoned.inflate(compressed(secret)))).toBe(secret.toString('latin1'));
        expect(told(await poisoned.inflate(wire))).toBe('1007 Z_DATA_ERROR invalid distance too far back');
        expect(await poisoned.inflate(compressed(secret))).toHaveLength(secret.length);
        const other = new TestInflater(round === 1 ? TAKEOVER : NO_TAKEOVER, options);
        expect(told(await other.inflate(wire))).toBe('1007 Z_DATA_ERROR invalid distance too far back');
        other.close();
      }
    }
    poisoned.close();
  });

  test('B07: messages of many connections, interleaved and of every length, never mix', async () => {
    const connections = Array.from({ length: 12 }, (_, index) => ({
      fill: index + 1,
      inflater: new TestInflater(index % 2 === 0 ? TAKEOVER : NO_TAKEOVER, options),
    }));
    const random = seeded(11);
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(
        connections.map(async ({ fill, inflater }) => {
          const message = Buffer.alloc(random(4) === 0 ? random(400_000) : random(2000), fill);
          const answer = await inflater.inflate(compressed(message));
          expect(Buffer.compare(answer as Uint8Array, message)).toBe(0);
        }),
      );
    }
    for (const { inflater } of connections) inflater.close();
  });

  test('B10: 64 KiB of the worst shapes take little processor time', async () => {
    const emptyStored = Buffer.alloc(65_535, Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]));
    const emptyFixed = Buffer.alloc(65_536);
    for (let bit = 1; bit < 8 * emptyFixed.length; bit += 10) emptyFixed[bit >> 3] |= 1 << (bit & 7);
    for (const wire of [emptyStored, emptyFixed, ownCodes(65_536)]) {
      const inflater = new TestInflater(NO_TAKEOVER, options);
      await inflater.inflate(compressed('warm'));
      const before = process.cpuUsage();
      await inflater.inflate(wire);
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(50);
      inflater.close();
    }
  });
});

test('B01: one bomb does not keep the event loop: no turn takes more than 50 ms of processor time', async () => {
  const bomb = compressed(Buffer.alloc(99 * MiB));
  const inflater = new TestInflater(TAKEOVER, { zlibPath: 'handle' });
  const busy: number[] = [];
  const inflated = inflater.inflate(bomb, 100 * MiB);
  let before = process.cpuUsage();
  while (turns.count > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    busy.push((user + system) / 1000);
  }
  expect(await inflated).toHaveLength(99 * MiB);
  busy.sort((a, b) => a - b);
  expect(busy[Math.floor(busy.length * 0.99)]).toBeLessThan(50);
  inflater.close();
});
