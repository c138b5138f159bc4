// mockttp, which hands over requests with rawHeaders of its own kind, and http-proxy-middleware, which pipes upgrades to a target.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import * as mockttp from 'mockttp';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish, listening } from './support.mjs';

async function echoes(url) {
  const client = new WebSocket(url);
  const opened = await Promise.race([
    event(client, 'open'),
    event(client, 'error').then(([error]) => Promise.reject(error)),
  ]);
  assert.deepEqual(opened, []);
  for (const text of ['text', 'long '.repeat(50_000)]) {
    client.send(text);
    assert.equal(String((await event(client, 'message'))[0]), text);
  }
  client.close(1000);
  assert.equal((await event(client, 'close'))[0], 1000);
}

const echo = mockttp.getLocal();
await echo.start();
await echo.forAnyWebSocket().thenEcho();
await echoes(`ws://127.0.0.1:${echo.port}/`);

const target = new WebSocketServer({ port: 0, host: '127.0.0.1' });
target.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
await event(target, 'listening');
const url = `ws://127.0.0.1:${target.address().port}`;
const passing = mockttp.getLocal();
await passing.start();
await passing.forAnyWebSocket().thenForwardTo(url);
await echoes(`ws://127.0.0.1:${passing.port}/`);

for (const to of [url, `ws://127.0.0.1:${echo.port}`]) {
  const proxy = createProxyMiddleware({ target: to.replace('ws', 'http'), ws: true, changeOrigin: true });
  const server = createServer(express().use(proxy));
  server.on('upgrade', proxy.upgrade);
  await echoes(`ws://127.0.0.1:${await listening(server)}/`);
}
finish('echo, forwarding, and both behind http-proxy-middleware', ['mockttp']);
