// `NEGOTIATION_CASES` are the second half of group D: the agreement on compression (RFC 7692 7.1).

import {
  type Case,
  CLEAN,
  type DeflateWish,
  type Exam,
  expect,
  type ExpectedEvent,
  failAfter,
  hex,
  type Outcome,
  send,
  type Step,
} from '../case.js';
import type { Behavior } from '../result.js';
import { PLAIN_WISH } from './compression.js';
import { HELLO as GREETING, MIXED, mixed } from './shapes.js';

/** A sentence in the expectation of each case that needs compression. */
export const UNIMPLEMENTED: string = 'A testee that does not agree on permessage-deflate is reported as unimplemented.';

/** RSV1, which marks a compressed message (RFC 7692 6). */
export const COMPRESSED: { rsv: number } = { rsv: 4 };

/** `Hello`, compressed as in RFC 7692 7.2.3.1. */
export const HELLO: Buffer = hex('f248cdc9c90700');

/** A case whose messages a testee that agreed on permessage-deflate echoes. */
export function good(
  id: string,
  description: string,
  steps: Step[],
  events: ExpectedEvent[],
  options: { wish?: DeflateWish; informational?: true; seconds?: number; refused?: Behavior } = {},
): Case {
  const { wish = PLAIN_WISH, informational, seconds = 5, refused } = options;
  return {
    id,
    description,
    expectation: informational
      ? `Informational: what does the testee do? ${UNIMPLEMENTED}`
      : `What was sent comes back with the same content. Then the examiner closes, cleanly. ${UNIMPLEMENTED}`,
    exam: {
      kind: 'script',
      steps,
      outcomes: [{ behavior: informational ? 'INFORMATIONAL' : 'OK', events, close: CLEAN }],
      limit: failAfter(seconds),
      deflate: wish,
      ...(informational === undefined ? {} : { informational }),
      ...(refused === undefined ? {} : { refused }),
    },
  };
}

/** As `good`, with pings among the messages: see {@link mixed}. */
export function freely(id: string, description: string, steps: Step[], events: ExpectedEvent[]): Case {
  const one = good(id, description, steps, events);
  const outcome: Outcome = { behavior: 'OK', events, accepts: mixed(events), close: CLEAN };
  return { ...one, expectation: `${MIXED} ${UNIMPLEMENTED}`, exam: { ...one.exam, outcomes: [outcome] } as Exam };
}

const hello = expect.text('Hello');

const NO_EXTENSION = (header: { values: (name: string) => string[] }): string | null => {
  const values = header.values('sec-websocket-extensions');
  return values.length === 0 ? null : `The server agreed to ${values.join(', ')}.`;
};

/** Parameters that a server must not accept (RFC 7692 7.1). */
const BAD_OFFERS = [
  'unknown_parameter',
  'server_max_window_bits=7',
  'server_max_window_bits=16',
  'server_max_window_bits=08',
  'server_max_window_bits=+9',
  'server_max_window_bits',
  'server_max_window_bits=10; server_max_window_bits=10',
  'server_no_context_takeover=1',
  'client_no_context_takeover=true',
  'client_max_window_bits=7',
  'client_max_window_bits=16',
  'client_max_window_bits; client_max_window_bits',
];

/** Offers that a server may accept or decline. */
const OFFERS = [
  'permessage-deflate',
  'permessage-deflate; server_max_window_bits=8',
  'permessage-deflate; server_max_window_bits="10"',
  'permessage-deflate; client_max_window_bits=10',
  'permessage-deflate; server_max_window_bits=7, permessage-deflate',
  'x-unknown; a=1, permessage-deflate; client_max_window_bits',
];

/** Parameters that a server must grant where it accepts the offer. */
const DEMANDS = [
  { parameters: 'server_no_context_takeover', section: '7.1.1.1' },
  { parameters: 'server_max_window_bits=9', section: '7.1.2.1' },
  { parameters: 'server_no_context_takeover; server_max_window_bits=15', section: '7.1.1.1' },
];

/** Values that are not a list of extensions (RFC 6455 9.1). */
const MALFORMED = [
  'permessage-deflate;;',
  'permessage-deflate; =10',
  ', permessage-deflate;',
  'permessage-deflate; a=b c',
];

/** An answer that names the extension twice, which the RFC neither allows nor forbids. */
const TWICE = 'permessage-deflate, permessage-deflate';

/** Answers that a client must not accept. */
const BAD_ANSWERS = [
  'permessage-deflate; unknown_parameter',
  'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; server_max_window_bits',
  'permessage-deflate; client_max_window_bits=16',
  'permessage-deflate; server_no_context_takeover=1',
  'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
  TWICE,
  'permessage-deflate;;',
];

const extensions = (value: string): { lines: [string, string][] } => ({ lines: [['Sec-WebSocket-Extensions', value]] });

export const NEGOTIATION_CASES: readonly Case[] = [
  ...BAD_OFFERS.map((parameters, index): Case => ({
    id: `D.5.${index + 1}`,
    description: `Offers permessage-deflate with ${parameters}, which is not sound.`,
    expectation:
      'The server declines the offer and goes on without compression. To refuse the handshake is non-strict.',
    testee: 'server',
    exam: {
      kind: 'script',
      steps: [send.text(GREETING)],
      outcomes: [{ behavior: 'OK', events: [expect.text(GREETING)], close: CLEAN }],
      limit: failAfter(1),
      request: extensions(`permessage-deflate; ${parameters}`),
      handshake: NO_EXTENSION,
      refused: 'NON-STRICT',
    },
  })),
  ...OFFERS.map((offer, index): Case => ({
    ...good(
      `D.6.${index + 1}`,
      `Offers "${offer}" and sends a compressed message if the server agrees.`,
      [send.text(HELLO, COMPRESSED), send.text(HELLO, COMPRESSED)],
      [hello, hello],
      { wish: { offer, answer: PLAIN_WISH.answer }, refused: 'NON-STRICT' },
    ),
    testee: 'server',
  })),
  ...MALFORMED.map((value, index): Case => ({
    id: `D.7.${index + 1}`,
    description: `Sends a request with "Sec-WebSocket-Extensions: ${value}", which does not parse.`,
    expectation: 'The server refuses the handshake (RFC 6455 9.1).',
    testee: 'server',
    exam: { kind: 'refusal', request: extensions(value), accepted: 'FAILED' },
  })),
  ...BAD_ANSWERS.map((value, index): Case => ({
    id: `D.8.${index + 1}`,
    description: `Answers with "Sec-WebSocket-Extensions: ${value}", which is not sound.`,
    expectation: 'The client fails the connection: it drops TCP and answers no message.',
    testee: 'client',
    exam: { kind: 'refusal', response: extensions(value), accepted: value === TWICE ? 'NON-STRICT' : 'FAILED' },
  })),
  ...DEMANDS.map(({ parameters, section }, index): Case => ({
    ...good(
      `D.9.${index + 1}`,
      `Offers permessage-deflate with ${parameters} and sends a compressed message if the server agrees.`,
      [send.text(HELLO, COMPRESSED), send.text(HELLO, COMPRESSED)],
      [hello, hello],
      { wish: { offer: `permessage-deflate; ${parameters}`, answer: PLAIN_WISH.answer } },
    ),
    expectation: `The server agrees to what was asked, or declines the offer (RFC 7692 ${section}). ${UNIMPLEMENTED}`,
    testee: 'server',
  })),
];
