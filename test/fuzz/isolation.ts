// Connections whose payloads carry their owner's mark -> every foreign mark that users, sockets or workers can reach.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { connect, Socket, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { threadId } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { Random } from '../support/random.js';
import { look as lookInWorker } from './onlooker.js';

/** What an episode has found: nothing, if all is well. */
export interface Findings {
  messages: number;
  memories: number;
  found: string[];
  /** The kinds of transport that were played. */
  kinds: Kind[];
}

/** How bytes get from one end to the other: Node's sockets, streams, and sockets that keep what they are given for a while. */
export const KINDS = [
  'net',
  'queueing write',
  'delaying _write',
  'stream',
  'delaying stream',
  'unix',
  'tls',
  'http2',
] as const;
export type Kind = (typeof KINDS)[number];
/** A session of HTTP/2 refuses streams in the midst of long messages where more than Node's 10 MB wait. */
const SESSION_MEMORY = 1000;

const LETTERS = ['A', 'B', 'C'];
const WIDE = ['Ж', 'Ш', 'Щ'];
/** What everybody may see: broadcasts. */
const NEUTRAL = 'Z0'.repeat(150);
const LONGEST = 80_000;
const BINARY_TYPES = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'] as const;
/** After so many ms in which nothing came, something is lost: zlib's threads may have to wait for a busy machine. */
const PATIENCE = 10_000;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Bytes in memory of their own: what this file puts into Node's pool would be found there. */
function joined(...parts: Uint8Array[]): Buffer {
  const all = Buffer.allocUnsafeSlow(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const encoder = new TextEncoder();

/** All that a connection's owner may say, of which each message is a beginning. */
const SAID = LETTERS.map((letter, at) => ({
  text: `${letter}0`.repeat(LONGEST / 2),
  wide: `${WIDE[at]}0`.repeat(LONGEST / 2),
  bytes: joined(encoder.encode(`${letter}0`.repeat(LONGEST / 2))),
  needles: [`${letter}0`.repeat(4), `${WIDE[at]}0`.repeat(3)].map((needle) => joined(encoder.encode(needle))),
}));

interface Expected {
  readonly length: number;
  readonly isWide: boolean;
  readonly isBinary: boolean;
}

/** One client, its server's side, and what is under way between them. */
class Link {
  readonly toServer: Expected[] = [];
  readonly toClient: Expected[] = [];
  readonly said: (typeof SAID)[number];
  readonly foreign: readonly Buffer[];
  readonly kept: { data: unknown; expected: Expected }[] = [];
  client!: WebSocket;
  server!: WebSocket;
  /** Both ends of the transport. */
  readonly streams: Duplex[] = [];
  /** More waited than `maxBackpressure` allows: what is under way may be lost. */
  isEnded = false;

  constructor(
    readonly index: number,
    readonly kind: Kind,
  ) {
    this.said = SAID[index];
    this.foreign = SAID.filter((_, other) => other !== index).flatMap(({ needles }) => needles);
  }
}

/** Plays one episode of about `count` messages: a few connections with the same options, over streams of several kinds. */
export async function playIsolation(seed: number, count: number): Promise<Findings> {
  const random = new Random(seed);
  const findings: Findings = { messages: 0, memories: 0, found: [], kinds: [] };
  const looked = new WeakSet<ArrayBufferLike>();
  let progress = 0;

  const report = (link: Link, where: string): void => {
    if (findings.found.length < 20) findings.found.push(`seed ${seed}: ${LETTERS[link.index]}, ${link.kind}: ${where}`);
  };
  /** Looks for foreign marks in all of the memory behind a value. */
  const look = (link: Link, where: string, memory: ArrayBufferLike, again = false): void => {
    if (!again && looked.has(memory)) return;
    looked.add(memory);
    findings.memories++;
    const bytes = Buffer.from(memory as ArrayBuffer);
    if (link.foreign.some((needle) => bytes.includes(needle))) report(link, `a foreign mark behind ${where}`);
  };
  const partsOf = (data: unknown): (Buffer | ArrayBuffer)[] =>
    Array.isArray(data) ? (data as Buffer[]) : [data as Buffer | ArrayBuffer];
  const lookAt = (link: Link, where: string, data: unknown, again = false): void => {
    if (typeof data === 'string') return;
    for (const part of partsOf(data)) look(link, where, part instanceof ArrayBuffer ? part : part.buffer, again);
  };
  const isRight = (link: Link, data: unknown, { length, isWide, isBinary }: Expected): boolean => {
    const text = isWide ? link.said.wide : link.said.text;
    if (typeof data === 'string') return !isBinary && data === text.slice(0, length);
    const parts = partsOf(data).map((part) => (part instanceof ArrayBuffer ? Buffer.from(part) : part));
    const all = parts.length === 1 ? parts[0] : joined(...parts);
    if (!isWide) return all.equals(link.said.bytes.subarray(0, length));
    return all.toString() === text.slice(0, length);
  };

  const options = {
    readPath: random.pick(['landing', 'data'] as const),
    writePath: random.pick(['direct', 'stream'] as const),
    text: random.pick(['bytes', 'string'] as const),
    skipUTF8Validation: random.oneIn(3),
    maxBackpressure: random.oneIn(2) ? 0 : random.pick([512 * 1024, 8 * 1024 * 1024]),
    allowSynchronousEvents: !random.oneIn(4),
    perMessageDeflate: random.oneIn(2)
      ? false
      : {
          threshold: random.pick([0, 100]),
          zlibPath: random.pick(['handle', 'public'] as const),
          serverNoContextTakeover: random.oneIn(2),
          clientNoContextTakeover: random.oneIn(2),
        },
  };
  const binaryType = random.pick(BINARY_TYPES);
  const http: Server = createServer();
  const server = new WebSocketServer({ server: http, ...options });
  const port = await listening(http);
  // Sockets and requests of these are handed to the first; only HTTP/2 has a WebSocketServer of its own.
  const path = join(tmpdir(), `wsimd-isolation-${process.pid}-${threadId}-${seed}.sock`);
  const unix = net.createServer((socket) => void http.emit('connection', socket));
  const secure = https.createServer({ cert: CERTIFICATE, key: KEY });
  secure.on('upgrade', (...given) => void http.emit('upgrade', ...given));
  const plainHttp2 = http2.createServer({ maxSessionMemory: SESSION_MEMORY });
  const serverOfHttp2 = new WebSocketServer({ server: plainHttp2, ...options });
  const ports = { tcp: port, tls: await listening(secure), http2: await listening(plainHttp2) };
  unix.listen(path);
  await once(unix, 'listening');

  const onlookers: Promise<void>[] = [];

  /** Takes in what one end of a link got. */
  const take = (link: Link, side: 'server' | 'client', data: unknown, isBinary: boolean): void => {
    progress++;
    findings.messages++;
    if (side === 'client' && startsNeutral(data)) return;
    const expected = (side === 'server' ? link.toServer : link.toClient).shift();
    lookAt(link, `a message of the ${side}`, data);
    if (expected === undefined || isBinary !== expected.isBinary || !isRight(link, data, expected)) {
      report(link, `the ${side} got something else than was sent`);
      return;
    }
    if (random.oneIn(100)) {
      // As postMessage does it: a worker gets all of the memory.
      if (typeof data !== 'string') {
        onlookers.push(
          lookInWorker(data as Buffer, link.foreign).then((isForeign) => {
            findings.memories++;
            if (isForeign) report(link, 'a foreign mark behind what a worker gets');
          }),
        );
      }
      link.kept.push({ data, expected });
    }
    if (side === 'client') return;
    link.toClient.push(expected);
    link.server.send(Array.isArray(data) ? joined(...(data as Buffer[])) : (data as Buffer), { binary: isBinary });
  };
  const listen = (link: Link, side: 'server' | 'client', websocket: WebSocket): void => {
    websocket.binaryType = binaryType;
    let last = Promise.resolve();
    websocket.on('message', (data: unknown, isBinary: boolean) => {
      if (binaryType !== 'blob') return take(link, side, data, isBinary);
      last = last.then(async () => {
        take(link, side, data instanceof Blob ? await data.arrayBuffer() : data, isBinary);
      });
    });
    for (const name of ['ping', 'pong'] as const) {
      websocket.on(name, (data: Buffer) => {
        progress++;
        lookAt(link, `a ${name}`, data);
        if (!data.equals(link.said.bytes.subarray(0, data.length))) report(link, `another's ${name}`);
      });
    }
    websocket.on('close', (_code: number, reason: Buffer) => lookAt(link, 'a close reason', reason));
    websocket.on('error', (error: Error & { code?: string }) => {
      if (error.code !== 'WS_ERR_BACKPRESSURE' || options.maxBackpressure === 0)
        report(link, `the ${side} failed: ${error.message}`);
      link.isEnded = true;
    });
  };

  /** What a stream is given, now and once it has kept it for a while. */
  const written = (link: Link, chunk: unknown): void => {
    // Node makes the head of a request, a string, bytes in its pool, where those of the whole process lie.
    if (!(chunk instanceof Uint8Array) || isHead(chunk)) return;
    look(link, 'a chunk that is written', chunk.buffer, true);
  };
  const links = LETTERS.map((_, index) => new Link(index, random.pick(KINDS)));
  const byPath = new Map(links.map((link) => [`/${link.index}`, link]));
  for (const link of links) {
    findings.kinds.push(link.kind);
    const connected = once(link.kind === 'http2' ? serverOfHttp2 : server, 'connection');
    if (link.kind === 'http2') {
      link.client = new WebSocket(`ws://127.0.0.1:${ports.http2}/${link.index}`, { ...options, http2: true });
    } else {
      const [near, far] = open(link, { ...ports, path }, random, (chunk) => written(link, chunk));
      link.streams.push(near);
      if (far !== undefined) {
        link.streams.push(far);
        http.emit('connection', far);
      } else if (link.kind !== 'tls') {
        http.once('connection', (socket: Socket) => bend(link.kind, socket, random, (chunk) => written(link, chunk)));
      }
      link.client = new WebSocket(`ws://127.0.0.1:${port}/${link.index}`, {
        ...options,
        createConnection: () => near,
      });
    }
    const [websocket, request] = (await connected) as [WebSocket, IncomingMessage];
    if (byPath.get(request.url!) !== link) throw new Error('connections got mixed up');
    link.server = websocket;
    if (link.kind !== 'http2') link.streams.push(request.socket);
    listen(link, 'server', websocket);
    listen(link, 'client', link.client);
    if (link.client.readyState === 0) await once(link.client, 'open');
    if (link.kind === 'http2') link.streams.push(streamOf(websocket), streamOf(link.client));
  }
  const isOver = ({ isEnded, client, server: other }: Link): boolean =>
    isEnded || client.readyState !== 1 || other.readyState !== 1;

  /** What waits in streams, and how it can be reached. */
  const lookAtStreams = (): void => {
    for (const link of links) {
      for (const stream of link.streams) {
        for (const memory of reachable(stream, link.kind === 'http2'))
          look(link, 'what the socket shows', memory, true);
      }
    }
  };

  const send = (link: Link): void => {
    const length = random.oneIn(60) ? random.between(2000, LONGEST) : random.between(0, 200);
    const isBinary = random.oneIn(2);
    const isWide = !isBinary && random.oneIn(2);
    const { text, wide, bytes } = link.said;
    link.toServer.push({ length, isWide, isBinary });
    const cut = random.oneIn(5) ? random.below(length + 1) : length;
    const payload = (from: number, to: number): string | Buffer =>
      isBinary ? bytes.subarray(from, to) : (isWide ? wide : text).slice(from, to);
    if (cut < length) link.client.send(payload(0, cut), { fin: false });
    link.client.send(payload(cut < length ? cut : 0, length));
  };

  for (let sent = 0; sent < count;) {
    const link = random.pick(links);
    for (let burst = random.oneIn(3) ? 1 : random.between(1, 64); burst > 0; burst--, sent++) {
      if (!isOver(link)) send(link);
    }
    if (random.oneIn(10) && !isOver(link)) link.client.ping(link.said.bytes.subarray(0, random.between(8, 125)));
    if (random.oneIn(20)) {
      const data = NEUTRAL.slice(0, random.between(2, 300));
      for (const each of [server, serverOfHttp2]) each.broadcast(data, { compress: random.oneIn(2) });
    }
    if (random.oneIn(20)) random.pick([link.client, link.server]).pause();
    if (random.oneIn(10))
      for (const { client, server: other } of links) for (const end of [client, other]) end.resume();
    if (random.oneIn(40)) lookAtStreams();
    if (random.oneIn(3)) await turn();
  }
  for (const { client, server: other } of links) for (const end of [client, other]) end.resume();
  let [seen, since] = [progress, performance.now()];
  while (links.some((link) => !isOver(link) && link.toServer.length + link.toClient.length > 0)) {
    await turn();
    if (progress !== seen) [seen, since] = [progress, performance.now()];
    if (performance.now() - since > PATIENCE || findings.found.length > 0) break;
  }
  lookAtStreams();
  for (const link of links) {
    const left = link.toServer.length + link.toClient.length;
    if (options.maxBackpressure === 0 && link.isEnded) report(link, 'it has ended');
    if (left > 0 && !link.isEnded) report(link, `${left} messages never came`);
    for (const { data, expected } of link.kept) {
      lookAt(link, 'a message that was kept', data, true);
      if (!isRight(link, data, expected)) report(link, 'a message that was kept has changed');
    }
    // Those that have failed are closed already.
    const ends = [link.client, link.server].filter(({ readyState }) => readyState !== 3);
    const closed = ends.map((end) => once(end, 'close'));
    // The streams of this file do not tell one end that the other was destroyed.
    if (link.isEnded) for (const end of ends) end.terminate();
    else link.client.close(1000, link.said.bytes.subarray(0, 100));
    await Promise.all(closed);
    for (const stream of link.streams) stream.destroy();
  }
  await Promise.all(onlookers);
  for (const each of [server, serverOfHttp2, http, unix, secure, plainHttp2]) each.close();
  for (const each of [http, secure]) each.closeAllConnections();
  return findings;
}

async function listening(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function streamOf(websocket: WebSocket): Duplex {
  return (websocket as unknown as { _socket: Duplex })._socket;
}

function isHead(chunk: Uint8Array): boolean {
  return chunk[0] === 'G'.charCodeAt(0) || chunk[0] === 'H'.charCodeAt(0);
}

function startsNeutral(data: unknown): boolean {
  if (typeof data === 'string') return data.startsWith('Z0');
  const [first] = Array.isArray(data) ? (data as Buffer[]) : [data as Buffer | ArrayBuffer];
  if (first === undefined) return false;
  const bytes = first instanceof ArrayBuffer ? Buffer.from(first) : first;
  return bytes.length >= 2 && bytes.toString('latin1', 0, 2) === 'Z0';
}

/** The client's end of a transport; of a stream that is no socket, the server's end too. */
function open(
  link: Link,
  to: { tcp: number; tls: number; path: string },
  random: Random,
  see: (chunk: unknown) => void,
): [Duplex, Duplex?] {
  if (link.kind === 'unix') return [connect(to.path)];
  if (link.kind === 'tls') return [tls.connect({ port: to.tls, host: '127.0.0.1', rejectUnauthorized: false })];
  if (link.kind !== 'stream' && link.kind !== 'delaying stream') {
    const socket = connect(to.tcp, '127.0.0.1');
    bend(link.kind, socket, random, see);
    return [socket];
  }
  const ends: Duplex[] = [];
  const make = (other: number): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, callback) {
        see(chunk);
        later(link.kind === 'stream' ? 0 : random.between(1, 4), () => {
          // What was written is looked at when it is sent on, as a TLS socket does: it must be what it was.
          see(chunk);
          if (!ends[other].destroyed) ends[other].push(joined(chunk));
          callback();
        });
      },
      final(callback) {
        if (!ends[other].destroyed) ends[other].push(null);
        callback();
      },
    });
  ends.push(make(1), make(0));
  return [ends[0], ends[1]];
}

