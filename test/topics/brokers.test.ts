// Brokers over engines that run: what two processes' topics tell each other, also when the engine goes away.
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { clusterBroker, startHub, type Hub } from '../../src/topics/brokers/cluster.js';
import { redisBroker, type RedisClient } from '../../src/topics/brokers/redis.js';
import { Topics, type Broker, type HistoryLimits, type TopicsOptions } from '../../src/topics/index.js';
import { natsBroker, type NatsConnection } from '../../src/topics/brokers/nats.js';
import { hasEngine, startNats, startRedis, type Engine as Started } from '../support/engines.mjs';
import { runsLong } from '../support/long.js';
import { Random } from '../support/random.js';
import { FakeSocket, FullSocket, Model } from './model.js';

/** A package that is there only where development tools are installed anew; if not, says so. */
async function load(name: string): Promise<Record<string, never> | undefined> {
  try {
    return (await import(/* @vite-ignore */ name)) as Record<string, never>;
  } catch {
    console.log(`not tested: the package ${name} is not installed`);
    return undefined;
  }
}

type Engine = Pick<Started, 'port' | 'start' | 'stop' | 'end'>;

/** What of a client is used besides its broker. */
interface Client {
  on(event: string, listener: () => void): void;
  connect(): Promise<void>;
  destroy(): void;
  disconnect(): void;
}
const isRedisThere = hasEngine('redis-server');
const redis = (isRedisThere ? await load('redis') : undefined) as { createClient(options: object): Client } | undefined;
const ioredis = (isRedisThere ? await load('ioredis') : undefined) as
  { Redis: new (options: object) => Client } | undefined;

const nats = (hasEngine('nats-server') ? await load('@nats-io/transport-node') : undefined) as
  { connect(options: object): Promise<NatsConnection & { close(): Promise<void> }> } | undefined;

interface Kind {
  readonly name: string;
  /** Whether its history ends with it. */
  readonly forgets?: boolean;
  /** The longest entry that it takes, in bytes. */
  readonly limit: number;
  start(): Promise<Engine>;
  /** A broker with a client of its own, and the end of that. */
  connect(
    port: number,
    history: Partial<HistoryLimits> | boolean,
    prefix?: string,
  ): Promise<[broker: Broker, end: () => void, client?: unknown]>;
  /** Makes the engine forget all history of `connect(port, true)`. */
  erase?(client: unknown): unknown;
}

const kinds: Kind[] = [
  {
    name: 'redis',
    limit: 2 ** 20,
    start: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always', '--proto-max-bulk-len', '1mb'),
    async connect(port, history, prefix) {
      const client = redis!.createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 50 } });
      client.on('error', () => undefined);
      await client.connect();
      const broker = redisBroker(client as unknown as RedisClient, { history, prefix });
      return [broker, () => client.destroy(), client];
    },
    erase: (client) => (client as { flushAll(): unknown }).flushAll(),
  },
  {
    name: 'ioredis',
    limit: 2 ** 20,
    start: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always', '--proto-max-bulk-len', '1mb'),
    connect(port, history, prefix) {
      const client = new ioredis!.Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      const broker = redisBroker(client as unknown as RedisClient, { history, prefix });
      return Promise.resolve([broker, () => client.disconnect(), client]);
    },
    erase: (client) => (client as { flushall(): unknown }).flushall(),
  },
  {
    name: 'nats',
    limit: 2 ** 20,
    start: () => startNats(),
    // A stream has the limits that it was made with.
    async connect(port, history, prefix = typeof history === 'object' ? 'short:' : history ? 'kept:' : 'plain:') {
      const connection = await nats!.connect({
        servers: `127.0.0.1:${port}`,
        reconnectTimeWait: 50,
        maxReconnectAttempts: -1,
      });
      return [natsBroker(connection, { history, prefix }), () => connection.close(), connection];
    },
    erase: (connection) => (connection as NatsConnection).publish('$JS.API.STREAM.DELETE.kept_3A'),
  },
];
const clients: Record<string, unknown> = { redis, ioredis, nats };
/** Both kinds of history by one name, on two hubs: an engine for `connect`, whose port says which directory they are in. */
const directories = new Map<number, string>();
async function startHubs(): Promise<Engine> {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-hub-'));
  const port = directories.size;
  directories.set(port, directory);
  let hubs: Hub[] = [];
  const start = async (): Promise<void> => {
    hubs = [
      await startHub({ path: join(directory, 'plain') }),
      await startHub({ path: join(directory, 'kept'), history: true }),
      await startHub({ path: join(directory, 'short'), history: { messages: 2 } }),
    ];
  };
  const stop = async (): Promise<void> => {
    await Promise.all(hubs.map((hub) => hub.close()));
    hubs = [];
  };
  const end = async (): Promise<void> => {
    await stop();
    rmSync(directory, { recursive: true });
  };
  await start();
  return { port, start, stop, end };
}
const cluster: Kind = {
  name: 'cluster',
  forgets: true,
  limit: 2 ** 24,
  start: startHubs,
  connect(port, history) {
    const name = history === false ? 'plain' : history === true ? 'kept' : 'short';
    const path = join(directories.get(port)!, name);
    return Promise.resolve([clusterBroker({ path, history: history !== false }), () => undefined]);
  },
};

