// Text and UTF-8: what is valid, what is not, and when that is noticed (RFC 6455 5.6, 8.1; RFC 3629).
import { Violation } from '../../src/spec/violation.js';
import { fails, ping, text, textOctets } from '../support/events.js';
import { type Vector } from './vector.js';

/** The length byte of a payload given in spaced hex, fewer than 126 bytes long. */
function lengthOf(payload: string): string {
  return ((payload.length + 1) / 3).toString(16).padStart(2, '0');
}

const VALID: [string, string][] = [
  ['the Greek word kosme', 'ce ba cf 8c cf 83 ce bc ce b5'],
  ['the lowest character of two bytes', 'c2 80'],
  ['the highest character of two bytes', 'df bf'],
  ['the lowest character of three bytes', 'e0 a0 80'],
  ['the euro sign', 'e2 82 ac'],
  ['the last character before the surrogates', 'ed 9f bf'],
  ['the first character after the surrogates', 'ee 80 80'],
  ['the highest character of three bytes, a noncharacter', 'ef bf bf'],
  ['the byte order mark', 'ef bb bf'],
  ['the byte order mark before text', 'ef bb bf 61'],
  ['the replacement character', 'ef bf bd'],
  ['the lowest character of four bytes', 'f0 90 80 80'],
  ['a face', 'f0 9f 98 80'],
  ['the highest character of all', 'f4 8f bf bf'],
  ['the null character', '00'],
  ['the highest character of one byte', '7f'],
  ['characters of every length', '61 c3 a9 e2 82 ac f0 9f 98 80 7a'],
  ['a character that crosses byte 16', '61 '.repeat(15) + 'e2 82 ac'],
  ['a character that crosses byte 64', '61 '.repeat(62) + 'f0 9f 98 80'],
  ['a character just before byte 16', '61 '.repeat(12) + 'f0 9f 98 80 61'],
];

/** The bytes, and those of them that are already enough to know that it is not UTF-8. */
const INVALID: [string, string][] = [
  ['a continuation byte alone', '80'],
  ['the highest continuation byte alone', 'bf'],
  ['a continuation byte after a whole character', 'c3 a9 80'],
  ['two bytes for the null character', 'c0'],
  ['two bytes for a character of one', 'c1'],
  ['three bytes for a character of two, at the lowest', 'e0 80'],
  ['three bytes for a character of two, at the highest', 'e0 9f'],
  ['four bytes for a character of three, at the lowest', 'f0 80'],
  ['four bytes for a character of three, at the highest', 'f0 8f'],
  ['the lowest surrogate', 'ed a0'],
  ['the highest surrogate', 'ed bf'],
  ['a character above 10FFFF', 'f4 90'],
  ['a character far above 10FFFF', 'f5'],
  ['the first byte of a sequence of five', 'f8'],
  ['the first byte of a sequence of six', 'fc'],
  ['byte FE', 'fe'],
  ['byte FF', 'ff'],
  ['a character of two bytes that is broken off by ASCII', 'c3 28'],
  ['a character of three bytes that is broken off by ASCII', 'e2 82 28'],
  ['a character of three bytes that is broken off by another', 'e2 e2'],
  ['a character of four bytes that is broken off at its second', 'f0 28'],
  ['a character of four bytes that is broken off at its third', 'f0 9f 28'],
  ['a character of four bytes that is broken off at its last', 'f0 9f 98 c0'],
  ['a byte FF after fifteen good ones', '61 '.repeat(15) + 'ff'],
  ['a byte FF after sixteen good ones', '61 '.repeat(16) + 'ff'],
  ['a byte FF after sixty-four good ones', '61 '.repeat(64) + 'ff'],
  ['a byte 80 after characters of three', 'e2 82 ac '.repeat(20) + '80'],
];

const TRUNCATED: [string, string][] = [
  ['one of two bytes', 'c3'],
  ['one of three bytes', 'e2'],
  ['two of three bytes', 'e2 82'],
  ['one of four bytes', 'f0'],
  ['two of four bytes', 'f0 9f'],
  ['three of four bytes', 'f0 9f 98'],
  ['sixteen bytes and one of two', '61 '.repeat(16) + 'c3'],
  ['sixty-one bytes and three of four', '61 '.repeat(61) + 'f0 9f 98'],
];

