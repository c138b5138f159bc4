// `createServer` makes the HTTP server of a WebSocketServer with a port, and `listenTo` connects one to any HTTP server.
import type { EventEmitter } from 'node:events';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { DirectAccept, type AcceptPath } from './direct.js';
import { isHttp2Server, listenToStreams } from '../http2/listen.js';
import type { ServerOptions } from '../server-options.js';
import { ServerState } from './holdings.js';

/** The part of a WebSocketServer that its HTTP server uses. */
export interface Upgrader extends EventEmitter {
  readonly _state: number;
  shouldHandle(request: IncomingMessage): boolean;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, callback: (websocket: unknown) => void): void;
}

/** Ends the path of plain requests past the parser of a server. */
const accepts = new WeakMap<object, DirectAccept>();

/**
 * Makes an HTTP server that answers requests with 426.
 * @param timeout how long a handshake may take after the connection, however slowly its bytes arrive; in ms,
 *   0 for Node's own limit
 */
export function createServer(ours: Upgrader, timeout: number, path: AcceptPath): Server {
  const times =
    timeout === 0
      ? {}
      : { headersTimeout: timeout, requestTimeout: timeout, connectionsCheckingInterval: Math.min(1000, timeout) };
  const server = http.createServer(times, (_request: IncomingMessage, response: ServerResponse) => {
    const body = 'Upgrade Required';
    // Deviation from ws (D20): requests that arrive while the server is closing do not keep it open.
    if (ours._state !== ServerState.Running) response.shouldKeepAlive = false;
    response.writeHead(426, { 'Content-Length': body.length, 'Content-Type': 'text/plain' });
    response.end(body);
  });
  const accept = path === 'direct' ? DirectAccept.install(server, timeout) : undefined;
  if (accept !== undefined) accepts.set(server, accept);
  return server;
}

/** Connects a WebSocketServer to an HTTP server; the returned function undoes that. */
export function listenTo(
  server: NonNullable<ServerOptions['server']>,
  ours: Upgrader,
  takeStream: (request: Http2ServerRequest, stream: ServerHttp2Stream) => void,
): () => void {
  const listening = (): void => void ours.emit('listening');
  const error = (reason: Error): void => void ours.emit('error', reason);
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    ours.handleUpgrade(request, socket, head, (websocket) => ours.emit('connection', websocket, request));
  };
  server.on('listening', listening);
  server.on('error', error);
  server.on('upgrade', upgrade);
  const leaveStreams = isHttp2Server(server)
    ? listenToStreams(server, { wantsStream: (request) => ours.shouldHandle(request as never), takeStream })
    : undefined;
  return () => {
    leaveStreams?.();
    server.removeListener('listening', listening);
    server.removeListener('error', error);
    server.removeListener('upgrade', upgrade);
    accepts.get(server)?.stop();
  };
}
