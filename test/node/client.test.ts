/** The opening handshake of a client where the contract's tests do not reach: broken responses, limits, secrets, signals. */
import { createHook } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import http, { type ClientRequest } from 'node:http';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acceptFor, headerOf, responseHead } from '../support/raw-peer.js';
import { answering, contract, dial, ending, event, listenHttp, recorder, turn, wait } from './contract/harness.js';
import type { Client } from './contract/implementations.js';
import { ours, scripted, type Options } from './scripted.js';

interface Answer {
  name: string;
  /** What the server sends before it ends. */
  wire: (request: string) => string;
  log: string[];
  /** What ws does, where that is something else. */
  ws?: string[];
}

const fails = (message: string): string[] => [`error ${message}`, 'close 1006'];
const good = (request: string): string => responseHead(request);

const ANSWERS: readonly Answer[] = [
  { name: 'a good 101', wire: good, log: ['upgrade', 'open', 'close 1006'] },
  {
    name: 'a 101 after a 100 and a 103',
    wire: (r) => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${good(r)}`,
    log: ['upgrade', 'open', 'close 1006'],
  },
  {
    name: 'a 101 with other spellings',
    wire: (r) => responseHead(r, { Upgrade: 'WEBSOCKET', Connection: 'keep-alive, uPgRaDe' }),
    log: ['upgrade', 'open', 'close 1006'],
  },
  {
    name: 'a 101 without Upgrade',
    wire: (r) => responseHead(r, { Upgrade: undefined }),
    log: fails('Unexpected server response: 101'),
  },
  {
    name: 'a 101 without Connection',
    wire: (r) => responseHead(r, { Connection: undefined }),
    log: fails('Unexpected server response: 101'),
  },
  {
    name: 'a 101 with Connection: close',
    wire: (r) => responseHead(r, { Connection: 'close' }),
    log: fails('Unexpected server response: 101'),
  },
  {
    name: 'an Upgrade to two protocols',
    wire: (r) => responseHead(r, { Upgrade: 'websocket, h2c' }),
    log: ['upgrade', ...fails('Invalid Upgrade header')],
  },
  {
    name: 'an accept key in lower case',
    wire: (r) =>
      responseHead(r, { 'Sec-WebSocket-Accept': acceptFor(headerOf(r, 'sec-websocket-key')!).toLowerCase() }),
    log: ['upgrade', ...fails('Invalid Sec-WebSocket-Accept header')],
  },
  {
    name: 'the key itself',
    wire: (r) => responseHead(r, { 'Sec-WebSocket-Accept': headerOf(r, 'sec-websocket-key') }),
    log: ['upgrade', ...fails('Invalid Sec-WebSocket-Accept header')],
  },
  {
    name: 'an empty accept key',
    wire: (r) => responseHead(r, { 'Sec-WebSocket-Accept': '' }),
    log: ['upgrade', ...fails('Invalid Sec-WebSocket-Accept header')],
  },
  {
    name: 'the accept key twice',
    wire: (r) => good(r).replace(/(Sec-WebSocket-Accept: .*\r\n)/, '$1$1'),
    log: ['upgrade', ...fails('Invalid Sec-WebSocket-Accept header')],
  },
  {
    name: 'an empty subprotocol',
    wire: (r) => responseHead(r, { 'Sec-WebSocket-Protocol': '' }),
    log: ['upgrade', ...fails('Server sent a subprotocol but none was requested')],
  },
  {
    name: 'an empty list of extensions',
    wire: (r) => responseHead(r, { 'Sec-WebSocket-Extensions': '' }),
    log: ['upgrade', ...fails('Invalid Sec-WebSocket-Extensions header')],
  },
  {
    name: 'permessage-deflate twice',
    wire: (r) => responseHead(r, { 'Sec-WebSocket-Extensions': 'permessage-deflate, permessage-deflate' }),
    log: ['upgrade', ...fails('Invalid Sec-WebSocket-Extensions header')],
    ws: ['upgrade', 'open', 'close 1006'],
  },
  {
    name: '200 with the fields of a 101',
    wire: (r) => good(r).replace('101 Switching Protocols', '200 OK'),
    log: fails('Unexpected server response: 200'),
  },
  { name: '204', wire: () => 'HTTP/1.1 204 No Content\r\n\r\n', log: fails('Unexpected server response: 204') },
  {
    name: '304',
    wire: () => 'HTTP/1.1 304 Not Modified\r\nLocation: /x\r\n\r\n',
    log: fails('Unexpected server response: 304'),
  },
  {
    name: '426',
    wire: () => 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    log: fails('Unexpected server response: 426'),
  },
  {
    name: '599 with a body',
    wire: () => 'HTTP/1.1 599 X\r\nContent-Length: 3\r\n\r\nabc',
    log: fails('Unexpected server response: 599'),
  },
  {
    name: 'HTTP/1.0 403',
    wire: () => 'HTTP/1.0 403 Forbidden\r\n\r\nno',
    log: fails('Unexpected server response: 403'),
  },
  { name: 'nothing', wire: () => '', log: fails('socket hang up') },
  { name: 'half a head', wire: (r) => good(r).slice(0, 60), log: fails('socket hang up') },
  {
    name: 'another version of HTTP',
    wire: (r) => good(r).replace('1.1', '1.0'),
    log: ['upgrade', 'open', 'close 1006'],
  },
  { name: 'no number for a status', wire: (r) => good(r).replace('101', '1x1'), log: fails('Parse Error') },
  { name: 'a NUL in a field', wire: (r) => responseHead(r, { 'X-Bad': 'a\0b' }), log: fails('Parse Error') },
  {
    name: 'a head of more than 16 KiB',
    wire: (r) => responseHead(r, { 'X-Long': 'x'.repeat(17_000) }),
    log: fails('Parse Error'),
  },
];

contract('the response', (implementation) => {
  for (const split of ['whole', 'byte by byte'] as const) {
    it.each(ANSWERS)(`4.1: gives the same events ${split}: $name`, async ({ wire, log, ws: wsLog }) => {
      const server = await answering(({ peer, request }) => {
        const text = wire(request);
        peer.socket.on('error', () => {});
        if (split === 'whole') {
          peer.socket.end(text, 'latin1');
          return;
        }
        // The last 400 bytes one at a time: the long head needs no 17,000 writes.
        const start = Math.max(0, text.length - 400);
        peer.write(text.slice(0, start));
        let at = start;
        const next = (): void => {
          if (peer.socket.destroyed) return;
          if (at === text.length) peer.socket.end();
          else peer.socket.write(text[at++], 'latin1', () => setImmediate(next));
        };
        next();
      });
      const client = dial(implementation, server.url);
      const seen = recorder(client);
      await ending(client);
      const expected = implementation.name === 'ws' ? (wsLog ?? log) : log;
      // What follows differs between versions of Node.
      expect(seen.map((entry) => entry.replace(/(?<=Parse Error).*/, ''))).toEqual(expected);
      await (
        await server.first
      ).peer.closed;
    });
  }
});

describe('handshakeTimeout', () => {
  const timedOut = { code: 1006, errors: 1, error: { message: 'Opening handshake has timed out' } };

  it('is for the whole response: bytes that trickle in do not start it anew', async () => {
    const server = await answering(({ peer, request }) => {
      const text = responseHead(request);
      let at = 0;
      const timer = setInterval(() => peer.write(text[at++]), 20);
      peer.socket.on('close', () => clearInterval(timer));
    });
    const end = ending(dial(ours, server.url, [], { handshakeTimeout: 150 }));
    const early = setTimeout(() => expect.unreachable(), 1500);
    expect(await end).toMatchObject(timedOut);
    clearTimeout(early);
    await (
      await server.first
    ).peer.closed;
  });

  it('covers looking up the name', async () => {
    const options = { handshakeTimeout: 50, lookup: () => {} };
    expect(await ending(dial(ours, 'ws://example.com', [], options))).toMatchObject(timedOut);
  });

  it('covers waiting for an agent', async () => {
    const agent = new http.Agent({ maxSockets: 1 });
    const server = await answering(() => {});
    const first = dial(ours, server.url, [], { agent });
    expect(await ending(dial(ours, server.url, [], { agent, handshakeTimeout: 50 }))).toMatchObject(timedOut);
    const firstEnd = ending(first);
    first.terminate();
    await firstEnd;
  });

  it('covers TLS', async () => {
    const server = net.createServer(() => {});
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as net.AddressInfo;
    const end = await ending(dial(ours, `wss://127.0.0.1:${port}`, [], { handshakeTimeout: 50 }));
    expect(end).toMatchObject(timedOut);
  });

  it('is honoured where a timer of Node would overflow, and leaves no timer behind', async () => {
    // The timers of Node itself: the library's are none of the application's, and no spy on the globals sees them.
    const timers: { _idleTimeout: number; _destroyed: boolean }[] = [];
    const hook = createHook({
      init: (_id, type, _trigger, resource) => void (type === 'Timeout' && timers.push(resource as (typeof timers)[0])),
    }).enable();
    onTestFinished(() => void hook.disable());
    const finishRequest = (request: ClientRequest): void => void setTimeout(() => request.end(), 30);
    for (const answer of [good, () => 'HTTP/1.1 400 Bad Request\r\n\r\n']) {
      for (const handshakeTimeout of [60_000, 2 ** 40]) {
        const { options } = scripted(answer);
        const ws = dial(ours, 'ws://example.com', [], { ...options, finishRequest, handshakeTimeout });
        const timer = timers.find(({ _idleTimeout }) => _idleTimeout === Math.min(handshakeTimeout, 2 ** 31 - 1))!;
        expect(timer._destroyed).toBe(false);
        if (answer === good) await event(ws, 'open');
        else expect((await ending(ws)).error?.message).toBe('Unexpected server response: 400');
        await turn();
        expect(timer._destroyed).toBe(true);
      }
    }
  });
});

