// What a receiver makes of a string of octets, as plain data that two decoders can be compared by; octets are lower-case hex.
import { Violation } from '../../src/spec/violation.js';
/** Every violation there is. */
export const VIOLATION_NUMBERS = [
    Violation.UnexpectedRsv23,
    Violation.UnexpectedRsv1,
    Violation.InvalidOpcode,
    Violation.ExpectedFin,
    Violation.InvalidControlLength,
    Violation.ExpectedMask,
    Violation.UnexpectedMask,
    Violation.NonMinimalLength,
    Violation.LengthTooLarge,
    Violation.MessageTooBig,
    Violation.InvalidUtf8,
    Violation.InvalidCloseCode,
    Violation.TooManyFragments,
    Violation.TooManyChunks,
    Violation.InvalidDeflate,
    Violation.Internal,
];
export function hex(octets) {
    return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');
}
/** The octets of a hex string; blanks are for reading. */
export function octets(spaced) {
    const digits = spaced.replaceAll(/\s/g, '');
    if (!/^([0-9a-f]{2})*$/.test(digits)) {
        throw new Error(`not hex: ${spaced.slice(0, 80)}`);
    }
    return new Uint8Array(Buffer.from(digits, 'hex'));
}
/** A text message, given as the text it says. */
export function text(content) {
    return { type: 'message', text: true, compressed: false, data: hex(Buffer.from(content)) };
}
/** A binary message, given in hex. */
export function binary(data) {
    return { type: 'message', text: false, compressed: false, data: hex(octets(data)) };
}
/** A compressed message as it came, not inflated, given in hex. */
export function compressed(kind, data) {
    return { type: 'message', text: kind === 'text', compressed: true, data: hex(octets(data)) };
}
/** A text message that need not be UTF-8, given in hex. */
export function textOctets(data) {
    return { type: 'message', text: true, compressed: false, data: hex(octets(data)) };
}
export function ping(data = '') {
    return { type: 'ping', data: hex(octets(data)) };
}
export function pong(data = '') {
    return { type: 'pong', data: hex(octets(data)) };
}
export function close(code, reason = '') {
    return { type: 'close', code, reason: hex(Buffer.from(reason)) };
}
/** The peer broke the protocol; the close code is the one that RFC 6455 7.4.1 gives for it. */
export function fails(violation) {
    return { type: 'violation', violation, closeCode: closeCodeFor(violation) };
}
function closeCodeFor(violation) {
    switch (violation) {
        case Violation.InvalidUtf8:
        case Violation.InvalidDeflate:
            return 1007;
        case Violation.TooManyFragments:
        case Violation.TooManyChunks:
            return 1008;
        case Violation.MessageTooBig:
        case Violation.LengthTooLarge:
            return 1009;
        case Violation.Internal:
            return 1011;
        default:
            return 1002;
    }
}
