// Messages of one tick to all clients of a server, which leave in one piece: nothing but the number of writes changes.
import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket as Theirs } from 'ws';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import type { ServerOptions } from '../../src/node/server-options.js';
import { EntryDraft } from '../../src/topics/entry.js';
import { Topics } from '../../src/topics/index.js';
import { Random } from '../support/random.js';
import { joinRecording, type Pair } from '../support/recording-client.js';
import { collectUncaught } from '../support/uncaught.js';
import { ScriptedBroker } from '../topics/scripted.js';
import { ours } from './contract/implementations.js';

async function serve(options: ServerOptions = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  onTestFinished(() => {
    for (const socket of server.clients!) socket.terminate();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const join = (perMessageDeflate?: boolean | object): Promise<Pair> => joinRecording(server, perMessageDeflate);
  return { server, port, join };
}

const arrived = ({ received }: Pair, count: number): Promise<unknown> =>
  vi.waitUntil(() => received.length >= count || received.at(-1)?.startsWith('closed'), { timeout: 10_000 });

/** With one, each connection compresses for itself. */
const dictionary = Buffer.from('xxxxxxxx');

test.each<[string, ServerOptions]>([
  ['straight to the kernel', {}],
  ['by the stream', { writePath: 'stream' }],
  ['with a bound', { maxBackpressure: 1 << 30 }],
  ['with statistics', { statistics: true }],
  ['compressed', { perMessageDeflate: { threshold: 0 } }],
  ['compressed, from 300 bytes on', { perMessageDeflate: { threshold: 300 } }],
  ['compressed, by the stream', { perMessageDeflate: { threshold: 0 }, writePath: 'stream' }],
  ['compressed, with statistics', { perMessageDeflate: { threshold: 0 }, statistics: true }],
  ['compressed, with a dictionary', { perMessageDeflate: { threshold: 0, zlibDeflateOptions: { dictionary } } }],
])('random messages to all, to one, to a topic and to some come in the order of the calls: %s', async (_, options) => {
  const { server, join } = await serve(options);
  // However slow the machine is, no client is closed for it.
  const topics = new Topics({ slow: { limit: 2 ** 30 } });
  for (let seed = 1; seed <= 3; seed++) {
    const random = new Random(seed);
    const inflating = { zlibInflateOptions: { dictionary } };
    const pairs = [await join(), await join({ ...inflating }), await join({ serverMaxWindowBits: 9, ...inflating })];
    pairs.push(await join({ serverNoContextTakeover: true, ...inflating }));
    for (const { socket } of pairs) await topics.subscribe(socket, 'a');
    const due = new Map(pairs.map((pair) => [pair, [] as string[]]));
    const owe = (text: string, to: readonly Pair[]): void => to.forEach((pair) => due.get(pair)!.push(text));
    for (let step = 0; step < 400; step++) {
      const text = `${step} `.padEnd(random.pick([0, 20, 200, 400, 20_000]), `${random.below(3)}x`);
      const pair = random.pick(pairs);
      const data = Buffer.from(text);
      const compress = random.oneIn(2);
      switch (random.below(8)) {
        case 0:
          pair.socket.send(text, { compress });
          owe(`t ${text}`, [pair]);
          break;
        case 1:
          await topics.publish('a', data, { compress });
          owe(`b ${text}`, pairs);
          break;
        case 2:
          server.broadcast(text, { compress, filter: (socket) => socket !== pair.socket });
          owe(
            `t ${text}`,
            pairs.filter((other) => other !== pair),
          );
          break;
        case 3:
          await turn();
          break;
        default:
          server.broadcast(data, { compress });
          data.fill('y');
          owe(`b ${text}`, pairs);
      }
    }
    const [closed, ended] = pairs;
    server.broadcast('last');
    closed.socket.close(1000);
    owe('t last', pairs);
    owe('closed 1000', [closed]);
    server.broadcast('to the rest');
    owe('t to the rest', pairs.slice(1));
    ended.socket.close(1001);
    owe('closed 1001', [ended]);
    for (const [pair, texts] of due) {
      await arrived(pair, texts.length);
      const short = (each: string): string => `${each.slice(0, 8)} ${each.length}`;
      expect(pair.received.map(short), `seed ${seed}`).toEqual(texts.map(short));
      expect(pair.received.join() === texts.join(), `seed ${seed}`).toBe(true);
    }
    for (const pair of pairs.slice(2)) {
      pair.socket.terminate();
      await arrived(pair, Infinity);
    }
  }
});

test('where zlib begins with a dictionary each connection compresses its messages', async () => {
  const { server, join } = await serve({ perMessageDeflate: { threshold: 0, zlibDeflateOptions: { dictionary } } });
  const pair = await join({ zlibInflateOptions: { dictionary } });
  const before = (pair.socket as unknown as { _socket: Socket })._socket.bytesWritten;
  for (let count = 0; count < 2; count++) server.broadcast('x'.repeat(1000), { compress: true });
  await arrived(pair, 2);
  expect((pair.socket as unknown as { _socket: Socket })._socket.bytesWritten - before).toBeLessThan(100);
});

test('each connection gets those messages that were sent while it was there', async () => {
  const { server, join } = await serve();
  const first = await join();
  // It comes and goes within one tick.
  const known = server.clients!;
  const second = await join();
  known.delete(second.socket);
  server.broadcast('to the first');
  known.add(second.socket);
  server.broadcast('to both');
  await Promise.all([arrived(first, 2), arrived(second, 1)]);
  expect([first.received, second.received]).toEqual([['t to the first', 't to both'], ['t to both']]);
});

test('what an application looks at counts each message at once', async () => {
  const { server, join } = await serve();
  const pair = await join();
  const seen: string[] = [];
  const note = (): void => void seen.push('told');
  subscribe('wsimd:message:sent', note);
  server.broadcast('one');
  unsubscribe('wsimd:message:sent', note);
  seen.push('one');
  pair.socket.send = (data: unknown) => void seen.push(`sent ${String(data)}`);
  server.broadcast('two');
  seen.push('two');
  delete (pair.socket as Partial<WebSocket>).send;
  server.broadcast('three');
  server.broadcast('four');
  seen.push(String(pair.socket.bufferedAmount));
  expect(seen).toEqual(['told', 'one', 'sent two', 'two', '0']);
  await arrived(pair, 3);
  expect(pair.received).toEqual(['t one', 't three', 't four']);
});

test('statistics count each message at once', async () => {
  const { server, join } = await serve({ statistics: true });
  const pair = await join();
  for (let count = 1; count <= 3; count++) {
    server.broadcast('a message');
    expect(pair.socket.statistics!.sent.messages).toBe(count);
    if (count === 2) await turn();
  }
  await arrived(pair, 3);
});

const REQUEST =
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** A client made by hand, and what it has received behind the handshake. */
function rawClient(port: number) {
  const raw = connect(port, '127.0.0.1');
  onTestFinished(() => void raw.destroy());
  raw.on('error', () => {});
  raw.write(REQUEST);
  let bytes = Buffer.alloc(0);
  raw.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  const frames = (): string => bytes.toString('latin1').split('\r\n\r\n').slice(1).join('\r\n\r\n');
  return { raw, frames };
}

/** A client's frame (RFC 6455 5.2) with a masking key of zeros. */
const masked = (first: number, text: string): Buffer =>
  Buffer.concat([Buffer.of(first, 0x80 | text.length, 0, 0, 0, 0), Buffer.from(text)]);

test.each<[string, Buffer, string]>([
  ['a Close', masked(0x88, ''), '\x81\x02hi\x88\x00'],
  ['a violation', masked(0x8b, ''), '\x81\x02hi\x88\x02\x03\xea'],
])('a message leaves before %s of the same read ends the connection', async (_, end, due) => {
  class Own extends WebSocket {
    override close(...given: Parameters<WebSocket['close']>): void {
      super.close(...given);
    }
  }
  for (const Class of [WebSocket, Own]) {
    const { server, port, join } = await serve({ WebSocket: Class });
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('message', (data: Buffer) => server.broadcast(data.toString()));
    });
    const before = await join();
    const { raw, frames } = rawClient(port);
    await once(server, 'connection');
    const after = await join();
    raw.write(Buffer.concat([masked(0x81, 'hi'), end]));
    await Promise.all([before, after].map((pair) => arrived(pair, 1)));
    expect([before.received, after.received]).toEqual([['t hi'], ['t hi']]);
    await vi.waitUntil(() => frames().length >= due.length, { timeout: 10_000 });
    expect(frames()).toBe(due);
  }
});

