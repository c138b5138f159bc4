// `STRICTNESS_CASES` are the first half of group S: frames that differ from good ones by a bit, and many frames at once.

import {
  type Case,
  CLEAN,
  closeAfter,
  expect,
  type ExpectedEvent,
  failAfter,
  failed,
  hex,
  send,
  type Step,
} from '../case.js';
import { applyMask, encodeHeader, Opcode } from '../wire.js';
import { CONTENT_CASES } from './content.js';
import {
  ALL_BACK,
  alone,
  answered,
  answeredFreely,
  FAILS,
  HELLO,
  informational,
  MIXED,
  mixed,
  refused,
  script,
} from './shapes.js';

// ---- S.1: lengths --------------------------------------------------------------------------------------------------------------

/** A case whose length has too long a form. RFC 6455 5.2 binds the sender: a receiver that accepts it is NON-STRICT. */
function longForm(id: string, words: string, step: Step, echo: ExpectedEvent): Case {
  return script(
    id,
    `Sends ${words}.`,
    `${FAILS} To answer as if the length were in its shortest form is non-strict (RFC 6455 5.2).`,
    [step],
    [
      { behavior: 'OK', events: [], close: failed() },
      { behavior: 'NON-STRICT', events: [echo], close: CLEAN },
    ],
    failAfter(1),
  );
}

/** The header of a frame of `length` bytes, and 16 bytes of its payload. */
function announces(length: number): Step[] {
  return [
    { do: 'header', opcode: Opcode.Binary, fin: true, length },
    { do: 'bytes', payload: hex('00'.repeat(16)) },
  ];
}

const A = (count: number): Buffer => Buffer.alloc(count, 'a');

const lengths: Case[] = [
  longForm(
    'S.1.1',
    'a text message of 5 bytes whose length stands in 16 bits',
    send.text(A(5), { odd: { form: 16 } }),
    expect.text(A(5)),
  ),
  longForm(
    'S.1.2',
    'an empty text message whose length stands in 64 bits',
    send.text('', { odd: { form: 64 } }),
    expect.text(),
  ),
  longForm(
    'S.1.3',
    'a text message of 125 bytes whose length stands in 64 bits',
    send.text(A(125), { odd: { form: 64 } }),
    expect.text(A(125)),
  ),
  longForm(
    'S.1.4',
    'a binary message of 65535 bytes whose length stands in 64 bits',
    send.binary(A(65535), { odd: { form: 64 } }),
    expect.binary(A(65535)),
  ),
  longForm(
    'S.1.5',
    'a ping of 10 bytes whose length stands in 16 bits',
    send.ping(A(10), { odd: { form: 16 } }),
    expect.pong(A(10)),
  ),
  ...[2 ** 63, 2 ** 64 - 2 ** 32].map((length, index) =>
    script(
      `S.1.${6 + index}`,
      `Sends the header of a frame whose 64-bit length is 0x${length.toString(16)}, and some bytes.`,
      `${FAILS} The top bit of a length is 0 (RFC 6455 5.2).`,
      announces(length),
      [{ behavior: 'OK', events: [], close: failed() }],
      failAfter(1),
    ),
  ),
  ...[2 ** 32, 2 ** 53, 2 ** 62].map((length, index) =>
    informational(
      `S.1.${8 + index}`,
      `Sends the header of a frame whose 64-bit length is 0x${length.toString(16)}, and some bytes.`,
      announces(length),
      [],
      failAfter(1),
    ),
  ),
];

// ---- S.2: reserved opcodes and bits inside a message ---------------------------------------------------------------------------

const RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
const BEGUN = send.text('begun', { fin: false });

const reserved: Case[] = [
  ...RESERVED.map((opcode, index) =>
    refused(
      `S.2.${index + 1}`,
      `Sends a first fragment, then a frame with the reserved opcode ${opcode}, then the last fragment.`,
      `${FAILS} The opcode is reserved (RFC 6455 5.2).`,
      [BEGUN, send.raw(opcode, 'x'), send.continuation('done')],
    ),
  ),
  ...[1, 2, 4].map((rsv, index) =>
    refused(
      `S.2.${RESERVED.length + 1 + index}`,
      `Sends a first fragment, then a last one with RSV = ${rsv}.`,
      `${FAILS} No extension gives the bit a meaning (RFC 6455 5.2).`,
      [BEGUN, send.continuation('done', { rsv })],
    ),
  ),
  ...[1, 2, 4].map((rsv, index) =>
    refused(
      `S.2.${RESERVED.length + 4 + index}`,
      `Sends a ping with RSV = ${rsv}.`,
      `${FAILS} No extension gives the bit a meaning (RFC 6455 5.2).`,
      [send.ping('ping', { rsv })],
    ),
  ),
];

// ---- S.3: masks ----------------------------------------------------------------------------------------------------------------

