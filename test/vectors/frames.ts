// Single frames: every opcode, both roles, every form of the length (RFC 6455 5.2).
import { Violation } from '../../src/spec/violation.js';
import { binary, close, fails, ping, pong, text } from '../support/events.js';
import { type Vector } from './vector.js';

const KEY = '01 02 03 04';

/** What `length` bytes of 'a' look like after masking with KEY, and as text. */
function maskedA(length: number): string {
  return '60 63 62 65 '.repeat(Math.ceil(length / 4)).slice(0, 3 * length);
}

export const FRAMES: Vector[] = [
  { name: 'nothing means nothing', section: '5.2', role: 'client', wire: '', events: [] },
  { name: 'one byte of a header is not judged yet', section: '5.2', role: 'client', wire: 'ff', events: [] },
  {
    name: 'an unmasked text frame (the example of the RFC)',
    section: '5.7',
    role: 'client',
    wire: '81 05 48 65 6c 6c 6f',
    events: [text('Hello')],
  },
  {
    name: 'a masked text frame (the example of the RFC)',
    section: '5.7',
    role: 'server',
    wire: '81 85 37 fa 21 3d 7f 9f 4d 51 58',
    events: [text('Hello')],
  },
  {
    name: 'an unmasked ping (the example of the RFC)',
    section: '5.7',
    role: 'client',
    wire: '89 05 48 65 6c 6c 6f',
    events: [ping('48 65 6c 6c 6f')],
  },
  {
    name: 'a masked pong (the example of the RFC)',
    section: '5.7',
    role: 'server',
    wire: '8a 85 37 fa 21 3d 7f 9f 4d 51 58',
    events: [pong('48 65 6c 6c 6f')],
  },
  {
    name: 'a binary frame',
    section: '5.6',
    role: 'client',
    wire: '82 03 00 80 ff',
    events: [binary('00 80 ff')],
  },
  { name: 'an empty text frame to a client', section: '5.6', role: 'client', wire: '81 00', events: [text('')] },
  { name: 'an empty binary frame to a client', section: '5.6', role: 'client', wire: '82 00', events: [binary('')] },
  {
    name: 'an empty text frame to a server',
    section: '5.6',
    role: 'server',
    wire: `81 80 ${KEY}`,
    events: [text('')],
  },
  {
    name: 'an empty binary frame to a server',
    section: '5.6',
    role: 'server',
    wire: `82 80 ${KEY}`,
    events: [binary('')],
  },
  {
    name: 'an empty masked frame is not whole before its key is',
    section: '5.2',
    role: 'server',
    wire: '81 80 01 02 03',
    events: [],
  },
  {
    name: 'a frame that lacks its last byte',
    section: '5.2',
    role: 'client',
    wire: '82 03 00 80',
    events: [],
  },
  {
    name: 'a 16-bit length that lacks its last byte is not judged yet',
    section: '5.2',
    role: 'client',
    wire: '82 7e 00',
    events: [],
  },
  {
    name: 'a 64-bit length that lacks its last byte is not judged yet',
    section: '5.2',
    role: 'client',
    wire: '82 7f ff ff ff ff ff ff ff',
    events: [],
  },

  // 5.2: reserved opcodes.
  ...[0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf].flatMap((opcode): Vector[] => [
    {
      name: `reserved opcode ${opcode} to a client`,
      section: '5.2',
      role: 'client',
      wire: `8${opcode.toString(16)} 00`,
      events: [fails(Violation.InvalidOpcode)],
    },
    {
      name: `reserved opcode ${opcode} to a server, after a good frame and with more behind it`,
      section: '5.2',
      role: 'server',
      wire: `89 80 ${KEY} 8${opcode.toString(16)} 85 ${KEY} 49 67 6f 68 6e 8a 80 ${KEY}`,
      events: [ping(), fails(Violation.InvalidOpcode)],
    },
  ]),

  // 5.2: the forms of the length, at the borders of each.
  ...[1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 124, 125].flatMap((length): Vector[] => {
    const header = length.toString(16).padStart(2, '0');
    const maskedHeader = (0x80 | length).toString(16);
    return [
      {
        name: `a 7-bit length of ${length} to a client`,
        section: '5.2',
        role: 'client',
        wire: `82 ${header} ` + '61 '.repeat(length),
        events: [binary('61'.repeat(length))],
      },
      {
        name: `a 7-bit length of ${length} to a server`,
        section: '5.2',
        role: 'server',
        wire: `81 ${maskedHeader} ${KEY} ${maskedA(length)}`,
        events: [text('a'.repeat(length))],
      },
    ];
  }),
  ...[126, 127, 128, 255, 256, 65_535].flatMap((length): Vector[] => {
    const extended = length.toString(16).padStart(4, '0');
    return [
      {
        name: `a 16-bit length of ${length} to a client`,
        section: '5.2',
        role: 'client',
        wire: `82 7e ${extended} ` + '61 '.repeat(length) + '8a 00',
        events: [binary('61'.repeat(length)), pong()],
      },
      {
        name: `a 16-bit length of ${length} to a server`,
        section: '5.2',
        role: 'server',
        wire: `81 fe ${extended} ${KEY} ${maskedA(length)} 8a 80 ${KEY}`,
        events: [text('a'.repeat(length)), pong()],
      },
    ];
  }),
  ...[65_536, 65_537].flatMap((length): Vector[] => {
    const extended = length.toString(16).padStart(16, '0');
    return [
      {
        name: `a 64-bit length of ${length} to a client`,
        section: '5.2',
        role: 'client',
        wire: `82 7f ${extended} ` + '61 '.repeat(length) + '8a 00',
        events: [binary('61'.repeat(length)), pong()],
      },
      {
        name: `a 64-bit length of ${length} to a server`,
        section: '5.2',
        role: 'server',
        wire: `81 ff ${extended} ${KEY} ${maskedA(length)} 8a 80 ${KEY}`,
        events: [text('a'.repeat(length)), pong()],
      },
    ];
  }),

  // 5.2: "the minimal number of bytes MUST be used to encode the length".
  ...['00 00', '00 01', '00 7d'].map((extended): Vector => ({
    name: `16 bits for a length that 7 hold: ${extended}`,
    section: '5.2',
    role: 'client',
    wire: `89 00 82 7e ${extended} 61`,
    events: [ping(), fails(Violation.NonMinimalLength)],
  })),
  ...['00 00', '00 01', '00 7d', '00 7e', 'ff ff'].map((low): Vector => ({
    name: `64 bits for a length that 16 hold: ${low}`,
    section: '5.2',
    role: 'server',
    wire: `89 80 ${KEY} 82 ff 00 00 00 00 00 00 ${low} ${KEY}`,
    events: [ping(), fails(Violation.NonMinimalLength)],
  })),

  // 5.2: "the most significant bit MUST be 0"; beyond 2^53 - 1 JavaScript does not count.
  ...[
    '80 00 00 00 00 00 00 00',
    '80 00 00 00 00 00 00 01',
    'ff ff ff ff ff ff ff ff',
    'ff ff ff ff 00 00 00 00',
    '7f ff ff ff ff ff ff ff',
    '00 20 00 00 00 00 00 00',
    '00 20 00 00 00 00 00 01',
    '01 00 00 00 00 00 00 00',
  ].flatMap((length): Vector[] => [
    {
      name: `the length ${length} to a client`,
      section: '5.2',
      role: 'client',
      wire: `82 7f ${length}`,
      events: [fails(Violation.LengthTooLarge)],
    },
    {
      name: `the length ${length} to a server with a limit`,
      section: '5.2',
      role: 'server',
      options: { maxPayload: 1000 },
      wire: `01 81 00 00 00 00 61 80 ff ${length} ${KEY} 00`,
      events: [fails(Violation.LengthTooLarge)],
    },
  ]),
  ...['00 1f ff ff ff ff ff ff', '00 00 00 01 00 00 00 00', '00 00 00 00 80 00 00 00', '00 00 00 00 ff ff ff ff'].map(
    (length): Vector => ({
      name: `the length ${length} is announced, and awaited`,
      section: '5.2',
      role: 'client',
      wire: `82 7f ${length} 61 62 89 00`,
      events: [],
    }),
  ),

  // 5.4, 5.6: several frames in one chunk, in their order.
  {
    name: 'several messages and control frames, one after the other, to a client',
    section: '5.6',
    role: 'client',
    wire: '81 01 61 82 01 ff 89 01 70 81 00 8a 01 71 82 02 00 01 88 02 03 e8',
    events: [text('a'), binary('ff'), ping('70'), text(''), pong('71'), binary('00 01'), close(1000)],
  },
  {
    name: 'several messages and control frames, one after the other, to a server',
    section: '5.6',
    role: 'server',
    wire:
      `81 81 ${KEY} 60 82 81 ${KEY} fe 89 81 ${KEY} 71 81 80 ${KEY} 8a 81 ${KEY} 70 82 82 ${KEY} 01 03 ` +
      '88 82 5b 48 3a 03 58 a0',
    events: [text('a'), binary('ff'), ping('70'), text(''), pong('71'), binary('00 01'), close(1000)],
  },
  {
    name: 'two hundred small messages to a server',
    section: '5.6',
    role: 'server',
    wire: `81 82 ${KEY} 60 63 `.repeat(200),
    events: Array.from({ length: 200 }, () => text('aa')),
  },
  {
    name: 'two hundred empty messages to a client',
    section: '5.6',
    role: 'client',
    wire: '82 00 '.repeat(200),
    events: Array.from({ length: 200 }, () => binary('')),
  },
];
