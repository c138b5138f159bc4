// express-ws: routes of an application and of a router, middleware before them, and the set of clients.
import assert from 'node:assert/strict';
import { event, finish, require } from './support.mjs';

const express = require('express');
const WebSocket = require('ws');
const { app, applyTo, getWss } = require('express-ws')(express());
const router = express.Router();
// Express 5 has no prototype of routers left that express-ws could extend.
applyTo(router);

app.use((request, _response, next) => {
  request.seen = 'middleware';
  next();
});
app.get('/', (_request, response) => response.send('plain'));
app.ws('/echo', (ws, request) => {
  assert.equal(request.seen, 'middleware');
  ws.on('message', (data, binary) => ws.send(data, { binary }));
});
router.ws('/inner/:name', (ws, request) => ws.send(request.params.name));
app.use('/router', router);

const server = app.listen(0, '127.0.0.1');
await event(server, 'listening');
const { port } = server.address();
assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'plain');

const echo = new WebSocket(`ws://127.0.0.1:${port}/echo`);
await event(echo, 'open');
for (const data of ['text', Buffer.from('binary')]) {
  const got = event(echo, 'message');
  echo.send(data);
  assert.deepEqual(await got, [Buffer.from(data), typeof data !== 'string']);
}
assert.equal(getWss().clients.size, 1);
for (const ws of getWss().clients) ws.send('to everyone');
assert.equal(String((await event(echo, 'message'))[0]), 'to everyone');

const inner = new WebSocket(`ws://127.0.0.1:${port}/router/inner/here`);
assert.equal(String((await event(inner, 'message'))[0]), 'here');

const nowhere = new WebSocket(`ws://127.0.0.1:${port}/nowhere`);
nowhere.on('error', () => {});
await event(nowhere, 'close');

const closed = event(echo, 'close');
echo.close(1000);
assert.equal((await closed)[0], 1000);
inner.terminate();
server.close();
finish('routes, router, middleware, clients, unknown route', ['express-ws']);
