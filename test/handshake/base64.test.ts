import { describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/handshake/base64.js';

describe('RFC 4648 base64', () => {
  test.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ])('10 encodes %j', (text, encoded) => {
    expect(encodeBase64(new TextEncoder().encode(text))).toBe(encoded);
  });

  test('4 encodes all bytes at all places of a group', () => {
    for (let length = 0; length <= 300; length++) {
      const octets = Uint8Array.from({ length }, (_, at) => (at * 91 + length) & 0xff);
      expect(encodeBase64(octets)).toBe(Buffer.from(octets).toString('base64'));
    }
  });
});
