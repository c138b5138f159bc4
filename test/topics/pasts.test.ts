// Subscriptions get the history after a position at the pace of their sockets, however long it is.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { EntryDraft } from '../../src/topics/entry.js';
import { Topics } from '../../src/topics/index.js';
import { Random } from '../support/random.js';
import { FakeSocket, FullSocket } from './model.js';
import { ScriptedBroker } from './scripted.js';

const texts = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${from + index} ${'x'.repeat(16)}`);

/** Lets the socket take what waits, until nothing more comes. */
async function drainAll(socket: FakeSocket): Promise<void> {
  for (let before = -1; before < socket.received.length;) {
    before = socket.received.length;
    socket.drain();
    await turn();
  }
}

async function publishAll(topics: Topics, all: readonly string[], perTick = 1): Promise<void> {
  for (let at = 0; at < all.length; at += perTick) {
    await Promise.all(all.slice(at, at + perTick).map((text) => topics.publish('a', text)));
  }
}

function entryOf(text: string, number: number): Uint8Array {
  const draft = new EntryDraft();
  draft.add(text, text.length, false, false);
  return draft.encode(Buffer.alloc(8), number);
}

describe('a past longer than a slow subscriber may have waiting', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  async function connect(): Promise<[client: WebSocket, socket: WebSocket]> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [[socket]] = await Promise.all([once(server, 'connection') as Promise<[WebSocket]>, once(client, 'open')]);
    ends.push(() => {
      client.terminate();
      server.close();
    });
    return [client, socket];
  }

  test('is not kept from some by others that come with positions of another history, or beyond its end', async () => {
    const topics = new Topics({ history: { messages: 5 } });
    const positions: string[] = [];
    for (const text of texts(0, 20)) positions.push(await topics.publish('a', text));
    const epoch = positions[0].split('.')[1];
    // The first is too old, so that the rest is searched.
    const asked = [positions[0], positions[17], '900.other', '901.other', `902.${epoch}`, `903.${epoch}`, '1.other'];
    const results = await Promise.all(
      asked.map((after) => topics.subscribe(new FakeSocket() as unknown as WebSocket, 'a', { after })),
    );
    expect(results.map(({ recovered }) => recovered)).toEqual([false, true, false, false, false, false, false]);
  });

  test('comes whole and in order to one that reads, whatever is published meanwhile, and live messages follow', async () => {
    const topics = new Topics({ history: { messages: 1e6 } });
    const after = await topics.publish('a', 'first');
    const body = 'x'.repeat(1000);
    for (let number = 0; number < 4000; number++) await topics.publish('a', `${number} ${body}`);
    const [client, socket] = await connect();
    const received: number[] = [];
    client.on('message', (data) => received.push(parseInt((data as Buffer).toString(), 10)));
    const state = { isSubscribed: false };
    const subscribed = topics.subscribe(socket, 'a', { after });
    void subscribed.then(() => (state.isSubscribed = true));
    let number = 4000;
    let most = 0;
    while (!state.isSubscribed || number < 4200) {
      void topics.publish('a', `${number++} ${body}`);
      most = Math.max(most, socket.bufferedAmount);
      await turn();
    }
    expect(await subscribed).toMatchObject({ recovered: true });
    await vi.waitUntil(() => received.length >= number, 20_000);
    expect(received).toEqual(Array.from({ length: number }, (_, index) => index));
    expect(most).toBeLessThan(1024 * 1024);
    expect(topics.statistics).toMatchObject({ due: number, delivered: number, closedForSlowness: 0 });
  });

  test('is not kept for one that does not read, which is closed once more than that has come meanwhile', async () => {
    const limit = 256 * 1024;
    const topics = new Topics({ history: { messages: 1e6 }, slow: { limit } });
    const after = await topics.publish('a', 'first');
    const body = Buffer.alloc(16 * 1024);
    for (let number = 0; number < 2000; number++) await topics.publish('a', body);
    const [client, socket] = await connect();
    client.pause();
    const subscribed = topics.subscribe(socket, 'a', { after });
    for (let sent = -1; sent !== topics.statistics.delivered;) {
      sent = topics.statistics.delivered;
      for (let rest = 0; rest < 50; rest++) await turn();
    }
    // More than the operating system takes waits for nothing.
    expect(topics.statistics.delivered).toBeLessThan(1500);
    expect(socket.readyState).toBe(1);
    for (let number = 0; number <= limit / body.length; number++) {
      expect(socket.readyState).toBe(1);
      expect(socket.bufferedAmount).toBeLessThanOrEqual(limit / 2 + 2 * body.length);
      await topics.publish('a', body);
    }
    expect(socket.readyState).toBe(2);
    expect(await subscribed).toEqual({ recovered: false, position: '' });
    const { due, delivered, closedForSlowness } = topics.statistics;
    expect([due, closedForSlowness]).toEqual([delivered + 1, 1]);
  });

  test.each(['close', 'skip', 'latest'] as const)('comes part by part with the policy %s', async (policy) => {
    const topics = new Topics({ history: {}, slow: { limit: 100, policy } });
    const after = await topics.publish('a', 'first');
    const past = texts(0, 60);
    // Ticks of more than the limit, too.
    await publishAll(topics, past, 20);
    const socket = new FullSocket();
    const subscribed = topics.subscribe(socket, 'a', { after });
    await turn();
    expect(socket.received.length).toBeLessThan(10);
    const live = texts(60, policy === 'close' ? 64 : 80);
    await publishAll(topics, live);
    await drainAll(socket);
    const { recovered, position } = await subscribed;
    expect(recovered).toBe(true);
    expect(socket.most).toBeLessThan(100);
    expect(socket.received).toEqual([...past, ...live]);
    expect(await topics.publish('a', 'last')).not.toBe(position);
    expect(socket.received.at(-1)).toBe('last');
    const { due, delivered, skipped } = topics.statistics;
    expect([due, delivered, skipped]).toEqual([socket.received.length, socket.received.length, 0]);
  });

  test('of several topics takes turns, and waits for no subscription that ends', async () => {
    const topics = new Topics({ history: {}, slow: { limit: 100 } });
    const names = ['a', 'b', 'c'];
    const past = texts(0, 30);
    const afters: string[] = [];
    for (const name of names) afters.push(await topics.publish(name, 'first'));
    for (const text of past) for (const name of names) await topics.publish(name, name + text);
    const socket = new FullSocket();
    const results = names.map((name, index) => topics.subscribe(socket, name, { after: afters[index] }));
    await turn();
    topics.unsubscribe(socket, 'b');
    expect(await results[1]).toEqual({ recovered: false, position: '' });
    await drainAll(socket);
    for (const name of ['a', 'c']) {
      expect(await results[names.indexOf(name)]).toMatchObject({ recovered: true });
      const own = socket.received.filter((text) => text.startsWith(name));
      expect(own).toEqual(past.map((text) => name + text));
    }
    expect(socket.most).toBeLessThan(200);
    socket.finish();
    expect(socket.listenerCount('close')).toBe(0);
  });

  test('ends with the socket, and with the topics', async () => {
    const topics = new Topics({ history: {}, slow: { limit: 100 } });
    const after = await topics.publish('a', 'first');
    await publishAll(topics, texts(0, 30));
    const [one, two] = [new FullSocket(), new FullSocket()];
    const results = [one, two].map((socket) => topics.subscribe(socket, 'a', { after }));
    await turn();
    one.finish();
    expect(await results[0]).toEqual({ recovered: false, position: '' });
    await topics.close();
    expect(await results[1]).toEqual({ recovered: false, position: '' });
  });

  test('has not been recovered where the history has lost it before the socket has taken it', async () => {
    const topics = new Topics({ history: { messages: 20 }, slow: { limit: 100, policy: 'skip' } });
    const after = await topics.publish('a', 'first');
    await publishAll(topics, texts(0, 20));
    const socket = new FullSocket();
    const subscribed = topics.subscribe(socket, 'a', { after });
    await turn();
    const sent = socket.received.length;
    const now = (await Promise.all(texts(20, 60).map((text) => topics.publish('a', text)))).at(-1);
    await publishAll(topics, texts(60, 100));
    socket.drain();
    const { recovered, position } = await subscribed;
    expect([recovered, socket.received.length, position === now]).toEqual([false, sent, false]);
    expect(await topics.publish('a', 'last')).not.toBe(position);
    await turn();
    expect(socket.received.slice(sent)).toEqual(['last']);
  });

  test('leaves out what the socket itself has published with an exception for itself', async () => {
    const topics = new Topics({ history: {}, slow: { limit: 100 } });
    const after = await topics.publish('a', 'first');
    await publishAll(topics, texts(0, 20));
    const socket = new FullSocket();
    const subscribed = topics.subscribe(socket, 'a', { after });
    await turn();
    await Promise.all([topics.publish('a', 'own', { except: socket }), topics.publish('a', 'other')]);
    await drainAll(socket);
    expect(await subscribed).toMatchObject({ recovered: true });
    expect(socket.received).toEqual([...texts(0, 20), 'other']);
  });

  test('leaves it out also where the history shows it before it comes live', async () => {
    const broker = new ScriptedBroker(true);
    const topics = new Topics({ broker, checkInterval: 0 });
    const [author, reader] = [new FakeSocket(), new FakeSocket()];
    await topics.publish('a', 'first');
    await Promise.all([topics.publish('a', 'own', { except: author }), topics.publish('a', 'other')]);
    const entries = broker.entries.map((entry, index) => ({ offset: index + 1, entry }));
    broker.recovery = { epoch: 'e', last: 2, isWhole: true, entries: entries.slice(1) };
    const subscribed = [author, reader].map((socket) => topics.subscribe(socket as never, 'a', { after: '2.e' }));
    expect(await Promise.all(subscribed)).toMatchObject([{ recovered: true }, { recovered: true }]);
    for (const { offset, entry } of entries) broker.listener.entry('a', entry, { epoch: 'e', offset });
    await turn();
    expect(author.received).toEqual(['other']);
    expect(reader.received).toEqual(['own', 'other']);
  });

  test('comes from a broker that reads all of it at once', async () => {
    const broker = new ScriptedBroker(true);
    const topics = new Topics({ broker, checkInterval: 0, slow: { limit: 100 } });
    const entries = texts(0, 30).map((text, index) => ({ offset: index + 1, entry: entryOf(text, index) }));
    broker.read = (_topic, offset = Infinity) =>
      Promise.resolve({
        epoch: 'e',
        last: 30,
        isWhole: true,
        entries: entries.filter((entry) => entry.offset >= offset),
      });
    const socket = new FullSocket();
    const subscribed = topics.subscribe(socket, 'a', { after: '1.e' });
    await turn();
    await drainAll(socket);
    expect(await subscribed).toMatchObject({ recovered: true });
    expect(socket.received).toEqual(texts(0, 30));
  });

  test('is read in parts by a process that has missed it', async () => {
    const broker = new ScriptedBroker(true);
    const topics = new Topics({ broker, checkInterval: 0 });
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'a');
    const entries = texts(0, 10).map((text, index) => ({ offset: index + 1, entry: entryOf(text, index) }));
    let reads = 0;
    broker.read = (_topic, offset = Infinity, most = Infinity) => {
      reads++;
      const rest = entries.filter((entry) => entry.offset >= offset);
      const count = most === Infinity ? 10 : 3;
      return Promise.resolve({
        epoch: 'e',
        last: 10,
        isWhole: true,
        entries: rest.slice(0, count),
        hasMore: rest.length > count,
      });
    };
    broker.listener.entry('a', entries[9].entry, { epoch: 'e', offset: 10, before: 9 });
    await vi.waitUntil(() => socket.received.length >= 10);
    expect(socket.received).toEqual(texts(0, 10));
    expect(reads).toBe(4);
  });

  test('reaches sockets of all paces as the history has it', async () => {
    const random = new Random(Date.now());
    const topics = new Topics({ history: { messages: 1e6 }, slow: { limit: 200, policy: 'skip' }, envelope });
    const published: string[] = [];
    const positions: string[] = [];
    const sockets: {
      socket: FullSocket;
      from: number;
      subscribed: ReturnType<Topics['subscribe']>;
      isDone: boolean;
    }[] = [];
    function envelope({ data, position }: { data: string | Buffer; position: string }): string {
      positions[Number(data)] = position;
      return data.toString();
    }
    const reader = new FakeSocket();
    await topics.subscribe(reader, 'a');
    for (let step = 0; step < 1500; step++) {
      for (let count = random.below(8); count > 0; count--) {
        published.push(String(published.length));
        void topics.publish('a', published.at(-1)!);
      }
      if (random.oneIn(3)) await turn();
      if (random.oneIn(20) && positions.length > 0) {
        const socket = new FullSocket();
        const from = random.below(positions.length);
        const subscribed = topics.subscribe(socket, 'a', { after: positions[from] });
        const one = { socket, from, subscribed, isDone: false };
        void subscribed.then(() => (one.isDone = true));
        sockets.push(one);
      }
      for (const { socket } of sockets) if (random.oneIn(4)) socket.drain();
    }
    for (let left = 1; left > 0;) {
      left = 0;
      for (const { socket, isDone } of sockets) {
        socket.drain();
        if (!isDone) left++;
      }
      await turn();
    }
    for (const { socket, from, subscribed } of sockets) {
      const { recovered, position } = await subscribed;
      const numbers = socket.received.map(Number);
      const past = positions.indexOf(position) - from;
      const whole = Array.from({ length: past }, (_, index) => from + 1 + index);
      expect([recovered, numbers.slice(0, past)], `seed ${random.seed}`).toEqual([true, whole]);
      // Live, one that is slow may miss messages; none comes twice.
      expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1])).toBe(true);
      expect(socket.most).toBeLessThan(250);
    }
    expect(topics.statistics.due).toBe(topics.statistics.delivered + topics.statistics.skipped);
  });
});
