import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/kernels/index.js';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveUtf8State } from '../support/naive/utf8.js';
import { Random } from '../support/random.js';
import { rawKernels } from '../support/raw-kernels.js';

const TEXTS = [
  'Plain ASCII that fills more than one vector of sixteen bytes, and more than four of them too, before it ends. ',
  'Où les élèves français étaient-ils à Noël? ',
  'Съешь же ещё этих мягких французских булок. ',
  '漢字かな交じり文章をここに書きます。',
  'so 😀 happy 🙃 to 漢字 see é you 👍🏽 ',
  '\u{7f}\u{80}\u{7ff}\u{800}\u{fff}\u{1000}\u{cfff}\u{d000}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{3ffff}\u{40000}\u{fffff}\u{100000}\u{10ffff}',
].map((text) => Buffer.from(text.repeat(10)));

/** RFC 3629 4: none of these is UTF-8, whatever comes after its last byte. */
const WRONG = (
  '80 bf c080 c1bf c0 c1 c341 c3c3 dfc0 e080 e09f eda0 edbf e441 e4b841 e4c0 e4b8c0 ' +
  'f080 f08f f490 f4bf f09f41 f09f9841 f09f98c0 f5 f8 fc fe ff'
)
  .split(' ')
  .map((hex) => Buffer.from(hex, 'hex'));

/** Characters that wait for more bytes, the lowest and the highest of each kind. */
const UNFINISHED = 'c2 df e0 e0a0 e0bf e1 e180 ed ed9f ef efbf f0 f090 f09080 f3 f3bf f3bfbf f4 f48f f48fbf'
  .split(' ')
  .map((hex) => Buffer.from(hex, 'hex'));

