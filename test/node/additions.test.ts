// What is added to `ws`, row by row of the README's table, over real sockets: that it does what it says, and nothing unasked.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import type { ClientOptions } from '../../src/node/client-options.js';
import type { ServerOptions } from '../../src/node/server-options.js';
import { connectRaw, requestRaw, type RawConnectOptions, type RawPeer } from '../support/raw-peer.js';

type Message = [data: Buffer | string, isBinary: boolean];

async function serve(options: ServerOptions = {}): Promise<{ server: WebSocketServer; port: number; url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  onTestFinished(() => {
    for (const websocket of server.clients ?? []) websocket.terminate();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `ws://127.0.0.1:${port}` };
}

async function pair(serverOptions?: ServerOptions, clientOptions?: ClientOptions) {
  const serving = await serve(serverOptions);
  const connected = once(serving.server, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(serving.url, clientOptions);
  onTestFinished(() => client.terminate());
  await once(client, 'open');
  const [peer] = await connected;
  return { ...serving, client, peer };
}

/** A server's side with a client written by hand. */
async function rawPair(
  serverOptions?: ServerOptions,
): Promise<{ server: WebSocketServer; ws: WebSocket; raw: RawPeer }> {
  const { server, port } = await serve(serverOptions);
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  const { peer: raw } = await connectRaw(port);
  onTestFinished(() => void raw.socket.destroy());
  return { server, ws: (await connected)[0], raw };
}

/** The code of 'close', whatever 'error' says before it. */
function closeOf(ws: WebSocket): Promise<number> {
  return new Promise((resolve) => void ws.on('close', resolve));
}

/** Sends until the socket has asked to wait. */
function fill(ws: WebSocket): void {
  const chunk = Buffer.alloc(256 * 1024);
  for (let i = 0; i < 400 && !ws.needDrain; i++) ws.send(chunk);
}

describe("text: 'string'", () => {
  it('gives text as a string, whole, in fragments and compressed, and binary as a Buffer', async () => {
    const { client, peer } = await pair({ perMessageDeflate: true, text: 'string' });
    const long = 'Käthe 東京 🎉'.repeat(200);
    const got: Message[] = [];
    const seen: unknown[] = [];
    peer.on('message', (...message: Message) => got.push(message));
    Reflect.set(peer, 'onmessage', ({ data }: { data: unknown }) => seen.push(data));
    client.send('short', { compress: false });
    client.send(long);
    client.send('', { fin: true });
    client.send('a', { fin: false });
    client.send('ü', { fin: true });
    client.send(Buffer.from([1, 2]));
    client.close();
    await once(peer, 'close');
    expect(got).toEqual([
      ['short', false],
      [long, false],
      ['', false],
      ['aü', false],
      [Buffer.from([1, 2]), true],
    ]);
    expect(seen).toEqual(got.map(([data]) => data));
  });

  it('is off by default', async () => {
    const { client, peer } = await pair();
    client.send('text');
    expect(await once(peer, 'message')).toEqual([Buffer.from('text'), false]);
  });
});

describe("'drain' and needDrain", () => {
  it('needDrain says to wait, and drain comes once the peer has read', async () => {
    const { ws, raw } = await rawPair();
    raw.socket.pause();
    expect(ws.needDrain).toBe(false);
    fill(ws);
    expect(ws.needDrain).toBe(true);
    const drained = once(ws, 'drain');
    raw.socket.on('data', () => {}).resume();
    await drained;
    expect([ws.needDrain, ws.bufferedAmount]).toEqual([false, 0]);
  });

  it('needDrain is false before the connection is open', () => {
    expect(new WebSocket(null).needDrain).toBe(false);
  });
});

describe('maxBackpressure', () => {
  it('ends a connection whose peer does not read, with an error and every callback told', async () => {
    const { ws, raw } = await rawPair({ maxBackpressure: 1_000_000 });
    raw.socket.pause();
    const closed = closeOf(ws);
    const failed = new Promise((resolve) => void ws.on('error', resolve));
    let sent = 0;
    const told: (Error | null | undefined)[] = [];
    while (ws.readyState === 1 && sent < 1000) {
      sent++;
      ws.send(Buffer.alloc(256 * 1024), (error) => told.push(error));
    }
    expect(sent).toBeLessThan(1000);
    expect(await failed).toMatchObject({ code: 'WS_ERR_BACKPRESSURE' });
    expect(await closed).toBe(1006);
    expect(told).toHaveLength(sent);
    expect(told.at(-1)).toBeInstanceOf(Error);
  });

  it('is off by default', async () => {
    const { ws, raw } = await rawPair();
    raw.socket.pause();
    for (let i = 0; i < 100; i++) ws.send(Buffer.alloc(256 * 1024));
    expect(ws.readyState).toBe(1);
    expect(ws.bufferedAmount).toBeGreaterThan(10_000_000);
  });
});

describe('heartbeat', () => {
  it('pings a silent peer, and lets one that answers live', async () => {
    const { client, peer } = await pair({ heartbeat: { interval: 20, timeout: 10_000 } });
    for (let i = 0; i < 3; i++) await once(client, 'ping');
    expect([client.readyState, peer.readyState]).toEqual([1, 1]);
  });

  it('terminates a peer that answers nothing', async () => {
    const { ws } = await rawPair({ heartbeat: { interval: 20, timeout: 20 } });
    expect((await once(ws, 'close'))[0]).toBe(1006);
    expect(ws.closeInfo).toMatchObject({ code: 1006, wasClean: false });
  });

  it('works for a client, too', async () => {
    const { client, peer } = await pair({ autoPong: false }, { heartbeat: { interval: 20, timeout: 20 } });
    await once(peer, 'ping');
    expect((await once(client, 'close'))[0]).toBe(1006);
  });

  it('leaves a paused connection alone, whose peer may have answered', async () => {
    const { client, peer } = await pair({ heartbeat: { interval: 20, timeout: 20 } });
    peer.pause();
    for (let i = 0; i < 3; i++) await once(client, 'ping');
    expect(peer.readyState).toBe(1);
  });

  it('refuses times that cannot be honoured', () => {
    const bad = () => new WebSocketServer({ noServer: true, heartbeat: { interval: -1, timeout: 1 } });
    expect(bad).toThrow(RangeError);
  });
});

describe('allowedOrigins', () => {
  const statusOf = async (port: number, headers: RawConnectOptions['headers']): Promise<string> => {
    const raw = requestRaw(port, { headers });
    onTestFinished(() => void raw.socket.destroy());
    return (await raw.readHead()).slice(9, 12);
  };

  it('lets the origins of the list in, and answers others and requests without one with 403', async () => {
    const { port } = await serve({ allowedOrigins: ['https://example.com', 'http://localhost:3000'] });
    expect(await statusOf(port, { Origin: 'https://example.com' })).toBe('101');
    expect(await statusOf(port, { Origin: 'HTTP://LOCALHOST:3000' })).toBe('101');
    expect(await statusOf(port, { Origin: 'http://example.com' })).toBe('403');
    expect(await statusOf(port, { Origin: 'https://example.com.evil.test' })).toBe('403');
    expect(await statusOf(port, { Origin: 'null' })).toBe('403');
    expect(await statusOf(port, {})).toBe('403');
  });

  it('lets requests without an origin in, where undefined is in the list', async () => {
    const { port } = await serve({ allowedOrigins: [undefined] });
    expect(await statusOf(port, {})).toBe('101');
    expect(await statusOf(port, { Origin: 'https://example.com' })).toBe('403');
  });
});

describe('broadcast', () => {
  it('sends one message to every open connection that the filter lets through', async () => {
    const { server, url, client, peer } = await pair();
    const other = new WebSocket(url);
    onTestFinished(() => other.terminate());
    const connected = once(server, 'connection');
    await Promise.all([once(other, 'open'), connected]);
    const both = [once(client, 'message'), once(other, 'message')];
    server.broadcast('to all é');
    for (const message of await Promise.all(both)) expect(message).toEqual([Buffer.from('to all é'), false]);

    const got: Message[] = [];
    client.on('message', (...message: Message) => got.push(message));
    other.on('message', () => expect.unreachable());
    server.broadcast('as binary', { binary: true, filter: (websocket) => websocket === peer });
    server.broadcast(Buffer.from('as text'), { binary: false, filter: (websocket) => websocket === peer });
    server.broadcast(Buffer.alloc(70_000, 7), { filter: (websocket) => websocket === peer });
    client.ping();
    await once(peer, 'ping');
    const gone = [once(client, 'close'), once(other, 'close')];
    for (const websocket of server.clients!) websocket.close();
    await Promise.all(gone);
    expect(got).toEqual([
      [Buffer.from('as binary'), true],
      [Buffer.from('as text'), false],
      [Buffer.alloc(70_000, 7), true],
    ]);
  });
});

describe('for await', () => {
  it('gives the messages of a connection and ends with it, however fast they come', async () => {
    const { client, peer } = await pair();
    for (let i = 0; i < 2000; i++) peer.send(`${i}`);
    peer.close();
    let next = 0;
    for await (const { data, isBinary } of client) {
      if (next % 500 === 0) await new Promise(setImmediate);
      expect([(data as Buffer).toString(), isBinary]).toEqual([`${next++}`, false]);
    }
    expect(next).toBe(2000);
  });

  it('holds a peer back that sends more than is asked for', async () => {
    const { client, peer } = await pair();
    const messages = client[Symbol.asyncIterator]();
    peer.send('first');
    expect((await messages.next()).done).toBe(false);
    fill(peer);
    expect(peer.needDrain).toBe(true);
    const drained = once(peer, 'drain');
    while (peer.bufferedAmount > 0) await messages.next();
    await drained;
  });
});

describe('signal', () => {
  it('ends connecting with an AbortError, and does not touch a connection that is open', async () => {
    const controller = new AbortController();
    const { url, client, port } = await pair({}, { signal: controller.signal });
    const connecting = new WebSocket(url, { signal: controller.signal });
    const failed = new Promise((resolve) => void connecting.on('error', resolve));
    const closed = closeOf(connecting);
    controller.abort(new Error('why'));
    expect(await failed).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    expect(await closed).toBe(1006);
    expect(connecting.readyState).toBe(3);
    expect(client.readyState).toBe(1);

    const late = new WebSocket(`ws://127.0.0.1:${port}`, { signal: controller.signal });
    const [error] = (await once(late, 'error')) as [Error];
    expect(error).toMatchObject({ name: 'AbortError', cause: expect.objectContaining({ message: 'why' }) });
  });

  it('closes a server, and a server that has been closed is left alone', async () => {
    const controller = new AbortController();
    const { server } = await serve({ signal: controller.signal });
    const other = (await serve({ signal: controller.signal })).server;
    let closes = 0;
    other.on('close', () => closes++);
    other.close();
    await once(other, 'close');
    const closed = once(server, 'close');
    controller.abort();
    await closed;
    expect(server.address()).toBe(null);
    await new Promise(setImmediate);
    expect(closes).toBe(1);
  });

  it('closes a server at once that is made with an aborted one', async () => {
    const server = new WebSocketServer({ noServer: true, signal: AbortSignal.abort() });
    await once(server, 'close');
  });
});

describe('closeInfo', () => {
  it('says which side closed and why', async () => {
    const { client, peer } = await pair();
    expect(client.closeInfo).toBeUndefined();
    const closed = Promise.all([once(client, 'close'), once(peer, 'close')]);
    client.close(4001, 'enough');
    await closed;
    const common = { code: 4001, reason: 'enough', wasClean: true, error: undefined };
    expect(client.closeInfo).toEqual({ ...common, initiator: 'local' });
    expect(peer.closeInfo).toEqual({ ...common, initiator: 'peer' });
  });

  it('says that nobody closed when the socket was lost', async () => {
    const { ws, raw } = await rawPair();
    const closed = once(ws, 'close');
    raw.socket.destroy();
    await closed;
    expect(ws.closeInfo).toEqual({ code: 1006, reason: '', initiator: 'none', wasClean: false, error: undefined });
  });

  it("holds the error that the peer's violation was", async () => {
    const { ws, raw } = await rawPair();
    const closed = closeOf(ws);
    ws.on('error', () => {});
    raw.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]));
    raw.socket.end();
    await closed;
    expect(ws.closeInfo).toMatchObject({ initiator: 'local', error: { code: 'WS_ERR_UNEXPECTED_RSV_2_3' } });
  });
});

