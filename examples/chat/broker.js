// `connectBroker` makes the broker for an engine: an address of Redis, or the path of a hub's Unix socket.
import { clusterBroker } from 'wsimd/topics/cluster';

const HISTORY = { messages: 10_000, age: 600_000 };

/** @param {string} engine `redis://...`, or the path of a hub that `startHub` opened */
export async function connectBroker(engine) {
  if (!engine.startsWith('redis:')) return clusterBroker({ path: engine, history: true });
  const { createClient } = await import('redis');
  const { redisBroker } = await import('wsimd/topics/redis');
  const client = createClient({ url: engine });
  client.on('error', () => {});
  await client.connect();
  return redisBroker(client, { history: HISTORY, prefix: 'chat:' });
}

export { HISTORY };
