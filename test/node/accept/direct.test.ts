import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import http from 'node:http';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { WebSocketServer, type WebSocket } from '../../../src/index.js';
import type { ClientInfo, ServerOptions } from '../../../src/node/server-options.js';
import { ROWS, write } from '../../handshake/requests.js';
import { encodeFrame, requestHead } from '../../support/raw-peer.js';

type Path = 'direct' | 'http';
type AnyServer = WebSocketServer & { _server: Server };

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

interface Seen {
  /** All that came back, without dates. */
  answer: string;
  /** Each request, as the listeners of 'connection' get it. */
  requests: unknown[];
  messages: string[];
  closed: unknown[];
  /** Whether node:http had the socket first. */
  parsed: boolean[];
}

const HI = encodeFrame({ payload: 'hi', masked: true });
const BYE = encodeFrame({ opcode: 8, payload: Buffer.from([3, 232]), masked: true });

async function listen(options: ServerOptions & { of?: 'ws' } = {}): Promise<AnyServer> {
  const { of, ...given } = options;
  const server =
    of === 'ws'
      ? (new ws.WebSocketServer({ host: '127.0.0.1', port: 0 }) as unknown as AnyServer)
      : (new WebSocketServer({ host: '127.0.0.1', port: 0, readPath: 'landing', ...given }) as AnyServer);
  open.push(() => {
    for (const client of server.clients ?? []) client.terminate();
    server._server?.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return server;
}

function factsOf(request: IncomingMessage): unknown {
  const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, headers, headersDistinct, rawHeaders } =
    request;
  const { trailers, rawTrailers, complete, aborted, destroyed, readableEnded, readableFlowing, statusCode } = request;
  const isMessage = request instanceof http.IncomingMessage;
  const ofSocket = request.socket === request.connection && request.socket instanceof net.Socket;
  const { upgrade } = request as { upgrade?: unknown };
  return [
    { method, url, httpVersion, httpVersionMajor, httpVersionMinor, headers, headersDistinct, rawHeaders, upgrade },
    { trailers, rawTrailers, complete, aborted, destroyed, readableEnded, readableFlowing, statusCode },
    { isMessage, ofSocket, names: request.eventNames() },
  ];
}

/** Says `chunks` one after another to a server, then a message and a Close if it opened, and tells what both sides saw. */
async function say(server: AnyServer, chunks: readonly (string | Buffer)[]): Promise<Seen> {
  const seen: Seen = { answer: '', requests: [], messages: [], closed: [], parsed: [] };
  const over: Promise<unknown>[] = [];
  const onConnection = (websocket: WebSocket, request: IncomingMessage): void => {
    seen.parsed.push(Object.hasOwn(request.socket, 'parser'));
    seen.requests.push(factsOf(request));
    websocket.on('error', (error) => seen.closed.push(error.message));
    websocket.on('message', (data) => {
      seen.messages.push(String(data));
      websocket.send(data as Buffer);
    });
    over.push(once(websocket, 'close').then((reason) => seen.closed.push(reason.map(String))));
  };
  server.on('connection', onConnection);
  const socket = net.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  let hasAnswer = false;
  socket.on('data', (data: Buffer) => {
    seen.answer += data.toString('latin1');
    if (hasAnswer || !seen.answer.includes('\r\n\r\n')) return;
    hasAnswer = true;
    if (seen.answer.startsWith('HTTP/1.1 101')) socket.write(Buffer.concat([HI, BYE]));
    else socket.end();
  });
  await once(socket, 'connect');
  for (const chunk of chunks) {
    await new Promise((resolve) => socket.write(chunk, 'latin1', resolve));
    await turn();
    await turn();
  }
  await closed;
  await Promise.all(over);
  server.removeListener('connection', onConnection);
  return { ...seen, answer: seen.answer.replaceAll(/Date: [^\r]*/g, 'Date') };
}

/** What both ways see of the same, which is the same; answers with that. */
async function both(
  chunks: readonly (string | Buffer)[],
  options: (path: Path) => ServerOptions = () => ({}),
): Promise<Seen> {
  const [direct, parsed] = await Promise.all(
    (['direct', 'http'] as const).map(async (acceptPath) =>
      say(await listen({ ...options(acceptPath), acceptPath }), chunks),
    ),
  );
  expect({ ...direct, parsed: [] }).toEqual({ ...parsed, parsed: [] });
  expect(parsed.parsed.every(Boolean)).toBe(true);
  return direct;
}

const BROWSER = requestHead(
  {
    Connection: 'keep-alive, Upgrade',
    Pragma: 'no-cache',
    Origin: 'http://example.com',
    Cookie: 'a=b',
    'X-Odd': 'caf\xe9 \t "x"',
    'Sec-WebSocket-Protocol': 'graphql-transport-ws, chat',
    'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
  },
  'GET /chat?room=1#x HTTP/1.1',
);

describe('a plain request', () => {
  it('is taken before node:http sees it, and looks as if it had been parsed there; as with ws', async () => {
    const seen = await both([BROWSER]);
    expect(seen).toMatchObject({ parsed: [false], messages: ['hi'], closed: [['1000', '']] });
    expect(seen.answer).toContain('Sec-WebSocket-Protocol: graphql-transport-ws\r\n');
    const theirs = await say(await listen({ of: 'ws' }), [BROWSER]);
    expect(theirs.requests).toEqual(seen.requests);
    expect(theirs.answer).toBe(seen.answer);
  });

  it('may have frames behind it, whole, cut and spread over chunks', async () => {
    const frames = Buffer.concat([HI, encodeFrame({ payload: 'x'.repeat(70_000), masked: true }), HI]);
    for (const cut of [0, 1, 5, HI.length, 300, 70_000]) {
      const first = Buffer.concat([Buffer.from(BROWSER, 'latin1'), frames.subarray(0, cut)]);
      const { messages, parsed } = await both([first, frames.subarray(cut)]);
      expect(messages).toEqual(['hi', 'x'.repeat(70_000), 'hi', 'hi']);
      expect(parsed).toEqual([false]);
    }
  });

  it('cut anywhere is a request like others', async () => {
    const [direct, parsed] = [await listen({ acceptPath: 'direct' }), await listen({ acceptPath: 'http' })];
    const text = requestHead({ Connection: 'keep-alive, Upgrade' });
    const whole = await say(parsed, [text]);
    for (let cut = 1; cut <= text.length; cut += 3) {
      const seen = await say(direct, [text.slice(0, cut), text.slice(cut)]);
      expect({ ...seen, parsed: [] }, `cut at ${cut}`).toEqual({ ...whole, parsed: [] });
    }
    expect(await say(direct, Array.from(text))).toEqual(await say(parsed, Array.from(text)));
  });

  it('is read by node:http where the option or the read path says so', async () => {
    expect((await say(await listen({ acceptPath: 'http' }), [BROWSER])).parsed).toEqual([true]);
    expect((await say(await listen({ readPath: 'data' }), [BROWSER])).parsed).toEqual([true]);
    expect((await say(await listen({ readPath: 'data', acceptPath: 'direct' }), [BROWSER])).parsed).toEqual([true]);
  });

  it.each(['upgrade', 'request', 'connection'])(
    "is read by node:http once there is another listener of '%s'",
    async (name) => {
      const server = await listen({ acceptPath: 'direct' });
      expect((await say(server, [BROWSER])).parsed).toEqual([false]);
      let told = 0;
      const listener = (): void => void told++;
      server._server.on(name, listener);
      expect((await say(server, [BROWSER])).parsed).toEqual([true]);
      expect(told).toBe(name === 'request' ? 0 : 1);
      server._server.removeListener(name, listener);
      expect((await say(server, [BROWSER])).parsed).toEqual([false]);
    },
  );

  it.each([
    ['timeout', 60_000],
    ['maxHeadersCount', 50],
  ])('is read by node:http where the HTTP server has a %s', async (name, value) => {
    const server = await listen({ acceptPath: 'direct' });
    Object.assign(server._server, { [name]: value });
    expect((await say(server, [BROWSER])).parsed).toEqual([true]);
  });
});

describe('every other request goes to node:http with its bytes', () => {
  it('each of the table, plain and strict', async () => {
    for (const strictHandshake of [false, true]) {
      const [direct, parsed] = [
        await listen({ acceptPath: 'direct', strictHandshake, perMessageDeflate: true }),
        await listen({ acceptPath: 'http', strictHandshake, perMessageDeflate: true }),
      ];
      for (const row of ROWS) {
        const text = write(row);
        const wanted = await say(parsed, [text]);
        expect({ ...(await say(direct, [text])), parsed: [] }, row.name).toEqual({ ...wanted, parsed: [] });
      }
    }
  });

  it.each([
    ['a GET without an upgrade', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two GETs in one chunk', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a GET and an upgrade in one chunk', `GET / HTTP/1.1\r\nHost: a\r\n\r\n${requestHead()}`],
    ['no Host', requestHead({ Host: undefined })],
    ['a folded field', requestHead({ 'X-A': 'a\r\n b' })],
    ['a field without a name', requestHead({ '': 'a' })],
    ['a blank before the colon', requestHead({ 'X-A ': 'a' })],
    ['a blank line before it', `\r\n${requestHead()}`],
    ['bare LF', requestHead().replaceAll('\r\n', '\n')],
    ['two Upgrades', requestHead({ 'X-A': 'a\r\nUpgrade: websocket' })],
    ['two Upgrades, one of another protocol', requestHead({ 'X-A': 'a\r\nUpgrade: h2c' })],
    ['two Connections', requestHead({ 'X-A': 'a\r\nConnection: close' })],
    ['Connection without upgrade', requestHead({ Connection: 'keep-alive' })],
    ['Connection: upgrades', requestHead({ Connection: 'upgrades' })],
    ['Connection: upgrade;', requestHead({ Connection: 'upgrade;' })],
    ['Connection: close, upgrade', requestHead({ Connection: 'close, upgrade' })],
    ['Connection: , upgrade ,', requestHead({ Connection: ', upgrade ,' })],
    ['two keys', requestHead({ 'X-A': 'a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' })],
    ['two Origins', requestHead({ Origin: 'http://a\r\nOrigin: http://b' })],
    ['two protocols', requestHead({ 'Sec-WebSocket-Protocol': 'a\r\nSec-WebSocket-Protocol: b' })],
    ['two Cookies', requestHead({ Cookie: 'a\r\nCookie: b' })],
    ['two Authorizations', requestHead({ Authorization: 'a\r\nAuthorization: b' })],
    ['Expect', requestHead({ Expect: '100-continue' })],
    ['a body', `${requestHead({ 'Content-Length': '2' })}ab`],
    ['chunks', `${requestHead({ 'Transfer-Encoding': 'chunked' })}2\r\nab\r\n0\r\n\r\n`],
    ['a Trailer', requestHead({ Trailer: 'x' })],
    ['HTTP/1.0', requestHead({}, 'GET / HTTP/1.0')],
    ['HTTP/2.0', requestHead({}, 'GET / HTTP/2.0')],
    ['a lower-case method', requestHead({}, 'get / HTTP/1.1')],
    ['an absolute URL', requestHead({}, 'GET http://a/b HTTP/1.1')],
    ['*', requestHead({}, 'GET * HTTP/1.1')],
    ['no path', requestHead({}, 'GET ?a HTTP/1.1')],
    ['//', requestHead({}, 'GET //a//b/../c HTTP/1.1')],
    ['CONNECT', requestHead({}, 'CONNECT a:1 HTTP/1.1')],
    ['4 KiB', requestHead({ 'X-A': 'a'.repeat(4096) })],
    ['16 KiB', requestHead({ 'X-A': 'a'.repeat(16 * 1024) })],
    ['32 KiB', requestHead({ 'X-A': 'a'.repeat(32 * 1024) })],
    ['200 fields', requestHead(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`X-${at}`, 'a'])))],
    ['3000 fields', requestHead(Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`X${at}`, ''])))],
    ['nonsense', 'hello\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('%s', async (_name, text) => {
    await both([text]);
    await both([text.slice(0, text.length >> 1), text.slice(text.length >> 1)]);
  });

  it('a request with any byte in its path, a name, a value or the list of Connection', async () => {
    const [direct, parsed] = [await listen({ acceptPath: 'direct' }), await listen({ acceptPath: 'http' })];
    const heads: ((byte: string) => string)[] = [
      (byte) => requestHead({}, `GET /a${byte}b HTTP/1.1`),
      (byte) => requestHead({}, `GET ${byte} HTTP/1.1`),
      (byte) => requestHead({ [`X-${byte}A`]: 'a' }),
      (byte) => requestHead({ 'X-A': `${byte}a${byte}b${byte}` }),
      (byte) => requestHead({ Connection: `a${byte}Upgrade` }),
      (byte) => requestHead({ Upgrade: `${byte}websocket` }),
    ];
    for (let code = 0; code < 256; code++) {
      const byte = String.fromCharCode(code);
      const said = await Promise.all(
        heads.map(async (head) => [await sayAlone(direct, head(byte)), await sayAlone(parsed, head(byte))]),
      );
      for (const [at, [ours, theirs]] of said.entries()) expect(ours, `byte ${code}, head ${at}`).toBe(theirs);
    }
  });
});