describe('closeInfo and statistics', () => {
  it('tell the heartbeat and backpressure apart', async () => {
    const silent = await rawPair({ heartbeat: { interval: 10, timeout: 10 } });
    await once(silent.ws, 'close');
    expect(silent.ws.closeInfo).toMatchObject({ code: 1006, initiator: 'local', error: { code: 'WS_ERR_HEARTBEAT' } });
    const slow = await rawPair({ maxBackpressure: 1000 });
    const closed = closeOf(slow.ws);
    slow.ws.on('error', () => {});
    slow.raw.socket.pause();
    while (slow.ws.readyState === 1) slow.ws.send(Buffer.alloc(1_000_000));
    await closed;
    expect(slow.ws.closeInfo).toMatchObject({ initiator: 'local', error: { code: 'WS_ERR_BACKPRESSURE' } });
  });

  it('count a broadcast, encoded frames and frames masked against the custom', async () => {
    const { server, ws } = await rawPair({ statistics: true });
    server.broadcast('broadcast');
    (ws as unknown as { _sender: { sendFrame(list: Uint8Array[]): void } })._sender.sendFrame([
      Buffer.from([0x82, 3]),
      Buffer.from('abc'),
    ]);
    ws.send(Buffer.alloc(200), { mask: true });
    expect(ws.statistics!.sent).toMatchObject({ messages: 3, octets: 9 + 3 + 200 });
    expect([ws.statistics!.sent.frames[1], ws.statistics!.sent.frames[2]]).toEqual([1, 2]);
  });

  it('a socket and a server can be written as JSON and inspected', async () => {
    const { client, peer } = await pair();
    for (const websocket of [client, peer]) {
      expect(JSON.parse(JSON.stringify({ websocket }))).toHaveProperty('websocket._readyState', 1);
      expect(inspect(websocket, { depth: 5 })).not.toContain('Circular');
    }
  });
});

