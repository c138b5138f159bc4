// Topics in one process, held against a naive model and, where bytes matter, over real sockets.
import { channel } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { WebSocket as Theirs } from 'ws';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { Topics, type Broker, type BrokerListener, type TopicsOptions } from '../../src/topics/index.js';
import { Random } from '../support/random.js';
import { FakeSocket, Model } from './model.js';

const NAMES = ['a', 'b', 'room/42', 'ü'];

describe.each([
  ['without history', {}],
  ['with history', { history: {} }],
] as [string, TopicsOptions][])('random operations %s', (_, options) => {
  test('deliver what the model does, in its order', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = new Random(seed);
      const topics = new Topics(options);
      const model = new Model();
      const sockets: FakeSocket[] = [];
      for (let step = 0; step < 500; step++) {
        const name = NAMES[random.below(NAMES.length)];
        if (sockets.length < 3 || random.below(20) === 0) sockets.push(new FakeSocket());
        const socket = sockets[random.below(sockets.length)];
        switch (random.below(8)) {
          case 0:
          case 1:
            await topics.subscribe(socket, name);
            model.of(name).add(socket);
            break;
          case 2:
            expect(topics.unsubscribe(socket, name)).toBe(model.of(name).delete(socket));
            break;
          case 3:
            if (random.below(4) > 0) break;
            sockets.splice(sockets.indexOf(socket), 1);
            socket.finish();
            model.close(socket);
            break;
          default: {
            const count = random.between(1, 3);
            const settled = Array.from({ length: count }, (_unused, index) => {
              const except = random.below(3) === 0 ? socket : undefined;
              model.publish(name, `${step}.${index}`, except);
              return topics.publish(name, `${step}.${index}`, { except });
            });
            await Promise.all(settled);
          }
        }
        expect(topics.subscriberCount(name)).toBe(model.of(name).size);
        expect(topics.isSubscribed(socket, name)).toBe(model.of(name).has(socket));
      }
      for (const [socket, due] of model.due) expect(socket.received, `seed ${seed}`).toEqual(due);
      const { due, delivered, skipped, closedForSlowness, subscriptions } = topics.statistics;
      expect(due).toBe([...model.due.values()].reduce((sum, { length }) => sum + length, 0));
      expect(delivered + skipped + closedForSlowness).toBe(due);
      expect(subscriptions).toBe([...model.subscribers.values()].reduce((sum, { size }) => sum + size, 0));
      await topics.close();
    }
  });
});