/** Makes a socket of Node one of those that keep what they are given: a throttle's, or a subclass's. */
function bend(kind: Kind, socket: Socket, random: Random, see: (chunk: unknown) => void): void {
  if (kind === 'queueing write') {
    const write = socket.write.bind(socket) as (...all: unknown[]) => boolean;
    const end = socket.end.bind(socket) as (...all: unknown[]) => Socket;
    const queue: (() => void)[] = [];
    const enqueue = (work: () => void): void => {
      queue.push(work);
      if (queue.length === 1) later(random.between(1, 3), () => queue.splice(0).forEach((waiting) => waiting()));
    };
    socket.write = (...all: unknown[]) => {
      see(all[0]);
      enqueue(() => {
        see(all[0]);
        write(...all);
      });
      return true;
    };
    socket.end = (...all: unknown[]) => {
      enqueue(() => void end(...all));
      return socket;
    };
  } else if (kind === 'delaying _write') {
    const write = socket._write.bind(socket);
    socket._writev = undefined as never;
    socket._write = (chunk: Buffer, encoding, callback) => {
      see(chunk);
      later(random.between(1, 3), () => {
        see(chunk);
        write(chunk, encoding, callback);
      });
    };
  }
}

function later(turns: number, work: () => void): void {
  if (turns === 0) process.nextTick(work);
  else if (turns === 1) setImmediate(work);
  else setImmediate(() => later(turns - 1, work));
}

