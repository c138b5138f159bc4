// `DEFLATE_CASES` are group D: permessage-deflate (RFC 7692) with odd and corrupt data, reserved bits, sizes and offers.

import { constants, deflateRawSync } from 'node:zlib';
import { type Case, type DeflateWish, expect, failAfter, failed, hex, payload, send, type Step } from '../case.js';
import { PLAIN_WISH } from './compression.js';
import { COMPRESSED, freely, good, HELLO, NEGOTIATION_CASES, UNIMPLEMENTED } from './negotiation.js';
import { alone, noise } from './shapes.js';

/** `Hello`, compressed as in RFC 7692 7.2.3.2, where the window holds `Hello` already. */
const HELLO_AGAIN = hex('f200110000');

function bad(id: string, description: string, codes: number[], steps: Step[]): Case {
  return {
    id,
    description,
    expectation: `The testee fails the connection. ${UNIMPLEMENTED}`,
    exam: {
      kind: 'script',
      steps,
      outcomes: [{ behavior: 'OK', events: [], close: failed(...codes) }],
      limit: failAfter(1),
      deflate: PLAIN_WISH,
      codeIsPolicy: true,
    },
  };
}

const hello = expect.text('Hello');
const bytes = [...HELLO].map((byte) => Buffer.from([byte]));
const TAKEOVER: DeflateWish = {
  offer: 'permessage-deflate',
  answer: PLAIN_WISH.answer,
  fits: ({ takeover }) => takeover,
};
/** 64 KiB whose matches lie near. D.1.16 has a match 32,000 bytes back. */
const PATTERN = Buffer.from(Array.from({ length: 64 * 1024 }, (_, index) => (index * index) >> 7));
/** 32,000 bytes without a pattern, twice. */
const FAR = Buffer.concat([noise(32_000), noise(32_000)]);

const forms: Case[] = [
  good('D.1.1', 'Sends a compressed message in one block with fixed codes.', [send.text(HELLO, COMPRESSED)], [hello]),
  good(
    'D.1.2',
    'Sends a compressed message in two fragments; RSV1 stands on the first.',
    [send.text(HELLO.subarray(0, 3), { ...COMPRESSED, fin: false }), send.continuation(HELLO.subarray(3))],
    [hello],
  ),
  good(
    'D.1.3',
    'Sends a compressed message in a stored block.',
    [send.text(hex('000500faff48656c6c6f00'), COMPRESSED)],
    [hello],
  ),
  good(
    'D.1.4',
    'Sends two compressed messages that each end with a final block (BFINAL = 1).',
    [send.text(hex('f348cdc9c9070000'), COMPRESSED), send.text(hex('f348cdc9c9070000'), COMPRESSED)],
    [hello, hello],
  ),
  good(
    'D.1.5',
    'Sends a compressed message in two blocks.',
    [send.text(hex('f24805000000ffffcac9c90700'), COMPRESSED)],
    [hello],
  ),
  good('D.1.6', 'Sends an empty compressed message (one byte).', [send.text(hex('00'), COMPRESSED)], [expect.text()]),
  good(
    'D.1.7',
    'Sends messages that are not compressed, before and after one that is.',
    [send.text('plain'), send.text(HELLO, COMPRESSED), send.binary('plain')],
    [expect.text('plain'), hello, expect.binary('plain')],
  ),
  freely(
    'D.1.8',
    'Sends a compressed message in fragments of one byte, with a ping before each but the first.',
    bytes.flatMap((byte, index): Step[] =>
      index === 0
        ? [send.text(byte, { ...COMPRESSED, fin: false })]
        : [send.ping(`${index}`), send.continuation(byte, { fin: index === bytes.length - 1 })],
    ),
    [...bytes.slice(1).map((_, index) => expect.pong(`${index + 1}`)), hello],
  ),
  good(
    'D.1.9',
    'Sends a compressed message with empty fragments at its beginning, in its middle and at its end.',
    [
      send.text('', { ...COMPRESSED, fin: false }),
      send.continuation(HELLO.subarray(0, 4), { fin: false }),
      send.continuation('', { fin: false }),
      send.continuation(HELLO.subarray(4), { fin: false }),
      send.continuation(),
    ],
    [hello],
  ),
  good(
    'D.1.10',
    'Sends two compressed messages of which the second refers to the first.',
    [send.text(HELLO, COMPRESSED), send.text(HELLO_AGAIN, COMPRESSED)],
    [hello, hello],
    { wish: TAKEOVER },
  ),
  good(
    'D.1.11',
    'Sends 64 KiB of binary in stored blocks.',
    [send.binary(deflated(PATTERN, { level: 0 }), COMPRESSED)],
    [expect.binary(PATTERN)],
  ),
  good(
    'D.1.12',
    'Sends 64 KiB of binary in blocks with dynamic codes.',
    [send.binary(deflated(PATTERN), COMPRESSED)],
    [expect.binary(PATTERN)],
  ),
  good(
    'D.1.13',
    'Sends a message with RSV1 and no payload at all, which RFC 7692 does not speak of.',
    [send.text('', COMPRESSED)],
    [expect.text()],
    { informational: true },
  ),
  good(
    'D.1.14',
    'Sends bytes behind a final block.',
    [send.text(Buffer.concat([hex('f348cdc9c90700'), hex('deadbeef')]), COMPRESSED)],
    [hello],
    { informational: true },
  ),
  good(
    'D.1.15',
    'Sends a compressed message that ends inside a block.',
    [send.text(HELLO.subarray(0, 4), COMPRESSED)],
    [],
    { informational: true, seconds: 1 },
  ),
  good(
    'D.1.16',
    'Sends a compressed message that refers 32,000 bytes back, where the agreed window is of 15 bits.',
    [send.binary(deflated(FAR, { windowBits: 15 }), COMPRESSED)],
    [expect.binary(FAR)],
    { wish: { ...PLAIN_WISH, fits: ({ windowBits }) => windowBits === 15 } },
  ),
];

