// Rules of topics that need no engine: how often a broker is asked, how sockets are written to, and all that is counted.
import { spawn } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Socket, type AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket as Theirs } from 'ws';
import { WebSocketServer, type WebSocket } from '../../src/index.js';
import { EntryDraft } from '../../src/topics/entry.js';
import { Topics } from '../../src/topics/index.js';
import { MemoryBroker } from '../../src/topics/memory-broker.js';
import { FakeSocket } from './model.js';
import { ScriptedBroker } from './scripted.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** An entry of another process. */
function entryOf(number: number, ...texts: string[]): Uint8Array {
  const draft = new EntryDraft();
  for (const text of texts) draft.add(text, Buffer.byteLength(text), false, false);
  return draft.encode(Buffer.alloc(8, 1), number);
}

/** Connects a client to a server: its connection there, and the texts that the client receives. */
async function join(
  server: WebSocketServer,
  perMessageDeflate = false,
): Promise<{ socket: WebSocket; received: string[] }> {
  const { port } = server.address() as AddressInfo;
  const client = new Theirs(`ws://127.0.0.1:${port}`, { perMessageDeflate });
  const received: string[] = [];
  client.on('message', (data: Buffer) => received.push(data.toString()));
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [[WebSocket], unknown];
  return { socket, received };
}

