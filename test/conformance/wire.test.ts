import { describe, expect, test } from 'vitest';
import {
  applyMask,
  encodeHeader,
  FrameReader,
  type FrameHeader,
  isControl,
  type LengthForm,
} from '../../src/conformance/wire.js';

function header(changes: Partial<FrameHeader>): FrameHeader {
  return { fin: true, rsv: 0, opcode: 2, mask: null, length: 0, ...changes };
}

function frame(changes: Partial<FrameHeader>, payload: Buffer, form: LengthForm = null): Buffer {
  const bytes = Buffer.from(payload);
  if (changes.mask) applyMask(bytes, changes.mask);
  return Buffer.concat([encodeHeader(header({ ...changes, length: payload.length }), form), bytes]);
}

test.each([
  [{ opcode: 10 }, '8a00'],
  [{ opcode: 8, length: 2, mask: Buffer.from('5b483a03', 'hex') }, '88825b483a03'],
  [{ opcode: 1, fin: false, rsv: 5, length: 125 }, '517d'],
  [{ length: 126 }, '827e007e'],
  [{ length: 65535 }, '827effff'],
  [{ length: 65536 }, '827f0000000000010000'],
  [{ length: 2 ** 63 }, '827f8000000000000000'],
])('5.2 writes the header %j', (changes, digits) => {
  expect(encodeHeader(header(changes)).toString('hex')).toBe(digits);
});

test('5.2 writes a length in a longer form when told to', () => {
  expect(encodeHeader(header({ length: 5 }), 16).toString('hex')).toBe('827e0005');
  expect(encodeHeader(header({ length: 5 }), 64).toString('hex')).toBe('827f0000000000000005');
});

test('5.3 masks at any alignment, length and phase as the byte-wise definition does', () => {
  const key = Buffer.from('01f07f33', 'hex');
  for (let offset = 0; offset < 8; offset++) {
    for (let length = 0; length < 40; length++) {
      for (let phase = 0; phase < 4; phase++) {
        const bytes = new Uint8Array(64).map((_, index) => index * 7).subarray(offset, offset + length);
        const naive = bytes.map((byte, index) => byte ^ key[(index + phase) & 3]);
        applyMask(bytes, key, phase);
        expect(bytes).toEqual(naive);
      }
    }
  }
});

describe('the reader', () => {
  const payloads = [0, 1, 125, 126, 65535, 65536].map((length) => Buffer.alloc(length, 'x'));

  test.each([1, 2, 3, 7, 1000, 1 << 20])('5.2 reads frames from pieces of %i bytes', (size) => {
    const mask = Buffer.from('a1b2c3d4', 'hex');
    const bytes = Buffer.concat(
      payloads.flatMap((payload) => [frame({ mask }, payload), frame({ opcode: 1 }, payload)]),
    );
    const reader = new FrameReader(() => null);
    const read: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      for (let one = reader.next(); one !== undefined; one = reader.next()) read.push(one.payload);
    }
    expect(read.map((payload) => payload.length)).toEqual(payloads.flatMap(({ length }) => [length, length]));
    expect(Buffer.concat(read).equals(Buffer.concat(payloads.flatMap((payload) => [payload, payload])))).toBe(true);
  });

  test('skips the payload of a frame that is judged faulty and goes on behind it', () => {
    const fault = { code: 1002, text: 'odd' } as const;
    const reader = new FrameReader(({ rsv }) => (rsv === 0 ? null : fault));
    reader.push(Buffer.concat([frame({ rsv: 1 }, Buffer.alloc(300, 'a')), frame({}, Buffer.from('good'))]));
    expect(reader.next()).toMatchObject({ fault, header: { length: 300 } });
    expect(reader.next()).toMatchObject({ fault: null, payload: Buffer.from('good') });
    expect(reader.next()).toBeUndefined();
  });

  test.each([
    [16, 125],
    [64, 65535],
  ] as const)('5.2 finds fault with a length in %i bits that would fit fewer', (form, length) => {
    const reader = new FrameReader(() => null);
    reader.push(frame({}, Buffer.alloc(length), form));
    expect(reader.next()!.fault).toMatchObject({ code: 1002 });
  });

  test.each([2 ** 62, 2 ** 63])('reads nothing more behind the length %d', (length) => {
    const reader = new FrameReader(() => null);
    reader.push(Buffer.concat([encodeHeader(header({ length }), 64), frame({}, Buffer.from('behind'))]));
    expect(reader.next()!.fault).not.toBeNull();
    expect(reader.next()).toBeUndefined();
  });
});

test('5.5 tells control opcodes by their top bit', () => {
  expect([0, 1, 2, 7, 8, 9, 10, 15].map(isControl)).toEqual([false, false, false, false, true, true, true, true]);
});
