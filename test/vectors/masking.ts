// The masking key: which frames carry one, what keys do, and every place in the key that a byte can meet (RFC 6455 5.1, 5.3).
import { Violation } from '../../src/spec/violation.js';
import { binary, fails, ping, text } from '../support/events.js';
import { type Vector } from './vector.js';

export const MASKING: Vector[] = [
  {
    name: 'the key of four zeros is a key',
    section: '5.3',
    role: 'server',
    wire: '81 85 00 00 00 00 48 65 6c 6c 6f',
    events: [text('Hello')],
  },
  {
    name: 'the key of four 255s turns every bit',
    section: '5.3',
    role: 'server',
    wire: '81 85 ff ff ff ff b7 9a 93 93 90',
    events: [text('Hello')],
  },
  {
    name: 'a key with its top bits set',
    section: '5.3',
    role: 'server',
    wire: '81 8a de ad be ef 10 17 71 63 11 2e 70 53 10 18',
    events: [text('κόσμε')],
  },
  {
    name: 'a key that makes an ASCII text look like anything else',
    section: '5.3',
    role: 'server',
    wire: '81 84 80 c0 ff ed e1 a2 9c 89',
    events: [text('abcd')],
  },
  ...['', '60', '60 60', '60 60 60', '60 60 60 60', '60 60 60 60 64', '60 60 60 60 64 64'].map(
    (payload, length): Vector => ({
      name: `a payload of ${length} ends at place ${length % 4} of the key, and the next frame begins its own`,
      section: '5.3',
      role: 'server',
      wire: `81 8${length} 01 02 03 04 ${payload} 89 82 0a 0b 0c 0d 7b 7a`,
      events: [text('abcdef'.slice(0, length)), ping('71 71')],
    }),
  ),
  {
    name: 'each fragment has its own key',
    section: '5.3',
    role: 'server',
    wire: '01 83 a1 b2 c3 d4 e9 d7 af 80 82 0b ad f0 0d 67 c2',
    events: [text('Hello')],
  },
  {
    name: 'one byte more than a vector of 16',
    section: '5.3',
    role: 'server',
    wire: '82 91 0f 1e 2d 3c 0f 1f 2f 3f 0b 1b 2b 3b 07 17 27 37 03 13 23 33 1f',
    events: [binary('00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10')],
  },
  ...['80 00', '81 00', '82 05', '82 7e', '82 7f', '88 00', '89 00', '8a 7d'].map((header): Vector => ({
    name: `a server refuses the unmasked header ${header}`,
    section: '5.1',
    role: 'server',
    wire: `${header.startsWith('80') ? '01 80 00 00 00 00 ' : ''}${header}`,
    events: [fails(Violation.ExpectedMask)],
  })),
  ...['80 80', '81 80', '82 85', '82 fe', '82 ff', '88 80', '89 80', '8a fd'].map((header): Vector => ({
    name: `a client refuses the masked header ${header}`,
    section: '5.1',
    role: 'client',
    wire: `${header.startsWith('80') ? '01 00 ' : ''}${header}`,
    events: [fails(Violation.UnexpectedMask)],
  })),
  {
    name: 'messages before an unmasked frame are delivered',
    section: '5.1',
    role: 'server',
    wire: '81 81 01 02 03 04 60 81 01 61',
    events: [text('a'), fails(Violation.ExpectedMask)],
  },
];
