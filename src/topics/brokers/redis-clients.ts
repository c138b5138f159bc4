// `RedisClient` lists the part of the caller's client that is used, and `Connection` is the common interface of all clients.

type Listener = (...values: never[]) => void;
export type Subscribe = (
  channels: string[],
  listener: (message: never, channel: never) => void,
  isBuffer: never,
) => unknown;

/** The part of a client of `redis` that is used. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  duplicate(overrides?: never): NodeRedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(command: readonly (string | Buffer)[], options: never): Promise<unknown>;
  subscribe: Subscribe;
  unsubscribe(channels: string[]): Promise<unknown>;
  sSubscribe: Subscribe;
  sUnsubscribe(channels: string[]): Promise<unknown>;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** The part of a cluster's client of `redis` that is used. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[];
  nodeClient(node: never): unknown;
  duplicate(): unknown;
  sendCommand(
    key: string,
    isReadonly: boolean,
    command: readonly (string | Buffer)[],
    options: never,
  ): Promise<unknown>;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** The part of a client of `ioredis` that is used. */
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

/** The part of a cluster's client of `ioredis` that is used. */
export interface IoredisCluster {
  readonly isCluster: boolean;
  nodes(role: 'master'): unknown[];
  duplicate(): unknown;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

export type RedisClient = NodeRedisClient | NodeRedisCluster | IoredisClient | IoredisCluster;

/** The common interface of the clients. */
export interface Connection {
  call(command: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channels: string[], listener: (channel: string, message: Buffer) => void): Promise<unknown>;
  unsubscribe(channels: string[]): Promise<unknown>;
  /**
   * Reports whether the connection stands, and when channels have moved to another server; the returned function ends
   * that.
   */
  watch(up: () => void, down: (reason: Error) => void, moved?: () => void): () => void;
  duplicate(): Connection;
  /** Connects a duplicate. */
  open(): Promise<unknown>;
  end(): void;
  /** One channel for each server that relays; `channelOf` turns text into channels. */
  channels(channelOf: (text: string) => string): string[];
}

/** A master of a cluster, as described by the cluster's client. */
export interface ShardNode {
  readonly asks: Connection;
  /** A new connection to it. */
  subscriber(): Connection;
}
