// `openBroker` connects a broker of the built package to an engine that runs, with a client of its own.
import { clusterBroker } from '../../../dist/topics/brokers/cluster.js';
import { natsBroker } from '../../../dist/topics/brokers/nats.js';
import { redisBroker } from '../../../dist/topics/brokers/redis.js';
import { startHub, startNats, startRedis } from '../../support/engines.mjs';

// So much that no topic outgrows it while a client is away.
const HISTORY = { messages: 10_000 };

/** How each engine starts; what it has accepted outlives its end, but for the hub's. */
export const starts = {
  redis: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always'),
  ioredis: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always'),
  nats: () => startNats(),
  cluster: () => startHub(true),
  'cluster-plain': () => startHub(false),
};

/** @returns {Promise<[object, () => unknown]>} the broker, and the end of its client */
export async function openBroker(engine, { port, path }, isKept) {
  const history = isKept ? HISTORY : false;
  const prefix = isKept ? 'kept:' : 'plain:';
  switch (engine) {
    case 'redis': {
      const { createClient } = await import('redis');
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 50 } });
      client.on('error', () => undefined);
      await client.connect();
      return [redisBroker(client, { history, prefix }), () => client.destroy()];
    }
    case 'ioredis': {
      const { Redis } = await import('ioredis');
      const client = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      return [redisBroker(client, { history, prefix }), () => client.disconnect()];
    }
    case 'nats': {
      const { connect } = await import('@nats-io/transport-node');
      const servers = [`127.0.0.1:${port}`];
      const connection = await connect({ servers, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
      return [natsBroker(connection, { history, prefix }), () => connection.close()];
    }
    default:
      return [clusterBroker({ path, history: isKept }), () => undefined];
  }
}
