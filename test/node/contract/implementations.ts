/** The two implementations the contract is held against, `ws` and this library, behind one set of types. */
import type { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex, DuplexOptions, Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { classesOverHttp2, overHttp2 } from '../../support/over-http2.js';
import type { DeviationId, Expectation } from './deviations.js';

export type SendCallback = (error?: Error | null) => void;

export interface ListenerEvent {
  type: string;
  target: Client;
  data?: unknown;
  code?: number;
  reason?: string;
  wasClean?: boolean;
  error?: Error;
  message?: string;
}

export type Listener = ((event: ListenerEvent) => void) | { handleEvent(event: ListenerEvent): void };

/** A WebSocket, of either role. */
export interface Client extends EventEmitter {
  readonly CONNECTING: number;
  readonly OPEN: number;
  readonly CLOSING: number;
  readonly CLOSED: number;
  binaryType: string;
  readonly bufferedAmount: number;
  readonly extensions: string;
  readonly isPaused: boolean;
  readonly protocol: string;
  readonly readyState: number;
  readonly url: string | undefined;
  onopen: ((event: ListenerEvent) => void) | null;
  onmessage: ((event: ListenerEvent) => void) | null;
  onclose: ((event: ListenerEvent) => void) | null;
  onerror: ((event: ListenerEvent) => void) | null;
  send(data: unknown, callback?: SendCallback): void;
  send(
    data: unknown,
    options: { binary?: boolean; compress?: boolean; fin?: boolean; mask?: boolean } | undefined,
    callback?: SendCallback,
  ): void;
  ping(data?: unknown, mask?: boolean | SendCallback, callback?: SendCallback): void;
  pong(data?: unknown, mask?: boolean | SendCallback, callback?: SendCallback): void;
  close(code?: unknown, reason?: unknown): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  addEventListener(type: string, listener: Listener, options?: { once?: boolean }): void;
  removeEventListener(type: string, listener: Listener): void;
  setSocket(socket: Duplex, head: Buffer, options: Record<string, unknown>): void;
  readonly _socket: Duplex & Record<string, unknown>;
  readonly _sender: SenderInstance;
  readonly _receiver: Writable;
  _isServer: boolean;
}

export interface ClientClass {
  new (address: string | URL | null, protocols?: unknown, options?: Record<string, unknown>): Client;
  readonly prototype: Client;
  readonly CONNECTING: number;
  readonly OPEN: number;
  readonly CLOSING: number;
  readonly CLOSED: number;
}

export interface Server extends EventEmitter {
  readonly clients: Set<Client>;
  options: Record<string, unknown>;
  address(): { port: number; address: string; family: string } | string | null;
  close(callback?: (error?: Error) => void): void;
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (ws: Client, request: IncomingMessage) => void,
  ): void;
  shouldHandle(request: IncomingMessage): boolean;
}

export interface ServerClass {
  new (options?: Record<string, unknown>, callback?: () => void): Server;
  readonly prototype: Server;
}

export interface SenderInstance {
  sendFrame(list: Buffer[], callback?: SendCallback): void;
  send(
    data: unknown,
    options: { binary: boolean; compress: boolean; fin: boolean; mask: boolean },
    callback?: SendCallback,
  ): void;
  ping(data: unknown, mask: boolean, callback?: SendCallback): void;
  pong(data: unknown, mask: boolean, callback?: SendCallback): void;
  close(code: number | undefined, data: unknown, mask: boolean, callback?: SendCallback): void;
}

export interface SenderFrameOptions {
  fin: boolean;
  opcode: number;
  rsv1: boolean;
  mask: boolean;
  readOnly: boolean;
  maskBuffer?: Buffer;
  generateMask?: (mask: Buffer) => void;
}

export interface SenderClass {
  new (socket: Duplex, extensions?: Record<string, unknown>, generateMask?: (mask: Buffer) => void): SenderInstance;
  frame(data: Buffer | string, options: SenderFrameOptions): Buffer[];
}

