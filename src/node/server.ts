// HTTP requests that ask for a WebSocket -> open WebSocket objects, or refusals (RFC 6455 4.2).
import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  acceptDeflateOffer,
  PERMESSAGE_DEFLATE,
  resolveDeflate,
  type DeflateAcceptance,
} from '../extensions/permessage-deflate.js';
import { joinHead, type FieldValue } from '../handshake/field.js';
import { allowOrigins, judgeOrigin, type AllowedOrigins } from '../handshake/origin.js';
import { acceptanceLines, judgeOffers, judgeOpening, writeRefusal } from '../handshake/server.js';
import { broadcast, type BroadcastOptions } from './broadcast.js';
import type { Sendable } from './data.js';
import { checkEngineOptions, type PerMessageDeflateOptions } from './deflate/engines.js';
import http from './http.js';
import { checkOptions, countOption } from './options.js';
import {
  DEFAULTS,
  type ClientInfo,
  type ServerOptions,
  type VerifyClientSync,
  type WebSocketClass,
} from './server-options.js';
import { WebSocket } from './websocket.js';

/** What was agreed on, by the extension's name. */
export interface Extensions {
  [PERMESSAGE_DEFLATE]?: DeflateAcceptance;
}

enum ServerState {
  Running,
  Closing,
  Closed,
}

const kUsed: unique symbol = Symbol('used');

/** Takes upgrade requests from an HTTP server, its own or yours, and makes connections of them. */
export class WebSocketServer extends EventEmitter {
  /** Read at each request, so that a change takes effect with the next one. */
  options: ServerOptions & { WebSocket: WebSocketClass };
  /** All open connections; undefined without `clientTracking`. */
  declare clients: Set<WebSocket> | undefined;
  private server: Server | HttpsServer | null = null;
  private state = ServerState.Running;
  private removeListeners: (() => void) | undefined;
  private closesWithLastClient = false;
  private origins: AllowedOrigins | undefined;
  private openConnections = 0;

  /**
   * @param listening told once the server listens, with `port`
   * @throws TypeError unless exactly one of port, server and noServer is given; RangeError for a number that cannot be honoured
   */
  constructor(options: ServerOptions = {}, listening?: () => void) {
    super();
    this.options = { ...DEFAULTS, WebSocket, ...options };
    const { port, host, backlog, server, noServer, clientTracking } = this.options;
    if (Number(typeof port === 'number' || Boolean(port)) + Number(Boolean(server)) + Number(Boolean(noServer)) !== 1) {
      throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified');
    }
    checkOptions(this.options);
    if (this.options.perMessageDeflate === true) this.options.perMessageDeflate = {};
    const deflate = this.resolveDeflate();
    if (deflate !== undefined) checkEngineOptions(deflate);
    const { allowedOrigins, signal } = options;
    if (allowedOrigins !== undefined) this.origins = allowOrigins(allowedOrigins);
    if (clientTracking) this.clients = new Set();

    if (server) {
      this.server = server;
    } else if (!noServer) {
      this.server = this.createServer();
      this.server.listen({ port: Number(port), host: host ?? undefined, backlog: backlog ?? undefined }, listening);
    }
    if (this.server !== null) this.listenTo(this.server);
    if (signal !== undefined) {
      const close = (): void => this.close();
      if (signal.aborted) process.nextTick(close);
      else signal.addEventListener('abort', close);
      this.once('close', () => signal.removeEventListener('abort', close));
    }
  }

