/** The channels of `node:diagnostics_channel` that applications and tools listen to, with all their fields. */
import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { collectUncaught } from '../support/uncaught.js';
import { dial, ending, event, listen, message, messages, pair, rawClient, refusal, turn } from './contract/harness.js';
import { ours, type Client } from './contract/implementations.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

type Fields = Record<string, unknown>;

const implementation = await ours();
const { WebSocket } = implementation;

/** The table of docs/observability.md: the fields of each channel. */
const FIELDS = new Map(
  [
    ...readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8').matchAll(
      /^\| `wsimd:(\S+)` *\|([^|]*)\|/gm,
    ),
  ].map(([, name, fields]) => [name, [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field)] as const),
);

/**
 * All that is published while the test runs on channels whose names begin so, with the fields that the documents promise and no
 * others. Connections of earlier tests may close meanwhile.
 */
function listenTo(...names: string[]): { name: string; fields: Fields }[] {
  const heard: { name: string; fields: Fields }[] = [];
  expect(FIELDS.size).toBe(11);
  for (const [name, promised] of FIELDS) {
    if (!names.some((start) => name.startsWith(start))) continue;
    const listener = (fields: unknown): void => {
      expect(Object.keys(fields as Fields).sort()).toEqual([...promised].sort());
      heard.push({ name, fields: fields as Fields });
    };
    diagnostics.subscribe(`wsimd:${name}`, listener);
    onTestFinished(() => void diagnostics.unsubscribe(`wsimd:${name}`, listener));
  }
  return heard;
}

it('tells of a connection from its handshake to its end, on both sides', async () => {
  const heard = listenTo('');
  const { server, client, peer } = await pair(implementation);
  const of = (ws: unknown): string[] => heard.filter(({ fields }) => fields.websocket === ws).map(({ name }) => name);
  expect(of(peer)).toEqual(['handshake:accepted', 'open']);
  expect(of(client)).toEqual(['open']);
  const { fields: accepted } = heard.find(({ name }) => name === 'handshake:accepted')!;
  expect(accepted.server).toBe(server);
  expect(accepted.socket).toBe(peer._socket);
  expect(accepted.request).toHaveProperty('url', '/');
  const ends = [event(client, 'close'), event(peer, 'close')];
  client.close(1000, 'bye');
  await Promise.all(ends);
  const facts = { code: 1000, reason: 'bye', wasClean: true, error: undefined };
  const closes = heard.filter(({ name }) => name === 'close').map(({ fields }) => fields);
  expect(closes).toContainEqual({ websocket: client, ...facts, initiator: 'local' });
  expect(closes).toContainEqual({ websocket: peer, ...facts, initiator: 'peer' });
});

it('tells of each message, sent and received, with its length, and the payload by reference', async () => {
  const { client, peer } = await pair(implementation);
  const heard = listenTo('message');
  const bytes = new Uint8Array([1, 2, 3]);
  const got: unknown[] = [];
  peer.on('message', (data) => got.push(data));
  client.send(bytes);
  client.send('é', { binary: true });
  client.send(7);
  client.send('a', { fin: false });
  client.send('b');
  client.send(new Blob(['blob']));
  client.send('masked not at all', { mask: true });
  await expect.poll(() => got.length).toBe(6);
  const sent = heard.filter(({ name }) => name === 'message:sent').map(({ fields }) => fields);
  expect(sent.map(({ websocket }) => websocket === client)).not.toContain(false);
  expect(sent.map(({ isBinary, byteLength, fin }) => [isBinary, byteLength, fin])).toEqual([
    [true, 3, true],
    [true, 2, true],
    [false, 1, true],
    [false, 1, false],
    [false, 1, true],
    [true, 4, true],
    [false, 17, true],
  ]);
  expect(sent[0].data).toBe(bytes);
  expect(sent[1].data).toBe('é');
  const received = heard.filter(({ name }) => name === 'message:received').map(({ fields }) => fields);
  expect(received.map(({ data }) => data)).toEqual(got);
  expect(received[0].data).toBe(got[0]);
  expect(received.map(({ websocket, isBinary, byteLength }) => [websocket === peer, isBinary, byteLength])).toEqual([
    [true, true, 3],
    [true, true, 2],
    [true, false, 1],
    [true, false, 2],
    [true, true, 4],
    [true, false, 17],
  ]);
});

it('gives the length of a message in each shape', async () => {
  const { client, peer } = await pair(implementation);
  const heard = listenTo('message');
  for (const type of ['nodebuffer', 'arraybuffer', 'fragments', 'blob']) {
    peer.binaryType = type;
    const told = message(peer);
    client.send(Buffer.alloc(300));
    await told;
  }
  const lengths = heard.filter(({ name }) => name === 'message:received').map(({ fields }) => fields.byteLength);
  expect(lengths).toEqual([300, 300, 300, 300]);
});

