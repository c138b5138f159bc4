import { describe, expect, it } from 'vitest';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveEncodeHeader } from '../support/naive/header.js';
import { Random } from '../support/random.js';
const LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537, 2 ** 31 - 1, 2 ** 31];
const LONG_LENGTHS = [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 48 + 258, 2 ** 53 - 1];
describe.each(kernelSets)('encodeHeader in $name', (kernels) => {
    const { bytes } = kernels;
    it('5.2 equals the naive header for every first octet, length and form, and writes nothing beyond it', () => {
        const random = new Random(52);
        const at = kernels.scratchAddress + 33;
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
                    bytes.fill(0xa5, at - 1, at + 16);
                    const word = key ? Buffer.from(key).readInt32LE() : 0;
                    const size = kernels.encodeHeader(at, first, key ? 1 : 0, length, word);
                    const around = Buffer.concat([Uint8Array.of(0xa5), expected, new Uint8Array(16 - size).fill(0xa5)]);
                    if (size !== expected.length || Buffer.compare(around, bytes.subarray(at - 1, at + 16)) !== 0) {
                        expect.fail(`first octet ${first}, length ${length}, ${key ? 'masked' : 'not masked'}`);
                    }
                }
            }
        }
    });
});