describe('the broker is asked', () => {
  test('for all topics of a tick at once, once for all sockets of a topic; subscribing resolves when it has confirmed', async () => {
    const broker = new ScriptedBroker();
    broker.isPatient = true;
    const topics = new Topics({ broker, checkInterval: 0 });
    const told: string[] = [];
    for (const name of ['a', 'b', 'a']) void topics.subscribe(new FakeSocket(), name).then(() => told.push(name));
    await turn();
    void topics.subscribe(new FakeSocket(), 'b').then(() => told.push('late b'));
    await turn();
    expect(broker.calls).toEqual(['subscribe a,b']);
    expect(told).toEqual([]);
    broker.waiting[0].resolve(undefined as never);
    await turn();
    expect(told.sort()).toEqual(['a', 'a', 'b', 'late b']);
  });

  test('to end a subscription a second after the last socket has left, unless one has come meanwhile', async () => {
    vi.useFakeTimers();
    const broker = new ScriptedBroker();
    const topics = new Topics({ broker, checkInterval: 0 });
    const sockets = [new FakeSocket(), new FakeSocket()];
    for (const name of ['a', 'b', 'c']) for (const socket of sockets) void topics.subscribe(socket, name);
    await vi.advanceTimersByTimeAsync(0);
    for (const name of ['a', 'b']) for (const socket of sockets) topics.unsubscribe(socket, name);
    topics.unsubscribe(sockets[0], 'c');
    // The clock of the process may be put back meanwhile.
    vi.setSystemTime(0);
    await vi.advanceTimersByTimeAsync(900);
    await topics.subscribe(sockets[0], 'b');
    expect(broker.calls).toEqual(['subscribe a,b,c']);
    await vi.advanceTimersByTimeAsync(5000);
    expect(broker.calls).toEqual(['subscribe a,b,c', 'unsubscribe a']);
    expect(vi.getTimerCount()).toBe(0);
    await topics.subscribe(sockets[0], 'a');
    expect(broker.calls.at(-1)).toBe('subscribe a');
  });

  test('again where it refuses one topic of a tick, which holds up no other', async () => {
    const broker = new ScriptedBroker();
    broker.refused = 'c';
    const topics = new Topics({ broker, checkInterval: 0 });
    const subscribed = ['a', 'b', 'c', 'd', 'e'].map((name) => topics.subscribe(new FakeSocket(), name));
    await Promise.all(subscribed.filter((_, at) => at !== 2));
    expect(broker.calls.slice(0, 3)).toEqual(['subscribe a,b,c,d,e', 'subscribe a,b,c', 'subscribe d,e']);
    broker.refused = undefined;
    expect(await subscribed[2]).toMatchObject({ recovered: false });
  });

  test('more seldom for a topic that it goes on to refuse', async () => {
    const broker = new ScriptedBroker();
    const times: number[] = [];
    broker.subscribe = () => {
      times.push(performance.now());
      return Promise.reject(new Error('NOPERM'));
    };
    const topics = new Topics({ broker, checkInterval: 0 });
    void topics.subscribe(new FakeSocket(), 'a');
    await vi.waitUntil(() => times.length === 3, { timeout: 10_000 });
    expect(times[2] - times[1]).toBeGreaterThan(1.5 * (times[1] - times[0]));
    await topics.close();
  });

  test('no more often for it because the engine was away several times', async () => {
    const broker = new ScriptedBroker();
    broker.refused = 'a';
    const topics = new Topics({ broker, checkInterval: 0 });
    const subscribed = topics.subscribe(new FakeSocket(), 'a');
    await turn();
    for (let times = 0; times < 3; times++) {
      broker.listener.down(new Error('away'));
      broker.listener.up();
      await turn();
    }
    expect(broker.calls).toEqual(Array(4).fill('subscribe a'));
    broker.refused = undefined;
    await subscribed;
    await delay(20);
    expect(broker.calls).toHaveLength(5);
    await topics.close();
  });

  test.each(['subscribe', 'read'] as const)(
    'to %s no more for a topic that it refused, once its last socket has left',
    async (method) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      const broker = new ScriptedBroker(method === 'read');
      const asked: string[] = [];
      vi.spyOn(broker, method as 'read').mockImplementation((names) => {
        asked.push(...[names].flat());
        return Promise.reject(new Error('NOPERM'));
      });
      const topics = new Topics({ broker, checkInterval: 0 });
      const socket = new FakeSocket();
      for (const name of ['left', 'stays']) {
        void topics.subscribe(socket, name);
        await turn();
        if (name === 'left') topics.unsubscribe(socket, name);
        await vi.advanceTimersByTimeAsync(1000);
      }
      // The engine is asked again a second after it has refused, by a clock that is not stopped.
      await vi.waitUntil(() => asked.length > 2, { timeout: 10_000 });
      expect(asked).toEqual(['left', 'stays', 'stays']);
      expect(broker.calls).toContain('unsubscribe left');
      await topics.close();
    },
  );

  test('once for all that a tick publishes to a topic', async () => {
    const broker = new ScriptedBroker();
    const topics = new Topics({ broker, checkInterval: 0 });
    await Promise.all(['a', 'b', 'a', 'a'].map((name) => topics.publish(name, 'x')));
    expect(broker.calls).toEqual(['publish a', 'publish b']);
  });

  test('again once it relays, and what it throws until then goes no further', async () => {
    const broker = new ScriptedBroker(true);
    const topics = new Topics({ broker, checkInterval: 20 });
    const down = once(topics, 'brokerDown');
    broker.thrown = 'no error, but text';
    const subscribed = topics.subscribe(new FakeSocket(), 'a');
    await expect(topics.publish('a', 'x')).rejects.toMatchObject({
      code: 'WS_ERR_PUBLISH_REFUSED',
      mayBeAccepted: true,
      message: expect.stringContaining('no error, but text') as string,
    });
    expect(await down).toEqual([new Error('The broker relays nothing')]);
    broker.thrown = undefined;
    expect(await subscribed).toEqual({ recovered: false, position: '1.e' });
    await topics.close();
  });
});

describe('an entry', () => {
  test('that the engine’s client sends again is delivered once', async () => {
    const broker = new ScriptedBroker();
    const topics = new Topics({ broker, checkInterval: 0 });
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'a');
    for (const number of [1, 2, 2, 1, 3]) broker.listener.entry('a', entryOf(number, `m${number}`), undefined);
    broker.listener.entry('a', Buffer.from('no entry'), undefined);
    expect(socket.received).toEqual(['m1', 'm2', 'm3']);
  });

  test('that comes live and from the history is delivered once, and a hole is read again', async () => {
    const broker = new ScriptedBroker(true);
    const topics = new Topics({ broker, checkInterval: 0 });
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'a');
    const place = (offset: number, before: number) => ({ epoch: 'e', offset, before });
    broker.listener.entry('a', entryOf(1, 'm1'), place(1, 0));
    const entries = [2, 3, 4].map((offset) => ({ offset, entry: entryOf(offset, `m${offset}`) }));
    broker.recovery = { epoch: 'e', last: 4, isWhole: true, entries };
    // The second is missing.
    broker.listener.entry('a', entryOf(3, 'm3'), place(3, 2));
    broker.listener.entry('a', entryOf(5, 'm5'), place(5, 4));
    await turn();
    broker.listener.entry('a', entryOf(4, 'm4'), place(4, 3));
    expect(socket.received).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
    expect(broker.calls.filter((call) => call.startsWith('read'))).toEqual(['read a undefined', 'read a 2']);
  });
});