describe('recovery', () => {
  test('goes on after any position, without gap or double, whatever is published meanwhile', async () => {
    const topics = new Topics({ history: { messages: 1000 } });
    const published: string[] = [];
    const positions: string[] = [];
    let count = 0;
    const publish = async (): Promise<void> => {
      const texts = Array.from({ length: 1 + (count % 3) }, () => `m${count++}`);
      published.push(...texts);
      positions.push(...(await Promise.all(texts.map((text) => topics.publish('a', text)))));
    };
    for (let i = 0; i < 30; i++) await publish();
    for (let from = 0; from < 60; from++) {
      const socket = new FakeSocket();
      const subscribed = topics.subscribe(socket, 'a', { after: positions[from] });
      const meanwhile = publish();
      expect((await subscribed).recovered).toBe(true);
      await meanwhile;
      await publish();
      expect(socket.received).toEqual(published.slice(from + 1));
      socket.finish();
    }
  });

  test.each(['after a position', 'from now on'])(
    'resolves %s with a position behind all that was sent by then, so that nothing comes twice',
    async (kind) => {
      const topics = new Topics({ history: {} });
      let count = 0;
      const publish = (): Promise<string> => topics.publish('a', `m${count++}`);
      const after = await publish();
      // A message that comes so many turns of the microtask queue after the call.
      for (let turns = 0; turns < 30; turns++) {
        const [socket, next] = [new FakeSocket(), new FakeSocket()];
        const subscribed = topics.subscribe(socket, 'a', kind === 'from now on' ? {} : { after });
        const welcome = (async () => {
          const { position } = await subscribed;
          return { position, seen: socket.received.length };
        })();
        for (let each = 0; each < turns; each++) await Promise.resolve();
        await publish();
        const { position, seen } = await welcome;
        expect((await topics.subscribe(next, 'a', { after: position })).recovered).toBe(true);
        expect(next.received, `${turns} turns`).toEqual(socket.received.slice(seen));
        for (const each of [socket, next]) each.finish();
      }
    },
  );

  test('begins with a position before any message has come', async () => {
    const topics = new Topics({ history: {} });
    const { position } = await topics.subscribe(new FakeSocket(), 'a');
    await topics.publish('a', 'one');
    const socket = new FakeSocket();
    expect((await topics.subscribe(socket, 'a', { after: position })).recovered).toBe(true);
    expect(socket.received).toEqual(['one']);
  });

  test('sends nothing old where history does not reach back, or the position is another engine’s', async () => {
    const topics = new Topics({ history: { messages: 3 } });
    const first = await topics.publish('a', '0');
    for (let i = 1; i < 6; i++) await topics.publish('a', String(i));
    for (const after of [first, '1.0badc0de', '999.x', 'nonsense', '-1.x']) {
      const socket = new FakeSocket();
      expect((await topics.subscribe(socket, 'a', { after })).recovered, after).toBe(false);
      expect(socket.received).toEqual([]);
      await topics.publish('a', 'live');
      expect(socket.received).toEqual(['live']);
    }
  });

  test('gives clients their positions by way of the envelope', async () => {
    const topics = new Topics({
      history: {},
      envelope: ({ topic, data, isBinary, position }) => JSON.stringify({ topic, data, isBinary, position }),
    });
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'a');
    const position = await topics.publish('a', 'hello');
    expect(JSON.parse(socket.received[0])).toEqual({ topic: 'a', data: 'hello', isBinary: false, position });
  });
});

