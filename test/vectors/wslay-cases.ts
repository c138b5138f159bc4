// The cases of wslay's own tests, written anew from its manual: 24 of the frame level and 24 of the event level, whose sending ones
// are played twice there, for the socket and for the caller's memory, and here by each way to take output.
import { Opcode, RSV1, FIN } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import type { Connection, ConnectionOptions } from '../../src/connection/connection.js';
import type { FragmentSource } from '../../src/connection/outbound.js';
import { octets } from '../support/events.js';

interface Case {
  /** A sentence; unique in its table. */
  readonly name: string;
  /** Where the rule stands: a section of RFC 6455. */
  readonly section: string;
  readonly role: 'client' | 'server';
}

/** Frames that come: each as FIN, RSV bits, opcode and payload in hex, and the violation at the end, if any. */
export interface FramesIn extends Case {
  readonly rsv?: number;
  readonly wire: string;
  readonly frames: readonly (readonly [fin: boolean, rsv: number, opcode: Opcode, payload: string])[];
  readonly violation?: Violation;
}

/** Frames that go out: first byte and payload of each, and the wire; or no wire where the last is refused. */
export interface FramesOut extends Case {
  readonly frames: readonly (readonly [first: number, payload: string])[];
  readonly wire: string | undefined;
}

/** One thing that is done with a connection, and the state that must be seen after it. */
export type Step =
  /** Bytes come, and mean these events, as `playStep` writes them. */
  | { readonly receive: string; readonly tells: readonly string[] }
  /** A call, and the name of the error that it throws, if any. */
  | { readonly act: (connection: Connection) => unknown; readonly throws?: string }
  /** All that is to be written. */
  | { readonly output: string }
  /** Properties of the connection. */
  | { readonly has: Partial<Connection> };

export interface EventCase extends Case {
  readonly options?: Partial<ConnectionOptions>;
  readonly steps: readonly Step[];
}

/** The masking key of every masked frame here. */
export const KEY = '37 fa 21 3d';

export const FRAMES_IN: readonly FramesIn[] = [
  {
    name: 'a masked text comes unmasked',
    section: '5.3',
    role: 'server',
    wire: `81 85 ${KEY} 7f 9f 4d 51 58`,
    frames: [[true, 0, Opcode.Text, '48656c6c6f']],
  },
  {
    name: 'a text that is not masked comes as it is',
    section: '5.7',
    role: 'client',
    wire: '81 05 48656c6c6f',
    frames: [[true, 0, Opcode.Text, '48656c6c6f']],
  },
  {
    name: 'fragments come one by one',
    section: '5.4',
    role: 'client',
    wire: '01 03 48656c 80 02 6c6f',
    frames: [
      [false, 0, Opcode.Text, '48656c'],
      [true, 0, Opcode.Continuation, '6c6f'],
    ],
  },
  {
    name: 'a ping comes between fragments',
    section: '5.4',
    role: 'client',
    wire: '01 03 48656c 89 05 48656c6c6f 80 02 6c6f',
    frames: [
      [false, 0, Opcode.Text, '48656c'],
      [true, 0, Opcode.Ping, '48656c6c6f'],
      [true, 0, Opcode.Continuation, '6c6f'],
    ],
  },
  {
    name: 'RSV bits that are claimed come with their frame',
    section: '5.2',
    role: 'client',
    rsv: RSV1,
    wire: 'c2 01 00',
    frames: [[true, RSV1, Opcode.Binary, '00']],
  },
  {
    name: 'a frame without a payload',
    section: '5.2',
    role: 'client',
    wire: '81 00 82 00',
    frames: [
      [true, 0, Opcode.Text, ''],
      [true, 0, Opcode.Binary, ''],
    ],
  },
  {
    name: 'a length of 64 bits whose highest is set',
    section: '5.2',
    role: 'client',
    wire: '82 7f ff ff ff ff ff ff ff ff',
    frames: [],
    violation: Violation.LengthTooLarge,
  },
  {
    name: 'a length past 2^53 - 1, which wslay takes',
    section: '5.2',
    role: 'client',
    wire: '82 7f 00 20 00 00 00 00 00 00',
    frames: [],
    violation: Violation.LengthTooLarge,
  },
  {
    name: 'a ping of 126 bytes',
    section: '5.5',
    role: 'client',
    wire: '89 7e 00 7e',
    frames: [],
    violation: Violation.InvalidControlLength,
  },
  {
    name: '125 bytes told in 16 bits',
    section: '5.2',
    role: 'client',
    wire: '82 7e 00 7d',
    frames: [],
    violation: Violation.NonMinimalLength,
  },
  {
    name: '65,535 bytes told in 64 bits',
    section: '5.2',
    role: 'client',
    wire: '82 7f 00 00 00 00 00 00 ff ff',
    frames: [],
    violation: Violation.NonMinimalLength,
  },
];

