import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { Assembly } from '../../src/connection/assembly.js';
import { Connection } from '../../src/connection/connection.js';
import { EventType } from '../../src/connection/event.js';
import { Role } from '../../src/spec/frame.js';
import { plainValues, type Values } from '../../src/values/values.js';
import { hex } from '../support/events.js';
import { KERNELS } from '../support/our-decoders.js';
import { Random } from '../support/random.js';
import { encodeFrame } from '../support/raw-peer.js';

const EARLY_LIMIT = 16 * 1024 * 1024;
const KIB_64 = 64 * 1024;

/** Plain values that note every allocation; the last one made is what an assembly holds. */
function watched(): { values: Values; lengths: number[]; taken: Uint8Array[] } {
  const lengths: number[] = [];
  const taken: Uint8Array[] = [];
  const values: Values = {
    ...plainValues,
    allocate(length) {
      lengths.push(length);
      taken.push(new Uint8Array(length));
      return taken[taken.length - 1];
    },
  };
  return { values, lengths, taken };
}

/** Feeds bytes to an assembly as a connection does, and tells after each chunk how much was received and is held. */
function feeder(values: Values, kernels = KERNELS[0]) {
  const decoder = new FrameDecoder({ role: Role.Client, kernels });
  const assembly = new Assembly(values);
  return {
    assembly,
    feed: (chunk: Uint8Array): void => {
      decoder.push(chunk);
      while (decoder.next()) {
        let expected = assembly.length + decoder.length;
        if (!decoder.end)
          expected = decoder.start ? assembly.length + decoder.frameLength : expected + decoder.remaining;
        assembly.add(decoder, expected);
      }
    },
  };
}

/** How much early memory the thread still has, found by announcing frames until one is not given its memory at once. */
function earlyLeft(): number {
  let left = 0;
  const taken: Assembly[] = [];
  for (let size = EARLY_LIMIT; size >= 1024; size /= 2) {
    const { values, lengths } = watched();
    const one = feeder(values);
    one.feed(encodeFrame({ opcode: 2, announce: size, payload: '' }));
    if (lengths.at(-1) === size) {
      left += size;
      taken.push(one.assembly);
    }
  }
  for (const assembly of taken) assembly.drop();
  return left;
}

