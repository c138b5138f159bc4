// miniflare couples a WebSocketPair of workerd with a socket of ws, and serves the same Worker to a client of ws.
import assert from 'node:assert/strict';
import { Miniflare } from 'miniflare';
import WebSocket from 'ws';
import { event, finish, until } from './support.mjs';

const script = `export default {
  async fetch(request) {
    if (request.headers.get('Upgrade') !== 'websocket') return new Response(null, { status: 426 });
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener('message', ({ data }) => {
      if (data === 'close') server.close(4003, 'é');
      else server.send(data);
    });
    return new Response(null, { status: 101, webSocket: client, headers: { 'X-Worker': 'yes' } });
  },
}`;
const miniflare = new Miniflare({ modules: true, port: 0, script });
const url = await miniflare.ready;

const { status, webSocket } = await miniflare.dispatchFetch(url, { headers: { Upgrade: 'websocket' } });
assert.equal(status, 101);
webSocket.accept();
const ended = new Promise((resolve) => webSocket.addEventListener('close', resolve));
const echoes = [];
webSocket.addEventListener('message', ({ data }) => echoes.push(data));
for (const message of ['é', 'é'.repeat(100_000), new Uint8Array(1000).buffer]) {
  webSocket.send(message);
  await until(() => echoes.length === 1);
  assert.deepEqual(echoes.pop(), message);
}
webSocket.send('close');
const { code, reason } = await ended;
assert.deepEqual([code, reason], [4003, 'é']);

const client = new WebSocket(url.href.replace('http', 'ws'));
const upgraded = event(client, 'upgrade');
await event(client, 'open');
assert.equal((await upgraded)[0].headers['x-worker'], 'yes');
const text = 'é'.repeat(100_000);
client.send(text);
assert.equal(String((await event(client, 'message'))[0]), text);
client.send('close');
assert.deepEqual((await event(client, 'close')).map(String), ['4003', 'é']);
assert.equal((await miniflare.dispatchFetch(url)).status, 426);
await miniflare.dispose();
finish('a pair of workerd, 200,000 bytes, close codes, a client', ['miniflare']);
