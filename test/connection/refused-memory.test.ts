// Memory that the platform refuses, and strings that it cannot make, fail one connection: wherever it is, nothing is thrown.
import { describe, expect, test, vi } from 'vitest';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import { State } from '../../src/connection/state.js';
import { Role } from '../../src/spec/frame.js';
import { plainValues, type Values } from '../../src/values/values.js';
import { KERNELS } from '../support/our-decoders.js';
import { decodeFrames, encodeFrame } from '../support/raw-peer.js';

const refuse = (): never => {
  throw new RangeError('Array buffer allocation failed');
};
const DOORS = ['receive', 'receiveOwned', 'receiveLanded'] as const;

const message = (payload: string): Buffer => encodeFrame({ opcode: 2, payload });
const text = (payload: string): Buffer => encodeFrame({ opcode: 1, payload });
const compressed = Buffer.concat([Buffer.from([0xc2, 3]), Buffer.from('abc')]);

describe.each(KERNELS)('refused memory on $name', (kernels) => {
  /** A connection that is refused the allocation of this number, counted from 0, and all after it. */
  function refusedFrom(first: number, options: Partial<ConnectionOptions> = {}) {
    let count = -Infinity;
    const allocate = (length: number): Uint8Array => (count++ >= first ? refuse() : plainValues.allocate(length));
    const values: Values = { ...plainValues, allocate };
    const connection = new Connection({ role: Role.Client, kernels, values, ...options });
    count = 0;
    return { connection, counted: () => count };
  }

  function give(connection: Connection, door: (typeof DOORS)[number], chunk: Uint8Array): void {
    if (door !== 'receiveLanded') connection[door](Uint8Array.from(chunk));
    else {
      kernels.bytes.set(chunk, kernels.landingAddress);
      connection.receiveLanded(chunk.length);
    }
  }

  test('7.4.1 a whole message without memory fails the connection by way of next, too', () => {
    for (const chunk of [message('x'.repeat(100)), text('x'.repeat(100)), text('é'.repeat(200))]) {
      const { connection } = refusedFrom(0);
      connection.receive(chunk);
      const event = connection.next();
      expect(event?.type).toBe(EventType.Failure);
      expect(connection.failure?.code).toBeDefined();
    }
  });

  test('10.4 memory that the engine refuses for what waits, or for the state between chunks, fails the connection', () => {
    const half = message('0123456789').subarray(0, 7);
    for (const door of DOORS) {
      const { connection } = refusedFrom(Infinity);
      const refusing = vi.spyOn(Int32Array.prototype, 'slice').mockImplementation(refuse);
      give(connection, door, half);
      refusing.mockRestore();
      expect(drain(connection).at(-1)).toBe(1011);
    }
    const { connection } = refusedFrom(Infinity);
    connection.receive(message('first'));
    const second = message('second');
    vi.stubGlobal('Uint8Array', refuse);
    try {
      connection.receive(second);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(drain(connection).at(-1)).toBe(1011);
  });

  /** Takes all events; their types, and the close code of a failure. */
  function drain(connection: Connection): (string | number)[] {
    const seen: (string | number)[] = [];
    for (;;) {
      const plain = connection.nextPlain();
      if (plain !== undefined) seen.push('Message');
      else {
        const event = connection.next();
        if (event === undefined) return seen;
        seen.push(event.type === EventType.Failure ? event.error.closeCode : EventType[event.type]);
      }
    }
  }

  const CASES: { name: string; chunks: Uint8Array[]; options?: Partial<ConnectionOptions> }[] = [
    { name: 'a message alone', chunks: [message('abc')] },
    { name: 'messages of one chunk', chunks: [Buffer.concat([message('abc'), message('def'), message('ghi')])] },
    { name: 'a message of many chunks', chunks: [...message('abcdefgh'.repeat(20))].map((byte) => Buffer.of(byte)) },
    {
      name: 'a message of many fragments',
      chunks: Array.from({ length: 9 }, (_, at) =>
        encodeFrame({ opcode: at === 0 ? 2 : 0, fin: at === 8, payload: 'x'.repeat(100) }),
      ),
    },
    { name: 'parts', chunks: [Buffer.concat([message('abc'), message('def')])], options: { parts: true } },
    {
      name: 'a ping in pieces',
      chunks: [...encodeFrame({ opcode: 9, payload: 'abc' })].map((byte) => Buffer.of(byte)),
    },
    { name: 'a ping', chunks: [encodeFrame({ opcode: 9, payload: 'abc' })], options: { autoPong: false } },
    { name: 'a Close', chunks: [encodeFrame({ opcode: 8, payload: Buffer.from('\x03\xe8bye', 'latin1') })] },
    {
      name: 'a compressed message',
      chunks: [compressed],
      options: { inflater: { inflate: (payload) => Uint8Array.from(payload), close() {} } },
    },
  ];

  test.each(CASES)(
    '7.4.1 $name: fails with 1009 or 1011, once, whichever allocation is refused',
    ({ chunks, options }) => {
      for (const door of DOORS) {
        for (const detaches of [false, true]) {
          for (let first = 0; ; first++) {
            const { connection, counted } = refusedFrom(first, options);
            const seen: (string | number)[] = [];
            for (const chunk of chunks) {
              give(connection, door, chunk);
              if (detaches) connection.detach();
              seen.push(...drain(connection));
            }
            if (counted() <= first) break;
            const failures = seen.filter((event) => typeof event === 'number');
            if (connection.closeReceived === undefined) {
              expect(failures.length, `${door}, allocation ${first}`).toBe(1);
              expect([1009, 1011]).toContain(failures[0]);
              expect(seen.at(-1)).toBe(failures[0]);
              expect([connection.state, connection.wantsRead]).toEqual([State.Closed, false]);
            }
            // Nothing more is told, and nothing throws.
            give(connection, door, message('more'));
            expect(drain(connection)).toEqual([]);
          }
        }
      }
    },
  );

  test('7.4.1 another connection reads on when one has no memory to leave with', () => {
    const { connection: poor } = refusedFrom(0);
    const other = new Connection({ role: Role.Client, kernels });
    poor.receive(Buffer.concat([message('abc'), message('def')]));
    other.receive(message('ghi'));
    expect(drain(other)).toEqual(['Message']);
    expect(drain(poor)).toEqual([1011]);
    expect(poor.failure).toMatchObject({ code: 'WS_ERR_INTERNAL' });
  });

  test('7.4.1 an inflater that has no memory fails with 1011', () => {
    const inflater = { inflate: refuse, close() {} };
    const connection = new Connection({ role: Role.Client, kernels, inflater });
    connection.receive(compressed);
    expect(drain(connection)).toEqual([1011]);
    expect(connection.failure).toMatchObject({ cause: { message: 'Array buffer allocation failed' } });
  });

  test('7.4.1 a message that its user has no memory for fails with 1009, after which nothing is told', () => {
    const connection = new Connection({ role: Role.Client, kernels });
    connection.receive(Buffer.concat([message('abc'), message('def')]));
    expect(connection.next()?.type).toBe(EventType.Message);
    connection.refuseMessage();
    connection.refuseMessage();
    expect(drain(connection)).toEqual([1009]);
    const [close] = decodeFrames(Buffer.concat(connection.takeOutput()));
    expect([close.opcode, connection.closeSent, connection.wantsRead]).toEqual([8, 1009, false]);
  });

  describe('text that is longer than a string can be', () => {
    /** Values whose strings are at most three units long. */
    const short: Values = {
      ...plainValues,
      text: (source, start, end, ascii) => (end - start > 3 ? refuse() : plainValues.text(source, start, end, ascii)),
    };
    const inflater = { inflate: (payload: Uint8Array) => Buffer.concat([payload, payload]), close() {} };

    test.each([
      ['whole', [text('abcd')]],
      [
        'in fragments',
        [encodeFrame({ opcode: 1, fin: false, payload: 'ab' }), encodeFrame({ opcode: 0, payload: 'cd' })],
      ],
      ['in chunks', [...text('abcd')].map((byte) => Buffer.of(byte))],
      ['inflated', [Buffer.concat([Buffer.from([0xc1, 2]), Buffer.from('ab')])]],
    ])('7.4.1 %s: fails with 1009', (_, chunks) => {
      const connection = new Connection({ role: Role.Client, kernels, values: short, text: 'string', inflater });
      connection.receive(text('abc'));
      expect(drain(connection)).toEqual(['Message']);
      const seen = chunks.flatMap((chunk) => {
        connection.receive(chunk);
        return drain(connection);
      });
      expect(seen).toEqual([1009]);
      const [close] = decodeFrames(Buffer.concat(connection.takeOutput()));
      expect([close.opcode, close.payload.readUInt16BE()]).toEqual([8, 1009]);
    });
  });
});
