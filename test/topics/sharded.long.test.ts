// Sharded channels of Redis: on one server, and on a cluster of three nodes of which one goes and comes back.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { redisBroker, type RedisClient } from '../../src/topics/brokers/redis.js';
import { Topics, type TopicsOptions } from '../../src/topics/index.js';
import { hasEngine, startRedisCluster, type Engine } from '../support/engines.mjs';
import { FakeSocket } from './model.js';

const isRedisThere = hasEngine('redis-server') && hasEngine('redis-cli');

interface Kind {
  readonly name: string;
  readonly connect: (port: number) => Promise<[RedisClient, () => unknown]>;
}

async function kindsThere(): Promise<Kind[]> {
  if (!isRedisThere) return [];
  try {
    const { createCluster } = await import('redis');
    const { Cluster } = await import('ioredis');
    return [
      {
        name: 'redis',
        async connect(port) {
          const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] });
          client.on('error', () => undefined);
          await client.connect();
          return [client as unknown as RedisClient, () => client.destroy()];
        },
      },
      {
        name: 'ioredis',
        connect(port) {
          const client = new Cluster([{ port, host: '127.0.0.1' }], { clusterRetryStrategy: () => 100 });
          client.on('error', () => undefined);
          return new Promise((resolve) => {
            client.on('ready', () => resolve([client as unknown as RedisClient, () => client.disconnect()]));
          });
        },
      },
    ];
  } catch {
    console.log('not tested: the packages redis and ioredis are not installed');
    return [];
  }
}

const kinds = await kindsThere();
let cluster: { nodes: Engine[]; end(): Promise<unknown> };
beforeAll(async () => {
  if (kinds.length > 0) cluster = await startRedisCluster('--appendonly', 'yes', '--appendfsync', 'always');
});
afterAll(() => cluster?.end());

describe.each(kinds)('a cluster of Redis, by $name', ({ name: kind, connect }: Kind) => {
  const ends: (() => unknown)[] = [];
  afterAll(async () => {
    for (const end of ends) await end();
  });
  const open = async (history: boolean, options: TopicsOptions = {}): Promise<Topics> => {
    const [client, end] = await connect(cluster.nodes[0].port);
    const broker = redisBroker(client, { history, sharded: true, prefix: `${kind}:${history}:` });
    const topics = new Topics({ checkInterval: 0, ...options, broker });
    ends.unshift(() => topics.close(), end);
    return topics;
  };
  const names = [...Array.from({ length: 30 }, (_, index) => `room/${index}`), '}', '{}', '{a}b', 'ü'];

  test.each([false, true])('relays topics of all nodes, in order; history: %s', async (history) => {
    const [a, b] = [await open(history), await open(history)];
    const sockets = names.map(() => new FakeSocket());
    const started = await Promise.all(names.map((name, index) => b.subscribe(sockets[index], name)));
    const texts = Array.from({ length: 20 }, (_, index) => `m${index}`);
    for (const text of texts) await Promise.all(names.map((name) => a.publish(name, text)));
    await vi.waitUntil(() => sockets.every(({ received }) => received.length >= texts.length), 10_000);
    for (const { received } of sockets) expect(received).toEqual(texts);
    if (!history) return;
    for (const [index, name] of names.entries()) {
      const socket = new FakeSocket();
      expect((await a.subscribe(socket, name, { after: started[index].position })).recovered).toBe(true);
      expect(socket.received).toEqual(texts);
    }
  });

  test('tells that a node has gone, and loses nothing once it is back', { timeout: 60_000 }, async () => {
    const [a, b] = [
      await open(true, { publishTimeout: 30_000, checkInterval: 200 }),
      await open(true, { checkInterval: 200 }),
    ];
    const told: string[] = [];
    for (const name of ['brokerDown', 'brokerUp', 'gap']) b.on(name, () => told.push(name));
    const sockets = names.map(() => new FakeSocket());
    await Promise.all(names.map((name, index) => b.subscribe(sockets[index], name)));
    await Promise.all(names.map((name) => a.publish(name, 'before')));
    await cluster.nodes[1].stop();
    await vi.waitUntil(() => told.includes('brokerDown'), 10_000);
    await cluster.nodes[1].start();
    await vi.waitUntil(() => told.includes('brokerUp'), 30_000);
    // The cluster takes a while to trust the node again: a message is published until it is accepted.
    const accepted = names.map(() => [] as string[]);
    await Promise.all(
      names.map(async (name, index) => {
        for (let number = 0; accepted[index].length === 0 && number < 200; number++) {
          await a.publish(name, `after ${number}`).then(
            () => accepted[index].push(`after ${number}`),
            () => new Promise((resolve) => setTimeout(resolve, 50)),
          );
        }
      }),
    );
    await vi.waitUntil(() => sockets.every(({ received }, i) => received.includes(accepted[i][0])), 10_000);
    for (const { received } of sockets) expect(received).toEqual([...new Set(received)]);
    expect(told).not.toContain('gap');
  });
});
