// One of two processes that relay over Redis by crossws/sync, by socket.io's adapter, or by the client alone, which sends all
// messages of a tick as one: the least that a client takes. It publishes at a pace, or counts.
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { done, ready, settings } from './control.mjs';
import { start } from '../lib/pace.mjs';

const { kind, client: clientName, where, besides, role, pace, length, burst } = settings;
const isPublisher = role === 'publisher';
const require = createRequire(besides ?? import.meta.url);

async function connect() {
  if (clientName === 'ioredis') return new Redis({ port: where.port });
  return createClient({ url: `redis://127.0.0.1:${where.port}` }).connect();
}

/** How many texts are published at a time, and how long each is. */
const [times, size] = kind === 'alone' ? [1, burst * length] : [burst, length];

/** Each gives the function that publishes one text and returns its promise, where it has one, and has `done` count what comes. */
const kinds = {
  async alone() {
    const client = await connect();
    const count = (text) => void (done.count += text.length / length);
    if (!isPublisher) await client.subscribe('all', ...(clientName === 'redis' ? [count] : []));
    if (clientName === 'ioredis') client.on('message', (_channel, text) => count(text));
    return (data) => client.publish('all', data);
  },
  async crossws() {
    const { redis } = await import(require.resolve('crossws/sync'));
    const driver = redis({ client: await connect(), channel: 'all' })({ id: role });
    if (!isPublisher) await driver.subscribe(() => void done.count++);
    // At most once: one that its client gives up is not published.
    return (data) => driver.publish({ namespace: '', topic: 'all', data }).catch(() => undefined);
  },
  async 'socket.io'() {
    const { Server } = require('socket.io');
    const { createAdapter } = require('@socket.io/redis-adapter');
    const subscriber = await connect();
    const io = new Server({ adapter: createAdapter(await connect(), subscriber) });
    if (!isPublisher) {
      // A socket that costs next to nothing, in the place of a client's.
      const socket = Object.assign(new EventEmitter(), { client: { writeToEngine: () => void done.count++ } });
      const namespace = io.of('/');
      namespace.sockets.set('one', socket);
      namespace.adapter.addAll('one', new Set(['all']));
    }
    return (data) => io.to('all').emit('message', data);
  },
};

const publish = await kinds[kind]();
if (isPublisher) {
  const message = 'x'.repeat(size);
  void start[pace](() => {
    done.count += burst;
    return Array.from({ length: times }, () => publish(message));
  });
}
ready(0);