export const FRAMES_OUT: readonly FramesOut[] = [
  {
    name: 'a text goes out in one frame',
    section: '5.7',
    role: 'server',
    frames: [[FIN | Opcode.Text, '48656c6c6f']],
    wire: '81 05 48656c6c6f',
  },
  {
    name: 'fragments go out one by one',
    section: '5.4',
    role: 'server',
    frames: [
      [Opcode.Text, '48656c'],
      [FIN | Opcode.Continuation, '6c6f'],
    ],
    wire: '01 03 48656c 80 02 6c6f',
  },
  {
    name: 'a ping goes out between fragments',
    section: '5.4',
    role: 'server',
    frames: [
      [Opcode.Text, '48656c'],
      [FIN | Opcode.Ping, '48656c6c6f'],
      [FIN | Opcode.Continuation, '6c6f'],
    ],
    wire: '01 03 48656c 89 05 48656c6c6f 80 02 6c6f',
  },
  {
    name: 'one byte goes out masked',
    section: '5.3',
    role: 'client',
    frames: [[FIN | Opcode.Text, '48']],
    wire: `81 81 ${KEY} 7f`,
  },
  {
    name: 'a frame goes out without a payload',
    section: '5.2',
    role: 'server',
    frames: [[FIN | Opcode.Text, '']],
    wire: '81 00',
  },
  {
    name: 'RSV bits go out as they are given',
    section: '5.2',
    role: 'server',
    frames: [[FIN | RSV1 | Opcode.Binary, '00']],
    wire: 'c2 01 00',
  },
  {
    name: 'a ping of 126 bytes is refused',
    section: '5.5',
    role: 'server',
    frames: [[FIN | Opcode.Ping, '00'.repeat(126)]],
    wire: undefined,
  },
  {
    name: 'a ping without FIN is refused, which wslay writes',
    section: '5.5',
    role: 'server',
    frames: [[Opcode.Ping, '']],
    wire: undefined,
  },
];

/** A source that gives these fragments, the last of them as the end. */
function source(...fragments: string[]): FragmentSource {
  let at = 0;
  return {
    pull() {
      const data = octets(fragments[at++]);
      return { data, last: at === fragments.length };
    },
  };
}

/** Connections whose source has its end ready. */
const ready = new WeakSet<Connection>();

/** A source that gives `first`, and `last` once its connection is `ready`. */
function inTwo(it: Connection, first: string, last: string): FragmentSource {
  const whole = source(first, last);
  let isBegun = false;
  return {
    pull() {
      if (isBegun && !ready.has(it)) return undefined;
      isBegun = true;
      return whole.pull();
    },
  };
}

const refused = (act: (connection: Connection) => unknown, name = 'UsageError'): Step => ({ act, throws: name });

