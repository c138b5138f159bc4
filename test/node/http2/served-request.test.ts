// The request of a connection over HTTP/2: the application has it as over HTTP/1.1, and the stream keeps nothing of it.
import { once } from 'node:events';
import http2, { Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../../src/index.js';
import { readPath } from '../../../src/node/landing.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

interface Opened {
  stream: ServerHttp2Stream;
  request: Http2ServerRequest;
  client: WebSocket;
  websocket: WebSocket;
}

type Pages = 'none' | 'before the WebSockets' | 'behind the WebSockets';

async function open(pages: Pages, act: (opened: Omit<Opened, 'client'>) => void = () => {}): Promise<Opened> {
  const server = http2.createServer();
  const page = (_request: Http2ServerRequest, response: Http2ServerResponse): void => void response.end('page');
  if (pages === 'before the WebSockets') server.on('request', page);
  const wss = new WebSocketServer({ server });
  if (pages === 'behind the WebSockets') server.on('request', page);
  let seen: ServerHttp2Stream;
  server.on('stream', (stream) => {
    seen = stream;
    stream.on('aborted', () => {});
  });
  let opened: Omit<Opened, 'client'>;
  wss.on('connection', (websocket: WebSocket, request) => {
    websocket.on('message', (data) => websocket.send((data as Buffer).length));
    const { stream } = request as unknown as Http2ServerRequest;
    act((opened = { stream, request: request as never, websocket }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/x`, { http2: true });
  endings.push(async () => {
    client.terminate();
    server.close();
    await once(server, 'close');
  });
  await once(client, 'open');
  // Node's own request of a server with pages is made behind ours.
  await new Promise(setImmediate);
  expect(opened!.stream).toBe(seen!);
  return { ...opened!, client };
}

describe.each<Pages>(['none', 'before the WebSockets', 'behind the WebSockets'])('with pages: %s,', (pages) => {
  test('a request that is read is at its end, and takes nothing from its connection', async () => {
    const told: unknown[] = [];
    const { client, request } = await open(pages, ({ request: each }) => {
      for (const name of ['data', 'end', 'aborted']) each.on(name, () => told.push(name));
    });
    request.resume();
    await new Promise(setImmediate);
    request.pause();
    for (const length of [10, 500_000]) {
      client.send(Buffer.alloc(length));
      expect(String((await once(client, 'message'))[0])).toBe(String(length));
    }
    expect(request.url).toBe('/x');
    expect(told).toEqual(readPath === 'landing' ? ['end'] : []);
  });

  test('the stream holds neither request nor response, and the listeners of the application alone', async () => {
    const { stream } = await open(pages);
    const held = Reflect.ownKeys(stream).map((name) => (stream as never)[name]);
    const isOfNode = (value: unknown): boolean =>
      value instanceof Http2ServerRequest || value instanceof Http2ServerResponse;
    // In the public way they stay with the stream.
    const stays = readPath === 'data';
    expect(held.some(isOfNode)).toBe(stays);
    expect([stream.listenerCount('aborted') > 1, stream.listenerCount('timeout') > 0]).toEqual([stays, stays]);
    const timeout = once(stream, 'timeout');
    stream.setTimeout(5);
    await timeout;
  });
});
