// `serve` runs `wsimd serve`: it echoes WebSocket messages, and serves a page at GET / to try that with.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { judgeOrigin } from '../conformance/origin.js';
import { WebSocket, WebSocketServer } from '../index.js';
import { kernels } from '../sans-io.js';
import { readOptions, wholeNumber } from './arguments.js';
import { CommandError, wordsOf } from './command-error.js';
import { readFile } from './files.js';
import { page, PAGE_POLICY } from './page.js';
import { listenOn } from './target.js';
import { print, type Terminal } from './terminal.js';

// Loaded by require, because an import of node:http evaluates all of its exports. On Node 22, that compiles the parser
// of fetch at once, which fails without WebAssembly (--jitless) and ends the process.
const require = createRequire(import.meta.url);
const nodeHttp = require('node:http') as typeof import('node:http');

const MEBIBYTE = 1024 * 1024;
/** When this many bytes wait to be written to a peer, no more are read from it until half of them are written. */
const HIGH_WATER: number = 16 * MEBIBYTE;
/** The form of the id by which the page names its connection, to request the counters of that. */
const CONNECTION_ID = /^[0-9a-f]{32}$/;
/** The time for which the counters of a closed connection stay available, in ms. */
const REMEMBER = 10_000;
/** The time that peers have to answer the Close of a server that ends, in ms. */
const LEAVE = 1000;

const USAGE = `Echoes every WebSocket message, and shows a page at GET / to try that with.

  wsimd serve

  --host NAME           the address to listen on (default: 127.0.0.1)
  --port N              the port to listen on (default: 9001; 0: any free port)
  --max-payload N       the longest message, in bytes (default: ${100 * MEBIBYTE})
  --allow-origin ORIGIN  web pages of ORIGIN may connect too, such as http://localhost:8080; * stands for any
  --cert FILE --key FILE  certificate and key in PEM, for https:// and wss://
  --http2               speak HTTP/2 too, with WebSockets over its streams (RFC 8441); needs --cert and --key
  --deflate             compress messages for peers that offer permessage-deflate

Ctrl-C closes all connections and ends the server.
`;

interface Settings {
  host: string;
  port: number;
  maxPayload: number;
  deflate: boolean;
  allowedOrigins: string[];
  /** The certificate and key; undefined to listen without TLS. */
  tls: { cert: Buffer; key: Buffer } | undefined;
  http2: boolean;
}

/** A server of pages over HTTP/1.1, and over HTTP/2 if that is on. */
type PageServer = Server | Http2SecureServer;

/**
 * Runs the server until `signal` aborts.
 * @returns the exit status
 * @throws CommandError for an invalid argument, or an address that is not available
 */
export async function serve(args: string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  if (args.includes('--help')) {
    print(USAGE, terminal);
    return 0;
  }
  const settings = readSettings(args);
  const named = new Map<string, WebSocket>();
  const answerPage = (request: IncomingMessage, response: ServerResponse): void => {
    const { path, id } = targetOf(request);
    const counted = named.get(id);
    const refusal = unwelcome(request, settings);
    if (refusal !== null) answer(response, 403, 'text/plain', `${refusal}\n`);
    else if (request.method === 'GET' && path === '/') {
      answer(response, 200, 'text/html', page(facts(settings)));
    } else if (request.method === 'GET' && path === '/statistics' && counted !== undefined) {
      answer(response, 200, 'application/json', JSON.stringify(counted.statistics));
    } else {
      answer(response, 404, 'text/plain', 'There is nothing here.\n');
    }
  };
  const http = createPageServer(settings, answerPage);
  const sockets = socketsOf(http);
  await listenOn(http, settings, '--port');

  const { maxPayload, deflate } = settings;
  const server = new WebSocketServer({
    server: http,
    strictHandshake: true,
    verifyClient: ({ req }, done) => {
      const refusal = unwelcome(req, settings);
      if (refusal === null) done(true);
      else done(false, 403, refusal);
    },
    maxPayload,
    perMessageDeflate: deflate ? { threshold: 0 } : false,
    statistics: true,
  });
  server.on('error', (error: Error) => terminal.err(`${wordsOf(error)}.\n`));
  server.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    // The library closes the connection of a peer that breaks the protocol; the server continues.
    socket.on('error', () => undefined);
    echo(socket);
    const { id } = targetOf(request);
    if (!CONNECTION_ID.test(id) || named.has(id)) return;
    named.set(id, socket);
    socket.on('close', () => setTimeout(() => named.delete(id), REMEMBER).unref());
  });
  const s = settings.tls === undefined ? '' : 's';
  const place = `Echoing on ${urlOf(http, `ws${s}`)} (kernels: ${kernels.name}). Page: ${urlOf(http, `http${s}`)}\n`;
  print(place, terminal);
  await aborted(signal);
  await leave(server, http, sockets);
  return 0;
}