test('without history a gap is told before what comes behind it, though the engine is not said to be back', async () => {
  const broker = new ScriptedBroker();
  const topics = new Topics({ broker, checkInterval: 0 });
  const socket = new FakeSocket();
  topics.on('gap', ({ topics: names }: { topics: string[] }) => socket.received.push(`gap ${names.join()}`));
  for (const name of ['a', 'b']) await topics.subscribe(socket, name);
  const come = (number: number): void => broker.listener.entry('a', entryOf(number, `m${number}`), undefined);
  come(1);
  broker.listener.down(new Error('gone'));
  for (const number of [3, 4]) come(number);
  broker.listener.down(new Error('gone again'));
  come(6);
  broker.listener.up();
  come(8);
  await turn();
  expect(socket.received).toEqual(['m1', 'gap a', 'm3', 'm4', 'gap a', 'm6', 'gap a,b', 'm8']);
});

test('the envelope is made once for all subscribers of a process', async () => {
  const envelope = vi.fn(({ data }: { data: string | Buffer }) => `<${String(data)}>`);
  const topics = new Topics({ envelope });
  const sockets = Array.from({ length: 5 }, () => new FakeSocket());
  for (const socket of sockets) await topics.subscribe(socket, 'a');
  for (const text of ['x', 'y']) void topics.publish('a', text);
  for (const { received } of sockets) expect(received).toEqual(['<x>', '<y>']);
  expect(envelope).toHaveBeenCalledTimes(2);
});

describe('clients that come back together', () => {
  const texts = Array.from({ length: 100 }, (_, index) => `m${index}`);
  /** Topics whose history reaches back `messages`, and the positions behind all that was published. */
  async function publishAll(messages: number) {
    const broker = new MemoryBroker({ messages, age: 60_000 });
    const read = vi.spyOn(broker, 'read');
    const envelope = vi.fn(({ data }: { data: string | Buffer }) => String(data));
    const topics = new Topics({ broker, envelope });
    const positions: string[] = [];
    for (const text of texts) positions.push(await topics.publish('a', text));
    return { topics, read, envelope, positions };
  }

  test('share a read of the engine, and each message is framed once for all', async () => {
    const { topics, read, envelope, positions } = await publishAll(1000);
    const sockets = positions.map(() => new FakeSocket());
    const all = positions.map((after, index) => topics.subscribe(sockets[index], 'a', { after }));
    const later = new FakeSocket();
    const others = topics.subscribe(later, 'a', { after: `${positions[0]}x` });
    for (const { recovered } of await Promise.all(all)) expect(recovered).toBe(true);
    expect((await others).recovered).toBe(false);
    for (const [index, { received }] of sockets.entries()) expect(received).toEqual(texts.slice(index + 1));
    // One to learn where the topic stands, and one for all.
    expect(read.mock.calls.map(([, offset]) => offset)).toEqual([undefined, 2]);
    expect(envelope).toHaveBeenCalledTimes(99);
    expect(topics.statistics.recovered).toBe((100 * 99) / 2);
  });

  test('share the next one where they come during a read', async () => {
    const { topics, read, positions } = await publishAll(1000);
    await topics.subscribe(new FakeSocket(), 'a');
    read.mockClear();
    let answer!: () => void;
    read.mockImplementationOnce(async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      throw new Error('not this time');
    });
    const sockets = positions.map(() => new FakeSocket());
    const comeBack = (index: number) => topics.subscribe(sockets[index], 'a', { after: positions[index] });
    const first = comeBack(0);
    await turn();
    const all = Promise.all(positions.slice(1).map((_, index) => comeBack(index + 1)));
    answer();
    for (const { recovered } of [await first, ...(await all)]) expect(recovered).toBe(true);
    for (const [index, { received }] of sockets.entries()) expect(received).toEqual(texts.slice(index + 1));
    expect(read.mock.calls.map(([, offset]) => offset)).toEqual([2, 3, 2]);
  });

  test('are told apart where history reaches back for some of them, by few reads', async () => {
    const { topics, read, positions } = await publishAll(30);
    const sockets = positions.map(() => new FakeSocket());
    const results = await Promise.all(
      positions.map((after, index) => topics.subscribe(sockets[index], 'a', { after })),
    );
    expect(results.map(({ recovered }) => recovered)).toEqual(texts.map((_, index) => index >= 69));
    for (const [index, { received }] of sockets.entries()) {
      expect(received).toEqual(index >= 69 ? texts.slice(index + 1) : []);
    }
    expect(read.mock.calls.length).toBeLessThan(10);
  });
});

