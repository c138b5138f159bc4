/** The contract with `ws`: negotiation and use of permessage-deflate (RFC 7692). */
import zlib from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { closeCode, headerOf, responseHead, type RawFrame } from '../../support/raw-peer.js';
import {
  answering,
  contract,
  dial,
  ending,
  event,
  listen,
  message,
  messages,
  pair,
  rawClient,
  rawRequest,
  requestOf,
  type AgainstRawClient,
} from './harness.js';
import type { Client, Implementation } from './implementations.js';

type Options = Record<string, unknown>;

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** Inflates the payload of one whole message, with a fresh window. */
function inflate(frame: RawFrame): string {
  return zlib
    .inflateRawSync(Buffer.concat([frame.payload, TAIL]), { finishFlush: zlib.constants.Z_SYNC_FLUSH })
    .toString();
}

/** Deflates one whole message as a sender without context takeover does. */
function deflate(text: string, options: zlib.ZlibOptions = {}): Buffer {
  const data = zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options });
  return data.subarray(0, -4);
}

async function offerOf(implementation: Implementation, perMessageDeflate: unknown): Promise<string | undefined> {
  return headerOf(await requestOf(implementation, { perMessageDeflate }), 'sec-websocket-extensions');
}

/** What a server with these options answers to an offer: the header, undefined for none, or the status. */
async function answerTo(
  implementation: Implementation,
  perMessageDeflate: unknown,
  offer: string,
): Promise<string | undefined> {
  const { port } = await listen(implementation, { perMessageDeflate });
  const peer = rawRequest(port, { headers: { 'Sec-WebSocket-Extensions': offer } });
  const head = await peer.readHead();
  if (head.startsWith('HTTP/1.1 101 ')) return headerOf(head, 'sec-websocket-extensions');
  return head.slice(9, 12);
}

function deflatingServer(implementation: Implementation, options: Options | true = true): Promise<AgainstRawClient> {
  const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
  return rawClient(implementation, { perMessageDeflate: options }, { headers });
}

const LONG = 'compress me, please; '.repeat(200);

