/** What every contract test stands on: servers, clients and raw peers of one implementation, cleaned away when the test ends. */
import { EventEmitter } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { Duplex, type DuplexOptions } from 'node:stream';
import { describe, onTestFinished } from 'vitest';
import {
  connectRaw,
  listenRaw,
  requestRaw,
  responseHead,
  type RawConnectOptions,
  type RawPeer,
} from '../../support/raw-peer.js';
import { implementations, type Client, type Implementation, type Server } from './implementations.js';

const loaded = await Promise.all(implementations.map((entry) => entry.load()));

/** Defines the same tests for each implementation. */
export function contract(topic: string, define: (implementation: Implementation) => void): void {
  for (const implementation of loaded) {
    describe(`${topic} [${implementation.name}]`, () => define(implementation));
  }
}

type Options = Record<string, unknown>;

/** Resolves with the arguments of the next `name` event; an 'error' event does not reject it. */
export function event<T extends unknown[] = unknown[]>(emitter: EventEmitter, name: string): Promise<T> {
  return new Promise((resolve) => {
    emitter.once(name, (...args: unknown[]) => resolve(args as T));
  });
}

export interface Ending {
  code: number;
  reason: string;
  /** The 'error' event before 'close', if there was one. */
  error: (Error & { code?: string }) | undefined;
  /** How many 'error' events there were. */
  errors: number;
}

/** Waits for 'close', collecting what 'error' said before it. Call it before the ending can happen. */
export function ending(ws: Client): Promise<Ending> {
  return new Promise((resolve) => {
    const errors: Error[] = [];
    ws.on('error', (error: Error) => errors.push(error));
    ws.once('close', (code: number, reason: Buffer) => {
      resolve({ code, reason: reason.toString(), error: errors[0], errors: errors.length });
    });
  });
}

/** Collects messages until `count` have come. */
export function messages(ws: Client, count: number): Promise<{ data: Buffer; isBinary: boolean }[]> {
  return new Promise((resolve) => {
    const list: { data: Buffer; isBinary: boolean }[] = [];
    const collect = (data: Buffer, isBinary: boolean): void => {
      list.push({ data, isBinary });
      if (list.length < count) return;
      ws.removeListener('message', collect);
      resolve(list);
    };
    ws.on('message', collect);
  });
}

export async function message(ws: Client): Promise<{ data: Buffer; isBinary: boolean }> {
  return (await messages(ws, 1))[0];
}

/** Resolves when a setImmediate turn has gone by. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Resolves after `milliseconds`: only for tests that show that something does NOT happen. */
export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Ends a connection when the test is over, whatever state it is in. */
export function owned(ws: Client): Client {
  onTestFinished(() => {
    if (ws.readyState === ws.CLOSED) return;
    ws.on('error', () => {});
    ws.terminate();
  });
  return ws;
}

/** Closes a server when the test is over, with the connections it still has. */
export function ownedServer(server: Server): Server {
  onTestFinished(() => {
    for (const ws of server.clients ?? []) {
      ws.on('error', () => {});
      ws.terminate();
    }
    server.close();
  });
  return server;
}

export interface Listening {
  server: Server;
  port: number;
  url: string;
}

/** A server on a free port of 127.0.0.1. */
export async function listen(implementation: Implementation, options: Options = {}): Promise<Listening> {
  const server = ownedServer(new implementation.WebSocketServer({ port: 0, host: '127.0.0.1', ...options }));
  await event(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `ws://127.0.0.1:${port}` };
}

export interface ListeningHttp {
  server: http.Server;
  port: number;
  url: string;
}

/** A plain HTTP server on a free port, its sockets destroyed when the test ends. */
export async function listenHttp(server: http.Server = http.createServer()): Promise<ListeningHttp> {
  const sockets = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => sockets.add(socket));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `ws://127.0.0.1:${port}` };
}

/** A client that is not open yet. */
export function dial(
  implementation: Implementation,
  address: string | URL,
  protocols?: unknown,
  options?: Options,
): Client {
  return owned(new implementation.WebSocket(address, protocols, options));
}

/** A client that stays in CONNECTING: its request is never sent. */
export function connectingClient(implementation: Implementation): Client {
  const ws = dial(implementation, 'ws://localhost/', undefined, {
    createConnection: () => new net.Socket(),
    finishRequest: () => {},
  });
  ws.on('error', () => {});
  return ws;
}

export interface Pair extends Listening {
  client: Client;
  peer: Client;
}

/** An open client and its open counterpart on a server, both of one implementation. */
export async function pair(
  implementation: Implementation,
  { server: serverOptions, client: clientOptions }: { server?: Options; client?: Options } = {},
): Promise<Pair> {
  const listening = await listen(implementation, serverOptions);
  const connected = event<[Client]>(listening.server, 'connection');
  const client = dial(implementation, listening.url, clientOptions);
  await event(client, 'open');
  const [peer] = await connected;
  return { ...listening, client, peer };
}