describe('a real connection', () => {
  /** Topics with one subscriber, whose peer is a client of `ws`. */
  async function serve(topics: Topics): Promise<{ socket: WebSocket; client: Theirs; end: () => void }> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    const client = new Theirs(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [
      [WebSocket],
      unknown,
    ];
    await topics.subscribe(socket, 'a');
    const end = (): void => {
      client.terminate();
      server.close();
    };
    return { socket, client, end };
  }

  test('is written to once for all that a tick publishes', async () => {
    const topics = new Topics();
    const { socket, client, end } = await serve(topics);
    await topics.subscribe(socket, 'b');
    const chunks: number[] = [];
    (client as unknown as { _socket: Socket })._socket.on('data', ({ length }: Buffer) => chunks.push(length));
    for (let index = 0; index < 20; index++) void topics.publish(index % 2 === 0 ? 'a' : 'b', 'text');
    await once(client, 'message');
    await turn();
    // 20 frames with heads of two bytes.
    expect(chunks).toEqual([120]);
    end();
  });

  test('gets what a tick publishes in the order of the calls, amid what is sent on it', async () => {
    const topics = new Topics();
    const { socket, client, end } = await serve(topics);
    await topics.subscribe(socket, 'b');
    const { socket: other, client: otherClient, end: endOther } = await serve(topics);
    const heard = [client, otherClient].map((one) => {
      const texts: string[] = [];
      one.on('message', (data: Buffer) => texts.push(data.toString()));
      one.on('ping', (data: Buffer) => texts.push(`ping ${data.toString()}`));
      one.on('close', (code: number) => texts.push(`close ${code}`));
      return texts;
    });
    void topics.publish('a', 'a1');
    void topics.publish('a', 'a2', { except: socket });
    socket.send('own 1');
    void topics.publish('a', 'a3', { except: other });
    void topics.publish('b', 'b1');
    void topics.publish('a', 'a4');
    socket.ping('own 2');
    const bytes = Buffer.from('a5');
    void topics.publish('a', bytes, { binary: false });
    // The caller may write to its bytes from here on.
    bytes.fill('!');
    socket._sender!.send(Buffer.from('own 3'), { fin: true, binary: false, compress: false, mask: false });
    void topics.publish('a', 'a6');
    expect(topics.unsubscribe(socket, 'a')).toBe(true);
    void topics.publish('a', 'a7');
    void topics.publish('b', 'b2');
    expect(socket.bufferedAmount).toBe(0);
    void topics.publish('b', 'b3');
    void topics.publish('b', 'b4');
    const subscribed = topics.subscribe(other, 'b');
    void topics.publish('b', 'b5');
    expect(topics.statistics).toMatchObject({ published: 12, due: 17, delivered: 17 });
    void topics.publish('b', 'b6');
    socket.close(1000);
    void topics.publish('b', 'b7');
    other.close(1000);
    await subscribed;
    await vi.waitUntil(() => heard.every((texts) => texts.at(-1)?.startsWith('close')));
    const own = ['a1', 'own 1', 'a3', 'b1', 'a4', 'ping own 2', 'a5', 'own 3', 'a6', 'b2', 'b3', 'b4', 'b5', 'b6'];
    expect(heard[0]).toEqual([...own, 'close 1000']);
    expect(heard[1]).toEqual(['a1', 'a2', 'a4', 'a5', 'a6', 'a7', 'b5', 'b6', 'b7', 'close 1000']);
    end();
    endOther();
  });

  test('gets what was published before a process exits in the same tick', async () => {
    const program = `
      import { WebSocketServer } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
      import { Topics } from ${JSON.stringify(new URL('../../dist/topics/index.js', import.meta.url).href)};
      const topics = new Topics();
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      server.on('listening', () => console.log(server.address().port));
      server.on('connection', async (socket) => {
        await topics.subscribe(socket, 'a');
        for (const text of ['one', 'two']) void topics.publish('a', text);
        process.exit();
      });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    const client = new Theirs(`ws://127.0.0.1:${Number(port.toString())}`);
    const texts: string[] = [];
    client.on('message', (data: Buffer) => texts.push(data.toString()));
    await once(client, 'close');
    expect(texts).toEqual(['one', 'two']);
  });

  test.each(['skip', 'latest'] as const)(
    'too slow for all, with the policy %s, has bounded memory, and is sent every ping and its close',
    async (policy) => {
      const limit = 64 * 1024;
      const topics = new Topics({ slow: { limit, policy } });
      const { socket, client, end } = await serve(topics);
      await topics.subscribe(socket, 'b');
      const texts: string[] = [];
      let pings = 0;
      client.on('message', (data: Buffer) => texts.push(data.subarray(0, 4).toString()));
      client.on('ping', () => pings++);
      client.pause();
      const payload = Buffer.alloc(16 * 1024);
      for (let index = 1000; index < 1600; index++) {
        payload.write(String(index));
        for (const name of ['a', 'b']) void topics.publish(name, payload, { binary: false });
        if (index % 100 === 0) socket.ping();
        // The limit, and what one turn adds to it.
        expect(socket.bufferedAmount).toBeLessThan(limit + 4 * payload.length);
        if (index % 10 === 0) await turn();
      }
      const { due, delivered, skipped } = topics.statistics;
      expect(due).toBe(1200);
      expect(skipped).toBeGreaterThan(100);
      client.resume();
      await vi.waitUntil(() => socket.bufferedAmount === 0);
      await turn();
      socket.close(1000, 'done');
      const [code] = (await once(client, 'close')) as [number];
      expect([code, pings]).toEqual([1000, 6]);
      if (policy === 'latest') expect(texts.slice(-2)).toEqual(['1599', '1599']);
      else expect(texts.length).toBe(delivered);
      expect(topics.statistics.delivered + topics.statistics.skipped).toBe(due);
      end();
    },
  );
});

