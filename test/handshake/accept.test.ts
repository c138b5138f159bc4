import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { acceptKey, isKey } from '../../src/handshake/accept.js';

describe('RFC 6455 4.2.2 the accept key', () => {
  test('1.3 proves that the sample nonce was read', () => {
    expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  test('4.2.2 agrees with OpenSSL for 500 keys', () => {
    for (let seed = 0; seed < 500; seed++) {
      const key = Buffer.from(Uint8Array.from({ length: 16 }, (_, at) => (seed * 31 + at * at * 7) & 0xff)).toString(
        'base64',
      );
      const digest = (text: string): string => createHash('sha1').update(text).digest('base64');
      expect(acceptKey(key)).toBe(digest(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`));
      expect(acceptKey(key, digest)).toBe(acceptKey(key));
    }
  });
});

describe('RFC 6455 4.1 keys', () => {
  test('4.1 a key decodes to 16 bytes, whatever the bits that belong to none of them', () => {
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
      const key = `dGhlIHNhbXBsZSBub25jZ${last}==`;
      expect(isKey(key)).toBe(true);
      expect(Buffer.from(key, 'base64')).toHaveLength(16);
    }
  });

  test.each([
    '',
    'dGhlIHNhbXBsZSBub25jZQ=',
    'dGhlIHNhbXBsZSBub25jZQ',
    'dGhlIHNhbXBsZSBub25jZQ===',
    'dGhlIHNhbXBsZSBub25jZ===',
    ' dGhlIHNhbXBsZSBub25jZQ==',
    'dGhlIHNhbXBsZSBub25jZQ== ',
    'dGhlIHNhbXBsZSBub25jZQ==\n',
    'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==',
    'dGhlIHNhbXBsZSBub25j-_==',
  ])('4.1 %j is no key', (key) => {
    expect(isKey(key)).toBe(false);
  });
});
