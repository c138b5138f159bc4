// `CLOSING_CASES` are group 7: the closing handshake, its frames and their codes (RFC 6455 5.5.1, 7).

import { type Case, CLEAN, expect, type ExpectedEvent, failAfter, hex, payload, send, type Step } from '../case.js';
import type { Behavior, ExpectedClose } from '../result.js';

/** A case of this group. A close code that is not among the expected ones makes it FAILED. */
function closing(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  close: ExpectedClose,
  events: ExpectedEvent[] = [],
): Case {
  return {
    id,
    description,
    expectation,
    exam: {
      kind: 'script',
      steps,
      outcomes: [{ behavior: 'OK', events, close }],
      limit: failAfter(1),
      wrongCodeFails: true,
    },
  };
}

/** A case that shows the testee's behaviour and judges nothing. */
function informational(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  close: ExpectedClose,
  lists: Partial<Record<Behavior, ExpectedEvent[]>> = { INFORMATIONAL: [] },
): Case {
  return {
    id,
    description,
    expectation,
    exam: {
      kind: 'script',
      steps,
      outcomes: Object.entries(lists).map(([behavior, events]) => ({ behavior: behavior as Behavior, events, close })),
      limit: failAfter(1),
      informational: true,
    },
  };
}

/** The expected close after a wrong Close frame of the examiner: the testee answers with one of these codes or drops TCP. */
function afterBadClose(...codes: number[]): ExpectedClose {
  return { closedByMe: true, closeCode: codes, requireClean: false };
}

const HELLO = 'Hello World!';
const REPLY = 'The close is answered and the closing handshake is clean.';
const IGNORED = 'What comes behind the close frame is ignored; the closing handshake is clean.';
const BAD_CLOSE = 'The testee fails the connection with a protocol error or drops it.';

const VALID_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const INVALID_CODES = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
const UNRULED_CODES = [5000, 65535];

export const CLOSING_CASES: readonly Case[] = [
  closing(
    '7.1.1',
    'Sends a text message, then closes.',
    'The message comes back; the closing handshake is clean.',
    [send.text(HELLO)],
    CLEAN,
    [expect.text(HELLO)],
  ),
  closing('7.1.2', 'Sends two close frames.', IGNORED, [send.close(1000), send.closeFrame()], CLEAN),
  closing('7.1.3', 'Sends a ping behind the close frame.', IGNORED, [send.close(1000), send.ping()], CLEAN),
  closing(
    '7.1.4',
    'Sends a text message behind the close frame.',
    IGNORED,
    [send.close(1000), send.text(HELLO)],
    CLEAN,
  ),
  closing(
    '7.1.5',
    'Sends a first fragment, then a close frame, then the last fragment.',
    'The message is never finished, so nothing comes back; the closing handshake is clean.',
    [send.text('fragment1', { fin: false }), send.close(1000), send.continuation('fragment2')],
    CLEAN,
  ),
  informational(
    '7.1.6',
    'Sends a text message of 256 KiB, a short one, a close frame and a ping.',
    'Informational: how much of it does the testee answer before it closes?',
    [send.text(payload('BAsd7&jh23', 256 * 1024)), send.text(HELLO), send.close(1000), send.ping()],
    CLEAN,
    // The classic suite names its lists so; the verdict is INFORMATIONAL whichever matches.
    { OK: [expect.text(HELLO)], 'NON-STRICT': [] },
  ),
  closing('7.3.1', 'Sends a close frame without payload.', REPLY, [send.close(null)], CLEAN),
  closing(
    '7.3.2',
    'Sends a close frame with a payload of one byte.',
    `${BAD_CLOSE} A code has two bytes (RFC 6455 5.5.1).`,
    [send.close(null, 'a')],
    afterBadClose(1002),
  ),
  closing('7.3.3', 'Sends a close frame with a code and no reason.', REPLY, [send.close(1000)], CLEAN),
  closing('7.3.4', 'Sends a close frame with a code and a reason.', REPLY, [send.close(1000, HELLO)], CLEAN),
  closing(
    '7.3.5',
    'Sends a close frame with a code and the longest reason, 123 bytes.',
    REPLY,
    [send.close(1000, '*'.repeat(123))],
    CLEAN,
  ),
  closing(
    '7.3.6',
    'Sends a close frame with a code and a reason of 124 bytes.',
    `${BAD_CLOSE} A control frame carries at most 125 bytes (RFC 6455 5.5).`,
    [send.close(1000, '*'.repeat(124))],
    afterBadClose(1002),
  ),
  closing(
    '7.5.1',
    'Sends a close frame whose reason is no UTF-8.',
    'The testee fails the connection, or drops it, because a reason is UTF-8 (RFC 6455 5.5.1).',
    [send.close(1000, hex('cebae1bdb9cf83cebcceb5eda080656469746564'))],
    afterBadClose(1002, 1007),
  ),
  ...VALID_CODES.map((code, index) =>
    closing(
      `7.7.${index + 1}`,
      `Sends a close frame with the valid code ${code}.`,
      'The close is answered with the same code, with 1000 or without one; the closing handshake is clean.',
      [send.close(code)],
      { closedByMe: true, closeCode: [1000, code], requireClean: true },
    ),
  ),
  ...INVALID_CODES.map((code, index) =>
    closing(
      `7.9.${index + 1}`,
      `Sends a close frame with the code ${code}, which must not stand in one.`,
      `${BAD_CLOSE} (RFC 6455 7.4).`,
      [send.close(code)],
      afterBadClose(1002),
    ),
  ),
  ...UNRULED_CODES.map((code, index) =>
    informational(
      `7.13.${index + 1}`,
      `Sends a close frame with the code ${code}, of which the RFC says nothing.`,
      'Informational: how does the testee answer?',
      [send.close(code)],
      afterBadClose(1000, code, 1002),
    ),
  ),
];
