// engine.io: polling, upgrade to websocket, text, binary, compression, the pre-encoded frame through ws._sender.sendFrame.
import assert from 'node:assert/strict';
import http from 'node:http';
import { event, finish, listening, require } from './support.mjs';

const { Server } = require('engine.io');
const { Socket } = require('engine.io-client');
const { Sender } = require('ws');

const httpServer = http.createServer();
const engine = new Server({ perMessageDeflate: { threshold: 100 }, maxHttpBufferSize: 1e6 });
engine.attach(httpServer);
const port = await listening(httpServer);

async function connect(options) {
  const accepted = event(engine, 'connection');
  const client = new Socket(`http://127.0.0.1:${port}`, options);
  const open = event(client, 'open');
  const [server] = await accepted;
  await open;
  return { client, server };
}

const { client, server } = await connect({});
assert.equal(client.transport.name, 'polling');
await event(client, 'upgrade');
if (server.transport.name !== 'websocket') await event(server, 'upgrade');
assert.equal(client.transport.name, 'websocket');
assert.equal(server.transport.name, 'websocket');

for (const data of ['text é€😀', 'x'.repeat(50_000)]) {
  const got = event(client, 'message');
  server.send(data);
  assert.deepEqual(await got, [data]);
  const back = event(server, 'message');
  client.send(data);
  assert.deepEqual(await back, [data]);
}
for (const data of [Buffer.from([1, 2, 3]), Buffer.alloc(100_000, 7)]) {
  const got = event(client, 'message');
  server.send(data);
  assert.deepEqual(Buffer.from((await got)[0]), data);
  const back = event(server, 'message');
  client.send(data);
  assert.deepEqual(Buffer.from((await back)[0]), data);
}

const list = Sender.frame(Buffer.from('4pre-encoded'), {
  readOnly: false,
  mask: false,
  rsv1: false,
  opcode: 1,
  fin: true,
});
const order = [];
client.on('message', (data) => order.push(data));
server.send('before');
server.sendPacket('message', 'pre-encoded', { wsPreEncodedFrame: list });
server.send('after');
while (order.length < 3) await event(client, 'message');
assert.deepEqual(order, ['before', 'pre-encoded', 'after']);

let flushed = 0;
await new Promise((resolve) => {
  for (let i = 0; i < 20; i++) server.send(`callback ${i}`, {}, () => ++flushed === 20 && resolve());
});

const direct = await connect({ transports: ['websocket'] });
assert.equal(direct.client.transport.name, 'websocket');
const closed = event(direct.server, 'close');
direct.client.close();
assert.equal((await closed)[0], 'transport close');

const big = event(server, 'close');
client.send('x'.repeat(1_100_000));
assert.equal((await big)[0], 'transport error');
engine.close();
httpServer.close();
finish('upgrade, text, binary, pre-encoded frame in order, callbacks, close, maxHttpBufferSize', [
  'engine.io',
  'engine.io-client',
]);