describe("'connectionError'", () => {
  const BAD_FRAME = Buffer.from([0xf1, 0x80, 0, 0, 0, 0]);

  it('tells a server of a violation on a connection that nobody listens to for errors', async () => {
    const { server, ws, raw } = await rawPair();
    const told = once(server, 'connectionError') as Promise<[Error, WebSocket]>;
    raw.write(BAD_FRAME);
    const [error, websocket] = await told;
    expect(error).toMatchObject({ code: 'WS_ERR_UNEXPECTED_RSV_2_3' });
    expect(websocket).toBe(ws);
  });

  it("is not told where 'error' is listened to", async () => {
    const { server, ws, raw } = await rawPair();
    server.on('connectionError', () => expect.unreachable());
    const failed = new Promise((resolve) => ws.on('error', resolve));
    raw.write(BAD_FRAME);
    expect(await failed).toMatchObject({ code: 'WS_ERR_UNEXPECTED_RSV_2_3' });
  });
});

describe('statistics', () => {
  it('counts messages, bytes and frames by opcode, both ways, and is not there unasked', async () => {
    const { client, peer } = await pair({ statistics: true });
    expect(client.statistics).toBeUndefined();
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
    client.send('four');
    client.send(Buffer.alloc(10));
    client.close();
    await once(client, 'close');
    const { received, sent } = peer.statistics!;
    expect([received.messages, received.frames[1], received.frames[2]]).toEqual([2, 1, 1]);
    expect([sent.messages, sent.frames[1], sent.frames[2]]).toEqual([2, 1, 1]);
    expect([received.octets, sent.octets].every((octets) => octets >= 14)).toBe(true);
  });
});

