// Receiver: every vector played to it in many pieces, and beside that of `ws` for what vectors do not say.
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { deflateRawSync, constants } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { Receiver, type ReceiverOptions } from '../../../src/node/compat/receiver.js';
import { octets } from '../../support/events.js';
import { playEveryWay } from '../../support/feeder.js';
import { closeCode, encodeFrame } from '../../support/raw-peer.js';
import { receiverDecoder } from '../../support/ws-receiver.js';
import { VECTORS } from '../../vectors/index.js';

interface Deflate {
  accept(offers: object[]): void;
  cleanup(): void;
}
interface Package {
  Receiver: typeof Receiver;
  PerMessageDeflate: new (options?: object) => Deflate;
}
const ws = createRequire(import.meta.url)('ws') as Package;

const BOTH: Readonly<Record<string, typeof Receiver>> = { ws: ws.Receiver, ours: Receiver };

const claimed = (rsv = 0): boolean => (rsv & ~0x40) === 0;

describe('Receiver', () => {
  for (const { name, section, role, options, wire, events } of VECTORS) {
    if (!claimed(options?.rsv)) continue;
    it(`${section} ${name}`, () => {
      playEveryWay(octets(wire), { role, ...options }, events, (given) => receiverDecoder(Receiver, given));
    });
  }
});