describe('Assembly', () => {
  test('joins pieces in memory that is no longer than twice the message', () => {
    const random = new Random(1);
    for (let round = 0; round < 100; round++) {
      const { values } = watched();
      const { assembly, feed } = feeder(values);
      const parts = Array.from({ length: random.between(1, 9) }, () =>
        random.octets(random.pick([0, 1, 7, 64, 130, 1000])),
      );
      parts.forEach((payload, index) =>
        feed(encodeFrame({ opcode: index === 0 ? 2 : 0, fin: index === parts.length - 1, payload })),
      );
      const expected = Buffer.concat(parts);
      expect(assembly.length).toBe(expected.length);
      const message = assembly.take();
      expect(hex(message)).toBe(hex(expected));
      expect(message.buffer.byteLength).toBeLessThanOrEqual(2 * expected.length);
      expect([assembly.length, assembly.take().length]).toEqual([0, 0]);
    }
  });

  test('the memory of a message whose length is known is handed out as it is, and an empty piece takes none', () => {
    const { values, taken, lengths } = watched();
    const { assembly, feed } = feeder(values);
    feed(encodeFrame({ opcode: 2, fin: false, payload: '' }));
    expect(lengths).toEqual([]);
    const frame = encodeFrame({ opcode: 0, payload: 'abcde' });
    feed(frame.subarray(0, 4));
    feed(frame.subarray(4));
    expect(lengths).toEqual([5]);
    expect([assembly.take() === taken[0], lengths]).toEqual([true, [5]]);
    feed(encodeFrame({ opcode: 2, fin: false, payload: '' }));
    feed(encodeFrame({ opcode: 0, payload: '' }));
    expect([assembly.take().length, lengths]).toEqual([0, [5, 0]]);
  });

  test('a message that does not fill its memory is copied, so that nothing of others lies behind it', () => {
    for (const [length, expected] of [
      [128, [128]],
      [127, [128, 127]],
      [63, [128, 63]],
    ] as const) {
      const { values, lengths } = watched();
      const { assembly, feed } = feeder(values);
      feed(encodeFrame({ opcode: 2, fin: false, payload: 'a'.repeat(length - 1) }));
      feed(encodeFrame({ opcode: 0, payload: 'a' }));
      expect(Buffer.from(assembly.take().buffer).toString()).toBe('a'.repeat(length));
      expect(lengths).toEqual(expected);
    }
  });

  test('10.4 what has been received does not count as announced', () => {
    const MIB = 1024 * 1024;
    const first = encodeFrame({ opcode: 2, fin: false, payload: Buffer.alloc(MIB) });
    const { values, lengths } = watched();
    const { assembly, feed } = feeder(values);
    feed(first);
    feed(encodeFrame({ opcode: 0, announce: EARLY_LIMIT + 1, payload: 'a' }));
    expect(lengths.at(-1)).toBe(MIB + EARLY_LIMIT + 1);
    expect(earlyLeft()).toBe(0);
    assembly.drop();
    // Twice of what is held is room enough.
    const doubled = feeder(values);
    doubled.feed(first);
    doubled.feed(encodeFrame({ opcode: 0, announce: MIB, payload: 'a' }));
    expect(lengths.at(-1)).toBe(2 * MIB);
    expect(earlyLeft()).toBe(EARLY_LIMIT);
    doubled.assembly.drop();
  });

  // D01, D02
  test('10.4 holds at most twice what was received and 64 KiB, for any fragmentation, once the early memory is spent', () => {
    const hog = feeder(plainValues);
    hog.feed(encodeFrame({ opcode: 2, announce: EARLY_LIMIT, payload: '' }));
    try {
      for (let seed = 1; seed <= 60; seed++) {
        const random = new Random(seed);
        const { values, lengths } = watched();
        const { feed } = feeder(values);
        let received = 0;
        let isFirst = true;
        for (let step = 0; step < 60; step++) {
          const payload = random.octets(random.pick([0, 0, 1, 5, 100, 3000]));
          const wire = encodeFrame({ opcode: isFirst ? 2 : 0, fin: false, payload });
          isFirst = false;
          for (let at = 0; at < wire.length;) {
            const cut = Math.min(wire.length, at + random.pick([1, 2, 10, 1000, 4000]));
            received += cut - at;
            feed(wire.subarray(at, cut));
            at = cut;
            expect(lengths.at(-1) ?? 0, `seed ${seed}, step ${step}`).toBeLessThanOrEqual(2 * received + KIB_64);
          }
        }
        feed(encodeFrame({ opcode: 0, announce: 2 ** 40, payload: '' }));
        expect(lengths.at(-1) ?? 0).toBeLessThanOrEqual(2 * received + KIB_64);
      }
    } finally {
      hog.assembly.drop();
    }
  });

  test('10.4 announced memory of the whole thread is at most 16 MiB', () => {
    const lines = Array.from({ length: 40 }, () => {
      const { values, lengths } = watched();
      return { ...feeder(values), lengths };
    });
    for (const { feed } of lines) feed(encodeFrame({ opcode: 2, announce: 1024 * 1024, payload: 'a' }));
    const held = lines.map(({ lengths }) => lengths.at(-1)!);
    expect(held.filter((length) => length === 1024 * 1024).length).toBe(16);
    expect(held.slice(16).every((length) => length <= 128)).toBe(true);
    for (const { assembly } of lines) assembly.drop();
    expect(earlyLeft()).toBe(EARLY_LIMIT);
  });

  test('a long message that was announced is allocated once, and its early memory comes back as it fills', () => {
    const { values, lengths } = watched();
    const { feed, assembly } = feeder(values);
    const wire = encodeFrame({ opcode: 2, payload: Buffer.alloc(4 * 1024 * 1024, 'x') });
    for (let at = 0; at < wire.length / 2; at += KIB_64) feed(wire.subarray(at, at + KIB_64));
    const left = earlyLeft();
    expect(left).toBeGreaterThan(EARLY_LIMIT - 2 * 1024 * 1024 - KIB_64);
    expect(left).toBeLessThan(EARLY_LIMIT - 1.8 * 1024 * 1024);
    for (let at = Math.ceil(wire.length / 2 / KIB_64) * KIB_64; at < wire.length; at += KIB_64) {
      feed(wire.subarray(at, at + KIB_64));
    }
    expect(lengths).toEqual([4 * 1024 * 1024]);
    expect(earlyLeft()).toBe(EARLY_LIMIT);
    expect(assembly.take().length).toBe(4 * 1024 * 1024);
  });

  test('many fragments, each in two chunks, are copied in linear time', () => {
    const { values, lengths } = watched();
    const { feed, assembly } = feeder(values);
    const frame = encodeFrame({ opcode: 0, fin: false, payload: 'abcdefgh' });
    feed(encodeFrame({ opcode: 2, fin: false, payload: 'abcdefgh' }));
    for (let i = 0; i < 20_000; i++) {
      feed(frame.subarray(0, 6));
      feed(frame.subarray(6));
    }
    expect(lengths.length).toBeLessThan(20);
    expect(assembly.take().length).toBe(8 * 20_001);
  });
});

