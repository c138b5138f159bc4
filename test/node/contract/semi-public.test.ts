/** The contract with `ws`: the pieces that are exported or reached without documentation, and that released packages use. */
import { PassThrough, Writable } from 'node:stream';
import zlib from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { closeCode, decodeFrame, decodeFrames, encodeFrame } from '../../support/raw-peer.js';
import {
  connectingClient,
  contract,
  duplexPair,
  ending,
  event,
  message,
  owned,
  pair,
  rawClient,
  recorder,
  turn,
} from './harness.js';
import type { Client, Implementation, SenderFrameOptions } from './implementations.js';
import { ownedPairOfStreams } from './streams.js';

const FRAME: SenderFrameOptions = { fin: true, opcode: 1, rsv1: false, mask: false, readOnly: false };

/** A Receiver and the list of what it emits. */
function receiver(
  implementation: Implementation,
  options: Record<string, unknown> = {},
): { receiver: Writable; log: unknown[][] } {
  const made = new implementation.Receiver(options);
  const log: unknown[][] = [];
  for (const name of ['message', 'ping', 'pong', 'conclude', 'error']) {
    made.on(name, (...parameters: unknown[]) => log.push([name, ...parameters]));
  }
  return { receiver: made, log };
}

/** A Duplex that keeps what is written to it. */
function sink(): { socket: PassThrough; written: () => Buffer } {
  const socket = new PassThrough();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { socket, written: () => Buffer.concat(chunks) };
}

