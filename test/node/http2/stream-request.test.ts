// Requests over HTTP/2 that are answered with something else, turned away, or made over HTTP/1.1 after all.
import { getEventListeners, once } from 'node:events';
import http from 'node:http';
import http2, { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../../src/index.js';
import { ReadyState } from '../../../src/node/types.js';
import { frame, FrameType, typesOf } from '../../support/http2-frames.js';
import { collectUncaught } from '../../support/uncaught.js';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } =
  http2.constants;

/** The length of what a client sends before its first frame (RFC 9113 3.4). */
const PREFACE_TEXT = 24;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

interface Served {
  server: Http2Server;
  sessions: ServerHttp2Session[];
  address: string;
}

async function serve(server = http2.createServer({ settings: { enableConnectProtocol: true } })): Promise<Served> {
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
  });
  return { server, sessions, address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** The errors of a client until its 'close', and that. */
function told(websocket: WebSocket): Promise<string[]> {
  const all: string[] = [];
  websocket.on('error', ({ message }) => all.push(message));
  return new Promise((resolve) => {
    websocket.on('close', (code) => resolve([...all, String(code)]));
  });
}

describe('a response that a listener of unexpected-response has, and that goes on', () => {
  interface Answered {
    stream: ServerHttp2Stream;
    websocket: WebSocket;
    request: http.ClientRequest;
  }

  async function answered(options: object = {}): Promise<Answered> {
    const { server, address } = await serve();
    const streams: ServerHttp2Stream[] = [];
    server.on('stream', (stream) => {
      streams.push(stream);
      stream.on('error', () => {});
      stream.respond({ ':status': 403 });
      stream.write('more follows');
    });
    const websocket = new WebSocket(address, { http2: true, ...options });
    const [request, response] = (await once(websocket, 'unexpected-response')) as [
      http.ClientRequest,
      http.IncomingMessage,
    ];
    response.resume();
    return { stream: streams[0], websocket, request };
  }

  test.each<[string, (answered: Answered, controller: AbortController) => void, string, number]>([
    [
      'terminate()',
      ({ websocket }) => websocket.terminate(),
      'WebSocket was closed before the connection was established',
      0,
    ],
    ['its signal', (_, controller) => controller.abort(), 'The operation was aborted', 0],
    ['its time', () => {}, 'Opening handshake has timed out', 400],
  ])('is ended by %s', async (_, end, message, handshakeTimeout) => {
    const controller = new AbortController();
    const all = await answered({ signal: controller.signal, handshakeTimeout });
    const outcome = told(all.websocket);
    const closed = once(all.stream, 'close');
    end(all, controller);
    expect(await outcome).toEqual([message, '1006']);
    await closed;
    expect(all.stream.rstCode).toBe(NGHTTP2_CANCEL);
  });

  test('is ended by the destroy() of the request', async () => {
    const { stream, websocket, request } = await answered();
    const closed = once(stream, 'close');
    request.destroy();
    await closed;
    expect(websocket.readyState).toBe(ReadyState.Connecting);
    const outcome = told(websocket);
    websocket.terminate();
    expect(await outcome).toHaveLength(2);
  });

  test('is reset: an error of the client, as over TCP', async () => {
    const { stream, websocket } = await answered();
    const outcome = told(websocket);
    stream.close(NGHTTP2_INTERNAL_ERROR);
    expect(await outcome).toEqual(['Stream closed with error code NGHTTP2_INTERNAL_ERROR', '1006']);
  });
});

test.each<[string, object, string]>([
  ['an option that http refuses', { maxHeaderSize: 'x' }, 'The "maxHeaderSize" argument must be of type number'],
  [
    'finishRequest throws',
    {
      finishRequest: () => {
        throw new Error('no request');
      },
    },
    'no request',
  ],
])('a request over HTTP/1.1 after all fails with an error event: %s', async (_, options, message) => {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const [error, code] = await told(new WebSocket(`ws://127.0.0.1:${port}/`, { http2: true, ...options }));
  expect([error.startsWith(message), code]).toEqual([true, '1006']);
});

describe('a request that the peer has not processed', () => {
  test.each([
    ['it was refused', NGHTTP2_REFUSED_STREAM],
    ['the peer had enough', NGHTTP2_ENHANCE_YOUR_CALM],
  ])('is made again where %s', async (_, code) => {
    const { server, address } = await serve();
    const wss = new WebSocketServer({ noServer: true });
    let count = 0;
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      if (count++ === 0) stream.close(code);
      else wss.handleConnect(stream, headers, (websocket) => websocket.close(4001));
    });
    expect(await told(new WebSocket(address, { http2: true }))).toEqual(['4001']);
  });

  test.each<[string, FrameType]>([
    ['before it', FrameType.Settings],
    ['then', FrameType.Headers],
  ])('is made on another session where the first one went away %s', async (_, type) => {
    const server = http2.createServer();
    new WebSocketServer({ server }).on('connection', (websocket) => websocket.close(4001));
    const sockets: net.Socket[] = [];
    const listener = net.createServer((socket) => {
      if (sockets.push(socket) > 1) return void server.emit('connection', socket);
      // A peer that announces the protocol, and has processed no stream when it goes away.
      socket.write(frame(FrameType.Settings, 0, Buffer.from([0, 8, 0, 0, 0, 1])));
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        const types = typesOf(Buffer.concat(chunks).subarray(PREFACE_TEXT));
        if (types.includes(type) && socket.writable) socket.end(frame(FrameType.Goaway, 0, Buffer.alloc(8)));
      });
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    endings.push(() => {
      for (const socket of sockets) socket.destroy();
      listener.close();
    });
    const { port } = listener.address() as AddressInfo;
    expect(await told(new WebSocket(`ws://127.0.0.1:${port}/`, { http2: true }))).toEqual(['4001']);
    expect(sockets).toHaveLength(2);
  });

  test('is made twice at most', async () => {
    const { server, address } = await serve();
    let count = 0;
    server.on('stream', (stream) => {
      count++;
      stream.on('error', () => {});
      stream.close(NGHTTP2_REFUSED_STREAM);
    });
    expect(await told(new WebSocket(address, { http2: true }))).toEqual([
      'Stream closed with error code NGHTTP2_REFUSED_STREAM',
      '1006',
    ]);
    expect(count).toBe(2);
  });
});

