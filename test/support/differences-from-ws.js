// Where the Receiver of `ws` 8.23.0 and the reference decoder may differ, each with the reason that the RFC gives.
import { Violation } from '../../src/spec/violation.js';
import {} from './events.js';
export const DIFFERENCES = [
    {
        name: 'a length that is not written in the fewest octets',
        reason: 'RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length"; ws reads it',
        explains: (ours, ws) => stopsEarlier(ours, ws, Violation.NonMinimalLength),
    },
    {
        name: 'text that is not UTF-8, inside an unfinished message',
        reason: 'RFC 6455 8.1: octets that cannot be UTF-8 fail the connection; ws looks at them when the message is whole',
        explains: (ours, ws) => stopsEarlier(ours, ws, Violation.InvalidUtf8),
    },
    {
        name: 'fragments that pass 2^53 - 1 octets together',
        reason: 'RFC 6455 10.4: a limit holds for the message after reassembly; ws without a limit awaits more than it can count',
        explains: (ours, ws) => stopsEarlier(ours, ws, Violation.MessageTooBig) && ws.length === ours.length - 1,
    },
];
/** The reason why two lists differ, or undefined if they are equal or nothing explains it. */
export function explanation(ours, ws) {
    return DIFFERENCES.find((difference) => difference.explains(ours, ws));
}
/** Ours ends with `violation`, and up to there `ws` says the same. */
function stopsEarlier(ours, ws, violation) {
    const last = ours.at(-1);
    const before = ours.slice(0, -1);
    return (last?.type === 'violation' &&
        last.violation === violation &&
        JSON.stringify(ws.slice(0, before.length)) === JSON.stringify(before) &&
        JSON.stringify(ws) !== JSON.stringify(ours));
}
