// @fastify/websocket: routes over a listening server, and injectWS with its hand-made request over a plain Duplex.
import assert from 'node:assert/strict';
import { event, finish, require } from './support.mjs';

const fastify = require('fastify')();
const WebSocket = require('ws');
await fastify.register(require('@fastify/websocket'), { options: { maxPayload: 1_048_576 } });
fastify.register(async (app) => {
  app.get('/echo', { websocket: true }, (socket, request) => {
    assert.equal(request.headers['upgrade'], 'websocket');
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  app.get('/greet/:name', { websocket: true }, (socket, request) => {
    socket.send(`hello ${request.params.name}`);
    socket.close(4001, 'greeted');
  });
  app.get('/hook', { websocket: true, preValidation: async (_request, reply) => reply.code(401).send() }, () => {
    assert.fail('the hook refuses');
  });
});
await fastify.ready();

const injected = await fastify.injectWS('/echo');
for (const data of ['text é', Buffer.from('binary'), 'x'.repeat(100_000)]) {
  const got = event(injected, 'message');
  injected.send(data);
  const [echo, binary] = await got;
  assert.deepEqual(echo, Buffer.from(data));
  assert.equal(binary, typeof data !== 'string');
}
const closing = event(injected, 'close');
injected.close(1000);
await closing;

const greeted = await new Promise((resolve) => {
  const events = [];
  const onInit = (ws) => {
    ws.on('message', (data) => events.push(String(data)));
    ws.on('close', (code, reason) => resolve([...events, code, String(reason)]));
  };
  fastify.injectWS('/greet/inject', {}, { onInit });
});
assert.deepEqual(greeted, ['hello inject', 4001, 'greeted']);

await assert.rejects(fastify.injectWS('/hook'), /401/);

await fastify.listen({ port: 0, host: '127.0.0.1' });
const { port } = fastify.server.address();
const client = new WebSocket(`ws://127.0.0.1:${port}/greet/world`);
const message = event(client, 'message');
const end = event(client, 'close');
assert.equal(String((await message)[0]), 'hello world');
assert.equal((await end)[0], 4001);

const open = new WebSocket(`ws://127.0.0.1:${port}/echo`);
await event(open, 'open');
const ended = event(open, 'close');
await fastify.close();
assert.equal((await ended)[0], 1005);
finish('injectWS echo, greeting and refusals, listening server, close of the app', ['@fastify/websocket']);
