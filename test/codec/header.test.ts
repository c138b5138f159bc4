import { expect, test } from 'vitest';
import { mask, UsageError, writeHeader } from '../../src/sans-io.js';
import { frameAt, headerLength } from '../../src/codec/header.js';
import { FIN, Opcode } from '../../src/spec/frame.js';
import { naiveEncodeHeader } from '../support/naive/header.js';
import { Random } from '../support/random.js';
import { decodeFrame, encodeFrame } from '../support/raw-peer.js';

const LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537, 2 ** 31 - 1, 2 ** 31];
const LONG_LENGTHS = [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 48 + 258, 2 ** 53 - 1];

test('5.2 equals the naive header for every first byte, length and form, and writes nothing beyond it', () => {
  const random = new Random(52);
  const target = new Uint8Array(17);
  for (const length of [...LENGTHS, ...LONG_LENGTHS]) {
    for (let first = 0; first < 256; first++) {
      for (const key of [undefined, random.octets(4)]) {
        const expected = naiveEncodeHeader({
          fin: first >= 128,
          rsv: first & 0x70,
          opcode: first & 15,
          key,
          length: BigInt(length),
        });
        target.fill(0xa5);
        const size = writeHeader(target, 1, first, length, key && Buffer.from(key).readInt32LE()) - 1;
        const around = Buffer.concat([Uint8Array.of(0xa5), expected, new Uint8Array(16 - expected.length).fill(0xa5)]);
        if (size !== expected.length || Buffer.compare(around, target) !== 0) {
          expect.fail(`first byte ${first}, length ${length}, ${key ? 'masked' : 'not masked'}`);
        }
      }
    }
  }
});

test('5.2 the length of a header is known before it is written', () => {
  const target = new Uint8Array(10);
  for (const length of [...LENGTHS, ...LONG_LENGTHS])
    expect(headerLength(length)).toBe(writeHeader(target, 0, 0x82, length));
});

test('5.2 a header that the caller writes, and a payload masked in pieces, are a frame', () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    for (const key of [undefined, 0x11223344, -1]) {
      const payload = Buffer.alloc(length, 'abcdefg');
      const target = new Uint8Array(20 + length);
      const start = writeHeader(target, 3, FIN | Opcode.Binary, length, key);
      target.set(payload, start);
      if (key !== undefined) {
        const half = length >> 1;
        mask(target, key, start, start + half);
        mask(target, key, start + half, start + length, half);
      }
      const frame = decodeFrame(Buffer.from(target.subarray(3, start + length)))!;
      expect([frame.opcode, frame.fin, frame.masked, frame.payload.equals(payload)]).toEqual([
        2,
        true,
        key !== undefined,
        true,
      ]);
    }
  }
  const target = new Uint8Array(10);
  expect([writeHeader(target, 0, 0x82, Number.MAX_SAFE_INTEGER), Buffer.from(target).toString('hex')]).toEqual([
    10,
    '827f001fffffffffffff',
  ]);
});

test('an argument out of range, or no room, is a UsageError, and nothing is written', () => {
  const target = new Uint8Array(8);
  for (const [at, first, length, key] of [
    [7, 0x82, 1, undefined],
    [3, 0x82, 1, 5],
    [-1, 0x82, 1, undefined],
    [0.5, 0x82, 1, undefined],
    [0, 256, 1, undefined],
    [0, NaN, 1, undefined],
    [0, 0x82, -1, undefined],
    [0, 0x82, 2 ** 53, undefined],
    [0, 0x82, 1, 0.5],
  ] as const) {
    expect(() => writeHeader(target, at, first, length, key)).toThrow(UsageError);
  }
  expect(() => writeHeader({} as Uint8Array, 0, 0x82, 1)).toThrow(UsageError);
  expect([...target]).toEqual(Array(8).fill(0));
});

test('5.2 frameAt finds the payload and the end of a frame of every length form, masked or not', () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 70_000]) {
    for (const isMasked of [false, true]) {
      const frame = Buffer.concat([
        Uint8Array.of(1, 2, 3),
        encodeFrame({ payload: Buffer.alloc(length), masked: isMasked }),
      ]);
      expect(frameAt(frame, 3)).toEqual({ payload: frame.length - length, end: frame.length });
    }
  }
});