test.each<[string, (socket: Socket) => void, string]>([
  ['destroy', (socket) => void socket.destroy(), ''],
  ['end', (socket) => void socket.end(), ''],
  ['write', (socket) => void socket.write('\x81\x03own', 'latin1'), '\x81\x03own'],
])('a call of %s on the socket comes after it', async (_, call, own) => {
  for (const way of ['all', 'topic']) {
    const { server, port } = await serve();
    const topics = new Topics();
    const sockets: Socket[] = [];
    const { _server } = server as unknown as { _server: NodeJS.EventEmitter };
    _server.on('connection', (socket: Socket) => sockets.push(socket));
    const { frames } = rawClient(port);
    const [socket] = (await once(server, 'connection')) as [WebSocket];
    await topics.subscribe(socket, 'a');
    for (const text of ['one', 'two']) {
      if (way === 'all') server.broadcast(text);
      else void topics.publish('a', text);
    }
    call(sockets[0]);
    const due = `\x81\x03one\x81\x03two${own}`;
    await vi.waitUntil(() => frames().length >= due.length, { timeout: 10_000 });
    expect(frames()).toBe(due);
    socket.terminate();
  }
});

test('a close() of the application may send to all, although a violation has ended the connection', async () => {
  const closed: unknown[] = [];
  class Own extends WebSocket {
    override close(...given: Parameters<WebSocket['close']>): void {
      for (const options of [{}, { filter: () => true }]) server.broadcast('left', options);
      super.close(...given);
    }
  }
  const { server, port, join } = await serve({ WebSocket: Own });
  const staying = await join();
  const { raw } = rawClient(port);
  const [leaving] = (await once(server, 'connection')) as [WebSocket];
  leaving.on('error', () => {});
  leaving.on('close', (code) => closed.push(code));
  raw.write(masked(0x8b, ''));
  await arrived(staying, 2);
  raw.end();
  await vi.waitUntil(() => closed.length > 0, { timeout: 10_000 });
  expect([closed, staying.received]).toEqual([[1006], ['t left', 't left']]);
});