const WRONG_MASK = { odd: { mask: 'wrong role' } } as const;
const MASK_RULE =
  'A client masks every frame and a server none; the code 1002 is a MAY, so any is right (RFC 6455 5.1).';
const ZERO_MASK = { odd: { mask: 'zero' } } as const;

const masks: Case[] = [
  ...[
    { words: 'a text message', step: send.text(HELLO, WRONG_MASK) },
    { words: 'an empty binary message', step: send.binary('', WRONG_MASK) },
    { words: 'a ping', step: send.ping('ping', WRONG_MASK) },
    { words: 'a close frame', step: send.closeFrame(hex('03e8'), WRONG_MASK) },
  ].map(({ words, step }, index) =>
    refused(
      `S.3.${index + 1}`,
      `Sends ${words}, masked as server or not masked as client.`,
      `${FAILS} ${MASK_RULE}`,
      [step],
      [],
      failAfter(1),
      failed(),
    ),
  ),
  refused(
    'S.3.5',
    'Sends a first fragment as it should be, then a last one that is masked as server or not masked as client.',
    `${FAILS} ${MASK_RULE}`,
    [BEGUN, send.continuation('done', WRONG_MASK)],
    [],
    failAfter(1),
    failed(),
  ),
  {
    ...answeredFreely(
      'S.3.6',
      'Sends a text message, a ping and a binary message with the masking key 00000000.',
      MIXED,
      [send.text(HELLO, ZERO_MASK), send.ping('zero', ZERO_MASK), send.binary(HELLO, ZERO_MASK)],
      [expect.text(HELLO), expect.pong('zero'), expect.binary(HELLO)],
      failAfter(1),
    ),
    testee: 'server',
  },
];

// ---- S.4: many frames at once --------------------------------------------------------------------------------------------------

const MESSAGES = Array.from({ length: 2000 }, (_, index) => `message ${index}`);
const PINGS = Array.from({ length: 3000 }, (_, index) => `${index}`);

/** A text frame of a client with the masking key 01020304. */
function gluedFrame(): Buffer {
  const text = Buffer.from(HELLO);
  const mask = hex('01020304');
  applyMask(text, mask);
  return Buffer.concat([encodeHeader({ fin: true, rsv: 0, opcode: Opcode.Text, mask, length: text.length }), text]);
}

const GLUED = informational(
  'S.4.6',
  'Sends a text message in one write with the request, before the server can have answered.',
  [],
  [expect.text(HELLO)],
  failAfter(1),
);

const together: Case[] = [
  answered(
    'S.4.1',
    'Sends 2000 text messages in one write.',
    ALL_BACK,
    MESSAGES.map((text) => send.text(text)),
    MESSAGES.map((text) => expect.text(text)),
    failAfter(10),
  ),
  script(
    'S.4.2',
    'Sends 3000 pings in one write.',
    'Pongs come back in the order of their pings, the last of them for the last ping (RFC 6455 5.5.3). Then the examiner closes, cleanly.',
    PINGS.map((text) => send.ping(text)),
    [
      {
        behavior: 'OK',
        events: [expect.pong(PINGS.at(-1))],
        accepts: mixed(PINGS.map((text) => expect.pong(text))),
        close: CLEAN,
      },
    ],
    failAfter(10),
  ),
  answered(
    'S.4.3',
    'Sends a text message in 4000 empty fragments and one of five bytes, in one write.',
    ALL_BACK,
    [
      send.text('', { fin: false }),
      ...Array.from({ length: 3999 }, () => send.continuation('', { fin: false })),
      send.continuation('whole'),
    ],
    [expect.text('whole')],
    failAfter(10),
  ),
  answeredFreely(
    'S.4.4',
    'Sends a text message, a ping and a binary message byte by byte.',
    MIXED,
    [send.text(HELLO, { chop: 1 }), send.ping('slow', { chop: 1 }), send.binary(A(126), { chop: 1 })],
    [expect.text(HELLO), expect.pong('slow'), expect.binary(A(126))],
    closeAfter(5),
  ),
  {
    ...answeredFreely(
      'S.4.5',
      'Sends two text messages and a ping in one write with the response.',
      MIXED,
      [send.text('one'), send.text('two'), send.ping('three')],
      [expect.text('one'), expect.text('two'), expect.pong('three')],
      failAfter(1),
    ),
    testee: 'client',
  },
  { ...GLUED, testee: 'server' },
];
for (const one of together) {
  if (one.exam.kind !== 'script') continue;
  if (one.testee === 'client') one.exam.response = { glued: true };
  if (one.testee === 'server') one.exam.request = { body: gluedFrame() };
}

export const STRICTNESS_CASES: readonly Case[] = [
  ...lengths,
  ...reserved,
  ...masks,
  ...alone(together),
  ...CONTENT_CASES,
];