const SOON = { timeout: 10_000, interval: 1 };
const timeout = runsLong ? 300_000 : 20_000;

/** Random operations on the topics of several processes, each socket of one of them; every one is held against the model. */
async function expectModel(all: readonly Topics[], names: readonly string[], random: Random, steps: number) {
  const model = new Model();
  const sockets: { readonly fake: FakeSocket; readonly topics: Topics }[] = [];
  // Messages of one topic have an order for each publisher; those of two topics have none.
  const ofTopic = (texts: readonly string[], name: string): string[] => texts.filter((text) => text.startsWith(name));
  const dueOf = (fake: FakeSocket): readonly string[] => model.due.get(fake) ?? [];
  const hasAll = ({ fake }: { fake: FakeSocket }): boolean => fake.received.length >= dueOf(fake).length;
  // One in each process hears all: a message that is under way would be delivered to those who subscribe meanwhile.
  const witnesses = all.map((topics) => ({ fake: new FakeSocket(), topics }));
  for (const { fake, topics } of witnesses) {
    for (const name of names) {
      await topics.subscribe(fake, name);
      model.of(name).add(fake);
    }
  }
  for (let step = 0; step < steps; step++) {
    const name = names[random.below(names.length)];
    if (sockets.length < 4 || random.below(20) === 0) {
      sockets.push({ fake: new FakeSocket(), topics: all[random.below(all.length)] });
    }
    const index = random.below(sockets.length);
    const { fake, topics } = sockets[index];
    switch (random.below(8)) {
      case 0:
      case 1:
        await topics.subscribe(fake, name);
        model.of(name).add(fake);
        break;
      case 2:
        expect(topics.unsubscribe(fake, name)).toBe(model.of(name).delete(fake));
        break;
      case 3:
        if (random.below(4) > 0) break;
        sockets.splice(index, 1);
        fake.finish();
        model.close(fake);
        break;
      default: {
        const settled = Array.from({ length: random.between(1, 3) }, (_, number) => {
          const except = random.below(3) === 0 ? fake : undefined;
          const text = `${name} ${step}.${number}`;
          model.publish(name, text, except);
          return topics.publish(name, text, { except });
        });
        await Promise.all(settled);
        // Perhaps another process publishes next: without history the messages of two have no common order.
        await vi.waitUntil(() => [...witnesses, ...sockets].every(hasAll), SOON);
      }
    }
    expect(topics.isSubscribed(fake, name)).toBe(model.of(name).has(fake));
  }
  await delay(20);
  for (const [fake, due] of model.due) {
    for (const name of names) expect(ofTopic(fake.received, name)).toEqual(ofTopic(due, name));
    expect(fake.received.length).toBe(due.length);
  }
  const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
  const dueInAll = sum([...model.due.values()].map(({ length }) => length));
  expect(sum(all.map(({ statistics }) => statistics.delivered))).toBe(dueInAll);
  expect(sum(all.map(({ statistics }) => statistics.due))).toBe(dueInAll);
}

