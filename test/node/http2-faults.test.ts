// Peers over HTTP/2 that end or flood at any point: one 'close' for each connection, nothing left open, and bounds (RFC 8441, 9113).
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { ReadyState } from '../../src/node/types.js';
import { ASKED, frame, FrameType, headers, PREFACE, reset, typesOf } from '../support/http2-frames.js';
import { collectUncaught } from '../support/uncaught.js';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = http2.constants;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

interface Served {
  port: number;
  server: http2.Http2Server;
  wss: WebSocketServer;
  /** The codes with which the server's connections closed, in order; and how many there were. */
  codes: number[];
  opened: () => number;
  /** The errors with which the callbacks of the server's sends were called, in order; and how many sends there were. */
  told: (Error | null | undefined)[];
  sent: () => number;
  streams: ServerHttp2Stream[];
  sessions: Set<http2.ServerHttp2Session>;
}

/** Streams are read and written to in Node's inner ways, and in the public ones. */
const PATHS = [
  { writePath: 'direct', readPath: 'landing' },
  { writePath: 'stream', readPath: 'data' },
] as const;

/** More than the window of a client, so that the end of it waits. */
const LONG = Buffer.alloc(200_000);

/** An HTTP/2 server that echoes, and counts; a message of 4 bytes is answered with a long one. */
async function serve(paths: Partial<(typeof PATHS)[number]> = {}): Promise<Served> {
  const server = http2.createServer();
  const streams: ServerHttp2Stream[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => void streams.push(stream));
  const wss = new WebSocketServer({ server, ...paths });
  const codes: number[] = [];
  const told: (Error | null | undefined)[] = [];
  let [opened, sent] = [0, 0];
  wss.on('connection', (websocket: WebSocket) => {
    opened++;
    websocket.on('message', (data, isBinary) => {
      sent++;
      const answer = (data as Buffer).length === 4 ? LONG : (data as Buffer);
      websocket.send(answer, { binary: isBinary }, (error) => told.push(error));
    });
    websocket.on('error', () => {});
    websocket.on('close', (code) => codes.push(code));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { port, server, wss, codes, opened: () => opened, told, sent: () => sent, streams, sessions };
}

/** Waits until a condition holds; the test's own limit of time ends it where it never does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

interface Peer {
  socket: net.Socket;
  session: ClientHttp2Session;
  stream: ClientHttp2Stream;
}

type Step = [name: string, bytes: string, event?: 'response' | 'data'];

/** A conversation, step after step, as a client with the masking key 0 has it: bytes, and the event that follows. */
const STEPS: Step[] = [
  ['the request', ''],
  ['the response', '', 'response'],
  ['a message', '8282000000006869', 'data'],
  ['half a header', '01'],
  ['a fragment', '810000000061'],
  ['a ping in between', '898000000000', 'data'],
  ['the end of the message', '808000000000', 'data'],
];
const CLOSE: Step = ['a Close', '88820000000003e8', 'data'];
const HALF_READ: Step = ['a part of a long answer', '82840000000000000000', 'data'];
const CONVERSATIONS = [...STEPS.keys()].map((at) => STEPS.slice(0, at + 1));
CONVERSATIONS.push([...STEPS, CLOSE], [...STEPS, HALF_READ]);

/** How the peer ends. */
const ENDS: [string, (peer: Peer) => unknown][] = [
  ['a reset', ({ stream }) => stream.close(NGHTTP2_CANCEL)],
  ['a reset without an error', ({ stream }) => stream.close(NGHTTP2_NO_ERROR)],
  ['END_STREAM', ({ stream }) => stream.end()],
  ['GOAWAY and no more', ({ session }) => session.destroy()],
  ['GOAWAY with an error', ({ session }) => session.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM)],
  ['a lost connection', ({ socket }) => socket.resetAndDestroy()],
];

describe.each(PATHS)('written to by $writePath:', (paths) => {
  describe.each(ENDS)('%s', (name, end) => {
    test.each(CONVERSATIONS.map((steps) => [steps.at(-1)!, steps] as const))(
      'after %s is one close',
      async (last, steps) => {
        const { port, codes, opened, told, sent, streams, wss } = await serve(paths);
        const socket = net.connect(port, '127.0.0.1');
        const session = http2.connect('http://localhost', { createConnection: () => socket });
        session.on('error', () => {});
        endings.push(() => session.destroy());
        await once(session, 'remoteSettings');
        const stream = session.request(
          { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', 'sec-websocket-version': '13' },
          { endStream: false },
        );
        stream.on('error', () => {});
        stream.resume();
        for (const step of steps) {
          const [, bytes, event] = step;
          const seen = event && once(stream, event);
          if (step === HALF_READ) stream.once('data', () => stream.pause());
          if (bytes !== '') stream.write(Buffer.from(bytes, 'hex'));
          await seen;
        }
        end({ socket, session, stream });
        stream.resume();
        await until(() => codes.length === opened() && streams.every(({ destroyed }) => destroyed));
        expect(wss.clients!.size).toBe(0);
        expect(codes).toEqual(opened() === 0 ? [] : [last === CLOSE ? 1000 : 1006]);
        const isCut = last === HALF_READ && name !== 'END_STREAM';
        const outcomes = Array.from({ length: sent() }, (_, at) => isCut && at === sent() - 1);
        expect(told.map((error) => error instanceof Error)).toEqual(outcomes);
      },
    );
  });
});

test.each(PATHS)(
  'a send that a reset cuts off is an error after a close, too, written to by $writePath',
  async (paths) => {
    const { port, codes, told, wss } = await serve(paths);
    const session = http2.connect(`http://127.0.0.1:${port}`);
    endings.push(() => session.destroy());
    await once(session, 'remoteSettings');
    const stream = session.request(Object.fromEntries(ASKED), { endStream: false });
    await once(stream, 'response');
    for (const [, bytes] of [STEPS[2], HALF_READ, CLOSE]) stream.write(Buffer.from(bytes, 'hex'));
    const [websocket] = wss.clients!;
    await until(() => websocket.readyState === ReadyState.Closing);
    stream.close(NGHTTP2_NO_ERROR);
    await until(() => codes.length === 1);
    expect([codes, told.map((error) => error instanceof Error)]).toEqual([[1000], [false, true]]);
  },
);

test('GOAWAY of a server that goes on is the end of no connection', async () => {
  const { port, sessions, codes } = await serve();
  const websocket = new WebSocket(`ws://127.0.0.1:${port}/`, { http2: true });
  await once(websocket, 'open');
  for (const session of sessions) session.goaway(NGHTTP2_NO_ERROR);
  websocket.send('after');
  expect(String((await once(websocket, 'message'))[0])).toBe('after');
  // The next connection has a session of its own.
  const next = new WebSocket(`ws://127.0.0.1:${port}/`, { http2: true });
  await once(next, 'open');
  expect(sessions.size).toBe(2);
  for (const each of [websocket, next]) {
    each.close(1000);
    await once(each, 'close');
  }
  await until(() => codes.length === 2);
  expect(codes).toEqual([1000, 1000]);
});

describe('a server', () => {
  test('resets a stream soon whose client does not end its half after the closing handshake', async () => {
    const { port, codes } = await serve();
    const session = http2.connect(`http://127.0.0.1:${port}`);
    endings.push(() => session.destroy());
    await once(session, 'remoteSettings');
    const stream = session.request(Object.fromEntries(ASKED), { endStream: false });
    await once(stream, 'response');
    // Only closeTimeout has the time of a test runner.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    endings.push(() => vi.useRealTimers());
    stream.write(Buffer.from('88820000000003e8', 'hex'));
    stream.resume();
    await once(stream, 'end');
    expect(vi.getTimerCount()).toBe(1);
    const began = performance.now();
    await once(stream, 'close');
    expect(performance.now() - began).toBeLessThan(5000);
    expect([stream.rstCode, codes]).toEqual([NGHTTP2_NO_ERROR, [1000]]);
  });

  test.each([true, false])('that closes ends idle sessions of clients, its WebSockets too: %s', async (endsBoth) => {
    const { port, server, wss } = await serve();
    const websocket = new WebSocket(`ws://127.0.0.1:${port}/`, { http2: true });
    await once(websocket, 'open');
    if (endsBoth) wss.close();
    const closed = new Promise((resolve) => server.close(resolve));
    const began = performance.now();
    websocket.close();
    await closed;
    expect(performance.now() - began).toBeLessThan(1000);
    endings.splice(0);
  });
});

/** A connection whose bytes this test writes itself, and from which it reads nothing unless told. */
async function raw(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  endings.push(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(PREFACE);
  return socket;
}

test('a server says that it takes any number of streams, where a browser would stop at 100', async () => {
  const { port } = await serve();
  const socket = await raw(port);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [ACK, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE] = [1, 3, 4];
  await until(() => typesOf(Buffer.concat(chunks)).includes(FrameType.Settings));
  // A peer acknowledges the settings before it asks; the answer follows the next ones.
  socket.write(Buffer.concat([frame(FrameType.Settings, 0, Buffer.alloc(0), ACK), headers(1, ASKED)]));
  await until(() => typesOf(Buffer.concat(chunks)).includes(FrameType.Headers));
  const told = new Map<number, number>();
  const bytes = Buffer.concat(chunks);
  const [head, type, pair] = [9, 3, 6];
  for (let at = 0; bytes[at + type] !== FrameType.Headers; at += head + bytes.readUIntBE(at, 3)) {
    if (bytes[at + type] !== FrameType.Settings) continue;
    const end = at + head + bytes.readUIntBE(at, 3);
    for (let each = at + head; each < end; each += pair)
      told.set(bytes.readUInt16BE(each), bytes.readUInt32BE(each + 2));
  }
  expect([told.get(MAX_CONCURRENT_STREAMS), told.get(INITIAL_WINDOW_SIZE)]).toEqual([2 ** 32 - 1, 1 << 20]);
});

test('a stream that is refused is reset behind its answer, where its client would go on', async () => {
  const { port, opened } = await serve();
  const socket = await raw(port);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(headers(1, Object.entries({ ...Object.fromEntries(ASKED), 'sec-websocket-version': '12' })));
  await until(() => typesOf(Buffer.concat(chunks)).includes(FrameType.RstStream));
  expect(opened()).toBe(0);
});

const GET = [[':method', 'GET'], ...ASKED.filter(([name]) => name !== ':method' && name !== ':protocol')] as const;

test.each([
  ['a request', GET, false],
  ['a request for a WebSocket, after the last WebSocket server has been closed,', ASKED, true],
])('%s that no listener takes ends no process when it fails', async (_, fields, isClosed) => {
  const { port, sessions, wss, streams, server } = await serve();
  server.removeAllListeners('stream');
  wss.close();
  // As an application has it that adds no listener.
  const own = new WebSocketServer({ server });
  const thrown = collectUncaught(endings);
  const socket = await raw(port);
  await until(() => sessions.size === 1);
  const [session] = sessions;
  session.on('stream', (stream) => streams.push(stream));
  if (isClosed) own.close();
  socket.write(headers(1, fields));
  await until(() => streams.length === 1);
  const FAULT = 2;
  socket.write(frame(FrameType.RstStream, 1, Buffer.from([0, 0, 0, FAULT])));
  await until(() => streams[0].destroyed);
  await new Promise((resolve) => setImmediate(resolve));
  expect([thrown, session.destroyed]).toEqual([[], false]);
});

describe('floods, which Node bounds', () => {
  test('of streams that are reset at once meet GOAWAY, after which none is opened', async () => {
    const { port, sessions, codes, opened, streams } = await serve();
    const socket = await raw(port);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await until(() => sessions.size === 1);
    const began = performance.now();
    const BURST = 100;
    let sent = 0;
    const flood = () => {
      const ids = Array.from({ length: BURST }, () => 2 * sent++ + 1);
      socket.write(Buffer.concat(ids.flatMap((id) => [headers(id, ASKED), reset(id)])));
    };
    const isOver = () => typesOf(Buffer.concat(chunks)).includes(FrameType.Goaway);
    while (!isOver()) {
      flood();
      await until(() => streams.length === sent || isOver());
    }
    flood();
    await until(() => socket.writableLength === 0 && codes.length === opened());
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
    // RFC 9113 10.5: nghttp2 takes 1,000 resets at once and 33 more a second; the burst with the next one is the last.
    const seconds = Math.floor((performance.now() - began) / 1000) + 1;
    expect(opened()).toBeLessThanOrEqual(1000 + 33 * seconds + BURST);
    expect(streams).toHaveLength(opened());
    expect(codes.every((code) => code === 1006)).toBe(true);
  });

  test('of PINGs whose answers nobody reads end the session', async () => {
    const { port, sessions, codes, opened } = await serve();
    const socket = await raw(port);
    socket.write(headers(1, ASKED));
    await until(() => opened() === 1);
    const pings = Buffer.concat(Array.from({ length: 4096 }, () => frame(FrameType.Ping, 0, Buffer.alloc(8))));
    const before = process.memoryUsage().rss;
    while (sessions.size > 0) {
      socket.write(pings);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => codes.length === 1);
    expect(codes).toEqual([1006]);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('of settings whose answers nobody reads end the session', async () => {
    const { port, sessions, codes, opened } = await serve();
    const socket = await raw(port);
    socket.write(headers(1, ASKED));
    await until(() => opened() === 1);
    const settings = Buffer.concat(
      Array.from({ length: 4096 }, () => frame(FrameType.Settings, 0, Buffer.from([0, 3, 0, 0, 0, 9]))),
    );
    while (sessions.size > 0) {
      socket.write(settings);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => codes.length === 1);
    expect(codes).toEqual([1006]);
  });
});