describe('a slow subscriber', () => {
  const subscribeTwo = async (options: TopicsOptions): Promise<[Topics, FakeSocket, FakeSocket]> => {
    const topics = new Topics(options);
    const [slow, fast] = [new FakeSocket(), new FakeSocket()];
    for (const socket of [slow, fast]) {
      await topics.subscribe(socket, 'a');
      await topics.subscribe(socket, 'b');
    }
    return [topics, slow, fast];
  };

  test('is closed with 1013, and leaves in the same tick', async () => {
    const [topics, slow, fast] = await subscribeTwo({ slow: { limit: 100 } });
    slow.waiting = 101;
    void topics.publish('a', 'one');
    expect(slow.closedWith).toBe(1013);
    expect(topics.subscriptions(slow)).toEqual([]);
    expect([slow.received, fast.received]).toEqual([[], ['one']]);
    expect(topics.statistics).toMatchObject({ due: 2, delivered: 1, closedForSlowness: 1, skipped: 0 });
  });

  test('misses messages until it has drained', async () => {
    const [topics, slow, fast] = await subscribeTwo({ slow: { limit: 100, policy: 'skip' } });
    slow.waiting = 101;
    for (const text of ['one', 'two', 'three']) void topics.publish('a', text);
    slow.drain();
    void topics.publish('a', 'four');
    expect(slow.received).toEqual(['one', 'four']);
    expect(fast.received).toEqual(['one', 'two', 'three', 'four']);
    expect(topics.statistics).toMatchObject({ due: 8, delivered: 6, skipped: 2 });
  });

  test('gets the newest of each topic once it has drained', async () => {
    const [topics, slow] = await subscribeTwo({ slow: { limit: 100, policy: 'latest' } });
    slow.waiting = 101;
    for (const text of ['1', '2', '3']) {
      void topics.publish('a', `a${text}`);
      void topics.publish('b', `b${text}`);
    }
    expect(slow.received).toEqual(['a1']);
    slow.drain();
    expect(slow.received).toEqual(['a1', 'a3', 'b3']);
    const { due, delivered, skipped } = topics.statistics;
    expect([due, delivered + skipped]).toEqual([12, 12]);
  });

  test('amid a message in fragments gets what is due to it behind that message', async () => {
    const topics = new Topics({ slow: { limit: 0, policy: 'latest' } });
    const server = new WebSocketServer({ port: 0, perMessageDeflate: false });
    const client = new Theirs(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const received: string[] = [];
    client.on('message', (data: Buffer) => received.push(data.toString()));
    const [[socket]] = await Promise.all([once(server, 'connection') as Promise<[WebSocket]>, once(client, 'open')]);
    await topics.subscribe(socket, 'a');
    socket.send('one ', { fin: false });
    for (const text of ['a', 'b', 'c', 'd']) {
      void topics.publish('a', text);
      await turn();
    }
    socket.send('two');
    await vi.waitUntil(() => received.length >= 4);
    expect(received).toEqual(['one two', 'a', 'b', 'd']);
    expect(topics.statistics).toMatchObject({ due: 4, delivered: 3, skipped: 1 });
    client.terminate();
    server.close();
  });

  test('on a real connection that reads nothing has bounded memory, and others get all', async () => {
    const topics = new Topics({ slow: { limit: 64 * 1024 } });
    const server = new WebSocketServer({ port: 0, closeTimeout: 100 });
    const { port } = server.address() as AddressInfo;
    const clients = [0, 1].map(() => new WebSocket(`ws://127.0.0.1:${port}`));
    for (const client of clients) {
      const [[socket]] = await Promise.all([once(server, 'connection') as Promise<[WebSocket]>, once(client, 'open')]);
      await topics.subscribe(socket, 'a');
    }
    const [slow, fast] = clients;
    const [slowSide] = server.clients!;
    slow.pause();
    let received = 0;
    fast.on('message', () => received++);
    const payload = Buffer.alloc(32 * 1024);
    let sent = 0;
    for (; slowSide.readyState === 1 && sent < 2000; sent++) {
      void topics.publish('a', payload);
      expect(slowSide.bufferedAmount).toBeLessThan(160 * 1024);
      await turn();
    }
    expect(topics.statistics.closedForSlowness).toBe(1);
    const all = sent;
    await vi.waitUntil(() => received === all, 10_000);
    slow.terminate();
    fast.terminate();
    server.close();
  });
});

describe('a fan-out', () => {
  test('survives sockets that close, unsubscribe, subscribe, throw and publish inside of it, in one order for all', async () => {
    const topics = new Topics();
    const errors: unknown[] = [];
    topics.on('deliveryError', (error) => errors.push(error));
    const sockets = Array.from({ length: 6 }, () => new FakeSocket());
    const late = new FakeSocket();
    for (const socket of sockets) await topics.subscribe(socket, 'a');
    sockets[0].onSend = (text) => {
      if (text === 'one') void topics.publish('a', 'nested');
    };
    sockets[1].onSend = () => topics.unsubscribe(sockets[2], 'a');
    sockets[3].onSend = () => {
      throw new Error('thrown by send');
    };
    sockets[4].onSend = () => {
      void topics.subscribe(late, 'a');
      sockets[4].finish();
    };
    void topics.publish('a', 'one');
    expect(sockets[0].received).toEqual(['one', 'nested']);
    expect(sockets[2].received).toEqual([]);
    expect(sockets[4].received).toEqual(['one']);
    expect(sockets[5].received).toEqual(['one', 'nested']);
    expect(late.received).toEqual(['nested']);
    expect(errors.length).toBe(2);
    const { due, delivered, skipped } = topics.statistics;
    expect(delivered + skipped).toBe(due);
  });

  test('ends with the close of a socket', async () => {
    const topics = new Topics();
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'a');
    socket.close();
    void topics.publish('a', 'after close');
    socket.finish();
    expect(socket.received).toEqual([]);
    expect(topics.isSubscribed(socket, 'a')).toBe(false);
    expect(await topics.subscribe(socket, 'a')).toEqual({ recovered: false, position: '' });
    expect(topics.statistics).toMatchObject({ topics: 0, subscriptions: 0, due: 0 });
  });

  test('is read by clients of ws and of ours, with and without compression, in order with their own messages', async () => {
    const topics = new Topics();
    const server = new WebSocketServer({ port: 0, perMessageDeflate: { threshold: 0 } });
    const { port } = server.address() as AddressInfo;
    const url = `ws://127.0.0.1:${port}`;
    const clients = [
      new WebSocket(url),
      new Theirs(url),
      new Theirs(url, { perMessageDeflate: false }),
      new WebSocket(url, { perMessageDeflate: false }),
    ];
    const received = clients.map((client) => {
      const texts: string[] = [];
      client.on('message', (data: Buffer, isBinary: boolean) =>
        texts.push(`${isBinary ? 'binary ' : ''}${data.toString()}`),
      );
      return texts;
    });
    await Promise.all(clients.map((client) => once(client, 'open')));
    for (const socket of server.clients!) {
      await topics.subscribe(socket, 'a');
      socket.send('own'.repeat(100));
    }
    void topics.publish('a', 'text', { compress: true });
    void topics.publish('a', Buffer.from('bytes'));
    for (const socket of server.clients!) socket.send('last');
    await Promise.all(
      clients.map(async (client, index) => {
        while (received[index].length < 4) await once(client, 'message');
      }),
    );
    for (const texts of received) expect(texts).toEqual(['own'.repeat(100), 'text', 'binary bytes', 'last']);
    for (const client of clients) client.terminate();
    server.close();
  });
});