describe.each([cluster, ...kinds.filter(({ name }) => clients[name] !== undefined)])('over $name', (kind) => {
  let engine: Engine;
  /** Last first. */
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    engine = await kind.start();
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await engine.end();
  });
  const open = async (history: Partial<HistoryLimits> | boolean, options: TopicsOptions = {}): Promise<Topics> => {
    const [broker, end] = await kind.connect(engine.port, history);
    const topics = new Topics({ checkInterval: 0, ...options, broker });
    ends.unshift(() => topics.close(), end);
    return topics;
  };

  test.each([false, true])('messages come once, in order, to all processes; history: %s', async (history) => {
    const [a, b] = [await open(history), await open(history)];
    const name = `order ${history} ü`;
    const [near, author, far] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
    await Promise.all([a.subscribe(near, name), a.subscribe(author, name), b.subscribe(far, name)]);
    const texts = Array.from({ length: 300 }, (_, index) => `m${index}`);
    for (const [index, text] of texts.entries()) {
      void a.publish(name, text, { except: author });
      if (!history && index === 0) expect(near.received).toEqual(['m0']);
      if (index % 7 === 0) await delay(0);
    }
    await vi.waitUntil(() => far.received.length >= 300 && near.received.length >= 300, 10_000);
    await b.publish(name, 'last');
    await vi.waitUntil(() => author.received.length > 0, 10_000);
    expect(far.received).toEqual([...texts, 'last']);
    expect(near.received).toEqual([...texts, 'last']);
    expect(author.received).toEqual(['last']);
  });

  test.each([false, true])(
    'random operations deliver what the model does; history: %s',
    { timeout },
    async (history) => {
      for (let seed = 1; seed <= (runsLong ? 10 : 1); seed++) {
        const topics = [await open(history), await open(history)];
        const names = ['a', 'b', 'ü'].map((name) => `model ${history} ${seed} ${name}`);
        await expectModel(topics, names, new Random(seed), runsLong ? 1000 : 100);
        await Promise.all(topics.map((one) => one.close()));
      }
    },
  );

  test('with history all subscribers of a topic see one order of all publishers, with the positions of the publishers', async () => {
    const envelope: TopicsOptions['envelope'] = ({ data, position }) => `${String(data)} ${position}`;
    const [a, b] = [await open(true, { envelope }), await open(true, { envelope })];
    const [near, far] = [new FakeSocket(), new FakeSocket()];
    await Promise.all([a.subscribe(near, 'both'), b.subscribe(far, 'both')]);
    const published: Promise<string>[] = [];
    for (let index = 0; index < 100; index++) {
      for (const [name, topics] of Object.entries({ a, b })) {
        for (const part of [1, 2]) {
          const text = `${name}${index}.${part}`;
          published.push(topics.publish('both', text, { compress: part === 2 }).then((place) => `${text} ${place}`));
        }
      }
      if (index % 5 === 0) await delay(0);
    }
    const texts = await Promise.all(published);
    await vi.waitUntil(() => [near, far].every(({ received }) => received.length >= texts.length), 10_000);
    expect(near.received).toEqual(far.received);
    expect([...near.received].sort()).toEqual(texts.sort());
  });

  test('clients recover in another process, whatever is published meanwhile, also from a silent topic', async () => {
    const [a, b] = [await open(true), await open(true)];
    const { position } = await a.subscribe(new FakeSocket(), 'recovery');
    const positions = [position];
    for (let i = 0; i < 20; i++) positions.push(await a.publish('recovery', `m${i}`));
    let count = 20;
    for (const [index, after] of positions.entries()) {
      const socket = new FakeSocket();
      const subscribed = b.subscribe(socket, 'recovery', { after });
      const live = a.publish('recovery', `m${count++}`);
      expect((await subscribed).recovered).toBe(true);
      await live;
      await vi.waitUntil(() => socket.received.length >= count - index, 10_000);
      expect(socket.received).toEqual(Array.from({ length: count - index }, (_, i) => `m${i + index}`));
      socket.finish();
    }
    const silent = await b.subscribe(new FakeSocket(), 'silent');
    expect((await a.subscribe(new FakeSocket(), 'silent', { after: silent.position })).recovered).toBe(true);
  });

  test('a history of any length comes at the pace of each socket', { timeout }, async () => {
    const [a, b] = [await open(true), await open(true, { slow: { limit: 2 ** 19 } })];
    const { position } = await a.subscribe(new FakeSocket(), 'long');
    const text = (number: number): string => `${number} `.padEnd(2 ** 17, 'x');
    const positions = [position];
    for (let number = 0; number < 140; number++) positions.push(await a.publish('long', text(number)));
    const sockets = [0, 1, 70, 140].map((from) => ({ from, socket: new FullSocket() }));
    const state = { isDone: false };
    const results = Promise.all(
      sockets.map(({ from, socket }) => b.subscribe(socket, 'long', { after: positions[from] })),
    );
    void results.then(() => (state.isDone = true));
    for (let number = 140; !state.isDone; number++) {
      if (number < 150) void a.publish('long', text(number));
      await delay(5);
      for (const { socket } of sockets) socket.drain();
    }
    expect((await results).map(({ recovered }) => recovered)).toEqual([true, true, true, true]);
    await vi.waitUntil(() => sockets.every(({ from, socket }) => socket.received.length >= 150 - from), SOON);
    for (const { from, socket } of sockets) {
      expect(socket.received.map((one) => parseInt(one, 10))).toEqual(
        Array.from({ length: 150 - from }, (_, index) => from + index),
      );
      expect(socket.most).toBeLessThanOrEqual(2 ** 19);
    }
  });

  if (kind !== cluster)
    test('a part of a history costs the engine no more for what comes after it', { timeout }, async () => {
      const [broker, end, client] = await kind.connect(engine.port, true);
      ends.unshift(end);
      const topics = new Topics({ broker, checkInterval: 0 });
      ends.unshift(() => topics.close());
      const cost = async (): Promise<number> => {
        if (kind.name === 'nats') return (client as { stats(): { inBytes: number } }).stats().inBytes;
        const text = await (client as { info(section: string): Promise<string> }).info('cpu');
        return [...text.matchAll(/^used_cpu_(?:user|sys):(.+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
      };
      const offsets: number[] = [];
      for (let number = 0; number < 20; number++) {
        offsets.push(parseInt(await topics.publish('parts', 'x'.repeat(400_000)), 10) - 1);
      }
      const costs: number[] = [];
      for (const offset of [offsets[0], offsets[19]]) {
        const before = await cost();
        for (let reads = 0; reads < 50; reads++) {
          const { isWhole, entries, hasMore } = await broker.read!('parts', offset, 1);
          expect([isWhole, entries.length, hasMore]).toEqual([true, 1, offset === offsets[0]]);
        }
        costs.push((await cost()) - before);
      }
      expect(costs[0]).toBeLessThan(4 * costs[1]);
    });

  test('clients come back together, to a topic that was silent while others were not', async () => {
    const all = [await open(true), await open(true), await open(true)];
    const positions: string[] = [];
    for (const topics of all) {
      await topics.publish('loud', 'x');
      positions.push((await topics.subscribe(new FakeSocket(), 'quiet')).position);
    }
    const sockets = positions.map(() => new FakeSocket());
    const results = await Promise.all(
      positions.map((after, index) => all[0].subscribe(sockets[index], 'quiet', { after })),
    );
    expect(results.map(({ recovered }) => recovered)).toEqual([true, true, true]);
    await all[1].publish('quiet', 'live');
    await vi.waitUntil(() => sockets.every(({ received }) => received.length > 0), 10_000);
    const again = positions.map(() => new FakeSocket());
    await Promise.all(positions.map((after, index) => all[2].subscribe(again[index], 'quiet', { after })));
    for (const { received } of [...sockets, ...again]) expect(received).toEqual(['live']);
  });

  test('names of any signs are topics of their own, also as history', async () => {
    const [a, b] = [await open(true), await open(true)];
    const names = ['a.b', 'a.*', 'a.>', '>', 'a b', '}', '{}', '{a}', '%2E', 'ü'.repeat(128), 'a/b:c'];
    const sockets = names.map(() => new FakeSocket());
    const started = await Promise.all(names.map((name, index) => b.subscribe(sockets[index], name)));
    await Promise.all(names.map((name) => a.publish(name, name)));
    await vi.waitUntil(() => sockets.every(({ received }) => received.length > 0), 10_000);
    const later = names.map(() => new FakeSocket());
    await Promise.all(names.map((name, i) => a.subscribe(later[i], name, { after: started[i].position })));
    for (const [index, name] of names.entries()) {
      expect(sockets[index].received).toEqual([name]);
      expect(later[index].received).toEqual([name]);
    }
  });

  test('history that does not reach back is not sent', async () => {
    const topics = await open({ messages: 2 });
    const after = await topics.publish('short', '0');
    for (const text of ['1', '2', '3']) await topics.publish('short', text);
    const socket = new FakeSocket();
    expect((await topics.subscribe(socket, 'short', { after })).recovered).toBe(false);
    expect(socket.received).toEqual([]);
  });

  test(
    'with history an engine that is started again doubles and disorders nothing, and loses nothing that it has kept',
    { timeout: 60_000 },
    async () => {
      const [a, b] = [await open(true, { publishTimeout: 20_000 }), await open(true)];
      const told: string[] = [];
      const gaps: unknown[] = [];
      b.on('gap', (gap) => gaps.push(gap));
      for (const name of ['brokerDown', 'brokerUp']) b.on(name, () => told.push(name));
      const [near, far] = [new FakeSocket(), new FakeSocket()];
      await Promise.all([a.subscribe(near, 'restart'), b.subscribe(far, 'restart')]);
      const texts = Array.from({ length: 400 }, (_, index) => `m${index}`);
      const refused = new Set<string>();
      const settled: Promise<unknown>[] = [];
      for (const [index, text] of texts.entries()) {
        const published = a.publish('restart', text);
        settled.push(
          published.catch((error: { mayBeAccepted: boolean }) => {
            // A client may give up what was under way when its connection was cut; that may have been accepted.
            expect(error.mayBeAccepted).toBe(true);
            refused.add(text);
          }),
        );
        await delay(1);
        if (index === 100 || index === 250) {
          await engine.stop();
          void engine.start();
        }
      }
      await Promise.all(settled);
      // Each cut may take along all that the application published while the client noticed it: on busy cores, dozens.
      expect(refused.size).toBeLessThan(texts.length / 2);
      await a.publish('restart', 'last');
      await vi.waitUntil(() => far.received.at(-1) === 'last' && near.received.at(-1) === 'last', 20_000);
      const received = new Set(far.received);
      if (kind.forgets === true) {
        // What was lost with the history is reported, and nothing is doubled or out of order.
        expect(far.received).toEqual([...texts.filter((text) => received.has(text)), 'last']);
        expect(gaps).toContainEqual({ topics: ['restart'] });
      } else {
        expect(far.received).toEqual([...texts.filter((text) => !refused.has(text) || received.has(text)), 'last']);
        expect(near.received).toEqual(far.received);
        expect(gaps).toEqual([]);
      }
      // A client may subscribe again, and hear the last message, before its broker tells that the engine is back.
      await vi.waitUntil(() => told.length > 1, 20_000);
      expect(told.slice(0, 2)).toEqual(['brokerDown', 'brokerUp']);
    },
  );

  test(
    'without history a restart doubles and disorders nothing, and reports the gap',
    { timeout: 60_000 },
    async () => {
      const [a, b] = [await open(false, { publishTimeout: 500 }), await open(false)];
      const gaps: string[][] = [];
      b.on('gap', ({ topics }: { topics: string[] }) => gaps.push(topics));
      const [near, far] = [new FakeSocket(), new FakeSocket()];
      await Promise.all([a.subscribe(near, 'lossy'), b.subscribe(far, 'lossy')]);
      let rejected = 0;
      for (let index = 0; index < 300; index++) {
        a.publish('lossy', `m${index}`).catch(() => rejected++);
        await delay(1);
        if (index === 100) await engine.stop();
        if (index === 200) await engine.start();
      }
      await vi.waitUntil(() => gaps.length > 0, 10_000);
      await vi.waitUntil(() => {
        void a.publish('lossy', 'end');
        return far.received.includes('end');
      }, 10_000);
      expect(gaps[0]).toEqual(['lossy']);
      const numbers = far.received.filter((text) => text !== 'end').map((text) => Number(text.slice(1)));
      expect(numbers).toEqual([...new Set(numbers)].sort((x, y) => x - y));
      expect(near.received.slice(0, 300)).toEqual(Array.from({ length: 300 }, (_, index) => `m${index}`));
    },
  );

  if (kind.erase !== undefined)
    test('history that the engine has lost is told, and goes on anew', async () => {
      const [broker, end, client] = await kind.connect(engine.port, true);
      ends.unshift(end);
      const topics = new Topics({ broker, checkInterval: 0 });
      ends.unshift(() => topics.close());
      const gaps: unknown[] = [];
      topics.on('gap', (gap) => gaps.push(gap));
      const socket = new FakeSocket();
      await topics.subscribe(socket, 'erased');
      const texts = ['0', '1', '2'];
      let after = '';
      for (const text of texts) after = await topics.publish('erased', text);
      await vi.waitUntil(() => socket.received.length === texts.length, 10_000);
      await kind.erase!(client);
      await vi.waitUntil(async () => {
        const text = `again ${texts.length}`;
        // An engine may refuse until all is made anew; none of these is delivered.
        const isTaken = await topics.publish('erased', text).then(
          () => texts.push(text),
          () => undefined,
        );
        return isTaken !== undefined && gaps.length > 0;
      }, 10_000);
      texts.push('last');
      await topics.publish('erased', 'last');
      await vi.waitUntil(() => socket.received.at(-1) === 'last', 10_000);
      expect(gaps[0]).toEqual({ topics: ['erased'] });
      expect(socket.received).toEqual([...new Set(socket.received)]);
      expect(socket.received.slice(0, 3)).toEqual(texts.slice(0, 3));
      const late = new FakeSocket();
      expect((await topics.subscribe(late, 'erased', { after })).recovered).toBe(false);
      expect(late.received).toEqual([]);
    });

  // The hub is in this process, and its clock is too.
  if (kind !== cluster)
    test('history is as old as the engine says, whatever the clocks of the processes say', async () => {
      onTestFinished(() => void vi.useRealTimers());
      const topics = await open(true);
      const socket = new FakeSocket();
      const { position: after } = await topics.subscribe(socket, 'clocks');
      for (const [index, hours] of [-1, 1].entries()) {
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 3_600_000 });
        await topics.publish('clocks', String(index));
        const late = new FakeSocket();
        expect((await topics.subscribe(late, 'clocks', { after })).recovered).toBe(true);
        vi.useRealTimers();
        expect((await topics.subscribe(new FakeSocket(), 'clocks', { after })).recovered).toBe(true);
      }
    });

  if (kind !== cluster)
    test('applications with prefixes of their own share an engine', async () => {
      const sockets = [new FakeSocket(), new FakeSocket()];
      const all = await Promise.all(
        ['one:', 'two:'].map(async (prefix, index) => {
          const [broker, end] = await kind.connect(engine.port, true, prefix);
          ends.unshift(end);
          const topics = new Topics({ broker, checkInterval: 0 });
          ends.unshift(() => topics.close());
          await topics.subscribe(sockets[index], 'shared');
          return topics;
        }),
      );
      for (const [index, topics] of all.entries()) await topics.publish('shared', String(index));
      await vi.waitUntil(() => sockets.every(({ received }) => received.length > 0), 10_000);
      expect(sockets.map(({ received }) => received)).toEqual([['0'], ['1']]);
    });

  if (kind !== cluster)
    test('a client keeps no listeners of topics that were closed', async () => {
      const [broker, end, client] = await kind.connect(engine.port, true);
      ends.unshift(end);
      const emitter = client as EventEmitter;
      const count = (): number =>
        emitter instanceof EventEmitter
          ? emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
          : 0;
      const before = count();
      if (kind.name.endsWith('redis')) {
        const [one, ...others] = Array.from(
          { length: 11 },
          () => new Topics({ broker: redisBroker(client as RedisClient) }),
        );
        await one.publish('listeners', 'x');
        const ready = emitter.listenerCount('ready');
        expect(ready).toBeLessThanOrEqual(2);
        await Promise.all(others.map((topics) => topics.close()));
        expect(emitter.listenerCount('ready')).toBe(ready);
        await one.close();
        expect([count(), emitter.listenerCount('ready')]).toEqual([before, ready - 1]);
      }
      const topics = new Topics({ broker });
      await topics.subscribe(new FakeSocket(), 'listeners');
      await topics.publish('listeners', 'x');
      await topics.close();
      expect(count()).toBe(before);
    });

  if (kind === kinds[0])
    test('topics that are closed at once leave no connection to the engine', async () => {
      const [broker, end, client] = await kind.connect(engine.port, false);
      ends.unshift(end);
      const ask = async (...words: string[]): Promise<string> =>
        String(await (client as { sendCommand(words: string[]): unknown }).sendCommand(words));
      const count = async (): Promise<number> => (await ask('CLIENT', 'LIST')).match(/^id=/gm)!.length;
      const opened = async (): Promise<number> =>
        Number(/total_connections_received:(\d+)/.exec(await ask('INFO', 'stats'))![1]);
      const [before, earlier] = [await count(), await opened()];
      await new Topics({ broker, checkInterval: 0 }).close();
      await vi.waitUntil(async () => (await opened()) > earlier, SOON);
      await vi.waitUntil(async () => (await count()) === before, SOON);
    });

  if (kind !== cluster)
    test('a client that the application closes first leaves nothing unhandled or waiting', async () => {
      const [broker, end] = await kind.connect(engine.port, true);
      const topics = new Topics({ broker, checkInterval: 50, publishTimeout: 300 });
      const down = once(topics, 'brokerDown');
      const socket = new FakeSocket();
      await topics.subscribe(socket, 'orphans');
      end();
      await expect(topics.publish('orphans', 'x')).rejects.toMatchObject({ name: 'TopicsError' });
      void topics.subscribe(socket, 'more');
      await down;
      socket.finish();
      // The subscriptions are given up after a second.
      await delay(1100);
      await topics.close();
    });

  test('a message longer than the engine takes rejects with its length and the limit', async () => {
    const topics = await open(false, { maxWaiting: 2 ** 31 });
    // Its limit is known with its first answer.
    await topics.publish('long', 'x');
    const length = kind.limit + 1;
    await expect(topics.publish('long', Buffer.alloc(length))).rejects.toMatchObject({
      code: 'WS_ERR_PUBLISH_SIZE',
      mayBeAccepted: false,
      message: expect.stringContaining(`${length} bytes of at most `) as string,
    });
    const far = await open(false);
    const socket = new FakeSocket();
    await far.subscribe(socket, 'long');
    await topics.publish('long', Buffer.alloc(kind.limit - 200));
    await vi.waitUntil(() => socket.received.length > 0, 10_000);
    expect(socket.received[0].length).toBe(kind.limit - 200);
  });

  test('what waits for an engine that has gone is bounded in time and bytes', { timeout: 30_000 }, async () => {
    const topics = await open(false, { publishTimeout: 300, maxWaiting: 1000 });
    const isDown = new Promise((resolve) => topics.once('brokerDown', resolve));
    await engine.stop();
    await isDown;
    const late = topics.publish('bounds', Buffer.alloc(600));
    await expect(topics.publish('bounds', Buffer.alloc(600))).rejects.toMatchObject({ code: 'WS_ERR_PUBLISH_FULL' });
    await expect(late).rejects.toMatchObject({ code: 'WS_ERR_PUBLISH_TIMEOUT', mayBeAccepted: false });
    await engine.start();
  });

  test('an engine that is connected but deaf is found within two intervals', async () => {
    const [broker, end] = await kind.connect(engine.port, false);
    ends.unshift(end);
    let isDeaf = false;
    const pulse = broker.pulse!.bind(broker);
    broker.pulse = () => (isDeaf ? new Promise(() => undefined) : pulse());
    const topics = new Topics({ broker, checkInterval: 100 });
    ends.unshift(() => topics.close());
    await topics.subscribe(new FakeSocket(), 'deaf');
    await delay(250);
    isDeaf = true;
    const since = performance.now();
    const down = new Promise((resolve) => topics.once('brokerDown', resolve));
    const up = new Promise((resolve) => topics.once('brokerUp', resolve));
    await down;
    expect(performance.now() - since).toBeLessThan(1000);
    isDeaf = false;
    await up;
  });
});

