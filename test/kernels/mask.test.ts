import { describe, expect, it } from 'vitest';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveMask } from '../support/naive/mask.js';

const KEYS = [0x44332211, 0xfffefdfc | 0, 0, 0x80000001 | 0];

describe.each(kernelSets)('mask in $name', (kernels) => {
  const { bytes } = kernels;
  const plain = Uint8Array.from({ length: 512 }, (_, i) => (i * 167 + 13) & 0xff);

  /** Masks `length` octets at `at` between two canaries; both ends of memory are legal places. */
  function check(at: number, length: number, key: number): void {
    const from = Math.max(0, at - 64);
    const to = Math.min(bytes.length, at + length + 64);
    bytes.fill(0xa5, from, to);
    bytes.set(plain.subarray(0, length), at);
    const expected = bytes.slice(from, to);
    expected.set(naiveMask(plain.subarray(0, length), key), at - from);
    kernels.mask(at, length, key);
    if (Buffer.compare(bytes.subarray(from, to), expected) !== 0) {
      expect.fail(`at ${at}, length ${length}, key ${key}`);
    }
  }

  it('5.3 equals the octet-by-octet mask at every length and alignment, and leaves the octets around alone', () => {
    for (let length = 0; length <= 300; length++) {
      for (let alignment = 0; alignment < 64; alignment++) {
        check(kernels.arenaAddress + alignment, length, KEYS[(length + alignment) % KEYS.length]);
      }
    }
  });

  it('reads and writes nothing past the very end of memory', () => {
    for (let length = 0; length <= 300; length++) check(bytes.length - length, length, KEYS[0]);
  });

  it('5.3 may start at any phase of the key, the key turned first', () => {
    const key = KEYS[0];
    const at = kernels.scratchAddress;
    for (let cut = 0; cut <= 40; cut++) {
      bytes.set(plain.subarray(0, 300), at);
      kernels.mask(at, cut, key);
      kernels.mask(at + cut, 300 - cut, cut & 3 ? (key >>> (8 * (cut & 3))) | (key << (32 - 8 * (cut & 3))) : key);
      expect(bytes.slice(at, at + 300)).toEqual(naiveMask(plain.subarray(0, 300), key));
    }
  });
});
