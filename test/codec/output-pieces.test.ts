// Output in pieces: frames whose payload comes as it is there, and output that is handed out within a limit.
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { FrameEncoder, type FrameEncoderOptions } from '../../src/codec/frame-encoder.js';
import { Connection } from '../../src/connection/connection.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { newStatistics } from '../../src/codec/statistics.js';
import { FIN, Opcode, Role } from '../../src/spec/frame.js';
import { hex } from '../support/events.js';
import { KERNELS } from '../support/our-decoders.js';

const BINARY = FIN | Opcode.Binary;
const generateMask = (into: Uint8Array): void => into.set([1, 2, 3, 4]);
const all = (encoder: FrameEncoder): string => hex(Buffer.concat(encoder.take()));
const message = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at * 7);

describe.each(KERNELS)('output in pieces on $name', (kernels) => {
  describe.each([Role.Client, Role.Server])('in the role %i', (role) => {
    const encoder = (options: Partial<FrameEncoderOptions> = {}): FrameEncoder =>
      new FrameEncoder({ role, kernels, generateMask, ...options });

    test('5.2 a frame that is written in two pieces is the same at every cut, and taken in between too', () => {
      for (const length of [0, 1, 5, 125, 126, 300]) {
        const bytes = message(length);
        const whole = encoder();
        whole.frame(BINARY, bytes);
        const expected = all(whole);
        for (let cut = 0; cut <= length; cut++) {
          const pieces = encoder();
          pieces.beginFrame(BINARY, length);
          pieces.payload(bytes.subarray(0, cut));
          const before = cut % 2 === 0 ? all(pieces) : '';
          expect(pieces.remaining).toBe(length - cut);
          pieces.payload(bytes.subarray(cut));
          expect(before + all(pieces)).toBe(expected);
          expect(pieces.remaining).toBe(0);
        }
      }
    });

    test('nothing but the rest of the frame is written before its end, and no more than was announced', () => {
      const pieces = encoder();
      expect(() => pieces.payload('x')).toThrow(UsageError);
      pieces.payload('');
      for (const length of [-1, 1.5, 2 ** 53, Number.NaN])
        expect(() => pieces.beginFrame(BINARY, length)).toThrow(UsageError);
      expect(() => pieces.beginFrame(FIN | Opcode.Ping, 126)).toThrow(UsageError);
      expect(() => pieces.beginFrame(256, 1)).toThrow(UsageError);
      expect(pieces.length).toBe(0);
      pieces.beginFrame(BINARY, 4);
      const { length } = pieces;
      expect(() => pieces.frame(FIN | Opcode.Ping, '')).toThrow(UsageError);
      expect(() => pieces.raw(Uint8Array.of(0x8a, 0))).toThrow(UsageError);
      expect(() => pieces.beginFrame(BINARY, 0)).toThrow(UsageError);
      expect(() => pieces.payload('abcde')).toThrow(UsageError);
      expect(() => pieces.payload(3 as never)).toThrow(UsageError);
      expect(pieces.length).toBe(length);
      pieces.payload('ab');
      pieces.payload(new Uint16Array([0x6463]).buffer);
      pieces.frame(FIN | Opcode.Ping, '');
      const whole = encoder();
      whole.frame(BINARY, 'abcd');
      whole.frame(FIN | Opcode.Ping, '');
      expect(all(pieces)).toBe(all(whole));
    });

    test('pieces from 64 KiB on are lent by a server, and counted as one frame', () => {
      const { sent } = newStatistics();
      const pieces = encoder({ traffic: sent });
      const bytes = message(65_536);
      pieces.beginFrame(BINARY, bytes.length);
      pieces.payload(bytes, true);
      const taken = pieces.take();
      expect(taken.some((chunk) => chunk.buffer === bytes.buffer)).toBe(role === Role.Server);
      expect([sent.frames[Opcode.Binary], sent.messages, sent.octets]).toEqual([1, 1, bytes.length]);
    });

    test('5.2 a frame of 2^53 - 1 bytes can be begun', () => {
      const pieces = encoder();
      pieces.beginFrame(BINARY, Number.MAX_SAFE_INTEGER);
      pieces.payload('x');
      const reader = new FrameDecoder({ role: role === Role.Client ? Role.Server : Role.Client, kernels });
      for (const chunk of pieces.take()) reader.push(chunk);
      let length = 0;
      while (reader.next()) if (reader.start) length = reader.frameLength;
      expect(length).toBe(Number.MAX_SAFE_INTEGER);
    });

    test('take within a limit and takeInto give the same bytes as take, for every limit', () => {
      const fill = (target: FrameEncoder): void => {
        target.frame(BINARY, message(20));
        target.raw(Uint8Array.of(0x8a, 0x80, 0, 0, 0, 0), true);
        target.frame(FIN | Opcode.Text, 'text');
      };
      const whole = encoder();
      fill(whole);
      const { length } = whole;
      const expected = all(whole);
      for (let limit = 1; limit <= length + 1; limit++) {
        const [limited, copied] = [encoder(), encoder()];
        fill(limited);
        fill(copied);
        let given = '';
        while (limited.length > 0) {
          const before = limited.length;
          const chunk = Buffer.concat(limited.take({ limit }));
          expect(chunk.length).toBe(Math.min(limit, before));
          given += hex(chunk);
        }
        const target = new Uint8Array(limit);
        let into = '';
        // Each turn has to bring bytes: a loop without them would never end.
        for (let took = -1; copied.length > 0 && took !== 0;) {
          took = copied.takeInto(target);
          into += hex(target.subarray(0, took));
        }
        expect([given, into]).toEqual([expected, expected]);
        expect([limited.take({ limit }), copied.takeInto(target), copied.takeInto(new Uint8Array(0))]).toEqual([
          [],
          0,
          0,
        ]);
      }
    });

    test('a limit that is no length, and a target that is no bytes, are refused', () => {
      const limited = encoder();
      limited.frame(BINARY, 'x');
      const { length } = limited;
      for (const limit of [0, -1, 0.5, Number.NaN]) expect(() => limited.take({ limit })).toThrow(UsageError);
      expect(() => limited.takeInto(5 as never)).toThrow(UsageError);
      expect(limited.length).toBe(length);
      expect(Buffer.concat(limited.take({})).length).toBe(length);
    });

    test('frames that were not taken are counted, lent and encoded ones too', () => {
      const counted = encoder();
      expect(counted.frames).toBe(0);
      counted.frame(BINARY, message(70_000), true);
      counted.frame(FIN | Opcode.Ping, 'p');
      counted.raw(Uint8Array.of(0x8a, 0x80, 0, 0, 0, 0, 0x8a, 0x80, 0, 0, 0, 0), true);
      counted.frame(FIN | Opcode.Text, '');
      expect(counted.frames).toBe(5);
      counted.take();
      expect(counted.frames).toBe(0);
    });

    test('frames that a limit has cut, or keeps back, are counted until their last byte is taken', () => {
      for (let limit = 1; limit <= 40; limit++) {
        const counted = encoder();
        counted.frame(BINARY, message(20));
        counted.raw(Uint8Array.of(0x8a, 0x80, 0, 0, 0, 0, 0x8a, 0x80, 0, 0, 0, 0), true);
        const ends = [role === Role.Client ? 26 : 22];
        ends.push(ends[0] + 6, ends[0] + 12);
        let taken = 0;
        while (counted.length > 0) {
          taken += Buffer.concat(counted.take({ limit })).length;
          // A frame that is written meanwhile stands behind those that were kept back.
          if (ends.length === 3) {
            counted.frame(FIN | Opcode.Text, '');
            ends.push(ends[2] + (role === Role.Client ? 6 : 2));
          }
          expect([limit, taken, counted.frames]).toEqual([limit, taken, ends.filter((end) => end > taken).length]);
        }
        counted.frame(BINARY, message(300));
        counted.takeInto(new Uint8Array(limit));
        expect(counted.frames).toBe(1);
        counted.takeInto(new Uint8Array(400));
        counted.frame(BINARY, 'x');
        expect([counted.frames, counted.takeInto(new Uint8Array(100)) > 0, counted.frames]).toEqual([1, true, 0]);
      }
    });

    test('the rest of a frame that was begun before the last take is no frame of its own', () => {
      const counted = encoder();
      counted.beginFrame(BINARY, 20);
      counted.payload(message(5));
      expect(counted.frames).toBe(1);
      counted.take();
      counted.payload(message(10));
      expect(counted.frames).toBe(0);
      counted.payload(message(5));
      counted.frame(BINARY, 'x');
      expect(counted.frames).toBe(1);
    });

    test('nor is it where a limit cuts it, whatever its bytes look like', () => {
      for (const fill of [0, 1, 0x7e, 0xff]) {
        for (const isCut of [false, true]) {
          const counted = encoder();
          counted.beginFrame(BINARY, 100);
          counted.take({ limit: isCut ? 2 : 100 });
          counted.take();
          counted.payload(new Uint8Array(50).fill(fill));
          expect([counted.frames, counted.take({ limit: 10 }).length, counted.frames]).toEqual([0, 1, 1]);
          counted.payload(new Uint8Array(50).fill(fill));
          counted.frame(BINARY, 'x');
          counted.take({ limit: 60 });
          expect(counted.frames).toBe(2);
          counted.take({ limit: 30 });
          expect(counted.frames).toBe(1);
        }
      }
    });

    test('frames in a list of chunks are counted and cut by a limit as in one chunk, wherever their headers are cut', () => {
      const frames = Uint8Array.of(0x82, 126, 0, 3, 7, 7, 7, 0x8a, 0x80, 1, 2, 3, 4, 0x81, 0);
      for (let cut = 0; cut <= frames.length; cut++) {
        const counted = encoder();
        counted.raw([frames.subarray(0, cut), frames.subarray(cut)], cut % 2 === 0);
        expect([cut, counted.frames]).toEqual([cut, 3]);
        counted.take({ limit: 5 });
        expect([cut, counted.frames, all(counted)]).toEqual([cut, 3, hex(frames.subarray(5))]);
      }
    });

    test('a chunk that its owner has detached is passed over by takeInto', () => {
      const emptied = encoder();
      emptied.frame(FIN | Opcode.Ping, 'p');
      const lent = new Uint8Array(new ArrayBuffer(70_000));
      emptied.raw(lent, true);
      emptied.frame(FIN | Opcode.Pong, 'q');
      structuredClone(lent.buffer, { transfer: [lent.buffer] });
      const length = role === Role.Client ? 14 : 6;
      expect(emptied.takeInto(new Uint8Array(100))).toBe(length);
      expect(emptied.length).toBe(0);
    });

    test('a chunk that its owner detaches while a limit keeps it back leaves no length behind', () => {
      const limited = encoder();
      const lent = new Uint8Array(new ArrayBuffer(70_000));
      limited.raw(lent, true);
      limited.take({ limit: 1 });
      structuredClone(lent.buffer, { transfer: [lent.buffer] });
      limited.take();
      expect([limited.length, limited.isCut]).toEqual([0, false]);
    });
  });

  test('a connection hands out its output within a limit, and its Close is sent with the last byte', () => {
    const make = (): Connection => {
      const connection = new Connection({ role: Role.Server, kernels });
      connection.send('abc');
      connection.ping();
      connection.close(1000, 'bye');
      return connection;
    };
    const whole = make();
    expect(whole.outputFrames).toBe(3);
    const expected = hex(Buffer.concat(whole.takeOutput()));
    for (let limit = 1; limit < expected.length / 2; limit++) {
      const connection = make();
      const target = new Uint8Array(limit);
      let given = '';
      for (let turn = 0; connection.wantsWrite; turn++) {
        expect(connection.closeSent).toBe(undefined);
        if (turn % 2 === 0) given += hex(Buffer.concat(connection.takeOutput({ limit })));
        else given += hex(target.subarray(0, connection.takeInto(target)));
      }
      expect([given, connection.closeSent, connection.outputLength]).toEqual([expected, 1000, 0]);
    }
  });

  test('a frame that a limit has cut goes out whole after stopWriting, with the Close behind it', () => {
    const connection = new Connection({ role: Role.Server, kernels });
    connection.send('abc');
    connection.close(1000);
    const first = hex(Buffer.concat(connection.takeOutput({ limit: 3 })));
    connection.stopWriting();
    expect(first + hex(Buffer.concat(connection.takeOutput()))).toBe('8103616263880203e8');
    expect(() => connection.takeOutput({ limit: 0 })).toThrow(UsageError);
    expect(() => connection.takeInto('x' as never)).toThrow(UsageError);
  });

  test('frames that a limit has kept back whole are dropped by stopWriting, and their Close goes out', () => {
    const connection = new Connection({ role: Role.Server, kernels });
    for (const text of ['abc', 'def', 'ghi']) connection.send(text);
    connection.close(1000);
    const first = hex(Buffer.concat(connection.takeOutput({ limit: 7 }))) + hex(connection.takeOutput({ limit: 3 })[0]);
    connection.stopWriting();
    expect(first + hex(Buffer.concat(connection.takeOutput()))).toBe('81036162638103646566880203e8');
  });

  test('a source is pulled no further than the limit needs', () => {
    const connection = new Connection({ role: Role.Server, kernels });
    let pulls = 0;
    connection.sendFrom({ pull: () => ({ data: message(10), last: ++pulls === 100 }) });
    connection.takeOutput({ limit: 12 });
    expect(pulls).toBe(1);
    connection.takeInto(new Uint8Array(30));
    expect(pulls).toBeLessThanOrEqual(4);
  });

  test('5.5.3 a peer that pings faster than a limit lets pongs out makes no more than 121 of them wait', () => {
    const connection = new Connection({ role: Role.Server, kernels });
    const pings = Buffer.concat(Array.from({ length: 60 }, () => Uint8Array.of(0x89, 0x81, 0, 0, 0, 0, 0x61)));
    const last = Uint8Array.of(0x89, 0x81, 0, 0, 0, 0, 0x7a);
    const target = new Uint8Array(20);
    for (let turn = 0; turn < 50; turn++) {
      for (const chunk of [pings, last]) connection.receive(chunk);
      while (connection.next() !== undefined);
      connection.takeInto(target);
      expect(connection.outputLength).toBeLessThanOrEqual(121 * 3);
    }
    let output = '';
    while (connection.wantsWrite) output += hex(target.subarray(0, connection.takeInto(target)));
    // The latest ping is answered, once all before it was taken.
    expect(output.endsWith('8a017a')).toBe(true);
    connection.receive(pings);
    while (connection.next() !== undefined);
    expect(connection.outputFrames).toBe(60);
  });
});
