import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { Random } from '../random.js';
import { naiveDecodeHeader, naiveEncodeHeader } from './header.js';
import { naiveMask } from './mask.js';
import { naiveTranscode } from './transcode.js';
import { naiveUtf8State } from './utf8.js';

/** Bytes from both sides of every border that RFC 3629 4 draws. */
const BORDERS = [
  0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
  0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

describe('the naive UTF-8 judge', () => {
  test('RFC 3629 4 equals Node on every sequence of four border bytes', () => {
    for (const first of BORDERS) {
      for (const second of BORDERS) {
        for (const third of BORDERS) {
          for (const fourth of BORDERS) {
            const octets = Uint8Array.of(first, second, third, fourth);
            if ((naiveUtf8State(octets) === 0) !== isUtf8(octets)) {
              expect.fail(`differs on ${Buffer.from(octets).toString('hex')}`);
            }
          }
        }
      }
    }
  });

  test('RFC 3629 4 equals Node on every sequence of two bytes', () => {
    for (let pair = 0; pair < 0x10000; pair++) {
      const octets = Uint8Array.of(pair >> 8, pair & 0xff);
      if ((naiveUtf8State(octets) === 0) !== isUtf8(octets)) {
        expect.fail(`differs on ${pair.toString(16)}`);
      }
    }
  });

  test('goes on from where it stopped, at every cut', () => {
    const octets = Buffer.from('aé€😀z');
    for (let cut = 0; cut <= octets.length; cut++) {
      const before = naiveUtf8State(octets.subarray(0, cut));
      expect(before).not.toBe(-1);
      expect(naiveUtf8State(octets.subarray(cut), before)).toBe(0);
    }
  });

  test('says what may come next, and is wrong for good once it is wrong', () => {
    expect(naiveUtf8State([0xe0])).toBe(2 | (0xa0 << 8) | (0xbf << 16));
    expect(naiveUtf8State([0xe0, 0xa0])).toBe(1 | (0x80 << 8) | (0xbf << 16));
    expect(naiveUtf8State([0xe0, 0x9f, 0x80, 0x61])).toBe(-1);
    expect(naiveUtf8State([0x61], -1)).toBe(-1);
  });
});

test('RFC 3629 3 the naive transcoding equals Node on every code point', () => {
  for (let point = 0; point < 0x110000; point += 0x40) {
    if (point >= 0xd800 && point < 0xe000) {
      continue; // Surrogates stand for no character alone.
    }
    const text = Array.from({ length: 0x40 }, (_, low) => String.fromCodePoint(point + low)).join('');
    const units = naiveTranscode(Buffer.from(text));
    if (String.fromCharCode(...units) !== text) {
      expect.fail(`differs from ${point.toString(16)} on`);
    }
  }
});

test('RFC 6455 5.3 the naive mask is undone by itself, and its first byte meets the lowest byte of the key', () => {
  const octets = new Random(53).octets(67);
  expect(naiveMask(naiveMask(octets, 0x89abcdef), 0x89abcdef)).toEqual(octets);
  expect([...naiveMask(Uint8Array.of(0, 0, 0, 0, 0), 0x04030201)]).toEqual([1, 2, 3, 4, 1]);
});

describe('the naive header', () => {
  test('RFC 6455 5.7 writes the examples of the RFC', () => {
    const plain = { fin: true, rsv: 0, key: undefined };
    const written = [
      naiveEncodeHeader({ ...plain, opcode: 1, length: 5n }),
      naiveEncodeHeader({ ...plain, opcode: 1, length: 5n, key: Uint8Array.of(0x37, 0xfa, 0x21, 0x3d) }),
      naiveEncodeHeader({ ...plain, opcode: 1, length: 3n, fin: false }),
      naiveEncodeHeader({ ...plain, opcode: 2, length: 256n }),
      naiveEncodeHeader({ ...plain, opcode: 2, length: 65_536n }),
    ].map((octets) => Buffer.from(octets).toString('hex'));
    expect(written).toEqual(['8105', '818537fa213d', '0103', '827e0100', '827f0000000000010000']);
  });

  test('RFC 6455 5.2 reads what it writes, and waits for the last byte', () => {
    const random = new Random(52);
    for (const length of [0n, 1n, 125n, 126n, 127n, 65_535n, 65_536n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n]) {
      for (const key of [undefined, random.octets(4)]) {
        const header = { fin: random.oneIn(2), rsv: 0x10 * random.below(8), opcode: random.below(16), key, length };
        const octets = naiveEncodeHeader(header);
        expect(naiveDecodeHeader(octets)).toEqual({ header, size: octets.length });
        expect(naiveDecodeHeader(octets.subarray(0, -1))).toBeUndefined();
      }
    }
  });
});