it('tells of a broadcast once for each connection', async () => {
  const { server, client, peer } = await pair(implementation);
  const heard = listenTo('message');
  const told = message(client);
  (server as unknown as { broadcast(data: string): void }).broadcast('to all');
  await told;
  const [{ name, fields }] = heard;
  expect([name, fields]).toEqual([
    'message:sent',
    { websocket: peer, data: 'to all', isBinary: false, byteLength: 6, fin: true },
  ]);
});

it('tells of pings and pongs, of the answers that are sent without a call too', async () => {
  const { client, peer } = await pair(implementation);
  const heard = listenTo('ping', 'pong');
  const answered = event(client, 'pong');
  client.ping('here');
  await answered;
  const seen = heard.map(({ name, fields }) => [name, fields.websocket === client, String(fields.data)]);
  expect(seen).toEqual([
    ['ping:sent', true, 'here'],
    ['ping:received', false, 'here'],
    ['pong:sent', false, 'here'],
    ['pong:received', true, 'here'],
  ]);
  heard.length = 0;
  peer.pong = (data) => WebSocket.prototype.pong.call(peer, data);
  const again = event(client, 'pong');
  client.ping();
  await again;
  expect(heard.filter(({ name }) => name === 'pong:sent')).toHaveLength(1);
});

it('tells of no pong where none follows the own Close', async () => {
  const { ws, peer } = await rawClient(implementation);
  const heard = listenTo('p');
  ws.close(1000);
  peer.send({ opcode: 9, payload: 'late' }, { opcode: 8, payload: Buffer.from([3, 232]) });
  expect((await peer.readFramesToEnd()).map(({ opcode }) => opcode)).toEqual([8]);
  expect(heard.map(({ name, fields }) => `${name} ${String(fields.data)}`)).toEqual(['ping:received late']);
});

it('tells of a pong that has left before a subscriber closes', async () => {
  const { ws, peer } = await rawClient(implementation);
  const heard = listenTo('p');
  const close = (): void => ws.close(1000);
  diagnostics.subscribe('wsimd:ping:received', close);
  onTestFinished(() => void diagnostics.unsubscribe('wsimd:ping:received', close));
  peer.send({ opcode: 9, payload: 'on time' }, { opcode: 8, payload: Buffer.from([3, 232]) });
  expect((await peer.readFramesToEnd()).map(({ opcode }) => opcode)).toEqual([10, 8]);
  expect(heard.map(({ name }) => name)).toEqual(['ping:received', 'pong:sent']);
});

it('tells of no pong that is not sent, where more than 60 pings wait and only the latest gets one', async () => {
  const { ws, peer } = await rawClient(implementation);
  peer.socket.pause();
  // More than the system takes once it makes its buffers larger.
  while (ws._socket.writableLength < 3 * 1024 * 1024) ws.send(Buffer.alloc(1024 * 1024));
  const heard = listenTo('p');
  const told = (name: string): string[] => heard.flatMap((one) => (one.name === name ? String(one.fields.data) : []));
  const payloads = Array.from({ length: 100 }, (_, at) => String(at));
  peer.send(...payloads.map((payload) => ({ opcode: 9, payload })));
  await expect.poll(() => told('ping:received')).toEqual(payloads);
  peer.socket.resume();
  await peer.readFrame();
  ws.close();
  peer.send({ opcode: 8, payload: Buffer.from([3, 232]) });
  const answers = (await peer.readFramesToEnd()).filter(({ opcode }) => opcode === 10);
  expect(answers.map(({ payload }) => String(payload)).slice(0, 60)).toEqual(payloads.slice(0, 60));
  expect(told('pong:sent')).toEqual(payloads.slice(0, 60));
});

it('tells of a message to many that waits for the end of fragments once it is sent', async () => {
  const { server, client, peer } = await pair(implementation);
  const heard = listenTo('message:sent');
  const got = messages(client, 2);
  peer.send('one ', { fin: false });
  const bytes = Buffer.from('to all');
  (server as unknown as { broadcast(data: Buffer): void }).broadcast(bytes);
  bytes.fill('y');
  peer.send('two', { fin: true });
  expect((await got).map(({ data }) => String(data))).toEqual(['one two', 'to all']);
  expect(heard.map(({ fields }) => String(fields.data))).toEqual(['one ', 'two', 'to all']);
});