describe.each(Object.entries(BOTH))('Receiver of %s', (_name, ReceiverClass) => {
  function receiving(options: ReceiverOptions = {}): { receiver: Receiver; log: unknown[][] } {
    const receiver = new ReceiverClass(options);
    const log: unknown[][] = [];
    for (const name of ['message', 'ping', 'pong', 'conclude', 'error', 'finish', 'close']) {
      receiver.on(name, (...parameters: unknown[]) => log.push([name, ...parameters]));
    }
    return { receiver, log };
  }

  /** A Receiver with permessage-deflate, and a frame that it inflates to `text`. */
  function inflating(text: string, options: ReceiverOptions = {}, deflateOptions?: object) {
    const extension = new ws.PerMessageDeflate(deflateOptions);
    extension.accept([{}]);
    const payload = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    return {
      ...receiving({ ...options, extensions: { 'permessage-deflate': extension } }),
      extension,
      frame: encodeFrame({ rsv1: true, payload }),
    };
  }

  it('tells everything in a chunk, in order, before write returns', () => {
    const { receiver, log } = receiving();
    expect(receiver).toBeInstanceOf(Writable);
    const wrote = receiver.write(
      Buffer.concat([
        encodeFrame({ payload: 'é' }),
        encodeFrame({ opcode: 9, payload: 'p' }),
        encodeFrame({ opcode: 2, payload: 'b', fin: false }),
        encodeFrame({ opcode: 10, payload: 'q' }),
        encodeFrame({ opcode: 0, payload: 'c' }),
        encodeFrame({ opcode: 8, payload: Buffer.concat([closeCode(1001), Buffer.from('why')]) }),
      ]),
    );
    expect(wrote).toBe(true);
    expect(log).toEqual([
      ['message', Buffer.from('é'), false],
      ['ping', Buffer.from('p')],
      ['pong', Buffer.from('q')],
      ['message', Buffer.from('bc'), true],
      ['conclude', 1001, Buffer.from('why')],
    ]);
    for (const [, data] of log.slice(0, 4)) expect(Buffer.isBuffer(data)).toBe(true);
  });

  it('ends after a Close, finishes and closes; then nothing can be written', async () => {
    const { receiver, log } = receiving();
    receiver.write(encodeFrame({ opcode: 8 }));
    await vi.waitUntil(() => log.length === 3);
    expect(log).toEqual([['conclude', 1005, Buffer.alloc(0)], ['finish'], ['close']]);
    const error = await new Promise((resolve) => {
      receiver.write(encodeFrame({ payload: 'x' }), resolve);
    });
    expect(error).toBeInstanceOf(Error);
    expect(log).toHaveLength(3);
  });

  it('tells a violation as an error of the write, after what was valid before it, and closes', async () => {
    const { receiver, log } = receiving();
    const callback = vi.fn();
    receiver.write(Buffer.concat([encodeFrame({ payload: 'x' }), encodeFrame({ opcode: 3 })]), callback);
    await vi.waitUntil(() => log.length === 3);
    expect(log.map(([name]) => name)).toEqual(['message', 'error', 'close']);
    expect(log[1][1]).toMatchObject({ code: 'WS_ERR_INVALID_OPCODE', message: expect.stringContaining('opcode 3') });
    expect(callback).toHaveBeenCalledWith(log[1][1]);
  });

  it.each<[string, ReceiverOptions, Buffer[], string]>([
    ['maxPayload', { maxPayload: 3 }, [encodeFrame({ payload: 'abcd' })], 'Max payload size exceeded'],
    [
      'maxFragments',
      { maxFragments: 2 },
      [0, 1, 2].map((i) => encodeFrame({ opcode: i === 0 ? 1 : 0, fin: false })),
      'Too many message fragments',
    ],
    [
      'maxBufferedChunks',
      { maxBufferedChunks: 2 },
      [...encodeFrame({ payload: 'abcd' })].map((octet) => Buffer.of(octet)),
      'Too many buffered chunks',
    ],
    ['isServer', { isServer: true }, [encodeFrame({ payload: 'x' })], 'Invalid WebSocket frame: MASK must be set'],
  ])('honours %s', async (_option, options, chunks, text) => {
    const { receiver, log } = receiving(options);
    for (const chunk of chunks) receiver.write(chunk);
    await vi.waitUntil(() => log.length > 0);
    expect((log[0][1] as Error).message).toBe(text);
  });

  it('honours skipUTF8Validation', () => {
    const { receiver, log } = receiving({ skipUTF8Validation: true });
    receiver.write(encodeFrame({ payload: Buffer.of(0xff) }));
    expect(log).toEqual([['message', Buffer.of(0xff), false]]);
  });

  it.each([
    ['nodebuffer', Buffer.from('abc')],
    ['arraybuffer', new Uint8Array(Buffer.from('abc')).buffer],
    ['fragments', [Buffer.from('ab'), Buffer.from('c')]],
  ] as const)('hands binary messages out as %s, and text as a Buffer', (binaryType, expected) => {
    const { receiver, log } = receiving({ binaryType });
    receiver.write(
      Buffer.concat([
        encodeFrame({ opcode: 2, fin: false, payload: 'ab' }),
        encodeFrame({ opcode: 0, fin: false }),
        encodeFrame({ opcode: 0, payload: 'c' }),
        encodeFrame({ payload: 'text' }),
      ]),
    );
    expect(log).toEqual([
      ['message', expected, true],
      ['message', Buffer.from('text'), false],
    ]);
  });

  it('hands binary messages out as blob', async () => {
    const { receiver, log } = receiving({ binaryType: 'blob' });
    receiver.write(encodeFrame({ opcode: 2, payload: 'abc' }));
    expect(await (log[0][1] as Blob).text()).toBe('abc');
  });

  it('tells one event a turn without allowSynchronousEvents, and calls back after the last', async () => {
    const { receiver, log } = receiving({ allowSynchronousEvents: false });
    const frames = ['a', 'b', 'c'].map((payload) => encodeFrame({ payload }));
    const callback = vi.fn();
    receiver.write(Buffer.concat(frames), callback);
    expect(log).toHaveLength(0);
    for (const count of [1, 2, 3]) {
      expect(callback).not.toHaveBeenCalled();
      await new Promise(setImmediate);
      expect(log).toHaveLength(count);
    }
    await vi.waitUntil(() => callback.mock.calls.length === 1);
  });

  it('can be fed through _write, byte by byte and without awaiting the callback', () => {
    const { receiver, log } = receiving();
    const callback = vi.fn();
    const wire = Buffer.concat([encodeFrame({ payload: 'one' }), encodeFrame({ payload: 'two' })]);
    for (const octet of wire) receiver._write(Buffer.of(octet), 'binary', callback);
    expect(log.map(([, data]) => String(data))).toEqual(['one', 'two']);
    expect(callback).toHaveBeenCalledTimes(wire.length);
  });

  it('tells a violation through the callback alone when it is fed through _write', () => {
    const { receiver, log } = receiving();
    const callback = vi.fn();
    receiver._write(encodeFrame({ opcode: 3 }), 'binary', callback);
    expect(callback.mock.calls[0][0]).toMatchObject({ code: 'WS_ERR_INVALID_OPCODE' });
    expect(log).toEqual([]);
  });

  it('inflates with a PerMessageDeflate, holds back what follows, and drains', async () => {
    const { receiver, log, extension, frame } = inflating('x'.repeat(100_000));
    const drained = vi.fn();
    receiver.on('drain', drained);
    // More than a stream's highWaterMark, which Node 22 raised to 64 KiB.
    const big = Buffer.alloc(80_000);
    expect(receiver.write(Buffer.concat([frame, encodeFrame({ opcode: 2, payload: big })]))).toBe(false);
    receiver.write(encodeFrame({ payload: 'last' }));
    expect(log).toEqual([]);
    await vi.waitUntil(() => log.length === 3);
    expect(log.map(([, data]) => (data as Buffer).length)).toEqual([100_000, 80_000, 4]);
    await vi.waitUntil(() => drained.mock.calls.length === 1);
    extension.cleanup();
  });

  it('holds the limit for a message after inflating, and tells what the inflater says of bad bytes', async () => {
    const bomb = inflating('x'.repeat(1000), { maxPayload: 999 });
    bomb.receiver.write(bomb.frame);
    await vi.waitUntil(() => bomb.log.length > 0);
    expect(bomb.log[0][1]).toMatchObject({
      code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
      message: 'Max payload size exceeded',
    });
    const bad = inflating('x');
    bad.receiver.write(encodeFrame({ rsv1: true, payload: Buffer.from('never deflate') }));
    await vi.waitUntil(() => bad.log.length > 0);
    expect(bad.log[0][1]).toMatchObject({ code: 'Z_DATA_ERROR' });
    for (const { extension } of [bomb, bad]) extension.cleanup();
  });

  it('takes what decompress calls back with at once', () => {
    const extension = {
      decompress: (data: Buffer, _fin: boolean, callback: (error: null, data: Buffer) => void) =>
        callback(null, Buffer.concat([data, data])),
    };
    const { receiver, log } = receiving({ extensions: { 'permessage-deflate': extension } });
    receiver.write(Buffer.concat([encodeFrame({ rsv1: true, payload: 'ab' }), encodeFrame({ payload: 'c' })]));
    expect(log.map(([, data]) => String(data))).toEqual(['abab', 'c']);
  });
});