contract('handshakeTimeout and a response that a listener reads', (implementation) => {
  it('ends a body that stalls', async () => {
    const server = await answering(({ peer }) => peer.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nabc'));
    const ws = dial(implementation, server.url, [], { handshakeTimeout: 100 });
    ws.on('unexpected-response', (_request, response: http.IncomingMessage) => response.resume());
    expect(await ending(ws)).toMatchObject({
      code: 1006,
      errors: 1,
      error: { message: 'Opening handshake has timed out' },
    });
  });

  it('does not end a body that is complete', async () => {
    const server = await answering(({ peer }) => peer.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nabc'));
    const ws = dial(implementation, server.url, [], { handshakeTimeout: 50 });
    const log = recorder(ws);
    const [, response] = await event<[ClientRequest, http.IncomingMessage]>(ws, 'unexpected-response');
    response.resume();
    await event(response, 'end');
    await wait(120);
    expect(log).toEqual([]);
    const end = ending(ws);
    ws.close();
    expect(await end).toMatchObject({ code: 1006, errors: 1 });
    await (
      await server.first
    ).peer.closed;
  });
});

const REFUSED = 'HTTP/1.1 400 Bad Request\r\n\r\n';
const SECRETS = {
  Authorization: 'Basic eDp5',
  COOKIE: 'a=b',
  'Proxy-Authorization': 'Basic ejp6',
  Host: 'mine.example',
};

/** What of SECRETS a redirect takes along: all, none, or all but what a downgrade to ws: drops. */
type Kept = 'all' | 'host' | 'none';
const KEPT: Readonly<Record<Kept, readonly string[]>> = {
  all: ['authorization', 'cookie', 'host', 'proxy-authorization'],
  host: ['host'],
  none: [],
};

const REDIRECTS: readonly [from: string, to: string, kept: Kept][] = [
  ['ws://a.example/', '/x', 'all'],
  ['ws://a.example/', 'ws://A.example:80/', 'all'],
  ['ws://a.example/', 'wss://a.example/', 'all'],
  ['ws://a.example:1234/', 'wss://a.example:1234/', 'all'],
  ['wss://a.example/', 'https://a.example/x', 'all'],
  ['wss://a.example/', 'ws://a.example/', 'host'],
  ['wss://a.example:1234/', 'http://a.example:1234/', 'host'],
  ['ws://a.example/', 'ws://b.example/', 'none'],
  ['ws://a.example/', '//b.example/', 'none'],
  ['ws://a.example/', 'ws://sub.a.example/', 'none'],
  ['ws://a.example/', 'ws://a.example:81/', 'none'],
  ['wss://a.example/', 'ws://b.example/', 'none'],
  ['ws+unix:/tmp/s', 'ws://a.example/', 'none'],
  ['ws+unix:/tmp/s', 'ws+unix:/tmp/t', 'none'],
  ['ws+unix:/tmp/s:/x', 'ws+unix:/tmp/s:/y', 'all'],
];

contract('the secrets of a redirect', (implementation) => {
  it.each(REDIRECTS)('from %s to %s: takes along %s', async (from, to, kept) => {
    const server = scripted(() =>
      server.requests.length === 1 ? `HTTP/1.1 302 Found\r\nLocation: ${to}\r\n\r\n` : REFUSED,
    );
    await ending(dial(implementation, from, [], { ...server.options, followRedirects: true, headers: SECRETS }));
    expect(server.requests).toHaveLength(2);
    for (const [i, names] of [KEPT.all, KEPT[kept]].entries()) {
      const sent = Object.entries(SECRETS).filter(
        ([name, value]) => headerOf(server.requests[i], name.toLowerCase()) === value,
      );
      const expected = implementation.name === 'ws' ? [...new Set([...names, 'proxy-authorization'])] : names;
      expect(sent.map(([name]) => name.toLowerCase()).sort()).toEqual([...expected].sort());
    }
  });

  it('come back where they belong, and userinfo of another peer never goes with them', async () => {
    const places = ['ws://b.example/1', 'ws://evil:evil@b.example/2', 'ws://a.example/3'];
    const server = scripted(() => {
      const to = places[server.requests.length - 1];
      return to === undefined ? REFUSED : `HTTP/1.1 307 Moved\r\nLocation: ${to}\r\n\r\n`;
    });
    const options = { ...server.options, followRedirects: true };
    await ending(dial(implementation, 'ws://x:y@a.example/', [], options));
    const basic = `Basic ${Buffer.from('x:y').toString('base64')}`;
    expect(server.requests.map((request) => headerOf(request, 'authorization'))).toEqual([
      basic,
      undefined,
      undefined,
      basic,
    ]);
  });

  it('are not those that another peer put into its own Location', async () => {
    const places = ['ws://evil:evil@b.example/1', 'ws://a.example/2'];
    const server = scripted(() => {
      const to = places[server.requests.length - 1];
      return to === undefined ? REFUSED : `HTTP/1.1 307 Moved\r\nLocation: ${to}\r\n\r\n`;
    });
    await ending(dial(implementation, 'ws://a.example/', [], { ...server.options, followRedirects: true }));
    expect(server.requests.map((request) => headerOf(request, 'authorization'))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a redirect', () => {
  it('to what http.request refuses is an error event, and nothing is thrown', async () => {
    const server = scripted(() => 'HTTP/1.1 302 Found\r\nLocation: ws+unix:s:/a b\r\n\r\n');
    const end = await ending(dial(ours, 'ws+unix:s', [], { ...server.options, followRedirects: true }));
    expect(end).toMatchObject({ code: 1006, errors: 1, error: { code: 'ERR_UNESCAPED_CHARACTERS' } });
  });

  it('is followed without end only where maxRedirects says so', async () => {
    const server = scripted(() =>
      server.requests.length > 30 ? REFUSED : 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n',
    );
    const options = { ...server.options, followRedirects: true, maxRedirects: Infinity };
    expect((await ending(dial(ours, 'ws://example.com', [], options))).error?.message).toBe(
      'Unexpected server response: 400',
    );
    const none = scripted(() => 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n');
    const end = await ending(
      dial(ours, 'ws://example.com', [], { ...none.options, followRedirects: true, maxRedirects: 0 }),
    );
    expect(end.error?.message).toBe('Maximum redirects exceeded');
    expect(none.requests).toHaveLength(1);
  });
});

contract('a connection that cannot be made', (implementation) => {
  const noFamily = (_host: string, _options: unknown, callback: (...given: unknown[]) => void): void =>
    callback(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }));
  const twoFamilies = (_host: string, _options: unknown, callback: (...given: unknown[]) => void): void =>
    callback(null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const ROWS: readonly [name: string, address: string, options: Options, code: RegExp][] = [
    ['a name that is none', 'ws://none.example', { lookup: noFamily }, /^ENOTFOUND$/],
    ['a port that nobody listens on', 'ws://127.0.0.1:1', {}, /^ECONNREFUSED$/],
    ['the same with TLS', 'wss://127.0.0.1:1', {}, /^ECONNREFUSED$/],
    [
      'neither of two addresses',
      'ws://two.example:1',
      { lookup: twoFamilies, autoSelectFamily: true },
      /^(ECONNREFUSED|EADDRNOTAVAIL)$/,
    ],
    ['an IPC path that is none', 'ws+unix:/nowhere/s:/x:y', {}, /^ENOENT$/],
    ['an own address that is none', 'ws://127.0.0.1:1', { localAddress: '192.0.2.1' }, /^EADDRNOTAVAIL$/],
    [
      'a factory without a stream',
      'ws://example.com',
      {
        createConnection: (_: unknown, done: (error: Error) => void) =>
          done(Object.assign(new Error('no'), { code: 'MINE' })),
      },
      /^MINE$/,
    ],
  ];

  it.each(ROWS)('is one error and one close: %s', async (_name, address, options, code) => {
    const ws = dial(implementation, address, [], options);
    let closes = 0;
    ws.on('close', () => closes++);
    const end = await ending(ws);
    expect(end).toMatchObject({ code: 1006, errors: 1 });
    expect(end.error?.code).toMatch(code);
    await turn();
    expect(closes).toBe(1);
  });
});

describe('an agent that keeps sockets', () => {
  it('has the socket of a refused handshake back once the response has been read', async () => {
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const server = http.createServer((_request, response) => response.end('plain'));
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      // What follows on this socket is plain HTTP again.
      server.emit('connection', socket);
    });
    const { url } = await listenHttp(server);
    const ws = dial(ours, url, [], { agent });
    const [, response] = await event<[ClientRequest, http.IncomingMessage]>(ws, 'unexpected-response');
    response.resume();
    await event(response, 'close');
    await turn();
    const plain = http.get(url.replace('ws', 'http'), { agent });
    expect(plain.reusedSocket).toBe(true);
    const end = ending(ws);
    ws.terminate();
    const [answer] = await event<[http.IncomingMessage]>(plain, 'response');
    expect(answer.statusCode).toBe(200);
    answer.resume();
    expect(await end).toMatchObject({ code: 1006, errors: 1 });
  });
});

describe('signal', () => {
  const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
  const aborted = {
    code: 1006,
    errors: 1,
    error: { name: 'AbortError', code: 'ABORT_ERR', message: 'The operation was aborted' },
  };

  it('that has already been aborted: no connection is made', async () => {
    let created = 0;
    const createConnection = (): net.Socket => {
      created++;
      return new net.Socket();
    };
    const reason = new Error('mine');
    const ws = dial(ours, 'ws://example.com/', [], { createConnection, signal: AbortSignal.abort(reason) });
    expect(ws.readyState).toBe(ws.CLOSING);
    expect(ws.url).toBe('ws://example.com/');
    const end = await ending(ws);
    expect(end).toMatchObject(aborted);
    expect(end.error?.cause).toBe(reason);
    expect(created).toBe(0);
  });

  it('aborts a handshake that waits for its response', async () => {
    const server = await answering(() => {});
    const controller = new AbortController();
    const ws = dial(ours, server.url, [], { signal: controller.signal });
    const { peer } = await server.first;
    const log = recorder(ws);
    const end = ending(ws);
    controller.abort();
    expect(log).toEqual([]);
    expect(await end).toMatchObject(aborted);
    await peer.closed;
    expect(listeners(controller.signal)).toBe(0);
  });

  it('aborts between redirects, and in a listener of redirect', async () => {
    const controller = new AbortController();
    const server = scripted(() => 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n');
    const ws = dial(ours, 'ws://example.com', [], {
      ...server.options,
      followRedirects: true,
      signal: controller.signal,
    });
    ws.on('redirect', () => controller.abort());
    expect(await ending(ws)).toMatchObject(aborted);
    expect(server.requests).toHaveLength(1);
    expect(listeners(controller.signal)).toBe(0);
  });

  it('does nothing to a connection that is open, or opening, and holds nothing of it', async () => {
    const controller = new AbortController();
    const ws = dial(ours, 'ws://example.com', [], { ...scripted(good).options, signal: controller.signal });
    ws.on('open', () => controller.abort());
    await event(ws, 'open');
    await turn();
    expect(ws.readyState).toBe(ws.OPEN);
    expect(listeners(controller.signal)).toBe(0);
  });
});

contract('a listener of upgrade', (implementation) => {
  it.each([undefined, new http.Agent(), new http.Agent({ keepAlive: true })])(
    'is told before the response is judged, and close() in it is the end',
    async (agent) => {
      const server = await answering(({ peer, request }) =>
        peer.write(responseHead(request, { 'Sec-WebSocket-Accept': 'x' })),
      );
      const ws: Client = dial(implementation, server.url, [], { agent });
      ws.on('upgrade', () => ws.close());
      expect(await ending(ws)).toMatchObject({
        code: 1006,
        errors: 1,
        error: { message: 'WebSocket was closed before the connection was established' },
      });
      await (
        await server.first
      ).peer.closed;
    },
  );
});