export interface AgainstRawClient extends Listening {
  /** The server's end. */
  ws: Client;
  /** The hand-written client. */
  peer: RawPeer;
  head: string;
}

function ownedPeer(peer: RawPeer): RawPeer {
  onTestFinished(() => {
    peer.socket.destroy();
  });
  return peer;
}

/** A server of the implementation with one raw client that has shaken hands. */
export async function rawClient(
  implementation: Implementation,
  options: Options = {},
  raw: RawConnectOptions = {},
): Promise<AgainstRawClient> {
  const listening = await listen(implementation, options);
  const connected = event<[Client]>(listening.server, 'connection');
  const { peer, head } = await connectRaw(listening.port, raw);
  ownedPeer(peer);
  const [ws] = await connected;
  return { ...listening, ws, peer, head };
}

/** Sends a handshake to `port` by hand and gives everything the server answered until it ended. */
export async function refusal(port: number, options: RawConnectOptions = {}): Promise<string> {
  const peer = ownedPeer(requestRaw(port, options));
  return (await peer.readToEnd()).toString('latin1');
}

/** A raw client whose handshake is sent and whose answer is unread. */
export function rawRequest(port: number, options: RawConnectOptions = {}): RawPeer {
  return ownedPeer(requestRaw(port, options));
}

export interface AgainstRawServer {
  /** The client of the implementation. */
  ws: Client;
  /** The hand-written server. */
  peer: RawPeer;
  /** The request head that the client sent. */
  request: string;
  port: number;
}

/** A raw server that answers 101 (changed as told), and a client of the implementation that has opened. */
export async function rawServer(
  implementation: Implementation,
  options: Options = {},
  raw: {
    headers?: Record<string, string | undefined>;
    after?: Uint8Array;
    protocols?: unknown;
    endWithPeer?: boolean;
  } = {},
): Promise<AgainstRawServer> {
  const answered = await answering(({ peer, request }) => {
    const head = Buffer.from(responseHead(request, raw.headers));
    peer.write(raw.after ? Buffer.concat([head, raw.after]) : head);
  }, raw);
  const ws = dial(implementation, `ws://127.0.0.1:${answered.port}`, raw.protocols, options);
  await event(ws, 'open');
  const { peer, request } = await answered.first;
  return { ws, peer, request, port: answered.port };
}

export interface Asked {
  peer: RawPeer;
  request: string;
}

/** A raw server that lets `answer` write what it likes; `first` is the first connection. */
export async function answering(
  answer: (asked: Asked) => void,
  options: { endWithPeer?: boolean } = {},
): Promise<{ port: number; url: string; first: Promise<Asked>; requests: string[] }> {
  const requests: string[] = [];
  let resolveFirst: (asked: Asked) => void;
  const first = new Promise<Asked>((resolve) => {
    resolveFirst = resolve;
  });
  const { port, stop } = await listenRaw((peer, request) => {
    requests.push(request);
    resolveFirst({ peer, request });
    answer({ peer, request });
  }, options);
  onTestFinished(stop);
  return { port, url: `ws://127.0.0.1:${port}`, first, requests };
}

/** The request head a client of the implementation sends. */
export async function requestOf(
  implementation: Implementation,
  options: Options = {},
  address: (port: number) => string | URL = (port) => `ws://127.0.0.1:${port}`,
  protocols?: unknown,
): Promise<string> {
  const server = await answering(({ peer }) => peer.socket.destroy());
  const ws = dial(implementation, address(server.port), protocols, options);
  const gone = ending(ws);
  const { request } = await server.first;
  await gone;
  return request;
}

/** Two Duplex streams joined back to back, with none of a net.Socket's methods. */
export function duplexPair(options: DuplexOptions = {}): [Duplex, Duplex] {
  let first: Duplex;
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      ...options,
      read() {},
      write(chunk: Buffer, _encoding, callback) {
        const target = other();
        process.nextTick(() => {
          if (!target.destroyed) target.push(chunk);
          callback();
        });
      },
      final(callback) {
        const target = other();
        process.nextTick(() => {
          if (!target.destroyed) target.push(null);
          callback();
        });
      },
    });
  const second: Duplex = make(() => first);
  first = make(() => second);
  return [first, second];
}

/** The names of a WebSocket's events in the order they came, with short details. */
export function recorder(ws: Client): string[] {
  const log: string[] = [];
  ws.on('open', () => log.push('open'));
  ws.on('upgrade', () => log.push('upgrade'));
  ws.on('message', (data: Buffer, isBinary: boolean) => log.push(`${isBinary ? 'binary' : 'text'} ${data.toString()}`));
  ws.on('ping', (data: Buffer) => log.push(`ping ${data.toString()}`));
  ws.on('pong', (data: Buffer) => log.push(`pong ${data.toString()}`));
  ws.on('error', (error: Error) => log.push(`error ${error.message}`));
  ws.on('close', (code: number, reason: Buffer) => log.push(`close ${code} ${reason.toString()}`.trim()));
  return log;
}
