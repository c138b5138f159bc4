// The sets that can be gone through whole become a count each, or an error at the first case in which one of them differs:
// headers in every state, close codes, UTF-8 against TextDecoder, masking.
import { isDeepStrictEqual } from 'node:util';
import type { Kernels } from '../../src/kernels/index.js';
import type { ReceiverOptions } from '../support/events.js';
import { naiveMask } from '../support/naive/mask.js';
import { connection, frameDecoder, KERNELS } from '../support/our-decoders.js';
import { Random } from '../support/random.js';
import { encodeFrame } from '../support/raw-peer.js';
import { decodeReference } from '../support/reference-decoder.js';

/** Bytes from both sides of every border that RFC 3629 4 draws. */
const BORDERS = [
  0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
  0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];
const OFFSETS = 64;
const decoder = new TextDecoder('utf-8', { fatal: true });

export function exhaustive(print: (line: string) => void): void {
  for (const kernels of KERNELS) {
    const sets: [string, (kernels: Kernels) => number][] = [
      ['RFC 6455 5.2: two-byte headers, in each role, with and without RSV1 claimed, in and out of a message', headers],
      ['RFC 6455 7.4: close codes, in each role', closeCodes],
      ['RFC 3629: strings of three bytes, whole and cut in two', threeOctets],
      ['RFC 3629: code points, whole and cut in two, at every offset of a vector', codePoints],
      ['RFC 3629: leads of four bytes with every class of what follows, at every offset', fourOctets],
      ['RFC 6455 5.3: lengths 0 to 1024, from each byte of the key, at offsets 0 to 63', masks],
    ];
    for (const [what, run] of sets) {
      const start = performance.now();
      const cases = run(kernels);
      print(`${kernels.name}: ${cases} cases agree, ${Math.round((performance.now() - start) / 1000)} s. ${what}`);
    }
  }
}

function headers(kernels: Kernels): number {
  let cases = 0;
  const before = { server: Uint8Array.of(1, 0x80, 0, 0, 0, 0), client: Uint8Array.of(1, 0) };
  for (const role of ['server', 'client'] as const) {
    for (const rsv of [0, 0x40]) {
      for (const prefix of [new Uint8Array(0), before[role]]) {
        for (let header = 0; header < 0x10000; header++, cases++) {
          hold(Uint8Array.of(...prefix, header >> 8, header & 0xff), { role, rsv }, kernels);
        }
      }
    }
  }
  return cases;
}

function closeCodes(kernels: Kernels): number {
  let cases = 0;
  for (const role of ['server', 'client'] as const) {
    for (let code = 0; code < 0x10000; code++, cases++) {
      const payload = Uint8Array.of(code >> 8, code & 0xff);
      hold(encodeFrame({ opcode: 8, payload, masked: role === 'server' }), { role }, kernels);
    }
  }
  return cases;
}

/** Holds both levels of the library against the reference. */
function hold(wire: Uint8Array, options: ReceiverOptions, kernels: Kernels): void {
  const expected = decodeReference(wire, options);
  for (const played of [frameDecoder(options, kernels), connection(options, kernels)]) {
    played.feed(wire);
    if (!isDeepStrictEqual(played.events(), expected)) {
      throw new Error(`${JSON.stringify(options)} ${Buffer.from(wire).toString('hex')} on ${kernels.name}`);
    }
  }
}

function threeOctets({ bytes, arenaAddress: at, ...kernels }: Kernels): number {
  const octets = new Uint8Array(3);
  let cases = 0;
  for (let number = 0; number < 2 ** 24; number++, cases++) {
    octets[0] = number >> 16;
    octets[1] = number >> 8;
    octets[2] = number;
    const place = at + (number % OFFSETS);
    bytes.set(octets, place);
    check(kernels, place, 3, isText(octets));
  }
  return cases;
}

function codePoints({ bytes, arenaAddress: at, ...kernels }: Kernels): number {
  let cases = 0;
  for (let point = 0; point <= 0x10ffff; point++) {
    const octets = write(point);
    const expected = isText(octets);
    // Every offset for what lies beside a border of the grammar, one for the others.
    const isBorder = (point & 0xfff) < 2 || (point & 0xfff) > 0xffd;
    for (let offset = isBorder ? 0 : point % OFFSETS; offset < OFFSETS; offset += isBorder ? 1 : OFFSETS) {
      bytes.set(octets, at + offset);
      check(kernels, at + offset, octets.length, expected);
      cases++;
    }
  }
  return cases;
}

function fourOctets({ bytes, arenaAddress: at, ...kernels }: Kernels): number {
  let cases = 0;
  for (let lead = 0xf0; lead <= 0xff; lead++) {
    for (const second of BORDERS) {
      for (const third of BORDERS) {
        for (const fourth of BORDERS) {
          const octets = Uint8Array.of(lead, second, third, fourth);
          const expected = isText(octets);
          for (let offset = 0; offset < OFFSETS; offset++, cases++) {
            bytes.set(octets, at + offset);
            check(kernels, at + offset, 4, expected);
          }
        }
      }
    }
  }
  return cases;
}

function check(
  kernels: Pick<Kernels, 'isUtf8' | 'continueUtf8' | 'name'>,
  at: number,
  length: number,
  expected: boolean,
): void {
  let isRight = (kernels.isUtf8(at, length) === 1) === expected;
  for (let cut = 1; cut < length; cut++) {
    const state = kernels.continueUtf8(at, cut, 0);
    isRight &&= (kernels.continueUtf8(at + cut, length - cut, state) === 0) === expected;
  }
  if (!isRight) throw new Error(`${length} bytes at ${at} on ${kernels.name}, which TextDecoder finds ${expected}`);
}

function masks({ bytes, arenaAddress: at, ...kernels }: Kernels): number {
  const plain = new Random(53).octets(1024 + 4);
  let cases = 0;
  for (let turn = 0; turn < 4; turn++) {
    const key = (0x44332211 >>> (8 * turn)) | (turn === 0 ? 0 : 0x44332211 << (32 - 8 * turn));
    const masked = naiveMask(plain, key);
    for (let length = 0; length <= 1024; length++) {
      for (let offset = 0; offset < OFFSETS; offset++, cases++) {
        const from = at + 64 + offset;
        bytes.fill(0xa5, from - 16, from + length + 16);
        bytes.set(plain.subarray(0, length), from);
        kernels.mask(from, length, key);
        const isKept = bytes[from - 1] === 0xa5 && bytes[from + length] === 0xa5;
        if (!isKept || Buffer.compare(bytes.subarray(from, from + length), masked.subarray(0, length)) !== 0) {
          throw new Error(`${length} bytes at offset ${offset}, key ${key}, on ${kernels.name}`);
        }
      }
    }
  }
  return cases;
}

function isText(octets: Uint8Array): boolean {
  try {
    decoder.decode(octets);
    return true;
  } catch {
    return false;
  }
}

/** A code point by the bit pictures of RFC 3629 3, surrogates too. */
function write(point: number): Uint8Array {
  if (point < 0x80) return Uint8Array.of(point);
  const tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  const octets = Uint8Array.of([0, 0xc0, 0xe0, 0xf0][tails] | (point >> (6 * tails)), ...new Uint8Array(tails));
  for (let i = 1; i <= tails; i++) octets[i] = 0x80 | ((point >> (6 * (tails - i))) & 0x3f);
  return octets;
}
