import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { acceptKey, isCanonicalKey, isKey } from '../../src/handshake/accept.js';
describe('RFC 6455 4.2.2 the accept key', () => {
    test('1.3 proves that the sample nonce was read', () => {
        expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    });
    test('4.2.2 agrees with OpenSSL for 500 keys', () => {
        for (let seed = 0; seed < 500; seed++) {
            const key = Buffer.from(Uint8Array.from({ length: 16 }, (_, at) => (seed * 31 + at * at * 7) & 0xff)).toString('base64');
            const digest = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
            expect(acceptKey(key)).toBe(digest);
        }
    });
});
describe('RFC 6455 4.1 keys', () => {
    test('4.1 a canonical key is what an encoder makes of 16 octets', () => {
        for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
            const key = `dGhlIHNhbXBsZSBub25jZ${last}==`;
            expect(isKey(key)).toBe(true);
            expect(isCanonicalKey(key)).toBe(Buffer.from(key, 'base64').toString('base64') === key);
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
        expect(isCanonicalKey(key)).toBe(false);
    });
});
