// The Receiver of `ws` 8.23.0 as a decoder that a feeder can play to: its events, and its error codes as violations.
import * as ws from 'ws';
import { VIOLATIONS } from '../../src/errors/violations.js';
import { Violation } from '../../src/spec/violation.js';
import { fails, hex, VIOLATION_NUMBERS } from './events.js';
import {} from './feeder.js';
// @types/ws does not know that the package exports its Receiver.
const { Receiver } = ws;
/** RSV bits other than RSV1 cannot be claimed: `ws` has no extension that does. */
export function wsReceiver({ role, rsv = 0, maxPayload = Infinity, skipUtf8 = false }) {
    const events = [];
    let ended = false;
    // Stands in for permessage-deflate: keeps the compressed octets of a message as they are, and hands `ws` nothing to judge.
    let compressed;
    let inflated;
    const deflate = {
        decompress(data, _final, callback) {
            (compressed ??= []).push(data);
            inflated = () => callback(null, Buffer.alloc(0));
        },
    };
    const receiver = new Receiver({
        isServer: role === 'server',
        extensions: rsv === 0 ? {} : { 'permessage-deflate': deflate },
        maxPayload: maxPayload === Infinity ? 0 : maxPayload,
        skipUTF8Validation: skipUtf8,
    });
    receiver.on('message', (data, isBinary) => {
        const octets = compressed === undefined ? data : Buffer.concat(compressed);
        events.push({ type: 'message', text: !isBinary, compressed: compressed !== undefined, data: hex(octets) });
        compressed = undefined;
    });
    receiver.on('ping', (data) => events.push({ type: 'ping', data: hex(data) }));
    receiver.on('pong', (data) => events.push({ type: 'pong', data: hex(data) }));
    receiver.on('conclude', (code, reason) => {
        events.push({ type: 'close', code, reason: hex(reason) });
        ended = true;
    });
    return {
        feed(chunk) {
            if (ended) {
                return;
            }
            // `ws` unmasks in place, and the feeder's octets are not ours to change.
            receiver._write(Buffer.from(chunk), 'buffer', (error) => {
                if (error) {
                    events.push(fails(violationOf(error.code)));
                    ended = true;
                }
            });
            while (inflated !== undefined) {
                const answer = inflated;
                inflated = undefined;
                answer();
            }
        },
        events: () => [...events],
    };
}
function violationOf(code) {
    const violation = VIOLATION_NUMBERS.find((violation) => VIOLATIONS[violation].code === code);
    if (violation === undefined) {
        throw new Error(`ws reported ${code}, which is no violation of ours`);
    }
    return violation;
}