describe('what an application decides is as it is after node:http', () => {
  const answers: [string, () => ServerOptions][] = [
    ['verifyClient takes it', () => ({ verifyClient: () => true })],
    ['verifyClient refuses it', () => ({ verifyClient: () => false })],
    ['verifyClient takes it later', () => ({ verifyClient: (_info, answer) => setTimeout(answer, 5, true) })],
    [
      'verifyClient refuses it later',
      () => ({ verifyClient: (_info, answer) => setTimeout(answer, 5, false, 403, 'no', { 'X-A': 'b' }) }),
    ],
    ['verifyClient is no function', () => ({ verifyClient: 1 as never })],
    [
      'verifyClient sees the request',
      () => ({
        verifyClient: ({ origin, secure, req }: ClientInfo) =>
          !secure && req.headers.origin === origin && req.url === '/chat?room=1#x',
      }),
    ],
    ['handleProtocols takes the second', () => ({ handleProtocols: (protocols) => [...protocols][1] })],
    ['handleProtocols takes none', () => ({ handleProtocols: () => false })],
    ['another path', () => ({ path: '/other' })],
    ['its path', () => ({ path: '/chat' })],
    ['another origin', () => ({ allowedOrigins: ['https://other.example'] })],
    ['its origin', () => ({ allowedOrigins: ['http://example.com'] })],
    ['compression', () => ({ perMessageDeflate: true })],
    ['strings', () => ({ text: 'string' })],
    ['strictHandshake', () => ({ strictHandshake: true })],
    ['no tracking of clients', () => ({ clientTracking: false })],
    ['a backlog', () => ({ backlog: 1 })],
  ];

  it.each(answers)('%s', async (_name, options) => {
    const whole = await both([BROWSER], options);
    const cut = await both([BROWSER.slice(0, 100), BROWSER.slice(100)], options);
    expect({ ...cut, parsed: [] }).toEqual({ ...whole, parsed: [] });
    // Bytes that come while the application makes up its mind are kept.
    const early = await both([BROWSER, Buffer.concat([HI, HI])], options);
    if (whole.messages.length > 0) expect(early.messages).toEqual(['hi', 'hi', 'hi']);
    expect(whole.parsed).toEqual(whole.requests.length > 0 ? [false] : []);
  });

  it.each(['direct', 'http'] as const)(
    'functions that throw throw, and the client gets a 500 [%s]',
    async (acceptPath) => {
      const thrown = new Error('mine');
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      const caught: unknown[] = [];
      process.on('uncaughtException', (error) => caught.push(error));
      try {
        const fail = function fail(): never {
          throw thrown;
        };
        for (const options of [
          { verifyClient: fail },
          { handleProtocols: fail },
          { WebSocket: fail as never },
        ] as ServerOptions[]) {
          const { answer } = await say(await listen({ ...options, acceptPath }), [BROWSER]);
          expect(answer).toMatch(/^HTTP\/1\.1 500 /);
        }
        const server = await listen({ acceptPath });
        server.on('headers', fail);
        expect((await say(server, [BROWSER])).answer).toMatch(/^HTTP\/1\.1 500 /);
        server.removeListener('headers', fail);
        expect((await say(server, [BROWSER])).messages).toEqual(['hi']);
        expect(caught).toEqual([thrown, thrown, thrown, thrown]);
      } finally {
        process.removeAllListeners('uncaughtException');
        for (const listener of listeners) process.on('uncaughtException', listener);
      }
    },
  );

  it.each(['direct', 'http'] as const)(
    "listeners of 'headers' and 'wsClientError' get the request [%s]",
    async (acceptPath) => {
      const server = await listen({ acceptPath });
      server.on('headers', (lines, request) => lines.push(`X-Url: ${request.url}`));
      expect((await say(server, [BROWSER])).answer).toContain('\r\nX-Url: /chat?room=1#x\r\n');
      server.on('wsClientError', (error, socket, request) => {
        expect(request.socket).toBe(socket);
        socket.end(`${error.message} ${request.headers['sec-websocket-version']}`);
      });
      const { answer } = await say(server, [requestHead({ 'Sec-WebSocket-Version': '7' })]);
      expect(answer).toBe('Missing or invalid Sec-WebSocket-Version header 7');
    },
  );

  it.each(['direct', 'http'] as const)('methods of a subclass are called [%s]', async (acceptPath) => {
    const called: string[] = [];
    class Mine extends WebSocketServer {
      override shouldHandle(request: IncomingMessage): boolean {
        called.push(`shouldHandle ${request.url}`);
        return super.shouldHandle(request);
      }
      override handleUpgrade(...given: Parameters<WebSocketServer['handleUpgrade']>): void {
        called.push(`handleUpgrade ${given[2].toString()}`);
        // Some put a field there that they have from elsewhere.
        given[0].headers['sec-websocket-protocol'] = 'mine';
        super.handleUpgrade(...given);
      }
      override completeUpgrade(...given: Parameters<WebSocketServer['completeUpgrade']>): void {
        called.push(`completeUpgrade ${[...given[2]].join()}`);
        super.completeUpgrade(...given);
      }
    }
    const server = new Mine({ host: '127.0.0.1', port: 0, acceptPath }) as Mine & AnyServer;
    open.push(() => server.close());
    await once(server, 'listening');
    const { answer } = await say(server, [requestHead({}, 'GET /a HTTP/1.1')]);
    expect(answer).toContain('\r\nSec-WebSocket-Protocol: mine\r\n');
    expect(called).toEqual(['handleUpgrade ', 'shouldHandle /a', 'completeUpgrade mine']);
  });

  it.each(['direct', 'http'] as const)('maxConnections, and the number of sockets, hold [%s]', async (acceptPath) => {
    const server = await listen({ acceptPath, maxConnections: 1 });
    const first = connect(server);
    first.write(BROWSER, 'latin1');
    await once(first, 'data');
    expect((await say(server, [BROWSER])).answer).toMatch(/^HTTP\/1\.1 503 /);
    server._server.maxConnections = 1;
    const second = connect(server);
    await once(second, 'close');
    first.destroy();
  });
});

