// `RedisClient` says how much is used of the caller's client, and `Connection` is the face that all of them are given.

type Listener = (...values: never[]) => void;
export type Subscribe = (
  channels: string[],
  listener: (message: never, channel: never) => void,
  isBuffer: never,
) => unknown;

/** How much is used of a client of `redis`. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  duplicate(overrides?: never): NodeRedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  withTypeMapping(mapping: never): { sendCommand(command: readonly (string | Buffer)[]): Promise<unknown> };
  subscribe: Subscribe;
  unsubscribe(channels: string[]): Promise<unknown>;
  sSubscribe: Subscribe;
  sUnsubscribe(channels: string[]): Promise<unknown>;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** How much is used of a cluster's client of `redis`. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[];
  nodeClient(node: never): unknown;
  duplicate(): unknown;
  withTypeMapping(mapping: never): {
    sendCommand(key: string, isReadonly: boolean, command: readonly (string | Buffer)[]): Promise<unknown>;
  };
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** How much is used of a client of `ioredis`. */
export interface IoredisClient {
  readonly status: string;
  duplicate(overrides?: never): IoredisClient;
  disconnect(): void;
  callBuffer(command: string, ...values: (string | Buffer)[]): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** How much is used of a cluster's client of `ioredis`. */
export interface IoredisCluster {
  readonly isCluster: boolean;
  nodes(role: 'master'): unknown[];
  duplicate(): unknown;
  callBuffer(command: string, ...values: (string | Buffer)[]): Promise<unknown>;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

export type RedisClient = NodeRedisClient | NodeRedisCluster | IoredisClient | IoredisCluster;

/** The clients' common face. */
export interface Connection {
  call(command: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channels: string[], listener: (channel: string, message: Buffer) => void): Promise<unknown>;
  unsubscribe(channels: string[]): Promise<unknown>;
  /**
   * Has this told whether the connection is there, and when channels have gone to another server; the function returned ends
   * that.
   */
  watch(up: () => void, down: (reason: Error) => void, moved?: () => void): () => void;
  duplicate(): Connection;
  /** Connects a duplicate. */
  open(): Promise<unknown>;
  end(): void;
  /** One channel for each server that relays; `channelOf` makes channels of text. */
  channels(channelOf: (text: string) => string): string[];
}

/** A master of a cluster, as the cluster's client knows it. */
export interface ShardNode {
  readonly asks: Connection;
  /** A new connection to it. */
  subscriber(): Connection;
}
