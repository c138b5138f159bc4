// `FRAMING_CASES` are groups 1 to 4: framing, pings and pongs, reserved bits, opcodes.

import { type Case, closeAfter, expect, failAfter, hex, payload, send } from '../case.js';
import { answered, ECHO_THEN_FAIL, HELLO, refused } from './shapes.js';

// ---- group 1 -------------------------------------------------------------------------------------------------------------------

const LENGTHS: readonly { bytes: number; chop: number | null; seconds: number }[] = [
  { bytes: 0, chop: null, seconds: 1 },
  { bytes: 125, chop: null, seconds: 1 },
  { bytes: 126, chop: null, seconds: 1 },
  { bytes: 127, chop: null, seconds: 1 },
  { bytes: 128, chop: null, seconds: 1 },
  { bytes: 65535, chop: null, seconds: 10 },
  { bytes: 65536, chop: null, seconds: 10 },
  { bytes: 65536, chop: 997, seconds: 10 },
];

const ECHO = 'The same message comes back. Then the examiner closes and the closing handshake is clean.';

const group1: Case[] = [
  { subgroup: '1.1', word: 'text', make: send.text, unit: '*', expected: expect.text },
  { subgroup: '1.2', word: 'binary', make: send.binary, unit: hex('fe'), expected: expect.binary },
].flatMap(({ subgroup, word, make, unit, expected }) =>
  LENGTHS.map(({ bytes, chop, seconds }, index) => {
    const content = payload(unit, bytes);
    const pieces = chop === null ? '' : `, written in pieces of ${chop} bytes`;
    const description = `Sends a ${word} message in one frame with a payload of ${bytes} bytes${pieces}.`;
    return answered(
      `${subgroup}.${index + 1}`,
      description,
      ECHO,
      [make(content, { chop })],
      [expected(content)],
      failAfter(seconds),
    );
  }),
);

// ---- group 2 -------------------------------------------------------------------------------------------------------------------

const LONGEST_PING = hex('fe'.repeat(125));
const TEN_PINGS = Array.from({ length: 10 }, (_, index) => `payload-${index}`);
const PONG = 'A pong with the payload of the ping comes back. Then the examiner closes, cleanly.';
const TEN_PONGS = 'A pong for each ping, in their order. Then the examiner closes, cleanly.';

const group2: Case[] = [
  answered('2.1', 'Sends a ping without payload.', PONG, [send.ping()], [expect.pong()], closeAfter(1)),
  answered(
    '2.2',
    'Sends a ping with a payload of text.',
    PONG,
    [send.ping('Hello, world!')],
    [expect.pong('Hello, world!')],
    closeAfter(1),
  ),
  answered(
    '2.3',
    'Sends a ping with a payload that is no UTF-8.',
    PONG,
    [send.ping(hex('00fffefdfcfb00ff'))],
    [expect.pong(hex('00fffefdfcfb00ff'))],
    closeAfter(1),
  ),
  answered(
    '2.4',
    'Sends a ping with the longest payload, 125 bytes.',
    PONG,
    [send.ping(LONGEST_PING)],
    [expect.pong(LONGEST_PING)],
    closeAfter(1),
  ),
  refused(
    '2.5',
    'Sends a ping with a payload of 126 bytes.',
    'The testee fails the connection at once, because a control frame carries at most 125 bytes (RFC 6455 5.5).',
    [send.ping(hex('fe'.repeat(126)))],
  ),
  answered(
    '2.6',
    'Sends a ping with the longest payload, 125 bytes, byte by byte.',
    PONG,
    [send.ping(LONGEST_PING, { chop: 1 })],
    [expect.pong(LONGEST_PING)],
    closeAfter(2),
  ),
  answered(
    '2.7',
    'Sends an unasked pong without payload, then closes with the normal code.',
    'Nothing is answered to the pong; the closing handshake is clean.',
    [send.pong(), send.close(1000)],
    [],
    closeAfter(1),
  ),
  answered(
    '2.8',
    'Sends an unasked pong with payload, then closes with the normal code.',
    'Nothing is answered to the pong; the closing handshake is clean.',
    [send.pong('unsolicited pong payload'), send.close(1000)],
    [],
    closeAfter(1),
  ),
  answered(
    '2.9',
    'Sends an unasked pong with payload, then a ping with payload.',
    'Nothing is answered to the pong; a pong answers the ping. Then the examiner closes, cleanly.',
    [send.pong('unsolicited pong payload'), send.ping('ping payload')],
    [expect.pong('ping payload')],
    closeAfter(1),
  ),
  answered(
    '2.10',
    'Sends ten pings, each with a payload of its own.',
    TEN_PONGS,
    TEN_PINGS.map((text) => send.ping(text)),
    TEN_PINGS.map((text) => expect.pong(text)),
    closeAfter(3),
  ),
  answered(
    '2.11',
    'Sends ten pings, each with a payload of its own, byte by byte.',
    TEN_PONGS,
    TEN_PINGS.map((text) => send.ping(text, { chop: 1 })),
    TEN_PINGS.map((text) => expect.pong(text)),
    closeAfter(3),
  ),
];

