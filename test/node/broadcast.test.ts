// `broadcast` with `compress`: one compressed form for all connections that can share it, and right sends of their own after it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { constants, inflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket as Theirs } from 'ws';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { sendFramed } from '../../src/node/broadcast.js';
import { FramedMessage } from '../../src/node/framed-message.js';
import { Sharing } from '../../src/node/deflate/sharing.js';
import { Topics } from '../../src/topics/index.js';
import { PATHS } from '../support/deflate.js';
import { Random } from '../support/random.js';
import { joinRecording, type Pair } from '../support/recording-client.js';
import { rawClient } from './contract/harness.js';
import { ours } from './contract/implementations.js';

type Deflate = boolean | Record<string, unknown>;

/** What clients agree to. */
const AGREEMENTS: readonly Deflate[] = [
  false,
  {},
  { serverNoContextTakeover: true },
  { serverMaxWindowBits: 9 },
  { serverMaxWindowBits: 9, serverNoContextTakeover: true },
  { serverMaxWindowBits: 12 },
];
// Of some messages a class of windows shares one form with another, some are compressed in the thread pool.
const LENGTHS = [0, 1, 30, 300, 300, 300, 1000, 3000, 5000, 20_000, 70_000];

let servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers) {
    for (const socket of server.clients!) socket.terminate();
    server.close();
  }
  servers = [];
  vi.restoreAllMocks();
});

/** A server with a connection for each of the agreements. */
async function serve(deflate: Deflate, agreements: readonly Deflate[], Client = WebSocket as unknown as typeof Theirs) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: deflate, statistics: true });
  servers.push(server);
  await once(server, 'listening');
  const pairs: Pair[] = [];
  for (const perMessageDeflate of agreements) {
    pairs.push(await joinRecording(server, perMessageDeflate, Client));
  }
  return { server, pairs };
}

/** Text of records alike: whatever is compressed with a wrong window comes out wrong. */
function textOf(length: number, random: Random): string {
  let text = '';
  while (text.length < length) text += `{"id":${random.below(100)},"side":"${random.pick(['buy', 'sell'])}","ü":"é"},`;
  return text.slice(0, length);
}

async function arrived({ received }: Pair, count: number): Promise<void> {
  while (received.length < count && !received.at(-1)?.startsWith('closed')) await turn();
}

describe.each(PATHS)('by zlib’s %s', (zlibPath) => {
  test.each([
    ['ours', WebSocket as unknown as typeof Theirs],
    ['ws', Theirs],
  ])('7.2.3.2 clients of %s read all that is sent to many and to one, in order', async (_, Client) => {
    for (let seed = 1; seed <= 2; seed++) {
      const random = new Random(seed);
      const { server, pairs } = await serve({ threshold: 0, zlibPath }, AGREEMENTS, Client);
      const due = new Map(pairs.map((pair) => [pair, [] as string[]]));
      for (let step = 0; step < 80; step++) {
        const text = textOf(random.pick(LENGTHS), random);
        const binary = random.oneIn(3);
        const data = binary ? Buffer.from(text) : text;
        const compress = !random.oneIn(4);
        if (random.oneIn(2)) {
          server.broadcast(data, { compress });
          for (const texts of due.values()) texts.push(`${binary ? 'b' : 't'} ${text}`);
        } else {
          const pair = random.pick(pairs);
          pair.socket.send(data, { compress });
          due.get(pair)!.push(`${binary ? 'b' : 't'} ${text}`);
        }
        if (random.oneIn(10)) random.pick(pairs).socket.ping('between');
        if (random.oneIn(5)) await turn();
      }
      for (const [pair, texts] of due) {
        await arrived(pair, texts.length);
        expect(pair.received, `seed ${seed}`).toEqual(texts);
      }
    }
  });

  test('7.2.3.2 a message to one refers to those to many before it', async () => {
    const { server, pairs } = await serve({ zlibPath }, [{}]);
    const [{ socket, received }] = pairs;
    const random = new Random(1);
    const [own, shared] = [textOf(50, random), random.octets(2000)];
    socket.send(own);
    server.broadcast(Buffer.concat([shared, Buffer.alloc(200)]), { compress: true });
    const before = socket.statistics!.sent.octets;
    socket.send(Buffer.from(shared));
    // Random bytes, which nothing but a reference makes shorter.
    expect(socket.statistics!.sent.octets - before).toBeLessThan(100);
    await arrived(pairs[0], 3);
    expect(received[2]).toBe(`b ${Buffer.from(shared).toString()}`);
  });
});

