/** The lessons of ws's history as tests, named by the commit that taught them; those that other contract files hold are not repeated. */
import type http from 'node:http';
import type net from 'node:net';
import { growth } from '../../support/growth.js';
import { outcome } from '../../support/ws-internals.js';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { encodeFrame, headerOf, RAW_KEY } from '../../support/raw-peer.js';
import {
  contract,
  dial,
  duplexPair,
  ending,
  event,
  listen,
  message,
  messages,
  ownedServer,
  pair,
  rawClient,
  rawRequest,
  rawServer,
  recorder,
  turn,
} from './harness.js';
import type { Client } from './implementations.js';
import { ownedPairOfStreams } from './streams.js';

/** For 16 times the text: about 16 when linear, 256 when quadratic. */
const QUADRATIC = 200;

contract('history of ws', (implementation) => {
  it('29293ed1: a number given to send, ping or pong is its digits, never so many bytes of memory', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send(100);
    ws.ping(100);
    ws.pong(100);
    for (let i = 0; i < 3; i++) expect((await peer.readFrame()).payload.toString()).toBe('100');
  });

  it('c0327ec1: a typed array as close reason sends no byte it does not hold', async () => {
    const { ws, peer } = await rawClient(implementation);
    expect(() => ws.close(1000, new Float32Array(20))).toThrow(TypeError);
    ws.close(1000, Uint8Array.of(0x61, 0x62));
    expect((await peer.readFrame()).payload).toEqual(Buffer.from([0x03, 0xe8, 0x61, 0x62]));
  });

  it('08c6c8ba: a message of many fragments is exactly their bytes', async () => {
    const { ws, peer } = await rawClient(implementation);
    const parts = Array.from({ length: 40 }, (_, i) => Buffer.alloc((i * 97) % 700, i));
    const got = message(ws);
    peer.send(...parts.map((payload, i) => ({ opcode: i === 0 ? 2 : 0, fin: i === parts.length - 1, payload })));
    expect((await got).data.equals(Buffer.concat(parts))).toBe(true);
  });

  it('c4fe4660: names of Object.prototype in the extensions header do no harm', async () => {
    const { port } = await listen(implementation, { perMessageDeflate: true });
    for (const header of [
      'constructor',
      'toString; valueOf=1',
      '__proto__; __proto__=1',
      'hasOwnProperty, constructor',
    ]) {
      const head = await rawRequest(port, { headers: { 'Sec-WebSocket-Extensions': header } }).readHead();
      expect(head.slice(9, 12), header).toBe('101');
      expect(headerOf(head, 'sec-websocket-extensions')).toBeUndefined();
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('00c425ec: parsing a subprotocol header takes time in proportion to its length', () => {
    const read = (header: string): unknown => outcome(() => implementation.subprotocol.parse(header));
    for (const make of [
      (n: number) => `a${' '.repeat(n)}b`,
      (n: number) => 'a,'.repeat(n),
      (n: number) => `a${','.repeat(n)}`,
      (n: number) => Array.from({ length: n / 4 }, (_, i) => i).join(' , '),
    ]) {
      expect(growth(read, make, 16 * 1024)).toBeLessThan(QUADRATIC);
    }
  });

  it('00c425ec: parsing an extensions header takes time in proportion to its length', () => {
    const read = (header: string): unknown => outcome(() => implementation.extension.parse(header));
    for (const make of [
      (n: number) => `a${' '.repeat(n)}b`,
      (n: number) => 'a;'.repeat(n / 2),
      (n: number) => `a; b="${'c'.repeat(n)}`,
    ]) {
      expect(() => implementation.extension.parse(make(64))).toThrow(SyntaxError);
      expect(growth(read, make, 16 * 1024)).toBeLessThan(QUADRATIC);
    }
  });

  it('e55e5106: a request whose headers were cut off is refused, not thrown at', async () => {
    const full: Record<string, string> = {
      upgrade: 'websocket',
      'sec-websocket-key': RAW_KEY,
      'sec-websocket-version': '13',
    };
    for (const missing of [...Object.keys(full), 'all']) {
      const headers = Object.fromEntries(
        Object.entries(full).filter(([name]) => missing !== 'all' && name !== missing),
      );
      const [socket, other] = duplexPair();
      const answer: Buffer[] = [];
      other.on('data', (chunk: Buffer) => answer.push(chunk));
      const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
      const request = { method: 'GET', url: '/', headers, socket } as unknown as http.IncomingMessage;
      server.handleUpgrade(request, socket, Buffer.alloc(0), () => expect.unreachable());
      await event(other, 'end');
      expect(Buffer.concat(answer).toString(), missing).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  it('5edb4601: empty frames of a client are masked, with a random key', async () => {
    const { ws, peer } = await rawServer(implementation);
    for (let i = 0; i < 4; i++) ws.send('');
    const keys: string[] = [];
    for (let i = 0; i < 4; i++) {
      const frame = await peer.readFrame();
      expect(frame.masked).toBe(true);
      keys.push(frame.key.toString('hex'));
    }
    expect(new Set(keys).size).toBe(4);
  });

  it('060b6cad: payloads of pings and pongs that are kept do not change', async () => {
    const { ws, peer } = await rawClient(implementation, { autoPong: false });
    const kept: Buffer[] = [];
    ws.on('ping', (data: Buffer) => kept.push(data));
    ws.on('pong', (data: Buffer) => kept.push(data));
    const got = messages(ws, 50);
    peer.send(...Array.from({ length: 10 }, (_, i) => ({ opcode: 9 + (i & 1), payload: `control ${i}` })));
    peer.send(...Array.from({ length: 50 }, () => ({ opcode: 2, payload: Buffer.alloc(2000, 0xee) })));
    await got;
    expect(kept.map(String)).toEqual(Array.from({ length: 10 }, (_, i) => `control ${i}`));
  });

  it('6695bd44: a socket that fails while the automatic pong is written gives one close and no crash', async () => {
    const { ws, peer, socket } = ownedPairOfStreams(implementation);
    socket._write = (_chunk, _encoding, callback) => callback(new Error('synchronous failure'));
    const end = ending(ws);
    peer.send({ opcode: 9 }, { payload: 'after' }, { opcode: 9 });
    expect(await end).toMatchObject({ code: 1006, errors: 0 });
  });

  it('b434b9f1: both sides failing at once both end with one error and 1006', async () => {
    const { client, peer } = await pair(implementation);
    const ends = [ending(client), ending(peer)];
    client._socket.write(encodeFrame({ opcode: 3, masked: true }));
    peer._socket.write(encodeFrame({ opcode: 3 }));
    for (const end of await Promise.all(ends)) {
      expect(end).toMatchObject({ code: 1006, errors: 1, error: { code: 'WS_ERR_INVALID_OPCODE' } });
    }
  });

  it('aa1dcd50: the close timer starts at close(), not when the frame has been written', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 150 });
    peer.socket.pause();
    const end = ending(ws);
    for (let i = 0; i < 30; i++) ws.send(Buffer.alloc(1024 * 1024));
    ws.close(1000);
    expect(ws.bufferedAmount).toBeGreaterThan(0);
    expect((await end).code).toBe(1006);
  });

  it('ed2b8039: a paused connection that is reset closes, with what had arrived', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    ws.pause();
    const closed = event(ws, 'close');
    const poll = setInterval(() => ws._socket.read(0), 5);
    peer.reset();
    await closed;
    clearInterval(poll);
    expect(log).toEqual(['close 1006']);
  });

  it('44f9e89a: everything that was sent before the end comes before close, however much it is', async () => {
    const { ws, peer } = await rawClient(implementation);
    let count = 0;
    ws.on('message', () => count++);
    const closed = event(ws, 'close');
    for (let i = 0; i < 100; i++) peer.send({ opcode: 2, payload: Buffer.alloc(50_000) });
    peer.close(1000);
    peer.socket.end();
    expect((await closed)[0]).toBe(1000);
    expect(count).toBe(100);
  });

  it('44f9e89a: also when each event is deferred to a turn of its own', async () => {
    const { ws, peer } = await rawClient(implementation, { allowSynchronousEvents: false });
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.send(...Array.from({ length: 10 }, (_, i) => ({ payload: String(i) })));
    peer.socket.end();
    await closed;
    expect(log).toEqual([...Array.from({ length: 10 }, (_, i) => `text ${i}`), 'close 1006']);
  });

  it("772a814f: close() of the client while the server is in its 'headers' event", async () => {
    const { server, url } = await listen(implementation);
    const client = dial(implementation, url);
    const log = recorder(client);
    server.on('headers', () => client.close());
    await event(client, 'close');
    expect(log).toEqual(['error WebSocket was closed before the connection was established', 'close 1006']);
  });

  it('4c3586c7: callbacks of sends that a reset overtakes are called once each', async () => {
    const { ws, peer } = await rawClient(implementation);
    peer.socket.pause();
    const callbacks = Array.from({ length: 20 }, () => vi.fn());
    for (const callback of callbacks) ws.send(Buffer.alloc(1024 * 1024), callback);
    const closed = event(ws, 'close');
    peer.reset();
    await closed;
    await vi.waitUntil(() => callbacks.every((callback) => callback.mock.calls.length > 0));
    await turn();
    for (const callback of callbacks) expect(callback).toHaveBeenCalledTimes(1);
    expect(callbacks.at(-1)?.mock.calls[0][0]).toBeInstanceOf(Error);
  });

  it('3a695e81: connections destroyed in the middle of deflating leave later ones able to', async () => {
    const options = { server: { perMessageDeflate: { threshold: 0 } } };
    for (let i = 0; i < 15; i++) {
      const { peer } = await pair(implementation, options);
      for (let k = 0; k < 3; k++) peer.send(Buffer.alloc(200_000, 'deflate '), () => {});
      peer.terminate();
    }
    const { peer, client } = await pair(implementation, options);
    const got = message(client);
    peer.send('works');
    expect((await got).data.toString()).toBe('works');
  });

  it('20585ee8: handlers of EventTarget shape run before and after plain ones in the order of adding', async () => {
    const { client, peer } = await pair(implementation);
    const log: number[] = [];
    client.addEventListener('message', () => log.push(1));
    client.on('message', () => log.push(2));
    client.onmessage = () => void log.push(3);
    const got = message(client);
    peer.send('x');
    await got;
    expect(log).toEqual([1, 2, 3]);
  });

  it('8806aa9a: an error without a Close from the peer is 1006, and ours still went out', async () => {
    const { ws, peer } = await rawServer(implementation);
    const end = ending(ws);
    peer.send({ rsv2: true });
    expect((await peer.readClose()).code).toBe(1002);
    expect((await end).code).toBe(1006);
  });

  it('41ae5631: with context takeover even short messages are compressed, without it only long ones', async () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const keeping = await rawClient(implementation, { perMessageDeflate: true }, { headers });
    keeping.ws.send('short');
    expect((await keeping.peer.readFrame()).rsv1).toBe(true);
    const forgetting = await rawClient(
      implementation,
      { perMessageDeflate: { serverNoContextTakeover: true } },
      { headers },
    );
    forgetting.ws.send('short');
    expect((await forgetting.peer.readFrame()).rsv1).toBe(false);
  });

  it('7f4e1a75: an async message handler is called for each message without waiting for the one before', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log: string[] = [];
    const done = new Promise<void>((resolve) => {
      ws.on('message', async (data: Buffer) => {
        log.push(`in ${data.toString()}`);
        await delay(1);
        log.push(`out ${data.toString()}`);
        if (log.length === 4) resolve();
      });
    });
    peer.send({ payload: '1' }, { payload: '2' });
    await done;
    expect(log).toEqual(['in 1', 'in 2', 'out 1', 'out 2']);
  });

  it("04530ad9: no 'connection' for a socket that died while verifyClient was out", async () => {
    let admit: (() => void) | undefined;
    const { server, port } = await listen(implementation, {
      verifyClient: (info: { req: http.IncomingMessage }, callback: (verified: boolean) => void) => {
        admit = () => callback(true);
        server.emit('asked', info.req.socket);
      },
    });
    const connection = vi.fn();
    server.on('connection', connection);
    const asked = event<[net.Socket]>(server, 'asked');
    rawRequest(port);
    const [socket] = await asked;
    socket.destroy();
    admit?.();
    await turn();
    expect(connection).not.toHaveBeenCalled();
  });

  it('545635d2: control frames between the fragments of a compressed message', async () => {
    const { client, peer } = await pair(implementation, { server: { perMessageDeflate: { threshold: 0 } } });
    const log = recorder(client);
    const got = event(client, 'message');
    peer.send('first ', { fin: false });
    peer.ping('between');
    peer.send('', { fin: false });
    peer.send('last');
    await got;
    expect(log.sort()).toEqual(['ping between', 'text first last']);
  });

  it('bdcd18b9: text whose deflate ends on any bit is whole', async () => {
    const { client, peer } = await pair(implementation, { server: { perMessageDeflate: { threshold: 0 } } });
    const texts = Array.from({ length: 120 }, (_, i) =>
      String.fromCharCode(...Array.from({ length: i }, (_, k) => 33 + ((k * k + i) % 90))),
    );
    const got = messages(client, texts.length);
    for (const text of texts) peer.send(text);
    expect((await got).map(({ data }) => data.toString())).toEqual(texts);
  });

  it('eabed8fc: constants cannot be changed', () => {
    expect(() => Object.assign(implementation.WebSocket, { OPEN: 9 })).toThrow(TypeError);
    expect(implementation.WebSocket.OPEN).toBe(1);
  });

  it('subclass: of WebSocket works as a client, its own fields untouched', async () => {
    class Named extends implementation.WebSocket {
      readonly label: string = 'mine';
    }
    const { url, server } = await listen(implementation);
    server.on('connection', (ws: Client) => ws.send('to the subclass'));
    const ws = new Named(url);
    expect((await message(ws)).data.toString()).toBe('to the subclass');
    expect(ws.label).toBe('mine');
    ws.terminate();
  });
});