/**
 * Properties that lead to what belongs to all connections, or to code. The options of TLS lead to Node's pool, whose memory
 * is not wiped: in it lies what any part of the process has freed.
 */
const OTHERS: readonly string[] = ['server', '_server', '_events', 'parser', '_httpMessage', '_tlsOptions'];

/**
 * All memory that a stream's own properties lead to, as `console.log` would print them. Node cuts what it reads for streams of
 * one HTTP/2 session from one piece of memory, before the library has it.
 */
function reachable(root: object, isHttp2: boolean): Set<ArrayBufferLike> {
  const memories = new Set<ArrayBufferLike>();
  const seen = new Set<object>([root]);
  let level: object[] = [root];
  for (let depth = 0; depth < 5; depth++) {
    const next: object[] = [];
    for (const holder of level) {
      for (const key of Reflect.ownKeys(holder)) {
        // A server leads to all connections, and a listener is code.
        const value: unknown = Object.getOwnPropertyDescriptor(holder, key)!.value;
        if (typeof value !== 'object' || value === null || seen.has(value) || leadsToOthers(value)) continue;
        if (OTHERS.includes(String(key)) || (isHttp2 && key === '_readableState')) continue;
        seen.add(value);
        if (ArrayBuffer.isView(value)) memories.add(value.buffer);
        else if (value instanceof ArrayBuffer) memories.add(value);
        else next.push(value);
      }
    }
    level = next;
  }
  return memories;
}

/** Whether an object belongs to all connections: a server, or a session of HTTP/2. */
function leadsToOthers(value: object): boolean {
  return value instanceof WebSocketServer || value.constructor?.name.endsWith('Http2Session');
}
