import { expect, test } from 'vitest';
import { eventRow, hexOf, textOf } from '../../../src/conformance/report/excerpt.js';
import { excerpt } from '../../support/case-results.js';

test('what fits is shown whole, without a mark', () => {
  expect(textOf(excerpt('x'.repeat(64)), 64)).toBe('x'.repeat(64));
  expect(hexOf(excerpt('AB'), 2)).toBe('4142');
});

test('what does not fit is cut and marked', () => {
  expect(textOf(excerpt('x'.repeat(65)), 64)).toBe(`${'x'.repeat(64)} ...`);
  expect(hexOf(excerpt('ABC'), 2)).toBe('4142 ...');
});

test('a cut inside a character drops that character', () => {
  expect(textOf(excerpt('a\u00fc'), 2)).toBe('a ...');
});

test('bytes that are not UTF-8 are shown in hexadecimal', () => {
  expect(textOf({ length: 2, head: Uint8Array.of(0xc3, 0x28) }, 64)).toBe('0xc328');
  // Nothing was cut here: the character itself is unfinished.
  expect(textOf({ length: 2, head: Uint8Array.of(0x61, 0xc3) }, 64)).toBe('0x61c3');
});

test('a byte order mark is text like any other', () => {
  expect(textOf(excerpt('\ufeffa'), 64)).toBe('\ufeffa');
});

test('events have their classic form, cut to 64 bytes', () => {
  expect(eventRow({ kind: 'message', payload: excerpt('y'.repeat(70)), binary: true })).toEqual([
    'message',
    `${'y'.repeat(64)} ...`,
    true,
  ]);
  expect(eventRow({ kind: 'pong', payload: excerpt('p') })).toEqual(['pong', 'p']);
  expect(eventRow({ kind: 'timeout', tag: 'A' })).toEqual(['timeout', 'A']);
});
