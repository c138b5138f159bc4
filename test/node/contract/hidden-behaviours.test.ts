/** The contract with `ws`: the behaviours users lean on that are easy to miss, one test each at least. */
import type { EventEmitter } from 'node:events';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { expect, it, vi } from 'vitest';
import { closeCode, encodeFrame, headerOf, responseHead } from '../../support/raw-peer.js';
import {
  answering,
  contract,
  dial,
  duplexPair,
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
  rawServer,
  recorder,
  refusal,
  turn,
} from './harness.js';
import type { Client } from './implementations.js';
import { ownedPairOfStreams } from './streams.js';

contract('hidden behaviours', (implementation) => {
  it('8.1 wss.options: is read at each upgrade: handleProtocols, maxPayload, verifyClient, WebSocket, perMessageDeflate', async () => {
    const { server, port } = await listen(implementation);
    server.options['handleProtocols'] = (protocols: Set<string>) => [...protocols].at(-1);
    server.options['maxPayload'] = 3;
    server.options['perMessageDeflate'] = { serverNoContextTakeover: true };
    const connected = event<[Client]>(server, 'connection');
    const peer = rawRequest(port, {
      headers: { 'Sec-WebSocket-Protocol': 'a, b', 'Sec-WebSocket-Extensions': 'permessage-deflate' },
    });
    const head = await peer.readHead();
    expect(headerOf(head, 'sec-websocket-protocol')).toBe('b');
    expect(headerOf(head, 'sec-websocket-extensions')).toBe('permessage-deflate; server_no_context_takeover');
    const [ws] = await connected;
    const end = ending(ws);
    peer.send({ payload: 'four' });
    expect((await end).error?.code).toBe('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
    server.options['verifyClient'] = () => false;
    expect(await refusal(port)).toMatch(/^HTTP\/1\.1 401 /);
    server.options['path'] = '/late';
    expect(await refusal(port)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('8.2 any Duplex: no setNoDelay, setTimeout or address is assumed', async () => {
    const { ws, peer, socket } = ownedPairOfStreams(implementation);
    expect('setNoDelay' in socket).toBe(false);
    const got = message(ws);
    peer.send({ payload: 'over streams' });
    expect((await got).data.toString()).toBe('over streams');
    ws.close(1000);
    expect((await peer.readClose()).code).toBe(1000);
    const closed = event(ws, 'close');
    peer.close(1000);
    await closed;
  });

  it('8.2 any Duplex: handleUpgrade takes a hand-made request and a Duplex (@fastify/websocket injectWS)', async () => {
    const [socket, other] = duplexPair();
    const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    const request = {
      method: 'GET',
      url: '/',
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': 13,
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
      socket,
    } as unknown as http.IncomingMessage;
    const received: Buffer[] = [];
    other.on('data', (chunk: Buffer) => received.push(chunk));
    const ws = await new Promise<Client>((resolve) => {
      server.handleUpgrade(request, socket, Buffer.alloc(0), resolve);
    });
    await vi.waitUntil(() => Buffer.concat(received).includes('\r\n\r\n'));
    expect(Buffer.concat(received).toString()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    const got = message(ws);
    other.write(encodeFrame({ payload: 'injected', masked: true }));
    expect((await got).data.toString()).toBe('injected');
    ws.terminate();
  });

  it('8.3 head: bytes that came with the handshake are not lost, on a server and on a client', async () => {
    const { server, port } = await listen(implementation);
    const got = new Promise<string>((resolve) => {
      server.on('connection', (ws: Client) => ws.on('message', (data: Buffer) => resolve(data.toString())));
    });
    rawRequest(port, { after: encodeFrame({ payload: 'with the request', masked: true }) });
    expect(await got).toBe('with the request');

    const raw = await answering(({ peer, request }) =>
      peer.write(Buffer.concat([Buffer.from(responseHead(request)), encodeFrame({ payload: 'with the answer' })])),
    );
    expect((await message(dial(implementation, raw.url))).data.toString()).toBe('with the answer');
  });

  it('8.3 head: half a frame in the head is completed by the socket', async () => {
    const frame = encodeFrame({ payload: 'cut in two', masked: true });
    const { server, port } = await listen(implementation);
    const connected = event<[Client]>(server, 'connection');
    const peer = rawRequest(port, { after: frame.subarray(0, 8) });
    const got = message((await connected)[0]);
    peer.write(frame.subarray(8));
    expect((await got).data.toString()).toBe('cut in two');
  });

  it('8.3 head: is not written to when the caller keeps it', async () => {
    const { server: httpServer, port } = await listenHttp();
    const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    const frame = encodeFrame({ payload: 'kept', masked: true, key: Buffer.from([1, 2, 3, 4]) });
    const canary = Buffer.concat([Buffer.alloc(16, 0xa5), frame, Buffer.alloc(16, 0x5a)]);
    const got = new Promise<string>((resolve) => {
      httpServer.on('upgrade', (request, socket) => {
        server.handleUpgrade(request, socket, canary.subarray(16, 16 + frame.length), (ws) => {
          ws.on('message', (data: Buffer) => resolve(data.toString()));
        });
      });
    });
    rawRequest(port);
    expect(await got).toBe('kept');
    expect(canary.subarray(0, 16).every((octet) => octet === 0xa5)).toBe(true);
    expect(canary.subarray(16 + frame.length).every((octet) => octet === 0x5a)).toBe(true);
  });

  it('8.4 setNoDelay(true) and setTimeout(0): are called on real sockets, of both roles', async () => {
    const noDelay = vi.spyOn(net.Socket.prototype, 'setNoDelay');
    const timeout = vi.spyOn(net.Socket.prototype, 'setTimeout');
    try {
      const { client, peer } = await pair(implementation);
      for (const ws of [client, peer]) {
        const socket = ws._socket as unknown as net.Socket;
        const call = noDelay.mock.contexts.lastIndexOf(socket);
        expect(call).toBeGreaterThan(-1);
        expect(noDelay.mock.calls[call][0] ?? true).toBe(true);
        expect(timeout.mock.calls.filter((_, i) => timeout.mock.contexts[i] === socket).map(([ms]) => ms)).toContain(0);
        expect(socket.timeout ?? 0).toBe(0);
      }
    } finally {
      noDelay.mockRestore();
      timeout.mockRestore();
    }
  });

  it('8.5 masking: never writes into the caller’s data, whatever its type', async () => {
    const { ws, peer } = await rawServer(implementation, { generateMask: (mask: Buffer) => mask.fill(0xff) });
    const bytes = new Uint8Array(300).fill(7);
    for (const data of [
      Buffer.from(bytes),
      bytes,
      bytes.buffer,
      new DataView(bytes.buffer),
      new Uint16Array(bytes.buffer),
    ]) {
      ws.send(data);
      expect((await peer.readFrame()).payload.equals(Buffer.alloc(300, 7))).toBe(true);
      const view = ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : new Uint8Array(data);
      expect(view.every((octet) => octet === 7)).toBe(true);
    }
    const control = Buffer.from('control');
    ws.ping(control);
    ws.close(1000, control);
    expect(control.toString()).toBe('control');
  });

  it('8.6 messages: may be kept and written to, none changes when others come or are written to', async () => {
    const { ws, peer } = await rawClient(implementation);
    const first = messages(ws, 20);
    peer.send(...Array.from({ length: 20 }, (_, i) => ({ opcode: 1 + (i & 1), payload: `message ${i}` })));
    const kept = (await first).map(({ data }) => data);
    kept[3].fill('#');
    kept[4].fill('#');
    const more = messages(ws, 200);
    peer.send(...Array.from({ length: 200 }, (_, i) => ({ opcode: 2, payload: Buffer.alloc(1000, i) })));
    const later = (await more).map(({ data }) => data);
    for (const [i, data] of kept.entries()) {
      expect(data.toString()).toBe(i === 3 || i === 4 ? '#########' : `message ${i}`);
    }
    for (const [i, data] of later.entries()) expect(data.equals(Buffer.alloc(1000, i))).toBe(true);
  });

  it('8.6 messages: writing to one never reaches frames not parsed yet', async () => {
    const { ws, peer } = await rawClient(implementation);
    const seen: string[] = [];
    const done = new Promise<void>((resolve) => {
      ws.on('message', (data: Buffer) => {
        seen.push(data.toString());
        data.fill(0);
        if (seen.length === 5) resolve();
      });
    });
    peer.send(...Array.from({ length: 5 }, (_, i) => ({ payload: `frame ${i}` })));
    await done;
    expect(seen).toEqual(Array.from({ length: 5 }, (_, i) => `frame ${i}`));
  });

  it('8.6 idle socket: a small message does not pin more than its chunk', async () => {
    const { ws, peer } = await rawClient(implementation);
    const closed = event<[number, Buffer]>(ws, 'close');
    peer.close(1000, 'short');
    const [, reason] = await closed;
    // Node 26 pools 64 KiB and what aligns them, older ones 8 KiB.
    expect(reason.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize + 64);
  });

  it('8.7 arraybuffer: is exactly the size of the message', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.binaryType = 'arraybuffer';
    const got = messages(ws, 3);
    peer.send({ opcode: 2, payload: 'a' }, { opcode: 2, payload: 'bcd' }, { opcode: 2, payload: '' });
    const sizes = (await got).map(({ data }) => (data as unknown as ArrayBuffer).byteLength);
    expect(sizes).toEqual([1, 3, 0]);
  });

  it("8.8 errors: 'error' first, then 'close' 1006; the code that we sent is not reported to us", async () => {
    const { ws, peer } = await rawServer(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.send({ payload: Buffer.of(0xff) });
    expect((await peer.readClose()).code).toBe(1007);
    await closed;
    expect(log.map((entry) => entry.split(' ')[0])).toEqual(['upgrade', 'error', 'close'].slice(-log.length));
    expect(log.at(-1)).toBe('close 1006');
  });

  it('8.9 close(): one that throws leaves the socket OPEN and usable', async () => {
    const { client, peer } = await pair(implementation);
    expect(() => client.close(1)).toThrow(TypeError);
    expect(() => client.close(1000, 'x'.repeat(200))).toThrow(RangeError);
    expect(client.readyState).toBe(client.OPEN);
    const end = ending(peer);
    client.close(1000, 'now');
    expect(await end).toMatchObject({ code: 1000, reason: 'now' });
  });

  it('8.9 close(): both roles end their half once both Closes have gone, there is no "server first"', async () => {
    const server = await rawClient(implementation, {}, { endWithPeer: false });
    const client = await rawServer(implementation, {}, { endWithPeer: false });
    for (const { ws, peer } of [server, client]) {
      ws.close(1000);
      await peer.readClose();
      peer.close(1000);
      await peer.ended;
    }
  });

  it('8.10 after close(): messages are delivered until the peer’s Close', async () => {
    const { client, peer } = await pair(implementation);
    const log = recorder(client);
    const closed = event(client, 'close');
    client.close(1000);
    for (let i = 0; i < 3; i++) peer.send(`late ${i}`);
    await closed;
    expect(log).toEqual(['text late 0', 'text late 1', 'text late 2', 'close 1000']);
  });

  it("8.11 paused socket: what is left of it is parsed and delivered before 'close'", async () => {
    const { ws, peer, socket } = ownedPairOfStreams(implementation);
    const log = recorder(ws);
    ws.pause();
    peer.send({ payload: 'one' }, { payload: 'two' });
    await vi.waitUntil(() => socket.readableLength > 0);
    const closed = event(ws, 'close');
    socket.destroy();
    await closed;
    expect(log).toEqual(['text one', 'text two', 'close 1006']);
  });

  it('8.12 frames: header and payload reach the socket in one write', async () => {
    const { ws, socket } = ownedPairOfStreams(implementation);
    const writes: number[] = [];
    const write = socket._write.bind(socket);
    socket._write = (chunk: Buffer, encoding, callback) => {
      writes.push(chunk.length);
      write(chunk, encoding, callback);
    };
    socket._writev = (chunks, callback) => {
      const all = Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer));
      writes.push(all.length);
      write(all, 'utf8', callback);
    };
    await new Promise((resolve) => {
      ws.send(Buffer.alloc(50_000), resolve);
    });
    expect(writes).toEqual([50_004]);
  });

  it('8.13 the same string to N clients: arrives the same at each', async () => {
    const { server, url } = await listen(implementation);
    const clients = Array.from({ length: 5 }, () => dial(implementation, url));
    const got = clients.map((client) => message(client));
    await Promise.all(clients.map((client) => event(client, 'open')));
    await vi.waitUntil(() => server.clients.size === 5);
    for (const ws of server.clients) ws.send('to all é');
    for (const { data } of await Promise.all(got)) expect(data.toString()).toBe('to all é');
  });

  it("8.14 asynchronous verifyClient: the socket has an 'error' listener meanwhile", async () => {
    const { server, port } = await listen(implementation, {
      verifyClient: (info: { req: http.IncomingMessage }, _callback: unknown) => {
        server.emit('asked', info.req.socket);
      },
    });
    const asked = event<[net.Socket]>(server, 'asked');
    rawRequest(port);
    const [socket] = await asked;
    expect(socket.listenerCount('error')).toBeGreaterThan(0);
    socket.emit('error', new Error('reset'));
    expect(socket.destroyed).toBe(true);
  });

  it('8.15 two servers on one HTTP server: the second handleUpgrade of a socket throws', async () => {
    const { server, port } = await listenHttp();
    ownedServer(new implementation.WebSocketServer({ server }));
    ownedServer(new implementation.WebSocketServer({ server }));
    const thrown = new Promise<Error>((resolve) => {
      const emit: EventEmitter['emit'] = server.emit.bind(server);
      server.emit = (name: string | symbol, ...parameters: unknown[]): boolean => {
        try {
          return emit(name, ...parameters);
        } catch (error) {
          resolve(error as Error);
          return true;
        }
      };
    });
    rawRequest(port);
    expect((await thrown).message).toMatch(/handleUpgrade\(\) was called more than once with the same socket/);
  });

  it('8.16 _socket: is the real socket, null before open', async () => {
    const { url, server } = await listen(implementation);
    const connected = event<[Client, http.IncomingMessage]>(server, 'connection');
    const client = dial(implementation, url);
    expect(client._socket).toBeNull();
    const [ws, request] = await connected;
    expect(ws._socket).toBe(request.socket);
    if (client.readyState === client.CONNECTING) await event(client, 'open');
    const socket = client._socket as unknown as net.Socket;
    expect(socket).toBeInstanceOf(net.Socket);
    expect(socket.remotePort).toBe((server.address() as AddressInfo).port);
    socket.setKeepAlive(true);
    socket.unref();
    socket.ref();
  });

  it("8.16 _socket 'data': listeners of the user see every byte", async () => {
    const { ws, peer } = await rawClient(implementation);
    const seen = vi.fn();
    ws._socket.on('data', seen);
    const got = message(ws);
    peer.send({ payload: 'overheard' });
    await got;
    expect(seen).toHaveBeenCalledTimes(1);
  });

  it('8.16 _socket.pause(): bytes lie in the stream, or in the operating system (D11)', async () => {
    const { ws, peer } = await rawClient(implementation);
    peer.send({ payload: 'x' });
    await message(ws);
    expect(implementation.differs('D11', { ws: true, wsimd: ws._socket.readableLength === 0 })).toBe(true);
  });

  it('8.16 _socket.pause() and resume(): stop and continue the messages', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    ws._socket.pause();
    peer.send({ payload: 'held' });
    await pair(implementation);
    await turn();
    expect(log).toEqual([]);
    const got = message(ws);
    ws._socket.resume();
    expect((await got).data.toString()).toBe('held');
  });

  it('8.16 _socket.end(): ends the connection with 1006', async () => {
    const { ws } = await rawClient(implementation);
    const end = ending(ws);
    ws._socket.end();
    expect((await end).code).toBe(1006);
  });

  it('8.16 _socket.destroy(error): is 1006 without an error event', async () => {
    const { ws } = await rawClient(implementation);
    const end = ending(ws);
    ws._socket.destroy(new Error('mine'));
    expect(await end).toMatchObject({ code: 1006, errors: 0 });
  });

  it('8.17 duplicate subprotocols: are 400, also from repeated headers', async () => {
    const { port } = await listen(implementation);
    expect(await refusal(port, { headers: { 'Sec-WebSocket-Protocol': 'a, a' } })).toMatch(/^HTTP\/1\.1 400 /);
    expect(
      await refusal(port, { headers: { 'Sec-WebSocket-Protocol': 'a', 'sec-websocket-protocol': 'b, a' } }),
    ).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('8.19 deprecations and warnings: a conversation causes none', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    try {
      const { client, peer } = await pair(implementation, { server: { perMessageDeflate: true } });
      peer.on('message', (data: Buffer) => peer.send(data));
      const got = messages(client, 30);
      for (let i = 0; i < 30; i++) client.send(`x${i}`);
      await got;
      const closed = event(client, 'close');
      client.close();
      await closed;
      await turn();
      expect(warned).not.toHaveBeenCalled();
    } finally {
      process.removeListener('warning', warned);
    }
  });

  it('8.20 masking key of 0,0,0,0: from a peer is a key like another', async () => {
    const { ws, peer } = await rawClient(implementation);
    const got = message(ws);
    peer.send({ payload: 'not masked at all', key: Buffer.alloc(4) });
    expect((await got).data.toString()).toBe('not masked at all');
  });

  it('8.20 masking keys: change from frame to frame in one chunk', async () => {
    const { ws, peer } = await rawClient(implementation);
    const got = messages(ws, 64);
    peer.send(
      ...Array.from({ length: 64 }, (_, i) => ({
        opcode: 2,
        payload: Buffer.alloc(i, i),
        key: Buffer.from([i, 255 - i, i * 3, 128]),
      })),
    );
    for (const [i, { data }] of (await got).entries()) expect(data.equals(Buffer.alloc(i, i))).toBe(true);
  });

  it('8.8 close frame received before the fault: its code is what close reports', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.send({ opcode: 8, payload: closeCode(1001) });
    peer.write(Buffer.from([0xff, 0xff, 0xff]));
    expect(await end).toMatchObject({ code: 1001, errors: 0 });
  });
});
