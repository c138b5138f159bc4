// NestJS's adapter for ws: two gateways on one server, replies, streams of replies, exceptions, and every way in which they end.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer as Injected,
} from '@nestjs/websockets';
import { from } from 'rxjs';
import WebSocket from 'ws';
import { event, finish, textOf, until } from './support.mjs';

const seen = [];
class Gateway {
  handleConnection(client, request) {
    seen.push(request.url);
  }
  handleDisconnect() {
    seen.push('gone');
  }
  echo(data) {
    return { event: 'echo', data };
  }
  many() {
    return from([1, 2, 3].map((data) => ({ event: 'many', data })));
  }
  raw(data, client) {
    client.send('raw');
  }
  fail() {
    throw new Error('told to nobody');
  }
  all() {
    for (const client of this.server.clients) client.send('all');
  }
}
class Small {
  hello() {
    return { event: 'hello', data: 'small' };
  }
}
// What the decorators of TypeScript do.
function gateway(Class, options, handlers) {
  for (const name of handlers) {
    const { prototype } = Class;
    SubscribeMessage(name)(prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
    MessageBody()(prototype, name, 0);
    if (prototype[name].length === 2) ConnectedSocket()(prototype, name, 1);
  }
  WebSocketGateway(options)(Class);
}
Injected()(Gateway.prototype, 'server');
gateway(Gateway, { path: '/gateway' }, ['echo', 'many', 'raw', 'fail', 'all']);
gateway(Small, { path: '/small', perMessageDeflate: true, maxPayload: 1000 }, ['hello']);
function App() {}
Module({ providers: [Gateway, Small] })(App);

const app = await NestFactory.create(App, { logger: false, abortOnError: false });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address();
async function dial(path) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  const got = [];
  socket.on('message', (data) => got.push(textOf(data)));
  await event(socket, 'open');
  return { socket, got, say: (name, data) => socket.send(JSON.stringify({ event: name, data })) };
}

const { socket, got, say } = await dial('/gateway');
socket.send('no JSON');
say('unknown');
say('echo', 'é');
await until(() => got.length === 1);
say('many');
await until(() => got.length === 4);
say('raw');
await until(() => got.length === 5);
say('fail');
await until(() => got.length === 6);
say('all');
await until(() => got.length === 7);
assert.deepEqual(got.slice(0, 5), [
  '{"event":"echo","data":"é"}',
  ...[1, 2, 3].map((data) => JSON.stringify({ event: 'many', data })),
  'raw',
]);
assert.match(got[5], /Internal server error/);
assert.equal(got[6], 'all');

const small = await dial('/small');
assert.equal(small.socket.extensions, 'permessage-deflate');
small.say('hello');
await until(() => small.got.length === 1);
small.socket.send('x'.repeat(2000));
assert.equal((await event(small.socket, 'close'))[0], 1009);
const nowhere = new WebSocket(`ws://127.0.0.1:${port}/nowhere`);
assert.equal((await event(nowhere, 'error'))[0].message, 'socket hang up');

const closed = event(socket, 'close');
await app.close();
assert.equal((await closed)[0], 1006);
assert.deepEqual(seen, ['/gateway', 'gone']);
finish('two gateways, replies, streams, an exception, a limit, the end', ['@nestjs/platform-ws']);