test('the messages of a tick are one write, but one each where the application has its own write', async () => {
  const { server, port } = await serve();
  const { frames } = rawClient(port);
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  const { _socket } = socket as unknown as { _socket: Socket & { _handle: Record<string, unknown> } };
  const handle = _socket._handle;
  const { writeBuffer } = handle as { writeBuffer: (...given: unknown[]) => number };
  const writes: number[] = [];
  handle.writeBuffer = (request: unknown, bytes: Uint8Array) => {
    writes.push(bytes.length);
    return writeBuffer.call(handle, request, bytes);
  };
  for (let count = 0; count < 8; count++) server.broadcast('12345678');
  await turn();
  expect(writes).toEqual([80]);
  delete handle.writeBuffer;
  const write = _socket.write.bind(_socket) as (...given: unknown[]) => boolean;
  _socket.write = (...given: unknown[]) => {
    writes.push((given[0] as Uint8Array).length);
    return write(...given);
  };
  for (let count = 0; count < 3; count++) {
    server.broadcast('12345678');
    expect(writes.length).toBe(count + 2);
  }
  expect(writes).toEqual([80, 10, 10, 10]);
  await vi.waitUntil(() => frames().length === 110, { timeout: 10_000 });
});

test('a message that a filter sends comes first', async () => {
  const { server, join } = await serve();
  const pairs = [await join(), await join(), await join()];
  server.broadcast('second', {
    filter: (client) => {
      if (client === pairs[0].socket) server.broadcast('first');
      return true;
    },
  });
  await Promise.all(pairs.map((pair) => arrived(pair, 2)));
  for (const { received } of pairs) expect(received).toEqual(['t first', 't second']);
});

test('a `send` that throws keeps no message from the other clients', async () => {
  const { server, join } = await serve();
  const endings: (() => unknown)[] = [];
  const uncaught = collectUncaught(endings);
  onTestFinished(() => endings.forEach((end) => void end()));
  const pairs = [await join(), await join(), await join()];
  server.broadcast('one');
  pairs[1].socket.send = () => {
    throw new Error('not today');
  };
  server.broadcast('two');
  await Promise.all([arrived(pairs[0], 2), arrived(pairs[2], 2)]);
  expect([pairs[0].received, pairs[2].received]).toEqual([
    ['t one', 't two'],
    ['t one', 't two'],
  ]);
  expect(uncaught).toEqual(['not today']);
});

