// tRPC's adapter for ws and its client: calls, errors, subscriptions, keep-alive, and reconnection that goes on with them.
import assert from 'node:assert/strict';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { initTRPC, tracked } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish, until } from './support.mjs';

const t = initTRPC.context().create();
let ended = 0;
const router = t.router({
  hello: t.procedure.input(String).query(({ input, ctx }) => `${ctx.name}: ${input}`),
  fail: t.procedure.mutation(() => {
    throw new Error('refused');
  }),
  count: t.procedure.subscription(async function* ({ signal }) {
    try {
      for (let at = 0; !signal.aborted; at++) {
        yield tracked(String(at), at);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      ended++;
    }
  }),
});
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await event(server, 'listening');
const handler = applyWSSHandler({
  wss: server,
  router,
  createContext: ({ info }) => ({ name: info.connectionParams.name }),
  keepAlive: { enabled: true, pingMs: 20, pongWaitMs: 1000 },
});
let opened = 0;
const wsClient = createWSClient({
  url: `ws://127.0.0.1:${server.address().port}`,
  WebSocket,
  connectionParams: async () => ({ name: 'é' }),
  keepAlive: { enabled: true, intervalMs: 15, pongTimeoutMs: 1000 },
  retryDelayMs: () => 10,
  onOpen: () => opened++,
});
const client = createTRPCClient({ links: [wsLink({ client: wsClient })] });
assert.equal(await client.hello.query('one'), 'é: one');
const many = await Promise.all(Array.from({ length: 50 }, (_, at) => client.hello.query(String(at))));
assert.equal(many.at(-1), 'é: 49');
assert.equal((await client.hello.query('x'.repeat(300_000))).length, 300_003);
await assert.rejects(client.fail.mutate(), /refused/);

const counted = [];
const subscription = client.count.subscribe(undefined, { onData: ({ data }) => counted.push(data) });
await until(() => counted.length > 4);
assert.deepEqual(counted.slice(0, 5), [0, 1, 2, 3, 4]);
// A connection that is lost, then one that the server asks the client to leave: the subscription starts again on each.
for (const leave of [
  () => server.clients.forEach((socket) => socket.terminate()),
  handler.broadcastReconnectNotification,
]) {
  const before = opened;
  leave();
  await until(() => opened === before + 1);
  counted.length = 0;
  await until(() => counted.length > 4);
}
subscription.unsubscribe();
await until(() => ended === 3);
await wsClient.close();
await until(() => server.clients.size === 0);
finish('queries, errors, 300,000 characters, subscriptions, keep-alive, two reconnections', []);
