// wslay's own cases (`test/vectors/wslay-cases.ts`): what comes at every cut, what goes out by every way to take output.
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { Connection } from '../../src/connection/connection.js';
import { EventType, type ConnectionEvent } from '../../src/connection/event.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { hex, octets } from '../support/events.js';
import { kernelSets } from '../support/kernel-sets.js';
import { EVENTS, FRAMES_IN, FRAMES_OUT, KEY, type FramesIn, type Step } from '../vectors/wslay-cases.js';

const ROLES = { client: Role.Client, server: Role.Server };
const generateMask = (into: Uint8Array): void => into.set(octets(KEY));
const wire = (spaced: string): string => spaced.replaceAll(' ', '');

/** A thing that has output: an encoder, or a connection. */
interface Taken {
  whole(): Uint8Array[];
  into(target: Uint8Array): number;
  limited(limit: number): Uint8Array[];
  hasMore(): boolean;
}

/** The ways to take all output: `wslay_event_send`, and `wslay_event_write` with memory of several sizes. */
const WAYS: readonly [string, (from: Taken) => string][] = [
  ['at once', (from) => from.whole().map(hex).join('')],
  ...[1, 2, 5, 4096].flatMap((size): [string, (from: Taken) => string][] => [
    [
      `into ${size} bytes`,
      (from) => {
        const target = new Uint8Array(size);
        let taken = '';
        // A source that had nothing ready is asked again by the first call.
        do taken += hex(target.subarray(0, from.into(target)));
        while (from.hasMore());
        return taken;
      },
    ],
    [
      `by ${size} bytes`,
      (from) => {
        let taken = '';
        do {
          const chunks = from.limited(size);
          expect(chunks.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(size);
          taken += chunks.map(hex).join('');
        } while (from.hasMore());
        return taken;
      },
    ],
  ]),
];

/** An event in words: its kind, its code, and its payload in hex. */
function inWords(event: ConnectionEvent): string {
  const words = ((): (string | number | false)[] => {
    switch (event.type) {
      case EventType.Message:
        return [event.isBinary ? 'binary' : 'text', hex(event.data as Uint8Array)];
      case EventType.Part:
        return [
          'part',
          event.isBinary ? 'binary' : 'text',
          hex(event.data),
          event.isFirst && 'first',
          event.isLast && 'last',
        ];
      case EventType.Ping:
        return ['ping', hex(event.data)];
      case EventType.Pong:
        return ['pong', hex(event.data)];
      case EventType.Close:
        return ['close', event.code, hex(event.data)];
      case EventType.Failure:
        return ['failure', event.error.closeCode];
    }
  })();
  return words.filter((word) => word !== false && word !== '').join(' ');
}

describe.each(kernelSets)('on $name', (kernels) => {
  describe('frames that come', () => {
    /** The frames of these chunks, and the violation at their end. */
    function decode({ role, rsv }: FramesIn, chunks: readonly Uint8Array[]): unknown[] {
      const decoder = new FrameDecoder({ role: ROLES[role], rsv, kernels });
      const frames: unknown[] = [];
      let payload = '';
      for (const chunk of chunks) {
        decoder.push(chunk);
        while (decoder.next()) {
          if (decoder.violation !== Violation.None) return [...frames, decoder.violation];
          payload = (decoder.start ? '' : payload) + hex(decoder.payload());
          if (decoder.end) frames.push([decoder.fin, decoder.rsv, decoder.opcode, payload]);
        }
      }
      return frames;
    }

    test.each(FRAMES_IN)('$section $name: whole, at every cut, and byte by byte', (row) => {
      const bytes = octets(row.wire);
      const expected = row.violation === undefined ? row.frames : [...row.frames, row.violation];
      for (let cut = 0; cut <= bytes.length; cut++) {
        expect(decode(row, [bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
      }
      expect(
        decode(
          row,
          Array.from(bytes, (byte) => Uint8Array.of(byte)),
        ),
      ).toEqual(expected);
    });
  });

  describe.each(WAYS)('frames that go out, taken %s', (_, take) => {
    const encode = (role: 'client' | 'server'): FrameEncoder =>
      new FrameEncoder({ role: ROLES[role], generateMask, kernels });
    const taken = (encoder: FrameEncoder): string =>
      take({
        whole: () => encoder.take(),
        into: (target) => encoder.takeInto(target),
        limited: (limit) => encoder.take({ limit }),
        hasMore: () => encoder.length > 0,
      });

    test.each(FRAMES_OUT)('$section $name', ({ role, frames, wire: expected }) => {
      const encoder = encode(role);
      const write = (): void => {
        for (const [first, payload] of frames) encoder.frame(first, octets(payload));
      };
      if (expected === undefined) expect(write).toThrow(UsageError);
      else write();
      expect(taken(encoder)).toBe(wire(expected ?? ''));
    });

    test.each(FRAMES_OUT)('$section $name, header first and payload byte by byte', (row) => {
      const encoder = encode(row.role);
      const write = (): void => {
        for (const [first, payload] of row.frames) {
          const bytes = octets(payload);
          encoder.beginFrame(first, bytes.length);
          for (const byte of bytes) encoder.payload(Uint8Array.of(byte));
          expect(encoder.remaining).toBe(0);
        }
      };
      if (row.wire === undefined) expect(write).toThrow(UsageError);
      else write();
      expect(taken(encoder)).toBe(wire(row.wire ?? ''));
    });

    test('5.2 a length past 2^53 - 1, which wslay writes, or none, is refused', () => {
      const encoder = encode('server');
      for (const length of [2 ** 53, 2 ** 63, -1, 1.5, NaN]) {
        expect(() => encoder.beginFrame(FIN | Opcode.Binary, length)).toThrow(UsageError);
      }
      expect(taken(encoder)).toBe('');
      encoder.beginFrame(FIN | Opcode.Binary, 2 ** 53 - 1);
      expect(taken(encoder)).toBe('827f001fffffffffffff');
    });
  });

  describe.each(WAYS)('events, and output taken %s', (_, take) => {
    function playStep(connection: Connection, step: Step): void {
      if ('receive' in step) {
        connection.receive(octets(step.receive));
        const told: string[] = [];
        for (let event = connection.next(); event !== undefined; event = connection.next()) told.push(inWords(event));
        expect(told).toEqual(step.tells);
      } else if ('output' in step) {
        const output = take({
          whole: () => connection.takeOutput(),
          into: (target) => connection.takeInto(target),
          limited: (limit) => connection.takeOutput({ limit }),
          hasMore: () => connection.wantsWrite,
        });
        expect(output).toBe(wire(step.output));
      } else if ('has' in step) {
        const names = Object.keys(step.has) as (keyof Connection)[];
        expect(Object.fromEntries(names.map((name) => [name, connection[name]]))).toEqual(step.has);
      } else if (step.throws === undefined) {
        step.act(connection);
      } else {
        expect(() => step.act(connection)).toThrow(expect.objectContaining({ name: step.throws }) as Error);
      }
    }

    test.each(EVENTS)('$section $name', ({ role, options, steps }) => {
      const connection = new Connection({ role: ROLES[role], kernels, generateMask, ...options });
      for (const step of steps) playStep(connection, step);
    });
  });
});
