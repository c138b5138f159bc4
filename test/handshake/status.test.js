import { STATUS_CODES } from 'node:http';
import { expect, test } from 'vitest';
import { reasonOf } from '../../src/handshake/status.js';
test('RFC 9110 15 knows the reason phrases of Node from 300 on, and no others', () => {
    for (let status = 300; status < 1000; status++)
        expect(reasonOf(status)).toBe(STATUS_CODES[status] ?? '');
});