describe('an entry of several messages', () => {
  // Short ones leave in one piece, and these, which are longer than a batch, one by one.
  test.each([
    ['short', ['one', '', 'ü'.repeat(70), 'x'.repeat(300), 'last'], 0],
    ['short, each looked at by itself', ['one', 'two', 'last'], 2 ** 20],
    ['long', ['one', 'y'.repeat(70_000), 'last'], 0],
  ])('reaches every kind of connection whole, and is counted: %s', async (_, texts, maxBackpressure) => {
    const broker = new ScriptedBroker();
    const topics = new Topics({ broker, checkInterval: 0 });
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      perMessageDeflate: { threshold: 0 },
      maxBackpressure,
    });
    await once(server, 'listening');
    const connect = async (perMessageDeflate: boolean): Promise<[WebSocket, string[]]> => {
      const { socket, received } = await join(server, perMessageDeflate);
      await topics.subscribe(socket, 'a');
      return [socket, received];
    };
    const [, plain] = await connect(false);
    const [compressing, compressed] = await connect(true);
    const [amid, behind] = await connect(false);
    const [odd, wrapped] = await connect(false);
    const [closing, closed] = await connect(false);
    const send = odd.send.bind(odd) as (data: unknown, ...rest: unknown[]) => void;
    odd.send = (data: unknown, ...rest: unknown[]) => send(`<${String(data)}>`, ...rest);
    const fake = new FakeSocket();
    await topics.subscribe(fake, 'a');
    compressing.send('own');
    amid.send('frag', { fin: false });
    closing.close();
    broker.listener.entry('a', entryOf(1, ...texts), undefined);
    compressing.send('own after');
    amid.send('ment');
    await vi.waitUntil(() => [plain, behind, wrapped].every((received) => received.at(-1)?.includes('last')));
    await vi.waitUntil(() => compressed.at(-1) === 'own after');
    expect(plain).toEqual(texts);
    expect(compressed).toEqual(['own', ...texts, 'own after']);
    expect(behind).toEqual(['fragment', ...texts]);
    expect(wrapped).toEqual(texts.map((text) => `<${text}>`));
    expect(fake.received).toEqual(texts);
    expect(closed).toEqual([]);
    expect(topics.statistics).toMatchObject({ due: 5 * texts.length, delivered: 5 * texts.length, skipped: 0 });
    await topics.close();
    for (const client of server.clients!) client.terminate();
    server.close();
  });

  test('takes a connection to its limit, and no further', async () => {
    const broker = new ScriptedBroker();
    const topics = new Topics({ broker, checkInterval: 0, slow: { limit: 20, policy: 'skip' } });
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    const { socket, received } = await join(server);
    await topics.subscribe(socket, 'a');
    // Frames of 8 bytes: the third begins below the limit, the fourth above it is the one that tells when all has left.
    broker.listener.entry('a', entryOf(1, 'text 1', 'text 2', 'text 3', 'text 4', 'text 5'), undefined);
    await vi.waitUntil(() => received.length === 4);
    await turn();
    expect(received).toEqual(['text 1', 'text 2', 'text 3', 'text 4']);
    expect(topics.statistics).toMatchObject({ due: 5, delivered: 4, skipped: 1 });
    socket.terminate();
    server.close();
  });
});