/** Flushed blocks without their tail. They refer at most 250 bytes back, which every window holds (RFC 7692 7.1.2). */
function deflated(bytes: Buffer, options: { level?: number; windowBits?: number } = {}): Buffer {
  return withoutTail(deflateRawSync(bytes, { windowBits: 9, finishFlush: constants.Z_SYNC_FLUSH, ...options }));
}

/** A flushed block without its last four bytes, which a sender removes (RFC 7692 7.2.1). */
function withoutTail(flushed: Buffer): Buffer {
  return flushed.subarray(0, flushed.length - 4);
}

/** The codes accepted for data that does not decompress; RFC 7692 names none. */
const CORRUPT = [1002, 1003, 1007, 1008, 1011];

const corrupt: Case[] = [
  bad('D.2.1', 'Sends a compressed message with a block of the reserved type.', CORRUPT, [
    send.text(hex('0700'), COMPRESSED),
  ]),
  bad('D.2.2', 'Sends a compressed message in a stored block whose length contradicts its complement.', CORRUPT, [
    send.text(hex('000500aaaa48656c6c6f00'), COMPRESSED),
  ]),
  bad('D.2.3', 'Sends a compressed message that refers to bytes before its beginning.', CORRUPT, [
    send.text(HELLO_AGAIN, COMPRESSED),
  ]),
  bad('D.2.4', 'Sends a compressed message with impossible code lengths.', CORRUPT, [
    send.text(hex('fdffffffffffffff'), COMPRESSED),
  ]),
  bad('D.2.5', 'Sends a compressed message whose second fragment is corrupt.', CORRUPT, [
    send.text(HELLO, { ...COMPRESSED, fin: false }),
    send.continuation(hex('07ffffff')),
  ]),
  bad(
    'D.2.6',
    'Sends a compressed text message that is no UTF-8 when it is decompressed.',
    [1007],
    [send.text(deflated(hex('cebaeda080')), COMPRESSED)],
  ),
];

const PART = HELLO.subarray(0, 3);
const REST = HELLO.subarray(3);
const first = send.text(PART, { ...COMPRESSED, fin: false });

const reserved: Case[] = [
  bad(
    'D.3.1',
    'Sends a compressed message with RSV1 on its continuation too.',
    [1002],
    [first, send.continuation(REST, COMPRESSED)],
  ),
  bad('D.3.2', 'Sends a ping with RSV1.', [1002], [send.ping('ping', COMPRESSED)]),
  bad('D.3.3', 'Sends a pong with RSV1.', [1002], [send.pong('pong', COMPRESSED)]),
  bad('D.3.4', 'Sends a close frame with RSV1.', [1002], [send.closeFrame(hex('03e8'), COMPRESSED)]),
  bad(
    'D.3.5',
    'Sends a ping with RSV1 inside a compressed message.',
    [1002],
    [first, send.ping('', COMPRESSED), send.continuation(REST)],
  ),
  bad('D.3.6', 'Sends a compressed message with RSV2 set besides RSV1.', [1002], [send.text(HELLO, { rsv: 6 })]),
  bad('D.3.7', 'Sends a compressed message with RSV3 set besides RSV1.', [1002], [send.text(HELLO, { rsv: 5 })]),
  bad(
    'D.3.8',
    'Sends a message that is not compressed, with RSV1 on its continuation.',
    [1002],
    [send.text('Hel', { fin: false }), send.continuation('lo', COMPRESSED)],
  ),
];

const MIB = 1024 * 1024;
/** One MiB of zeros, compressed to a kilobyte and flushed, so that copies of it can follow each other. */
const ZEROS = deflateRawSync(Buffer.alloc(MIB), { windowBits: 9, finishFlush: constants.Z_SYNC_FLUSH });

const sizes: Case[] = [
  good(
    'D.4.1',
    'Sends 1 MiB of zeros, compressed to a kilobyte.',
    [send.binary(withoutTail(ZEROS), COMPRESSED)],
    [expect.binary(payload(Buffer.alloc(1), MIB))],
    { seconds: 10 },
  ),
  good(
    'D.4.2',
    'Sends 128 MiB of zeros, compressed to 130 kilobytes. A testee with a limit fails the connection with 1009.',
    [send.binary(withoutTail(Buffer.concat(Array.from({ length: 128 }, () => ZEROS))), COMPRESSED)],
    [],
    { seconds: 10, informational: true },
  ),
];

export const DEFLATE_CASES: readonly Case[] = [
  ...forms,
  ...corrupt,
  ...reserved,
  ...alone(sizes),
  ...NEGOTIATION_CASES,
];