test('clients open as many sessions as the streams that a peer takes on one require', async () => {
  const server = http2.createServer({ settings: { maxConcurrentStreams: 2 } });
  const wss = new WebSocketServer({ server });
  const { sessions, address } = await serve(server);
  const all = Array.from({ length: 5 }, () => new WebSocket(address, { http2: true }));
  await Promise.all(all.map((each) => once(each, 'open')));
  expect([wss.clients!.size, sessions.length]).toEqual([5, 3]);
  // One that has room again serves the next client.
  all[0].close();
  await once(all[0], 'close');
  for (let at = 0; at < 2; at++) await once(new WebSocket(address, { http2: true }), 'open');
  expect(sessions).toHaveLength(3);
});

test.each<[string, object, (websocket: WebSocket) => void]>([
  ['a refusal', {}, () => {}],
  ['a subprotocol that nobody offered', {}, () => {}],
  ['a listener of upgrade that closes', {}, (websocket) => websocket.once('upgrade', () => websocket.terminate())],
])(
  'a client shares the session of one whose handshake ended with %s, whose peer has just answered',
  async (name, options, act) => {
    const { server, sessions, address } = await serve();
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      if (name === 'a refusal') stream.respond({ ':status': 401 });
      else stream.respond({ ':status': 200, ...(name.startsWith('a sub') && { 'sec-websocket-protocol': 'chat' }) });
    });
    for (let at = 0; at < 3; at++) {
      const websocket = new WebSocket(address, { http2: true, ...options });
      act(websocket);
      expect(await told(websocket)).toHaveLength(2);
    }
    expect(sessions).toHaveLength(1);
  },
);

test.each([
  ['open', true],
  ['open', false],
  ['upgrade', true],
  ['upgrade', false],
])('a listener of %s that throws leaves none on a signal, over HTTP/2: %s', async (name, overHttp2) => {
  const server = overHttp2 ? http2.createServer() : http.createServer();
  new WebSocketServer({ server }).on('error', () => {});
  const { address } = await serve(server as Http2Server);
  const thrown = collectUncaught(endings);
  const { signal } = new AbortController();
  const websocket = new WebSocket(address, { http2: overHttp2, signal });
  websocket.on(name, () => {
    setImmediate(() => websocket.terminate());
    throw new Error(name);
  });
  await told(websocket);
  await expect.poll(() => getEventListeners(signal, 'abort').length).toBe(0);
  expect(thrown).toEqual([name]);
});

