// Clients of Redis as applications set them up: each relays topics between two processes, and their history.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { redisBroker, type RedisBrokerOptions, type RedisClient } from '../../src/topics/brokers/redis.js';
import { Topics } from '../../src/topics/index.js';
import { hasEngine, startRedis, type Engine } from '../support/engines.mjs';
import { FakeSocket } from './model.js';

interface Made {
  readonly client: object;
  readonly end: () => void;
}

interface Kind {
  readonly name: string;
  readonly make: (port: number) => Made | Promise<Made>;
}

const isThere = hasEngine('redis-server');

async function kindsThere(): Promise<Kind[]> {
  if (!isThere) return [];
  try {
    const { createClient } = await import('redis');
    const { Redis } = await import('ioredis');
    const overRedis = (name: string, options: object, change = (client: object): object => client): Kind => ({
      name: `redis ${name}`,
      async make(port) {
        const client = createClient({ url: `redis://127.0.0.1:${port}`, ...options });
        await client.connect();
        return { client: change(client), end: () => client.destroy() };
      },
    });
    const overIoredis = (options: object): Kind => ({
      name: `ioredis ${JSON.stringify(options)}`,
      make(port) {
        const client = new Redis({ port, ...options });
        return { client, end: () => client.disconnect() };
      },
    });
    return [
      // `sendCommand` of version 5 takes the types of values from its own options alone.
      overRedis('of version 5', {}, (client) => Object.assign(client, { withTypeMapping: () => client })),
      overRedis('with types of its own, in RESP3', {
        RESP: 3,
        commandOptions: { typeMapping: { 37: Map, 58: String } },
      }),
      overIoredis({ enableAutoPipelining: true }),
      overIoredis({ keyPrefix: 'app:' }),
      overIoredis({ keyPrefix: 'app:', enableAutoPipelining: true, lazyConnect: true, stringNumbers: true }),
    ];
  } catch {
    console.log('not tested: the packages redis and ioredis are not installed');
    return [];
  }
}

const kinds = await kindsThere();
let engine: Engine;
beforeAll(async () => {
  if (isThere) engine = await startRedis();
});
afterAll(() => engine?.end());

const ways: RedisBrokerOptions[] = [{}, { history: true }, { sharded: true }, { sharded: true, history: true }];
const cases = kinds.flatMap((kind) => ways.map((options) => ({ ...kind, options })));

test.each(cases)('$name relays topics; $options', async ({ name, make, options }) => {
  const made = await Promise.all([make(engine.port), make(engine.port)]);
  const prefix = `${name}${JSON.stringify(options)}:`;
  const all = made.map(({ client }) => {
    const broker = redisBroker(client as RedisClient, { ...options, prefix });
    return new Topics({ broker, checkInterval: 0 });
  });
  const sockets = all.map(() => new FakeSocket());
  try {
    const [{ position }] = await Promise.all(all.map((topics, index) => topics.subscribe(sockets[index], 'a')));
    const texts = ['one', 'two', 'three'];
    for (const [index, text] of texts.entries()) {
      await all[index % 2].publish('a', text);
      await vi.waitUntil(() => sockets.every(({ received }) => received.length > index));
    }
    expect(sockets.map(({ received }) => received)).toEqual([texts, texts]);
    if (options.history !== true) return;
    const late = new FakeSocket();
    const { recovered } = await all[1].subscribe(late, 'a', { after: position });
    expect([recovered, late.received]).toEqual([true, texts]);
  } finally {
    for (const topics of all) await topics.close();
    for (const { end } of made) end();
  }
});

test.runIf(kinds.length > 0)('ioredis subscribes before it is connected, also where it keeps no commands', async () => {
  const { Redis } = await import('ioredis');
  const client = new Redis({ port: engine.port, enableOfflineQueue: false });
  const broker = redisBroker(client as unknown as RedisClient);
  try {
    await broker.subscribe(['a']);
  } finally {
    await broker.close();
    client.disconnect();
  }
});

test('a client that cannot relay is the caller’s mistake', () => {
  const duplicate = (): void => undefined;
  for (const client of [{}, { duplicate, getSentinelNode: duplicate }, { duplicate, nodes: duplicate }]) {
    expect(() => redisBroker(client as unknown as RedisClient)).toThrow(TypeError);
  }
  expect(() => redisBroker({ duplicate, masters: [] } as unknown as RedisClient)).toThrow('sharded');
});
