// Clients of services over ws, each against a small server of its protocol: Discord, Slack, SignalR, Supabase, OpenAI.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { REST } from '@discordjs/rest';
import { WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import * as signalR from '@microsoft/signalr';
import { SocketModeClient } from '@slack/socket-mode';
import { RealtimeClient } from '@supabase/realtime-js';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import WebSocket, { WebSocketServer } from 'ws';
import { event, finish, listening, until } from './support.mjs';

const LONG = 'é'.repeat(50_000);
/** A server that answers plain requests with `json`, and keeps how each of its connections ended. */
async function serve(json, conversation, httpServer = http.createServer()) {
  httpServer.on('request', (request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(json(port)));
  });
  const server = new WebSocketServer({ server: httpServer });
  const closes = [];
  server.on('connection', (socket, request) => {
    socket.on('close', (code, reason) => closes.push([code, String(reason)]));
    conversation((value) => socket.send(JSON.stringify(value)), socket, request);
  });
  const port = await listening(httpServer);
  return { port, closes, lose: (how) => server.clients.forEach(how) };
}
const heard = (emitter, name, wanted = () => true) =>
  new Promise((resolve) => {
    emitter.on(name, (value) => wanted(value) && resolve(value));
  });

async function discord() {
  const session = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
  const words = [];
  const { port, closes, lose } = await serve(
    () => ({}),
    (say, socket) => {
      say({ op: 10, d: { heartbeat_interval: 60 } });
      socket.on('message', (data) => {
        const { op, d } = JSON.parse(data);
        if (op === 1) return void say({ op: 11 });
        words.push(op === 2 ? 'identify' : `resume ${d.seq}`);
        const ready = { v: 10, session_id: 'one', resume_gateway_url: `ws://127.0.0.1:${port}`, user: {} };
        say(op === 2 ? { op: 0, t: 'READY', s: 1, d: ready } : { op: 0, t: 'RESUMED', s: 3, d: {} });
        if (op === 2) setImmediate(() => say({ op: 0, t: 'MESSAGE_CREATE', s: 2, d: { content: LONG } }));
      });
    },
  );
  const gateway = { url: `ws://127.0.0.1:${port}`, shards: 1, session_start_limit: session };
  const headers = { 'Content-Type': 'application/json' };
  const rest = new REST({ makeRequest: async () => new Response(JSON.stringify(gateway), { headers }) });
  const manager = new WebSocketManager({ token: 'token', intents: 0, rest: rest.setToken('token') });
  const message = heard(manager, WebSocketShardEvents.Dispatch, ({ t }) => t === 'MESSAGE_CREATE');
  const beat = heard(manager, WebSocketShardEvents.HeartbeatComplete);
  await manager.connect();
  assert.equal((await message).d.content, LONG);
  await beat;
  const resumed = heard(manager, WebSocketShardEvents.Resumed);
  lose((socket) => socket.close(4000, 'again'));
  await resumed;
  await manager.destroy();
  await until(() => closes.length === 2);
  assert.deepEqual(words, ['identify', 'resume 2']);
  assert.deepEqual(closes, [
    [4000, 'again'],
    [1000, ''],
  ]);
}