/** Bytes from both sides of every border that RFC 3629 4 draws. */
const BORDERS = [
  0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
  0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

/** Every state between two bytes that UTF-8 may go on from. */
const OPEN_STATES = ['', 'c3', 'e0', 'e4', 'ed', 'e4b8', 'f0', 'f1', 'f4', 'f09f', 'f09f98'].map((hex) =>
  naiveUtf8State(Buffer.from(hex, 'hex')),
);

function fail(what: string, at: number, octets: Uint8Array): never {
  expect.fail(`${what} at ${at}: ${Buffer.from(octets).toString('hex')}`);
}

/** Compares both validators with the naive judge on `octets`, laid at `at` between bytes that UTF-8 never has. */
function check(kernels: Kernels, octets: Uint8Array, at: number, from = 0): void {
  const { bytes } = kernels;
  bytes.fill(0xff, at - 64, at + octets.length + 64);
  bytes.set(octets, at);
  const state = naiveUtf8State(octets, from);
  if (from === 0 && kernels.isUtf8(at, octets.length) !== (state === 0 ? 1 : 0)) fail('isUtf8', at, octets);
  if (kernels.continueUtf8(at, octets.length, from) !== state) fail(`continueUtf8 from ${from}`, at, octets);
}

describe.each(kernelSets)('UTF-8 in $name', (kernels) => {
  const { bytes, arenaAddress } = kernels;

  it('equals the naive judge at every length and alignment, on text whole, cut and spoiled', () => {
    const random = new Random(3629);
    for (let length = 0; length <= 300; length++) {
      for (let alignment = 0; alignment < 64; alignment++) {
        const text = TEXTS[alignment % TEXTS.length];
        const octets = text.slice(0, length);
        check(kernels, octets, arenaAddress + alignment);
        if (length > 0) octets[random.below(length)] = random.pick(BORDERS);
        check(kernels, octets, arenaAddress + alignment);
      }
    }
  });

  it('reads nothing past the very end of memory', () => {
    for (const text of TEXTS) {
      for (let length = 0; length <= 300; length++) check(kernels, text.subarray(0, length), bytes.length - length);
    }
  });

  it('RFC 3629 4 refuses each malformed sequence wherever it stands, its last byte read', () => {
    for (const wrong of WRONG) {
      for (let place = 0; place < 140; place++) {
        const octets = new Uint8Array(160).fill(0x61);
        octets.set(wrong, place);
        check(kernels, octets, arenaAddress);
        check(kernels, octets.subarray(0, place + wrong.length), arenaAddress);
        expect(kernels.continueUtf8(arenaAddress, place + wrong.length, 0)).toBe(-1);
      }
    }
  });

  it('RFC 3629 3 notices a character that is cut off wherever it stands, and at the end says what it waits for', () => {
    for (const unfinished of UNFINISHED) {
      for (let place = 0; place < 140; place++) {
        const octets = new Uint8Array(240).fill(0x61);
        octets.set(unfinished, place);
        check(kernels, octets, arenaAddress);
        check(kernels, octets.subarray(0, place + unfinished.length), arenaAddress);
      }
    }
  });

  it('RFC 3629 3 accepts every code point but the surrogates, alone and in a longer text', () => {
    const at = arenaAddress;
    bytes.fill(0x61, at, at + 64);
    for (let point = 0; point <= 0x10ffff; point++) {
      const place = at + (point % 43);
      const length = encode(bytes, place, point);
      const expected = point >= 0xd800 && point <= 0xdfff ? 0 : 1;
      if (kernels.isUtf8(place, length) !== expected) fail('alone', 0, bytes.slice(place, place + length));
      if (kernels.isUtf8(at, 64) !== expected) fail('in text', place - at, bytes.slice(place, place + length));
      bytes.fill(0x61, place, place + length);
    }
  });

  it('RFC 3629 4 equals the naive judge on all strings of three bytes that do not begin with ASCII', () => {
    // Alone, and across the border of two vectors in a text of 32 bytes.
    const at = arenaAddress;
    const place = at + 14;
    bytes.fill(0x61, at, at + 32);
    const verdicts = new Map<number, Uint8Array>();
    for (let pair = 0x8000; pair < 0x10000; pair++) {
      const state = naiveUtf8State([pair >> 8, pair & 0xff]);
      let verdict = verdicts.get(state);
      if (!verdict) {
        verdict = Uint8Array.from({ length: 256 }, (_, octet) => (naiveUtf8State([octet], state) === 0 ? 1 : 0));
        verdicts.set(state, verdict);
      }
      bytes[place] = pair >> 8;
      bytes[place + 1] = pair & 0xff;
      for (let octet = 0; octet < 256; octet++) {
        bytes[place + 2] = octet;
        if (kernels.isUtf8(place, 3) !== verdict[octet] || kernels.isUtf8(at, 32) !== verdict[octet]) {
          fail('isUtf8', 14, bytes.slice(place, place + 3));
        }
      }
    }
  });

  it('RFC 3629 4 equals the naive judge on four bytes from every border, at offsets 0 to 63', () => {
    const at = arenaAddress;
    bytes.fill(0x61, at, at + 80);
    for (const first of BORDERS.filter((octet) => octet >= 0xef)) {
      for (const second of BORDERS) {
        for (const third of BORDERS) {
          for (const fourth of BORDERS) {
            const expected = naiveUtf8State([first, second, third, fourth]) === 0 ? 1 : 0;
            for (let place = at; place < at + 64; place++) {
              bytes[place] = first;
              bytes[place + 1] = second;
              bytes[place + 2] = third;
              bytes[place + 3] = fourth;
              if (kernels.isUtf8(at, 80) !== expected) fail('isUtf8', place - at, bytes.slice(place, place + 4));
              bytes[place] = 0x61; // The other three are written over at the next place.
            }
            bytes.fill(0x61, at + 64, at + 67);
          }
        }
      }
    }
  });

  it('goes on from every state with every byte, and stays wrong once it is wrong', () => {
    for (const state of OPEN_STATES) {
      for (let octet = 0; octet < 256; octet++) {
        check(kernels, Uint8Array.of(octet), arenaAddress, state);
        check(kernels, Uint8Array.of(octet, ...TEXTS[3].subarray(0, 47)), arenaAddress, state);
      }
      check(kernels, new Uint8Array(0), arenaAddress, state);
    }
    expect(kernels.continueUtf8(arenaAddress, 0, -1)).toBe(-1);
    check(kernels, TEXTS[0], arenaAddress, -1);
  });

  it('RFC 6455 8.1 gives the same state cut in two at every place', () => {
    for (const text of [...TEXTS, ...WRONG.map((wrong) => Buffer.concat([TEXTS[4].subarray(0, 60), wrong]))]) {
      const octets = text.subarray(0, 150);
      const expected = naiveUtf8State(octets);
      bytes.set(octets, arenaAddress);
      for (let cut = 0; cut <= octets.length; cut++) {
        const state = kernels.continueUtf8(arenaAddress, cut, 0);
        if (state !== naiveUtf8State(octets.subarray(0, cut))) fail(`before ${cut}`, 0, octets);
        const last = kernels.continueUtf8(arenaAddress + cut, octets.length - cut, state);
        if (last !== expected) fail(`after ${cut}`, 0, octets);
      }
    }
  });
});

describe.each(rawKernels)('isAscii', (raw) => {
  const bytes = new Uint8Array(raw.memory.buffer);

  it('sees one byte above 7f wherever it stands, and none outside the text', () => {
    const at = raw.arenaAddress() + 5;
    bytes.fill(0xff, at - 64, at + 400);
    for (let length = 0; length <= 300; length++) {
      bytes.fill(0x7f, at, at + length);
      expect(raw.isAscii(at, length)).toBe(1);
      for (let place = at; place < at + length; place++) {
        bytes[place] = 0x80;
        if (raw.isAscii(at, length) !== 0) expect.fail(`length ${length}, at ${place - at}`);
        bytes[place] = 0x7f;
      }
    }
  });

  it('reads nothing past the very end of memory', () => {
    bytes.fill(0x61, bytes.length - 300);
    for (let length = 0; length <= 300; length++) expect(raw.isAscii(bytes.length - length, length)).toBe(1);
  });
});

/** Writes `point` by the bit pictures of RFC 3629 3, surrogates too; returns the bytes written. */
function encode(bytes: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    bytes[at] = point;
    return 1;
  }
  const tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  bytes[at] = [0, 0xc0, 0xe0, 0xf0][tails] | (point >> (6 * tails));
  for (let i = 1; i <= tails; i++) bytes[at + i] = 0x80 | ((point >> (6 * (tails - i))) & 0x3f);
  return tails + 1;
}
