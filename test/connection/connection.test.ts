import { describe, expect, test } from 'vitest';
import { newStatistics } from '../../src/codec/statistics.js';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.js';
import { State } from '../../src/connection/state.js';
import type { FragmentSource } from '../../src/connection/outbound.js';
import { EventType, type ConnectionEvent } from '../../src/connection/event.js';
import { UsageError } from '../../src/errors/usage-error.js';
import { violationError, type WebSocketError } from '../../src/errors/violations.js';
import { LATER, type Deflater, type Inflater } from '../../src/extensions/transform.js';
import { makeNodeValues } from '../../src/node/values.js';
import { Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { plainValues, type Values } from '../../src/values/values.js';
import { BAD_CODES } from '../support/close-codes.js';
import { KERNELS } from '../support/our-decoders.js';
import { Random } from '../support/random.js';
import { decodeFrames, encodeFrame, type RawFrameOptions } from '../support/raw-peer.js';

const PONGS = 60;

/** What the connection has to write, as short words: `text one`, `ping abc`, `close 1000 why`. */
function output(connection: Connection): string[] {
  return decodeFrames(Buffer.concat(connection.takeOutput())).map(({ opcode, fin, rsv1, payload }) => {
    const name = { 0: 'more', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' }[opcode];
    const said =
      opcode === 8 && payload.length > 0
        ? `${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`.trim()
        : payload.toString();
    return `${name}${rsv1 ? '/deflated' : ''}${fin ? '' : '...'} ${said}`.trim();
  });
}

/** Whether two views are of the same bytes in memory. */
function isSameMemory(one: Uint8Array, other: Uint8Array): boolean {
  return one.buffer === other.buffer && one.byteOffset === other.byteOffset && one.length === other.length;
}

/** An event as short words. */
function word(event: ConnectionEvent): string {
  const said = 'data' in event ? Buffer.from(event.data as Uint8Array).toString() : '';
  switch (event.type) {
    case EventType.Message:
      return `${event.isBinary ? 'binary' : 'text'} ${said}`.trim();
    case EventType.Part:
      return `${event.isFirst ? '<' : ''}${said}${event.isLast ? '>' : ''}`;
    case EventType.Ping:
      return `ping ${said}`.trim();
    case EventType.Pong:
      return `pong ${said}`.trim();
    case EventType.Close:
      return `close ${event.code} ${said}`.trim();
    case EventType.Failure:
      return `failure ${event.error.code} ${event.error.closeCode}`;
  }
}

function events(connection: Connection): string[] {
  const list: string[] = [];
  for (let event = connection.next(); event !== undefined; event = connection.next()) list.push(word(event));
  return list;
}

/** A deflater and an inflater that answer when they are told to, and that "compress" by a star in front. */
class Stars implements Inflater, Deflater {
  later = true;
  readonly asked: string[] = [];
  isClosed = false;
  inflate(payload: Uint8Array): Uint8Array | typeof LATER {
    this.asked.push(Buffer.from(payload).toString());
    return this.later ? LATER : this.unstarred(this.asked.at(-1)!);
  }
  deflate(payload: Uint8Array): Uint8Array | WebSocketError | typeof LATER {
    this.asked.push(Buffer.from(payload).toString());
    return this.later ? LATER : Buffer.from(`*${this.asked.at(-1)}`);
  }
  close(): void {
    this.isClosed = true;
  }
  unstarred(text: string): Uint8Array {
    return Buffer.from(text.replace('*', ''));
  }
}

const broken = violationError(Violation.InvalidDeflate);

describe.each(KERNELS)('Connection on $name', (kernels) => {
  function client(options: Partial<ConnectionOptions> = {}): Connection {
    return new Connection({ role: Role.Client, kernels, ...options });
  }
  function server(options: Partial<ConnectionOptions> = {}): Connection {
    return new Connection({ role: Role.Server, kernels, ...options });
  }
  /** Lets a client's connection receive frames, all in one chunk. */
  function receive(connection: Connection, ...frames: RawFrameOptions[]): void {
    connection.receive(new Uint8Array(Buffer.concat(frames.map(encodeFrame))));
  }
  const closeFrame = (code?: number, reason = ''): RawFrameOptions => {
    const payload = Buffer.alloc(code === undefined ? 0 : 2);
    if (code !== undefined) payload.writeUInt16BE(code);
    return { opcode: 8, payload: Buffer.concat([payload, Buffer.from(reason)]) };
  };

  describe('closing', () => {
    test('7.1.2 our Close first: local-closing, messages still come, and the peer’s Close closes', () => {
      const connection = client();
      connection.close(1001, 'bye');
      expect([connection.state, connection.closeQueued, connection.closeCode]).toEqual([
        State.LocalClosing,
        1001,
        1006,
      ]);
      receive(connection, { payload: 'late' }, { opcode: 9, payload: 'unanswered' }, closeFrame(4000, 'so be it'));
      expect(events(connection)).toEqual(['text late', 'ping unanswered', 'close 4000 so be it']);
      expect([connection.state, connection.closeCode, connection.shouldEnd]).toEqual([State.Closed, 4000, false]);
      expect(output(connection)).toEqual(['close 1001 bye']);
      expect([connection.shouldEnd, connection.wantsRead, connection.failure]).toEqual([true, false, undefined]);
    });

    test('7.1.1 a transport on which nothing waits is not to be ended before the peer’s Close has come', () => {
      const connection = client();
      expect(connection.shouldEnd).toBe(false);
      connection.close(1000);
      expect([output(connection), connection.shouldEnd]).toEqual([['close 1000'], false]);
    });

    test('5.5.1 the peer’s Close first: answered with its code, after what was sent before', () => {
      const connection = client();
      connection.send('before');
      receive(connection, closeFrame(3999, 'why'), { payload: 'discarded' }, { opcode: 9 });
      expect(events(connection)).toEqual(['close 3999 why']);
      receive(connection, { payload: 'discarded too' });
      expect(events(connection)).toEqual([]);
      expect(output(connection)).toEqual(['text before', 'close 3999 why']);
      expect([connection.state, connection.closeQueued, connection.closeCode]).toEqual([State.Closed, 3999, 3999]);
      expect(connection.closeReceived?.code).toBe(3999);
    });

    test('5.5.1 a Close that is not answered by itself: the caller may send before its own', () => {
      const connection = client();
      connection.autoClose = false;
      receive(connection, closeFrame(1001));
      expect(events(connection)).toEqual(['close 1001']);
      expect([connection.state, connection.wantsRead, output(connection)]).toEqual([State.Open, false, []]);
      connection.send('last');
      expect([connection.close(1001), connection.state]).toEqual([true, State.Closed]);
      expect([output(connection), connection.shouldEnd]).toEqual([['text last', 'close 1001'], true]);
    });

    test('7.1.5 a Close without a code is answered without one; 1005 and 1006 are told and never written', () => {
      const connection = client();
      receive(connection, closeFrame());
      expect(events(connection)).toEqual(['close 1005']);
      expect(Buffer.concat(connection.takeOutput()).length).toBe(2 + 4);
      expect([connection.closeCode, connection.closeQueued]).toEqual([1005, 1005]);
      const other = client();
      other.close();
      expect([output(other), other.closeSent]).toEqual([['close'], 1005]);
      for (const code of [...BAD_CODES, 1000.5]) {
        const open = client();
        expect(() => open.close(code), `${code}`).toThrow(TypeError);
        expect([open.state, open.closeSent, output(open)]).toEqual([State.Open, undefined, []]);
      }
    });

    test('7.4.1 a Close of the peer with a code that may not be sent fails with 1002, and 1007 is for the reason', () => {
      for (const [frame, code, closeCode, message] of [
        [closeFrame(1005), 'WS_ERR_INVALID_CLOSE_CODE', 1002, 'Invalid WebSocket frame: invalid status code 1005'],
        [closeFrame(1006), 'WS_ERR_INVALID_CLOSE_CODE', 1002, 'Invalid WebSocket frame: invalid status code 1006'],
        [
          { opcode: 8, payload: 'x' },
          'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
          1002,
          'Invalid WebSocket frame: invalid payload length 1',
        ],
        [
          { opcode: 8, payload: Buffer.from('03e8ff', 'hex') },
          'WS_ERR_INVALID_UTF8',
          1007,
          'Invalid WebSocket frame: invalid UTF-8 sequence',
        ],
      ] as const) {
        const connection = client();
        receive(connection, frame, { payload: 'discarded' });
        expect(events(connection)).toEqual([`failure ${code} ${closeCode}`]);
        expect(connection.failure?.message).toBe(message);
        expect(output(connection)).toEqual([`close ${closeCode}`]);
        expect([connection.closeReceived, connection.closeCode, connection.shouldEnd]).toEqual([undefined, 1006, true]);
      }
    });

    test('7.1 closing again does nothing, but a bad code throws all the same', () => {
      const connection = client();
      connection.close(1000);
      expect(connection.close(1001)).toBe(false);
      expect(() => connection.close(1006)).toThrow(TypeError);
      expect(() => connection.close(1000, 'x'.repeat(124))).toThrow(RangeError);
      expect([output(connection), connection.closeSent]).toEqual([['close 1000'], 1000]);
    });

    test('5.5.1 nothing can be sent after a Close: UsageError, and nothing is written', () => {
      for (const end of [
        (connection: Connection) => void connection.close(1000),
        (connection: Connection) => {
          receive(connection, closeFrame(1000));
          connection.next();
        },
        (connection: Connection) => connection.receiveEnd(),
        (connection: Connection) => connection.dispose(),
      ]) {
        const connection = client();
        end(connection);
        connection.takeOutput();
        const { state } = connection;
        expect(() => connection.send('a')).toThrow(UsageError);
        expect(() => connection.ping()).toThrow(UsageError);
        expect(() => connection.pong()).toThrow(UsageError);
        expect(() => connection.sendFrames(Uint8Array.of(0x81, 0))).toThrow(UsageError);
        expect(() => connection.sendFrom({ pull: () => undefined })).toThrow(UsageError);
        expect([output(connection), connection.state]).toEqual([[], state]);
      }
    });

    test('5.4 a Close between the fragments of a message ends it, in either direction', () => {
      const connection = client();
      expect(connection.isAmidMessage).toBe(false);
      connection.send('half', { fin: false });
      expect(connection.isAmidMessage).toBe(true);
      connection.close(1000);
      expect(output(connection)).toEqual(['text... half', 'close 1000']);
      const receiver = client();
      receive(receiver, { payload: 'half', fin: false }, closeFrame(1001), { opcode: 0, payload: 'rest' });
      expect(events(receiver)).toEqual(['close 1001']);
      expect(output(receiver)).toEqual(['close 1001']);
    });

    test('5.5.1 a reason may be bytes', () => {
      const connection = client();
      connection.close(1000, new TextEncoder().encode('why'));
      expect(output(connection)).toEqual(['close 1000 why']);
    });

    test('7.1.4 Closed is the last state: nothing is closed after it, and a Close that is told later changes nothing', () => {
      const ended = client();
      ended.receiveEnd();
      expect([ended.close(1000), output(ended), ended.closeQueued]).toEqual([false, [], undefined]);
      const pulling = client();
      pulling.sendFrom({ pull: () => undefined });
      receive(pulling, closeFrame(1001));
      pulling.receiveEnd();
      expect([events(pulling), pulling.state]).toEqual([['close 1001'], State.Closed]);
    });

    test('7.1.5 the peer’s end without a Close: 1006, and what had come before is still told', () => {
      const connection = client();
      receive(connection, { payload: 'one' }, { payload: 'two' }, { opcode: 9, payload: 'p' });
      expect(word(connection.next()!)).toBe('text one');
      connection.receiveEnd();
      expect(connection.state).toBe(State.Closed);
      expect(events(connection)).toEqual(['text two', 'ping p']);
      expect([connection.closeCode, output(connection), connection.shouldEnd]).toEqual([1006, [], true]);
      const late = client();
      receive(late, { payload: 'one' }, closeFrame(4001));
      late.receiveEnd();
      expect(events(late)).toEqual(['text one', 'close 4001']);
      expect(late.closeCode).toBe(4001);
    });

    test('5.5.1 a Close waits for messages that the deflater still has', () => {
      const stars = new Stars();
      const connection = client({ deflater: stars });
      expect(connection.send('one')).toBe(false);
      expect(connection.send('two', { compress: false })).toBe(false);
      expect(connection.close(1000)).toBe(false);
      expect([connection.state, output(connection), connection.queuedMessages]).toEqual([State.LocalClosing, [], 3]);
      receive(connection, closeFrame(1000));
      expect(events(connection)).toEqual(['close 1000']);
      expect([connection.state, connection.shouldEnd]).toEqual([State.LocalClosing, false]);
      connection.deflated(Buffer.from('*one'));
      expect(output(connection)).toEqual(['text/deflated *one', 'text two', 'close 1000']);
      expect([connection.state, connection.shouldEnd, connection.takeReleased()]).toEqual([State.Closed, true, 3]);
    });
  });

  describe('failing', () => {
    test('7.1.7 replies and messages that were queued go out before the Close, and what was valid is told', () => {
      const connection = client();
      connection.send('queued');
      receive(connection, { payload: 'valid' }, { opcode: 9, payload: 'p' }, { opcode: 3 }, { payload: 'never' });
      expect(events(connection)).toEqual(['text valid', 'ping p', 'failure WS_ERR_INVALID_OPCODE 1002']);
      expect(output(connection)).toEqual(['text queued', 'pong p', 'close 1002']);
      expect([connection.state, connection.shouldEnd, connection.closeCode]).toEqual([State.Closed, true, 1006]);
      receive(connection, { payload: 'never' });
      expect([events(connection), output(connection)]).toEqual([[], []]);
    });

    test('7.1.7 a violation after our Close writes no second one', () => {
      const connection = client();
      connection.close(1000);
      receive(connection, { opcode: 3 });
      expect(events(connection)).toEqual(['failure WS_ERR_INVALID_OPCODE 1002']);
      expect(output(connection)).toEqual(['close 1000']);
    });

    // H06
    test('7.4.1 a trap in the kernels fails this connection with 1011, and no other', () => {
      let calls = 0;
      const trapping = {
        ...kernels,
        scanFrames: (...given: Parameters<typeof kernels.scanFrames>): number => {
          if (++calls === 3) throw new WebAssembly.RuntimeError('unreachable');
          return kernels.scanFrames(...given);
        },
      };
      const lines = Array.from({ length: 4 }, () => new Connection({ role: Role.Client, kernels: trapping }));
      const told = lines.map((connection) => {
        receive(connection, { payload: 'hello' });
        return events(connection);
      });
      expect(told).toEqual([['text hello'], ['text hello'], ['failure WS_ERR_INTERNAL 1011'], ['text hello']]);
      expect(output(lines[2])).toEqual(['close 1011']);
    });

    // E09
    test('5.3 without a masking key nothing goes out: send throws, and a ping that cannot be answered fails', () => {
      let isBroken = false;
      const generateMask = (): void => {
        if (isBroken) throw new Error('no entropy');
      };
      const connection = client({ generateMask });
      connection.send('one');
      isBroken = true;
      expect(() => connection.send('two')).toThrow('no entropy');
      expect(() => connection.send('x', { fin: false })).toThrow('no entropy');
      expect(() => connection.ping('p')).toThrow('no entropy');
      expect(() => connection.close(1000)).toThrow('no entropy');
      expect([connection.state, connection.closeSent, output(connection)]).toEqual([
        State.Open,
        undefined,
        ['text one'],
      ]);
      receive(connection, { opcode: 9, payload: 'p' }, { payload: 'never' });
      expect(events(connection)).toEqual(['ping p', 'failure WS_ERR_INTERNAL 1011']);
      expect(connection.failure?.cause).toEqual(new Error('no entropy'));
      expect([output(connection), connection.shouldEnd, connection.closeSent]).toEqual([[], true, undefined]);

      const closing = client({ generateMask });
      receive(closing, closeFrame(1000));
      expect(events(closing)).toEqual(['close 1000', 'failure WS_ERR_INTERNAL 1011']);
      expect([output(closing), closing.closeCode, closing.shouldEnd]).toEqual([[], 1000, true]);

      const wrong = client({ generateMask });
      receive(wrong, { opcode: 3 });
      expect(events(wrong)).toEqual(['failure WS_ERR_INVALID_OPCODE 1002']);
      expect([output(wrong), wrong.shouldEnd]).toEqual([[], true]);
      isBroken = false;
      const queued = client({ generateMask });
      queued.send('queued');
      isBroken = true;
      receive(queued, { opcode: 3 });
      expect(events(queued)).toEqual(['failure WS_ERR_INVALID_OPCODE 1002']);
      expect([output(queued), queued.shouldEnd]).toEqual([[], true]);

      const stars = new Stars();
      stars.later = false;
      const compressing = client({ generateMask, deflater: stars });
      expect(() => compressing.send('lost')).toThrow('no entropy');
      expect(events(compressing)).toEqual(['failure WS_ERR_INTERNAL 1011']);
    });

    describe('a source of keys that uses its connection', () => {
      /** A client whose source of keys does something once; what it has to write is told by `whatLeaves`. */
      function using(act: (connection: Connection) => void): { connection: Connection; arm: () => void } {
        let isArmed = false;
        const connection: Connection = client({
          generateMask(into) {
            into.set([1, 2, 3, 4]);
            if (!isArmed) return;
            isArmed = false;
            act(connection);
          },
        });
        return { connection, arm: () => (isArmed = true) };
      }
      const sends: [string, (connection: Connection) => void][] = [
        ['text', (connection) => connection.send('outer')],
        ['long text', (connection) => connection.send('x'.repeat(20_000))],
        ['bytes', (connection) => connection.send(Buffer.from('outer'))],
        ['a fragment', (connection) => connection.send('outer', { fin: false })],
        ['a ping', (connection) => connection.ping('outer')],
        ['a Close', (connection) => connection.close(1001)],
      ];
      const acts: [string, (connection: Connection) => void, string[]][] = [
        ['closes', (connection) => connection.close(1000), ['close 1000']],
        ['begins a message', (connection) => connection.send('inner', { fin: false }), ['text... inner']],
        ['stops writing', (connection) => connection.stopWriting(), []],
        ['disposes of it', (connection) => connection.dispose(), []],
      ];
      const table = acts.flatMap(([act, does, leaves]) =>
        sends.map(([name, send]) => [act, name, does, send, leaves] as const),
      );

      test.each(table)('5.4, 5.5.1 it %s: %s cannot follow, and is refused', (_act, _name, does, send, leaves) => {
        const { connection, arm } = using(does);
        arm();
        expect(() => send(connection)).toThrow(UsageError);
        expect(output(connection)).toEqual(leaves);
      });

      test('5.4 it sends a message: both go out whole', () => {
        const { connection, arm } = using((its) => its.send('inner'));
        arm();
        connection.send('outer');
        expect(output(connection)).toEqual(['text inner', 'text outer']);
      });

      test('5.5.1 it closes or drops the source whose fragment is written: nothing follows the Close', () => {
        for (const [act, code] of [
          [(its: Connection) => its.close(1000), 1000],
          [(its: Connection) => its.dropSource(), 1011],
        ] as const) {
          const { connection, arm } = using(act);
          let pulls = 0;
          connection.sendFrom({
            pull() {
              if (++pulls === 2) arm();
              return { data: `${pulls}`, last: false };
            },
          });
          expect(output(connection)).toEqual(['binary... 1', `close ${code}`]);
          expect(connection.shouldEnd).toBe(true);
        }
      });
    });

    test.each([null, undefined, 5, 'text', new Error('other'), new ArrayBuffer(2), LATER])(
      'a result that is neither bytes nor a WebSocketError, %s: it is refused, or fails the connection',
      (wrong) => {
        const result = wrong as unknown as WebSocketError;
        const stars = new Stars();
        const waiting = server({ deflater: stars, inflater: stars });
        waiting.send('one');
        expect(() => waiting.deflated(result)).toThrow(UsageError);
        waiting.deflated(Buffer.from('*one'));
        expect(output(waiting)).toEqual(['text/deflated *one']);

        const reading = client({ inflater: stars });
        reading.receive(encodeFrame({ rsv1: true, payload: '*two' }));
        expect(events(reading)).toEqual([]);
        expect(() => reading.inflated(result)).toThrow(UsageError);
        reading.inflated(Buffer.from('two'));
        expect(events(reading)).toEqual(['text two']);
        if (wrong === LATER) return;

        const odd = { inflate: () => result, deflate: () => result, close() {} };
        const sending = server({ deflater: odd });
        expect(() => sending.send('one')).toThrow(UsageError);
        expect(events(sending)).toEqual(['failure WS_ERR_INTERNAL 1011']);
        expect(output(sending)).toEqual(['close 1011']);
        const inflating = client({ inflater: odd });
        inflating.receive(encodeFrame({ rsv1: true, payload: '*two' }));
        expect(events(inflating)).toEqual(['failure WS_ERR_INTERNAL 1011']);
      },
    );

    test('a result that is a view of another kind counts with all its bytes', () => {
      const { buffer } = Uint8Array.from(Buffer.from('*one'));
      for (const view of [new DataView(buffer), new Uint16Array(buffer)]) {
        const stars = new Stars();
        const connection = server({ deflater: stars });
        connection.send('one');
        connection.deflated(view as unknown as Uint8Array);
        expect(connection.outputLength).toBe(6);
        expect(output(connection)).toEqual(['text/deflated *one']);
      }
    });

    test('5.5.1 a deflater that closes or fragments: its frame does not follow, and the connection fails', () => {
      const acts: [(connection: Connection) => void, string][] = [
        [(connection) => connection.close(1000), 'close 1000'],
        [(connection) => connection.stopWriting(), ''],
        [(connection) => connection.send('inner', { fin: false, compress: false }), 'text... inner'],
      ];
      for (const [act, leaves] of acts) {
        const stars = new Stars();
        stars.later = false;
        const connection: Connection = server({
          deflater: {
            deflate(payload) {
              act(connection);
              return stars.deflate(payload);
            },
            close() {},
          },
        });
        expect(() => connection.send('outer')).toThrow(UsageError);
        expect(output(connection).join().startsWith(leaves)).toBe(true);
        expect(events(connection)).toEqual(['failure WS_ERR_INTERNAL 1011']);
      }
    });
  });

  describe('pings', () => {
    // D03
    test.each([1, 59, 60, 61, 10_000])('5.5.3 answers %i pings of one chunk: sixty, then the latest', (count) => {
      const connection = client();
      receive(connection, ...Array.from({ length: count }, (_, i) => ({ opcode: 9, payload: `${i}` })));
      expect(events(connection).length).toBe(count);
      const pongs = output(connection);
      const expected = Array.from({ length: Math.min(count, PONGS) }, (_, i) => `pong ${i}`);
      if (count > PONGS) expected.push(`pong ${count - 1}`);
      expect(pongs).toEqual(expected);
      receive(connection, { opcode: 9, payload: 'again' });
      events(connection);
      expect(output(connection)).toEqual(['pong again']);
    });

    test('5.5.3 while earlier output waits, sixty answers are written, and then none until it moves', () => {
      const connection = client();
      connection.congested = true;
      for (let i = 0; i < 500; i++) {
        receive(connection, { opcode: 9, payload: `${i}` });
        events(connection);
      }
      expect(output(connection).length).toBe(PONGS);
      expect(output(connection)).toEqual([]);
      connection.congested = true;
      expect(output(connection)).toEqual([]);
      connection.congested = false;
      expect(connection.wantsWrite).toBe(true);
      expect(output(connection)).toEqual(['pong 499']);
    });

    test('5.5.2 a ping is not answered after a Close, nor with autoPong false, and not when it came too late', () => {
      const connection = client();
      connection.congested = true;
      receive(connection, ...Array.from({ length: 70 }, () => ({ opcode: 9 })));
      events(connection);
      connection.close(1000);
      connection.congested = false;
      expect(output(connection).slice(PONGS)).toEqual(['close 1000']);
      const silent = client({ autoPong: false });
      receive(silent, { opcode: 9, payload: 'p' });
      expect([events(silent), output(silent)]).toEqual([['ping p'], []]);
    });

    test('5.5 a control frame of 126 bytes throws and changes nothing', () => {
      const connection = client();
      const error = new RangeError('The data size must not be greater than 125 bytes');
      for (const data of ['x'.repeat(126), new Uint8Array(126), '€'.repeat(42)]) {
        expect(() => connection.ping(data)).toThrow(error);
        expect(() => connection.pong(data)).toThrow(error);
      }
      connection.ping('x'.repeat(125));
      connection.pong(Uint8Array.of(0x79));
      connection.ping();
      expect(output(connection)).toEqual([`ping ${'x'.repeat(125)}`, 'pong y', 'ping']);
    });
  });

  describe('an inflater that answers later', () => {
    const rsv = (payload: string, more: RawFrameOptions = {}): RawFrameOptions => ({ rsv1: true, payload, ...more });

    test('5.4 keeps everything behind its message in order, chunks that come meanwhile too', () => {
      const stars = new Stars();
      const connection = client({ inflater: stars, values: makeNodeValues(kernels) });
      const chunk = Buffer.concat(
        [rsv('*one'), { opcode: 9, payload: 'p' }, rsv('*two'), { payload: 'three' }].map(encodeFrame),
      );
      connection.receive(chunk);
      expect(events(connection)).toEqual([]);
      chunk.fill(0xff);
      expect([connection.wantsRead, connection.isInflating, output(connection)]).toEqual([false, true, []]);
      const next = Buffer.concat([{ opcode: 10, payload: 'q' }, { payload: 'four' }].map(encodeFrame));
      connection.receive(next.subarray(0, 1));
      connection.receive(next.subarray(1));
      expect(events(connection)).toEqual([]);
      next.fill(0xff);
      connection.inflated(stars.unstarred('*one'));
      expect(events(connection)).toEqual(['text one', 'ping p']);
      expect(output(connection)).toEqual(['pong p']);
      connection.inflated(stars.unstarred('*two'));
      expect(events(connection)).toEqual(['text two', 'text three', 'pong q', 'text four']);
      expect([connection.wantsRead, stars.asked]).toEqual([true, ['*one', '*two']]);
    });

    test('8.1 binary is not judged, nor text where that was asked for; and what is not compressed is not inflated', () => {
      const stars = Object.assign(new Stars(), { later: false });
      stars.unstarred = () => Uint8Array.of(0xff);
      const connection = client({ inflater: stars });
      receive(connection, { rsv1: true, opcode: 2 }, { payload: 'a', fin: false }, { opcode: 0, payload: 'b' });
      expect(connection.next()).toMatchObject({ isBinary: true, data: Uint8Array.of(0xff), fragmentEnds: undefined });
      expect([events(connection), stars.asked]).toEqual([['text ab'], ['']]);
      const skipping = client({ inflater: stars, skipUTF8Validation: true });
      receive(skipping, rsv('a'));
      expect(skipping.next()).toMatchObject({ isBinary: false, data: Uint8Array.of(0xff) });
    });

    test('7.1.7 the first failure is the connection’s, though the inflater fails after it', () => {
      const connection = client({ inflater: new Stars(), deflater: new Stars() });
      receive(connection, rsv('*one'));
      expect([connection.isInflating, events(connection), connection.isInflating]).toEqual([false, [], true]);
      connection.send('one');
      connection.deflated(broken);
      const second = violationError(Violation.InvalidUtf8);
      connection.inflated(second);
      expect(events(connection)).toEqual(['failure Z_DATA_ERROR 1007', 'failure WS_ERR_INVALID_UTF8 1007']);
      expect([connection.failure === broken, output(connection)]).toEqual([true, ['close 1007']]);
    });

    test('7.1.7 its error fails the connection, and its text is judged', () => {
      const connection = client({ inflater: new Stars() });
      receive(connection, rsv('*one'), { payload: 'never' });
      events(connection);
      connection.inflated(broken);
      expect(events(connection)).toEqual(['failure Z_DATA_ERROR 1007']);
      expect(output(connection)).toEqual(['close 1007']);
      const text = client({ inflater: new Stars() });
      receive(text, rsv('*one'));
      events(text);
      text.inflated(Uint8Array.of(0xff));
      expect(events(text)).toEqual(['failure WS_ERR_INVALID_UTF8 1007']);
    });

    test('a result after dispose, and one that nobody asked for, are dropped', () => {
      const stars = new Stars();
      const connection = client({ inflater: stars });
      connection.inflated(Buffer.from('unasked'));
      receive(connection, rsv('*one'), { payload: 'two' });
      expect(events(connection)).toEqual([]);
      connection.dispose();
      connection.inflated(Buffer.from('one'));
      expect([events(connection), stars.isClosed, connection.state]).toEqual([[], true, State.Closed]);
    });

    test.each(['receive', 'receiveLanded'] as const)(
      'a chunk that comes meanwhile may be written over once next has returned undefined: %s',
      (door) => {
        const connection = client({ inflater: new Stars(), values: makeNodeValues(kernels), text: 'string' });
        receive(connection, rsv('*one'));
        expect(events(connection)).toEqual([]);
        // More than one scan takes in.
        const texts = Array.from({ length: 2 * kernels.recordCapacity }, (_, index) => `text ${index}`);
        const chunk = Buffer.concat(texts.map((payload) => encodeFrame({ payload })));
        expect(chunk.length).toBeLessThan(kernels.landingLength);
        if (door === 'receive') connection.receive(chunk);
        else {
          kernels.bytes.set(chunk, kernels.landingAddress);
          connection.receiveLanded(chunk.length);
        }
        expect(events(connection)).toEqual([]);
        chunk.fill('S');
        kernels.bytes.fill(0x53, kernels.landingAddress, kernels.landingAddress + kernels.landingLength);
        connection.inflated(Buffer.from('one'));
        expect(events(connection)).toEqual(['text one', ...texts.map((text) => `text ${text}`)]);
      },
    );

    test('stopReading drops the message that is being inflated, and receiveEnd does not', () => {
      for (const [stop, expected] of [
        [(connection: Connection) => connection.stopReading(), []],
        [(connection: Connection) => connection.receiveEnd(), ['text one']],
      ] as const) {
        for (const isReady of [false, true]) {
          const connection = client({ inflater: new Stars() });
          receive(connection, rsv('*one'));
          expect(events(connection)).toEqual([]);
          if (isReady) connection.inflated(Buffer.from('one'));
          stop(connection);
          if (!isReady) connection.inflated(Buffer.from('one'));
          expect([events(connection), connection.isInflating, connection.wantsRead]).toEqual([expected, false, false]);
        }
      }
    });

    test('10.4 what an inflater may return is bounded by maxPayload; 0 is no bound', () => {
      const bounds: number[] = [];
      const inflater: Inflater = {
        inflate(_, maxLength) {
          bounds.push(maxLength);
          return Buffer.from('x');
        },
        close() {},
      };
      for (const maxPayload of [undefined, 0, 77]) {
        const connection = client({ inflater, maxPayload });
        receive(connection, rsv('a'));
        expect(events(connection)).toEqual(['text x']);
      }
      expect(bounds).toEqual([100 * 1024 * 1024, Infinity, 77]);
    });
  });

  describe('a deflater that answers later', () => {
    test('5.4 keeps the order of all that was sent behind it, as it was when it was sent', () => {
      for (const values of [plainValues, makeNodeValues(kernels)]) {
        const stars = new Stars();
        const connection = client({ deflater: stars, values, controlFirst: false });
        const data = Buffer.from('two');
        const frames = Buffer.from([0x81, 0x80, 0, 0, 0, 0]);
        expect(connection.send('one')).toBe(false);
        expect(connection.send(data, { compress: false })).toBe(false);
        expect(connection.ping(data)).toBe(false);
        expect(connection.sendFrames(frames)).toBe(false);
        expect(connection.send(data)).toBe(false);
        data.fill('x');
        frames.fill(0xff);
        expect([connection.queuedMessages, connection.queuedOctets]).toEqual([5, 18]);
        expect([connection.wantsWrite, connection.takeReleased()]).toEqual([false, 0]);
        connection.deflated(Buffer.from('*one'));
        expect(connection.takeReleased()).toBe(4);
        connection.deflated(Buffer.from('*two'));
        expect([connection.takeReleased(), connection.takeReleased()]).toEqual([1, 0]);
        expect(stars.asked).toEqual(['one', 'two']);
        expect(output(connection)).toEqual([
          'text/deflated *one',
          'binary two',
          'ping two',
          'text',
          'binary/deflated *two',
        ]);
        expect([connection.queuedMessages, connection.queuedOctets]).toEqual([0, 0]);
      }
    });

    test('bytes that are detached while they are compressed leave no trace in what is counted', () => {
      const connection = client({ deflater: new Stars() });
      const memory = new ArrayBuffer(100);
      connection.send(new Uint8Array(memory));
      expect(connection.queuedOctets).toBe(100);
      structuredClone(memory, { transfer: [memory] });
      connection.deflated(Buffer.from('*'));
      expect(connection.queuedOctets).toBe(0);
    });

    test('RFC 7692 6.1 RSV1 marks the first frame alone, and a message is compressed whole or not at all', () => {
      const stars = new Stars();
      stars.later = false;
      const connection = client({ deflater: stars, threshold: 3 });
      connection.send('long', { fin: false });
      connection.send('b', { fin: false });
      connection.ping('p');
      connection.send('', {});
      connection.send('ab', { fin: false });
      connection.send('longer');
      connection.send('é€');
      connection.send('longer', { compress: false });
      expect(output(connection)).toEqual([
        'text/deflated... *long',
        'more... *b',
        'ping p',
        'more *',
        'text... ab',
        'more longer',
        'text/deflated *é€',
        'text longer',
      ]);
    });

    test('its error fails the connection once: what waits is dropped, save for a Close', () => {
      const connection = client({ deflater: new Stars() });
      connection.send('one');
      connection.send('two', { compress: false });
      connection.deflated(broken);
      expect(events(connection)).toEqual(['failure Z_DATA_ERROR 1007']);
      expect([output(connection), connection.queuedOctets, connection.shouldEnd]).toEqual([['close 1007'], 0, true]);

      const closing = client({ deflater: new Stars() });
      closing.send('one');
      closing.send('two');
      closing.close(1000);
      closing.deflated(broken);
      expect(events(closing)).toEqual(['failure Z_DATA_ERROR 1007']);
      expect(output(closing)).toEqual(['close 1000']);

      const failed = client({ deflater: new Stars() });
      failed.send('one');
      receive(failed, { opcode: 3 });
      expect(events(failed)).toEqual(['failure WS_ERR_INVALID_OPCODE 1002']);
      expect([output(failed), failed.shouldEnd]).toEqual([[], false]);
      failed.deflated(broken);
      expect([events(failed), output(failed), failed.shouldEnd]).toEqual([[], ['close 1002'], true]);
    });

    test('a failure at once is told by next, and behind a source too', () => {
      const failing: Deflater = { deflate: () => broken, close() {} };
      const connection = client({ deflater: failing });
      expect(connection.send('one')).toBe(false);
      expect([events(connection), output(connection)]).toEqual([['failure Z_DATA_ERROR 1007'], ['close 1007']]);
      const pulled = client({ deflater: failing });
      pulled.sendFrom({ pull: () => ({ data: Buffer.from('a'), last: true }) });
      pulled.send('one');
      expect(output(pulled)).toEqual(['binary a', 'close 1007']);
      expect(events(pulled)).toEqual(['failure Z_DATA_ERROR 1007']);
    });

    test('a result after dispose, and one that nobody asked for, are dropped', () => {
      const stars = new Stars();
      const connection = client({ deflater: stars });
      connection.deflated(Buffer.from('unasked'));
      connection.send('one');
      connection.dispose();
      connection.deflated(Buffer.from('*one'));
      expect([output(connection), stars.isClosed, connection.wantsWrite]).toEqual([[], true, false]);
    });
  });

  describe('what is sent', () => {
    test('5.6 is written at once, and nothing waits, where nothing compresses and nothing is pulled', () => {
      const connection = new Connection({ role: Role.Server, kernels });
      expect([connection.send('a'), connection.ping(), connection.sendFrames(Uint8Array.of(0x8a, 0), true)]).toEqual([
        true,
        true,
        true,
      ]);
      connection.deflated(new Uint8Array(1));
      expect([connection.queuedMessages, connection.queuedOctets, connection.takeReleased()]).toEqual([0, 0, 0]);
      expect(output(connection)).toEqual(['text a', 'ping', 'pong']);
      connection.stopWriting();
      expect([connection.sendFrames(Uint8Array.of(0x8a, 0)), connection.wantsWrite]).toEqual([false, false]);
    });

    test('the memory of a chunk that was claimed serves again once it is given back', () => {
      const connection = server();
      connection.send('a');
      connection.reuse(connection.takeOutput()[0]);
      connection.send('b');
      const [first] = connection.takeOutput();
      const tray = connection.claim(first);
      connection.send('c');
      const [second] = connection.takeOutput();
      connection.giveBack(first.length, tray);
      connection.send('d');
      const [third] = connection.takeOutput();
      expect([second.buffer === first.buffer, third.buffer === first.buffer]).toEqual([false, true]);
    });

    test('frames of many connections keep their turn', () => {
      const frames = Uint8Array.of(0x81, 1, 0x61);
      const stars = new Stars();
      const connection = server({ deflater: stars, statistics: newStatistics() });
      expect([connection.sendShared(frames), connection.sendShared(frames)]).toEqual([true, true]);
      expect(output(connection)).toEqual(['text a', 'text a']);
      expect(connection.send('one')).toBe(false);
      expect(connection.sendShared(frames)).toBe(false);
      connection.deflated(Buffer.from('*one'));
      expect(output(connection)).toEqual(['text/deflated *one', 'text a']);
      connection.stopWriting();
      expect([connection.sendShared(frames), connection.wantsWrite]).toEqual([false, false]);
    });

    test('5.4 no message is pulled while another is open', () => {
      const connection = client();
      connection.send('a', { fin: false });
      expect(() => connection.sendFrom({ pull: () => undefined })).toThrow(
        new UsageError('The open message must be ended before another begins'),
      );
      expect(output(connection)).toEqual(['text... a']);
    });

    test('5.4 two sources are pulled one after the other, and nothing behind the second comes before its end', () => {
      const connection = client();
      const source = (text: string, last: boolean[]): FragmentSource => ({
        pull: () => (last.length === 0 ? undefined : { data: Buffer.from(text), last: last.shift()! }),
      });
      const second: boolean[] = [];
      connection.sendFrom(source('a', [false, true]));
      connection.sendFrom(source('b', second));
      connection.send('c');
      expect(output(connection)).toEqual(['binary... a', 'more a']);
      expect([connection.queuedMessages, connection.takeReleased()]).toEqual([2, 1]);
      second.push(true);
      expect(output(connection)).toEqual(['binary b', 'text c']);
    });

    test('frames that wait are kept by reference when they are lent', () => {
      const connection = server({ deflater: new Stars() });
      const frames = Buffer.from([0x81, 0x01, 0x61]);
      connection.send('one');
      expect(connection.sendFrames(frames, true)).toBe(false);
      frames[2] = 0x62;
      connection.deflated(Buffer.from('*one'));
      expect(output(connection)).toEqual(['text/deflated *one', 'text b']);
    });

    test('what is shorter than the threshold is not compressed, text counted in bytes', () => {
      const stars = new Stars();
      stars.later = false;
      const connection = client({ deflater: stars, threshold: 3 });
      connection.send(new TextEncoder().encode('ab'));
      connection.send(new TextEncoder().encode('abc'));
      connection.send('é');
      connection.send('€');
      expect(output(connection)).toEqual(['binary ab', 'binary/deflated *abc', 'text é', 'text/deflated *€']);
    });

    test('what is written at once says so, and is not counted as released', () => {
      const connection = server();
      expect([connection.queuedMessages, connection.queuedOctets, connection.takeReleased()]).toEqual([0, 0, 0]);
      const frames = Uint8Array.of(0x81, 1, 0x63);
      expect([connection.send('a'), connection.ping('b'), connection.sendFrames(frames)]).toEqual([true, true, true]);
      connection.deflated(Buffer.from('unasked'));
      expect([output(connection), connection.takeReleased()]).toEqual([['text a', 'ping b', 'text c'], 0]);
      expect([connection.state, connection.failure]).toEqual([State.Open, undefined]);
    });

    test('what waits behind a source is counted once it is written, and no fragment is compressed without a deflater', () => {
      const connection = server();
      const parts = ['a'];
      connection.sendFrom({ pull: () => ({ data: Buffer.from(parts.shift()!), last: parts.length === 0 }) });
      expect(connection.send('b')).toBe(false);
      expect([output(connection), connection.takeReleased()]).toEqual([['binary a', 'text b'], 2]);
      connection.send('c', { fin: false });
      connection.send('d');
      expect(output(connection)).toEqual(['text... c', 'more d']);
    });

    test('answers that had to wait are nobody’s: neither a pong nor the answer to a Close is counted as released', () => {
      for (const [frame, said] of [
        [{ opcode: 9, payload: 'p' }, 'pong p'],
        [closeFrame(1000), 'close 1000'],
        [{ opcode: 3 }, 'close 1002'],
      ] as const) {
        const connection = server({ deflater: new Stars(), controlFirst: false });
        connection.send('one');
        receive(connection, { ...frame, masked: true });
        events(connection);
        connection.deflated(Buffer.from('*one'));
        expect([output(connection), connection.takeReleased()]).toEqual([['text/deflated *one', said], 1]);
      }
    });

    test('a long payload is copied unless it is lent', () => {
      const connection = server();
      const payload = new Uint8Array(70_000);
      connection.send(payload);
      expect(connection.takeOutput().every(({ buffer }) => buffer !== payload.buffer)).toBe(true);
      connection.send(payload, { lent: true });
      expect(isSameMemory(connection.takeOutput()[1], payload)).toBe(true);
    });

    test('after stopWriting nothing is written, and every send says so', () => {
      const connection = client({ deflater: new Stars() });
      connection.stopWriting();
      const frames = Uint8Array.of(0x81, 0x80, 0, 0, 0, 0);
      expect([connection.send('a'), connection.ping(), connection.sendFrames(frames)]).toEqual([false, false, false]);
      connection.sendFrom({ pull: () => ({ data: 'a', last: true }) });
      expect([connection.close(1000), connection.closeQueued, connection.state]).toEqual([
        false,
        undefined,
        State.Open,
      ]);
      expect([output(connection), connection.wantsWrite, connection.queuedMessages]).toEqual([[], false, 0]);
    });

    test('limits and the validation of text can be changed, and hold from the next chunk on', () => {
      const connection = server();
      expect([connection.maxPayload, connection.skipUTF8Validation]).toEqual([100 * 1024 * 1024, false]);
      connection.skipUTF8Validation = true;
      connection.receive(encodeFrame({ payload: Uint8Array.of(0xff), masked: true }));
      expect(connection.next()?.type).toBe(EventType.Message);
      connection.skipUTF8Validation = false;
      connection.maxPayload = 1;
      connection.receive(encodeFrame({ payload: 'ab', masked: true }));
      expect(connection.next()?.type).toBe(EventType.Failure);
      expect([connection.maxPayload, connection.skipUTF8Validation, connection.hasMore]).toEqual([1, false, false]);
    });

    test('output that was written out gives its place back, and says whether it waits', () => {
      const connection = server({ values: makeNodeValues(kernels) });
      for (const text of ['1', 'abc']) {
        connection.send(text);
        connection.reuse(connection.takeOutput()[0]);
      }
      connection.send('def');
      const [first] = connection.takeOutput();
      connection.reuse(first);
      connection.send('xyz');
      const [second] = connection.takeOutput();
      expect([second.buffer === first.buffer, second.byteOffset]).toEqual([true, first.byteOffset]);
      expect(connection.congested).toBe(false);
      connection.congested = true;
      expect(connection.congested).toBe(true);
    });
  });

  describe('limits', () => {
    test.each(['maxPayload', 'maxFragments', 'maxFramePayload', 'maxBufferedChunks'])(
      '%s that is no number from 0 is refused by its name, and is not taken for no limit',
      (name) => {
        for (const limit of [-1, Number.NaN, 'none']) expect(() => client({ [name]: limit })).toThrow(`${name} is`);
        for (const limit of [0, Infinity]) expect(client({ [name]: limit }).wantsRead).toBe(true);
      },
    );

    test.each([1, 2, 5])(
      '10.4 maxFragments %i: as many frames pass, empty ones counted, and one more fails',
      (limit) => {
        const connection = client({ maxFragments: limit });
        const parts = (count: number): RawFrameOptions[] =>
          Array.from({ length: count }, (_, i) => ({
            opcode: i === 0 ? 2 : 0,
            fin: i === count - 1,
            payload: i === 0 ? 'x' : '',
          }));
        receive(connection, ...parts(limit), { opcode: 9 }, ...parts(limit));
        expect(events(connection)).toEqual(['binary x', 'ping', 'binary x']);
        receive(connection, ...parts(limit + 1));
        expect(events(connection)).toEqual(['failure WS_ERR_TOO_MANY_BUFFERED_PARTS 1008']);
      },
    );

    test.each([1, 2, 5])('10.4 maxBufferedChunks %i: a frame over as many chunks passes, one more fails', (limit) => {
      const connection = client({ maxBufferedChunks: limit });
      const over = (count: number): string[] => {
        const wire = encodeFrame({ opcode: 2, payload: Buffer.alloc(count, 'x') });
        connection.receive(wire.subarray(0, 3));
        const list = events(connection);
        for (let at = 3; at < wire.length; at++) {
          connection.receive(wire.subarray(at, at + 1));
          list.push(...events(connection));
        }
        return list;
      };
      expect([...over(limit), ...over(limit)]).toEqual(Array.from({ length: 2 }, () => `binary ${'x'.repeat(limit)}`));
      expect(over(limit + 1)).toEqual(['failure WS_ERR_TOO_MANY_BUFFERED_PARTS 1008']);
      // A chunk of header alone holds nothing of the frame.
      const apart = client({ maxBufferedChunks: limit });
      const wire = encodeFrame({ opcode: 2, payload: 'x' });
      for (const part of [wire.subarray(0, 2), wire.subarray(2)]) {
        apart.receive(part);
        expect(events(apart)).toEqual(part.length === 1 ? ['binary x'] : []);
      }
    });

    test('7.4.1 maxPayload counts over fragments, and fails at the header that is too much', () => {
      const connection = client({ maxPayload: 5 });
      receive(
        connection,
        { payload: '12345' },
        { payload: '123', fin: false },
        { opcode: 0, fin: false, payload: '45' },
      );
      receive(connection, { opcode: 0, announce: 1, payload: '' });
      expect(events(connection)).toEqual(['text 12345', 'failure WS_ERR_UNSUPPORTED_MESSAGE_LENGTH 1009']);
    });
  });

  describe('what is handed on', () => {
    const wire = [
      { payload: 'añ', fin: false },
      { opcode: 9, payload: 'p' },
      { opcode: 0, payload: 'ü€' },
      { payload: '' },
    ];

    test('5.4 parts come as they arrive, with where the message begins and ends', () => {
      const connection = client({ parts: true });
      receive(connection, ...wire, { opcode: 2, payload: 'whole' });
      expect(events(connection)).toEqual(['<añ', 'ping p', 'ü€>', '<>', '<whole>']);
      const frame = encodeFrame({ opcode: 2, payload: 'abcd' });
      connection.receive(frame.subarray(0, 2));
      expect(events(connection)).toEqual(['<']);
      connection.receive(frame.subarray(2, 4));
      connection.receive(frame.subarray(4));
      expect(events(connection)).toEqual(['ab', 'cd>']);
      const deflated = client({ parts: true, inflater: Object.assign(new Stars(), { later: false }) });
      receive(deflated, { rsv1: true, fin: false, payload: '*one' }, { opcode: 0, payload: 'two' });
      expect(events(deflated)).toEqual(['<onetwo>']);
    });

    test('8.1 text in parts, and text as strings, is validated whatever the platform leaves to its own validator', () => {
      const long = Buffer.concat([Buffer.from('é'.repeat(200)), Uint8Array.of(0xff), Buffer.alloc(9, 'a')]);
      for (const values of [plainValues, makeNodeValues(kernels)]) {
        for (const options of [
          { parts: true },
          { maxFramePayload: 1000 },
          { text: 'string' },
          { text: 'string', skipUTF8Validation: true },
          {},
        ] as const) {
          const connection = client({ values, ...options });
          receive(connection, { payload: long });
          expect(events(connection)).toEqual(['failure WS_ERR_INVALID_UTF8 1007']);
        }
        const skipping = client({ values, skipUTF8Validation: true });
        receive(skipping, { payload: long });
        expect((skipping.next() as { data: Uint8Array }).data.length).toBe(long.length);
      }
    });

    test('8.1 the platform’s validator is asked where there is one; valid long text and binary come in parts', () => {
      let asked = 0;
      const values: Values = {
        ...plainValues,
        isUtf8(bytes) {
          asked++;
          return Buffer.from(Buffer.from(bytes).toString()).equals(bytes);
        },
      };
      const text = 'é'.repeat(300);
      for (const options of [{}, { parts: true }, { maxFramePayload: 1000 }]) {
        const connection = client({ values, ...options });
        receive(connection, { payload: text }, { opcode: 2, payload: Uint8Array.of(0xff) });
        expect((connection.next() as { data: Uint8Array }).data.length).toBe(600);
        expect((connection.next() as { data: Uint8Array }).data).toEqual(Uint8Array.of(0xff));
      }
      expect(asked).toBe(3);
    });

    test('5.6 the platform is told which text is ASCII', () => {
      const told: boolean[] = [];
      const values: Values = {
        ...plainValues,
        text(source, start, end, ascii) {
          told.push(ascii);
          return plainValues.text(source, start, end, ascii);
        },
      };
      const connection = client({ values, text: 'string' });
      receive(connection, { payload: 'a' }, { payload: 'é' });
      expect([connection.next(), connection.next()]).toMatchObject([{ data: 'a' }, { data: 'é' }]);
      expect(told).toEqual([true, false]);
    });

    test('5.2 RSV bits are for those who claimed them: RSV1 for an inflater, others for the caller', () => {
      const rsv1 = { payload: 'a', rsv1: true };
      const rsv2 = Uint8Array.of(0xa1, 1, 0x61);
      const failure = 'failure WS_ERR_UNEXPECTED_RSV_1 1002';
      const unclaimed = client();
      receive(unclaimed, rsv1);
      expect(events(unclaimed)).toEqual([failure]);
      const caller = client({ rsv: 0x20 });
      caller.receive(rsv2);
      expect([events(caller), caller.rsv]).toEqual([['text a'], 0x20]);
      receive(caller, rsv1);
      expect(events(caller)).toEqual([failure]);
      const both = client({ rsv: 0x20, inflater: Object.assign(new Stars(), { later: false }) });
      both.receive(rsv2);
      receive(both, rsv1);
      expect(events(both)).toEqual(['text a', 'text a']);
    });

    test('bytes from the landing area are told too, and detach carries what is unread out of the caller’s chunk', () => {
      const wire = Buffer.concat([{ payload: 'one' }, { payload: 'two' }].map(encodeFrame));
      const landed = client();
      kernels.bytes.set(wire, kernels.landingAddress);
      landed.receiveLanded(wire.length);
      expect(events(landed)).toEqual(['text one', 'text two']);
      const detached = client();
      detached.receive(wire);
      detached.detach();
      wire.fill(0xff);
      kernels.bytes.fill(0xa5, kernels.arenaAddress, kernels.arenaAddress + 64);
      expect(events(detached)).toEqual(['text one', 'text two']);
    });

    test('5.6 text comes as strings where that was asked for, in one chunk or many, compressed or not', () => {
      for (const values of [plainValues, makeNodeValues(kernels)]) {
        for (const text of ['', 'ascii', 'ñü€😀', `${'é'.repeat(300)}😀`, 'a'.repeat(70_000) + 'é']) {
          const stars = Object.assign(new Stars(), { later: false });
          const connection = client({ values, text: 'string', inflater: stars });
          receive(connection, { payload: text }, { payload: text, rsv1: true }, { opcode: 2, payload: 'b' });
          expect(connection.next()).toMatchObject({ data: text, isBinary: false });
          expect(connection.next()).toMatchObject({ data: text, isBinary: false });
          expect(connection.next()).toMatchObject({ isBinary: true });
          const frame = encodeFrame({ payload: text });
          for (let at = 0; at < frame.length; at += 1999) connection.receive(frame.subarray(at, at + 1999));
          expect(connection.next()).toMatchObject({ data: text, isBinary: false });
        }
      }
    });

    test('5.4 where fragments end is noted when asked for', () => {
      const connection = client();
      receive(connection, ...wire);
      connection.next();
      for (let i = 0; i < 2; i++) expect(connection.next()).toMatchObject({ isBinary: false, fragmentEnds: undefined });
      connection.keepFragments = true;
      receive(connection, ...wire, { opcode: 2, payload: 'whole' });
      const ends = [];
      for (let event = connection.next(); event !== undefined; event = connection.next()) {
        if (event.type === EventType.Message) ends.push(event.fragmentEnds);
      }
      expect(ends.slice(0, 3)).toEqual([[3, 8], [0], [5]]);
    });

    test('5.4 empty fragments, whose number has no limit, take no memory where ends are noted', () => {
      const connection = client();
      connection.keepFragments = true;
      receive(connection, { opcode: 2, payload: '', fin: false });
      for (let i = 0; i < 1000; i++) receive(connection, { opcode: 0, payload: '', fin: false });
      receive(connection, { opcode: 0, payload: 'ab', fin: false }, { opcode: 0, payload: '', fin: false });
      receive(connection, { opcode: 0, payload: 'c' });
      expect(connection.next()).toMatchObject({ fragmentEnds: [0, 2, 3] });
    });

    test('5.4 a whole message of text is a fragment of its own, as bytes, long or as a string', () => {
      for (const text of ['bytes', 'string'] as const) {
        const connection = client({ text, values: makeNodeValues(kernels) });
        connection.keepFragments = true;
        receive(connection, { payload: 'é' }, { payload: 'é'.repeat(300) });
        expect(connection.next()).toMatchObject({ fragmentEnds: [2] });
        expect(connection.next()).toMatchObject({ fragmentEnds: [600] });
      }
    });

    test('RFC 7692 6.2 a compressed message has no fragments but itself', () => {
      const stars = new Stars();
      stars.later = false;
      const connection = client({ inflater: stars });
      connection.keepFragments = true;
      receive(connection, { payload: '*ab', rsv1: true, fin: false }, { opcode: 0, payload: 'cd' });
      expect(connection.next()).toMatchObject({ data: Buffer.from('abcd'), fragmentEnds: [4] });
    });

    test('messages are nobody else’s memory: later chunks, the caller’s chunk and the kernels’ may change', () => {
      const connection = client({ values: makeNodeValues(kernels) });
      const kept: Uint8Array[] = [];
      for (let i = 0; i < 30; i++) {
        const chunk = Buffer.concat(
          [{ payload: `n${i}` }, { opcode: 9, payload: `n${i}` }, closeFrame()].slice(0, 2).map(encodeFrame),
        );
        connection.receive(chunk);
        for (let event = connection.next(); event !== undefined; event = connection.next()) {
          kept.push((event as { data: Uint8Array }).data);
        }
        chunk.fill(0);
        kernels.bytes.fill(0xa5, kernels.arenaAddress, kernels.arenaAddress + 100);
      }
      expect(kept.map((data) => Buffer.from(data).toString())).toEqual(
        Array.from({ length: 60 }, (_, i) => `n${i >> 1}`),
      );
    });

    test('what went through is counted, both ways', () => {
      const statistics = newStatistics();
      const connection = client({ statistics });
      receive(connection, ...wire, closeFrame(1000));
      connection.send('abc');
      events(connection);
      expect([statistics.received.messages, statistics.received.octets]).toEqual([2, 3 + 1 + 5 + 2]);
      expect(statistics.received.frames.filter((count) => count > 0)).toEqual([1, 2, 1, 1]);
      expect([statistics.sent.messages, statistics.sent.octets]).toEqual([1, 3 + 1 + 2]);
      expect([statistics.sent.frames[1], statistics.sent.frames[8], statistics.sent.frames[10]]).toEqual([1, 1, 1]);
    });
  });

  test('dispose gives everything back: the kernels’ tenancy, what waits to be read, and what waits to be written', () => {
    const connection = server({ values: makeNodeValues(kernels) });
    connection.receive(encodeFrame({ payload: 'abc', masked: true }));
    connection.send('abc');
    expect(kernels.tenant === undefined).toBe(false);
    connection.dispose();
    expect(kernels.tenant === undefined).toBe(true);
    expect([connection.unread, connection.outputLength, connection.wantsWrite]).toEqual([0, 0, false]);
    connection.receive(encodeFrame({ payload: 'abc', masked: true }));
    expect([events(connection), output(connection), connection.shouldEnd]).toEqual([[], [], true]);
  });

  test('5-7 two connections that talk at random, in chunks cut at random, understand each other', () => {
    const values = makeNodeValues(kernels);
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const ends = [client({ values }), server({ values })];
      const sent: string[][] = [[], []];
      const told: string[][] = [[], []];
      const wires = [Buffer.alloc(0), Buffer.alloc(0)];
      const carry = (from: number): void => {
        wires[from] = Buffer.concat([wires[from], ...ends[from].takeOutput()]);
        const cut = random.oneIn(3) ? wires[from].length : random.between(0, wires[from].length);
        const chunk = Buffer.from(wires[from].subarray(0, cut));
        wires[from] = wires[from].subarray(cut);
        if (random.oneIn(2)) ends[1 - from].receive(chunk);
        else ends[1 - from].receiveOwned(chunk);
        told[1 - from].push(...events(ends[1 - from]).filter((event) => !event.startsWith('p')));
      };
      for (let step = 0; step < 80; step++) {
        const from = random.below(2);
        const text = random.pick(['a', 'é', '😀']).repeat(random.pick([0, 1, 30, 200, 5000]));
        if (random.oneIn(4)) ends[from].ping(text.slice(0, 20));
        if (random.oneIn(3)) {
          ends[from].send(text, { fin: false });
          ends[from].ping('between');
          ends[from].send(text);
          sent[from].push(`text ${text}${text}`.trim());
        } else {
          ends[from].send(random.oneIn(2) ? text : Buffer.from(text), { binary: true });
          sent[from].push(`binary ${text}`.trim());
        }
        carry(random.below(2));
      }
      ends[0].close(1000, 'done');
      if (random.oneIn(2)) ends[1].close(1001, 'crossed');
      for (let i = 0; i < 60; i++) carry(i % 2);
      const isQuiet = (): boolean =>
        wires[0].length + wires[1].length + ends[0].outputLength + ends[1].outputLength === 0;
      for (let turn = 0; !isQuiet(); turn++) {
        if (turn === 1000) throw new Error(`seed ${seed}: the talk never ends`);
        carry(0);
        carry(1);
      }
      const close = [
        `close ${ends[1].closeSent} ${ends[1].closeSent === 1001 ? 'crossed' : 'done'}`,
        'close 1000 done',
      ];
      expect(told[1], `seed ${seed}`).toEqual([...sent[0], close[1]]);
      expect(told[0], `seed ${seed}`).toEqual([...sent[1], close[0]]);
      expect(ends.every(({ shouldEnd, failure }) => shouldEnd && failure === undefined)).toBe(true);
    }
  });
});
