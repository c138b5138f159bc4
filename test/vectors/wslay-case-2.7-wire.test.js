import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { close, octets, pong } from '../support/events.js';
import { decodeReference } from '../support/reference-decoder.js';
import { WSLAY_CASE_2_7, WSLAY_CASE_2_7_ACCEPT, WSLAY_CASE_2_7_KEY } from './wslay-case-2.7-wire.js';
/** What one side said after its handshake. */
function frames(from) {
    const [, ...turns] = WSLAY_CASE_2_7.filter((turn) => turn.from === from);
    return octets(turns.map((turn) => turn.octets).join(''));
}
test('5.5.3 the conversation holds an unsolicited pong, a Close and its echo', () => {
    expect(decodeReference(frames('client'), { role: 'server' })).toEqual([pong(), close(1000)]);
    expect(decodeReference(frames('server'), { role: 'client' })).toEqual([close(1000)]);
});
test('4.2.2 the accept value of the conversation answers its key', () => {
    const digest = createHash('sha1').update(`${WSLAY_CASE_2_7_KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    expect(digest.digest('base64')).toBe(WSLAY_CASE_2_7_ACCEPT);
});
test('the handshakes are as long as the report says', () => {
    expect(WSLAY_CASE_2_7.slice(0, 2).map((turn) => octets(turn.octets).length)).toEqual([201, 129]);
});
