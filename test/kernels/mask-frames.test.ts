import { describe, expect, it } from 'vitest';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveEncodeHeader } from '../support/naive/header.js';
import { naiveMask } from '../support/naive/mask.js';
import { Random } from '../support/random.js';

/** Lengths of frames that lie in one batch: every short one, and both sides of each border of the length's form. */
const BATCHES: [string, number[]][] = [
  ['none', []],
  ['one empty frame', [0]],
  ['every length up to 300', Array.from({ length: 301 }, (_, length) => length)],
  ['the borders of the length form', [125, 126, 127, 0, 65_535, 1, 255, 256, 3]],
  ['the shortest 64-bit length', [65_536, 2, 40]],
  ['a 64-bit length with three bytes that are not 0', [0x01_23_45, 2, 40]],
];

describe.each(kernelSets)('maskFrames in $name', (kernels) => {
  const { bytes, outgoingAddress } = kernels;

  it.each(BATCHES)('5.3 masks each payload with the key before it, and nothing else: %s', (_, lengths) => {
    const random = new Random(lengths.length);
    for (let alignment = 0; alignment < 17; alignment++) {
      const plain: Uint8Array[] = [];
      const masked: Uint8Array[] = [];
      for (const length of lengths) {
        const key = random.octets(4);
        const [first] = random.octets(1);
        const header = naiveEncodeHeader({
          fin: first >= 128,
          rsv: first & 0x70,
          opcode: first & 15,
          key,
          length: BigInt(length),
        });
        const payload = random.octets(length);
        plain.push(header, payload);
        masked.push(header, naiveMask(payload, Buffer.from(key).readInt32LE()));
      }
      const batch = Buffer.concat(plain);
      const at = outgoingAddress + alignment;
      const end = at + batch.length;
      bytes.fill(0xa5, outgoingAddress - 64, end + 64);
      bytes.set(batch, at);
      const expected = Buffer.from(bytes.subarray(outgoingAddress - 64, end + 64));
      expected.set(Buffer.concat(masked), 64 + alignment);
      kernels.maskFrames(at, end);
      expect(Buffer.compare(expected, bytes.subarray(outgoingAddress - 64, end + 64)), `at ${alignment}`).toBe(0);
    }
  });
});
