// `CONTENT_CASES` are the second half of group S: contents compared as a whole, cut characters, odd Close frames.

import { type Case, expect, type ExpectedEvent, failAfter, failed, hex, payload, send, type Step } from '../case.js';
import { Opcode } from '../wire.js';
import {
  ALL_BACK,
  alone,
  answered,
  answeredFreely,
  FAILS,
  MIXED,
  informational,
  noise,
  refused,
  script,
} from './shapes.js';

// ---- S.5: content --------------------------------------------------------------------------------------------------------------

/** A text of `count` characters, in turn of one, two, three and four bytes. */
function characters(count: number): string {
  let text = '';
  for (let index = 0; index < count; index++) {
    text += String.fromCodePoint(
      [0x20 + (index % 95), 0xa0 + (index % 1800), 0x4e00 + (index % 20_000), 0x1f300 + (index % 700)][index % 4],
    );
  }
  return text;
}

/** Cuts bytes into the frames of one message, `size` bytes each, with a ping after every hundredth frame. */
function cut(opcode: number, bytes: Buffer, size: number): { steps: Step[]; pongs: ExpectedEvent[] } {
  const steps: Step[] = [];
  const pongs: ExpectedEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    const options = { fin: at + size >= bytes.length };
    steps.push(at === 0 ? send.raw(opcode, part, options) : send.continuation(part, options));
    if (options.fin || (at / size) % 100 !== 99) continue;
    steps.push(send.ping(`at ${at}`));
    pongs.push(expect.pong(`at ${at}`));
  }
  return { steps, pongs };
}

const SMALL = Array.from({ length: 300 }, (_, length) => noise(length));
const LARGE = noise(1024 * 1024);
const BIG = [noise(65535), noise(65536), LARGE];
const TEXT = Buffer.from(characters(100_000));
const largeCut = cut(Opcode.Binary, LARGE, 1000);
const textCut = cut(Opcode.Text, TEXT, 997);

const content: Case[] = [
  answered(
    'S.5.1',
    'Sends binary messages of 0 to 299 bytes.',
    ALL_BACK,
    SMALL.map((bytes) => send.binary(bytes)),
    SMALL.map((bytes) => expect.binary(bytes)),
    failAfter(10),
  ),
  answered(
    'S.5.2',
    'Sends binary messages of 65535, 65536 and 1048576 bytes.',
    ALL_BACK,
    BIG.map((bytes) => send.binary(bytes)),
    BIG.map((bytes) => expect.binary(bytes)),
    failAfter(10),
  ),
  answeredFreely(
    'S.5.3',
    'Sends a binary message of 1 MiB in fragments of 1000 bytes, with pings between them.',
    MIXED,
    largeCut.steps,
    [...largeCut.pongs, expect.binary(LARGE)],
    failAfter(10),
  ),
  answered(
    'S.5.4',
    'Sends a text message of characters of one to four bytes in one frame.',
    ALL_BACK,
    [send.text(TEXT)],
    [expect.text(TEXT)],
    failAfter(10),
  ),
  answeredFreely(
    'S.5.5',
    'Sends that text in fragments of 997 bytes, which cut characters, with pings between them.',
    MIXED,
    textCut.steps,
    [...textCut.pongs, expect.text(TEXT)],
    failAfter(10),
  ),
];

// ---- S.6: text cut inside a character ------------------------------------------------------------------------------------------

const NO_TEXT = 'The testee fails the connection, because the text is no UTF-8 (RFC 6455 8.1).';

/** A case that sends a text in these fragments, given in hexadecimal, which is not UTF-8. */
function noText(id: string, words: string, ...fragments: string[]): Case {
  const last = fragments.length - 1;
  return script(
    id,
    `Sends a text message in fragments: ${words}.`,
    NO_TEXT,
    fragments.map((digits, index) =>
      index === 0
        ? send.text(hex(digits), { fin: index === last })
        : send.continuation(hex(digits), { fin: index === last }),
    ),
    [{ behavior: 'OK', events: [], close: failed(1007) }],
    failAfter(1),
  );
}

const cuts: Case[] = [
  answeredFreely(
    'S.6.1',
    'Sends a character of four bytes in four fragments with pings between them, whose payload is no UTF-8.',
    MIXED,
    [
      send.text(hex('f0'), { fin: false }),
      send.ping(hex('ff')),
      send.continuation(hex('9f'), { fin: false }),
      send.ping(hex('fe')),
      send.continuation(hex('98'), { fin: false }),
      send.continuation(hex('80')),
    ],
    [expect.pong(hex('ff')), expect.pong(hex('fe')), expect.text(hex('f09f9880'))],
    failAfter(1),
  ),
  noText('S.6.2', 'a character is cut, and the next fragment begins another', '48e282', '48'),
  noText('S.6.3', 'the text ends inside a character', '48', 'e282'),
  noText('S.6.4', 'the text ends inside a character and an empty fragment follows', 'e282', ''),
  noText('S.6.5', 'a surrogate is cut', 'ed', 'a080'),
  noText('S.6.6', 'an overlong sequence is cut', 'e0', '80af'),
  answered(
    'S.6.7',
    'Sends a binary message that is no UTF-8.',
    'It comes back. Then the examiner closes, cleanly.',
    [send.binary(hex('c0eda080ff'))],
    [expect.binary(hex('c0eda080ff'))],
    failAfter(1),
  ),
];

// ---- S.7: closing --------------------------------------------------------------------------------------------------------------

/** A case that sends a wrong Close frame: the testee answers with one of these codes or drops TCP. */
function badClose(id: string, description: string, step: Step, ...codes: number[]): Case {
  const close = { closedByMe: true, closeCode: codes, requireClean: false };
  return {
    ...script(
      id,
      description,
      `${FAILS} (RFC 6455 7.4)`,
      [step],
      [{ behavior: 'OK', events: [], close }],
      failAfter(1),
    ),
  };
}

/** Codes that are not judged. RFC 6455 7.4.1 forbids a sender to send 1015, and says nothing about a receiver. */
const LATER_CODES = { 'S.7.1': 1012, 'S.7.2': 1013, 'S.7.3': 1014, 'S.7.4': 1015 };

const closing: Case[] = [
  ...Object.entries(LATER_CODES).map(([id, code]) =>
    informational(
      id,
      `Sends a close frame with the code ${code}, which ${code === 1015 ? 'must not stand in one' : 'was registered after the RFC'}.`,
      [send.close(code)],
      [],
      failAfter(1),
    ),
  ),
  badClose(
    'S.7.5',
    'Sends a close frame whose reason ends inside a character.',
    send.close(1000, hex('48e282')),
    1002,
    1007,
  ),
  refused(
    'S.7.6',
    'Sends a close frame in two fragments.',
    `${FAILS} A control frame is never fragmented (RFC 6455 5.5).`,
    [send.closeFrame(hex('03'), { fin: false }), send.continuation(hex('e8'))],
  ),
  answered(
    'S.7.7',
    'Sends a close frame and 1 MiB of binary behind it.',
    'What comes behind the close frame is ignored; the closing handshake is clean.',
    [send.close(1000), send.binary(payload('x', 1024 * 1024))],
    [],
    failAfter(2),
  ),
];

export const CONTENT_CASES: readonly Case[] = [...alone(content), ...cuts, ...closing];
