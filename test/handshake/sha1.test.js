import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sha1 } from '../../src/handshake/sha1.js';
const hex = (octets) => Buffer.from(octets).toString('hex');
describe('RFC 3174 SHA-1', () => {
    test.each([
        ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
        ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
        ['01234567'.repeat(80), 'dea356a2cddd90c7a7ecedc5ebb563934f460452'],
        ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ])('7.3 digests %j', (text, digest) => {
        expect(hex(sha1(new TextEncoder().encode(text)))).toBe(digest);
    });
    test('4 pads every length from 0 to 300 as OpenSSL does', () => {
        for (let length = 0; length <= 300; length++) {
            const message = Uint8Array.from({ length }, (_, at) => (at * 167 + length * 13) & 0xff);
            expect(hex(sha1(message))).toBe(createHash('sha1').update(message).digest('hex'));
        }
    });
});
