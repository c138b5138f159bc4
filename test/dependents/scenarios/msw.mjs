// @mswjs/interceptors (msw, nock 14) stands before every socket of the process: a client passes through it to a real server.
import assert from 'node:assert/strict';
import { ClientRequestInterceptor } from '@mswjs/interceptors/ClientRequest';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish } from './support.mjs';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (socket) => {
  socket.send('welcome');
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
await event(server, 'listening');
const interceptor = new ClientRequestInterceptor();
interceptor.apply();
const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
const welcome = event(client, 'message');
await event(client, 'open');
assert.equal(String((await welcome)[0]), 'welcome');
for (const text of ['text', 'long '.repeat(50_000)]) {
  client.send(text);
  assert.equal(String((await event(client, 'message'))[0]), text);
}
client.close(1000);
assert.equal((await event(client, 'close'))[0], 1000);
interceptor.dispose();
finish('a client behind the interceptor', []);