describe.each(KERNELS)('the memory of a Connection on $name', (kernels) => {
  const announcing = encodeFrame({ opcode: 2, announce: 8 * 1024 * 1024, payload: 'start' });

  test.each<[string, (connection: Connection) => void]>([
    ['dispose', (connection) => connection.dispose()],
    ['stopReading', (connection) => connection.stopReading()],
    ['receiveEnd', (connection) => connection.receiveEnd()],
    [
      'failure in the message',
      (connection) => {
        connection.receive(Buffer.alloc(8 * 1024 * 1024 - 5, 'a'));
        expect(connection.next()).toBe(undefined);
        connection.receive(encodeFrame({ opcode: 2, payload: 'no continuation' }));
        expect(connection.next()?.type).toBe(EventType.Failure);
      },
    ],
    [
      'the message, once whole',
      (connection) => {
        connection.receive(Buffer.alloc(8 * 1024 * 1024 - 5, 'a'));
        connection.next();
        connection.receive(encodeFrame({ opcode: 0, payload: '' }));
        expect(connection.next()?.type).toBe(EventType.Message);
      },
    ],
  ])('10.4 %s gives the early memory back', (_, end) => {
    expect(earlyLeft()).toBe(EARLY_LIMIT);
    const connection = new Connection({ role: Role.Client, kernels });
    connection.receive(encodeFrame({ opcode: 2, fin: false, announce: 8 * 1024 * 1024, payload: 'start' }));
    expect(connection.next()).toBe(undefined);
    expect(earlyLeft()).toBeLessThan(8.1 * 1024 * 1024);
    end(connection);
    expect(earlyLeft()).toBe(EARLY_LIMIT);
    expect(connection.next()).toBe(undefined);
    expect(kernels.tenant === undefined).toBe(true);
    connection.dispose();
  });

  test('7.4.1 a message for which no memory is to be had fails the connection with 1009', () => {
    const values: Values = {
      ...plainValues,
      allocate(length) {
        if (length > 1024 * 1024) throw new RangeError('Array buffer allocation failed');
        return new Uint8Array(length);
      },
    };
    const connection = new Connection({ role: Role.Client, kernels, values });
    connection.receive(announcing);
    expect(connection.next()).toMatchObject({ type: EventType.Failure, error: { closeCode: 1009 } });
    expect(connection.next()).toBe(undefined);
    connection.dispose();
  });

  // D01
  test.each([0, 1, 7, 64])('5.4 delivers 65,537 fragments of %i bytes', (length) => {
    const connection = new Connection({ role: Role.Client, kernels });
    const payload = Buffer.alloc(length, 'f');
    const first = encodeFrame({ opcode: 2, fin: false, payload });
    const other = encodeFrame({ opcode: 0, fin: false, payload });
    connection.receive(first);
    expect(connection.next()).toBe(undefined);
    for (let i = 1; i < 65_536; i++) {
      connection.receive(other);
      if (connection.next() !== undefined) throw new Error('an event came early');
    }
    connection.receive(encodeFrame({ opcode: 0, payload }));
    const event = connection.next();
    if (event?.type !== EventType.Message) throw new Error('no message came');
    expect([event.isBinary, event.data.length]).toEqual([true, 65_537 * length]);
  });
});
