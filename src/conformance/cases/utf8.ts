// `UTF8_CASES` are group 6: text that is valid UTF-8 and text that is not (RFC 3629), whole and in pieces.

import {
  type Case,
  closeAfter,
  expect,
  failAfter,
  failed,
  hex,
  type Outcome,
  payload,
  send,
  type Step,
} from '../case.js';
import { Opcode } from '../wire.js';
import { answered } from './shapes.js';

const VALID = 'The same message comes back. Then the examiner closes, cleanly.';
const INVALID = 'The testee fails the connection, because the text is no UTF-8 (RFC 6455 8.1).';

function message(bytes: Buffer, fragment: number | null = null): Step {
  return { do: 'message', opcode: Opcode.Text, payload: payload(bytes), fragment };
}

/** A case whose text is not valid UTF-8. */
function invalid(
  id: string,
  description: string,
  expectation: string,
  steps: Step[],
  seconds: number,
  late = false,
): Case {
  const close = failed(1007);
  const outcomes: Outcome[] = late
    ? [
        { behavior: 'OK', events: [expect.timeout('A')], close },
        { behavior: 'NON-STRICT', events: [expect.timeout('A'), expect.timeout('B')], close },
      ]
    : [{ behavior: 'OK', events: [], close }];
  return {
    id,
    description,
    expectation,
    exam: { kind: 'script', steps, outcomes, limit: failAfter(seconds), wrongEndpointFails: true },
  };
}

// ---- 6.1 to 6.4 ----------------------------------------------------------------------------------------------------------------

const MIXED = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!');
/** A Greek word. In invalid cases a surrogate's bytes and `edited` follow it. */
const GREEK = hex('cebae1bdb9cf83cebcceb5');
const SURROGATE = Buffer.concat([GREEK, hex('eda080'), Buffer.from('edited')]);
const TOO_HIGH = hex('f4908080');
const EDITED = Buffer.from('edited');

const fragmented: Case[] = [
  answered('6.1.1', 'Sends an empty text message.', VALID, [send.text()], [expect.text()], closeAfter(1)),
  answered(
    '6.1.2',
    'Sends a text message of three empty fragments.',
    VALID,
    [send.text('', { fin: false }), send.continuation('', { fin: false }), send.continuation()],
    [expect.text()],
    closeAfter(1),
  ),
  answered(
    '6.1.3',
    'Sends a text message of three fragments, the first and the last of them empty.',
    VALID,
    [send.text('', { fin: false }), send.continuation('middle frame payload', { fin: false }), send.continuation()],
    [expect.text('middle frame payload')],
    closeAfter(1),
  ),
  answered('6.2.1', 'Sends a valid text in one frame.', VALID, [message(MIXED)], [expect.text(MIXED)], closeAfter(1)),
  answered(
    '6.2.2',
    'Sends a valid text in two fragments, cut between characters.',
    VALID,
    [send.text(MIXED.subarray(0, 15), { fin: false }), send.continuation(MIXED.subarray(15))],
    [expect.text(MIXED)],
    closeAfter(1),
  ),
  ...[MIXED, GREEK].map((text, index) =>
    answered(
      `6.2.${3 + index}`,
      `Sends a valid text of ${text.length} bytes in fragments of one byte, so that characters are cut.`,
      VALID,
      [message(text, 1)],
      [expect.text(text)],
      closeAfter(1),
    ),
  ),
  invalid('6.3.1', 'Sends an invalid text (a surrogate inside) in one frame.', INVALID, [message(SURROGATE)], 1),
  invalid('6.3.2', 'Sends that text in fragments of one byte.', INVALID, [message(SURROGATE, 1)], 1),
];

const WAIT_A: Step = { do: 'wait', seconds: 1, tag: 'A' };
const WAIT_B: Step = { do: 'wait', seconds: 1, tag: 'B' };
const EARLY =
  'The testee fails the connection as soon as the text can no longer become valid, within the second pause. ' +
  'To notice it only at the end of the message is non-strict.';
const LEFT = Buffer.concat([hex('8080'), EDITED]);

/** The header of a frame of 21 bytes, its payload in three parts with pauses between them, and an empty last fragment. */
function openFrame(...parts: [Buffer, Buffer, Buffer]): Step[] {
  return [
    { do: 'header', opcode: Opcode.Text, fin: false, length: 21 },
    { do: 'bytes', payload: parts[0] },
    WAIT_A,
    { do: 'bytes', payload: parts[1] },
    WAIT_B,
    { do: 'bytes', payload: parts[2] },
    send.continuation(),
  ];
}

const CUT_LEAD = Buffer.concat([GREEK, hex('f4')]);