it('tells of requests that are refused, by the library and by the application', async () => {
  const verifyClient = (info: { req: { url: string } }): boolean => info.req.url !== '/secret';
  const { server, port } = await listen(implementation, { verifyClient });
  const heard = listenTo('handshake');
  await refusal(port, { requestLine: 'GET /secret HTTP/1.1' });
  await refusal(port, { headers: { 'Sec-WebSocket-Version': '12' } });
  await expect.poll(() => heard.length).toBe(2);
  expect(heard.map(({ name, fields }) => [name, fields.status, fields.server === server])).toEqual([
    ['handshake:refused', 401, true],
    ['handshake:refused', 400, true],
  ]);
  expect(heard[0].fields.request).toHaveProperty('url', '/secret');
  expect(heard[1].fields.message).toContain('Sec-WebSocket-Version');
});

it('tells of requests that completeUpgrade refuses, for an application that judges by itself', async () => {
  const { server, port, url } = await listen(implementation, { maxConnections: 1 });
  const judging = server as unknown as Record<'handleUpgrade' | 'completeUpgrade', (...args: unknown[]) => void>;
  judging.handleUpgrade = (request, ...more) => {
    const key = (request as IncomingMessage).headers['sec-websocket-key'];
    judging.completeUpgrade({}, key, new Set(), request, ...more);
  };
  const heard = listenTo('handshake:refused');
  await event(dial(implementation, url), 'open');
  expect(await refusal(port, { requestLine: 'GET /full HTTP/1.1' })).toContain('503');
  expect(heard.map(({ fields }) => [fields.status, fields.server === server])).toEqual([[503, true]]);
  expect(heard[0].fields.request).toHaveProperty('url', '/full');
});

it('tells of no request that was asked before the first subscriber came, as nothing has kept it', async () => {
  let answer: ((accepted: boolean) => void) | undefined;
  const verifyClient = (_: unknown, told: (accepted: boolean) => void): void => void (answer = told);
  const { port } = await listen(implementation, { verifyClient });
  const answered = refusal(port);
  await expect.poll(() => answer, SOON).toBeDefined();
  const heard = listenTo('handshake');
  answer!(false);
  expect(await answered).toContain('401');
  expect(heard).toEqual([]);
});

it('keeps no request of an open connection', async () => {
  const { server, url } = await listen(implementation);
  const heard = listenTo('handshake:refused');
  const asked = new Promise<WeakRef<object>>((resolve) =>
    server.once('connection', (_: unknown, request: object) => resolve(new WeakRef(request))),
  );
  const client = dial(implementation, url);
  await event(client, 'open');
  const request = await asked;
  for (let turns = 0; turns < 100 && request.deref() !== undefined; turns++) {
    await turn();
    collect();
  }
  expect([request.deref(), heard]).toEqual([undefined, []]);
});