test.runIf(redis)('a client of redis that does not reconnect says that the engine has gone', async () => {
  const engine = await startRedis();
  const client = redis!.createClient({
    url: `redis://127.0.0.1:${engine.port}`,
    socket: { reconnectStrategy: false },
  });
  client.on('error', () => undefined);
  await client.connect();
  const topics = new Topics({ broker: redisBroker(client as unknown as RedisClient), checkInterval: 0 });
  try {
    await topics.subscribe(new FakeSocket(), 'a');
    const down = once(topics, 'brokerDown');
    await engine.stop();
    expect(await down).toEqual([expect.any(Error)]);
    await topics.close();
  } finally {
    await engine.end();
  }
});

test.runIf(redis)('a Redis that has started again is away until it has loaded its history', async () => {
  const engine = await startRedis('--appendonly', 'yes');
  const client = redis!.createClient({
    url: `redis://127.0.0.1:${engine.port}`,
    socket: { reconnectStrategy: 20 },
  }) as Client & { sendCommand(command: string[], options: object): Promise<unknown> };
  client.on('error', () => undefined);
  await client.connect();
  // So that its few entries take as long as a long history does.
  let isLoading = false;
  const send = client.sendCommand.bind(client);
  client.sendCommand = (command, options) =>
    isLoading ? Promise.reject(new Error('LOADING Redis is loading the dataset in memory')) : send(command, options);
  const topics = new Topics({ broker: redisBroker(client as unknown as RedisClient, { history: true }) });
  const socket = new FakeSocket();
  try {
    await topics.subscribe(socket, 'a');
    const down = once(topics, 'brokerDown');
    await engine.stop();
    await down;
    isLoading = true;
    const isReady = new Promise<void>((resolve) => client.on('ready', resolve));
    await engine.start();
    await isReady;
    const texts = ['m0', 'm1', 'm2'];
    const published = texts.map(async (text) => {
      await delay(10);
      return topics.publish('a', text);
    });
    await delay(200);
    isLoading = false;
    await Promise.all(published);
    await vi.waitUntil(() => socket.received.length === 3);
    expect(socket.received).toEqual(texts);
  } finally {
    await topics.close();
    client.destroy();
    await engine.end();
  }
});