describe.each([
  ['HTTP/2', true, 'The stream was closed before the handshake was done'],
  ['HTTP/1.1', false, 'socket hang up'],
])(
  'after a listener of upgrade has thrown, the end of the peer over %s fails the handshake at once',
  (_, overHttp2, message) => {
    test.each<[string, (peer: Duplex) => void]>([
      ['an end', (peer) => peer.end()],
      ['an end behind a message', (peer) => peer.end(Buffer.from('810161', 'hex'))],
      ['a cut', (peer) => (overHttp2 ? (peer as ServerHttp2Stream).close(NGHTTP2_NO_ERROR) : peer.destroy())],
    ])('with %s', async (_, end) => {
      const server = overHttp2 ? http2.createServer() : http.createServer();
      const wss = new WebSocketServer({ server });
      const { address } = await serve(server as Http2Server);
      const thrown = collectUncaught(endings);
      const websocket = new WebSocket(address, { http2: overHttp2, handshakeTimeout: 60_000 });
      websocket.on('upgrade', () => {
        const [{ _socket: peer }] = wss.clients as unknown as Set<{ _socket: Duplex }>;
        setImmediate(end, peer);
        throw new Error('upgrade');
      });
      expect([await told(websocket), thrown]).toEqual([[message, '1006'], ['upgrade']]);
    });
  },
);

describe('a session of the caller', () => {
  async function connected(): Promise<{ session: http2.ClientHttp2Session; address: string }> {
    const server = http2.createServer();
    new WebSocketServer({ server }).on('connection', (websocket) => websocket.close(4001));
    const { address } = await serve(server);
    const session = http2.connect(address.replace('ws', 'http'));
    endings.unshift(() => session.destroy());
    await once(session, 'remoteSettings');
    return { session, address };
  }

  test('is asked, too, while as many pings are under way as Node sends', async () => {
    const { session, address } = await connected();
    for (let sent = 0; sent < 10; sent++) session.ping(() => {});
    expect(await told(new WebSocket(address, { http2: session }))).toEqual(['4001']);
  });

  test.each<[string, (session: http2.ClientHttp2Session) => void, string]>([
    ['closed', (session) => session.close(), 'New streams cannot be created after receiving a GOAWAY'],
    ['destroyed', (session) => session.destroy(), 'The session has been destroyed'],
  ])('that is %s fails the handshake, and HTTP/1.1 is not asked', async (_, end, message) => {
    const { session, address } = await connected();
    const first = told(new WebSocket(address, { http2: session }));
    end(session);
    expect([await first, await told(new WebSocket(address, { http2: session }))]).toEqual([
      [message, '1006'],
      [message, '1006'],
    ]);
  });
});

test.each([
  ['heartbeat', { heartbeat: { interval: 100, timeout: 100 } }],
  ['terminate()', {}],
])('a client opens another session where the peer of the shared one is silent, as %s has shown', async (_, options) => {
  const server = http2.createServer();
  const wss = new WebSocketServer({ server });
  const { address } = await serve(server);
  const sockets: net.Socket[] = [];
  // The first connection loses its way to the server, which neither end is told.
  const relay = net.createServer((socket) => {
    const onward = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket, onward);
    socket.pipe(onward).pipe(socket);
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  endings.unshift(() => {
    for (const socket of sockets) socket.destroy();
    relay.close();
  });
  const relayed = address.replace(/\d+\/$/, `${(relay.address() as AddressInfo).port}/`);
  const one = new WebSocket(relayed, { http2: true, ...options });
  await once(one, 'open');
  for (const socket of sockets) socket.unpipe().pause();
  const closed = once(one, 'close');
  if (!('heartbeat' in options)) one.terminate();
  await closed;
  await once(new WebSocket(relayed, { http2: true }), 'open');
  expect([wss.clients!.size, sockets.length]).toEqual([2, 4]);
});

test('a client whose connection is reset closes, and one that it opens then gets another session', async () => {
  const server = http2.createServer();
  const wss = new WebSocketServer({ server });
  const { address, sessions } = await serve(server);
  const sockets: net.Socket[] = [];
  server.on('connection', (socket: net.Socket) => void sockets.push(socket));
  const one = new WebSocket(address, { http2: true });
  await once(one, 'open');
  const again = new Promise<unknown>((resolve) => {
    one.on('close', () => {
      const other = new WebSocket(address, { http2: true });
      other.on('open', () => resolve('open'));
      other.on('error', resolve);
    });
  });
  sockets[0].resetAndDestroy();
  expect([await again, sessions.length, wss.clients!.size]).toEqual(['open', 2, 1]);
});
