// http-proxy and @fastify/http-proxy between a client and a server of ws: subprotocols, pings, closes, a lost upstream.
import assert from 'node:assert/strict';
import http from 'node:http';
import proxyPlugin from '@fastify/http-proxy';
import fastify from 'fastify';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish, listening, require, textOf, until } from './support.mjs';

const pings = [];
const closes = [];
const upstreamHttp = http.createServer();
const upstream = new WebSocketServer({
  server: upstreamHttp,
  perMessageDeflate: true,
  handleProtocols: (protocols) => [...protocols].at(-1),
});
upstream.on('connection', (socket) => {
  socket.on('ping', (data) => pings.push(String(data)));
  socket.on('close', (code, reason) => closes.push([code, String(reason)]));
  socket.on('message', (data, binary) => {
    if (textOf(data) === 'terminate') socket.terminate();
    else if (textOf(data) === 'close') socket.close(4002, 'é');
    else socket.send(data, { binary });
  });
});
const target = `http://127.0.0.1:${await listening(upstreamHttp)}`;

const proxy = require('http-proxy').createProxyServer({ target, ws: true });
const proxyHttp = http.createServer();
proxyHttp.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head));
async function behindFastify(options) {
  const app = fastify();
  await app.register(proxyPlugin, { upstream: target, websocket: true, ...options });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app;
}
const app = await behindFastify({});
const again = await behindFastify({
  wsReconnect: { pingInterval: 1000, reconnectInterval: 100, maxReconnectionRetries: 5, reconnectOnClose: true },
});

async function dial(port) {
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, ['first', 'last']);
  await event(client, 'open');
  return client;
}
async function echo(client, message) {
  client.send(message);
  const [data, binary] = await event(client, 'message');
  assert.equal(binary, typeof message !== 'string');
  assert.ok(data.equals(Buffer.from(message)));
}
async function closing(client) {
  const [code, reason] = await event(client, 'close');
  return [code, String(reason)];
}

for (const [port, protocol, abnormal] of [
  [await listening(proxyHttp), 'last', 1006],
  // It answers the client itself, with the first subprotocol, and adds 3000 to codes that must not be sent.
  [app.server.address().port, 'first', 4006],
]) {
  const client = await dial(port);
  assert.equal(client.protocol, protocol);
  for (const message of ['text', 'é'.repeat(100_000), Buffer.alloc(70_000, 1)]) await echo(client, message);
  client.ping('are you there');
  assert.equal(String((await event(client, 'pong'))[0]), 'are you there');
  await until(() => pings.length > 0);
  assert.deepEqual(pings.splice(0), ['are you there']);
  client.send('close');
  assert.deepEqual(await closing(client), [4002, 'é']);

  const lost = await dial(port);
  lost.send('terminate');
  assert.equal((await closing(lost))[0], abnormal);

  await until(() => closes.length === 2);
  const own = await dial(port);
  own.close(4005, 'own');
  assert.deepEqual(await closing(own), [4005, 'own']);
  await until(() => closes.length === 3);
  assert.deepEqual(closes.splice(0).at(-1), [4005, 'own']);
}
{
  const client = await dial(again.server.address().port);
  await echo(client, 'before');
  const back = event(upstream, 'connection');
  client.send('terminate');
  await back;
  await echo(client, 'after');
  client.close();
  await closing(client);
}
await app.close();
await again.close();
finish('http-proxy and @fastify/http-proxy: 200,000 bytes, pings, closes from both sides, a lost upstream', [
  '@fastify/http-proxy',
]);
