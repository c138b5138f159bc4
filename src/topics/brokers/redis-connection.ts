// `connectionOf` gives clients of `redis` and `ioredis`, of one server or of a cluster, one interface.
import type {
  Connection,
  IoredisClient,
  IoredisCluster,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
  ShardNode,
  Subscribe,
} from './redis-clients.js';
import { Shards } from './redis-shards.js';

/** @param isSharded whether channels belong to shards, as SSUBSCRIBE takes them */
export function connectionOf(client: RedisClient, isSharded: boolean): Connection {
  if ('nodes' in client) return overIoredisCluster(client);
  if ('masters' in client) return overNodeRedisCluster(client);
  return 'callBuffer' in client ? overIoredis(client, isSharded) : overNodeRedis(client, isSharded);
}

const ONE_SERVER: Connection['channels'] = (channelOf) => [channelOf('')];

// The type of a blob in RESP, which `redis` maps to text unless told otherwise.
const BUFFERS = { typeMapping: { 36: Buffer } } as never;

function overNodeRedis(client: NodeRedisClient, isSharded: boolean): Connection {
  let taker: Parameters<Subscribe>[1] | undefined;
  let hasSocket = false;
  const subscribe = isSharded ? 'sSubscribe' : 'subscribe';
  const unsubscribe = isSharded ? 'sUnsubscribe' : 'unsubscribe';
  return {
    call: (command) => client.sendCommand(command, BUFFERS),
    subscribe: async (channels, listener) => {
      // One function for all: each function that subscribed to a channel is called.
      taker ??= (message, channel) => listener((channel as Buffer).toString(), message);
      await client[subscribe](channels, taker, true as never);
    },
    unsubscribe: (channels) => client[unsubscribe](channels),
    watch: (up, down, moved) => watch(client, ['reconnecting', 'end'], up, down, ['sharded-channel-moved', moved]),
    duplicate: () => overNodeRedis(client.duplicate(), isSharded),
    open: () => {
      client.on('connect', () => (hasSocket = true));
      client.on('reconnecting', () => (hasSocket = false));
      return client.connect();
    },
    end: () => {
      const destroy = (): void => void (client.isOpen && client.destroy());
      if (hasSocket) return destroy();
      // `destroy` leaves a socket open that is being connected.
      client.on('connect', destroy);
      client.on('error', destroy);
    },
    channels: ONE_SERVER,
  };
}

/** A duplicate connects at once, keeps what it is asked until then, and leaves channels their names. */
const SUBSCRIBER = { lazyConnect: false, enableOfflineQueue: true, keyPrefix: '' };

/** `callBuffer` loses the name of a command where the client pipelines by itself. */
function byName(client: IoredisClient | IoredisCluster): Connection['call'] {
  const methods = client as unknown as Record<string, IoredisClient['callBuffer']>;
  return ([command, ...values]) => methods[`${String(command).toLowerCase()}Buffer`](...(values as [string]));
}

function overIoredis(client: IoredisClient, isSharded: boolean): Connection {
  let isListened = false;
  const subscribe = isSharded ? 'ssubscribe' : 'subscribe';
  const unsubscribe = isSharded ? 'sunsubscribe' : 'unsubscribe';
  return {
    call: byName(client),
    subscribe: (channels, listener) => {
      if (!isListened) {
        const event = isSharded ? 'smessageBuffer' : 'messageBuffer';
        client.on(event, (channel: Buffer, message: Buffer) => listener(channel.toString(), message));
      }
      isListened = true;
      return client[subscribe](...channels);
    },
    unsubscribe: (channels) => client[unsubscribe](...channels),
    watch: (up, down, moved) => watch(client, ['close', 'end'], up, down, ['moved', moved]),
    duplicate: () => overIoredis(client.duplicate(SUBSCRIBER as never), isSharded),
    open: () => Promise.resolve(),
    end: () => client.disconnect(),
    channels: ONE_SERVER,
  };
}

/** A cluster's client sends commands; the messages of each shard come by a connection of our own, whose end is observed. */
function overCluster(
  client: NodeRedisCluster | IoredisCluster,
  call: Connection['call'],
  masters: () => Promise<ShardNode[]>,
): Connection {
  const refuse = (): never => {
    throw new Error('A cluster’s client does not subscribe');
  };
  return {
    call,
    subscribe: refuse,
    unsubscribe: refuse,
    // Its nodes come and go; the subscribers report that.
    watch: () => listen(client, 'error', () => undefined),
    duplicate: () => new Shards(masters),
    open: () => Promise.resolve(),
    end: () => undefined,
    channels: ONE_SERVER,
  };
}

/** The delay before clients reconnect, in ms. */
const RECONNECT_AFTER = 100;

function overIoredisCluster(cluster: IoredisCluster): Connection {
  return overCluster(cluster, byName(cluster), () => {
    const overrides = { ...SUBSCRIBER, retryStrategy: () => RECONNECT_AFTER, readOnly: false } as never;
    const nodes = (cluster.nodes('master') as IoredisClient[]).map((node) => ({
      asks: overIoredis(node, true),
      subscriber: () => overIoredis(node.duplicate(overrides), true),
    }));
    return Promise.resolve(nodes);
  });
}

function overNodeRedisCluster(cluster: NodeRedisCluster): Connection {
  // EVAL's first key.
  const call: Connection['call'] = (command) => cluster.sendCommand(String(command[3]), false, command, BUFFERS);
  return overCluster(cluster, call, async () => {
    const clients = await Promise.all(cluster.masters.map((node) => cluster.nodeClient(node as never)));
    return (clients as NodeRedisClient[]).map((node) => ({
      asks: overNodeRedis(node, true),
      subscriber: () => overNodeRedis(node.duplicate(), true),
    }));
  });
}

/** The events of a client: those in `gone` say that its connection has ended; 'error' says why. */
function watch(
  client: NodeRedisClient | IoredisClient,
  gone: readonly string[],
  up: () => void,
  down: (reason: Error) => void,
  [event, moved = () => undefined]: [string, (() => void) | undefined],
): () => void {
  let cause: Error | undefined;
  const lost = (): void => down(cause ?? new Error('The connection to Redis has ended'));
  const failed = (reason: Error): void => {
    cause = reason;
    // A client that does not reconnect says no more than this.
    if ('isReady' in client && !client.isReady) lost();
  };
  const events: [string, (reason: Error) => void][] = [
    ['ready', up],
    ['error', failed],
    [event, moved],
  ];
  for (const name of gone) events.push([name, lost]);
  const ends = events.map(([name, listener]) => listen(client, name, listener));
  return () => {
    for (const end of ends) end();
  };
}

type Listener = (reason: Error) => void;

interface Listened {
  readonly listeners: Set<Listener>;
  readonly tell: Listener;
}

/** The listeners of each client and event: one of the client tells all, since emitters warn of more than ten. */
const listened = new WeakMap<object, Map<string, Listened>>();

/** Listens to an event of the application's client; the returned function ends that. */
function listen(client: RedisClient, event: string, listener: Listener): () => void {
  const events = listened.get(client) ?? new Map<string, Listened>();
  listened.set(client, events);
  const listeners = events.get(event)?.listeners ?? new Set();
  const tell = events.get(event)?.tell ?? ((reason) => listeners.forEach((one) => one(reason)));
  if (listeners.size === 0) client.on(event, tell);
  events.set(event, { listeners, tell });
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    events.delete(event);
    client.off(event, tell);
  };
}