const early: Case[] = [
  invalid(
    '6.4.1',
    'Sends an invalid text in three fragments with pauses of one second: valid text, a code point above U+10FFFF, valid text.',
    EARLY,
    [
      send.text(GREEK, { fin: false }),
      WAIT_A,
      send.continuation(TOO_HIGH, { fin: false }),
      WAIT_B,
      send.continuation(EDITED),
    ],
    1,
    true,
  ),
  invalid(
    '6.4.2',
    'The same text; the first cut is behind the first byte of the bad sequence, the second behind its second byte, which makes it invalid.',
    EARLY,
    [
      send.text(CUT_LEAD, { fin: false }),
      WAIT_A,
      send.continuation(hex('90'), { fin: false }),
      WAIT_B,
      send.continuation(LEFT),
    ],
    1,
    true,
  ),
  invalid(
    '6.4.3',
    'The text of 6.4.1 with the pauses inside one frame, which an empty final fragment follows.',
    EARLY,
    openFrame(GREEK, TOO_HIGH, EDITED),
    1,
    true,
  ),
  invalid(
    '6.4.4',
    'The text of 6.4.2 with the pauses inside one frame, which an empty final fragment follows.',
    EARLY,
    openFrame(CUT_LEAD, hex('90'), LEFT),
    1,
    true,
  ),
];

// ---- 6.5 to 6.23 ---------------------------------------------------------------------------------------------------------------

/** The bytes from `from` to `to`, each followed by a space where `spaced`. */
function range(from: number, to: number, spaced: boolean): string {
  const bytes: number[] = [];
  for (let byte = from; byte <= to; byte++) bytes.push(byte, ...(spaced ? [0x20] : []));
  return Buffer.from(bytes).toString('hex');
}

/** Sequences without their last continuation byte: the first of each length of 2 to 6 bytes, then the last of each. */
const INCOMPLETE = ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf'];
const HIGH_SURROGATES = ['eda080', 'edadbf', 'edae80', 'edafbf'];

/** The last two code points of each of the planes 0 to 16, such as U+FFFE and U+FFFF. */
const NON_CHARACTERS = Array.from({ length: 17 }, (_, plane) => plane).flatMap((plane) =>
  [0xfffe, 0xffff].map((low) => Buffer.from(String.fromCodePoint(plane * 0x10000 + low)).toString('hex')),
);
const SPECIALS = Array.from({ length: 7 }, (_, index) =>
  Buffer.from(String.fromCodePoint(0xfff9 + index)).toString('hex'),
);

/** The lengths of the prefixes of the Greek word that are valid: those that end with a character. */
const PREFIX_ENDS = [2, 5, 7, 9, 11];

/** Texts in hexadecimal, by subgroup; a `+` marks a valid one. */
const SEQUENCES: Readonly<Record<string, readonly string[]>> = {
  '6.5': ['hello$world', 'hello¢world', 'hello€world', 'hello\u{24b62}world']
    .map((text) => `+${Buffer.from(text).toString('hex')}`)
    .concat(`+${GREEK.toString('hex')}`),
  '6.6': Array.from({ length: GREEK.length }, (_, index) => {
    const digits = GREEK.subarray(0, index + 1).toString('hex');
    return PREFIX_ENDS.includes(index + 1) ? `+${digits}` : digits;
  }),
  '6.7': ['+00', '+c280', '+e0a080', '+f0908080'],
  '6.8': ['f888808080', 'fc8480808080'],
  '6.9': ['+7f', '+dfbf', '+efbfbf', '+f48fbfbf'],
  '6.10': ['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf'],
  '6.11': ['+ed9fbf', '+ee8080', '+efbfbd', '+f48fbfbf', 'f4908080'],
  '6.12': ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', range(0x80, 0xbe, false)],
  '6.13': [
    range(0xc0, 0xde, true),
    range(0xe0, 0xee, true),
    range(0xf0, 0xf6, true),
    range(0xf8, 0xfa, true),
    range(0xfc, 0xfc, true),
  ],
  '6.14': INCOMPLETE,
  '6.15': [INCOMPLETE.join('')],
  '6.16': ['fe', 'ff', 'fefeffff'],
  '6.17': ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'],
  '6.18': ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'],
  '6.19': ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'],
  '6.20': [...HIGH_SURROGATES, 'edb080', 'edbe80', 'edbfbf'],
  '6.21': HIGH_SURROGATES.flatMap((high) => [`${high}edb080`, `${high}edbfbf`]),
  '6.22': NON_CHARACTERS.map((digits) => `+${digits}`),
  '6.23': SPECIALS.map((digits) => `+${digits}`),
};

const sequences: Case[] = Object.entries(SEQUENCES).flatMap(([subgroup, texts]) =>
  texts.map((text, index) => {
    const good = text.startsWith('+');
    const digits = good ? text.slice(1) : text;
    const bytes = hex(digits);
    const id = `${subgroup}.${index + 1}`;
    const description = `Sends a text message of ${bytes.length} bytes that is ${good ? 'valid' : 'invalid'} UTF-8: ${digits}.`;
    if (!good) return invalid(id, description, INVALID, [message(bytes)], 0.5);
    return answered(id, description, VALID, [message(bytes)], [expect.text(bytes)], failAfter(0.5));
  }),
);

export const UTF8_CASES: readonly Case[] = [...fragmented, ...early, ...sequences];
