// Programs that use `ws` directly, by import and by require, get the same classes.
import assert from 'node:assert/strict';
import WebSocket, { WebSocketServer, createWebSocketStream } from 'ws';
import { event, finish, require } from './support.mjs';

const required = require('ws');
assert.equal(required, WebSocket);
assert.equal(required.WebSocketServer, WebSocketServer);
assert.equal(required.Server, WebSocketServer);
assert.equal(required.createWebSocketStream, createWebSocketStream);

const server = new WebSocketServer({ port: 0, perMessageDeflate: true });
server.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
await event(server, 'listening');
const ws = new required.WebSocket(`ws://127.0.0.1:${server.address().port}`);
await event(ws, 'open');
for (const data of ['text é', Buffer.from('binary'), 'x'.repeat(200_000)]) {
  ws.send(data);
  const [echo, binary] = await event(ws, 'message');
  assert.equal(binary, typeof data !== 'string');
  assert.deepEqual(echo, Buffer.from(data));
}
const duplex = createWebSocketStream(ws, { encoding: 'utf8' });
duplex.write('through a stream');
assert.deepEqual(await event(duplex, 'data'), ['through a stream']);
duplex.end();
await event(duplex, 'close');
server.close();
await event(server, 'close');
finish('import, require, echo, stream', []);