test('a message is compressed once for each window that does not hold it whole, and once for all others', async () => {
  const compressed = vi.spyOn(Sharing.prototype, 'compress');
  const { server } = await serve(true, [...AGREEMENTS, ...AGREEMENTS, ...AGREEMENTS]);
  for (const [length, times] of [
    [1023, 0],
    [1024, 2],
    [4096, 2],
    [4097, 3],
  ]) {
    compressed.mockClear();
    server.broadcast('x'.repeat(length), { compress: true });
    expect(compressed, String(length)).toHaveBeenCalledTimes(times);
  }
  compressed.mockClear();
  server.broadcast('x'.repeat(5000));
  expect(compressed).not.toHaveBeenCalled();
});

test('what compression does not make shorter goes as it is', async () => {
  const { server, pairs } = await serve({ threshold: 0 }, [{}, false]);
  const [{ socket }, { socket: plain }] = pairs;
  server.broadcast('', { compress: true });
  server.broadcast(new Random(1).octets(1000), { compress: true });
  expect(socket.statistics!.sent).toMatchObject({ octets: 1000, compressed: 0, uncompressed: 0 });
  server.broadcast('x'.repeat(1000), { compress: true });
  const { octets, compressed, uncompressed } = socket.statistics!.sent;
  expect([octets, uncompressed]).toEqual([1000 + compressed, 1000]);
  expect(compressed).toBeLessThan(30);
  expect(plain.statistics!.sent.octets).toBe(2000);
  await Promise.all(pairs.map((pair) => arrived(pair, 3)));
});

test('where zlib begins with a dictionary each connection compresses for itself', async () => {
  const options = { zlibDeflateOptions: { dictionary: Buffer.from('preset') } };
  const compressed = vi.spyOn(Sharing.prototype, 'compress');
  const { server, pairs } = await serve({ threshold: 0, ...options }, [
    { zlibInflateOptions: options.zlibDeflateOptions },
  ]);
  for (let i = 0; i < 3; i++) server.broadcast(`preset ${i}`, { compress: true });
  await arrived(pairs[0], 3);
  expect(pairs[0].received).toEqual(['t preset 0', 't preset 1', 't preset 2']);
  expect(compressed).not.toHaveBeenCalled();
});

test('closing while the thread pool compresses a long message harms no other connection', async () => {
  const { server, pairs } = await serve(true, [{}, {}, {}]);
  const long = textOf(200_000, new Random(1));
  server.broadcast(long, { compress: true });
  expect(pairs[0].socket.bufferedAmount).toBeGreaterThanOrEqual(200_000);
  pairs[0].socket.close(1000);
  pairs[1].socket.terminate();
  pairs[2].socket.send('behind');
  await Promise.all(pairs.map((pair, index) => arrived(pair, [2, 1, 2][index])));
  expect(pairs.map(({ received }) => received)).toEqual([
    [`t ${long}`, 'closed 1000'],
    ['closed 1006'],
    [`t ${long}`, 't behind'],
  ]);
});

test('what the thread pool compresses, and then the Close, reach a peer that sends its Close and ends its half', async () => {
  const implementation = await ours();
  const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
  const { server, ws, peer } = await rawClient(implementation, { perMessageDeflate: true }, { headers });
  const bytes = Buffer.from(Array.from({ length: 1_500_000 }, (_, at) => Math.imul(at, 0x9e3779b1) >>> 24)).toString(
    'hex',
  );
  ws.on('message', () => (server as unknown as WebSocketServer).broadcast(Buffer.from(bytes), { compress: true }));
  peer.send({ payload: 'ask' }, { opcode: 8, payload: Buffer.from([3, 232]) });
  peer.socket.end();
  const frames = await peer.readFramesToEnd();
  expect(frames.map(({ opcode, rsv1 }) => [opcode, rsv1])).toEqual([
    [2, true],
    [8, false],
  ]);
  expect(inflateRawSync(frames[0].payload, { finishFlush: constants.Z_SYNC_FLUSH }).toString() === bytes).toBe(true);
});