export const UTF8: Vector[] = [
  ...VALID.map(([name, payload]): Vector => ({
    name: `valid text: ${name}`,
    section: '5.6',
    role: 'client',
    wire: `81 ${lengthOf(payload)} ${payload}`,
    events: [textOctets(payload)],
  })),
  ...VALID.map(([name, payload]): Vector => ({
    name: `valid text in fragments of one byte: ${name}`,
    section: '5.6',
    role: 'client',
    wire: `01 00 00 01 ${payload.replaceAll(' ', ' 00 01 ')} 80 00`,
    events: [textOctets(payload)],
  })),
  {
    name: 'valid text, masked',
    section: '5.6',
    role: 'server',
    wire: '81 84 01 02 03 04 60 e0 81 a8',
    events: [text('a€')],
  },
  {
    name: 'valid text split inside a character, with a ping at the split',
    section: '5.6',
    role: 'server',
    wire: '01 82 01 02 03 04 60 e0  89 80 01 02 03 04  80 82 00 00 00 00 82 ac',
    events: [ping(), text('a€')],
  },
  {
    name: 'a thousand characters of three bytes',
    section: '5.6',
    role: 'client',
    wire: '81 7e 0b b8 ' + 'e2 82 ac '.repeat(1000),
    events: [text('€'.repeat(1000))],
  },
  ...INVALID.map(([name, payload]): Vector => ({
    name: `not UTF-8: ${name}`,
    section: '8.1',
    role: 'client',
    wire: `81 01 61 81 ${lengthOf(payload)} ${payload} 89 00`,
    events: [text('a'), fails(Violation.InvalidUtf8)],
  })),
  ...INVALID.map(([name, payload]): Vector => ({
    name: `not UTF-8, inside an unfinished frame of an unfinished message: ${name}`,
    section: '8.1',
    role: 'client',
    wire: `01 7e 01 00 ${payload}`,
    events: [fails(Violation.InvalidUtf8)],
  })),
  ...INVALID.map(([name, payload]): Vector => ({
    name: `not UTF-8, in fragments of one byte: ${name}`,
    section: '8.1',
    role: 'client',
    wire: `01 00 89 00 00 01 ${payload.replaceAll(' ', ' 00 01 ')}`,
    events: [ping(), fails(Violation.InvalidUtf8)],
  })),
  ...TRUNCATED.map(([name, payload]): Vector => ({
    name: `a message that ends inside a character: ${name}`,
    section: '8.1',
    role: 'client',
    wire: `81 ${lengthOf(payload)} ${payload} 89 00`,
    events: [fails(Violation.InvalidUtf8)],
  })),
  ...TRUNCATED.map(([name, payload]): Vector => ({
    name: `a fragment that ends inside a character may be gone on with: ${name}`,
    section: '8.1',
    role: 'client',
    wire: `01 ${lengthOf(payload)} ${payload} 89 00`,
    events: [ping()],
  })),
  ...TRUNCATED.map(([name, payload]): Vector => ({
    name: `an empty last fragment ends inside a character: ${name}`,
    section: '8.1',
    role: 'client',
    wire: `01 ${lengthOf(payload)} ${payload} 00 00 80 00`,
    events: [fails(Violation.InvalidUtf8)],
  })),
  {
    name: 'not UTF-8, masked',
    section: '8.1',
    role: 'server',
    wire: '81 86 de ad be ef 96 c8 d2 83 b1 2d',
    events: [fails(Violation.InvalidUtf8)],
  },
  {
    name: 'not UTF-8, masked so that it looks like ASCII',
    section: '8.1',
    role: 'server',
    wire: '81 84 ff ff ff ff 61 62 63 64',
    events: [fails(Violation.InvalidUtf8)],
  },
  ...['81 fe 01 00', '81 ff 00 00 00 00 00 01 00 00', '01 ff 00 1f ff ff ff ff ff ff'].flatMap((header): Vector[] => [
    {
      name: `text behind a long masked header, not whole yet: ${header}`,
      section: '8.1',
      role: 'server',
      wire: `${header} 01 02 03 04 60 63 62 65 c2`,
      events: [],
    },
    {
      name: `not UTF-8 behind a long masked header: ${header}`,
      section: '8.1',
      role: 'server',
      wire: `${header} 01 02 03 04 60 63 62 65 c2 63`,
      events: [fails(Violation.InvalidUtf8)],
    },
  ]),
  {
    name: 'a character of one message does not go on in the next',
    section: '8.1',
    role: 'client',
    wire: '01 01 e2 80 02 82 ac 81 02 82 ac',
    events: [text('€'), fails(Violation.InvalidUtf8)],
  },
  {
    name: 'binary messages are not checked',
    section: '5.6',
    role: 'client',
    wire: '82 02 ff fe 02 01 c3 80 01 28',
    events: [
      { type: 'message', text: false, compressed: false, data: 'fffe' },
      { type: 'message', text: false, compressed: false, data: 'c328' },
    ],
  },
  {
    name: 'a binary fragment in front does not hide the text after it',
    section: '5.6',
    role: 'client',
    wire: '02 01 ff 80 01 fe 01 01 61 80 01 ff',
    events: [{ type: 'message', text: false, compressed: false, data: 'fffe' }, fails(Violation.InvalidUtf8)],
  },
  {
    name: 'text that is not UTF-8, where UTF-8 is not checked',
    section: '8.1',
    role: 'client',
    options: { skipUtf8: true },
    wire: '81 02 c3 28 01 01 ff 80 01 c3',
    events: [textOctets('c3 28'), textOctets('ff c3')],
  },
];