it('tells of a violation, and of a client that cannot connect', async () => {
  const { ws, peer } = await rawClient(implementation);
  const heard = listenTo('error', 'close');
  const errors: unknown[] = [];
  ws.on('error', (error) => errors.push(error));
  const closed = event(ws, 'close');
  peer.socket.end(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
  await closed;
  const violation = heard.filter(({ fields }) => fields.websocket === ws);
  expect(violation.map(({ name }) => name)).toEqual(['error', 'close']);
  expect(violation[0].fields.error).toBe(errors[0]);
  expect(violation[1].fields.error).toBe(errors[0]);

  const lost = new WebSocket('ws://127.0.0.1:1');
  lost.on('error', (error) => errors.push(error));
  await event(lost, 'close');
  const failure = heard.filter(({ fields }) => fields.websocket === lost);
  expect(failure.map(({ name }) => name)).toEqual(['error', 'close']);
  expect(failure[0].fields.error).toBe(errors[1]);
  expect(failure[1].fields).toMatchObject({ code: 1006, initiator: 'none', wasClean: false });
});

it('does not let a listener that throws disturb the connection', async () => {
  const { client, peer } = await pair(implementation);
  const thrown: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error));
  const listener = (): void => {
    throw new Error('mine');
  };
  diagnostics.subscribe('wsimd:message:received', listener);
  onTestFinished(() => {
    diagnostics.unsubscribe('wsimd:message:received', listener);
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  client.send('text');
  expect(String((await message(peer)).data)).toBe('text');
  await expect.poll(() => thrown).toEqual([new Error('mine')]);
});

/** What makes each channel tell of `own`. */
const CAUSES: [name: string, cause: (own: Client, other: Client, told: () => void) => void][] = [
  ['message:sent', (own, _, told) => own.send('text', told)],
  ['message:sent', (own, _, told) => own.send('fragment', { fin: false }, told)],
  ['message:sent', (own, _, told) => own.send('text', { mask: own._isServer }, told)],
  ['ping:sent', (own, _, told) => own.ping('ping', told)],
  ['pong:sent', (own, _, told) => own.pong('pong', told)],
  ['pong:sent', (_, other, told) => other.ping('ping', told)],
  ['message:received', (_, other, told) => other.send('text', told)],
  ['ping:received', (_, other, told) => other.ping('ping', told)],
  ['pong:received', (_, other, told) => other.pong('pong', told)],
  ['error', (own, other, told) => other._socket.write(Buffer.from([0x83, own._isServer ? 0x80 : 0, 0, 0, 0, 0]), told)],
  ['close', (own, _, told) => (own.send('text', told), own.close())],
];
const SOON = { interval: 2 };
const METHODS: Record<string, (ws: Client) => void> = {
  close: (ws) => ws.close(4000),
  terminate: (ws) => ws.terminate(),
  send: (ws) => ws.send('of the subscriber', () => {}),
};

/** Calls `act` for the first time that a channel tells of a WebSocket that `isMeant`. */
function actOn(name: string, isMeant: (ws: Client) => boolean, act: (ws: Client) => void): { count: number } {
  const calls = { count: 0 };
  const listener = (fields: unknown): void => {
    const { websocket } = fields as { websocket: Client };
    if (calls.count > 0 || !isMeant(websocket)) return;
    calls.count++;
    act(websocket);
  };
  diagnostics.subscribe(`wsimd:${name}`, listener);
  onTestFinished(() => void diagnostics.unsubscribe(`wsimd:${name}`, listener));
  return calls;
}

function closesOf(ws: Client): unknown[] {
  const codes: unknown[] = [];
  ws.on('error', () => {}).on('close', (code) => codes.push(code));
  return codes;
}

for (const [method, act] of Object.entries(METHODS)) {
  it.each(CAUSES)(`%s: lets a subscriber call ${method} at once, on both sides (%#)`, async (name, cause) => {
    for (const isServer of [false, true]) {
      const { client, peer } = await pair(implementation);
      const [own, other] = isServer ? [peer, client] : [client, peer];
      const closes = [closesOf(own), closesOf(other)];
      const calls = actOn(name, (ws) => ws === own, act);
      const told = new Promise<void>((resolve) => cause(own, other, () => resolve()));
      await expect.poll(() => calls.count, SOON).toBe(1);
      await told;
      own.close();
      await expect.poll(() => closes.map(({ length }) => length), SOON).toEqual([1, 1]);
      await turn();
      expect(closes.map(({ length }) => length)).toEqual([1, 1]);
    }
  });
}

it('message:sent: lets a subscriber close after a message to many, which has left', async () => {
  const { server, client, peer } = await pair(implementation);
  actOn('message:sent', (ws) => ws === peer, METHODS.close);
  const [told, end] = [message(client), ending(client)];
  (server as unknown as { broadcast(data: string): void }).broadcast('to all');
  expect(String((await told).data)).toBe('to all');
  expect((await end).code).toBe(4000);
});

it.each(['close', 'terminate'])('open: lets a subscriber call %s at once, on both sides', async (method) => {
  for (const isServer of [false, true]) {
    const { server, url } = await listen(implementation);
    const closes: unknown[][] = [];
    const calls = actOn('open', ({ _isServer }) => _isServer === isServer, METHODS[method]);
    server.on('connection', (ws: Client) => closes.push(closesOf(ws)));
    const client = dial(implementation, url);
    closes.push(closesOf(client));
    await expect.poll(() => closes.map(({ length }) => length), SOON).toEqual([1, 1]);
    expect([calls.count, server.clients.size]).toEqual([1, 0]);
  }
});

it.each(['close', 'terminate'])(
  'handshake:accepted: gives up a connection that a subscriber calls %s of',
  async (method) => {
    const endings: (() => unknown)[] = [];
    const uncaught = collectUncaught(endings);
    onTestFinished(() => endings.forEach((end) => end()));
    const { server, url } = await listen(implementation);
    const codes: unknown[] = [];
    let connections = 0;
    let accepted: Client | undefined;
    server.on('connection', () => connections++);
    actOn(
      'handshake:accepted',
      () => true,
      (ws) => {
        accepted = ws;
        ws.on('close', (code) => codes.push(code));
        METHODS[method](ws);
      },
    );
    expect((await ending(dial(implementation, url))).code).toBe(1006);
    await expect.poll(() => codes, SOON).toEqual([1006]);
    await turn();
    expect([codes.length, connections, server.clients.size, accepted?.readyState]).toEqual([1, 0, 0, 3]);
    expect(uncaught).toEqual([]);
  },
);