async function slack() {
  const acknowledged = [];
  const { port, closes, lose } = await serve(
    (own) => ({ ok: true, url: `ws://127.0.0.1:${own}/link` }),
    (say, socket) => {
      say({ type: 'hello', num_connections: 1 });
      say({ type: 'events_api', envelope_id: 'one', payload: { event: { type: 'message', text: LONG } } });
      socket.ping('Ping from applink');
      socket.on('message', (data) => acknowledged.push(JSON.parse(data).envelope_id));
    },
  );
  const client = new SocketModeClient({
    appToken: 'token',
    clientOptions: { slackApiUrl: `http://127.0.0.1:${port}/api/` },
    logLevel: 'error',
  });
  const texts = [];
  client.on('message', async ({ ack, event: { text } }) => {
    texts.push(text);
    await ack();
  });
  await client.start();
  await until(() => acknowledged.length === 1);
  lose((socket) => socket.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' })));
  await until(() => acknowledged.length === 2);
  lose((socket) => socket.terminate());
  await until(() => acknowledged.length === 3);
  await client.disconnect();
  await until(() => closes.length === 3);
  assert.deepEqual(texts, [LONG, LONG, LONG]);
  assert.deepEqual(
    closes.map(([code]) => code),
    [1000, 1006, 1000],
  );
}

async function signalr() {
  const SEPARATOR = '\u001e';
  const { port, lose, closes } = await serve(
    () => ({
      connectionId: 'one',
      connectionToken: 'token',
      negotiateVersion: 1,
      availableTransports: [{ transport: 'WebSockets', transferFormats: ['Text', 'Binary'] }],
    }),
    (say, socket) => {
      const records = (...values) => socket.send(values.map((value) => JSON.stringify(value) + SEPARATOR).join(''));
      socket.on('message', (data) => {
        for (const record of String(data).split(SEPARATOR).filter(Boolean)) {
          const { protocol, type, invocationId, arguments: given } = JSON.parse(record);
          if (protocol !== undefined) records({});
          if (type !== 1) continue;
          records({ type: 3, invocationId, result: given[0] }, { type: 1, target: 'news', arguments: ['é'] });
        }
      });
    },
  );
  const connection = new signalR.HubConnectionBuilder()
    .withUrl(`http://127.0.0.1:${port}/hub`)
    .withAutomaticReconnect([10, 10])
    .configureLogging(signalR.LogLevel.None)
    .build();
  const news = heard(connection, 'news');
  await connection.start();
  assert.equal(await connection.invoke('echo', LONG), LONG);
  assert.equal(await news, 'é');
  const back = new Promise((resolve) => connection.onreconnected(resolve));
  lose((socket) => socket.terminate());
  await back;
  await connection.stop();
  await until(() => closes.length === 2);
  assert.deepEqual(
    closes.map(([code]) => code),
    [1006, 1005],
  );
}

async function supabase() {
  const { port, lose } = await serve(
    () => ({}),
    (say, socket) => {
      socket.on('message', (data) => {
        const { ref, join_ref, topic, event: name, payload } = JSON.parse(data);
        if (name === 'broadcast') return void say({ topic, event: name, payload, join_ref, ref: null });
        say({ topic, event: 'phx_reply', payload: { status: 'ok', response: {} }, ref, join_ref });
      });
    },
  );
  const client = new RealtimeClient(`ws://127.0.0.1:${port}/socket`, {
    transport: WebSocket,
    params: { apikey: 'key' },
    vsn: '1.0.0',
    heartbeatIntervalMs: 20,
    reconnectAfterMs: () => 10,
  });
  const channel = client.channel('room', { config: { broadcast: { self: true } } });
  const got = [];
  channel.on('broadcast', { event: 'said' }, ({ payload }) => got.push(payload.text));
  let joined = 0;
  channel.subscribe((state) => state === 'SUBSCRIBED' && joined++);
  await until(() => joined === 1);
  await channel.send({ type: 'broadcast', event: 'said', payload: { text: LONG } });
  await until(() => got.length === 1);
  assert.equal(got[0], LONG);
  lose((socket) => socket.terminate());
  await until(() => joined === 2);
  await channel.unsubscribe();
  await client.disconnect();
}

async function openai() {
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2';
  execFileSync('openssl', [...args.split(' '), '-keyout', 'openai.key', '-out', 'openai.pem'], { stdio: 'ignore' });
  let authorization;
  const { port, closes } = await serve(
    () => ({}),
    (say, socket, request) => {
      ({ authorization } = request.headers);
      say({ type: 'session.created', session: {} });
      socket.on('message', (data) => say({ type: 'response.output_audio.delta', delta: JSON.parse(data).audio }));
    },
    https.createServer({ key: readFileSync('openai.key'), cert: readFileSync('openai.pem') }),
  );
  const client = new OpenAI({ apiKey: 'key', baseURL: `https://127.0.0.1:${port}/v1` });
  const options = { rejectUnauthorized: false };
  const realtime = new OpenAIRealtimeWS({ model: 'model', options }, client);
  await heard(realtime, 'session.created');
  const delta = heard(realtime, 'response.output_audio.delta');
  realtime.send({ type: 'input_audio_buffer.append', audio: LONG });
  assert.equal((await delta).delta, LONG);
  assert.equal(authorization, 'Bearer key');
  realtime.close({ code: 1000, reason: 'over' });
  await event(realtime.socket, 'close');
  await until(() => closes.length === 1);
  assert.deepEqual(closes, [[1000, 'over']]);
  const untrusted = new OpenAIRealtimeWS({ model: 'model', options: { rejectUnauthorized: true } }, client);
  assert.match((await heard(untrusted, 'error')).message, /self-signed certificate/);
}

await discord();
await slack();
await signalr();
await supabase();
await openai();
finish('Discord, Slack, SignalR, Supabase, OpenAI: resumed, 100,000 bytes, TLS', [
  '@discordjs/ws',
  '@slack/socket-mode',
  '@microsoft/signalr',
]);
