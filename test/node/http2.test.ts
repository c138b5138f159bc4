// WebSockets over HTTP/2 (RFC 8441): our server and our client, and Node's own HTTP/2 as the raw peer of each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import type { ServerOptions } from '../../src/node/server-options.js';
import { collectUncaught } from '../support/uncaught.js';
import { CERTIFICATE, KEY } from './contract/certificate.js';

type Ending = () => unknown;
const endings: Ending[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

const TLS = { cert: CERTIFICATE, key: KEY };
const MEBIBYTE = 1024 * 1024;

interface Setup {
  wss: WebSocketServer;
  server: http2.Http2Server;
  port: number;
  /** A raw session, which has seen the server's settings. */
  readonly connect: (socket?: net.Socket) => Promise<ClientHttp2Session>;
}

async function listen(server: http2.Http2Server | http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** An HTTP/2 server with a WebSocket server that echoes; both end with the test. */
async function serve(options: ServerOptions = {}, server = http2.createServer()): Promise<Setup> {
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  const wss = new WebSocketServer({ server, ...options });
  wss.on('connection', (websocket: WebSocket) => {
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
    websocket.on('error', () => {});
  });
  const port = await listen(server);
  endings.push(() => {
    for (const session of sessions) session.destroy();
    wss.close();
    server.close();
  });
  const connect = async (socket = new net.Socket()): Promise<ClientHttp2Session> => {
    const createConnection = (): net.Socket => socket.connect(port, '127.0.0.1');
    const session = http2.connect('http://localhost', { createConnection });
    session.on('error', () => {});
    endings.push(() => session.destroy());
    await once(session, 'remoteSettings');
    return session;
  };
  return { wss, server, port, connect };
}

const REQUEST = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', 'sec-websocket-version': '13' };

/** A stream that asks for a WebSocket, with its response. */
async function ask(session: ClientHttp2Session, fields: object): Promise<[ClientHttp2Stream, IncomingHttpHeaders]> {
  const stream = session.request({ ...REQUEST, ...fields }, { endStream: false });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return [stream, headers];
}

async function body(stream: ClientHttp2Stream): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk as string;
  return text;
}

interface Outcome {
  messages: (string | number)[];
  errors: string[];
  closes: number[];
}

/** Everything that a client tells until it has closed; `act` sees it open. */
async function outcome(websocket: WebSocket, act: (websocket: WebSocket) => void = () => {}): Promise<Outcome> {
  const told: Outcome = { messages: [], errors: [], closes: [] };
  websocket.on('open', () => act(websocket));
  websocket.on('message', (data, isBinary) => told.messages.push(isBinary ? (data as Buffer).length : String(data)));
  websocket.on('error', (error) => told.errors.push(error.message));
  await new Promise<void>((resolve) => {
    websocket.on('close', (code) => {
      told.closes.push(code);
      resolve();
    });
  });
  return told;
}

describe('our server and our client over HTTP/2', () => {
  test.each([
    ['on a session that the clients of the origin share', 'shared'],
    ['on a session of the caller', 'own'],
  ])('%s', async (_, kind) => {
    const { wss, port, connect } = await serve({ perMessageDeflate: true, handleProtocols: () => 'chat' });
    const requests: http2.Http2ServerRequest[] = [];
    wss.on('connection', (_websocket, request) => requests.push(request as never));
    const websocket = new WebSocket(`ws://127.0.0.1:${port}/room?x=1`, ['chat', 'other'], {
      http2: kind === 'shared' ? true : await connect(),
      origin: 'http://example.com',
      headers: { Cookie: 'a=b', Connection: 'close' },
    });
    const told = await outcome(websocket, () => {
      expect([websocket.protocol, websocket.extensions]).toEqual(['chat', 'permessage-deflate']);
      websocket.send('text');
      websocket.send(Buffer.alloc(3 * MEBIBYTE, 'abc'));
      websocket.ping('ping');
      websocket.on('pong', (data) => websocket.close(4001, String(data)));
    });
    expect(told).toEqual({ messages: ['text', 3 * MEBIBYTE], errors: [], closes: [4001] });
    expect(requests).toHaveLength(1);
    const [{ url, headers, httpVersion }] = requests;
    expect([url, httpVersion]).toEqual(['/room?x=1', '2.0']);
    expect(headers).toMatchObject({ origin: 'http://example.com', cookie: 'a=b', ':protocol': 'websocket' });
    expect(requests[0]).toBeInstanceOf(http2.Http2ServerRequest);
  });

  test('over TLS, beside HTTP/1.1 on the same port', async () => {
    const secure = http2.createSecureServer({ ...TLS, allowHTTP1: true }, (_request, response) => {
      response.end('page');
    });
    const seen: [string, boolean][] = [];
    const { port } = await serve(
      {
        verifyClient: ({ req, secure: isSecure }: { req: http.IncomingMessage; secure: boolean }) =>
          seen.push([req.httpVersion, isSecure]) > 0,
      },
      secure,
    );
    for (const overHttp2 of [true, false]) {
      const websocket = new WebSocket(`wss://localhost:${port}/`, { http2: overHttp2, ca: CERTIFICATE });
      const told = await outcome(websocket, () => {
        websocket.send('hello');
        websocket.on('message', () => websocket.close(1000));
      });
      expect(told).toEqual({ messages: ['hello'], errors: [], closes: [1000] });
    }
    expect(seen).toEqual([
      ['2.0', true],
      ['1.1', true],
    ]);
  });

  test('1,000 connections on one session, each with its own bytes', async () => {
    const { server, port, connect } = await serve();
    let sessions = 0;
    server.on('session', () => sessions++);
    const session = await connect();
    const all = Array.from({ length: 1000 }, (_, at) => {
      const websocket = new WebSocket(`ws://127.0.0.1:${port}/`, { http2: session });
      return outcome(websocket, () => {
        websocket.send(`mine ${at}`);
        websocket.on('message', () => websocket.close(1000));
      });
    });
    for (const [at, told] of (await Promise.all(all)).entries()) {
      expect(told).toEqual({ messages: [`mine ${at}`], errors: [], closes: [1000] });
    }
    expect(sessions).toBe(1);
  });

  test('a connection that is not read holds no other up', async () => {
    const { wss, port, connect } = await serve();
    const session = await connect();
    wss.on('connection', (websocket: WebSocket, request: http.IncomingMessage) => {
      if (request.url === '/slow') websocket.pause();
    });
    const slow = new WebSocket(`ws://127.0.0.1:${port}/slow`, { http2: session });
    await once(slow, 'open');
    for (let sent = 0; sent < 16; sent++) slow.send(Buffer.alloc(MEBIBYTE));
    const quick = new WebSocket(`ws://127.0.0.1:${port}/quick`, { http2: session });
    const told = await outcome(quick, () => {
      quick.send(Buffer.alloc(2 * MEBIBYTE));
      quick.on('message', () => quick.close(1000));
    });
    expect(told).toEqual({ messages: [2 * MEBIBYTE], errors: [], closes: [1000] });
    expect(slow.bufferedAmount).toBeGreaterThan(0);
    slow.terminate();
  });
});

describe.each([
  { writePath: 'direct', readPath: 'landing' },
  { writePath: 'stream', readPath: 'data' },
] as const)('written to by $writePath and read by $readPath:', (paths) => {
  /** A server's connection over HTTP/2, after its first messages, and its client. */
  async function open(): Promise<{ ws: WebSocket; client: WebSocket; got: string[] }> {
    const { wss, port, connect } = await serve(paths);
    const accepted = once(wss, 'connection') as Promise<[WebSocket]>;
    const client = new WebSocket(`ws://127.0.0.1:${port}/`, { http2: await connect(), ...paths });
    const got: string[] = [];
    client.on('message', (data) => got.push(String(data)));
    const [ws] = await accepted;
    await once(client, 'open');
    for (const text of ['one', 'two']) {
      client.send(text);
      await once(client, 'message');
    }
    return { ws, client, got };
  }

  test('the way that is asked for is taken, and every byte is counted and told of once', async () => {
    const { ws, client, got } = await open();
    const told = new Promise((resolve) => ws.send('three', resolve));
    const { writableLength } = ws._socket!;
    expect([writableLength > 0, Object.hasOwn(ws._socket!, 'push')]).toEqual(
      paths.writePath === 'direct' ? [false, true] : [true, false],
    );
    ws.send('four');
    expect(ws.bufferedAmount).toBe(13);
    expect((await told) ?? undefined).toBeUndefined();
    while (got.length < 4) await once(client, 'message');
    expect([got, ws.bufferedAmount]).toEqual([['one', 'two', 'three', 'four'], 0]);
  });

  test('the application writes to the stream in turn, and hears every byte of it', async () => {
    const { ws, client, got } = await open();
    ws.send('before');
    ws._socket!.write(Buffer.from('81056f74686572', 'hex'));
    ws.send('behind');
    while (got.length < 5) await once(client, 'message');
    expect(got.slice(2)).toEqual(['before', 'other', 'behind']);

    const heard: Buffer[] = [];
    ws._socket!.on('data', (chunk: Buffer) => heard.push(chunk));
    client.send('heard');
    await once(client, 'message');
    expect(Buffer.concat(heard)).toHaveLength(11);

    const written: Buffer[] = [];
    const socket = ws._socket!;
    const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
    socket.write = (...given: unknown[]) => {
      written.push(given[0] as Buffer);
      return write(...given);
    };
    ws.send('seen');
    await once(client, 'message');
    expect(Buffer.concat(written).toString('latin1')).toContain('seen');
  });

  test('terminate() delivers what was sent before it, though one message is on its way, and resets', async () => {
    const { ws, client, got } = await open();
    const told: unknown[] = [];
    for (const text of ['three', 'four']) ws.send(text, (error) => told.push(error));
    ws.terminate();
    const [code] = (await once(client, 'close')) as [number];
    expect([code, got]).toEqual([1006, ['one', 'two', 'three', 'four']]);
    // Newer Nodes call back with null.
    expect(told.map((error) => error ?? undefined)).toEqual([undefined, undefined]);
  });

  test('terminate() waits for no peer that does not read', async () => {
    const { ws, client } = await open();
    client.pause();
    const told: unknown[] = [];
    for (let sent = 0; sent < 4; sent++) ws.send(Buffer.alloc(MEBIBYTE), (error) => told.push(error));
    const closed = once(ws, 'close');
    ws.terminate();
    await closed;
    expect(told).toHaveLength(4);
    expect(told.at(-1)).toBeInstanceOf(Error);
  });

  test('a slow reader gets all that was sent before the end, and the sender hears of drain', async () => {
    const { ws, client, got } = await open();
    client.pause();
    const text = 'x'.repeat(100_000);
    for (let sent = 0; sent < 40; sent++) ws.send(text);
    expect(ws.bufferedAmount).toBeGreaterThan(2 * MEBIBYTE);
    const drained = once(ws, 'drain');
    client.resume();
    await drained;
    ws.send('last');
    ws.close(1000);
    await once(client, 'close');
    expect([got.length, got.at(-1)]).toEqual([43, 'last']);
  });
});

describe('our server', () => {
  test.each<[string, object, number, string]>([
    ['another protocol', { ':protocol': 'foo' }, 501, 'Unknown :protocol'],
    ['version 12', { 'sec-websocket-version': '12' }, 400, 'Missing or invalid Sec-WebSocket-Version header'],
    ['no version', { 'sec-websocket-version': [] }, 400, 'Missing or invalid Sec-WebSocket-Version header'],
    ['the scheme ftp', { ':scheme': 'ftp' }, 400, 'Missing or invalid :scheme'],
    ['a body', { 'content-length': '5' }, 400, 'Request must not have a body'],
    ['a bad subprotocol', { 'sec-websocket-protocol': 'a,,b' }, 400, 'Invalid Sec-WebSocket-Protocol header'],
    [
      'bad extensions',
      { 'sec-websocket-extensions': 'permessage-deflate;;' },
      400,
      'Invalid or unacceptable Sec-WebSocket-Extensions header',
    ],
  ])('refuses %s, and goes on', async (_, fields, status, message) => {
    const { connect } = await serve({ perMessageDeflate: true });
    const session = await connect();
    const [stream, headers] = await ask(session, fields);
    expect([headers[':status'], await body(stream)]).toEqual([status, message]);
    expect(headers.connection).toBeUndefined();
    const [next, accepted] = await ask(session, {});
    expect(accepted[':status']).toBe(200);
    next.close();
  });

  test('refuses as the application says, with its fields', async () => {
    const { connect } = await serve({
      verifyClient: (_info, done) => done(false, 401, 'who?', { 'WWW-Authenticate': 'Basic' }),
    });
    const [stream, headers] = await ask(await connect(), {});
    expect([headers[':status'], headers['www-authenticate'], await body(stream)]).toEqual([401, 'Basic', 'who?']);
  });

  test.each<[string, number, http.OutgoingHttpHeaders, string]>([
    ['values that cannot be sent', 401, { Bad: 'a\r\nb' }, 'Invalid character'],
    ['a status that would open the connection', 204, {}, 'Invalid status code: 204'],
  ])('refuses 500 for %s, and tells the application', async (_, code, fields, message) => {
    const { wss, connect } = await serve({ verifyClient: (_info, done) => done(false, code, 'who?', fields) });
    const told = once(wss, 'error');
    const [, headers] = await ask(await connect(), {});
    expect(headers[':status']).toBe(500);
    expect(String(await told)).toContain(message);
  });

  test.each(['X bad: 1', 'no colon', ': no name', 'X: a\r\nY: b', 'X: a\u010d\u010aY: b'])(
    'refuses 500 for the line %j that a listener of headers adds, and goes on',
    async (line) => {
      const { wss, connect } = await serve();
      wss.once('headers', (lines) => void lines.push(line));
      const told = once(wss, 'error');
      const session = await connect();
      const [, headers] = await ask(session, {});
      expect(headers[':status']).toBe(500);
      expect(String(await told)).toMatch(/Invalid character|token/);
      expect((await ask(session, {}))[1][':status']).toBe(200);
    },
  );

  test.each<[string, ServerOptions, (stream: http2.ServerHttp2Stream) => void]>([
    ['closed in headers', {}, (stream) => stream.close(http2.constants.NGHTTP2_CANCEL)],
    ['destroyed in headers', {}, (stream) => void stream.destroy()],
    [
      'closed in verifyClient, which refuses',
      {
        verifyClient: ({ req }: { req: object }, done: (accepts: boolean, status: number) => void) => {
          (req as http2.Http2ServerRequest).stream.close(http2.constants.NGHTTP2_CANCEL);
          done(false, 401);
        },
      },
      () => {},
    ],
  ])('gives up a stream that the application has %s, and goes on', async (_, options, act) => {
    const thrown = collectUncaught(endings);
    const { wss, connect } = await serve(options);
    wss.on('error', (error) => thrown.push(error.message));
    wss.on('headers', (_lines, request) => act((request as unknown as http2.Http2ServerRequest).stream));
    const session = await connect();
    for (let at = 0; at < 2; at++) {
      const stream = session.request(REQUEST, { endStream: false });
      stream.on('error', () => {});
      stream.resume();
      await once(stream, 'close');
    }
    expect([thrown, wss.clients!.size]).toEqual([[], 0]);
  });

  test('refuses with 503 beyond maxConnections, and with 403 for another origin', async () => {
    const { connect } = await serve({ maxConnections: 1, allowedOrigins: ['http://a'] });
    const session = await connect();
    expect((await ask(session, { origin: 'http://b' }))[1][':status']).toBe(403);
    expect((await ask(session, { origin: 'http://a' }))[1][':status']).toBe(200);
    expect((await ask(session, { origin: 'http://a' }))[1][':status']).toBe(503);
  });

  test('shows its lines to listeners of headers, which add some', async () => {
    const { wss, connect } = await serve();
    wss.on('headers', (lines) => {
      expect(lines).toEqual(['HTTP/2 200', 'Sec-WebSocket-Protocol: a']);
      lines.push('Set-Cookie: x=1', 'Set-Cookie: y=2', 'Keep-Alive: 5');
    });
    const [, headers] = await ask(await connect(), { 'sec-websocket-protocol': 'a, b' });
    expect(headers).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'a', 'set-cookie': ['x=1', 'y=2'] });
    expect(headers['keep-alive']).toBeUndefined();
  });

  test.each([true, false])('leaves other requests alone, with a listener of request: %s', async (hasPages) => {
    const server = http2.createServer();
    if (hasPages) server.on('request', (_request, response) => void response.end('page'));
    else
      server.on(
        'stream',
        (stream, headers) => void (headers[':method'] === 'GET' && stream.respond({ ':status': 299 })),
      );
    const { connect } = await serve({}, server);
    const session = await connect();
    const [headers] = (await once(session.request({ ':path': '/' }), 'response')) as [IncomingHttpHeaders];
    expect(headers[':status']).toBe(hasPages ? 200 : 299);
    expect((await ask(session, {}))[1][':status']).toBe(200);
    if (!hasPages) return;
    const connectRequest = session.request({ ':method': 'CONNECT', ':authority': 'example.com:443' });
    expect(((await once(connectRequest, 'response')) as [IncomingHttpHeaders])[0][':status']).toBe(405);
  });

  test('leaves a session alone that the application has ended when it came', async () => {
    const server = http2.createServer();
    let isBanned = true;
    server.on('session', (session) => isBanned && session.destroy());
    const thrown = collectUncaught(endings);
    const { port, connect } = await serve({}, server);
    const banned = http2.connect(`http://127.0.0.1:${port}`);
    banned.on('error', () => {});
    await new Promise((resolve) => banned.once('close', resolve));
    isBanned = false;
    expect((await ask(await connect(), {}))[1][':status']).toBe(200);
    expect(thrown).toEqual([]);
  });

  test('leaves a stream alone that the application has answered before it', async () => {
    const server = http2.createServer();
    server.on('stream', (stream, { ':path': path }) => {
      if (path !== '/mine') return;
      stream.respond({ ':status': 200 });
      stream.end('served');
    });
    const { wss, connect } = await serve({}, server);
    const told: unknown[] = [];
    for (const name of ['error', 'connection']) wss.on(name, (first) => told.push(first));
    const session = await connect();
    const [stream] = await ask(session, { ':path': '/mine' });
    expect([await body(stream), told]).toEqual(['served', []]);
    expect((await ask(session, {}))[1][':status']).toBe(200);
  });

  test('shares an HTTP server with others, each with its path, and leaves it when it is closed', async () => {
    const { server, wss, connect } = await serve({ path: '/one' });
    const two = new WebSocketServer({ server, path: '/two' });
    const paths: string[] = [];
    for (const each of [wss, two])
      each.on('connection', (_websocket, { url }) => paths.push(`${each.options.path}: ${url}`));
    const session = await connect();
    for (const path of ['/two', '/one']) expect((await ask(session, { ':path': path }))[1][':status']).toBe(200);
    expect((await ask(session, { ':path': '/three' }))[1][':status']).toBe(400);
    expect(paths).toEqual(['/two: /two', '/one: /one']);
    two.close();
    expect((await ask(session, { ':path': '/two' }))[1][':status']).toBe(400);
  });

  test.each(['one', 'two'])('answers 500 for the %s of two whose shouldHandle throws, and goes on', async (broken) => {
    const { server, wss, connect } = await serve({ path: '/one' });
    const two = new WebSocketServer({ server, path: '/two' });
    const [throwing, other] = broken === 'one' ? [wss, two] : [two, wss];
    throwing.shouldHandle = () => {
      throw new Error('broken');
    };
    const session = await connect();
    const thrown = collectUncaught(endings);
    const [, headers] = await ask(session, { ':path': `/${broken}` });
    expect([headers[':status'], thrown]).toEqual([500, ['broken']]);
    throwing.close();
    expect((await ask(session, { ':path': other.options.path }))[1][':status']).toBe(200);
  });

  test('answers a key, which undici sends', async () => {
    const { connect } = await serve();
    // The pair of RFC 6455 1.3.
    const [, headers] = await ask(await connect(), { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' });
    expect(headers['sec-websocket-accept']).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  test('leaves no listener on an HTTP server when the last of its WebSocket servers is closed', () => {
    const server = http2.createServer();
    const listeners = (): number[] => server.eventNames().map((name) => server.listenerCount(name));
    const before = listeners();
    const [one, two] = [new WebSocketServer({ server }), new WebSocketServer({ server })];
    const during = listeners();
    one.close();
    expect(during).not.toEqual(before);
    two.close();
    expect(listeners()).toEqual(before);
  });

  test('leaves sessions open that the application gives to an HTTP server that listens to nothing', async () => {
    const server = http2.createServer();
    const wss = new WebSocketServer({ server });
    wss.on('connection', (websocket: WebSocket) => websocket.close(4005));
    const listener = net.createServer((socket) => void server.emit('connection', socket));
    const port = await listen(listener as http.Server);
    endings.push(() => listener.close());
    const session = http2.connect(`http://127.0.0.1:${port}`);
    endings.push(() => session.destroy());
    for (let at = 0; at < 2; at++) {
      const told = await outcome(new WebSocket(`ws://127.0.0.1:${port}/`, { http2: session }));
      expect(told).toMatchObject({ errors: [], closes: [4005] });
    }
  });

  test('gives a client that reads late all that was sent before the end of the stream', async () => {
    const { wss, connect } = await serve({ writePath: 'direct' });
    const session = await connect();
    const accepted = once(wss, 'connection') as Promise<[WebSocket]>;
    const [stream] = await ask(session, {});
    const [websocket] = await accepted;
    const chunks: Buffer[] = [];
    const got = (): number => Buffer.concat(chunks).length;
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    // The first write of a thread goes by way of the stream, the second to its handle.
    for (let sent = 1; sent <= 2; sent++) {
      websocket.send('first');
      while (got() < 7 * sent) await once(stream, 'data');
    }
    stream.pause();
    websocket.send(Buffer.alloc(500_000));
    websocket._socket!.end();
    const finished = once(websocket._socket!, 'finish');
    await finished;
    // As long as a client has to end its half, and more.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    stream.resume();
    await once(stream, 'end');
    expect(got()).toBe(14 + 500_010);
  });

  test('takes streams of a server that is not its own', async () => {
    const server = http2.createServer({ settings: { enableConnectProtocol: true } });
    const wss = new WebSocketServer({ noServer: true });
    server.on('stream', (stream, headers) => {
      wss.handleConnect(stream, headers, (websocket, request) => websocket.send(`hello ${request.url}`));
    });
    const port = await listen(server);
    endings.push(() => server.close());
    const session = http2.connect(`http://127.0.0.1:${port}`);
    endings.push(() => session.destroy());
    const websocket = new WebSocket(`ws://127.0.0.1:${port}/x`, { http2: session });
    const told = await outcome(websocket, () => websocket.on('message', () => websocket.close(1000)));
    expect(told).toEqual({ messages: ['hello /x'], errors: [], closes: [1000] });
  });
});

interface Connected {
  stream: ClientHttp2Stream;
  session: ClientHttp2Session;
  socket: net.Socket;
  websocket: WebSocket;
  closes: number[];
}

describe('the end', () => {
  /** A connection of Node's own HTTP/2 to our server, whose ends are counted. */
  async function connected(): Promise<Connected> {
    const { wss, connect } = await serve();
    const socket = new net.Socket();
    const session = await connect(socket);
    const accepted = once(wss, 'connection') as Promise<[WebSocket]>;
    const [stream] = await ask(session, {});
    stream.on('error', () => {});
    const [websocket] = await accepted;
    const closes: number[] = [];
    websocket.on('close', (code) => closes.push(code));
    return { stream, session, socket, websocket, closes };
  }

  test('that is clean is END_STREAM both ways', async () => {
    const { stream, websocket } = await connected();
    // A masked Close with code 1000 and the key 0.
    stream.end(Buffer.from('88820000000003e8', 'hex'));
    stream.resume();
    const [code] = (await once(websocket, 'close')) as [number];
    await once(stream, 'close');
    expect([code, stream.rstCode]).toEqual([1000, http2.constants.NGHTTP2_NO_ERROR]);
  });

  test('by terminate() is a reset', async () => {
    const { stream, websocket, closes } = await connected();
    websocket.terminate();
    stream.resume();
    await once(stream, 'close');
    expect([stream.rstCode, closes]).toEqual([http2.constants.NGHTTP2_CANCEL, [1006]]);
  });

  test.each([
    ['a reset without an error', ({ stream }: Connected) => stream.close(0)],
    ['a reset', ({ stream }: Connected) => stream.close(http2.constants.NGHTTP2_CANCEL)],
    [
      'a reset in a frame',
      ({ stream }: Connected) => {
        stream.write(Buffer.from('82fe', 'hex'));
        setImmediate(() => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
      },
    ],
    ['END_STREAM without a Close', ({ stream }: Connected) => stream.end()],
    ['the end of the session', ({ session }: Connected) => session.destroy()],
    ['the end of its socket', ({ socket }: Connected) => socket.resetAndDestroy()],
  ])('by %s is one close', async (_, act) => {
    const all = await connected();
    act(all);
    all.stream.resume();
    await once(all.websocket, 'close');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(all.closes).toEqual([1006]);
  });
});

describe('our client', () => {
  test('opens connections on a shared session on which more than 10 MB wait', async () => {
    const { wss, port } = await serve();
    wss.on('connection', (websocket: WebSocket, { url }: http.IncomingMessage) => {
      if (url === '/slow') websocket.pause();
    });
    const slow = new WebSocket(`ws://127.0.0.1:${port}/slow`, { http2: true });
    await once(slow, 'open');
    for (let sent = 0; sent < 2; sent++) slow.send(Buffer.alloc(16 * MEBIBYTE));
    await new Promise(setImmediate);
    const quick = new WebSocket(`ws://127.0.0.1:${port}/quick`, { http2: true });
    const told = await outcome(quick, () => quick.close(1000));
    expect(told).toEqual({ messages: [], errors: [], closes: [1000] });
    slow.terminate();
  });

  test.each([
    ['of the address', 'user:p%40ss@', {}, 'user:p@ss'],
    ['of the option', '', { auth: 'other:word' }, 'other:word'],
    ['of the address before the option', 'user:pass@', { auth: 'other:word' }, 'user:pass'],
    ['of the field before both', 'a:b@', { auth: 'c:d', headers: { Authorization: 'Bearer e' } }, undefined],
  ])('sends name and password %s', async (_, name, options, expected) => {
    const { wss, port } = await serve();
    const asked: unknown[] = [];
    wss.on('connection', (_websocket: WebSocket, { headers }: http.IncomingMessage) =>
      asked.push(headers.authorization),
    );
    const websocket = new WebSocket(`ws://${name}127.0.0.1:${port}/`, { http2: true, ...options });
    expect(await outcome(websocket, () => websocket.close(1000))).toMatchObject({ closes: [1000] });
    const basic = expected === undefined ? 'Bearer e' : `Basic ${Buffer.from(expected).toString('base64')}`;
    expect(asked).toEqual([basic]);
  });

  test('asks over a Unix socket', async () => {
    const server = http2.createServer();
    const wss = new WebSocketServer({ server });
    const asked: unknown[] = [];
    wss.on('connection', (websocket, { url, headers }) => {
      asked.push([url, headers[':authority']]);
      websocket.close(4004);
    });
    const path = `${tmpdir()}/wsimd-http2-${process.pid}.sock`;
    server.listen(path);
    await once(server, 'listening');
    endings.push(() => server.close());
    for (const address of [`ws+unix:${path}`, `ws+unix:${path}:/room`]) {
      expect(await outcome(new WebSocket(address, { http2: true }))).toMatchObject({ errors: [], closes: [4004] });
    }
    expect(asked).toEqual([
      ['/', 'localhost'],
      ['/room', 'localhost'],
    ]);
  });

  test('falls back to HTTP/1.1 where the peer speaks nothing else, or does not announce the protocol', async () => {
    const old = http.createServer();
    const wss = new WebSocketServer({ server: old });
    wss.on('connection', (websocket) => websocket.close(4002));
    const port = await listen(old);
    endings.push(() => old.close());
    expect(await outcome(new WebSocket(`ws://127.0.0.1:${port}/`, { http2: true }))).toMatchObject({ closes: [4002] });

    const secure = http2.createSecureServer({ ...TLS, allowHTTP1: true });
    const upgraded = new WebSocketServer({ noServer: true });
    secure.on('upgrade', (request, socket, head) => {
      upgraded.handleUpgrade(request, socket, head, (websocket) => websocket.close(4003));
    });
    const securePort = await listen(secure);
    endings.push(() => secure.close());
    const options = { http2: true, ca: CERTIFICATE };
    expect(await outcome(new WebSocket(`wss://localhost:${securePort}/`, options))).toMatchObject({ closes: [4003] });
  });

  test('tells what the server answered, follows no redirect, and gives up in time or when told', async () => {
    const { server, port } = await serve(
      { noServer: true, server: undefined },
      http2.createServer({ settings: { enableConnectProtocol: true } }),
    );
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      if (headers[':path'] === '/moved') stream.respond({ ':status': 302, location: '/' }, { endStream: true });
      else if (headers[':path'] === '/no') stream.respond({ ':status': 403 }, { endStream: true });
      else if (headers[':path'] === '/reset') stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    });
    const url = `ws://127.0.0.1:${port}`;
    const errors = async (path: string, options: object = {}): Promise<unknown> =>
      outcome(new WebSocket(url + path, { http2: true, ...options }));
    const refused = (error: string): Outcome => ({ messages: [], errors: [error], closes: [1006] });
    expect(await errors('/no')).toEqual(refused('Unexpected server response: 403'));
    expect(await errors('/moved')).toEqual(refused('Unexpected server response: 302'));
    expect(await errors('/moved', { followRedirects: true })).toEqual(
      refused('Redirects are not followed over HTTP/2'),
    );
    expect(await errors('/reset')).toEqual(refused('Stream closed with error code NGHTTP2_REFUSED_STREAM'));
    expect(await errors('/never', { handshakeTimeout: 50 })).toEqual(refused('Opening handshake has timed out'));
    expect(await errors('/never', { signal: AbortSignal.abort() })).toEqual(refused('The operation was aborted'));
    const closed = new WebSocket(`${url}/never`, { http2: true });
    setTimeout(() => closed.close(), 50);
    expect(await outcome(closed)).toEqual(refused('WebSocket was closed before the connection was established'));

    const asked = new WebSocket(`${url}/no`, { http2: true });
    const [, response] = (await once(asked, 'unexpected-response')) as [unknown, http.IncomingMessage];
    expect([response.statusCode, response.headers[':status']]).toEqual([403, 403]);
    asked.on('error', () => {});
    asked.terminate();
  });

  test('keeps no process alive by a session that nobody uses', async () => {
    const { port } = await serve();
    const index = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
    const program = `
      import { WebSocket } from ${JSON.stringify(index)};
      const websocket = new WebSocket('ws://127.0.0.1:${port}/', { http2: true });
      websocket.on('open', () => websocket.close(1000));
      websocket.on('close', (code) => console.log(code));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    const [status] = (await once(child, 'exit')) as [number];
    expect([status, text]).toEqual([0, '1000\n']);
  });
});