test('a topic of no name, of control characters, of half a surrogate pair, or too long is the caller’s mistake', () => {
  const topics = new Topics();
  const socket = new FakeSocket();
  for (const name of ['', 'a\nb', '\u0000', '\u0085', '\ud800', 'ü'.repeat(129), 7, undefined] as string[]) {
    expect(() => topics.publish(name, 'x')).toThrow(TypeError);
    expect(() => topics.subscribe(socket, name)).toThrow(TypeError);
    expect(() => topics.unsubscribe(socket, name)).toThrow(TypeError);
  }
  for (const data of [undefined, 7, {}, new Blob([])])
    expect(() => topics.publish('a', data as never)).toThrow(TypeError);
  void topics.subscribe(socket, 'ü'.repeat(128));
  expect(topics.subscriberCount('ü'.repeat(128))).toBe(1);
});

test('options that cannot be honoured throw', () => {
  expect(() => new Topics({ publishTimeout: -1 })).toThrow(RangeError);
  expect(() => new Topics({ slow: { limit: Number.NaN } })).toThrow(RangeError);
  expect(() => new Topics({ slow: { policy: 'wait' as never } })).toThrow(RangeError);
  expect(() => new Topics({ history: { messages: -1 } })).toThrow(RangeError);
});

test('a broker or a socket that is none is the caller’s mistake', () => {
  const usage = expect.objectContaining({ name: 'UsageError', code: 'WS_ERR_USAGE' }) as Error;
  const half = { keepsHistory: true, start: () => undefined, subscribe: () => undefined };
  for (const broker of [1, null, 'redis', {}, half])
    expect(() => new Topics({ broker: broker as never })).toThrow(usage);
  const topics = new Topics();
  for (const socket of [undefined, null, 7, {}, new EventEmitter()]) {
    expect(() => topics.subscribe(socket as never, 'a')).toThrow(usage);
    expect(topics.unsubscribe(socket as never, 'a')).toBe(false);
    expect(topics.isSubscribed(socket as never, 'a')).toBe(false);
  }
  expect(topics.statistics).toMatchObject({ topics: 0, subscriptions: 0 });
});

