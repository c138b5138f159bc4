import { describe, expect, test } from 'vitest';
import {
  decodeClosePayload,
  encodeClosePayload,
  isValidCloseCode,
  judgeClosePayload,
  MAX_REASON,
} from '../../src/codec/close-payload.js';
import { CloseCode } from '../../src/spec/close-code.js';
import { Violation } from '../../src/spec/violation.js';
import { mayBeSent } from '../support/close-codes.js';
import { kernelSets } from '../support/kernel-sets.js';

test('7.4 knows which of the 65,536 codes may be sent', () => {
  for (let code = 0; code < 0x10000; code++) expect(isValidCloseCode(code), `${code}`).toBe(mayBeSent(code));
});

test('7.4 a fraction is no code, so that 1005, 1006 and 1015 cannot be written by way of one', () => {
  for (const code of [1000.5, 1004.9, 1005.5, 1006.5, 3000.1, NaN, Infinity, -1000]) {
    expect(isValidCloseCode(code), `${code}`).toBe(false);
    expect(() => encodeClosePayload(code)).toThrow(new TypeError('First argument must be a valid error code number'));
  }
  expect(() => encodeClosePayload('1000' as unknown as number)).toThrow(TypeError);
});

test('5.5.1 writes and reads code and reason', () => {
  const payload = encodeClosePayload(4321, Buffer.from('why'));
  expect(Buffer.from(payload).toString('hex')).toBe('10e1776879');
  expect(decodeClosePayload(payload)).toEqual({ code: 4321, reason: new Uint8Array(Buffer.from('why')) });
  expect(encodeClosePayload()).toEqual(new Uint8Array(0));
  expect(decodeClosePayload(new Uint8Array(0)).code).toBe(CloseCode.NoStatus);
  expect(decodeClosePayload(Uint8Array.of(3))).toEqual({ code: CloseCode.NoStatus, reason: new Uint8Array(0) });
});

test('5.5 a reason of 123 bytes fits and one of 124 does not', () => {
  expect(encodeClosePayload(1000, new Uint8Array(MAX_REASON)).length).toBe(125);
  expect(() => encodeClosePayload(1000, new Uint8Array(MAX_REASON + 1))).toThrow(
    new RangeError('The message must not be greater than 123 bytes'),
  );
  expect(() => encodeClosePayload(undefined, Uint8Array.of(97))).toThrow(
    new TypeError('A close reason needs a close code before it'),
  );
});

describe.each(kernelSets)('judgeClosePayload on $name', (kernels) => {
  test('5.5.1 judges length, code and reason, in this order', () => {
    const judge = (hex: string, skip = false): Violation => judgeClosePayload(Buffer.from(hex, 'hex'), skip, kernels);
    expect(judge('')).toBe(Violation.None);
    expect(judge('03')).toBe(Violation.InvalidControlLength);
    expect(judge('03e8')).toBe(Violation.None);
    expect(judge('03ed')).toBe(Violation.InvalidCloseCode);
    expect(judge('03edff')).toBe(Violation.InvalidCloseCode);
    expect(judge('03e8c3a9')).toBe(Violation.None);
    expect(judge('03e8c3')).toBe(Violation.InvalidUtf8);
    expect(judge('03e8c3', true)).toBe(Violation.None);
  });
});