describe('limits of a server', () => {
  it('maxConnections: one more is answered with 503, until one has gone', async () => {
    const { port, url, client } = await pair({ maxConnections: 1 });
    const raw = requestRaw(port);
    onTestFinished(() => void raw.socket.destroy());
    expect(await raw.readHead()).toMatch(/^HTTP\/1\.1 503 /);
    client.close();
    await once(client, 'close');
    const next = new WebSocket(url);
    onTestFinished(() => next.terminate());
    await once(next, 'open');
  });

  it('handshakeTimeout: ends a handshake that is not over by then, however its bytes trickle in', async () => {
    const { port } = await serve({ handshakeTimeout: 100 });
    const { connect } = await import('node:net');
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\n');
    const trickle = setInterval(() => socket.write('X-A: 1\r\n'), 20);
    socket.resume();
    await once(socket, 'close');
    clearInterval(trickle);
  });

  it('strictHandshake: is off unless it is asked for', async () => {
    const headers = { 'Sec-WebSocket-Version': '13.0' };
    const strict = requestRaw((await serve({ strictHandshake: true })).port, { headers });
    const loose = requestRaw((await serve()).port, { headers });
    onTestFinished(() => void [strict, loose].map(({ socket }) => socket.destroy()));
    expect(await strict.readHead()).toMatch(/^HTTP\/1\.1 400 /);
    expect(await loose.readHead()).toMatch(/^HTTP\/1\.1 101 /);
  });
});