describe('sockets that send no request', () => {
  it.each(['direct', 'http'] as const)('silent, slow and cut off ones end in time [%s]', async (acceptPath) => {
    const server = await listen({ acceptPath, handshakeTimeout: 300 });
    const since = performance.now();
    const ends = ['', 'G', requestHead().slice(0, -2), 'GET / HTTP/1.1\r\nHost: a\r\n'].map(async (text) => {
      const socket = connect(server);
      let answer = '';
      socket.on('data', (data) => (answer += String(data)));
      socket.write(text);
      await once(socket, 'close');
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      return performance.now() - since;
    });
    for (const time of await Promise.all(ends)) {
      expect(time).toBeGreaterThan(290);
      expect(time).toBeLessThan(3000);
    }
  });

  it('may send it a long time after they have connected', async () => {
    const server = await listen({ acceptPath: 'direct', handshakeTimeout: 2000 });
    const socket = connect(server);
    await once(socket, 'connect');
    // The server gives a silent socket to node:http, whose listeners then stand on it.
    const [serverSocket] = await waitFor(() => sockets(server).filter((each) => Object.hasOwn(each, 'parser')));
    expect(serverSocket.listenerCount('error')).toBe(1);
    socket.write(BROWSER, 'latin1');
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  it.each(['direct', 'http'] as const)('end with all others at closeAllConnections [%s]', async (acceptPath) => {
    const server = await listen({ acceptPath });
    const socket = connect(server);
    await once(socket, 'connect');
    await waitFor(() => sockets(server));
    server._server.closeAllConnections();
    await once(socket, 'close');
    expect(Object.keys(server._server)).not.toContain('closeAllConnections');
  });

  it.each(['direct', 'http'] as const)('that end are ended, and those that fail go [%s]', async (acceptPath) => {
    const server = await listen({ acceptPath });
    const ending = connect(server);
    ending.resume();
    ending.end();
    await once(ending, 'close');
    const failing = connect(server);
    await once(failing, 'connect');
    await waitFor(() => sockets(server));
    failing.resetAndDestroy();
    await waitFor(() => (sockets(server).length === 0 ? [true] : []));
    const errors: unknown[] = [];
    server._server.on('clientError', (error, socket) => {
      errors.push((error as NodeJS.ErrnoException).code);
      socket.destroy();
    });
    const told = connect(server);
    await once(told, 'connect');
    await waitFor(() => sockets(server));
    told.resetAndDestroy();
    await waitFor(() => errors);
    expect(errors).toEqual(['ECONNRESET']);
  });

  it.each(['direct', 'http'] as const)(
    'and requests that come while the server closes get 426 [%s]',
    async (acceptPath) => {
      const server = await listen({ acceptPath });
      const socket = connect(server);
      await once(socket, 'connect');
      await waitFor(() => sockets(server));
      const closed = once(server, 'close');
      server.close();
      socket.write(BROWSER, 'latin1');
      const [data] = (await once(socket, 'data')) as [Buffer];
      expect(data.toString()).toMatch(/^HTTP\/1\.1 426 /);
      await closed;
      expect(socket.destroyed || (await once(socket, 'close'))).toBeTruthy();
    },
  );

  it('leave nothing behind: no timer keeps the process, no listener stays on a socket', async () => {
    const server = await listen({ acceptPath: 'direct' });
    const socket = connect(server);
    socket.write(BROWSER, 'latin1');
    const [websocket, request] = (await once(server, 'connection')) as [WebSocket, IncomingMessage];
    const names = ['close', 'data', 'end', 'error'].map((name) => [name, request.socket.listenerCount(name)]);
    const parsed = await listen({ acceptPath: 'http' });
    const other = connect(parsed);
    other.write(BROWSER, 'latin1');
    const [, theirs] = (await once(parsed, 'connection')) as [WebSocket, IncomingMessage];
    expect(names).toEqual(['close', 'data', 'end', 'error'].map((name) => [name, theirs.socket.listenerCount(name)]));
    websocket.terminate();
    socket.destroy();
    other.destroy();
  });
});

function connect(server: AnyServer): net.Socket {
  const socket = net.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  return socket;
}

/** The sockets that a server holds. */
function sockets(server: AnyServer): net.Socket[] {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
  return handles.filter((each): each is net.Socket => {
    return each instanceof net.Socket && (each as { server?: unknown }).server === server._server && !each.destroyed;
  });
}

async function waitFor<T>(find: () => T[]): Promise<T[]> {
  for (;;) {
    const found = find();
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The answer to a request, from a server that may have others under way. */
async function sayAlone(server: AnyServer, text: string): Promise<string> {
  const socket = connect(server);
  let answer = '';
  socket.on('data', (data: Buffer) => {
    answer += data.toString('latin1');
    if (!answer.includes('\r\n\r\n') || socket.writableEnded) return;
    if (answer.startsWith('HTTP/1.1 101')) socket.write(BYE);
    socket.end();
  });
  socket.write(text, 'latin1');
  // A head that is not whole is never answered.
  socket.once('connect', () => setTimeout(() => socket.end(), 500).unref());
  await once(socket, 'close');
  return answer.replaceAll(/Date: [^\r]*/g, 'Date');
}