function readSettings(args: string[]): Settings {
  const { values } = readOptions('serve', {
    args,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '9001' },
      'max-payload': { type: 'string', default: String(100 * MEBIBYTE) },
      deflate: { type: 'boolean', default: false },
      'allow-origin': { type: 'string', multiple: true, default: [] },
      cert: { type: 'string' },
      key: { type: 'string' },
      http2: { type: 'boolean', default: false },
    },
  });
  const { cert, key, http2 } = values;
  if ((cert === undefined) !== (key === undefined)) throw new CommandError('--cert and --key go together.');
  if (http2 && cert === undefined)
    throw new CommandError('--http2 needs --cert and --key: browsers speak it over TLS only.');
  const tls = cert === undefined || key === undefined ? undefined : { cert: readFile(cert), key: readFile(key) };
  return {
    host: values.host,
    port: wholeNumber(values.port, '--port', 0, 65535),
    maxPayload: wholeNumber(values['max-payload'], '--max-payload', 1, Number.MAX_SAFE_INTEGER),
    deflate: values.deflate,
    allowedOrigins: values['allow-origin'],
    tls,
    http2,
  };
}

function createPageServer(
  { tls, http2 }: Settings,
  answerPage: (request: IncomingMessage, response: ServerResponse) => void,
): PageServer {
  if (tls === undefined) return nodeHttp.createServer(answerPage);
  try {
    if (http2) {
      const { createSecureServer } = require('node:http2') as typeof import('node:http2');
      // The requests of both versions have all members that are read here.
      return createSecureServer({ ...tls, allowHTTP1: true }, answerPage as never);
    }
    return (require('node:https') as typeof import('node:https')).createServer(tls, answerPage);
  } catch (error) {
    throw new CommandError(`The certificate or its key cannot be used: ${wordsOf(error)}.`);
  }
}

/** Returns the set of open sockets, which stays up to date. */
function socketsOf(http: PageServer): Set<Socket> {
  const sockets = new Set<Socket>();
  http.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return sockets;
}

/** Returns why a request is refused, or null: pages of other sites, and names rebound to this address, get nothing. */
function unwelcome(request: IncomingMessage, { host, allowedOrigins, tls }: Settings): string | null {
  const { headers } = request;
  const headersDistinct = (request.headersDistinct as IncomingMessage['headersDistinct'] | undefined) ?? {};
  // Over HTTP/2 pseudo-header fields stand for Host, Upgrade and Connection of HTTP/1.1.
  const pseudo: Partial<Record<string, string[]>> = {};
  if (typeof headers[':authority'] === 'string') pseudo.host = [headers[':authority']];
  if (headers[':protocol'] === 'websocket') Object.assign(pseudo, { upgrade: ['websocket'], connection: ['Upgrade'] });
  const values = (name: string): string[] =>
    pseudo[name] ?? headersDistinct[name] ?? (typeof headers[name] === 'string' ? [headers[name]] : []);
  return judgeOrigin({ startLine: '', status: 0, values }, { host, secure: tls !== undefined, allowedOrigins });
}

/** Returns the path of a request, and the connection that its query names, '' for none. */
function targetOf(request: IncomingMessage): { path: string; id: string } {
  const [path, query] = (request.url ?? '').split('?', 2);
  return { path, id: new URLSearchParams(query).get('id') ?? '' };
}

/** Returns the facts about the server that the page shows. */
function facts({ maxPayload, deflate }: Settings): string {
  const limit = `messages of up to ${maxPayload.toLocaleString('en')} bytes`;
  return `Kernels: ${kernels.name} · ${limit} · permessage-deflate ${deflate ? 'on' : 'off'}`;
}

/** Sends each message back, and reads no faster than the peer reads. */
function echo(socket: WebSocket): void {
  let unwritten = 0;
  socket.on('message', (data: Buffer, binary: boolean) => {
    unwritten += data.length;
    socket.send(data, { binary }, () => {
      unwritten -= data.length;
      if (socket.isPaused && unwritten < HIGH_WATER / 2) socket.resume();
    });
    if (unwritten > HIGH_WATER) socket.pause();
  });
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': PAGE_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  response.end(body);
}

function urlOf(http: PageServer, scheme: string): string {
  const { address, family, port } = http.address() as AddressInfo;
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/** Closes every connection, by force if its peer does not answer in time. */
async function leave(server: WebSocketServer, http: PageServer, sockets: Set<Socket>): Promise<void> {
  // RFC 6455 7.4.1: 1001, going away
  await server.drain({ code: 1001, window: 0, timeout: LEAVE });
  server.close();
  const httpClosed = new Promise((resolve) => http.close(resolve));
  for (const socket of sockets) socket.destroy();
  await httpClosed;
}