describe('presets of perMessageDeflate', () => {
  it.each([
    ['off', false],
    ['shared', { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ['dedicated', {}],
  ] as const)('wss.options shows what the preset %j stands for', (perMessageDeflate, shown) => {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate });
    expect(server.options.perMessageDeflate).toEqual(shown);
  });

  it.each([
    ['off', ''],
    ['shared', 'permessage-deflate'],
    ['dedicated', 'permessage-deflate'],
  ] as const)("'%s' agrees on %j", async (preset, extensions) => {
    const { client, peer } = await pair({ perMessageDeflate: preset });
    expect(client.extensions).toBe(extensions);
    client.send('z'.repeat(5000));
    expect(String((await once(peer, 'message'))[0])).toBe('z'.repeat(5000));
  });
});

describe('http2', () => {
  it('carries a connection on a stream', async () => {
    const http = createHttp2Server();
    const server = new WebSocketServer({ server: http });
    server.on('connection', (peer: WebSocket) => peer.close(4000));
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, { http2: true });
    const carriers: string[] = [];
    client.on('open', () => carriers.push(client._socket!.constructor.name));
    expect(((await once(client, 'close')) as [number])[0]).toBe(4000);
    expect(carriers).toEqual(['ClientHttp2Stream']);
    http.close();
  });
});

describe('readPath', () => {
  // Every version of Node that is supported can land: one that falls back to 'data' without a word fails here.
  it.each([['landing'], ['data'], [undefined]] as const)('%s decides where the socket reads to', async (readPath) => {
    const { client, peer } = await pair(readPath === undefined ? {} : { readPath });
    client.send('text');
    await once(peer, 'message');
    const socket = peer._socket as unknown as Record<symbol, unknown>;
    const callback = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kBufferCb');
    expect(typeof socket[callback!] === 'function').toBe(readPath !== 'data');
  });
});

describe('writePath', () => {
  // Every version of Node that is supported can write directly: one that falls back to the stream without a word fails here.
  it.each([['direct'], ['stream'], [undefined]] as const)(
    '%s decides how the socket is written to',
    async (writePath) => {
      const { client, peer } = await pair(writePath === undefined ? {} : { writePath });
      const socket = peer._socket as unknown as { _unrefTimer: () => void; setTimeout(ms: number): void };
      const ways: string[] = [];
      socket.setTimeout(60_000);
      // Each write puts off the timeout of the socket, from within the stream or not.
      socket._unrefTimer = () => ways.push(new Error().stack!.includes('_writeGeneric') ? 'stream' : 'direct');
      peer.send('text');
      expect(ways).toEqual([writePath ?? 'direct']);
      await once(client, 'message');
    },
  );
});

describe('options that are one of a few words', () => {
  const words = { text: ['bytes', 'string'], readPath: ['landing', 'data'], writePath: ['direct', 'stream'] };
  const ofServer = { ...words, acceptPath: ['direct', 'http'] };
  const odd = ['String', '', 'utf8', true, 0, {}, Symbol('odd')] as never[];

  it.each(Object.entries(ofServer))('%s: any other value throws in the constructor and names them', (name, allowed) => {
    const taken = [...allowed, undefined, null] as never[];
    for (const value of taken) void new WebSocketServer({ noServer: true, [name]: value });
    const message = `The "${name}" option must be '${allowed.join("' or '")}', not `;
    for (const value of odd) {
      const error = new TypeError(message + inspect(value));
      expect(() => new WebSocketServer({ noServer: true, [name]: value })).toThrow(error);
      if (name in words) expect(() => new WebSocket('ws://127.0.0.1:1', { [name]: value })).toThrow(error);
    }
  });

  it('perMessageDeflate.zlibPath likewise', () => {
    for (const value of odd) {
      const perMessageDeflate = { zlibPath: value };
      const message = 'The "perMessageDeflate.zlibPath" option must be';
      expect(() => new WebSocketServer({ noServer: true, perMessageDeflate })).toThrow(message);
      expect(() => new WebSocket('ws://127.0.0.1:1', { perMessageDeflate })).toThrow(message);
    }
  });
});

it('each row of the README on what is added is tested here', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const table = readme.slice(readme.indexOf('## What is added to `ws`'), readme.indexOf('## Differences from `ws`'));
  const tests = readFileSync(new URL(import.meta.url), 'utf8');
  const names = [...table.matchAll(/^\| `.*?\|/gm)].flatMap(([cell]) => cell.match(/\b[a-z]\w+(?=[^a-z])/gi) ?? []);
  expect(names.length).toBeGreaterThan(15);
  const prose = ['server', 'event', 'environment', 'error', 'const', 'of', 'filter', 'WSIMD_READ_PATH'];
  expect(names.filter((name) => !prose.includes(name) && !tests.includes(name))).toEqual([]);
});
