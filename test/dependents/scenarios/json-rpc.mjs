// JSON-RPC over ws: rpc-websockets, jayson through isomorphic-ws, and the provider of ethers against a small server.
import assert from 'node:assert/strict';
import { WebSocketProvider } from 'ethers';
import { Client, Server } from 'rpc-websockets';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish, require, until } from './support.mjs';

const jayson = require('jayson');
assert.equal(require('isomorphic-ws'), require('ws'));
assert.equal((await import('isomorphic-ws')).default, WebSocket);

{
  const server = new Server({ port: 0, host: '127.0.0.1' });
  await event(server, 'listening');
  server.register('sum', ([one, two]) => one + two);
  server.register('secret', () => 'told').protected();
  server.setAuth(({ password }) => password === 'é');
  server.event('news');
  const client = new Client(`ws://127.0.0.1:${server.wss.address().port}`, { reconnect_interval: 10 });
  await event(client, 'open');
  assert.equal(await client.call('sum', [1, 2]), 3);
  await assert.rejects(client.call('secret'), { code: -32605 });
  await client.login({ password: 'é' });
  assert.equal(await client.call('secret'), 'told');
  await client.subscribe('news');
  const news = event(client, 'news');
  server.emit('news', 'é', 2);
  assert.deepEqual(await news, ['é', 2]);
  const lost = event(client, 'close');
  const back = event(client, 'open');
  for (const socket of server.wss.clients) socket.terminate();
  assert.deepEqual(await lost, [1006, '']);
  await back;
  assert.equal(await client.call('sum', [4, 2]), 6);
  const closed = event(client, 'close');
  client.close(1000, 'over');
  assert.deepEqual(await closed, [1000, 'over']);
  await server.close();
}
{
  const server = new jayson.Server({ echo: ([value], callback) => callback(null, value) }).websocket({ port: 0 });
  await event(server, 'listening');
  const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  await event(ws, 'open');
  const client = jayson.Client.websocket({ ws, timeout: 5000 });
  const text = 'é'.repeat(100_000);
  const response = await new Promise((resolve, reject) => {
    client.request('echo', [text], (error, value) => (error ? reject(error) : resolve(value)));
  });
  assert.equal(response.result, text);
  ws.send('no JSON');
  assert.equal(JSON.parse(String((await event(ws, 'message'))[0])).error.code, -32700);
  ws.close();
  await event(ws, 'close');
  server.close();
}
{
  const RESULTS = {
    eth_blockNumber: '0x10',
    eth_call: `0x${'00'.repeat(100_000)}`,
    eth_subscribe: '0xabc',
    eth_unsubscribe: true,
  };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  await event(server, 'listening');
  let subscribed = false;
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const { id, method } = JSON.parse(data);
      subscribed ||= method === 'eth_subscribe';
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: RESULTS[method] }));
    });
  });
  const provider = new WebSocketProvider(`ws://127.0.0.1:${server.address().port}`, 1, { staticNetwork: true });
  assert.equal(await provider.getBlockNumber(), 16);
  assert.equal(await provider.call({ to: `0x${'00'.repeat(20)}`, data: '0x' }), RESULTS.eth_call);
  const block = new Promise((resolve) => provider.once('block', resolve));
  await until(() => subscribed);
  const params = { subscription: '0xabc', result: { number: '0x11' } };
  for (const socket of server.clients) {
    socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }));
  }
  assert.equal(await block, 17);
  await provider.destroy();
  await until(() => server.clients.size === 0);
}
finish('rpc-websockets, jayson and ethers: calls, errors, events, 200,000 characters, reconnection', [
  'rpc-websockets',
  'jayson',
  'ethers',
]);
