// graphql-ws, whose package holds no tests: what its protocol and its manual say of a server and a client, each tried once
// here, with the override of `pong` that its own suite uses.
import assert from 'node:assert/strict';
import { buildSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { makeHandler } from 'graphql-ws/use/@fastify/websocket';
import { useServer } from 'graphql-ws/use/ws';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish, require } from './support.mjs';

const schema = buildSchema('type Query { hello: String } type Subscription { count(to: Int!): Int }');
const roots = {
  query: { hello: () => 'world' },
  subscription: {
    async *count({ to }) {
      for (let at = 1; at <= to; at++) yield { count: at };
    },
  },
};
/** Results without end, until the peer completes the subscription. */
async function* forever(ended) {
  try {
    for (;;) {
      yield { data: { count: 1 } };
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  } finally {
    ended();
  }
}

async function serve(options = {}, keepAlive = 0) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/graphql' });
  const disposable = useServer({ schema, roots, ...options }, server, keepAlive);
  await event(server, 'listening');
  return { server, disposable, url: `ws://127.0.0.1:${server.address().port}/graphql` };
}
/** A socket that speaks the protocol by hand, with the messages it has got. */
async function dial(url, protocol = 'graphql-transport-ws') {
  const socket = new WebSocket(url, protocol);
  const got = [];
  socket.on('message', (data) => got.push(JSON.parse(Buffer.concat([data].flat()).toString())));
  await event(socket, 'open');
  return { socket, got, say: (message) => socket.send(JSON.stringify(message)) };
}
async function closing(socket) {
  const [code, reason] = await event(socket, 'close');
  return [code, String(reason)];
}
const subscribeTo = (query, id = '1') => ({ id, type: 'subscribe', payload: { query } });
const results = async (client, query) => {
  const all = [];
  for await (const { data, errors } of client.iterate({ query })) all.push(errors ?? data);
  return all.map((each) => ({ ...each }));
};