test('what a broker delivers comes behind the messages to all that were sent before', async () => {
  const { server, join } = await serve();
  const broker = new ScriptedBroker();
  const topics = new Topics({ broker, checkInterval: 0 });
  const pair = await join();
  await topics.subscribe(pair.socket, 'a');
  let number = 0;
  const deliver = (text: string): void => {
    const draft = new EntryDraft();
    draft.add(text, text.length, false, false);
    broker.listener.entry('a', draft.encode(Buffer.alloc(8, 1), ++number), undefined);
  };
  deliver('first from afar');
  server.broadcast('to all');
  deliver('last from afar');
  await arrived(pair, 3);
  expect(pair.received).toEqual(['t first from afar', 't to all', 't last from afar']);
});

test('a client that comes within the tick in which another has left gets what is sent from then on', async () => {
  const server = new WebSocketServer({ noServer: true });
  const http = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void http.close());
  let last: WebSocket | undefined;
  http.on('upgrade', (request, socket, head) => {
    server.broadcast('before');
    if (last !== undefined) server.clients!.delete(last);
    server.handleUpgrade(request, socket, head, (websocket) => {
      last = websocket;
      server.broadcast('joined');
    });
  });
  await once(http, 'listening');
  const received: string[][] = [];
  for (let count = 0; count < 3; count++) {
    const client = new Theirs(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    onTestFinished(() => client.terminate());
    const texts: string[] = [];
    received.push(texts);
    client.on('message', (data: Buffer) => texts.push(data.toString()));
    await vi.waitUntil(() => texts.length > 0, { timeout: 10_000 });
  }
  await vi.waitUntil(() => received[1].length === 2, { timeout: 10_000 });
  expect(received).toEqual([['joined', 'before'], ['joined', 'before'], ['joined']]);
});

test('a fast client is not taken for a slow one', async () => {
  const { join } = await serve();
  const topics = new Topics({ slow: { limit: 16_384 } });
  const pair = await join();
  await topics.subscribe(pair.socket, 'a');
  pair.socket.on('message', () => {
    for (let count = 0; count < 7; count++) pair.socket.send('x'.repeat(5000));
    void topics.publish('a', Buffer.from('behind'));
  });
  pair.client.send('go');
  await arrived(pair, 8);
  expect(pair.received.map((text) => text.length)).toEqual([...Array.from({ length: 7 }, () => 5002), 8]);
});

test('a client that does not read gets all of it later, in order', async () => {
  const { server, port, join } = await serve();
  const silent: Socket = connect(port, '127.0.0.1');
  onTestFinished(() => void silent.destroy());
  silent.write(REQUEST);
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  const other = await join();
  let count = 0;
  while (socket.bufferedAmount < 200_000) {
    for (let i = 0; i < 3; i++) server.broadcast(String(count++).padEnd(5000, '.'));
    await turn();
  }
  let bytes = Buffer.alloc(0);
  silent.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  await arrived(other, count);
  await vi.waitUntil(() => bytes.length >= bytes.indexOf('\r\n\r\n') + 4 + count * 5004, { timeout: 10_000 });
  const frames = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
  const texts = Array.from({ length: count }, (_, i) => frames.toString('latin1', i * 5004 + 4, (i + 1) * 5004));
  expect(texts).toEqual(Array.from({ length: count }, (_, i) => String(i).padEnd(5000, '.')));
  expect(other.received).toEqual(texts.map((text) => `t ${text}`));
});

test('those of the last moment leave with the process', async () => {
  const program = `
    import { WebSocketServer } from ${JSON.stringify(await (await ours()).childModule())};
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    process.on('exit', () => { server.broadcast('one'); server.broadcast('two'); });
    server.on('listening', () => console.log(server.address().port));
    server.on('connection', (socket) => socket.on('message', () => {
      process.on('exit', () => { server.broadcast('three'); server.broadcast('four'); });
      process.exit();
    }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const client = new Theirs(`ws://127.0.0.1:${Number(port)}`);
  const received: string[] = [];
  client.on('message', (data: Buffer) => received.push(data.toString()));
  client.on('open', () => client.send('end'));
  await once(client, 'close');
  expect(received).toEqual(['one', 'two', 'three', 'four']);
});
