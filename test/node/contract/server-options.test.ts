/** The contract with `ws`: the options of WebSocketServer. */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import net from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { acceptFor, headerOf, RAW_KEY, type RawPeer } from '../../support/raw-peer.js';
import {
  contract,
  dial,
  ending,
  event,
  listen,
  listenHttp,
  message,
  messages,
  ownedServer,
  pair,
  rawClient,
  rawRequest,
  refusal,
  turn,
} from './harness.js';
import type { Client, Implementation, SendCallback } from './implementations.js';
import { ownedPairOfStreams } from './streams.js';

const EXCLUSIVE = 'One and only one of the "port", "server", or "noServer" options must be specified';

interface VerifyInfo {
  origin: string | undefined;
  secure: boolean;
  req: IncomingMessage;
}

/** The arguments of the listen() call that `make` causes. */
function listenArguments(make: () => net.Server): unknown[] {
  const spy = vi.spyOn(net.Server.prototype, 'listen').mockImplementation(function mock(this: net.Server) {
    return this;
  });
  try {
    make();
    return spy.mock.calls[0] ?? [];
  } finally {
    spy.mockRestore();
  }
}

function serverOver(implementation: Implementation, options: Record<string, unknown>): net.Server {
  return new implementation.WebSocketServer(options) as unknown as net.Server;
}

async function lastPong(peer: RawPeer, pings: number): Promise<string> {
  for (;;) {
    const { opcode, payload } = await peer.readFrame();
    if (opcode === 10 && payload.toString() === `ping ${pings - 1}`) return 'answered';
  }
}