test('statistics and channels tell of recoveries, round trips, gaps, and of a broker that goes and comes back', async () => {
  const told: unknown[] = [];
  const listen = (message: unknown, name: unknown): void => void told.push([name, message]);
  const names = ['wsimd:topics:broker', 'wsimd:topics:gap'];
  for (const name of names) channel(name).subscribe(listen);
  const broker = new ScriptedBroker();
  const topics = new Topics({ broker, checkInterval: 0 });
  await topics.subscribe(new FakeSocket(), 'a');
  const reason = new Error('gone');
  broker.listener.down(reason);
  broker.listener.up();
  await turn();
  for (const name of names) channel(name).unsubscribe(listen);
  expect(told).toEqual([
    [names[0], { isUp: false, reason }],
    [names[1], { topics: ['a'] }],
    [names[0], { isUp: true }],
  ]);
  broker.isPatient = true;
  const published = topics.publish('a', 'x');
  const begun = performance.now();
  // A timer counts from the beginning of its turn, which may be long ago.
  await vi.waitUntil(() => performance.now() - begun > 20);
  broker.waiting.shift()!.resolve(undefined as never);
  await published;
  expect(topics.statistics).toMatchObject({ topics: 1, subscriptions: 1, published: 1, delivered: 1 });
  expect(topics.statistics.brokerRoundTrip).toBeGreaterThan(10);

  const kept = new Topics({ history: {} });
  const after = await kept.publish('a', 'zero');
  await kept.publish('a', 'one');
  await kept.publish('a', 'two');
  await kept.subscribe(new FakeSocket(), 'a', { after });
  expect(kept.statistics).toMatchObject({ recovered: 2, delivered: 2, published: 3 });
});

test('a listener of deliveryError that throws stops neither other messages nor sends of other connections', async () => {
  const odd = new Topics({
    envelope() {
      throw new Error('no envelope');
    },
  });
  odd.on('deliveryError', () => {
    throw new Error('from the listener');
  });
  const sound = new Topics();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { socket, received } = await join(server);
  const thrown: string[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', ({ message }) => thrown.push(message));
  try {
    await odd.subscribe(socket, 'a');
    await sound.subscribe(socket, 'a');
    for (const round of ['1', '2']) {
      // More than are written at once: the last ones wait for the end of the tick, behind the odd message.
      for (const text of ['a', 'b', 'c', 'd', 'e']) socket.send(text + round);
      void odd.publish('a', 'odd');
      void sound.publish('a', `sound${round}`);
      await vi.waitUntil(() => received.at(-1) === `sound${round}`);
    }
    expect(received).toEqual(['a1', 'b1', 'c1', 'd1', 'e1', 'sound1', 'a2', 'b2', 'c2', 'd2', 'e2', 'sound2']);
    expect(thrown).toEqual(['from the listener', 'from the listener']);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    for (const client of server.clients!) client.terminate();
    server.close();
  }
});
