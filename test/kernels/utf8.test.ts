import { describe, expect, it } from 'vitest';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveUtf8State } from '../support/naive/utf8.js';

const SAMPLE = [
  ...Buffer.from('aé漢😀z, ascii that fills more than one vector before it ends; Привет 漢字かな交じり文 🙂🙃'),
];
const WRONG = [
  [0x80],
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xe0, 0x80],
  [0xe0, 0x9f, 0xbf],
  [0xed, 0xa0],
  [0xed, 0xbf, 0xbf],
  [0xf0, 0x80],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90],
  [0xf5],
  [0xff],
  [0xc3, 0x41],
  [0xe4, 0xb8, 0x41],
  [0xf0, 0x9f, 0x98, 0x41],
];

describe.each(kernelSets)('UTF-8 in $name', (kernels) => {
  const { bytes } = kernels;

  function check(octets: number[], at: number): void {
    bytes.fill(0xa5, Math.max(0, at - 64), Math.min(bytes.length, at + octets.length + 64));
    bytes.set(octets, at);
    const state = naiveUtf8State(octets);
    if (kernels.isUtf8(at, octets.length) !== (state === 0 ? 1 : 0)) expect.fail(`isUtf8 at ${at}: ${octets}`);
    if (kernels.continueUtf8(at, octets.length, 0) !== state) expect.fail(`continueUtf8 at ${at}: ${octets}`);
  }

  it('equals the naive judge at every length and alignment', () => {
    for (let length = 0; length <= 300; length++) {
      const octets = Array.from({ length }, (_, i) => SAMPLE[(i + length) % SAMPLE.length]);
      const ascii = octets.map((octet) => octet & 0x7f);
      for (let alignment = 0; alignment < 64; alignment++) {
        check(octets, kernels.arenaAddress + alignment);
        check(ascii, kernels.arenaAddress + alignment);
      }
    }
  });

  it('reads nothing past the very end of memory', () => {
    for (let length = 0; length <= 300; length++) {
      const octets = Array.from({ length }, (_, i) => SAMPLE[i % SAMPLE.length]);
      check(octets, bytes.length - length);
      check(
        octets.map(() => 0x61),
        bytes.length - length,
      );
    }
  });

  it('RFC 3629 4 refuses each malformed sequence wherever it stands', () => {
    for (const wrong of WRONG) {
      for (let place = 0; place < 140; place++) {
        const octets = Array.from({ length: 160 }, () => 0x61);
        octets.splice(place, wrong.length, ...wrong);
        check(octets, kernels.arenaAddress);
        check(octets.slice(0, place + wrong.length), kernels.arenaAddress);
      }
    }
  });
});