export const EVENTS: readonly EventCase[] = [
  {
    name: 'a message goes out in fragments',
    section: '5.4',
    role: 'server',
    steps: [
      { act: (it) => it.sendFrom(source('48656c6c6f', '776f726c64', '21'), { binary: false }) },
      { output: '01 05 48656c6c6f 00 05 776f726c64 80 01 21' },
      { has: { queuedMessages: 0, wantsWrite: false } },
    ],
  },
  {
    name: 'the end of a message in fragments may be empty',
    section: '5.4',
    role: 'server',
    steps: [
      { act: (it) => it.sendFrom(source('48656c6c6f', ''), { binary: false }) },
      { output: '01 05 48656c6c6f 80 00' },
      { act: (it) => it.sendFrom(source('')) },
      { output: '82 00' },
    ],
  },
  {
    name: 'a ping passes between the fragments of a message',
    section: '5.4',
    role: 'server',
    steps: [
      { act: (it) => it.sendFrom(inTwo(it, '48656c', '6c6f'), { binary: false }) },
      { output: '01 03 48656c' },
      { act: (it) => it.ping('ping') },
      { has: { queuedMessages: 1, wantsWrite: true } },
      { output: '89 04 70696e67' },
      { act: (it) => ready.add(it) },
      { output: '80 02 6c6f' },
    ],
  },
  {
    name: 'a message in fragments has RSV1 on its first frame',
    section: '5.2',
    role: 'server',
    steps: [
      { act: (it) => it.sendFrom(source('01', '02'), { rsv: RSV1 }) },
      { output: '42 01 01 80 01 02' },
      refused((it) => it.sendFrom(source('01'), { rsv: FIN })),
      { output: '' },
    ],
  },
  {
    name: 'a message has RSV1',
    section: '5.2',
    role: 'server',
    steps: [{ act: (it) => it.sendFrames(octets('c1 02 4869')) }, { output: 'c1 02 4869' }],
  },
  {
    name: 'control frames go before a message that has not begun',
    section: '5.4',
    role: 'server',
    steps: [
      { act: (it) => it.sendFrom(source('48656c6c6f'), { binary: false }) },
      { act: (it) => it.ping() },
      { output: '89 00 81 05 48656c6c6f' },
    ],
  },
  {
    name: 'messages that are encoded stay before control frames, which wslay puts first',
    section: '5.4',
    role: 'server',
    steps: [{ act: (it) => it.send('Hi') }, { act: (it) => it.ping() }, { output: '81 02 4869 89 00' }],
  },
  {
    name: 'a Close has code and reason',
    section: '5.5.1',
    role: 'server',
    steps: [
      { has: { closeQueued: undefined, closeSent: undefined } },
      { act: (it) => it.close(1000, 'H') },
      { has: { closeQueued: 1000, closeSent: undefined, wantsWrite: true } },
      { output: '88 03 03e8 48' },
      { has: { closeSent: 1000, wantsWrite: false, wantsRead: true } },
    ],
  },
  {
    name: 'a Close has no code',
    section: '5.5.1',
    role: 'server',
    steps: [{ act: (it) => it.close() }, { output: '88 00' }, { has: { closeSent: 1005 } }],
  },
  {
    name: 'a Close without a code comes, and is answered so',
    section: '7.1.5',
    role: 'server',
    steps: [
      { has: { closeReceived: undefined, closeCode: 1006 } },
      { receive: `88 80 ${KEY}`, tells: ['close 1005'] },
      { has: { closeCode: 1005, wantsRead: false } },
      { output: '88 00' },
      { has: { closeSent: 1005, shouldEnd: true } },
    ],
  },
  {
    name: 'a Close comes, and is answered by its code',
    section: '5.5.1',
    role: 'server',
    steps: [
      { receive: '88 83 00000000 03e8 48', tells: ['close 1000 48'] },
      { has: { closeCode: 1000, closeQueued: 1000, closeSent: undefined, wantsRead: false } },
      { output: '88 03 03e8 48' },
      { has: { closeSent: 1000, shouldEnd: true, wantsWrite: false } },
      { receive: '81 80 00000000', tells: [] },
    ],
  },
  {
    name: 'nothing is sent behind a Close',
    section: '5.5.1',
    role: 'server',
    steps: [
      { act: (it) => it.close(1000) },
      refused((it) => it.send('more')),
      refused((it) => it.ping()),
      refused((it) => it.sendFrom(source('01'))),
      refused((it) => it.sendFrames(octets('82 00'))),
      { act: (it) => it.close(1001) },
      { output: '88 02 03e8' },
    ],
  },
  {
    name: 'an error of the source of masking keys comes before anything is written',
    section: '5.3',
    role: 'client',
    options: {
      generateMask() {
        throw new RangeError('no entropy');
      },
    },
    steps: [
      refused((it) => it.send('x'), 'RangeError'),
      refused((it) => it.ping(), 'RangeError'),
      { has: { outputLength: 0, wantsWrite: false } },
      { output: '' },
    ],
  },
  {
    name: 'without buffering a message comes in parts, and control frames whole',
    section: '5.4',
    role: 'server',
    options: { parts: true },
    steps: [
      { receive: '01 83 00000000 4865', tells: ['part text 4865 first'] },
      { receive: '6c', tells: ['part text 6c'] },
      { receive: '89 82 00000000 01', tells: [] },
      { receive: '02', tells: ['ping 0102'] },
      { receive: '80 82 00000000 6c6f', tells: ['part text 6c6f last'] },
      { receive: '88 82 00000000 03e8', tells: ['close 1000'] },
      { output: '8a 02 0102 88 02 03e8' },
    ],
  },
  {
    name: 'RSV1 fails the connection where nothing claims it',
    section: '5.2',
    role: 'server',
    steps: [
      { receive: 'c1 80 00000000', tells: ['failure 1002'] },
      { has: { wantsRead: false, closeQueued: 1002 } },
      { output: '88 02 03ea' },
      { has: { shouldEnd: true } },
    ],
  },
  {
    name: 'RSV1 comes with its message where it is claimed',
    section: '5.2',
    role: 'server',
    options: { rsv: RSV1 },
    steps: [
      { receive: 'c1 82 00000000 4869', tells: ['text 4869'] },
      { has: { rsv: RSV1 } },
      { receive: '81 80 00000000', tells: ['text'] },
      { has: { rsv: 0 } },
    ],
  },
  {
    name: 'RSV1 fails on a continuation and on a control frame, though it is claimed',
    section: '5.2',
    role: 'server',
    options: { rsv: RSV1 },
    steps: [
      { receive: '41 81 00000000 48', tells: [] },
      { receive: 'c0 80 00000000', tells: ['failure 1002'] },
    ],
  },
  {
    name: 'a ping with RSV1 fails, though it is claimed',
    section: '5.2',
    role: 'server',
    options: { rsv: RSV1 },
    steps: [{ receive: 'c9 80 00000000', tells: ['failure 1002'] }],
  },
  {
    name: 'a frame that is too long fails with 1009 by its header',
    section: '7.4.1',
    role: 'server',
    options: { maxPayload: 1024 },
    steps: [
      { receive: '81 fe 04', tells: [] },
      { receive: '01', tells: ['failure 1009'] },
      { has: { wantsRead: false, closeQueued: 1009 } },
      { output: '88 02 03f1' },
    ],
  },
  {
    name: 'a message that is too long fails with 1009 by the header of its fragment',
    section: '7.4.1',
    role: 'server',
    options: { maxPayload: 4 },
    steps: [
      { receive: '01 84 00000000 48656c6c', tells: [] },
      { receive: '80 81 00000000', tells: ['failure 1009'] },
      { output: '88 02 03f1' },
    ],
  },
  {
    name: 'a limit for each frame leaves messages longer, as without buffering',
    section: '7.4.1',
    role: 'server',
    options: { maxFramePayload: 4, maxPayload: 0, parts: true },
    steps: [
      { receive: '02 84 00000000 01020304', tells: ['part binary 01020304 first'] },
      { receive: '00 84 00000000 01020304', tells: ['part binary 01020304'] },
      { receive: '80 85 00000000 01', tells: ['failure 1009'] },
    ],
  },
  {
    name: 'reading ends, and a Close can still be sent',
    section: '7.1.7',
    role: 'server',
    steps: [
      { act: (it) => it.stopReading() },
      { has: { wantsRead: false } },
      { receive: '81 80 00000000', tells: [] },
      { act: (it) => it.close(1008) },
      { output: '88 02 03f0' },
    ],
  },
  {
    name: 'writing ends, and only a Close that was queued goes out',
    section: '7.1.7',
    role: 'server',
    steps: [
      { act: (it) => it.send('dropped') },
      { act: (it) => it.close(1001) },
      { act: (it) => it.stopWriting() },
      { output: '88 02 03e9' },
      { has: { wantsWrite: false } },
    ],
  },
];
