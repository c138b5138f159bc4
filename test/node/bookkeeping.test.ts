// A server's own bookkeeping: constant work for each connection that ends, whatever listeners the application removes.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import type { ServerOptions } from '../../src/node/server-options.js';
import { connectRaw, requestRaw } from '../support/raw-peer.js';
import { duplexPair } from './contract/harness.js';

async function serve(options: ServerOptions): Promise<{ server: WebSocketServer; port: number }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  onTestFinished(() => {
    for (const websocket of server.clients ?? []) websocket.terminate();
    server.close();
  });
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('removeAllListeners() on every accepted socket', () => {
  const bare = (server: WebSocketServer): void => {
    server.on('connection', (ws: WebSocket) => ws.removeAllListeners());
  };
  const ended = async (port: number, isGraceful: boolean): Promise<void> => {
    const { peer } = await connectRaw(port);
    if (isGraceful) {
      peer.send({ opcode: 8, payload: Buffer.from([0x03, 0xe8]) });
      await peer.readClose();
    } else {
      peer.socket.destroy();
    }
  };
  /** Resolves with how many connections the server says are open, once they are as few as `wanted`. */
  const settled = async (server: WebSocketServer, wanted: number): Promise<number> => {
    while (server.clients!.size > wanted) await new Promise((resolve) => setImmediate(resolve));
    return server.clients!.size;
  };

  test.each([true, false])('leaves places under maxConnections free again, after a Close: %s', async (isGraceful) => {
    const { server, port } = await serve({ maxConnections: 2 });
    bare(server);
    for (let round = 0; round < 4; round++) {
      await Promise.all([ended(port, isGraceful), ended(port, isGraceful)]);
      expect(await settled(server, 0)).toBe(0);
    }
    await Promise.all([connectRaw(port), connectRaw(port)]);
    const refused = requestRaw(port);
    expect((await refused.readHead()).slice(9, 12)).toBe('503');
  });

  test('lets a server of an outside HTTP server close with its last client', async () => {
    const http = createServer();
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    onTestFinished(() => {
      http.close();
    });
    const server = new WebSocketServer({ server: http });
    bare(server);
    const { peer } = await connectRaw((http.address() as AddressInfo).port);
    const closed = new Promise((resolve) => server.close(resolve));
    peer.socket.destroy();
    expect(await closed).toBe(undefined);
  });

  test('keeps the heartbeat going', async () => {
    const { server, port } = await serve({ heartbeat: { interval: 10, timeout: 10 } });
    bare(server);
    await connectRaw(port);
    expect(await settled(server, 0)).toBe(0);
  });
});

test('a connection that ends costs the same work however many are open: the set of clients is never walked', async () => {
  const server = new WebSocketServer({ noServer: true });
  const walks: number[] = [];
  const clients = server.clients!;
  const walk = clients[Symbol.iterator].bind(clients);
  const counted = (name: 'values' | 'keys' | 'forEach' | typeof Symbol.iterator): void => {
    Object.defineProperty(clients, name, {
      value: () => {
        walks.push(clients.size);
        return walk();
      },
    });
  };
  for (const name of ['values', 'keys', 'forEach', Symbol.iterator] as const) counted(name);
  const request = {
    method: 'GET',
    httpVersion: '1.1',
    headers: {
      host: 'a',
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
    url: '/',
    socket: {},
  } as unknown as IncomingMessage;
  const open: WebSocket[] = [];
  for (let at = 0; at < 200; at++) {
    const [ours, theirs] = duplexPair();
    theirs.resume();
    server.handleUpgrade(request, ours, Buffer.alloc(0), (ws) => open.push(ws));
  }
  expect(clients.size).toBe(200);
  for (const ws of open) ws.terminate();
  await Promise.all(open.map((ws) => once(ws, 'close')));
  expect([clients.size, walks]).toEqual([0, []]);
});
