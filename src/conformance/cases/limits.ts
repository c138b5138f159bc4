// `LIMIT_CASES` are groups 9 and 10: large messages, many fragments, small writes, round trips, automatic fragmentation.

import {
  type Case,
  CLEAN,
  closeAfter,
  expect,
  failAfter,
  hex,
  type Payload,
  payload,
  send,
  type Step,
} from '../case.js';
import { Opcode } from '../wire.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const ECHOED = 'A message of the same type and length comes back in time. Then the examiner closes, cleanly.';

/** The two types of message; a pair of subgroups has one subgroup for each. */
const SORTS = [
  { word: 'text', opcode: Opcode.Text, mixed: Buffer.from('BAsd7&jh23'), plain: Buffer.from('*') },
  { word: 'binary', opcode: Opcode.Binary, mixed: hex('00fe23faf0'), plain: hex('fe') },
] as const;

const SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
/** Time limits in seconds for each of `SIZES`: those of text, then those of binary. */
const SIZE_LIMITS = [
  [10, 10, 100, 100, 100, 100],
  [10, 10, 10, 10, 100, 100],
] as const;
const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const CHOPS = [64, 128, 256, 512, 1024, 2048];
const ROUND_TRIPS = [
  { bytes: 0, seconds: 60 },
  { bytes: 16, seconds: 60 },
  { bytes: 64, seconds: 60 },
  { bytes: 256, seconds: 120 },
  { bytes: 1024, seconds: 240 },
  { bytes: 4096, seconds: 480 },
];
const COUNT = 1000;

function echo(id: string, description: string, step: Step & { do: 'frame' | 'message' }, seconds: number): Case {
  return { id, description, expectation: ECHOED, exam: { kind: 'echo', step, limit: closeAfter(seconds) } };
}

function whole(bytes: number): string {
  return bytes >= MIB ? `${bytes / MIB} MiB` : bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} bytes`;
}

/** The message of a case of 9.3 or 9.4. In 9.4 only the first consists of 0xfe; the others are asterisks, as in 9.3. */
function fragmentedContent(sort: (typeof SORTS)[number], index: number): Payload {
  return payload(index === 0 ? sort.plain : SORTS[0].plain, 4 * MIB);
}

const pairs = <T>(make: (sort: (typeof SORTS)[number], place: 0 | 1) => T[]): T[] => [
  ...make(SORTS[0], 0),
  ...make(SORTS[1], 1),
];

export const LIMIT_CASES: readonly Case[] = [
  ...pairs((sort, place) =>
    SIZES.map((bytes, index) =>
      echo(
        `9.${1 + place}.${index + 1}`,
        `Sends a ${sort.word} message of ${whole(bytes)} in one frame.`,
        send.raw(sort.opcode, payload(sort.mixed, bytes)),
        SIZE_LIMITS[place][index],
      ),
    ),
  ),
  ...pairs((sort, place) =>
    FRAGMENTS.map((fragment, index) =>
      echo(
        `9.${3 + place}.${index + 1}`,
        `Sends a ${sort.word} message of 4 MiB in fragments of ${whole(fragment)}` +
          (fragment === 4 * MIB ? '.' : ' and an empty final one.'),
        { do: 'message', opcode: sort.opcode, payload: fragmentedContent(sort, index), fragment },
        100,
      ),
    ),
  ),
  ...pairs((sort, place) =>
    CHOPS.map((chop, index) =>
      echo(
        `9.${5 + place}.${index + 1}`,
        `Sends a ${sort.word} message of 1 MiB in one frame, written in pieces of ${chop} bytes.`,
        send.raw(sort.opcode, payload(sort.mixed, MIB), { chop }),
        1000,
      ),
    ),
  ),
  ...pairs((sort, place) =>
    ROUND_TRIPS.map(({ bytes, seconds }, index) => ({
      id: `9.${7 + place}.${index + 1}`,
      description: `Sends ${COUNT} ${sort.word} messages of ${bytes} bytes, each when the echo of the one before has come.`,
      expectation: 'Each echo has the same type and length, all in time. Then the examiner closes, cleanly.',
      exam: {
        kind: 'roundTrips' as const,
        opcode: sort.opcode,
        payload: payload(sort.plain, bytes),
        count: COUNT,
        limit: closeAfter(seconds),
      },
    })),
  ),
  {
    id: '10.1.1',
    description: 'Sends a text message of 64 KiB in fragments of 1300 bytes that the examiner cuts by itself.',
    expectation: 'The message comes back, and the examiner has sent one text frame and 50 continuations.',
    exam: {
      kind: 'script',
      steps: [{ do: 'message', opcode: Opcode.Text, payload: payload('*', 64 * KIB), fragment: 1300 }],
      outcomes: [{ behavior: 'OK', events: [expect.text(payload('*', 64 * KIB))], close: CLEAN }],
      limit: failAfter(10),
      ownFrames: { [Opcode.Text]: 1, [Opcode.Continuation]: 50 },
    },
  },
];
