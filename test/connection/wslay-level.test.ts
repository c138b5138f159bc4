// What the C library wslay offers at its frame level and at its event level, by our names; docs/wslay.md names these tests.
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { FrameEncoder } from '../../src/codec/frame-encoder.js';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { State } from '../../src/connection/state.js';
import { EventType, type ConnectionEvent } from '../../src/connection/event.js';
import type { FragmentSource } from '../../src/connection/outbound.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { FIN, Opcode, Role, RSV1, RSV2, RSV3 } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { plainValues } from '../../src/values/values.js';
import { BAD_CODES } from '../support/close-codes.js';
import { hex, octets } from '../support/events.js';
import { kernelSets } from '../support/kernel-sets.js';

/** Bytes in hex, with the blanks between frames taken away. */
const wire = (spaced: string): string => spaced.replaceAll(' ', '');
const KEY = octets('37 fa 21 3d');
const generateMask = (into: Uint8Array): void => into.set(KEY);

describe.each(kernelSets)('on $name', (kernels) => {
  const connection = (options: Partial<ConnectionOptions> = {}): Connection =>
    new Connection({ role: Role.Client, kernels, generateMask, ...options });
  /** A server sends unmasked frames, which can be read in a test. */
  const server = (options: Partial<ConnectionOptions> = {}): Connection =>
    connection({ role: Role.Server, ...options });

  /** All that the bytes mean. */
  function receive(to: Connection, chunk: string): ConnectionEvent[] {
    to.receive(octets(chunk));
    const events: ConnectionEvent[] = [];
    for (let event = to.next(); event !== undefined; event = to.next()) events.push(event);
    return events;
  }

  /** All that waits to be written. */
  const take = (from: Connection): string => from.takeOutput().map(hex).join('');

  /** A source that gives these fragments, and says nothing is ready where one is missing. */
  function sourceOf(...fragments: (string | undefined)[]): FragmentSource {
    let at = 0;
    return {
      pull() {
        const fragment = fragments[at++];
        return fragment === undefined ? undefined : { data: octets(fragment), last: at === fragments.length };
      },
    };
  }

  describe('the frame level', () => {
    test('5.2 one frame is written, with FIN, RSV bits and opcode as given', () => {
      const encoder = new FrameEncoder({ role: Role.Server, kernels });
      encoder.frame(RSV1 | Opcode.Text, octets('48 65'));
      encoder.frame(FIN | Opcode.Continuation, octets('6c'));
      expect(encoder.take().map(hex).join('')).toBe(wire('41024865 80016c'));
      const unchecked = new FrameEncoder({ role: Role.Server, unchecked: true, kernels });
      unchecked.frame(RSV3 | Opcode.Ping, new Uint8Array(126));
      expect(unchecked.take().map(hex).join('')).toBe(wire('197e007e') + '00'.repeat(126));
    });

    test('5.2 a frame is written piece by piece, its header first', () => {
      const encoder = new FrameEncoder({ role: Role.Server, kernels });
      encoder.beginFrame(FIN | Opcode.Text, 5);
      expect(encoder.take().map(hex).join('')).toBe('8105');
      encoder.payload(octets('48 65'));
      expect(encoder.remaining).toBe(3);
      encoder.payload(octets('6c 6c 6f'));
      const target = new Uint8Array(8);
      expect([encoder.takeInto(target), hex(target)]).toEqual([5, '48656c6c6f000000']);
    });

    test('5.5 a control frame that the RFC forbids is refused, and more than was announced', () => {
      const encoder = new FrameEncoder({ role: Role.Server, kernels });
      expect(() => encoder.frame(Opcode.Ping, '')).toThrow(UsageError);
      expect(() => encoder.frame(FIN | Opcode.Ping, new Uint8Array(126))).toThrow(UsageError);
      encoder.beginFrame(FIN | Opcode.Binary, 1);
      expect(() => encoder.payload(octets('01 02'))).toThrow(UsageError);
      expect(() => encoder.frame(FIN | Opcode.Ping, '')).toThrow(UsageError);
      expect(encoder.take().map(hex).join('')).toBe('8201');
    });

    test('5.3 masking keys come from a source that the caller gives', () => {
      const encoder = new FrameEncoder({ role: Role.Client, generateMask, kernels });
      encoder.frame(FIN | Opcode.Text, octets('48 65 6c 6c 6f'));
      expect(encoder.take().map(hex).join('')).toBe('8185' + hex(KEY) + '7f9f4d5158');
      const dry = new FrameEncoder({
        role: Role.Client,
        generateMask() {
          throw new RangeError('no entropy');
        },
        kernels,
      });
      expect(() => dry.frame(FIN | Opcode.Text, 'Hello')).toThrow('no entropy');
      expect(dry.take()).toEqual([]);
    });

    test('5.2 one frame is read piece by piece, with FIN, RSV bits, opcode and length', () => {
      const decoder = new FrameDecoder({ role: Role.Client, rsv: RSV1 | RSV2 | RSV3, kernels });
      const pieces: unknown[] = [];
      for (const chunk of ['d2 04 01', '02 03', '04 89 00']) {
        decoder.push(octets(chunk));
        while (decoder.next()) {
          const { fin, rsv, opcode, start, end } = decoder;
          pieces.push([fin, rsv, opcode, start, end, start && decoder.frameLength, hex(decoder.payload())]);
        }
      }
      expect(pieces).toEqual([
        [true, RSV1 | RSV3, Opcode.Binary, true, false, 4, '01'],
        [true, RSV1 | RSV3, Opcode.Binary, false, false, false, '0203'],
        [true, RSV1 | RSV3, Opcode.Binary, false, true, false, '04'],
        [true, 0, Opcode.Ping, true, true, 0, ''],
      ]);
    });

    test('5.2 a violation is a fact of the frame, and nothing is read after it', () => {
      const decoder = new FrameDecoder({ role: Role.Client, kernels });
      decoder.push(octets('83 00 81 00'));
      expect([decoder.next(), decoder.violation, decoder.detail]).toEqual([true, Violation.InvalidOpcode, 3]);
      expect([decoder.next(), decoder.isStopped]).toEqual([false, true]);
    });
  });

  describe('receiving', () => {
    test('5.6 messages come whole, text and binary, control frames between their fragments by themselves', () => {
      const events = receive(connection(), '01 02 4865 89 01 70 80 03 6c6c6f 8a 00 82 01 ff');
      expect(events.map((event) => event.type)).toEqual([
        EventType.Ping,
        EventType.Message,
        EventType.Pong,
        EventType.Message,
      ]);
      expect(events[1]).toMatchObject({ isBinary: false, data: octets('48 65 6c 6c 6f') });
      expect(events[3]).toMatchObject({ isBinary: true, data: octets('ff') });
    });

    test('5.4 parts are handed on as they come, without a message being assembled', () => {
      const to = connection({ parts: true });
      const parts: unknown[] = [];
      for (const chunk of ['02 04 01', '02 03', '04 80', '01 05', '81 00']) {
        for (const event of receive(to, chunk)) {
          if (event.type !== EventType.Part) throw new Error('not a part');
          parts.push([hex(event.data), event.isBinary, event.isFirst, event.isLast]);
        }
      }
      expect(parts).toEqual([
        ['01', true, true, false],
        ['0203', true, false, false],
        ['04', true, false, false],
        ['05', true, false, true],
        ['', false, true, true],
      ]);
    });

    test('5.4 a part tells the facts of its frame', () => {
      const to = connection({ parts: true });
      const parts = ['01 03 4865', '6c', '80 00'].flatMap((chunk) => receive(to, chunk));
      expect(parts).toMatchObject([
        { opcode: Opcode.Text, fin: false, frameLength: 3, isFrameStart: true, isFrameEnd: false },
        { opcode: Opcode.Text, fin: false, frameLength: 3, isFrameStart: false, isFrameEnd: true },
        { opcode: Opcode.Continuation, fin: true, frameLength: 0, isFrameStart: true, isFrameEnd: true },
      ]);
    });

    test('7.4.1 a frame that is too long fails the connection with 1009, and a message of such frames does not', () => {
      const to = connection({ parts: true, maxFramePayload: 2, maxPayload: 0 });
      expect(receive(to, '02 02 0102 00 02 0304')).toHaveLength(2);
      expect(receive(to, '80 03 01')).toMatchObject([{ type: EventType.Failure, error: { closeCode: 1009 } }]);
    });

    test('7.4.1 a message that finds no memory fails the connection with 1009', () => {
      const values = {
        ...plainValues,
        allocate(length: number): Uint8Array {
          if (length > 1000) throw new RangeError('no memory');
          return new Uint8Array(length);
        },
      };
      const to = connection({ values });
      expect(receive(to, '02 7e 0400 00')).toMatchObject([{ type: EventType.Failure, error: { closeCode: 1009 } }]);
    });

    test('5.5 control frames are whole where messages come in parts', () => {
      const to = connection({ parts: true });
      expect(receive(to, '89 03 01')).toEqual([]);
      expect(receive(to, '02 03')).toEqual([{ type: EventType.Ping, data: octets('01 02 03') }]);
    });

    test('7.4.1 a message that is too long fails the connection with 1009 before its payload has come', () => {
      const to = connection({ maxPayload: 4 });
      expect(receive(to, '82 04 01020304')).toHaveLength(1);
      expect(receive(to, '02 03 010203')).toEqual([]);
      expect(receive(to, '80 02')).toMatchObject([{ type: EventType.Failure, error: { closeCode: 1009 } }]);
      expect(to.wantsRead).toBe(false);
      expect(take(to).slice(0, 4)).toBe('8882');
      expect(to.closeQueued).toBe(1009);
      const inParts = connection({ parts: true, maxPayload: 4 });
      expect(receive(inParts, '02 03 010203')).toMatchObject([{ type: EventType.Part }]);
      expect(receive(inParts, '80 02')).toMatchObject([{ type: EventType.Failure, error: { closeCode: 1009 } }]);
    });

    test('5.2 only allowed RSV bits pass, and the message tells which were set', () => {
      const to = connection({ rsv: RSV1 | RSV2 });
      expect(receive(to, 'e1 01 ff')).toMatchObject([{ type: EventType.Message, data: octets('ff') }]);
      expect(to.rsv).toBe(RSV1 | RSV2);
      expect(receive(to, '22 01 01 80 01 02')).toMatchObject([{ data: octets('01 02') }]);
      expect(to.rsv).toBe(RSV2);
      expect(receive(to, '82 00')).toHaveLength(1);
      expect(to.rsv).toBe(0);
      expect(receive(to, '92 00')).toMatchObject([{ type: EventType.Failure, error: { closeCode: 1002 } }]);
    });

    test('5.2 a part tells the RSV bits of its message too', () => {
      const to = connection({ rsv: RSV1, parts: true });
      expect(receive(to, '42 02 01')).toHaveLength(1);
      expect(to.rsv).toBe(RSV1);
      expect(receive(to, '02')).toHaveLength(1);
      expect(to.rsv).toBe(RSV1);
    });

    test('5.5.2 a ping is answered by itself, or not where that is not wanted', () => {
      const to = server();
      expect(receive(to, '89 82 00000000 6869')).toMatchObject([{ type: EventType.Ping, data: octets('68 69') }]);
      expect(take(to)).toBe('8a026869');
      const silent = server({ autoPong: false });
      expect(receive(silent, '89 80 00000000')).toHaveLength(1);
      expect(take(silent)).toBe('');
    });

    test('stopReading drops what has come, and more bytes are not wanted', () => {
      const to = connection();
      expect(to.wantsRead).toBe(true);
      to.receive(octets('82 01 01 82 01 02 82'));
      expect(to.next()).toMatchObject({ data: octets('01') });
      to.stopReading();
      expect([to.next(), to.wantsRead]).toEqual([undefined, false]);
      expect(receive(to, '82 01 03')).toEqual([]);
      to.close(1008, 'no more');
      expect(take(to)).not.toBe('');
    });
  });

  describe('sending', () => {
    test('5.6 messages and control frames are queued in order until the output is taken', () => {
      const from = server();
      expect(from.wantsWrite).toBe(false);
      from.send('Hi');
      from.send(octets('01 02'));
      from.ping('p');
      from.pong();
      expect([from.wantsWrite, from.outputLength]).toEqual([true, 4 + 4 + 3 + 2]);
      expect(take(from)).toBe(wire('81024869 82020102 890170 8a00'));
      expect([from.wantsWrite, from.outputLength]).toEqual([false, 0]);
    });

    test('5.6 output goes to the memory of the caller, as much as fits, and frames that wait are counted', () => {
      const peer = server();
      peer.send('Hello');
      peer.ping();
      expect(peer.outputFrames).toBe(2);
      const target = new Uint8Array(6);
      let written = '';
      while (peer.wantsWrite) written += hex(target.subarray(0, peer.takeInto(target)));
      expect([written, peer.outputFrames]).toEqual([wire('810548656c6c6f 8900'), 0]);
      peer.send('Hello');
      expect(peer.takeOutput({ limit: 6 }).map(hex).join('')).toBe('810548656c6c');
      expect(take(peer)).toBe('6f');
    });

    test('5.3 every frame of a client is masked, with keys from the caller', () => {
      const from = connection();
      from.send('Hello');
      expect(take(from)).toBe('8185' + hex(KEY) + '7f9f4d5158');
    });

    test('5.2 a message with RSV bits of its own is encoded beforehand', () => {
      const encoder = new FrameEncoder({ role: Role.Server, kernels });
      encoder.frame(RSV1 | Opcode.Binary, octets('01'));
      encoder.frame(FIN | Opcode.Continuation, octets('02'));
      const from = server();
      for (const frames of encoder.take()) from.sendFrames(frames);
      expect(take(from)).toBe(wire('420101 800102'));
    });

    test('5.2 a pulled message has RSV bits on its first frame', () => {
      const from = server();
      from.sendFrom(sourceOf('01', '02'), { rsv: RSV1 });
      expect(take(from)).toBe(wire('420101 800102'));
    });

    test('5.4 fragments are pulled from a source as output is taken, and no further than they are ready', () => {
      const from = server();
      from.sendFrom(sourceOf('01 02', undefined, '03', ''));
      expect([from.wantsWrite, from.queuedMessages]).toEqual([true, 1]);
      expect(take(from)).toBe('02020102');
      expect(take(from)).toBe(wire('000103 8000'));
      expect([from.wantsWrite, from.queuedMessages, take(from)]).toEqual([false, 0, '']);
      let cancelled = 0;
      const closing = server();
      closing.sendFrom({ ...sourceOf('01', undefined), cancel: () => void cancelled++ });
      expect(take(closing)).toBe('020101');
      expect([take(closing), closing.wantsWrite]).toEqual(['', false]);
      closing.close(1000);
      expect([cancelled, take(closing)]).toEqual([1, '880203e8']);
    });

    test('5.4 a source is pulled in batches, not all at once', () => {
      let pulled = 0;
      const from = server();
      from.sendFrom({
        pull() {
          if (pulled === 100) throw new Error('pulled after the last fragment');
          return { data: new Uint8Array(16 * 1024), last: ++pulled === 100 };
        },
      });
      from.takeOutput();
      expect(pulled).toBeGreaterThan(1);
      expect(pulled).toBeLessThan(10);
      while (from.wantsWrite) from.takeOutput();
      expect(pulled).toBe(100);
    });

    test('5.4 a pulled message can be text', () => {
      const from = server();
      from.sendFrom(sourceOf('48', '69'), { binary: false });
      expect(take(from)).toBe(wire('010148 800169'));
    });

    test('5.4 a ping passes between the fragments of a pulled message, and messages wait for its end', () => {
      const from = server();
      from.sendFrom(sourceOf('01', undefined, '02'));
      expect(take(from)).toBe('020101');
      from.ping();
      from.send('after');
      expect([from.queuedMessages, from.queuedOctets]).toEqual([2, 5]);
      expect(take(from)).toBe(wire('8900 800102 81056166746572'));
      expect([from.queuedMessages, from.queuedOctets]).toEqual([0, 0]);
    });

    test('an error that a source throws reaches the caller who takes the output', () => {
      const from = server();
      from.sendFrom({
        pull() {
          throw new Error('the disk is gone');
        },
      });
      expect(() => from.takeOutput()).toThrow('the disk is gone');
      from.stopWriting();
      expect([from.wantsWrite, take(from)]).toEqual([false, '']);
      // A source that has given a part leaves a message that cannot be ended: the connection closes with 1011.
      const broken = server();
      broken.sendFrom(sourceOf('01', undefined));
      expect(take(broken)).toBe('020101');
      broken.dropSource();
      expect([take(broken), broken.closeSent]).toEqual(['880203f3', 1011]);
      const closing = server();
      closing.sendFrom({
        pull() {
          throw new Error('the disk is gone');
        },
      });
      expect(() => closing.takeOutput()).toThrow('the disk is gone');
      closing.close(1011);
      expect([take(closing), closing.queuedMessages]).toEqual(['880203f3', 0]);
    });

    test('stopWriting drops what waits, and nothing more is sent', () => {
      const from = server();
      from.send('one');
      from.sendFrom(sourceOf('01'));
      from.stopWriting();
      expect(from.state).toBe(State.Open);
      from.send('two');
      from.close(1000);
      expect([from.wantsWrite, from.queuedMessages, take(from)]).toEqual([false, 0, '']);
      expect(from.send('three')).toBe(false);
      const closing = server();
      closing.close(1000);
      closing.stopWriting();
      expect([closing.closeQueued, closing.closeSent, take(closing)]).toEqual([1000, undefined, '880203e8']);
    });
  });

  describe('closing', () => {
    test('7.1.5 before a Close the codes are those of none', () => {
      const idle = connection();
      expect([idle.closeReceived, idle.closeCode, idle.closeSent]).toEqual([undefined, 1006, undefined]);
    });

    test('5.5.1 a Close is queued with code and reason, and nothing can be sent after it', () => {
      const from = server();
      from.send('last');
      from.close(4000, 'Grüße');
      expect(take(from)).toBe(wire('81046c617374 8809 0fa0') + hex(Buffer.from('Grüße')));
      expect([from.closeSent, from.state, from.wantsRead]).toEqual([4000, State.LocalClosing, true]);
      expect(() => from.send('more')).toThrow(/nothing can be sent/);
      expect(() => from.sendFrom(sourceOf('01'))).toThrow(/nothing can be sent/);
      from.close(1000);
      expect(take(from)).toBe('');
      const ended = server();
      ended.stopWriting();
      expect(ended.send('more')).toBe(false);
    });

    test('5.5.1 a Close without a code has none in its frame', () => {
      const from = server();
      from.close();
      expect([take(from), from.closeSent]).toEqual(['8800', 1005]);
    });

    test('7.4 a code that may not be sent, or a reason that is too long, is the caller’s mistake', () => {
      const from = server();
      for (const code of BAD_CODES) expect(() => from.close(code)).toThrow(TypeError);
      expect(() => from.close(1000, 'x'.repeat(124))).toThrow(RangeError);
      expect([from.state, take(from)]).toEqual([State.Open, '']);
    });

    test('5.5.1 a Close that comes is told with code and reason, answered, and nothing is read after it', () => {
      const to = server();
      expect(receive(to, '88 84 00000000 03e9 6279 81 80 00000000')).toEqual([
        { type: EventType.Close, code: 1001, data: octets('62 79') },
      ]);
      expect(to.closeReceived).toEqual({ code: 1001, reason: octets('62 79') });
      expect([to.closeCode, to.closeQueued, to.wantsRead, to.state]).toEqual([1001, 1001, false, State.Closed]);
      expect([to.shouldEnd, take(to), to.shouldEnd]).toEqual([false, '880403e96279', true]);
    });

    test('7.1.5 a Close without a code reads as 1005', () => {
      const to = server();
      expect(receive(to, '88 80 00000000')).toMatchObject([{ type: EventType.Close, code: 1005 }]);
      expect([to.closeCode, take(to), to.closeSent]).toEqual([1005, '8800', 1005]);
    });

    test('a connection that is disposed of wants and gives nothing', () => {
      const gone = server();
      gone.send('text');
      gone.dispose();
      expect([gone.wantsRead, gone.wantsWrite, gone.state]).toEqual([false, false, State.Closed]);
      expect(receive(gone, '81 80 00000000')).toEqual([]);
    });
  });
});