describe('amid a message of the application’s in fragments', () => {
  const dictionary = Buffer.from('preset');
  test.each([
    ['ours', WebSocket as unknown as typeof Theirs, { threshold: 0 }, AGREEMENTS],
    ['ws', Theirs, { threshold: 0 }, AGREEMENTS],
    [
      'ours, each compressing for itself',
      WebSocket as unknown as typeof Theirs,
      { threshold: 0, zlibDeflateOptions: { dictionary } },
      [{ zlibInflateOptions: { dictionary } }, false],
    ],
  ])('5.4 messages to many wait for its end: clients of %s', async (_, Client, deflate, agreements) => {
    const { server, pairs } = await serve(deflate, agreements, Client);
    const topics = new Topics();
    for (const { socket } of pairs) await topics.subscribe(socket, 'a');
    const sockets = pairs.map(({ socket }) => socket);
    const due: string[] = [];
    for (const [round, compress] of [false, true, true, false].entries()) {
      for (const socket of sockets) socket.send('one ', { fin: false, compress: round % 2 === 0 });
      if (round === 2) for (const socket of sockets) socket.send(new Blob(['blob ']), { fin: false });
      server.broadcast('first '.repeat(20), { compress });
      void topics.publish('a', Buffer.from('second'), { compress });
      // A fragment is told to be written, whatever waits behind its message.
      await Promise.all(sockets.map((each) => new Promise((told) => each.send('two ', { fin: false }, told))));
      for (const socket of sockets) socket.ping('between');
      const long = 'third'.repeat(round === 3 ? 20_000 : 1);
      server.broadcast(long, { compress });
      for (const { bufferedAmount } of sockets) expect(bufferedAmount).toBeGreaterThan(compress ? 0 : long.length);
      for (const socket of sockets) socket.send('three');
      server.broadcast('last', { compress });
      due.push(`t one ${round === 2 ? 'blob ' : ''}two three`);
      due.push(`t ${'first '.repeat(20)}`, 'b second', `t ${long}`, 't last');
    }
    for (const pair of pairs) {
      await arrived(pair, due.length);
      expect(pair.received).toEqual(due);
      await vi.waitUntil(() => pair.socket.bufferedAmount === 0);
    }
  });

  test('they are given up with the connection, and many of them are sent in one go', async () => {
    const { server, pairs } = await serve({ threshold: 0, zlibDeflateOptions: { dictionary } }, [
      { zlibInflateOptions: { dictionary } },
      false,
    ]);
    const [long, ended] = pairs;
    for (const { socket } of pairs) socket.send('one ', { fin: false });
    for (let i = 0; i < 10_000; i++) server.broadcast('x', { compress: true });
    ended.socket.terminate();
    long.socket.send('two');
    await arrived(long, 10_001);
    expect(long.received.length).toBe(10_001);
    await arrived(ended, 1);
    expect(ended.received).toEqual(['closed 1006']);
    expect(ended.socket.bufferedAmount).toBe(0);
  });

  test.each(['close', 'terminate', "the peer's close"])(
    'they are lost sends where the connection ends before its message: %s',
    async (end) => {
      const { server, pairs } = await serve({ threshold: 0, zlibDeflateOptions: { dictionary } }, [
        { zlibInflateOptions: { dictionary } },
        false,
      ]);
      const storage = new AsyncLocalStorage<string>();
      for (const pair of pairs) {
        const { socket, client } = pair;
        const told: string[] = [];
        socket.send('one ', { fin: false });
        await vi.waitUntil(() => socket.bufferedAmount === 0);
        const before = structuredClone(socket.statistics!.sent);
        for (const caller of ['a', 'b']) {
          const message = new FramedMessage(caller.repeat(100), false, true);
          const tell = (error?: Error | null): void =>
            void told.push(`${caller} ${storage.getStore()} ${error?.message}`);
          storage.run(caller, () => sendFramed(socket, message, tell));
        }
        // As with each send, they count until they are sent, or until it is certain that they never will be.
        expect(socket.bufferedAmount).toBeGreaterThanOrEqual(200);
        const closed = once(socket, 'close');
        if (end === 'close') socket.close();
        else if (end === 'terminate') socket.terminate();
        else client.close();
        expect(told).toEqual([]);
        await closed;
        const error = 'The connection was closed before the data was sent';
        expect(told).toEqual([`a a ${error}`, `b b ${error}`]);
        await arrived(pair, 1);
        expect(pair.received).toEqual([`closed ${end === 'terminate' ? 1006 : 1005}`]);
        const { frames, octets, messages } = socket.statistics!.sent;
        expect([messages, frames[1]]).toEqual([0, before.frames[1]]);
        expect(octets).toBe(before.octets);
        expect(socket.bufferedAmount).toBe(0);
      }
      server.broadcast('to nobody');
    },
  );
});
