// Shared documents: y-websocket with its server, hocuspocus with its own, and sharedb with its stream over WebSocket.
import assert from 'node:assert/strict';
import http from 'node:http';
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import { Server as Hocuspocus } from '@hocuspocus/server';
import { setupWSConnection } from '@y/websocket-server/utils';
import ReconnectingWebSocket from 'reconnecting-websocket';
import WebSocket, { WebSocketServer } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { finish, listening, require, until } from './support.mjs';

const WebSocketJSONStream = require('@teamwork/websocket-json-stream');
const ShareDB = require('sharedb');
const { Connection } = require('sharedb/lib/client');

/** Edits on both sides, a long one among them, then one that waits for a connection that `lose` has ended. */
async function converse([one, two], lose) {
  one.getText('text').insert(0, 'é'.repeat(200_000));
  await until(() => two.getText('text').length === 200_000);
  for (let at = 0; at < 500; at++) two.getArray('numbers').push([at]);
  await until(() => one.getArray('numbers').length === 500);
  await lose();
  two.getText('text').insert(0, 'after');
  await until(() => one.getText('text').toString().startsWith('after'));
}
const seesUser = ({ awareness }) => [...awareness.getStates().values()].some(({ user }) => user === 'é');

{
  const httpServer = http.createServer();
  const server = new WebSocketServer({ noServer: true });
  server.on('connection', setupWSConnection);
  httpServer.on('upgrade', (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (webSocket) => server.emit('connection', webSocket, request));
  });
  const url = `ws://127.0.0.1:${await listening(httpServer)}`;
  const documents = [new Y.Doc(), new Y.Doc()];
  const providers = documents.map(
    (document) => new WebsocketProvider(url, 'room', document, { WebSocketPolyfill: WebSocket, disableBc: true }),
  );
  await until(() => providers.every(({ synced }) => synced));
  await converse(documents, async () => {
    providers[0].ws.close();
    await until(() => !providers[0].wsconnected);
  });
  providers[0].awareness.setLocalStateField('user', 'é');
  await until(() => seesUser(providers[1]));
  for (const provider of providers) provider.destroy();
  await until(() => server.clients.size === 0);
}
{
  let left = 0;
  const server = new Hocuspocus({ port: 0, quiet: true, onDisconnect: async () => left++ });
  await server.listen();
  const sockets = [1, 2].map(
    () =>
      new HocuspocusProviderWebsocket({
        url: `ws://127.0.0.1:${server.address.port}`,
        WebSocketPolyfill: WebSocket,
        delay: 20,
        minDelay: 10,
      }),
  );
  const documents = [new Y.Doc(), new Y.Doc()];
  const providers = sockets.map(
    (websocketProvider, at) => new HocuspocusProvider({ websocketProvider, name: 'room', document: documents[at] }),
  );
  for (const provider of providers) provider.attach();
  await until(() => providers.every(({ synced }) => synced));
  await converse(documents, async () => {
    sockets[0].webSocket.terminate();
    await until(() => !providers[0].synced);
  });
  await until(() => providers[0].synced);
  providers[0].setAwarenessField('user', 'é');
  await until(() => seesUser(providers[1]));
  for (const each of [...providers, ...sockets]) each.destroy();
  await until(() => left === 3);
  await server.destroy();
}
{
  const backend = new ShareDB();
  const httpServer = http.createServer();
  const server = new WebSocketServer({ server: httpServer });
  server.on('connection', (socket) => backend.listen(new WebSocketJSONStream(socket)));
  const port = await listening(httpServer);
  const sockets = [1, 2].map(
    () => new ReconnectingWebSocket(`ws://127.0.0.1:${port}`, [], { WebSocket, minReconnectionDelay: 10 }),
  );
  const connections = sockets.map((socket) => new Connection(socket));
  const [one, two] = connections.map((connection) => connection.get('things', 'one'));
  const done = (start) =>
    new Promise((resolve, reject) => {
      start((error) => (error ? reject(error) : resolve()));
    });
  await done((callback) => one.create({ number: 0, texts: [] }, callback));
  for (const document of [one, two]) await done((callback) => document.subscribe(callback));
  for (let at = 0; at < 100; at++) one.submitOp([{ p: ['number'], na: 1 }]);
  two.submitOp([{ p: ['texts', 0], li: 'é'.repeat(100_000) }]);
  await until(() => two.data.number === 100 && one.data.texts[0]?.length === 100_000);
  for (const [lose, number] of [
    [(socket) => socket.terminate(), 105],
    [(socket) => socket.close(4000, 'again'), 110],
  ]) {
    for (const socket of server.clients) lose(socket);
    await until(() => connections.every(({ state }) => state !== 'connected'));
    one.submitOp([{ p: ['number'], na: 5 }]);
    await until(() => two.data.number === number);
  }
  for (const socket of sockets) socket.close();
  await until(() => server.clients.size === 0);
  assert.equal(one.data.number, 110);
}
finish('y-websocket, hocuspocus and sharedb: edits, 200,000 characters, awareness, connections that are lost', [
  '@y/websocket-server/utils',
  '@hocuspocus/server',
]);
