// Control frames: their lengths and their wholeness; the Close frame, its codes and its reason (RFC 6455 5.5, 7.4).
import { Violation } from '../../src/spec/violation.js';
import { BAD_CODES, GOOD_CODES } from '../support/close-codes.js';
import { binary, close, fails, ping, pong, text } from '../support/events.js';
import { type Vector } from './vector.js';

const A125 = '61 '.repeat(125);

export const CONTROL: Vector[] = [
  { name: 'an empty ping', section: '5.5.2', role: 'client', wire: '89 00', events: [ping()] },
  {
    name: 'an unsolicited empty pong, masked',
    section: '5.5.3',
    role: 'server',
    wire: '8a 80 93 ff 41 f9',
    events: [pong()],
  },
  {
    name: 'a ping of 125 bytes',
    section: '5.5',
    role: 'client',
    wire: `89 7d ${A125} 82 00`,
    events: [ping(A125), binary('')],
  },
  {
    name: 'a pong of 125 bytes, masked',
    section: '5.5',
    role: 'server',
    wire: '8a fd ff ff ff ff ' + '9e '.repeat(125),
    events: [pong(A125)],
  },
  {
    name: 'the payload of a ping need not be UTF-8',
    section: '5.5.2',
    role: 'client',
    wire: '89 03 ff fe 80',
    events: [ping('ff fe 80')],
  },
  {
    name: 'a ping that is not whole is not reported',
    section: '5.5.2',
    role: 'client',
    wire: '89 03 61 62',
    events: [],
  },
  ...['88', '89', '8a'].flatMap((first) =>
    ['7e', '7f'].map((length): Vector => ({
      name: `a control frame with an extended length, before that length arrives: ${first} ${length}`,
      section: '5.5',
      role: 'client',
      wire: `81 01 61 ${first} ${length}`,
      events: [text('a'), fails(Violation.InvalidControlLength)],
    })),
  ),
  ...['88 fe', '89 fe', '8a ff'].map((header): Vector => ({
    name: `a masked control frame with an extended length: ${header}`,
    section: '5.5',
    role: 'server',
    wire: `${header} 00 7e 00 00 00 00`,
    events: [fails(Violation.InvalidControlLength)],
  })),
  ...['08 00', '09 00', '0a 00', '09 7e', '08 01'].map((header): Vector => ({
    name: `a control frame without FIN: ${header}`,
    section: '5.5',
    role: 'client',
    wire: `${header} 80 00`,
    events: [fails(Violation.ExpectedFin)],
  })),
  {
    name: 'a control frame without FIN inside a message, to a server',
    section: '5.5',
    role: 'server',
    wire: '01 81 00 00 00 00 61 09 80 00 00 00 00',
    events: [fails(Violation.ExpectedFin)],
  },

  // 5.5.1: Close.
  { name: 'a Close without a code', section: '7.1.5', role: 'client', wire: '88 00', events: [close(1005)] },
  {
    name: 'a masked Close without a code',
    section: '7.1.5',
    role: 'server',
    wire: '88 80 0a 0b 0c 0d',
    events: [close(1005)],
  },
  {
    name: 'a masked Close with a code',
    section: '5.5.1',
    role: 'server',
    wire: '88 82 5b 48 3a 03 58 a0',
    events: [close(1000)],
  },
  {
    name: 'a masked Close with a code and a reason',
    section: '5.5.1',
    role: 'server',
    wire: '88 85 0a 0b 0c 0d 09 e3 6e 74 6f',
    events: [close(1000, 'bye')],
  },
  {
    name: 'a Close with a reason of 123 bytes',
    section: '5.5.1',
    role: 'client',
    wire: '88 7d 03 e9 ' + '61 '.repeat(123),
    events: [close(1001, 'a'.repeat(123))],
  },
  {
    name: 'a Close with a reason that is not ASCII',
    section: '5.5.1',
    role: 'client',
    wire: '88 0c 03 e8 ce ba cf 8c cf 83 ce bc ce b5',
    events: [close(1000, 'κόσμε')],
  },
  {
    name: 'a Close that lacks its last byte',
    section: '5.5.1',
    role: 'client',
    wire: '88 05 03 e8 62 79',
    events: [],
  },
  {
    name: 'a Close with half a code, to a client',
    section: '5.5.1',
    role: 'client',
    wire: '88 01 03',
    events: [fails(Violation.InvalidControlLength)],
  },
  {
    name: 'a Close with half a code, to a server, before its payload arrives',
    section: '5.5.1',
    role: 'server',
    wire: '88 81',
    events: [fails(Violation.InvalidControlLength)],
  },
  ...GOOD_CODES.map((code): Vector => ({
    name: `a Close with code ${code}`,
    section: '7.4',
    role: 'client',
    wire: `88 02 ${code.toString(16).padStart(4, '0')}`,
    events: [close(code)],
  })),
  ...BAD_CODES.map((code): Vector => ({
    name: `a Close with code ${code}, which may not be sent`,
    section: '7.4',
    role: 'client',
    wire: `8a 00 88 02 ${code.toString(16).padStart(4, '0')}`,
    events: [pong(), fails(Violation.InvalidCloseCode)],
  })),
  ...['ff', 'c3', 'c3 28', 'ed a0 80', 'f4 90 80 80', '61 62 e2 82'].map((reason): Vector => ({
    name: `a Close whose reason is not UTF-8: ${reason}`,
    section: '8.1',
    role: 'client',
    wire: `88 0${2 + (reason.length + 1) / 3} 03 e8 ${reason}`,
    events: [fails(Violation.InvalidUtf8)],
  })),
  {
    name: 'a bad code is noticed before a bad reason',
    section: '7.4',
    role: 'client',
    wire: '88 03 03 ed ff',
    events: [fails(Violation.InvalidCloseCode)],
  },
  {
    name: 'a reason that is not UTF-8, where UTF-8 is not checked',
    section: '8.1',
    role: 'client',
    options: { skipUtf8: true },
    wire: '88 03 03 e8 ff',
    events: [{ type: 'close', code: 1000, reason: 'ff' }],
  },

  // 5.5.1: after a Close nothing more is read.
  {
    name: 'a message after a Close',
    section: '5.5.1',
    role: 'client',
    wire: '81 01 61 88 02 03 e8 81 01 62',
    events: [text('a'), close(1000)],
  },
  {
    name: 'a ping after a Close without a code',
    section: '5.5.1',
    role: 'server',
    wire: '88 80 00 00 00 00 89 80 00 00 00 00',
    events: [close(1005)],
  },
  {
    name: 'a second Close',
    section: '5.5.1',
    role: 'client',
    wire: '88 02 03 e8 88 02 03 e9',
    events: [close(1000)],
  },
  {
    name: 'rubbish after a Close',
    section: '5.5.1',
    role: 'client',
    wire: '88 02 03 e8 ff ff ff ff ff ff ff ff',
    events: [close(1000)],
  },
  {
    name: 'rubbish after a violation',
    section: '7.1.7',
    role: 'client',
    wire: '83 00 81 01 61 88 02 03 e8 ff ff',
    events: [fails(Violation.InvalidOpcode)],
  },
  {
    name: 'a Close after a Close that was refused',
    section: '7.1.7',
    role: 'client',
    wire: '88 02 03 ed 88 02 03 e8',
    events: [fails(Violation.InvalidCloseCode)],
  },
];
