import { describe, expect, it } from 'vitest';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveMask } from '../support/naive/mask.js';
import { Random } from '../support/random.js';
import { rawKernels } from '../support/raw-kernels.js';

const KEYS = [0x44332211, 0xfffefdfc | 0, 0, 0x80000001 | 0];
const plain = new Random(53).octets(300);

/** Runs `mask` over `octets` laid at `at`, and compares them and the 64 bytes on either side with the naive mask. */
function check(bytes: Uint8Array, at: number, octets: Uint8Array, key: number, mask: () => void): void {
  const from = at - 64;
  const to = Math.min(bytes.length, at + octets.length + 64);
  bytes.fill(0xa5, from, to);
  bytes.set(octets, at);
  const expected = bytes.slice(from, to);
  expected.set(naiveMask(octets, key), 64);
  mask();
  if (Buffer.compare(bytes.subarray(from, to), expected) !== 0) {
    expect.fail(`at ${at}, length ${octets.length}, key ${key}`);
  }
}

describe.each(kernelSets)('mask in $name', (kernels) => {
  const { bytes } = kernels;

  it('5.3 equals the byte-by-byte mask at every length and alignment, and leaves the bytes around alone', () => {
    for (let length = 0; length <= 300; length++) {
      for (let alignment = 0; alignment < 64; alignment++) {
        const key = KEYS[(length + alignment) % KEYS.length];
        const at = kernels.arenaAddress + alignment;
        check(bytes, at, plain.subarray(0, length), key, () => kernels.mask(at, length, key));
      }
    }
  });

  it('reads and writes nothing past the very end of memory', () => {
    for (let length = 0; length <= 300; length++) {
      const at = bytes.length - length;
      check(bytes, at, plain.subarray(0, length), KEYS[0], () => kernels.mask(at, length, KEYS[0]));
    }
  });

  it('5.3 starts at any phase of the key, the key turned first', () => {
    const key = KEYS[0];
    const at = kernels.arenaAddress;
    for (let cut = 0; cut <= 300; cut++) {
      const turn = 8 * (cut % 4);
      const turned = turn === 0 ? key : (key >>> turn) | (key << (32 - turn));
      check(bytes, at, plain, key, () => {
        kernels.mask(at, cut, key);
        kernels.mask(at + cut, plain.length - cut, turned);
      });
    }
  });
});

describe.each(rawKernels)('maskAndFindAscii', (raw) => {
  const bytes = new Uint8Array(raw.memory.buffer);
  const key = KEYS[0];

  /** Masks text whose byte at `wide`, if it lies in the text, is not ASCII once it is unmasked. */
  function checkText(at: number, length: number, wide: number): void {
    const text = new Uint8Array(length).fill(0x61);
    if (wide < length) text[wide] = 0x80;
    let found = -1;
    check(bytes, at, naiveMask(text, key), key, () => (found = raw.maskAndFindAscii(at, length, key)));
    if (found !== (wide < length ? 0 : 1)) expect.fail(`at ${at}, length ${length}, not ASCII at ${wide}`);
  }

  it('5.3 equals the naive mask at every length and alignment, and says whether the result is ASCII', () => {
    for (let length = 0; length <= 300; length++) {
      for (let alignment = 0; alignment < 64; alignment++) {
        checkText(raw.arenaAddress() + alignment, length, length);
        checkText(raw.arenaAddress() + alignment, length, (alignment * 7) % (length + 1));
      }
      checkText(bytes.length - length, length, length);
    }
  });

  it('sees one byte that is not ASCII wherever it stands', () => {
    for (let length = 1; length <= 150; length++) {
      for (let wide = 0; wide < length; wide++) checkText(raw.arenaAddress() + (wide % 16), length, wide);
    }
  });
});