contract('permessage-deflate', (implementation) => {
  it('offer: is permessage-deflate; client_max_window_bits by default', async () => {
    expect(await offerOf(implementation, true)).toBe('permessage-deflate; client_max_window_bits');
    expect(await offerOf(implementation, undefined)).toBe(undefined);
    expect(await offerOf(implementation, {})).toBe('permessage-deflate; client_max_window_bits');
  });

  it('offer: carries every option of the client', async () => {
    expect(await offerOf(implementation, { serverNoContextTakeover: true })).toBe(
      'permessage-deflate; server_no_context_takeover; client_max_window_bits',
    );
    expect(await offerOf(implementation, { clientNoContextTakeover: true })).toBe(
      'permessage-deflate; client_no_context_takeover; client_max_window_bits',
    );
    expect(await offerOf(implementation, { serverMaxWindowBits: 10, clientMaxWindowBits: 11 })).toBe(
      'permessage-deflate; server_max_window_bits=10; client_max_window_bits=11',
    );
    expect(await offerOf(implementation, { clientMaxWindowBits: false })).toBe('permessage-deflate');
    expect(await offerOf(implementation, { serverMaxWindowBits: false, serverNoContextTakeover: false })).toBe(
      'permessage-deflate; client_max_window_bits',
    );
  });

  // Server options, an offer, and the answer.
  const NEGOTIATION: [string, Options, string, string | undefined][] = [
    ['a plain offer', {}, 'permessage-deflate', 'permessage-deflate'],
    [
      'client_max_window_bits without a number is dropped',
      {},
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate',
    ],
    [
      'client_max_window_bits with a number is kept',
      {},
      'permessage-deflate; client_max_window_bits=10',
      'permessage-deflate; client_max_window_bits=10',
    ],
    [
      'server_max_window_bits is kept',
      {},
      'permessage-deflate; server_max_window_bits=10',
      'permessage-deflate; server_max_window_bits=10',
    ],
    [
      'a quoted value is as good',
      {},
      'permessage-deflate; server_max_window_bits="10"',
      'permessage-deflate; server_max_window_bits=10',
    ],
    [
      'no_context_takeover of both sides is kept',
      {},
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
    [
      'the server asks for no_context_takeover',
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      'permessage-deflate',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
    [
      'the server forces serverMaxWindowBits',
      { serverMaxWindowBits: 9 },
      'permessage-deflate',
      'permessage-deflate; server_max_window_bits=9',
    ],
    [
      'the server lowers server_max_window_bits',
      { serverMaxWindowBits: 9 },
      'permessage-deflate; server_max_window_bits=12',
      'permessage-deflate; server_max_window_bits=9',
    ],
    [
      'the server forces clientMaxWindowBits where it was offered',
      { clientMaxWindowBits: 10 },
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate; client_max_window_bits=10',
    ],
    [
      'the second offer is taken where the first is refused',
      { serverNoContextTakeover: false },
      'permessage-deflate; server_no_context_takeover, permessage-deflate',
      'permessage-deflate',
    ],
    [
      'clientMaxWindowBits: false drops what was offered',
      { clientMaxWindowBits: false },
      'permessage-deflate; client_max_window_bits=10',
      'permessage-deflate',
    ],
    ['another extension beside it is passed over', {}, 'x-other; a=b, permessage-deflate', 'permessage-deflate'],
    [
      'serverNoContextTakeover: false refuses',
      { serverNoContextTakeover: false },
      'permessage-deflate; server_no_context_takeover',
      '400',
    ],
    [
      'serverMaxWindowBits: false refuses',
      { serverMaxWindowBits: false },
      'permessage-deflate; server_max_window_bits=10',
      '400',
    ],
    [
      'serverMaxWindowBits above what is offered refuses',
      { serverMaxWindowBits: 12 },
      'permessage-deflate; server_max_window_bits=10',
      '400',
    ],
    ['clientMaxWindowBits that was not offered refuses', { clientMaxWindowBits: 10 }, 'permessage-deflate', '400'],
    [
      'clientMaxWindowBits above a number that is offered refuses',
      { clientMaxWindowBits: 12 },
      'permessage-deflate; client_max_window_bits=10',
      '400',
    ],
  ];
  for (const [name, options, offer, answer] of NEGOTIATION) {
    it(`negotiation: ${name}`, async () => {
      expect(await answerTo(implementation, options, offer)).toBe(answer);
    });
  }

  it('negotiation: a client checks the answer against its options', async () => {
    for (const [options, answer, good] of [
      [{ clientNoContextTakeover: false }, 'permessage-deflate; client_no_context_takeover', false],
      [{}, 'permessage-deflate; client_no_context_takeover', true],
      [{ clientMaxWindowBits: false }, 'permessage-deflate; client_max_window_bits=10', false],
      [{ clientMaxWindowBits: 10 }, 'permessage-deflate; client_max_window_bits=11', false],
      [{ clientMaxWindowBits: 11 }, 'permessage-deflate; client_max_window_bits=10', true],
    ] as const) {
      const server = await answering(({ peer, request }) =>
        peer.write(responseHead(request, { 'Sec-WebSocket-Extensions': answer })),
      );
      const ws = dial(implementation, server.url, undefined, { perMessageDeflate: options });
      if (good) {
        await event(ws, 'open');
        expect(ws.extensions).toBe('permessage-deflate');
      } else {
        expect((await ending(ws)).error?.message).toBe('Invalid Sec-WebSocket-Extensions header');
      }
    }
  });

  it('send: sets RSV1 and deflates, without the 00 00 ff ff tail', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    ws.send(LONG);
    const frame = await peer.readFrame();
    expect(frame).toMatchObject({ rsv1: true, fin: true, opcode: 1 });
    expect(frame.payload.length).toBeLessThan(LONG.length / 10);
    expect(frame.payload.subarray(-4).equals(TAIL)).toBe(false);
    expect(inflate(frame)).toBe(LONG);
  });

  it('send: { compress: false } leaves one message as it is', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    ws.send(LONG, { compress: false });
    ws.send(LONG);
    expect(await peer.readFrame()).toMatchObject({ rsv1: false, payload: Buffer.from(LONG) });
    expect((await peer.readFrame()).rsv1).toBe(true);
  });

  it('send: compress of queued messages is each their own', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const flags = [true, false, true, true, false];
    for (const compress of flags) ws.send(LONG, { compress });
    for (const compress of flags) expect((await peer.readFrame()).rsv1).toBe(compress);
  });

  it('receive: inflates a message in one frame and in many, with control frames between', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const data = deflate(LONG);
    const got = messages(ws, 2);
    peer.send({ rsv1: true, payload: data });
    peer.send({ rsv1: true, fin: false, payload: data.subarray(0, 5) }, { opcode: 9 });
    peer.send({ opcode: 0, fin: false }, { opcode: 0, fin: false, payload: data.subarray(5, 6) }, { opcode: 10 });
    peer.send({ opcode: 0, payload: data.subarray(6) });
    expect((await got).map((one) => one.data.toString())).toEqual([LONG, LONG]);
  });

  it('receive: an uncompressed message between compressed ones is taken', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const got = messages(ws, 3);
    peer.send({ rsv1: true, payload: deflate('one') }, { payload: 'two' }, { rsv1: true, payload: deflate('three') });
    expect((await got).map((one) => one.data.toString())).toEqual(['one', 'two', 'three']);
  });

  it('receive: invalid UTF-8 in compressed text fails with 1007', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const end = ending(ws);
    const payload = zlib
      .deflateRawSync(Buffer.from([0xff, 0xfe]), { finishFlush: zlib.constants.Z_SYNC_FLUSH })
      .subarray(0, -4);
    peer.send({ rsv1: true, payload });
    expect((await peer.readClose()).code).toBe(1007);
    expect((await end).error?.code).toBe('WS_ERR_INVALID_UTF8');
  });

  it('receive: an empty compressed message (RFC 7692 7.2.3.6)', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const got = message(ws);
    peer.send({ rsv1: true, payload: Buffer.of(0) });
    expect((await got).data).toHaveLength(0);
  });

  it('context takeover: is kept between messages by default, so that the second is shorter', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const text = Array.from({ length: 500 }, (_, i) => (i * 7919) % 1000).join(' ');
    ws.send(text);
    ws.send(text);
    const [one, two] = [await peer.readFrame(), await peer.readFrame()];
    expect(two.payload.length).toBeLessThan(one.payload.length / 4);
  });

  it('context takeover: of the peer is followed', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const stream = zlib.createDeflateRaw();
    const deflated = (text: string): Promise<Buffer> =>
      new Promise((resolve) => {
        stream.write(text);
        stream.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve((stream.read() as Buffer).subarray(0, -4)));
      });
    const got = messages(ws, 3);
    for (let i = 0; i < 3; i++) peer.send({ rsv1: true, payload: await deflated(LONG) });
    expect((await got).every(({ data }) => data.toString() === LONG)).toBe(true);
    stream.close();
  });

  it('no_context_takeover: each message can be inflated by itself', async () => {
    const { ws, peer } = await deflatingServer(implementation, { serverNoContextTakeover: true, threshold: 0 });
    ws.send(LONG);
    ws.send(LONG);
    const [one, two] = [await peer.readFrame(), await peer.readFrame()];
    expect(two.payload.equals(one.payload)).toBe(true);
    expect(inflate(two)).toBe(LONG);
  });

  it('no_context_takeover of the client: the server forgets its window after each message', async () => {
    const { ws, peer } = await deflatingServer(implementation, { clientNoContextTakeover: true });
    const end = ending(ws);
    const got = message(ws);
    const stream = zlib.createDeflateRaw();
    const deflated = (text: string): Promise<Buffer> =>
      new Promise((resolve) => {
        stream.write(text);
        stream.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve((stream.read() as Buffer).subarray(0, -4)));
      });
    peer.send({ rsv1: true, payload: await deflated(LONG) });
    await got;
    peer.send({ rsv1: true, payload: await deflated(LONG) });
    expect((await end).error?.code).toBe('Z_DATA_ERROR');
    stream.close();
  });

  it('threshold: 1024 by default, and only where context takeover is off for the sending side', async () => {
    const rows: [Options, number, boolean][] = [
      [{ serverNoContextTakeover: true }, 1023, false],
      [{ serverNoContextTakeover: true }, 1024, true],
      [{ serverNoContextTakeover: true, threshold: 10 }, 9, false],
      [{ serverNoContextTakeover: true, threshold: 10 }, 10, true],
      [{ serverNoContextTakeover: true, threshold: '10' }, 9, false],
      [{ serverNoContextTakeover: true, threshold: '10' }, 10, true],
      [{ serverNoContextTakeover: true, threshold: 0 }, 1, true],
      [{ clientNoContextTakeover: true }, 1, true],
      [{}, 1, true],
    ];
    for (const [options, length, compressed] of rows) {
      const { ws, peer } = await deflatingServer(implementation, options);
      ws.send('x'.repeat(length));
      expect((await peer.readFrame()).rsv1, JSON.stringify([options, length])).toBe(compressed);
    }
  });

  it('threshold: the first fragment decides for the message', async () => {
    const { ws, peer } = await deflatingServer(implementation, { serverNoContextTakeover: true, threshold: 10 });
    ws.send('short', { fin: false });
    ws.send('x'.repeat(100));
    ws.send('x'.repeat(100), { fin: false });
    ws.send('short');
    const frames = [];
    for (let i = 0; i < 4; i++) frames.push(await peer.readFrame());
    expect(frames.map(({ rsv1, opcode }) => [rsv1, opcode])).toEqual([
      [false, 1],
      [false, 0],
      [true, 1],
      [false, 0],
    ]);
    expect(frames[1].payload.toString()).toBe('x'.repeat(100));
    const whole = { ...frames[2], payload: Buffer.concat([frames[2].payload, frames[3].payload]) };
    expect(inflate(whole)).toBe(`${'x'.repeat(100)}short`);
  });

  it('window bits: what was agreed is used: no distance reaches further back', async () => {
    const { ws, peer } = await deflatingServer(implementation, { serverMaxWindowBits: 9 });
    // Equal halves 1000 bytes apart: a window of 512 cannot refer back to the first.
    const half = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(33 + ((i * i * 31 + i * 17) % 90))).join(
      '',
    );
    ws.send(half + half);
    const frame = await peer.readFrame();
    const text = zlib
      .inflateRawSync(Buffer.concat([frame.payload, TAIL]), { windowBits: 9, finishFlush: zlib.constants.Z_SYNC_FLUSH })
      .toString();
    expect(text).toBe(half + half);
  });

  it('window bits: 8 to 15 for both sides make a conversation', async () => {
    for (const bits of [8, 9, 12, 15]) {
      const { client, peer } = await pair(implementation, {
        server: { perMessageDeflate: { serverMaxWindowBits: bits, clientMaxWindowBits: bits } },
      });
      const echo = message(client);
      peer.on('message', (data: Buffer) => peer.send(data));
      client.send(LONG);
      expect((await echo).data.toString()).toBe(LONG);
    }
  });

  it('zlibDeflateOptions: are passed on', async () => {
    const sizes: number[] = [];
    for (const level of [0, 9]) {
      const { ws, peer } = await deflatingServer(implementation, { zlibDeflateOptions: { level } });
      ws.send(LONG);
      const frame = await peer.readFrame();
      expect(inflate(frame)).toBe(LONG);
      sizes.push(frame.payload.length);
    }
    expect(sizes[0]).toBeGreaterThan(LONG.length);
    expect(sizes[1]).toBeLessThan(LONG.length / 10);
  });

  it('zlibInflateOptions: are passed on', async () => {
    const dictionary = Buffer.from(LONG);
    const { ws, peer } = await deflatingServer(implementation, { zlibInflateOptions: { dictionary } });
    const got = message(ws);
    peer.send({ rsv1: true, payload: deflate(LONG, { dictionary }) });
    expect((await got).data.toString()).toBe(LONG);
  });

  it('maxPayload: is enforced while inflating', async () => {
    const { ws, peer } = await rawClient(
      implementation,
      { perMessageDeflate: true, maxPayload: 100_000 },
      { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } },
    );
    const end = ending(ws);
    const bomb = zlib.deflateRawSync(Buffer.alloc(80 * 1024 * 1024), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    const before = process.memoryUsage().rss;
    peer.send({ opcode: 2, rsv1: true, payload: bomb.subarray(0, 80_000) });
    expect((await peer.readClose()).code).toBe(1009);
    expect((await end).error).toMatchObject({ code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' });
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
  });

  it('maxPayload: exactly as long as inflated is taken, the sum over fragments counts', async () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const { ws, peer } = await rawClient(
      implementation,
      { perMessageDeflate: true, maxPayload: LONG.length },
      { headers },
    );
    const got = message(ws);
    peer.send({ rsv1: true, payload: deflate(LONG) });
    expect((await got).data.toString()).toBe(LONG);
    const end = ending(ws);
    const data = deflate(`${LONG}!`);
    peer.send({ rsv1: true, fin: false, payload: data.subarray(0, 20) }, { opcode: 0, payload: data.subarray(20) });
    expect((await peer.readClose()).code).toBe(1009);
    await end;
  });

  it('final block (BFINAL) inside a message: is taken, and later messages too', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const got = messages(ws, 3);
    for (let i = 0; i < 3; i++) peer.send({ rsv1: true, payload: zlib.deflateRawSync(`final ${i}`) });
    expect((await got).map(({ data }) => data.toString())).toEqual(['final 0', 'final 1', 'final 2']);
  });

  it("'close' while compressing: pending send callbacks get an error, each once", async () => {
    const { peer: ws } = await pair(implementation, { server: { perMessageDeflate: { threshold: 0 } } });
    const callbacks = Array.from({ length: 5 }, () => vi.fn());
    for (const callback of callbacks) ws.send(LONG.repeat(100), callback);
    ws.terminate();
    await event(ws, 'close');
    await vi.waitUntil(() => callbacks.every((callback) => callback.mock.calls.length > 0));
    for (const callback of callbacks) {
      expect(callback).toHaveBeenCalledTimes(1);
      expect(callback.mock.calls[0][0]).toBeInstanceOf(Error);
    }
  });

  it("'close' while decompressing: received data is still delivered before it", async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const log: string[] = [];
    ws.on('message', (data: Buffer) => log.push(`message ${data.length}`));
    ws.on('close', () => log.push('close'));
    const closed = event(ws, 'close');
    peer.send({ rsv1: true, payload: deflate(LONG) }, { rsv1: true, payload: deflate('second') }, { payload: 'third' });
    peer.socket.end();
    await closed;
    expect(log).toEqual([`message ${LONG.length}`, 'message 6', 'message 5', 'close']);
  });

  it('order: what follows a compressed message on the wire comes after it', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    const log: string[] = [];
    ws.on('message', (data: Buffer) => log.push(`message ${data.length}`));
    ws.on('ping', () => log.push('ping'));
    ws.on('close', (code: number) => log.push(`close ${code}`));
    const closed = event(ws, 'close');
    peer.send(
      { rsv1: true, payload: deflate(LONG) },
      { opcode: 9 },
      { payload: 'plain' },
      { rsv1: true, payload: deflate('x') },
      { opcode: 8, payload: closeCode(1000) },
    );
    await closed;
    expect(log).toEqual([`message ${LONG.length}`, 'ping', 'message 5', 'message 1', 'close 1000']);
  });

  it('fragments of a message sent compressed: are one deflate stream', async () => {
    const { ws, peer } = await deflatingServer(implementation);
    ws.send('one ', { fin: false });
    ws.send('two ', { fin: false });
    ws.send('three');
    const frames = [await peer.readFrame(), await peer.readFrame(), await peer.readFrame()];
    expect(frames.map(({ rsv1, opcode, fin }) => [rsv1, opcode, fin])).toEqual([
      [true, 1, false],
      [false, 0, false],
      [false, 0, true],
    ]);
    const whole = { ...frames[0], payload: Buffer.concat(frames.map(({ payload }) => payload)) };
    expect(inflate(whole)).toBe('one two three');
  });

  it('both ways: 200 messages of many sizes arrive equal and in order', async () => {
    const { client, peer } = await pair(implementation, { server: { perMessageDeflate: true } });
    const sent = Array.from({ length: 200 }, (_, i) => `${i} `.repeat((i * 37) % 900));
    for (const [from, to] of [
      [client, peer],
      [peer, client],
    ] satisfies [Client, Client][]) {
      const got = messages(to, sent.length);
      for (const text of sent) from.send(text);
      expect((await got).map(({ data }) => data.toString())).toEqual(sent);
    }
  });
});
