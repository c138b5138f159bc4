import { describe, expect, test } from 'vitest';
import { isUtf8 } from '../../src/codec/utf8.js';
import { kernelSets } from '../support/kernel-sets.js';

describe.each(kernelSets)('isUtf8 on $name', (kernels) => {
  test('8.1 judges short byte strings', () => {
    expect(isUtf8(Buffer.from('κόσμε'), kernels)).toBe(true);
    expect(isUtf8(new Uint8Array(0), kernels)).toBe(true);
    for (const bad of ['c080', 'eda080', 'f4908080', 'f0', 'ce', '80']) {
      expect(isUtf8(Buffer.from(bad, 'hex'), kernels), bad).toBe(false);
    }
  });

  test('8.1 judges what is longer than the scratch area: a character at the border, one cut off, a fault in each window', () => {
    const { scratchLength } = kernels;
    const next = kernels.bytes.subarray(kernels.outgoingAddress, kernels.outgoingAddress + 16);
    next.fill(0x5a);
    for (const shift of [0, 1, 2, 3]) {
      const long = Buffer.concat([
        Buffer.alloc(scratchLength - shift, 'a'),
        Buffer.from('😀'),
        Buffer.alloc(scratchLength, 'b'),
      ]);
      expect(isUtf8(long, kernels), `${shift}`).toBe(true);
      expect(isUtf8(long.subarray(0, scratchLength - shift + 3), kernels), `cut, ${shift}`).toBe(false);
    }
    for (const at of [0, scratchLength - 1, scratchLength, scratchLength + 5]) {
      const bad = Buffer.alloc(scratchLength + 6, 'a');
      bad[at] = 0xff;
      expect(isUtf8(bad, kernels), `${at}`).toBe(false);
    }
    expect(next.every((octet) => octet === 0x5a)).toBe(true);
  });
});