  /** The address of the HTTP server, null before and after it listens. Throws in noServer mode. */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this.server === null ? null : this.server.address();
  }

  /**
   * Takes no more connections, and emits 'close' when the open ones have ended; it does not end them.
   * @param callback told when it is closed, or with an Error when it was closed before
   */
  close(callback?: (error?: Error) => void): void {
    if (this.state === ServerState.Closed) {
      if (callback !== undefined) this.once('close', () => callback(new Error('The server is not running')));
      process.nextTick(emitClose, this);
      return;
    }
    if (callback !== undefined) this.once('close', callback);
    if (this.state === ServerState.Closing) return;
    this.state = ServerState.Closing;
    const { server } = this;
    if (this.options.noServer || this.options.server) {
      this.removeListeners?.();
      this.removeListeners = undefined;
      this.server = null;
      if (this.clients !== undefined && this.clients.size > 0) this.closesWithLastClient = true;
      else process.nextTick(emitClose, this);
    } else {
      this.removeListeners?.();
      this.removeListeners = undefined;
      this.server = null;
      // 'close' comes when the HTTP server's last socket has ended.
      server!.close(() => emitClose(this));
    }
  }

  /** Whether a request is for this server; meant to be overridden. */
  shouldHandle(request: IncomingMessage): boolean {
    if (!this.options.path) return true;
    const { url = '' } = request;
    const end = url.indexOf('?');
    return (end === -1 ? url : url.slice(0, end)) === this.options.path;
  }

  /**
   * Answers an upgrade request (RFC 6455 4.2).
   * @param callback gets the open connection; it is not called when the request is refused
   * @throws Error when the same socket is handed in twice
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (websocket: WebSocket, request: IncomingMessage) => void,
  ): void {
    socket.on('error', onSocketError);
    const strict = this.options.strictHandshake ?? (!this.options.noServer && !this.options.server);
    const deflate = this.resolveDeflate();
    const reading = { strict, extensions: deflate !== undefined };

    const opening = judgeOpening(request, reading);
    if (!opening.accepted) {
      return this.refuseOrTell(request, socket, opening.status, opening.message, opening.headers);
    }
    if (!this.shouldHandle(request)) return refuse(socket, 400);
    if (this.origins !== undefined && !judgeOrigin(opening.origin, this.origins)) return refuse(socket, 403);
    const acceptance = judgeOffers(request, opening, reading);
    if (!acceptance.accepted) {
      return this.refuseOrTell(request, socket, acceptance.status, acceptance.message, acceptance.headers);
    }
    const agreed = deflate === undefined ? undefined : acceptDeflateOffer(acceptance.offers, deflate);
    if (agreed === 'refused') {
      return this.refuseOrTell(request, socket, 400, 'Invalid or unacceptable Sec-WebSocket-Extensions header', {});
    }
    const extensions: Extensions = agreed === undefined ? {} : { [PERMESSAGE_DEFLATE]: agreed };
    const { key, protocols } = acceptance;
    const complete = (): void => this.completeUpgrade(extensions, key, protocols, request, socket, head, callback);

    const { verifyClient } = this.options;
    if (!verifyClient) return complete();
    const info: ClientInfo = {
      origin: opening.origin,
      secure: isSecure(request),
      req: request,
    };
    if (verifyClient.length === 2) {
      verifyClient(info, (accepted, status, message, headers) => {
        if (accepted) complete();
        else refuse(socket, status ?? 401, message, headers);
      });
    } else if ((verifyClient as VerifyClientSync)(info)) {
      complete();
    } else {
      refuse(socket, 401);
    }
  }

  /**
   * Sends one message to every open connection that `filter` lets through; its frame is made once.
   * @throws TypeError for data that cannot be sent
   */
  broadcast(data: Exclude<Sendable, Blob>, options: BroadcastOptions = {}): void {
    broadcast(this.clients ?? [], data, options);
  }

  /**
   * Answers with 101 and opens the connection; called by `handleUpgrade`, and meant to be overridden.
   * @param extensions what was agreed on, by the extension's name
   * @param protocols the subprotocols asked for, the preferred one first
   */
  completeUpgrade(
    extensions: Extensions,
    key: string,
    protocols: ReadonlySet<string>,
    request: IncomingMessage,
    socket: Duplex & { [kUsed]?: boolean },
    head: Buffer,
    callback: (websocket: WebSocket, request: IncomingMessage) => void,
  ): void {
    // The peer has gone in the meantime.
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (socket[kUsed]) {
      throw new Error(
        'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      );
    }
    const maxConnections = countOption('maxConnections', this.options.maxConnections, 0);
    if (this.state !== ServerState.Running || (maxConnections > 0 && this.openConnections >= maxConnections)) {
      return refuse(socket, 503);
    }
    socket[kUsed] = true;

    const { handleProtocols } = this.options;
    let protocol: string | false | undefined;
    if (protocols.size > 0) {
      protocol = handleProtocols ? handleProtocols(protocols as Set<string>, request) : protocols.values().next().value;
    }
    const agreed = extensions[PERMESSAGE_DEFLATE];
    const lines = acceptanceLines({
      key,
      protocol: protocol || undefined,
      extensions: agreed?.header,
    });
    const websocket = new this.options.WebSocket(null, undefined, this.options);
    websocket._protocol = protocol || '';
    websocket._errorOutlet = this.onConnectionError;
    this.emit('headers', lines, request);
    let response: string;
    try {
      response = joinHead(lines);
    } catch (error) {
      // RFC 6455 10.8 and RFC 7230 3.2.4: nothing with a line break in it is ever written into a head.
      refuse(socket, 500);
      throw error;
    }
    socket.write(response);
    socket.removeListener('error', onSocketError);
    this.openConnections++;
    websocket.setSocket(socket, head, {
      ...this.options,
      deflate: agreed === undefined ? undefined : { agreement: agreed.agreement, options: this.resolveDeflate() ?? {} },
    });
    this.clients?.add(websocket);
    websocket.on('close', this.onClientClose);
    callback(websocket, request);
  }

  // One function for all: a connection that is open holds nothing of its request.
  private readonly onConnectionError = (error: Error, websocket: WebSocket): void => {
    this.emit('connectionError', error, websocket);
  };

  private readonly onClientClose = (): void => {
    this.openConnections--;
    if (this.clients === undefined) return;
    for (const client of this.clients) if (client.readyState === 3) this.clients.delete(client);
    if (this.closesWithLastClient && this.clients.size === 0) {
      this.closesWithLastClient = false;
      process.nextTick(emitClose, this);
    }
  };

  private resolveDeflate(): PerMessageDeflateOptions | undefined {
    return resolveDeflate<PerMessageDeflateOptions>(this.options.perMessageDeflate);
  }

  private refuseOrTell(
    request: IncomingMessage,
    socket: Duplex,
    status: number,
    message: string,
    headers: Readonly<Record<string, string>>,
  ): void {
    if (this.listenerCount('wsClientError') > 0) {
      this.emit('wsClientError', new Error(message), socket, request);
    } else {
      refuse(socket, status, message, headers);
    }
  }

  private createServer(): Server {
    const timeout = countOption('handshakeTimeout', this.options.handshakeTimeout, 10_000);
    // The whole handshake has this long from the connection's first moment, however the octets trickle in.
    const times =
      timeout === 0
        ? {}
        : { headersTimeout: timeout, requestTimeout: timeout, connectionsCheckingInterval: Math.min(1000, timeout) };
    return http.createServer(times, (_request: IncomingMessage, response: ServerResponse) => {
      const body = 'Upgrade Required';
      // Requests that come while the server is closing do not keep it open.
      if (this.state !== ServerState.Running) response.shouldKeepAlive = false;
      response.writeHead(426, { 'Content-Length': body.length, 'Content-Type': 'text/plain' });
      response.end(body);
    });
  }

  private listenTo(server: Server | HttpsServer): void {
    const listening = (): void => void this.emit('listening');
    const error = (reason: Error): void => void this.emit('error', reason);
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      this.handleUpgrade(request, socket, head, (websocket) => this.emit('connection', websocket, request));
    };
    server.on('listening', listening);
    server.on('error', error);
    server.on('upgrade', upgrade);
    this.removeListeners = () => {
      server.removeListener('listening', listening);
      server.removeListener('error', error);
      server.removeListener('upgrade', upgrade);
    };
  }

  /** @internal */
  _closed(): void {
    this.state = ServerState.Closed;
    this.emit('close');
  }
}

function isSecure(request: IncomingMessage): boolean {
  const socket = request.socket as { authorized?: boolean; encrypted?: boolean };
  return Boolean(socket.authorized || socket.encrypted);
}

function emitClose(server: WebSocketServer): void {
  server._closed();
}

function onSocketError(this: Duplex): void {
  this.destroy();
}

/** Answers with an error and ends the socket. */
function refuse(
  socket: Duplex,
  status: number,
  message?: string,
  headers?: Readonly<Record<string, FieldValue>>,
): void {
  socket.once('finish', () => socket.destroy());
  socket.end(writeRefusal(status, message, headers));
}
