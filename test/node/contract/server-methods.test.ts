/** The contract with `ws`: the methods and events of WebSocketServer. */
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { overHttp2 } from '../../support/over-http2.js';
import { headerOf, requestHead } from '../../support/raw-peer.js';
import {
  contract,
  dial,
  event,
  listen,
  listenHttp,
  message,
  ownedServer,
  pair,
  rawClient,
  rawRequest,
  refusal,
  turn,
} from './harness.js';
import type { Client, Server } from './implementations.js';

/** The names 'close' and `label` in the order they happen. */
function order(server: Server): string[] {
  const log: string[] = [];
  server.on('close', () => log.push('close'));
  return log;
}

function closed(server: Server): Promise<Error | undefined> {
  return new Promise((resolve) => {
    server.close(resolve);
  });
}

contract('server methods', (implementation) => {
  it('address(): throws in noServer mode', () => {
    const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    expect(() => server.address()).toThrow(new Error('The server is operating in "noServer" mode'));
  });

  it('address(): is that of the HTTP server, null before it listens and after close', async () => {
    const { server, port } = await listen(implementation);
    expect(server.address()).toMatchObject({ address: '127.0.0.1', family: 'IPv4', port });
    await closed(server);
    expect(server.address()).toBeNull();

    const external = http.createServer();
    const over = ownedServer(new implementation.WebSocketServer({ server: external }));
    expect(over.address()).toBeNull();
    const { port: externalPort } = await listenHttp(external);
    expect(over.address()).toMatchObject({ port: externalPort });
    over.close();
    expect(over.address()).toBeNull();
  });

  it("clients: an entry is there before 'connection' and gone when the socket's 'close' is over", async () => {
    const { server, url } = await listen(implementation);
    const sizes: [string, number, boolean][] = [];
    const gone = new Promise<void>((resolve) => {
      server.on('connection', (ws: Client) => {
        sizes.push(['connection', server.clients.size, server.clients.has(ws)]);
        ws.on('close', () => {
          sizes.push(['close', server.clients.size, server.clients.has(ws)]);
          resolve();
        });
      });
    });
    const client = dial(implementation, url);
    await event(client, 'open');
    client.close();
    await gone;
    expect(sizes).toEqual([
      ['connection', 1, true],
      ['close', 0, false],
    ]);
  });

  it('close(): stops the internal HTTP server, does not close clients, and waits for their sockets', async () => {
    const { server, client, port } = await pair(implementation);
    const log = order(server);
    const done = closed(server);
    await expect(
      new Promise((_resolve, reject) => {
        http.get({ port, host: '127.0.0.1', agent: false }).on('error', reject);
      }),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(client.readyState).toBe(client.OPEN);
    expect(log).toEqual([]);
    client.close();
    expect(await done).toBeUndefined();
    expect(log).toEqual(['close']);
  });

  it('close(): without clients calls back once, with nothing, when the HTTP server is closed', async () => {
    const { server } = await listen(implementation);
    const callback = vi.fn();
    server.close(callback);
    expect(callback).not.toHaveBeenCalled();
    await event(server, 'close');
    await turn();
    expect(callback.mock.calls).toEqual([[]]);
  });

  it('close(): with an external server removes exactly its own 3 listeners and leaves the server running', async () => {
    const { server: httpServer, port } = await listenHttp(
      http.createServer((_request, response) => response.end('up')),
    );
    const names = ['listening', 'error', 'upgrade'];
    for (const name of names) httpServer.on(name, () => {});
    const before = names.map((name) => httpServer.listeners(name));
    const server = new implementation.WebSocketServer({ server: httpServer });
    expect(names.map((name) => httpServer.listenerCount(name))).toEqual(before.map((list) => list.length + 1));
    await closed(server);
    expect(names.map((name) => httpServer.listeners(name))).toEqual(before);
    expect(httpServer.listening).toBe(true);
    const [response] = await event<[IncomingMessage]>(http.get({ port, host: '127.0.0.1', agent: false }), 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
  });

  it("close(): with an external server 'close' comes when the last client is gone, not before", async () => {
    const { server: httpServer, url } = await listenHttp();
    const server = new implementation.WebSocketServer({ server: httpServer });
    const clients = [dial(implementation, url), dial(implementation, url)];
    await Promise.all(clients.map((client) => event(client, 'open')));
    const log = order(server);
    const done = closed(server);
    clients[0].close();
    await event(clients[0], 'close');
    await vi.waitUntil(() => server.clients.size === 1);
    await turn();
    expect(log).toEqual([]);
    clients[1].close();
    expect(await done).toBeUndefined();
    expect(log).toEqual(['close']);
  });

  it("close(): with an external server and no clients 'close' comes in the next tick", async () => {
    for (const options of [{ clientTracking: true }, { clientTracking: false }]) {
      const server = new implementation.WebSocketServer({ server: http.createServer(), ...options });
      const log = order(server);
      server.close();
      log.push('after close()');
      process.nextTick(() => log.push('tick'));
      await turn();
      expect(log).toEqual(['after close()', 'close', 'tick']);
    }
  });

  it('close(): in noServer mode waits for its clients too', async () => {
    const { server: httpServer, url } = await listenHttp();
    const server = new implementation.WebSocketServer({ noServer: true });
    httpServer.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head, () => {}));
    const client = dial(implementation, url);
    await event(client, 'open');
    const log = order(server);
    const done = closed(server);
    await turn();
    expect(log).toEqual([]);
    client.close();
    await done;
    expect(log).toEqual(['close']);
  });

  it("close(): a call after it is closed gets an Error, and 'close' again in the next tick", async () => {
    const { server } = await listen(implementation);
    await closed(server);
    const log = order(server);
    const error = await new Promise((resolve) => {
      server.close((given) => {
        log.push('callback');
        resolve(given);
      });
      log.push('after close()');
    });
    await turn();
    expect(error).toEqual(new Error('The server is not running'));
    expect(log).toEqual(['after close()', 'close', 'callback']);
    server.close();
    await event(server, 'close');
  });

  it('close(): a call while closing joins the first', async () => {
    const { server } = await listen(implementation);
    const log = order(server);
    const calls = [closed(server), closed(server), closed(server)];
    expect(await Promise.all(calls)).toEqual([undefined, undefined, undefined]);
    expect(log).toEqual(['close']);
  });

  it('close(): a handshake that ends while the server is closing is 503', async () => {
    let admit: (() => void) | undefined;
    const { server, port } = await listen(implementation, {
      verifyClient: (_info: unknown, callback: (verified: boolean) => void) => {
        admit = () => callback(true);
        server.emit('asked');
      },
    });
    const asked = event(server, 'asked');
    const answer = refusal(port);
    await asked;
    server.close();
    admit?.();
    expect(await answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
  });

  it('handleUpgrade: calls back synchronously with (ws, req), ws open', async () => {
    const { server: httpServer, port } = await listenHttp();
    const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    const seen = new Promise<unknown[]>((resolve) => {
      httpServer.on('upgrade', (request, socket, head) => {
        const log: unknown[] = [];
        server.handleUpgrade(request, socket, head, (ws, given) => {
          log.push(ws.readyState, ws instanceof implementation.WebSocket, given === request, server.clients.has(ws));
        });
        log.push('returned');
        resolve(log);
      });
    });
    rawRequest(port);
    expect(await seen).toEqual([1, true, true, true, 'returned']);
  });

  it("handleUpgrade: in noServer mode emits no 'connection' by itself", async () => {
    const { server: httpServer, port } = await listenHttp();
    const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    const connection = vi.fn();
    server.on('connection', connection);
    const upgraded = new Promise<void>((resolve) => {
      httpServer.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head, () => resolve()));
    });
    rawRequest(port);
    await upgraded;
    await turn();
    expect(connection).not.toHaveBeenCalled();
  });

  it('handleUpgrade: a half-closed socket is destroyed without an answer', async () => {
    const { server: httpServer, port } = await listenHttp();
    const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    httpServer.on('upgrade', (request, socket, head) => {
      socket.resume();
      socket.once('end', () => server.handleUpgrade(request, socket, head, () => expect.unreachable()));
    });
    const peer = rawRequest(port, { endWithPeer: false });
    peer.socket.end();
    expect((await peer.readToEnd()).toString()).toBe('');
  });

  it('handleUpgrade: a second use of one socket throws', async () => {
    const { server: httpServer, port } = await listenHttp();
    const [one, two] = [0, 1].map(() => ownedServer(new implementation.WebSocketServer({ noServer: true })));
    const thrown = new Promise<unknown>((resolve) => {
      httpServer.on('upgrade', (request, socket, head) => {
        one.handleUpgrade(request, socket, head, () => {});
        try {
          two.handleUpgrade(request, socket, head, () => {});
        } catch (error) {
          resolve(error);
        }
      });
    });
    rawRequest(port);
    expect(await thrown).toEqual(
      new Error(
        'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      ),
    );
  });

  it('shouldHandle: may be overridden by assignment and by a subclass, and false is 400', async () => {
    const assigned = await listen(implementation);
    assigned.server.shouldHandle = (request) => request.url === '/yes';
    expect(await refusal(assigned.port)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    const connected = event(assigned.server, 'connection');
    rawRequest(assigned.port, { requestLine: 'GET /yes HTTP/1.1' });
    await connected;

    class Picky extends implementation.WebSocketServer {
      override shouldHandle(): boolean {
        return false;
      }
    }
    const picky = ownedServer(new Picky({ port: 0, host: '127.0.0.1' }));
    await event(picky, 'listening');
    expect(await refusal((picky.address() as AddressInfo).port)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('shouldHandle: without a path takes every request, with one compares it exactly', () => {
    const any = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    expect(any.shouldHandle({ url: '/whatever' } as IncomingMessage)).toBe(true);
    const one = ownedServer(new implementation.WebSocketServer({ noServer: true, path: '/foo' }));
    expect(one.shouldHandle({ url: '/foo?x' } as IncomingMessage)).toBe(true);
    expect(one.shouldHandle({ url: '/foo/' } as IncomingMessage)).toBe(false);
  });

  it('completeUpgrade: is called by handleUpgrade with the 7 arguments of ws and may be overridden', async () => {
    let given: unknown[] = [];
    class Watching extends implementation.WebSocketServer {
      completeUpgrade(...parameters: unknown[]): void {
        given = parameters;
        const base = (implementation.WebSocketServer.prototype as unknown as Record<string, unknown>)[
          'completeUpgrade'
        ] as (...parameters: unknown[]) => void;
        base.apply(this, parameters);
      }
    }
    const server = ownedServer(new Watching({ port: 0, host: '127.0.0.1' }));
    await event(server, 'listening');
    const connected = event<[Client, IncomingMessage]>(server, 'connection');
    rawRequest((server.address() as AddressInfo).port, { headers: { 'Sec-WebSocket-Protocol': 'a' } });
    const [, request] = await connected;
    const [extensions, key, protocols, req, socket, head, callback] = given as [
      object,
      string,
      Set<string>,
      IncomingMessage,
      Duplex,
      Buffer,
      unknown,
    ];
    expect(given).toHaveLength(7);
    expect(extensions).toEqual({});
    expect(key).toBe('dGhlIHNhbXBsZSBub25jZQ==');
    expect([...protocols]).toEqual(['a']);
    expect(req).toBe(request);
    expect(socket).toBe(request.socket);
    expect(Buffer.isBuffer(head)).toBe(true);
    expect(typeof callback).toBe('function');
  });

  it("'connection': carries (ws, req) and is emitted before any byte of the peer is parsed", async () => {
    const { server, port } = await listen(implementation);
    const first = new Promise<[string | undefined, string]>((resolve) => {
      server.on('connection', (ws: Client, request: IncomingMessage) => {
        ws.on('message', (data: Buffer) => resolve([request.url, data.toString()]));
      });
    });
    const peer = rawRequest(port, {
      requestLine: 'GET /glued HTTP/1.1',
      after: Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]),
    });
    expect(await first).toEqual(['/glued', 'hi']);
    expect((await peer.readHead()).startsWith('HTTP/1.1 101')).toBe(true);
  });

  it("'headers': the list may be changed in place before the 101 is written", async () => {
    const { server, port } = await listen(implementation);
    let first: string | undefined;
    server.on('headers', (headers: string[], request: IncomingMessage) => {
      [first] = headers;
      expect(headers.every((line) => !/[\r\n]/.test(line))).toBe(true);
      headers.push(`Set-Cookie: from=${request.url}`);
    });
    const peer = rawRequest(port, { requestLine: 'GET /cookie HTTP/1.1' });
    expect(headerOf(await peer.readHead(), 'set-cookie')).toBe('from=/cookie');
    expect(first).toBe(overHttp2 ? 'HTTP/2 200' : 'HTTP/1.1 101 Switching Protocols');
  });

  it("'listening' and 'error': are re-emitted from the HTTP server", async () => {
    const { port } = await listen(implementation);
    const second = new implementation.WebSocketServer({ port, host: '127.0.0.1' });
    const [error] = await event<[NodeJS.ErrnoException]>(second, 'error');
    expect(error.code).toBe('EADDRINUSE');

    const external = http.createServer();
    const over = ownedServer(new implementation.WebSocketServer({ server: external }));
    const listening = event(over, 'listening');
    await listenHttp(external);
    await listening;
    const failed = event<[Error]>(over, 'error');
    const mine = new Error('mine');
    external.emit('error', mine);
    expect((await failed)[0]).toBe(mine);
  });

  it("'wsClientError': replaces the automatic answer for 400 and 405, with (err, socket, req)", async () => {
    const { server, port } = await listen(implementation);
    const errors: string[] = [];
    server.on('wsClientError', (error: Error, socket: Duplex, request: IncomingMessage) => {
      errors.push(error.message);
      socket.end(`HTTP/1.1 418 ${request.method}\r\n\r\n`);
    });
    expect(await refusal(port, { headers: { 'Sec-WebSocket-Key': undefined } })).toBe('HTTP/1.1 418 GET\r\n\r\n');
    expect(await refusal(port, { requestLine: 'POST / HTTP/1.1' })).toBe('HTTP/1.1 418 POST\r\n\r\n');
    expect(await refusal(port, { headers: { 'Sec-WebSocket-Protocol': 'a,,b' } })).toBe('HTTP/1.1 418 GET\r\n\r\n');
    expect(await refusal(port, { headers: { 'Sec-WebSocket-Version': '7' } })).toBe('HTTP/1.1 418 GET\r\n\r\n');
    expect(errors).toEqual([
      'Missing or invalid Sec-WebSocket-Key header',
      'Invalid HTTP method',
      'Invalid Sec-WebSocket-Protocol header',
      'Missing or invalid Sec-WebSocket-Version header',
    ]);
  });

  it("'wsClientError': is not emitted for shouldHandle, verifyClient and 503", async () => {
    const { server, port } = await listen(implementation, { path: '/path', verifyClient: () => false });
    server.on('wsClientError', () => expect.unreachable());
    expect(await refusal(port)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await refusal(port, { requestLine: 'GET /path HTTP/1.1' })).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('two servers: may share one HTTP server when the user routes the upgrades', async () => {
    const { server: httpServer, url } = await listenHttp();
    const [one, two] = ['one', 'two'].map((name) => {
      const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
      server.on('connection', (ws: Client) => ws.send(name));
      return server;
    });
    httpServer.on('upgrade', (request, socket, head) => {
      const server = request.url === '/one' ? one : two;
      server.handleUpgrade(request, socket, head, (ws) => server.emit('connection', ws, request));
    });
    expect((await message(dial(implementation, `${url}/one`))).data.toString()).toBe('one');
    expect((await message(dial(implementation, `${url}/two`))).data.toString()).toBe('two');
  });

  it('pipelined second request: is never answered after the 101', async () => {
    const { peer, ws } = await rawClient(implementation);
    const failed = event<[Error]>(ws, 'error');
    peer.write(requestHead());
    await failed;
    const rest = (await peer.readToEnd()).toString('latin1');
    expect(rest).not.toContain('HTTP/1.1');
  });
});