test('a message that the broker, or the limit of what waits, does not take rejects with its length and the limit', async () => {
  const entries: Uint8Array[] = [];
  const broker: Broker = {
    keepsHistory: false,
    maxEntry: 100,
    start: () => undefined,
    subscribe: () => Promise.resolve(),
    unsubscribe: () => undefined,
    publish: (_, entry) => {
      entries.push(entry);
      return Promise.resolve(undefined);
    },
    close: () => Promise.resolve(),
  };
  const topics = new Topics({ broker });
  // An entry has 19 bytes before its messages, and 4 for each.
  await expect(topics.publish('a', Buffer.alloc(78))).rejects.toMatchObject({
    code: 'WS_ERR_PUBLISH_SIZE',
    mayBeAccepted: false,
    message: expect.stringContaining('78 bytes of at most 77') as string,
  });
  await topics.publish('a', Buffer.alloc(77));
  await Promise.all(Array.from({ length: 10 }, () => topics.publish('a', Buffer.alloc(30))));
  expect(entries.length).toBe(6);
  for (const { length } of entries) expect(length).toBeLessThanOrEqual(100);
  const small = new Topics({ broker, maxWaiting: 50 });
  await expect(small.publish('a', Buffer.alloc(51))).rejects.toMatchObject({ code: 'WS_ERR_PUBLISH_SIZE' });
  const full = [small.publish('a', Buffer.alloc(50)), small.publish('a', Buffer.alloc(1))];
  await expect(full[1]).rejects.toMatchObject({ code: 'WS_ERR_PUBLISH_FULL', mayBeAccepted: false });
  expect(await full[0]).toBe('');
});

describe('close', () => {
  /** A broker that answers each publish when it is told to. */
  const slowBroker = (): {
    broker: Broker;
    listener: () => BrokerListener;
    answers: (() => void)[];
    ended: string[];
  } => {
    const answers: (() => void)[] = [];
    const ended: string[] = [];
    let listener!: BrokerListener;
    const broker: Broker = {
      keepsHistory: false,
      start: (given) => void (listener = given),
      subscribe: () => Promise.resolve(),
      unsubscribe: () => undefined,
      publish: () => new Promise((resolve) => answers.push(() => resolve(undefined))),
      close: () => Promise.resolve(void ended.push('broker closed')),
    };
    return { broker, listener: () => listener, answers, ended };
  };
  const closed = { code: 'WS_ERR_TOPICS_CLOSED', mayBeAccepted: false };

  test('lets all leave that was published before it, and takes nothing after it', async () => {
    const { broker, answers, ended } = slowBroker();
    const topics = new Topics({ broker });
    const under = topics.publish('a', 'under way').then(() => ended.push('accepted'));
    await turn();
    const last = topics.publish('a', 'of this tick').then(() => ended.push('accepted'));
    const closing = topics.close().then(() => ended.push('closed'));
    await expect(topics.publish('a', 'late')).rejects.toMatchObject(closed);
    await turn();
    expect(answers.length).toBe(2);
    expect(ended).toEqual([]);
    for (const answer of answers) answer();
    await Promise.all([under, last, closing]);
    expect(ended).toEqual(['accepted', 'accepted', 'broker closed', 'closed']);
  });

  test('waits for ever where publishTimeout says so', async () => {
    const { broker, answers } = slowBroker();
    const topics = new Topics({ broker, publishTimeout: Infinity, checkInterval: Infinity });
    const waiting = topics.publish('a', 'one');
    await new Promise((resolve) => setTimeout(resolve, 20));
    answers[0]();
    expect(await waiting).toBe('');
    await topics.close();
  });

  test('waits for the broker no longer than publishTimeout', async () => {
    const { broker, ended } = slowBroker();
    const topics = new Topics({ broker, publishTimeout: 50 });
    const waiting = topics.publish('a', 'one');
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: 'WS_ERR_PUBLISH_TIMEOUT', mayBeAccepted: true }),
      topics.close(),
    ]);
    expect(ended).toEqual(['broker closed']);
  });

  test('rejects at once what waits for an engine that has gone', async () => {
    const { broker, listener, answers, ended } = slowBroker();
    const topics = new Topics({ broker, publishTimeout: 60_000 });
    listener().down(new Error('gone'));
    const waiting = [topics.publish('a', 'one')];
    await turn();
    waiting.push(topics.publish('a', 'two'));
    const closing = topics.close();
    for (const each of waiting) await expect(each).rejects.toMatchObject(closed);
    await closing;
    expect([answers.length, ended]).toEqual([0, ['broker closed']]);
  });

  test('ends all subscriptions at once', async () => {
    const topics = new Topics({ history: {} });
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'a');
    const waiting = topics.publish('a', 'one');
    const closing = topics.close();
    expect(topics.subscriptions(socket)).toEqual([]);
    expect(await waiting).not.toBe('');
    await closing;
    expect(socket.received).toEqual([]);
    await topics.close();
  });
});