export type ReceiverClass = new (options?: Record<string, unknown>) => Writable;

export type DeflateParams = Record<string, unknown>;

export interface DeflateInstance {
  readonly params: DeflateParams | null;
  offer(): DeflateParams;
  accept(configurations: DeflateParams[]): DeflateParams;
  compress(data: Buffer, fin: boolean, callback: (error: Error | null, result: Buffer) => void): void;
  decompress(data: Buffer, fin: boolean, callback: (error: Error | null, result: Buffer) => void): void;
  cleanup(): void;
}

export interface DeflateClass {
  new (options?: Record<string, unknown>): DeflateInstance;
  readonly extensionName: string;
}

export interface ExtensionModule {
  parse: (header: string) => Record<string, Record<string, unknown[]>[]>;
  format: (extensions: Record<string, unknown>) => string;
}

/** What a module of either implementation exports. */
export interface Exports {
  default: ClientClass & Record<string, unknown>;
  WebSocket: ClientClass;
  WebSocketServer: ServerClass;
  createWebSocketStream(ws: Client, options?: DuplexOptions): Duplex;
  Receiver: ReceiverClass;
  Sender: SenderClass;
  PerMessageDeflate: DeflateClass;
  extension: ExtensionModule;
  subprotocol: { parse: (header: string) => Set<string> };
}

export type Name = keyof Expectation<unknown>;

/** One implementation as the tests hold it. */
export interface Implementation extends Exports {
  readonly name: Name;
  /** The whole module namespace, for tests about its shape. */
  readonly namespace: Record<string, unknown>;
  /** The value this implementation must give where the two differ on purpose. */
  differs<T>(deviation: DeviationId, expected: Expectation<T>): T;
  /** A file URL from which a child process of plain Node can import the implementation. */
  childModule(): Promise<string>;
}

const sourceFile = fileURLToPath(new URL('../../../src/index.ts', import.meta.url));

function implementationOf(name: Name, namespace: Record<string, unknown>): Implementation {
  return {
    ...(namespace as unknown as Exports),
    name,
    namespace,
    differs: (_deviation, expected) => expected[name],
    childModule: name === 'ws' ? wsChildModule : bundleForChild,
  };
}

async function wsChildModule(): Promise<string> {
  const directory = path.dirname(createRequire(import.meta.url).resolve('ws/package.json'));
  return pathToFileURL(path.join(directory, 'wrapper.mjs')).href;
}

let bundle: Promise<string> | undefined;

/** Bundles the TypeScript source into one file, so that a child always runs what is in the tree, built or not. */
function bundleForChild(): Promise<string> {
  bundle ??= (async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'wsimd-contract-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    const file = path.join(directory, 'wsimd.mjs');
    const bundler = await rolldown({ input: sourceFile, platform: 'node' });
    await bundler.write({ file, format: 'esm', codeSplitting: false });
    await bundler.close();
    return pathToFileURL(file).href;
  })();
  return bundle;
}

export interface Entry {
  name: Name;
  load(): Promise<Implementation>;
}

/** `ws` itself. */
export async function reference(): Promise<Implementation> {
  return implementationOf('ws', await import('ws'));
}

/** This library, from its sources. */
export async function ours(): Promise<Implementation> {
  const namespace = (await import(/* @vite-ignore */ sourceFile)) as Record<string, unknown>;
  if (!overHttp2) return implementationOf('wsimd', namespace);
  return implementationOf('wsimd', { ...namespace, ...classesOverHttp2(namespace as never) });
}

// `ws` is the proof of the tests themselves: once is enough, the run without WebAssembly needs only ours.
const entries: Entry[] =
  typeof globalThis.WebAssembly === 'undefined' || overHttp2
    ? [{ name: 'wsimd', load: ours }]
    : [
        { name: 'ws', load: reference },
        { name: 'wsimd', load: ours },
      ];

export const implementations: readonly Entry[] = entries;