describe('Receiver', () => {
  it('leaves the bytes that it is given as they are', () => {
    const chunk = encodeFrame({ payload: 'masked', masked: true });
    const before = Buffer.from(chunk);
    const receiver = new Receiver({ isServer: true });
    receiver.write(chunk);
    expect(chunk).toEqual(before);
  });

  it('takes a chunk that a listener feeds it while it tells another, after that one', () => {
    const receiver = new Receiver();
    const log: string[] = [];
    receiver.on('message', (data: Buffer) => {
      if (log.push(String(data)) === 1) receiver._write(encodeFrame({ payload: 'fed' }), 'binary', () => {});
    });
    receiver._write(Buffer.concat(['a', 'b'].map((payload) => encodeFrame({ payload }))), 'binary', () => {});
    expect(log).toEqual(['a', 'b', 'fed']);
  });

  it('goes on after a listener has thrown', () => {
    const receiver = new Receiver();
    const log: string[] = [];
    receiver.on('message', (data: Buffer) => log.push(String(data)));
    receiver.prependOnceListener('message', () => {
      throw new Error('mine');
    });
    expect(() => receiver._write(encodeFrame({ payload: 'a' }), 'binary', () => {})).toThrow('mine');
    receiver._write(encodeFrame({ payload: 'b' }), 'binary', () => {});
    expect(log).toEqual(['b']);
  });
});
