// mqtt's client and aedes, a broker, over createWebSocketStream on both sides: each QoS, long payloads, a will, reconnection.
import assert from 'node:assert/strict';
import http from 'node:http';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { event, finish, listening, until } from './support.mjs';

const broker = await Aedes.createBroker();
const httpServer = http.createServer();
const server = new WebSocketServer({ server: httpServer });
const accepted = [];
server.on('connection', (socket, request) => {
  accepted.push(socket);
  broker.handle(createWebSocketStream(socket), request);
});
const port = await listening(httpServer);
const dial = (options) => mqtt.connect(`ws://127.0.0.1:${port}`, { reconnectPeriod: 20, ...options });
const reader = dial();
await event(reader, 'connect');
const writer = dial({ will: { topic: 'wills', payload: 'gone', qos: 1, retain: false } });
await event(writer, 'connect');
assert.deepEqual(
  accepted.map((socket) => socket.protocol),
  ['mqtt', 'mqtt'],
);

await reader.subscribeAsync({ 'room/+': { qos: 2 }, wills: { qos: 1 } });
for (const qos of [0, 1, 2]) {
  for (const payload of [Buffer.from('é'), Buffer.alloc(0), Buffer.alloc(700_000, 'long ')]) {
    const got = event(reader, 'message');
    await writer.publishAsync(`room/${qos}`, payload, { qos });
    const [topic, message] = await got;
    assert.equal(topic, `room/${qos}`);
    assert.ok(message.equals(payload));
  }
}
const heard = [];
reader.on('message', (topic, message) => heard.push(String(message)));
const numbers = Array.from({ length: 500 }, (_, at) => String(at));
await Promise.all(numbers.map((text) => writer.publishAsync('room/many', text, { qos: 1 })));
await until(() => heard.length === 500);
assert.deepEqual(heard, numbers);
reader.removeAllListeners('message');

await writer.publishAsync('kept', 'retained', { retain: true, qos: 1 });
const kept = event(reader, 'message');
await reader.subscribeAsync('kept');
assert.equal(String((await kept)[1]), 'retained');

// The writer's connection is lost: the broker publishes its will, and the client comes back.
const will = event(reader, 'message');
const back = event(writer, 'connect');
accepted[1].terminate();
assert.deepEqual((await will).slice(0, 2).map(String), ['wills', 'gone']);
await back;
assert.equal(accepted.length, 3);

await reader.endAsync();
await writer.endAsync();
await until(() => server.clients.size === 0);
await new Promise((resolve) => broker.close(resolve));
finish('QoS 0 to 2, 700,000 bytes, 500 in order, retained, will, reconnection', ['mqtt']);