contract('semi-public pieces', (implementation) => {
  it('_errorEmitted: false while connecting, true once a client has told why it never opened', async () => {
    const ws = connectingClient(implementation) as Client & { readonly _errorEmitted: boolean };
    expect(ws._errorEmitted).toBe(false);
    ws.terminate();
    let seen: unknown;
    ws.once('error', () => (seen = ws._errorEmitted));
    await event(ws, 'close');
    expect([seen, ws._errorEmitted]).toEqual([true, true]);
  });

  it('Sender.frame: without mask is [header, data], the data itself', () => {
    const data = Buffer.from('payload');
    const list = implementation.Sender.frame(data, FRAME);
    expect(list).toHaveLength(2);
    expect(list[0]).toEqual(Buffer.from([0x81, 7]));
    expect(list[1]).toBe(data);
  });

  it('Sender.frame: an empty payload is one buffer', () => {
    expect(implementation.Sender.frame(Buffer.alloc(0), FRAME)).toEqual([Buffer.from([0x81, 0])]);
    const masked = implementation.Sender.frame(Buffer.alloc(0), { ...FRAME, mask: true });
    expect(masked).toHaveLength(1);
    expect(masked[0]).toHaveLength(6);
  });

  it('Sender.frame: fin, opcode, rsv1 make the first byte', () => {
    const first = (options: Partial<SenderFrameOptions>): number =>
      implementation.Sender.frame(Buffer.alloc(0), { ...FRAME, ...options })[0][0];
    expect(first({ fin: false, opcode: 2 })).toBe(0x02);
    expect(first({ opcode: 9 })).toBe(0x89);
    expect(first({ rsv1: true })).toBe(0xc1);
  });

  it('Sender.frame: the length forms', () => {
    const header = (length: number): Buffer => implementation.Sender.frame(Buffer.alloc(length), FRAME)[0];
    expect(header(125)).toEqual(Buffer.from([0x81, 125]));
    expect(header(126)).toEqual(Buffer.from([0x81, 126, 0, 126]));
    expect(header(65_535)).toEqual(Buffer.from([0x81, 126, 255, 255]));
    expect(header(65_536)).toEqual(Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]));
  });

  it('Sender.frame: a string is encoded', () => {
    const list = implementation.Sender.frame('é€', FRAME);
    expect(decodeFrame(Buffer.concat(list.map((part) => Buffer.from(part))))).toMatchObject({
      opcode: 1,
      payload: Buffer.from('é€'),
    });
  });

  it('Sender.frame: readOnly masks into one new buffer and leaves the data; without it the data is masked in place', () => {
    const data = Buffer.from('keep this');
    const list = implementation.Sender.frame(data, { ...FRAME, mask: true, readOnly: true });
    expect(list).toHaveLength(1);
    expect(data.toString()).toBe('keep this');
    expect(decodeFrame(list[0])).toMatchObject({ masked: true, payload: Buffer.from('keep this') });

    const own = Buffer.from('own data!');
    const inPlace = implementation.Sender.frame(own, { ...FRAME, mask: true, readOnly: false });
    expect(inPlace).toHaveLength(2);
    expect(inPlace[1]).toBe(own);
    expect(decodeFrame(Buffer.concat(inPlace))).toMatchObject({ masked: true, payload: Buffer.from('own data!') });
  });

  it('Sender.frame: generateMask fills maskBuffer, which is the key', () => {
    const maskBuffer = Buffer.alloc(4);
    const generateMask = vi.fn((mask: Buffer) => void mask.writeUInt32BE(0x01020304));
    const list = implementation.Sender.frame(Buffer.from('abc'), { ...FRAME, mask: true, maskBuffer, generateMask });
    expect(generateMask.mock.calls[0][0]).toBe(maskBuffer);
    expect(decodeFrame(Buffer.concat(list))).toMatchObject({
      key: Buffer.from([1, 2, 3, 4]),
      payload: Buffer.from('abc'),
    });
  });

  it('Sender.frame: a pre-encoded frame sent to many through _sender.sendFrame arrives at each (socket.io-adapter)', async () => {
    const both = [await pair(implementation), await pair(implementation)];
    const list = implementation.Sender.frame(Buffer.from('broadcast'), { ...FRAME, readOnly: false });
    const got = both.map(({ client }) => message(client));
    const done = both.map(
      ({ peer }) =>
        new Promise((resolve) => {
          peer._sender.sendFrame(list, resolve);
        }),
    );
    for (const { data, isBinary } of await Promise.all(got)) {
      expect([data.toString(), isBinary]).toEqual(['broadcast', false]);
    }
    await Promise.all(done);
  });

  it('ws._sender.sendFrame: keeps the order with send() before and after it, for one buffer and for two', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send('1');
    ws._sender.sendFrame([encodeFrame({ payload: '2' })]);
    ws.send('3');
    ws._sender.sendFrame(implementation.Sender.frame(Buffer.from('4'), FRAME), () => {});
    ws.ping('5');
    const payloads = [];
    for (let i = 0; i < 5; i++) payloads.push((await peer.readFrame()).payload.toString());
    expect(payloads).toEqual(['1', '2', '3', '4', '5']);
  });

  it('new Sender(socket): send, ping, pong and close write frames to any Duplex', async () => {
    const { socket, written } = sink();
    const sender = new implementation.Sender(socket);
    await new Promise((resolve) => {
      sender.send('text', { binary: false, compress: false, fin: true, mask: false });
      sender.send(Buffer.from('bin'), { binary: true, compress: false, fin: true, mask: true });
      sender.ping('p', false);
      sender.pong('q', false);
      sender.close(1000, 'bye', false, resolve);
    });
    await turn();
    expect(decodeFrames(written()).map(({ opcode, payload, masked }) => [opcode, payload.toString(), masked])).toEqual([
      [1, 'text', false],
      [2, 'bin', true],
      [9, 'p', false],
      [10, 'q', false],
      [8, '\u0003\ufffdbye', false],
    ]);
  });

  it('new Sender(socket, extensions): compresses with a PerMessageDeflate', async () => {
    const deflate = new implementation.PerMessageDeflate({ threshold: 0 });
    deflate.accept([{}]);
    const { socket, written } = sink();
    const sender = new implementation.Sender(socket, { 'permessage-deflate': deflate });
    await new Promise((resolve) => {
      sender.send('hihihihihihihihi', { binary: false, compress: true, fin: true, mask: false }, resolve);
    });
    await turn();
    const [frame] = decodeFrames(written());
    expect(frame.rsv1).toBe(true);
    const tail = Buffer.from([0, 0, 0xff, 0xff]);
    expect(
      zlib
        .inflateRawSync(Buffer.concat([frame.payload, tail]), { finishFlush: zlib.constants.Z_SYNC_FLUSH })
        .toString(),
    ).toBe('hihihihihihihihi');
  });

  it('new Receiver(): is a client by default, emits message, ping, pong and conclude synchronously within write', () => {
    const { receiver: made, log } = receiver(implementation);
    expect(made).toBeInstanceOf(Writable);
    made.write(
      Buffer.concat([
        encodeFrame({ payload: 'text' }),
        encodeFrame({ opcode: 2, payload: 'bin' }),
        encodeFrame({ opcode: 9, payload: 'p' }),
        encodeFrame({ opcode: 10, payload: 'q' }),
        encodeFrame({ opcode: 8, payload: Buffer.concat([closeCode(1001), Buffer.from('why')]) }),
      ]),
    );
    expect(log).toEqual([
      ['message', Buffer.from('text'), false],
      ['message', Buffer.from('bin'), true],
      ['ping', Buffer.from('p')],
      ['pong', Buffer.from('q')],
      ['conclude', 1001, Buffer.from('why')],
    ]);
  });

  it('new Receiver(): a Close without a code concludes with 1005', () => {
    const { receiver: made, log } = receiver(implementation);
    made.write(Buffer.from([0x88, 0]));
    expect(log).toEqual([['conclude', 1005, Buffer.alloc(0)]]);
  });

  it('new Receiver({ isServer }): unmasks and demands a mask', async () => {
    const { receiver: made, log } = receiver(implementation, { isServer: true });
    made.write(encodeFrame({ payload: 'masked', masked: true }));
    expect(log).toEqual([['message', Buffer.from('masked'), false]]);
    made.write(encodeFrame({ payload: 'plain' }));
    await vi.waitUntil(() => log.length === 2);
    expect(log[1][1]).toMatchObject({ code: 'WS_ERR_EXPECTED_MASK' });
  });

  it('new Receiver({ maxPayload }): is enforced', async () => {
    const { receiver: made, log } = receiver(implementation, { maxPayload: 3 });
    made.write(encodeFrame({ payload: 'abcd' }));
    await vi.waitUntil(() => log.length === 1);
    expect(log[0][1]).toMatchObject({ code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' });
  });

  it('new Receiver({ maxPayload, maxFragments, maxBufferedChunks }): limits that are not above 0 are none', () => {
    for (const limit of [0, -1, Number.NaN]) {
      const limits = { maxPayload: limit, maxFragments: limit, maxBufferedChunks: limit };
      const { receiver: made, log } = receiver(implementation, limits);
      made.write(encodeFrame({ payload: 'abcd' }));
      expect([limit, log.map(([name]) => name)]).toEqual([limit, ['message']]);
    }
  });

  it('new Receiver({ binaryType, skipUTF8Validation, allowSynchronousEvents }): are honoured', async () => {
    const one = receiver(implementation, { binaryType: 'arraybuffer', skipUTF8Validation: true });
    one.receiver.write(encodeFrame({ opcode: 2, payload: 'ab' }));
    one.receiver.write(encodeFrame({ payload: Buffer.of(0xff) }));
    expect(one.log[0][1]).toBeInstanceOf(ArrayBuffer);
    expect(one.log[1][1]).toEqual(Buffer.of(0xff));
    const two = receiver(implementation, { allowSynchronousEvents: false });
    two.receiver.write(Buffer.concat([encodeFrame({ payload: 'a' }), encodeFrame({ payload: 'b' })]));
    expect(two.log).toEqual([]);
    await vi.waitUntil(() => two.log.length === 2);
  });

  it('Receiver._write: may be called directly, byte by byte (playwright)', () => {
    const { receiver: made, log } = receiver(implementation);
    const callback = vi.fn();
    for (const octet of encodeFrame({ payload: 'été', opcode: 1 })) {
      made._write(Buffer.of(octet), 'utf8', callback);
    }
    expect(log).toEqual([['message', Buffer.from('été'), false]]);
    expect(callback.mock.calls.every(([error]) => error === undefined || error === null)).toBe(true);
  });

  it('Receiver._write: a fault is the error of the callback', () => {
    const { receiver: made } = receiver(implementation);
    const callback = vi.fn();
    made._write(encodeFrame({ opcode: 3 }), 'utf8', callback);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(callback.mock.calls[0][0]).toMatchObject({ code: 'WS_ERR_INVALID_OPCODE' });
  });

  it('Receiver with extensions: inflates', async () => {
    const deflate = new implementation.PerMessageDeflate();
    deflate.accept([{}]);
    const { receiver: made, log } = receiver(implementation, { extensions: { 'permessage-deflate': deflate } });
    const payload = zlib.deflateRawSync('inflated', { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
    made.write(encodeFrame({ rsv1: true, payload }));
    await vi.waitUntil(() => log.length === 1);
    expect(log).toEqual([['message', Buffer.from('inflated'), false]]);
    deflate.cleanup();
  });

  it('Receiver: write() answers false and drain comes while it is inflating', async () => {
    const deflate = new implementation.PerMessageDeflate();
    deflate.accept([{}]);
    const { receiver: made } = receiver(implementation, { extensions: { 'permessage-deflate': deflate } });
    const text = Buffer.alloc(500_000, 'some text that varies 0123456789');
    const payload = zlib.deflateRawSync(text, { level: 0, finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const drained = event(made, 'drain');
    expect(made.write(encodeFrame({ opcode: 2, rsv1: true, payload }))).toBe(false);
    await drained;
    deflate.cleanup();
  });

  it('PerMessageDeflate: extensionName, offer and accept', () => {
    expect(implementation.PerMessageDeflate.extensionName).toBe('permessage-deflate');
    const client = new implementation.PerMessageDeflate({ serverNoContextTakeover: true, clientMaxWindowBits: 10 });
    expect(client.offer()).toEqual({ server_no_context_takeover: true, client_max_window_bits: 10 });
    expect(client.params).toBeNull();
    const [offer] = implementation.extension.parse('permessage-deflate; server_max_window_bits=10')[
      'permessage-deflate'
    ];
    const server = new implementation.PerMessageDeflate({ isServer: true });
    expect(server.accept([offer])).toEqual({ server_max_window_bits: 10 });
    expect(server.params).toEqual({ server_max_window_bits: 10 });
    // What the parser gives has no prototype, nor has what is accepted of it.
    expect([Object.getPrototypeOf(server.params), Object.getPrototypeOf(client.accept([{}]))]).toEqual([
      null,
      Object.prototype,
    ]);
  });

  it('PerMessageDeflate: accept throws for what cannot be accepted', () => {
    const accept = (header: string, options: object): (() => unknown) => {
      const offers = implementation.extension.parse(header)['permessage-deflate'];
      return () => new implementation.PerMessageDeflate({ ...options }).accept(offers);
    };
    expect(
      accept('permessage-deflate; server_no_context_takeover', { isServer: true, serverNoContextTakeover: false }),
    ).toThrow(new Error('None of the extension offers can be accepted'));
    expect(accept('permessage-deflate; client_max_window_bits=7', { isServer: false })).toThrow(
      new TypeError('Invalid value for parameter "client_max_window_bits": 7'),
    );
    expect(accept('permessage-deflate; client_no_context_takeover', { clientNoContextTakeover: false })).toThrow(
      new Error('Unexpected parameter "client_no_context_takeover"'),
    );
    expect(accept('permessage-deflate; client_max_window_bits=10', { clientMaxWindowBits: false })).toThrow(
      new Error('Unexpected or invalid parameter "client_max_window_bits"'),
    );
    expect(accept('permessage-deflate; foo', {})).toThrow(new Error('Unknown parameter "foo"'));
    expect(accept('permessage-deflate; server_no_context_takeover=1', {})).toThrow(
      new TypeError('Invalid value for parameter "server_no_context_takeover": 1'),
    );
    expect(accept('permessage-deflate; server_no_context_takeover; server_no_context_takeover', {})).toThrow(
      new Error('Parameter "server_no_context_takeover" must have only a single value'),
    );
  });

  it('PerMessageDeflate: compress and decompress are each other’s inverse, in fragments too', async () => {
    const deflate = new implementation.PerMessageDeflate({ threshold: 0 });
    deflate.accept([{}]);
    const compress = (data: string, fin: boolean): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        deflate.compress(Buffer.from(data), fin, (error, result) => (error ? reject(error) : resolve(result)));
      });
    const decompress = (data: Buffer, fin: boolean): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        deflate.decompress(data, fin, (error, result) => (error ? reject(error) : resolve(result)));
      });
    expect((await decompress(await compress('whole', true), true)).toString()).toBe('whole');
    const parts = [await compress('in ', false), await compress('parts', true)];
    const out = [await decompress(parts[0], false), await decompress(parts[1], true)];
    expect(Buffer.concat(out).toString()).toBe('in parts');
    deflate.cleanup();
  });

  it('PerMessageDeflate: cleanup calls pending compressions back with an error', async () => {
    const deflate = new implementation.PerMessageDeflate();
    deflate.accept([{}]);
    const error = new Promise((resolve) => {
      deflate.compress(Buffer.alloc(1_000_000), true, resolve);
    });
    deflate.cleanup();
    expect(await error).toEqual(new Error('The deflate stream was closed while data was being processed'));
  });

  it('extension.parse: gives the offers with their parameters', () => {
    const { parse } = implementation.extension;
    const plain = (header: string): unknown => structuredClone(JSON.parse(JSON.stringify(parse(header))));
    expect(plain('foo')).toEqual({ foo: [{}] });
    expect(plain('foo; bar; baz=1; bar=2')).toEqual({ foo: [{ bar: [true, '2'], baz: ['1'] }] });
    expect(plain('foo, bar; baz, foo; baz')).toEqual({ foo: [{}, { baz: [true] }], bar: [{ baz: [true] }] });
    expect(plain('foo; bar="q\\u\\o\\te"')).toEqual({ foo: [{ bar: ['quote'] }] });
    expect(plain('foo;bar , \tbaz ; a = 1'.replace(' = ', '='))).toEqual({
      foo: [{ bar: [true] }],
      baz: [{ a: ['1'] }],
    });
  });

  it('extension.parse: throws SyntaxError with the place for anything else', () => {
    const { parse } = implementation.extension;
    const cases: [string, string][] = [
      ['', 'Unexpected end of input'],
      [' ', 'Unexpected character at index 0'],
      ['foo,', 'Unexpected end of input'],
      ['foo;', 'Unexpected end of input'],
      [',foo', 'Unexpected character at index 0'],
      ['foo;;bar', 'Unexpected character at index 4'],
      ['foo;bar=', 'Unexpected end of input'],
      ['foo;bar="', 'Unexpected end of input'],
      ['foo;bar="a b"', 'Unexpected character at index 10'],
      ['foo;bar="a"b', 'Unexpected character at index 11'],
      ['foo;b@r', 'Unexpected character at index 5'],
      ['f\u00e9', 'Unexpected character at index 1'],
      ['foo ', 'Unexpected end of input'],
    ];
    for (const [header, text] of cases) {
      expect(() => parse(header), JSON.stringify(header)).toThrow(new SyntaxError(text));
    }
  });

  it('extension.parse: names of Object.prototype are names like others', () => {
    const offers = implementation.extension.parse('constructor; __proto__=1, __proto__; toString');
    expect(Object.keys(offers).sort()).toEqual(['__proto__', 'constructor']);
    expect(Object.keys(offers['constructor'][0])).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('extension.format: is the inverse', () => {
    const { format } = implementation.extension;
    expect(format({ foo: {} })).toBe('foo');
    expect(format({ foo: { bar: true, baz: 1 } })).toBe('foo; bar; baz=1');
    expect(format({ foo: [{}, { a: ['1', true] }], bar: [] })).toBe('foo, foo; a=1; a, ');
    expect(format({})).toBe('');
  });

  it('subprotocol.parse: gives a Set in order, throws SyntaxError for duplicates and bad characters', () => {
    const { parse } = implementation.subprotocol;
    expect([...parse('a')]).toEqual(['a']);
    expect([...parse('b,a , c\t,d')]).toEqual(['b', 'a', 'c', 'd']);
    expect(() => parse('a, a')).toThrow(new SyntaxError('The "a" subprotocol is duplicated'));
    for (const [header, text] of [
      ['', 'Unexpected end of input'],
      [',a', 'Unexpected character at index 0'],
      ['a,', 'Unexpected end of input'],
      ['a,,b', 'Unexpected character at index 2'],
      ['a b', 'Unexpected character at index 2'],
      ['a ', 'Unexpected end of input'],
      ['a;b', 'Unexpected character at index 1'],
    ]) {
      expect(() => parse(header), JSON.stringify(header)).toThrow(new SyntaxError(text));
    }
  });

  it('setSocket over a Duplex: new WebSocket(null, undefined, options) speaks over any stream, as server', async () => {
    const { ws, peer, socket } = ownedPairOfStreams(implementation);
    expect(ws.readyState).toBe(ws.OPEN);
    expect(ws._socket).toBe(socket);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.send({ payload: 'in' }, { opcode: 9, payload: 'p' });
    expect(await peer.readFrame()).toMatchObject({ opcode: 10, masked: false });
    ws.send('out');
    expect(await peer.readFrame()).toMatchObject({ opcode: 1, masked: false, payload: Buffer.from('out') });
    peer.close(1000, 'done');
    expect(await peer.readClose()).toEqual({ code: 1000, reason: 'done' });
    await closed;
    expect(log).toEqual(['text in', 'ping p', 'close 1000 done']);
  });

  it('_isServer = false before setSocket: makes a client of it, which masks', async () => {
    const { ws, peer } = ownedPairOfStreams(implementation, { role: 'client' });
    ws.send('masked');
    expect(await peer.readFrame()).toMatchObject({ masked: true, payload: Buffer.from('masked') });
    const got = message(ws);
    peer.send({ payload: 'plain' });
    expect((await got).data.toString()).toBe('plain');
  });

  it('setSocket: head is parsed first, and its options are honoured', async () => {
    const head = encodeFrame({ payload: 'from the head', masked: true });
    const { ws, peer } = ownedPairOfStreams(implementation, { head, options: { maxPayload: 20 } });
    const got = message(ws);
    expect((await got).data.toString()).toBe('from the head');
    const end = ending(ws);
    peer.send({ payload: 'x'.repeat(21) });
    expect((await peer.readClose()).code).toBe(1009);
    expect((await end).error?.code).toBe('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
  });

  it('setSocket: a subclass that a server makes can read its options, and pass others on', async () => {
    const seen: unknown[] = [];
    class Mine extends implementation.WebSocket {
      override setSocket(socket: never, head: never, options: Record<string, unknown>): void {
        seen.push(options.maxPayload, options.skipUTF8Validation, options.allowSynchronousEvents);
        const above = Reflect.get(implementation.WebSocket.prototype, 'setSocket') as (...given: unknown[]) => void;
        above.call(this, socket, head, { ...options, maxPayload: 20 });
      }
    }
    const options = { maxPayload: 1000, allowSynchronousEvents: false, WebSocket: Mine as never };
    const { ws, peer } = await rawClient(implementation, options);
    expect(seen).toEqual([1000, false, false]);
    const end = ending(ws);
    peer.send({ payload: 'x'.repeat(21) });
    expect((await peer.readClose()).code).toBe(1009);
    expect((await end).error?.code).toBe('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
  });

  it("setSocket: emits 'open' synchronously", () => {
    const ws = new implementation.WebSocket(null, undefined, {});
    const opened = vi.fn();
    ws.on('open', opened);
    const { socket } = sink();
    ws.setSocket(socket, Buffer.alloc(0), { maxPayload: 0 });
    expect(opened).toHaveBeenCalledTimes(1);
    ws.on('error', () => {});
    ws.terminate();
  });

  it('setSocket: a Duplex that does not destroy itself is destroyed once both halves are over', async () => {
    const ends = duplexPair({ autoDestroy: false }).map((duplex, i) => {
      const ws = owned(new implementation.WebSocket(null, undefined, {}));
      ws._isServer = i === 0;
      ws.setSocket(duplex, Buffer.alloc(0), { maxPayload: 0 });
      return ws;
    });
    const closed = Promise.all(ends.map((ws) => event(ws, 'close')));
    ends[1].close(4000, 'over');
    for (const args of await closed) expect(args).toEqual([4000, Buffer.from('over')]);
  });

  it('_socket: may be paused, and its writes keep their place between sends', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send('1');
    ws._socket.write(encodeFrame({ payload: '2' }));
    ws.send('3');
    const payloads = [];
    for (let i = 0; i < 3; i++) payloads.push((await peer.readFrame()).payload.toString());
    expect(payloads).toEqual(['1', '2', '3']);
  });
});