// ---- group 3 -------------------------------------------------------------------------------------------------------------------

const BINARY = hex('00fffefdfcfb00ff');
const FAIL_RSV =
  'The testee fails the connection at once: no extension that gives the bit a meaning was agreed (RFC 6455 5.2).';

const group3: Case[] = [
  refused('3.1', 'Sends a text message with RSV3 set (RSV = 1).', FAIL_RSV, [send.text(HELLO, { rsv: 1 })]),
  refused(
    '3.2',
    'Sends a good text message, then one with RSV2 set (RSV = 2), then a ping.',
    ECHO_THEN_FAIL,
    [send.text(HELLO), send.text(HELLO, { rsv: 2 }), send.ping()],
    [expect.text(HELLO)],
  ),
  refused(
    '3.3',
    'Sends a good text message, then one with RSV = 3, then a ping, each frame in a write of its own.',
    ECHO_THEN_FAIL,
    [send.text(HELLO, { sync: true }), send.text(HELLO, { rsv: 3, sync: true }), send.ping('', { sync: true })],
    [expect.text(HELLO)],
  ),
  refused(
    '3.4',
    'Sends a good text message, then one with RSV1 set (RSV = 4), then a ping, byte by byte.',
    ECHO_THEN_FAIL,
    [send.text(HELLO, { chop: 1 }), send.text(HELLO, { rsv: 4, chop: 1 }), send.ping('', { chop: 1 })],
    [expect.text(HELLO)],
  ),
  refused('3.5', 'Sends a binary message with RSV = 5.', FAIL_RSV, [send.binary(BINARY, { rsv: 5 })]),
  refused('3.6', 'Sends a binary message with RSV = 6.', FAIL_RSV, [send.binary(HELLO, { rsv: 6 })]),
  refused('3.7', 'Sends a close frame with RSV = 7.', FAIL_RSV, [send.closeFrame('', { rsv: 7 })]),
];

// ---- group 4 -------------------------------------------------------------------------------------------------------------------

const group4: Case[] = [
  { subgroup: '4.1', word: 'data', first: 3 },
  { subgroup: '4.2', word: 'control', first: 11 },
].flatMap(({ subgroup, word, first }) => {
  const alone = 'The testee fails the connection at once: the opcode is reserved (RFC 6455 5.2).';
  const between = (opcode: number): string =>
    `Sends a good text message, then a frame with the reserved ${word} opcode ${opcode}, then a ping`;
  return [
    refused(`${subgroup}.1`, `Sends an empty frame with the reserved ${word} opcode ${first}.`, alone, [
      send.raw(first, ''),
    ]),
    refused(`${subgroup}.2`, `Sends a frame with payload and the reserved ${word} opcode ${first + 1}.`, alone, [
      send.raw(first + 1, 'reserved opcode payload'),
    ]),
    refused(
      `${subgroup}.3`,
      `${between(first + 2)}; the reserved one is empty.`,
      ECHO_THEN_FAIL,
      [send.text(HELLO), send.raw(first + 2, ''), send.ping()],
      [expect.text(HELLO)],
    ),
    refused(
      `${subgroup}.4`,
      `${between(first + 3)}; the reserved one carries payload.`,
      ECHO_THEN_FAIL,
      [send.text(HELLO), send.raw(first + 3, HELLO), send.ping()],
      [expect.text(HELLO)],
    ),
    refused(
      `${subgroup}.5`,
      `${between(first + 4)}, byte by byte.`,
      ECHO_THEN_FAIL,
      [send.text(HELLO, { chop: 1 }), send.raw(first + 4, HELLO, { chop: 1 }), send.ping('', { chop: 1 })],
      [expect.text(HELLO)],
    ),
  ];
});

export const FRAMING_CASES: readonly Case[] = [...group1, ...group2, ...group3, ...group4];
