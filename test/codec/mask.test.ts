import { describe, expect, test } from 'vitest';
import { mask } from '../../src/codec/mask.js';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveMask } from '../support/naive/mask.js';
import { Random } from '../support/random.js';

describe.each(kernelSets)('mask on $name', (kernels) => {
  test('5.3 equals the naive twin at every length 0-300, phase and offset, and touches nothing else', () => {
    const random = new Random(3);
    for (let length = 0; length <= 300; length++) {
      const start = length % 7;
      const phase = random.below(9);
      const key = random.next() | 0;
      const whole = random.octets(start + length + 5);
      const masked = whole.slice();
      mask(masked, key, start, start + length, phase, kernels);
      // A payload whose first `phase` bytes were masked before.
      const expected = naiveMask(
        new Uint8Array([...new Uint8Array(phase), ...whole.subarray(start, start + length)]),
        key,
      );
      expect(masked.subarray(start, start + length)).toEqual(new Uint8Array(expected.subarray(phase)));
      expect(masked.subarray(0, start)).toEqual(whole.subarray(0, start));
      expect(masked.subarray(start + length)).toEqual(whole.subarray(start + length));
    }
  });

  test('5.3 masks more bytes than the scratch area holds', () => {
    const bytes = new Random(4).octets(kernels.scratchLength + 77);
    const masked = bytes.slice();
    mask(masked, 0x12345678, 0, masked.length, 3, kernels);
    const expected = naiveMask(new Uint8Array([0, 0, 0, ...bytes]), 0x12345678).subarray(3);
    expect(Buffer.compare(masked, expected)).toBe(0);
  });

  test('5.3 masking twice, in pieces, gives the bytes back', () => {
    const bytes = new Random(5).octets(1000);
    const masked = bytes.slice();
    mask(masked, -559038737, 0, 333, 0, kernels);
    mask(masked, -559038737, 333, 1000, 333, kernels);
    mask(masked, -559038737, 0, 1000, 0, kernels);
    expect(masked).toEqual(bytes);
  });
});