contract('server options', (implementation) => {
  it('port / server / noServer: none, or more than one, throws the TypeError of ws', () => {
    const server = http.createServer();
    const wrong = [
      {},
      undefined,
      { port: 0, server },
      { port: 0, noServer: true },
      { server, noServer: true },
      { port: 0, server, noServer: true },
      { port: null, server: null },
    ];
    for (const options of wrong) {
      expect(() => new implementation.WebSocketServer(options)).toThrow(new TypeError(EXCLUSIVE));
    }
  });

  it('port: 0 counts as given and a free port is taken', async () => {
    const { port } = await listen(implementation, { port: 0 });
    expect(port).toBeGreaterThan(0);
  });

  it('server: upgrades of an external HTTP server are handled, and its other requests left alone', async () => {
    const { server, port, url } = await listenHttp(http.createServer((_request, response) => response.end('mine')));
    const wss = ownedServer(new implementation.WebSocketServer({ server }));
    const connected = event(wss, 'connection');
    dial(implementation, url);
    await connected;
    const [response] = (await once(http.get({ port, host: '127.0.0.1', agent: false }), 'response')) as [
      IncomingMessage,
    ];
    expect(response.statusCode).toBe(200);
    response.resume();
  });

  it('noServer: nothing listens, and handleUpgrade does the work', async () => {
    const { server, url } = await listenHttp();
    const wss = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    server.on('upgrade', (request, socket, head) => {
      wss.handleUpgrade(request, socket, head, (ws) => ws.send('hello'));
    });
    expect(server.listenerCount('upgrade')).toBe(1);
    const { data } = await message(dial(implementation, url));
    expect(data.toString()).toBe('hello');
  });

  it('host: is passed to listen', async () => {
    const { server, port } = await listen(implementation, { host: '127.0.0.2' });
    expect(server.address()).toMatchObject({ address: '127.0.0.2' });
    const socket = net.connect({ port, host: '127.0.0.1' });
    onTestFinished(() => void socket.destroy());
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  it('backlog: is passed to listen', () => {
    const flat = listenArguments(() => serverOver(implementation, { port: 0, host: '127.0.0.1', backlog: 7 })).flatMap(
      (argument) => (typeof argument === 'object' && argument !== null ? Object.values(argument) : [argument]),
    );
    expect(flat).toContain(7);
    expect(flat).toContain('127.0.0.1');
  });

  it('path: only an exact match of the URL before "?" is taken, the rest is 400', async () => {
    const { port, server } = await listen(implementation, { path: '/exact' });
    let connections = 0;
    server.on('connection', () => connections++);
    for (const path of ['/', '/exact/', '/exac', '/exact2', '/EXACT', '/other?/exact']) {
      expect(await refusal(port, { requestLine: `GET ${path} HTTP/1.1` }), path).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(connections).toBe(0);
    for (const path of ['/exact', '/exact?a=1&b=/exact', '/exact?']) {
      const connected = event(server, 'connection');
      rawRequest(port, { requestLine: `GET ${path} HTTP/1.1` });
      await connected;
    }
  });

  it('clientTracking: true keeps a Set of the open connections', async () => {
    const { server, peer } = await pair(implementation);
    expect(server.clients).toBeInstanceOf(Set);
    expect([...server.clients]).toEqual([peer]);
  });

  it('clientTracking: false leaves no clients property, and close() does not wait', async () => {
    const { server: httpServer, url } = await listenHttp();
    const server = new implementation.WebSocketServer({ server: httpServer, clientTracking: false });
    expect(server.clients).toBeUndefined();
    expect('clients' in server).toBe(false);
    const client = dial(implementation, url);
    await event(client, 'open');
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    expect(client.readyState).toBe(client.OPEN);
  });

  it('verifyClient: a sync one gets { origin, secure, req } and lets in by a truthy value', async () => {
    let info: VerifyInfo | undefined;
    const { server, port } = await listen(implementation, {
      verifyClient: (given: VerifyInfo) => {
        info = given;
        return 1;
      },
    });
    const connected = event(server, 'connection');
    rawRequest(port, { headers: { Origin: 'https://example.com', 'X-Mine': 'here' } });
    await connected;
    expect(info).toMatchObject({ origin: 'https://example.com', secure: false });
    expect(info?.req.headers['x-mine']).toBe('here');
  });

  it('verifyClient: refusal by a sync one is 401 with the status text as the body', async () => {
    const { server, port } = await listen(implementation, { verifyClient: () => false });
    server.on('connection', () => expect.unreachable());
    const answer = await refusal(port);
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(answer).toMatch(/\r\n\r\nUnauthorized$/);
  });

  it('verifyClient: for version 8 the origin is Sec-WebSocket-Origin', async () => {
    const origins: unknown[] = [];
    const { server, port } = await listen(implementation, {
      verifyClient: ({ origin }: VerifyInfo) => origins.push(origin) > 0,
    });
    const connected = event(server, 'connection');
    rawRequest(port, { headers: { 'Sec-WebSocket-Version': '8', 'Sec-WebSocket-Origin': 'http://old', Origin: 'no' } });
    await connected;
    expect(origins).toEqual(['http://old']);
  });

  it('verifyClient: one of length 2 is asynchronous, lets in when called back with true', async () => {
    let answer: ((verified: boolean) => void) | undefined;
    const asked = new EventTarget();
    const { server, port } = await listen(implementation, {
      verifyClient: (_info: VerifyInfo, callback: (verified: boolean) => void) => {
        answer = callback;
        asked.dispatchEvent(new Event('asked'));
      },
    });
    const connected = event(server, 'connection');
    rawRequest(port);
    await once(asked, 'asked');
    await turn();
    expect(server.clients.size).toBe(0);
    answer?.(true);
    await connected;
    expect(server.clients.size).toBe(1);
  });

  it('verifyClient: an asynchronous refusal uses the given code, message and headers, 401 by default', async () => {
    type Callback = (verified: boolean, code?: number, message?: string, headers?: Record<string, string>) => void;
    const answers: Parameters<Callback>[] = [
      [false],
      [false, 404],
      [false, 403, 'because'],
      [false, 503, 'later', { 'Retry-After': '120' }],
    ];
    const { port } = await listen(implementation, {
      verifyClient: (_info: VerifyInfo, callback: Callback) => setImmediate(callback, ...answers.shift()!),
    });
    expect(await refusal(port)).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[^]*\r\n\r\nUnauthorized$/);
    expect(await refusal(port)).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[^]*\r\n\r\nNot Found$/);
    expect(await refusal(port)).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\n\r\nbecause$/);
    const last = await refusal(port);
    expect(last).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n[^]*\r\n\r\nlater$/);
    expect(headerOf(last, 'retry-after')).toBe('120');
  });

  it('handleProtocols: gets the Set in the order asked and the request; its answer is the subprotocol', async () => {
    const calls: unknown[][] = [];
    const handleProtocols = (protocols: Set<string>, request: IncomingMessage): string => {
      calls.push([protocols instanceof Set, [...protocols], request.url]);
      return 'second';
    };
    const { server, url } = await listen(implementation, { handleProtocols });
    const connected = event<[Client]>(server, 'connection');
    const client = dial(implementation, `${url}/here`, ['first', 'second']);
    await event(client, 'open');
    expect(calls).toEqual([[true, ['first', 'second'], '/here']]);
    expect(client.protocol).toBe('second');
    expect((await connected)[0].protocol).toBe('second');
  });

  it('handleProtocols: is not called when none was asked for', async () => {
    const handleProtocols = vi.fn(() => 'never');
    const { ws, head } = await rawClient(implementation, { handleProtocols });
    expect(handleProtocols).not.toHaveBeenCalled();
    expect(headerOf(head, 'sec-websocket-protocol')).toBeUndefined();
    expect(ws.protocol).toBe('');
  });

  it('handleProtocols: a falsy answer sends no header', async () => {
    const { ws, head } = await rawClient(
      implementation,
      { handleProtocols: () => false },
      { headers: { 'Sec-WebSocket-Protocol': 'a, b' } },
    );
    expect(headerOf(head, 'sec-websocket-protocol')).toBeUndefined();
    expect(ws.protocol).toBe('');
  });

  it('handleProtocols: without it the first one asked for is taken', async () => {
    const { ws, head } = await rawClient(implementation, {}, { headers: { 'Sec-WebSocket-Protocol': 'b ,a' } });
    expect(headerOf(head, 'sec-websocket-protocol')).toBe('b');
    expect(ws.protocol).toBe('b');
  });

  it('perMessageDeflate: is off by default on a server, true turns it on with no parameters', async () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
    const off = await rawClient(implementation, {}, { headers });
    expect(headerOf(off.head, 'sec-websocket-extensions')).toBeUndefined();
    const on = await rawClient(implementation, { perMessageDeflate: true }, { headers });
    expect(headerOf(on.head, 'sec-websocket-extensions')).toBe('permessage-deflate');
    expect(on.server.options['perMessageDeflate']).toEqual({});
  });

  it('maxPayload: is enforced, and the default is 104857600 in a frame header that announces one more', async () => {
    const small = await rawClient(implementation, { maxPayload: 5 });
    const smallEnd = ending(small.ws);
    small.peer.send({ payload: 'sixsix' });
    expect(await small.peer.readClose()).toEqual({ code: 1009, reason: '' });
    expect((await smallEnd).error?.code).toBe('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');

    const big = await rawClient(implementation);
    big.peer.write(big.peer.encode({ opcode: 2, announce: 104_857_600 }));
    big.peer.socket.end();
    expect((await ending(big.ws)).error).toBeUndefined();

    const bigger = await rawClient(implementation);
    const end = ending(bigger.ws);
    bigger.peer.write(bigger.peer.encode({ opcode: 2, announce: 104_857_601 }));
    expect(await bigger.peer.readClose()).toEqual({ code: 1009, reason: '' });
    expect((await end).error?.message).toBe('Max payload size exceeded');
  });

  it('maxPayload: 0 is no limit', async () => {
    const { ws, peer } = await rawClient(implementation, { maxPayload: 0 });
    const end = ending(ws);
    peer.write(peer.encode({ opcode: 2, announce: 2 ** 33 }));
    peer.socket.end();
    expect((await end).error).toBeUndefined();
  });

  it('maxPayload: 2^31 and 2^32 + 5, which `| 0` would turn into no limit and into 5 (D9)', async () => {
    const wrap = await rawClient(implementation, { maxPayload: 2 ** 32 + 5 });
    const wrapEnd = ending(wrap.ws);
    const got = event(wrap.ws, 'message');
    wrap.peer.send({ opcode: 2, payload: 'sixsix' });
    const outcome = await Promise.race([wrapEnd.then(({ error }) => error?.code), got.then(() => 'delivered')]);
    expect(outcome).toBe(implementation.differs('D9', { ws: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', wsimd: 'delivered' }));

    const negative = await rawClient(implementation, { maxPayload: 2 ** 31 });
    const end = ending(negative.ws);
    negative.peer.write(negative.peer.encode({ opcode: 2, announce: 2 ** 31 + 1 }));
    negative.peer.socket.end();
    expect((await end).error?.code).toBe(
      implementation.differs('D9', { ws: undefined, wsimd: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' }),
    );
  });

  it('maxFragments: is enforced, empty fragments count, and a message of exactly that many passes', async () => {
    const { ws, peer } = await rawClient(implementation, { maxFragments: 3 });
    const end = ending(ws);
    const got = message(ws);
    peer.send({ fin: false, payload: 'a' }, { fin: false, opcode: 0, payload: '' }, { opcode: 0, payload: 'b' });
    expect((await got).data.toString()).toBe('ab');
    peer.send(
      { fin: false, payload: 'a' },
      { fin: false, opcode: 0 },
      { fin: false, opcode: 0 },
      { fin: false, opcode: 0 },
    );
    expect(await peer.readClose()).toEqual({ code: 1008, reason: '' });
    expect((await end).error).toMatchObject({
      message: 'Too many message fragments',
      code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
      name: 'RangeError',
    });
  });

  it('maxFragments: the default is 16384 (D5)', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    const got = event(ws, 'message');
    const middle = peer.encode({ fin: false, opcode: 0, key: Buffer.alloc(4) });
    peer.send({ fin: false, opcode: 2 });
    peer.write(Buffer.concat(Array.from({ length: 16_383 }, () => middle)));
    peer.send({ opcode: 0, payload: 'x' });
    const outcome = await Promise.race([end.then(({ error }) => error?.code), got.then(() => 'delivered')]);
    expect(outcome).toBe(implementation.differs('D5', { ws: 'WS_ERR_TOO_MANY_BUFFERED_PARTS', wsimd: 'delivered' }));
  });

  it('maxFragments: exactly 16384 frames are a message by default, and 0 is no limit', async () => {
    for (const [options, frames] of [
      [{}, 16_384],
      [{ maxFragments: 0 }, 20_000],
    ] as const) {
      const { ws, peer } = await rawClient(implementation, options);
      const got = message(ws);
      const middle = peer.encode({ fin: false, opcode: 0, key: Buffer.alloc(4) });
      peer.send({ fin: false, opcode: 2 });
      peer.write(Buffer.concat(Array.from({ length: frames - 2 }, () => middle)));
      peer.send({ opcode: 0, payload: 'x' });
      expect((await got).data.toString()).toBe('x');
    }
  });

  it('maxBufferedChunks: is enforced when set, and so many chunks are taken', async () => {
    // Over a pair of streams each write is a chunk of its own.
    const options = { maxBufferedChunks: 3 };
    const taking = ownedPairOfStreams(implementation, { options });
    const got = message(taking.ws);
    taking.peer.write(taking.peer.encode({ opcode: 2, announce: 100, key: Buffer.alloc(4) }));
    for (const length of [1, 1, 98]) taking.peer.write('x'.repeat(length));
    expect((await got).data).toHaveLength(100);

    const { ws, peer } = ownedPairOfStreams(implementation, { options });
    const end = ending(ws);
    peer.write(peer.encode({ opcode: 2, announce: 100 }));
    for (const length of [1, 1, 1, 97]) peer.write('x'.repeat(length));
    expect(await peer.readClose()).toEqual({ code: 1008, reason: '' });
    expect((await end).error).toMatchObject({
      message: 'Too many buffered chunks',
      code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    });
  });

  it('maxPendingAutoPongs: when that many pongs are unwritten the next ping terminates, 60 by default, 0 never (D4)', async () => {
    const terminated = implementation.differs('D4', { ws: 'terminated', wsimd: 'answered' });
    for (const [options, pings, expected] of [
      [{ maxPendingAutoPongs: 2 }, 2, 'answered'],
      [{ maxPendingAutoPongs: 2 }, 3, terminated],
      [{}, 60, 'answered'],
      [{}, 61, terminated],
      [{ maxPendingAutoPongs: 0 }, 200, 'answered'],
    ] as const) {
      const { ws, peer } = await rawClient(implementation, options);
      const end = ending(ws);
      peer.send(...Array.from({ length: pings }, (_, i) => ({ opcode: 9, payload: `ping ${i}` })));
      expect(
        await Promise.race([lastPong(peer, pings).catch(() => 'terminated'), end.then(() => 'terminated')]),
        `${pings} pings`,
      ).toBe(expected);
    }
  });

  it('skipUTF8Validation: true lets invalid text and an invalid close reason through', async () => {
    const { ws, peer } = await rawClient(implementation, { skipUTF8Validation: true });
    const got = message(ws);
    const closed = event<[number, Buffer]>(ws, 'close');
    const invalid = Buffer.from([0xce, 0xba, 0xe1, 0xff]);
    peer.send({ payload: invalid });
    expect((await got).data.equals(invalid)).toBe(true);
    peer.send({ opcode: 8, payload: Buffer.concat([Buffer.from([0x03, 0xe8]), invalid]) });
    const [code, reason] = await closed;
    expect(code).toBe(1000);
    expect(reason.equals(invalid)).toBe(true);
  });

  it('skipUTF8Validation: false (the default) fails invalid text with 1007', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.send({ payload: Buffer.from([0xff]) });
    expect(await peer.readClose()).toEqual({ code: 1007, reason: '' });
    expect((await end).error?.code).toBe('WS_ERR_INVALID_UTF8');
  });

  it('allowSynchronousEvents: true gives all messages of a chunk in one turn', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log: string[] = [];
    ws.on('message', (data: Buffer) => {
      log.push(data.toString());
      setImmediate(() => log.push('turn'));
    });
    const last = messages(ws, 3);
    peer.send({ payload: 'a' }, { payload: 'b' }, { payload: 'c' });
    await last;
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('allowSynchronousEvents: false gives at most one message, ping or pong a turn', async () => {
    const { ws, peer } = await rawClient(implementation, { allowSynchronousEvents: false });
    const log: string[] = [];
    const note = (name: string) => (): void => {
      log.push(name);
      process.nextTick(() => log.push('tick'));
    };
    ws.on('message', note('message'));
    ws.on('ping', note('ping'));
    ws.on('pong', note('pong'));
    const last = messages(ws, 2);
    peer.send({ payload: 'a' }, { opcode: 9 }, { opcode: 10 }, { payload: 'b' });
    await last;
    await turn();
    expect(log).toEqual(['message', 'tick', 'ping', 'tick', 'pong', 'tick', 'message', 'tick']);
  });

  it('autoPong: true answers a ping with its payload, false leaves it to the user', async () => {
    const on = await rawClient(implementation);
    on.peer.send({ opcode: 9, payload: 'mirror' });
    expect(await on.peer.readFrame()).toMatchObject({ opcode: 10, payload: Buffer.from('mirror') });

    const off = await rawClient(implementation, { autoPong: false });
    const pinged = event<[Buffer]>(off.ws, 'ping');
    off.peer.send({ opcode: 9, payload: 'mirror' });
    expect((await pinged)[0].toString()).toBe('mirror');
    off.ws.send('only this');
    expect(await off.peer.readFrame()).toMatchObject({ opcode: 1, payload: Buffer.from('only this') });
  });

  it('closeTimeout: is the time from close() until the socket is destroyed', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 150 });
    const end = ending(ws);
    const start = performance.now();
    ws.close(1000);
    expect((await end).code).toBe(1006);
    const elapsed = performance.now() - start;
    expect(elapsed).toBeGreaterThanOrEqual(145);
    expect(elapsed).toBeLessThan(5000);
    await peer.closed;
  });

  it('closeTimeout: the default is 30000', async () => {
    const { ws } = await rawClient(implementation);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    try {
      ws.close();
      expect(timers.mock.calls.map(([, delay]) => delay)).toContain(30_000);
    } finally {
      timers.mockRestore();
    }
  });

  it('WebSocket: connections are made with the class given, called (null, undefined, options)', async () => {
    const constructed: unknown[][] = [];
    class Mine extends implementation.WebSocket {
      constructor(...parameters: [null, undefined, Record<string, unknown>]) {
        super(...parameters);
        constructed.push(parameters);
      }
      greet(callback: SendCallback): void {
        this.send('from Mine', callback);
      }
    }
    const { ws, server, peer } = await rawClient(implementation, { WebSocket: Mine });
    expect(ws).toBeInstanceOf(Mine);
    expect(constructed).toHaveLength(1);
    expect(constructed[0]).toEqual([null, undefined, server.options]);
    (ws as Mine).greet(() => {});
    expect((await peer.readFrame()).payload.toString()).toBe('from Mine');
  });

  it('maxBackpressure: ends a connection whose peer does not read, and without it any number of bytes waits (D1)', async () => {
    const data = Buffer.alloc(1024 * 1024);
    for (const [options, ends] of [
      [{ maxBackpressure: data.length }, implementation.differs('D1', { ws: false, wsimd: true })],
      [{}, false],
    ] as const) {
      const { ws, peer } = await rawClient(implementation, options);
      peer.socket.pause();
      const failed = event<[Error]>(ws, 'error');
      // More than the buffers of both operating systems' sides.
      for (let at = 0; at < 40; at++) ws.send(data, () => {});
      expect(ws.readyState === 1).toBe(!ends);
      if (ends) expect((await failed)[0]).toMatchObject({ code: 'WS_ERR_BACKPRESSURE' });
      else expect(ws.bufferedAmount).toBeGreaterThan(20 * data.length);
    }
  });

  it("callback: is a 'listening' listener with port", async () => {
    const listening = vi.fn();
    const server = ownedServer(
      new implementation.WebSocketServer({ port: 0, host: '127.0.0.1' }, () => listening(server.address())),
    );
    await event(server, 'listening');
    await turn();
    expect(listening).toHaveBeenCalledTimes(1);
    expect(listening.mock.calls[0]?.[0]).toMatchObject({ family: 'IPv4' });
  });

  it("callback: is not called when the server is the user's", async () => {
    const server = http.createServer();
    const callback = vi.fn();
    ownedServer(new implementation.WebSocketServer({ server }, callback));
    await listenHttp(server);
    await turn();
    expect(callback).not.toHaveBeenCalled();
  });

  it('options: a handshake on an own server is answered with the accept key of RFC 6455', async () => {
    const { head } = await rawClient(implementation);
    expect(headerOf(head, 'sec-websocket-accept')).toBe(acceptFor(RAW_KEY));
    expect(head.split('\r\n').slice(0, 3)).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
    ]);
  });
});