// It logs what fails on purpose here.
console.error = () => {};
const CASES = {
  async 'a query, and a subscription to its end'() {
    const { disposable, url } = await serve();
    const client = createClient({ url, webSocketImpl: WebSocket });
    assert.deepEqual(await results(client, '{ hello }'), [{ hello: 'world' }]);
    assert.deepEqual(
      await results(client, 'subscription { count(to: 3) }'),
      [1, 2, 3].map((count) => ({ count })),
    );
    await client.dispose();
    await disposable.dispose();
  },
  async 'refuses another subprotocol with 4406'() {
    const { disposable, url } = await serve();
    const { socket } = await dial(url, []);
    assert.equal((await closing(socket))[0], 4406);
    await disposable.dispose();
  },
  async 'refuses another path with 400'() {
    const { disposable, url } = await serve();
    const [error] = await event(new WebSocket(`${url}/other`, 'graphql-transport-ws'), 'error');
    assert.match(error.message, /400/);
    await disposable.dispose();
  },
  async 'a message that is none: 4400; a second init: 4429; a subscription before the init: 4401'() {
    const { disposable, url } = await serve();
    for (const [messages, code] of [
      [['no JSON'], 4400],
      [['{"type":"connection_init"}', '{"type":"connection_init"}'], 4429],
      [[JSON.stringify(subscribeTo('{ hello }'))], 4401],
    ]) {
      const { socket } = await dial(url);
      for (const message of messages) socket.send(message);
      assert.equal((await closing(socket))[0], code);
    }
    await disposable.dispose();
  },
  async 'no init in time: 4408; one that is refused: 4403; one that throws: 4500 with its text'() {
    for (const [options, init, expected] of [
      [{ connectionInitWaitTimeout: 10 }, false, [4408, 'Connection initialisation timeout']],
      [{ onConnect: () => false }, true, [4403, 'Forbidden']],
      [
        {
          onConnect: () => {
            throw new Error('not you');
          },
        },
        true,
        [4500, 'not you'],
      ],
    ]) {
      const { disposable, url } = await serve(options);
      const { socket, say } = await dial(url);
      if (init) say({ type: 'connection_init' });
      assert.deepEqual(await closing(socket), expected);
      await disposable.dispose();
    }
  },
  async 'two subscriptions of one name: 4409'() {
    const { disposable, url } = await serve({ subscribe: () => forever(() => {}) });
    const { socket, say } = await dial(url);
    say({ type: 'connection_init' });
    await event(socket, 'message');
    say(subscribeTo('subscription { count(to: 1) }'));
    say(subscribeTo('subscription { count(to: 1) }'));
    assert.equal((await closing(socket))[0], 4409);
    await disposable.dispose();
  },
  async 'a subscription ends when its client completes it, and when its connection is terminated'() {
    for (const how of ['complete', 'terminate']) {
      let ended;
      const over = new Promise((resolve) => (ended = resolve));
      const { disposable, url } = await serve({ subscribe: () => forever(ended) });
      const { socket, say, got } = await dial(url);
      say({ type: 'connection_init' });
      await event(socket, 'message');
      say(subscribeTo('subscription { count(to: 1) }'));
      while (got.length < 4) await event(socket, 'message');
      if (how === 'complete') say({ id: '1', type: 'complete' });
      else socket.terminate();
      await over;
      socket.terminate();
      await disposable.dispose();
    }
  },
  async 'pings of the protocol are answered with their payload'() {
    const { disposable, url } = await serve();
    const { socket, say, got } = await dial(url);
    say({ type: 'ping', payload: { at: 1 } });
    await event(socket, 'message');
    assert.deepEqual(got, [{ type: 'pong', payload: { at: 1 } }]);
    socket.close();
    await disposable.dispose();
  },
  async 'keepAlive pings, and terminates a client whose `pong` does nothing'() {
    const { disposable, url } = await serve({}, 20);
    const { socket: silent } = await dial(url);
    silent.pong = () => {};
    const { socket: lively } = await dial(url);
    const pings = [];
    lively.on('ping', (data) => pings.push(data));
    assert.equal((await closing(silent))[0], 1006);
    while (pings.length < 3) await event(lively, 'ping');
    assert.equal(lively.readyState, WebSocket.OPEN);
    lively.terminate();
    await disposable.dispose();
  },
  async "an 'error' emitted on a socket, or on the server: 4500 with its text"() {
    for (const where of ['socket', 'server']) {
      const { server, disposable, url } = await serve();
      const accepted = event(server, 'connection');
      const { socket } = await dial(url);
      const [peer] = await accepted;
      (where === 'socket' ? peer : server).emit('error', new Error('I am a teapot'));
      assert.deepEqual(await closing(socket), [4500, 'I am a teapot']);
      await disposable.dispose();
    }
  },
  async 'dispose: 1001 to every client, and the server is closed'() {
    const { server, disposable, url } = await serve();
    const clients = await Promise.all([dial(url), dial(url), dial(url)]);
    const closed = clients.map(({ socket }) => closing(socket));
    await disposable.dispose();
    assert.deepEqual(
      await Promise.all(closed),
      clients.map(() => [1001, 'Going away']),
    );
    assert.equal(server.address(), null);
  },
  async 'a client reconnects after its connection is lost, and goes on'() {
    const { server, disposable, url } = await serve();
    let lost = 0;
    server.on('connection', (socket) => {
      if (lost++ === 0) socket.once('message', () => socket.terminate());
    });
    const client = createClient({ url, webSocketImpl: WebSocket, retryWait: async () => {}, retryAttempts: 3 });
    assert.deepEqual(await results(client, '{ hello }'), [{ hello: 'world' }]);
    assert.equal(lost, 2);
    await client.dispose();
    await disposable.dispose();
  },
  async 'a client that terminates gets 4499, and one that is lazy closes with 1000'() {
    const { server, disposable, url } = await serve();
    let closedAs;
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => {},
    });
    const connected = new Promise((resolve) => client.on('connected', resolve));
    client.on('closed', ({ code }) => (closedAs ??= code));
    await connected;
    client.terminate();
    assert.equal(closedAs, 4499);
    const accepted = event(server, 'connection');
    const lazy = createClient({ url, webSocketImpl: WebSocket, lazyCloseTimeout: 0 });
    const result = results(lazy, '{ hello }');
    const [peer] = await accepted;
    const code = closing(peer);
    await result;
    assert.equal((await code)[0], 1000);
    await disposable.dispose();
  },
  async 'behind @fastify/websocket'() {
    const fastify = require('fastify')();
    await fastify.register(require('@fastify/websocket'));
    fastify.register(async (app) => app.get('/graphql', { websocket: true }, makeHandler({ schema, roots })));
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    const url = `ws://127.0.0.1:${fastify.server.address().port}/graphql`;
    const client = createClient({ url, webSocketImpl: WebSocket });
    assert.deepEqual(await results(client, 'subscription { count(to: 2) }'), [{ count: 1 }, { count: 2 }]);
    await client.dispose();
    await fastify.close();
  },
};
for (const [name, run] of Object.entries(CASES)) {
  await Promise.race([
    run(),
    new Promise((_, reject) => setTimeout(reject, 10_000, new Error(`${name}: no end`)).unref()),
  ]);
}
finish(`${Object.keys(CASES).length} cases`, []);