test.runIf(redis)('topics that are closed leave no connection to a Redis that answers nothing', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = redis!.createClient({ url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}` });
  client.on('error', () => undefined);
  const topics = new Topics({ broker: redisBroker(client as unknown as RedisClient), checkInterval: 0 });
  const [socket] = (await once(server, 'connection')) as [Socket];
  try {
    const ended = once(socket.resume(), 'end');
    // The client has sent its first command, and waits for the answer.
    await once(socket, 'data');
    await topics.close();
    await ended;
  } finally {
    socket.destroy();
    server.close();
  }
});

test.runIf(redis)(
  'an engine that comes back without its latest messages gives nobody others in their place',
  async () => {
    const engine = await startRedis();
    const connect = async (): Promise<[Topics, () => Promise<void>]> => {
      const client = redis!.createClient({
        url: `redis://127.0.0.1:${engine.port}`,
        socket: { reconnectStrategy: 50 },
      }) as Client & { sendCommand(command: string[]): Promise<unknown> };
      client.on('error', () => undefined);
      await client.connect();
      const topics = new Topics({ broker: redisBroker(client as unknown as RedisClient, { history: true }) });
      const end = async (): Promise<void> => {
        await topics.close();
        client.destroy();
      };
      if (saved === undefined) saved = () => client.sendCommand(['SAVE']);
      return [topics, end];
    };
    let saved: (() => Promise<unknown>) | undefined;
    const [one, endOne] = await connect();
    try {
      const socket = new FakeSocket();
      await one.subscribe(socket, 'a');
      const kept = await one.publish('a', 'kept');
      await saved!();
      await one.publish('a', 'lost 1');
      const lost = await one.publish('a', 'lost 2');
      await vi.waitUntil(() => socket.received.length === 3);
      const up = once(one, 'brokerUp');
      const gap = once(one, 'gap');
      await engine.stop();
      await engine.start();
      await up;
      expect(await gap).toEqual([{ topics: ['a'] }]);
      // As many as were lost, and one more.
      const texts = ['new 1', 'new 2', 'new 3'];
      const [two, endTwo] = await connect();
      for (const text of texts) await two.publish('a', text);
      const [behind, beyond] = [new FakeSocket(), new FakeSocket()];
      expect((await two.subscribe(beyond, 'a', { after: lost })).recovered).toBe(false);
      expect(beyond.received).toEqual([]);
      expect((await two.subscribe(behind, 'a', { after: kept })).recovered).toBe(true);
      expect(behind.received).toEqual(texts);
      await vi.waitUntil(() => socket.received.length === 6);
      expect(socket.received.slice(3)).toEqual(texts);
      await endTwo();
    } finally {
      await endOne();
      await engine.end();
    }
  },
);