test('diagnostics channels tell of subscriptions, messages and deliveries', async () => {
  const told: unknown[] = [];
  const listen = (message: unknown, name: unknown): void => void told.push([name, message]);
  const names = ['subscribe', 'publish', 'deliver'].map((name) => `wsimd:topics:${name}`);
  for (const name of names) channel(name).subscribe(listen);
  const topics = new Topics();
  const socket = new FakeSocket();
  await topics.subscribe(socket, 'a');
  void topics.publish('a', 'x');
  for (const name of names) channel(name).unsubscribe(listen);
  expect(told).toEqual([
    [names[0], { topic: 'a', socket }],
    [names[1], { topic: 'a', data: 'x', isBinary: false }],
    [names[2], { topic: 'a', messages: 1, subscribers: 1 }],
  ]);
});

describe('100,000 topics of one subscriber', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapUsed = (): number => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  /** Subscribes to so many topics: milliseconds of processor time and bytes, for each. */
  async function subscribeTo(topics: Topics, sockets: FakeSocket[], first: number, count: number): Promise<number[]> {
    const [bytes, usage] = [heapUsed(), process.cpuUsage()];
    const all = Array.from({ length: count }, (_, i) => topics.subscribe(sockets[i % sockets.length], `t${first + i}`));
    await Promise.all(all);
    all.length = 0;
    const { user, system } = process.cpuUsage(usage);
    return [(user + system) / 1000 / count, (heapUsed() - bytes) / count];
  }

  test('take as much each as 10,000 do, and no timer', { timeout: 60_000 }, async () => {
    const topics = new Topics({ history: {} });
    const sockets = Array.from({ length: 100 }, () => new FakeSocket());
    await subscribeTo(topics, sockets, 0, 1000);
    const before = timers();
    const [time, bytes] = await subscribeTo(topics, sockets, 1000, 10_000);
    const [timeOfMany, bytesOfMany] = await subscribeTo(topics, sockets, 11_000, 100_000);
    expect(topics.statistics.topics).toBe(111_000);
    // Others may use the machine; a time that grows with the number of topics would be ten times as long.
    expect(timeOfMany).toBeLessThan(3 * time);
    expect(bytesOfMany).toBeLessThan(1.5 * bytes);
    expect(timers()).toBe(before);
    await topics.publish('t7', 'x');
    expect(sockets[7].received).toEqual(['x']);
    const usage = process.cpuUsage();
    for (const socket of sockets) socket.finish();
    const { user, system } = process.cpuUsage(usage);
    expect((user + system) / 1000 / 111_000).toBeLessThan(3 * time);
    expect(topics.statistics.subscriptions).toBe(0);
    await topics.close();
  });
});
