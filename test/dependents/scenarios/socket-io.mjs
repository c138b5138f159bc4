// socket.io: acknowledgements, binary, broadcast through the pre-encoded frame, polling to websocket upgrade, namespaces.
import assert from 'node:assert/strict';
import http from 'node:http';
import { event, finish, listening, require } from './support.mjs';

const { Server } = require('socket.io');
const { io } = require('socket.io-client');
const ws = require('ws');

let framed = 0;
const { frame } = ws.Sender;
ws.Sender.frame = (...args) => {
  framed++;
  return frame(...args);
};

const httpServer = http.createServer();
const server = new Server(httpServer, { perMessageDeflate: { threshold: 512 } });
const port = await listening(httpServer);
server.on('connection', (socket) => {
  socket.join('room');
  socket.on('ask', (question, answer) => answer(`re: ${question}`));
  socket.on('binary', (data, answer) => answer(Buffer.isBuffer(data), Buffer.concat([data, data])));
});

const dial = (options) => io(`http://127.0.0.1:${port}`, { forceNew: true, reconnection: false, ...options });
async function connect(options) {
  const client = dial(options);
  await event(client, 'connect');
  return client;
}

const upgrading = dial();
assert.equal(upgrading.io.engine.transport.name, 'polling');
// Either may come first.
await Promise.all([event(upgrading, 'connect'), event(upgrading.io.engine, 'upgrade')]);
assert.equal(upgrading.io.engine.transport.name, 'websocket');

const clients = [upgrading, await connect({ transports: ['websocket'] }), await connect({ transports: ['websocket'] })];
for (const client of clients) {
  assert.equal(await client.emitWithAck('ask', 'é'), 're: é');
  const answer = await new Promise((resolve) => {
    client.emit('binary', Buffer.from([1, 2]), (...args) => resolve(args));
  });
  assert.equal(answer[0], true);
  assert.deepEqual(Buffer.from(answer[1]), Buffer.from([1, 2, 1, 2]));
}
assert.deepEqual(
  await Promise.all(
    clients.map((client) => {
      client.on('question', (text, answer) => answer(`${text}!`));
      return server.sockets.sockets.get(client.id).timeout(5000).emitWithAck('question', 'who');
    }),
  ),
  ['who!', 'who!', 'who!'],
);

// The upgraded connection may still be flushing its polling transport: wait until all three are plain websockets.
for (const socket of server.sockets.sockets.values()) {
  if (socket.conn.transport.name !== 'websocket') await event(socket.conn, 'upgrade');
}
const before = framed;
for (const [name, data] of [
  ['short', 'broadcast é'],
  ['long', 'y'.repeat(20_000)],
]) {
  const got = clients.map((client) => event(client, name));
  server.to('room').emit(name, data);
  for (const args of await Promise.all(got)) assert.deepEqual(args, [data]);
}
assert.ok(framed > before, 'the broadcast used Sender.frame');

const got = clients.map((client) => event(client, 'bytes'));
server.emit('bytes', Buffer.alloc(3000, 5), { nested: Buffer.from('in') });
for (const [bytes, { nested }] of await Promise.all(got)) {
  assert.deepEqual(Buffer.from(bytes), Buffer.alloc(3000, 5));
  assert.deepEqual(Buffer.from(nested), Buffer.from('in'));
}

server.of('/other').on('connection', (socket) => socket.emit('hello', 'namespace'));
const other = io(`http://127.0.0.1:${port}/other`, { transports: ['websocket'], forceNew: true });
assert.deepEqual(await event(other, 'hello'), ['namespace']);

const gone = event(clients[1], 'disconnect');
server.sockets.sockets.get(clients[1].id).disconnect(true);
assert.equal((await gone)[0], 'io server disconnect');
for (const client of [...clients, other]) client.disconnect();
await server.close();
finish('upgrade, acknowledgements, binary, pre-encoded broadcast, namespace, disconnect', [
  'socket.io',
  'engine.io',
  'socket.io-adapter',
  'engine.io-client',
]);