test.runIf(nats)('with NATS a topic stays whole while others lose their oldest messages', async () => {
  const engine = await startNats();
  const connection = await nats!.connect({ servers: `127.0.0.1:${engine.port}` });
  const topics = new Topics({ broker: natsBroker(connection, { history: { messages: 3 } }) });
  try {
    const { position } = await topics.subscribe(new FakeSocket(), 'silent');
    for (let index = 0; index < 10; index++) await topics.publish('busy', String(index));
    expect(await topics.subscribe(new FakeSocket(), 'silent', { after: position })).toMatchObject({ recovered: true });
    await topics.publish('silent', 'a word');
    for (let index = 0; index < 10; index++) await topics.publish('busy', String(index));
    const socket = new FakeSocket();
    expect(await topics.subscribe(socket, 'silent', { after: position })).toMatchObject({ recovered: true });
    expect(socket.received).toEqual(['a word']);
    expect(await topics.subscribe(socket, 'busy', { after: position })).toMatchObject({ recovered: false });
  } finally {
    await topics.close();
    await connection.close();
    await engine.end();
  }
});

test.runIf(nats)('a history of long messages behind short ones makes NATS cut nobody off', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-nats-'));
  writeFileSync(join(directory, 'conf'), 'max_pending: 2000000');
  const engine = await startNats('-c', join(directory, 'conf'));
  const connection = await nats!.connect({ servers: `127.0.0.1:${engine.port}`, reconnectTimeWait: 50 });
  const broker = natsBroker(connection, { history: true });
  const topics = new Topics({ broker, checkInterval: 0, slow: { limit: 2 ** 30 } });
  try {
    const down = vi.fn();
    topics.on('brokerDown', down);
    const { position } = await topics.subscribe(new FakeSocket(), 'a');
    const lengths = [...Array<number>(341).fill(1), ...Array<number>(400).fill(20_000)];
    for (const length of lengths) await topics.publish('a', 'x'.repeat(length));
    const socket = new FakeSocket();
    expect(await topics.subscribe(socket, 'a', { after: position })).toMatchObject({ recovered: true });
    expect(socket.received.map((text) => text.length)).toEqual(lengths);
    expect(down).not.toHaveBeenCalled();
  } finally {
    await topics.close();
    await connection.close();
    await engine.end();
    rmSync(directory, { recursive: true });
  }
});

test.runIf(nats)('a stream that was deleted is made anew for those who subscribe', async () => {
  const engine = await startNats();
  const connection = await nats!.connect({ servers: `127.0.0.1:${engine.port}` });
  const topics = new Topics({ broker: natsBroker(connection, { history: true }), checkInterval: 0 });
  try {
    await topics.subscribe(new FakeSocket(), 'a');
    const after = await topics.publish('a', 'gone');
    connection.publish('$JS.API.STREAM.DELETE.wsimd_3A');
    await connection.flush();
    expect(await topics.subscribe(new FakeSocket(), 'a', { after })).toMatchObject({ recovered: false });
    const socket = new FakeSocket();
    await topics.subscribe(socket, 'b');
    await topics.publish('b', 'new');
    await vi.waitUntil(() => socket.received.length > 0);
  } finally {
    await topics.close();
    await connection.close();
    await engine.end();
  }
});
