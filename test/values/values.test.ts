import { expect, test } from 'vitest';
import { plainValues } from '../../src/values/values.js';

test('plain values give views, text and bytes that need no Node', () => {
  const bytes = plainValues.allocate(6);
  expect(bytes).toEqual(new Uint8Array(6));
  expect(plainValues.view(bytes.buffer, 2, 2).buffer).toBe(bytes.buffer);
  const text = '\ufeffaé€😀';
  const room = plainValues.allocate(3 * text.length);
  const written = plainValues.writeText(room, 0, text);
  expect(Buffer.from(room.subarray(0, written)).equals(Buffer.from(text))).toBe(true);
  // A byte order mark is a character of the text (RFC 6455 says nothing of removing it).
  expect(plainValues.text(room, 0, written, false)).toBe(text);
  expect(plainValues.text(room, 3, 4, true)).toBe('a');
  expect(plainValues.encode('\ud800')).toEqual(Uint8Array.of(0xef, 0xbf, 0xbd));
});

test('10.3 random bytes come from the platform, 65,536 at most in one call', () => {
  const octets = new Uint8Array(65_536);
  plainValues.random(octets);
  expect(new Set(octets).size).toBe(256);
  expect(() => plainValues.random(new Uint8Array(65_537))).toThrow();
});
