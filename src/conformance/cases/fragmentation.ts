// `FRAGMENTATION_CASES` are group 5: fragments, control frames between them, and wrong orders (RFC 6455 5.4).

import { type Case, closeAfter, expect, send } from '../case.js';
import { Opcode } from '../wire.js';
import { answered, ECHO_THEN_FAIL, HELLO, refused } from './shapes.js';

/** The three ways in which the examiner writes the frames; several cases exist once for each. */
const WRITES = [
  { words: 'frames written as they come', options: {} },
  { words: 'each frame in a write of its own', options: { sync: true } },
  { words: 'byte by byte', options: { chop: 1 } },
] as const;

const WHOLE = 'fragment1fragment2';
const JOINED = 'The whole message comes back. Then the examiner closes, cleanly.';
const PONG_FIRST = 'The pong comes back before the message. Then the examiner closes, cleanly.';
const NO_START = 'The testee fails the connection at once: there is no message to continue (RFC 6455 5.4).';
const STRAY = 'non-continuation payload';
const FIVE = ['fragment1', 'fragment2', 'fragment3', 'fragment4', 'fragment5'] as const;

export const FRAGMENTATION_CASES: readonly Case[] = [
  ...[Opcode.Ping, Opcode.Pong].map((opcode, index) =>
    refused(
      `5.${index + 1}`,
      `Sends a ${opcode === Opcode.Ping ? 'ping' : 'pong'} in two fragments.`,
      'The testee fails the connection at once: a control frame is never fragmented (RFC 6455 5.5).',
      [send.raw(opcode, 'fragment1', { fin: false }), send.continuation('fragment2')],
    ),
  ),
  ...WRITES.map(({ words, options }, index) =>
    answered(
      `5.${index + 3}`,
      `Sends a text message in two fragments, ${words}.`,
      JOINED,
      [send.text('fragment1', { fin: false, ...options }), send.continuation('fragment2', options)],
      [expect.text(WHOLE)],
      closeAfter(1),
    ),
  ),
  ...WRITES.map(({ words, options }, index) =>
    answered(
      `5.${index + 6}`,
      `Sends a text message in two fragments with a ping between them, ${words}.`,
      PONG_FIRST,
      [
        send.text('fragment1', { fin: false, ...options }),
        send.ping('ping payload', options),
        send.continuation('fragment2', options),
      ],
      [expect.pong('ping payload'), expect.text(WHOLE)],
      closeAfter(1),
    ),
  ),
  ...[true, false].flatMap((fin, half) =>
    WRITES.map(({ words, options }, index) =>
      refused(
        `5.${9 + 3 * half + index}`,
        `Sends a continuation with FIN = ${fin ? 1 : 0} where nothing is to be continued, then a text message, ${words}.`,
        NO_START,
        [send.continuation(STRAY, { fin, ...options }), send.text(HELLO, options)],
      ),
    ),
  ),
  refused(
    '5.15',
    'Sends a text message in two fragments, then a continuation where nothing is to be continued, then a text message.',
    ECHO_THEN_FAIL,
    [
      send.text('fragment1', { fin: false }),
      send.continuation('fragment2'),
      send.continuation('fragment3', { fin: false }),
      send.text('fragment4'),
    ],
    [expect.text(WHOLE)],
  ),
  ...[false, true].map((fin, index) =>
    refused(
      `5.${16 + index}`,
      `Sends twice: a continuation with FIN = ${fin ? 1 : 0} where nothing is to be continued, then a text message in two fragments.`,
      NO_START,
      [1, 2].flatMap(() => [
        send.continuation('fragment1', { fin }),
        send.text('fragment2', { fin: false }),
        send.continuation('fragment3'),
      ]),
    ),
  ),
  refused(
    '5.18',
    'Sends a text message in two fragments of which both are text frames.',
    'The testee fails the connection at once: what continues a message has the continuation opcode (RFC 6455 5.4).',
    [send.text('fragment1', { fin: false }), send.text('fragment2')],
  ),
  ...[{}, { sync: true }].map((options, index) =>
    answered(
      `5.${19 + index}`,
      'Sends a text message in five fragments with two pings and a pause of one second between them' +
        (index === 0 ? '.' : ', each frame in a write of its own.'),
      'Each pong comes back at once, then the whole message. Then the examiner closes, cleanly.',
      [
        send.text(FIVE[0], { fin: false, ...options }),
        send.continuation(FIVE[1], { fin: false, ...options }),
        send.ping('pongme 1!', options),
        { do: 'wait', seconds: 1, tag: null },
        send.continuation(FIVE[2], { fin: false, ...options }),
        send.continuation(FIVE[3], { fin: false, ...options }),
        send.ping('pongme 2!', options),
        send.continuation(FIVE[4], options),
      ],
      [expect.pong('pongme 1!'), expect.pong('pongme 2!'), expect.text(FIVE.join(''))],
      closeAfter(1),
    ),
  ),
];
