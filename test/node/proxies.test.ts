// What is added to `ws` by way of a Proxy, and a Proxy that wraps whatever it hands out, as those of reactive frameworks do.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import type { ServerOptions } from '../../src/node/server-options.js';
import { requestRaw } from '../support/raw-peer.js';

/** A Proxy whose objects are such Proxies too. */
function deep<Of extends object>(of: Of): Of {
  return new Proxy(of, {
    get(target, name, self) {
      const value = Reflect.get(target, name, self) as unknown;
      const isPlain = Object.prototype.toString.call(value) === '[object Object]' && Object.isExtensible(value);
      return isPlain ? deep(value as object) : value;
    },
  });
}

const FACES: [string, <Of extends object>(of: Of) => Of][] = [
  ['a Proxy', (of) => new Proxy(of, {})],
  ['a deep Proxy', deep],
  ['an object that inherits', (of) => Object.create(of) as typeof of],
];

async function pair(options: ServerOptions = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  onTestFinished(() => {
    for (const websocket of server.clients!) websocket.terminate();
    server.close();
  });
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(client, 'open');
  return { server, client, peer: (await connected)[0] };
}

describe.each(FACES)('%s', (_kind, around) => {
  it('of a socket sends, has the facts that are added, and is iterated over', async () => {
    const { client, peer } = await pair({ statistics: true });
    const face = around(peer);
    expect([face.needDrain, face.closeInfo, face.statistics]).toMatchObject([false, undefined, { sent: {} }]);
    const got = once(client, 'message');
    face.send('out');
    expect(String((await got)[0])).toBe('out');
    const texts: string[] = [];
    client.send('one');
    client.send('two');
    client.close(4001);
    for await (const { data } of face) texts.push((data as Buffer).toString());
    expect(texts).toEqual(['one', 'two']);
    expect([face.closeInfo?.code, face.needDrain]).toEqual([4001, false]);
  });

  it('of a client that never opened says how it ended', async () => {
    const client = new WebSocket('ws://127.0.0.1:9', { signal: AbortSignal.abort() });
    client.on('error', () => {});
    await new Promise((resolve) => void client.on('close', resolve));
    expect(around(client).closeInfo).toMatchObject({ code: 1006, initiator: 'none' });
  });

  it('of a server admits and counts as the server does', async () => {
    const server = new WebSocketServer({ noServer: true, allowedOrigins: ['http://here.example'], maxConnections: 1 });
    const face = around(server);
    const outer = http.createServer();
    outer.on('upgrade', (request, socket, head) => face.handleUpgrade(request, socket, head, () => {}));
    await once(outer.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      for (const websocket of server.clients!) websocket.terminate();
      outer.close();
    });
    const statuses: string[] = [];
    for (const Origin of ['http://elsewhere.example', 'http://here.example', 'http://here.example']) {
      const peer = requestRaw((outer.address() as AddressInfo).port, { headers: { Origin } });
      statuses.push((await peer.readHead()).slice(9, 12));
      onTestFinished(() => void peer.socket.destroy());
    }
    expect(statuses).toEqual(['403', '101', '503']);
  });
});

it('a message to all reaches sockets that are Proxies', async () => {
  class Watched extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      return new Proxy(this, {});
    }
  }
  const { server, client } = await pair({ WebSocket: Watched });
  const got = once(client, 'message');
  server.broadcast('to all');
  expect(String((await got)[0])).toBe('to all');
});
