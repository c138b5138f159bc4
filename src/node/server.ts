// `WebSocketServer` opens WebSocket objects for HTTP requests that ask for one, or refuses them (RFC 6455 4.2).
import { EventEmitter } from 'node:events';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  acceptDeflateOffer,
  PERMESSAGE_DEFLATE,
  resolveDeflate,
  type DeflateAcceptance,
} from '../extensions/permessage-deflate.js';
import { judgeConnect } from '../handshake/connect.js';
import { fieldLine, joinHead, type FieldValue } from '../handshake/field.js';
import { allowOrigins, judgeOrigin, type AllowedOrigins } from '../handshake/origin.js';
import {
  acceptanceLines,
  judgeOffers,
  judgeOpening,
  writeRefusal,
  type Opening,
  type Refusal,
} from '../handshake/server.js';
import { channels, noteAsked, publishRefused } from './channels.js';
import { broadcast, type BroadcastOptions } from './broadcast.js';
import type { Sendable } from './data.js';
import { checkEngineOptions, type PerMessageDeflateOptions } from './deflate/engines.js';
import {
  checkServerOptions,
  DEFAULTS,
  type ClientInfo,
  type ServerOptions,
  type VerifyClientAnswer,
  type VerifyClientSync,
  type WebSocketClass,
} from './server-options.js';
import { acceptStream, isStream, noteStream, refuseStream, resetWhenDestroyed, connectLines } from './http2/answer.js';
import { isHttp2Server, listenToStreams } from './http2/listen.js';
import type { SessionOwner } from './session.js';
import { WebSocket } from './websocket.js';

/** What was agreed on, by the extension's name. */
export interface Extensions {
  [PERMESSAGE_DEFLATE]?: DeflateAcceptance;
}

/** The values of `_state`, as in `ws`. */
enum ServerState {
  Running = 0,
  Closing = 1,
  Closed = 2,
}

const EMPTY = Buffer.alloc(0);

const kUsed: unique symbol = Symbol('used');

/** The socket of an upgrade request, marked once a connection has been made of it. */
type UpgradeSocket = Duplex & { [kUsed]?: boolean };

/** What a server holds that `ws` has no name for: a user's flags and subclasses cannot meet it, and a Proxy finds it too. */
class Holdings implements SessionOwner {
  origins: AllowedOrigins | undefined;
  openConnections = 0;

  constructor(private readonly server: WebSocketServer) {}

  connectionError(error: Error, websocket: WebSocket): void {
    this.server.emit('connectionError', error, websocket);
  }

  closed(websocket: WebSocket): void {
    const { server } = this;
    this.openConnections--;
    if (server.clients === undefined) return;
    server.clients.delete(websocket);
    if (server._shouldEmitClose === true && server.clients.size === 0) {
      server._shouldEmitClose = false;
      process.nextTick(emitClose, server);
    }
  }
}

const holdings = new WeakMap<WebSocketServer, Holdings>();

function holdingsOf(server: WebSocketServer): Holdings {
  let held = holdings.get(server);
  if (held === undefined) holdings.set(server, (held = new Holdings(server)));
  return held;
}

/** Takes upgrade requests from an HTTP server, its own or yours, and makes connections of them. */
export class WebSocketServer extends EventEmitter {
  /** Read at each request, so that a change takes effect with the next one. */
  options: ServerOptions & { WebSocket: WebSocketClass };
  /** All open connections; undefined without `clientTracking`. */
  declare clients: Set<WebSocket> | undefined;
  /** The HTTP server that is listened to; null once it is not, and absent in noServer mode. @internal */
  declare _server: NonNullable<ServerOptions['server']> | null | undefined;
  /** @internal */
  declare _removeListeners: (() => void) | null | undefined;
  /** @internal */
  declare _shouldEmitClose: boolean | undefined;
  /** @internal */
  _state: number;

  /**
   * @param listening told once the server listens, with `port`
   * @throws TypeError unless exactly one of port, server and noServer is given; RangeError for a number that cannot be honoured
   */
  constructor(options: ServerOptions = {}, listening?: () => void) {
    super();
    const all = { ...DEFAULTS, WebSocket, ...options };
    const { port, host, backlog, server, noServer, clientTracking, allowedOrigins, signal } = all;
    const isOurs = port !== undefined && port !== null;
    if (Number(isOurs) + Number(Boolean(server)) + Number(Boolean(noServer)) !== 1) {
      throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified');
    }
    const { handshakeTimeout } = checkServerOptions(all);
    if (all.perMessageDeflate === true) all.perMessageDeflate = {};
    const deflate = resolveDeflate<PerMessageDeflateOptions>(all.perMessageDeflate);
    if (deflate !== undefined) checkEngineOptions(deflate);
    // A preset is shown as what it stands for, which is all that code written for ws knows.
    if (typeof all.perMessageDeflate === 'string') all.perMessageDeflate = deflate ?? false;
    if (allowedOrigins !== undefined) holdingsOf(this).origins = allowOrigins(allowedOrigins);

    if (isOurs) {
      this._server = createServer(this, handshakeTimeout);
      this._server.listen(port as number, host as string, backlog as number, listening);
    } else if (server) {
      this._server = server;
    }
    if (this._server) {
      this._removeListeners = listenTo(this._server, this, (request, stream) => {
        connect(this, stream, request, (websocket) => this.emit('connection', websocket, request));
      });
    }
    if (clientTracking) {
      this.clients = new Set();
      this._shouldEmitClose = false;
    }
    all.perMessageDeflate = resolveDeflate(all.perMessageDeflate) ?? false;
    this.options = all;
    this._state = ServerState.Running;
    if (signal) {
      const close = (): void => this.close();
      if (signal.aborted) process.nextTick(close);
      else signal.addEventListener('abort', close);
      this.once('close', () => signal.removeEventListener('abort', close));
    }
  }

  /** The address of the HTTP server, null before and after it listens. Throws in noServer mode. */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this._server ? this._server.address() : null;
  }

  /**
   * Takes no more connections, and emits 'close' when the open ones have ended; it does not end them.
   * @param callback told when it is closed, or with an Error when it was closed before
   */
  close(callback?: (error?: Error) => void): void {
    if (this._state === ServerState.Closed) {
      if (callback) this.once('close', () => callback(new Error('The server is not running')));
      process.nextTick(emitClose, this);
      return;
    }
    if (callback) this.once('close', callback);
    if (this._state === ServerState.Closing) return;
    this._state = ServerState.Closing;
    const server = this._server;
    if (server) {
      this._removeListeners!();
      this._removeListeners = this._server = null;
    }
    if (!this.options.noServer && !this.options.server) {
      // 'close' comes when the HTTP server's last socket has ended.
      server!.close(() => emitClose(this));
    } else if (this.clients !== undefined && this.clients.size > 0) {
      this._shouldEmitClose = true;
    } else {
      process.nextTick(emitClose, this);
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
    admit(this, request, socket, head, (strict) => judgeOpening(request, { strict }), callback);
  }

  /**
   * Answers a request for a WebSocket over HTTP/2, an extended CONNECT (RFC 8441 5), as the 'stream' event of an HTTP/2 server
   * has it. The server must have been made with the setting `enableConnectProtocol`.
   * @param callback gets the open connection; it is not called when the request is refused
   */
  handleConnect(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    callback: (websocket: WebSocket, request: http2.Http2ServerRequest) => void,
  ): void {
    const request = new http2.Http2ServerRequest(stream, headers, {}, Object.entries(headers).flat() as string[]);
    connect(this, stream, request, callback);
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
    socket: UpgradeSocket,
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
    const { options } = this;
    const held = holdingsOf(this);
    let maxConnections: number;
    let deflate: PerMessageDeflateOptions | undefined;
    try {
      ({ maxConnections } = checkServerOptions(options));
      deflate = resolveDeflate<PerMessageDeflateOptions>(options.perMessageDeflate);
    } catch (error) {
      return refuseAndTell(this, request, socket, error);
    }
    if (this._state > ServerState.Running || (maxConnections > 0 && held.openConnections >= maxConnections)) {
      return refuse(socket, 503);
    }
    if (options.handleProtocols && !isFunction(this, 'handleProtocols', request, socket)) return;
    if (!isFunction(this, 'WebSocket', request, socket)) return;

    const websocket = refusingThrown(socket, () => new options.WebSocket(null, undefined, options));
    if (typeof websocket.setSocket !== 'function') {
      const error = new TypeError('The "WebSocket" option must be WebSocket or a class that extends it');
      return refuseAndTell(this, request, socket, error);
    }
    let chosen: unknown = protocols.values().next().value;
    if (options.handleProtocols && protocols.size > 0) {
      // Called on the options, which are its `this`.
      chosen = refusingThrown(socket, () => options.handleProtocols!(protocols as Set<string>, request));
    }
    const agreed = extensions[PERMESSAGE_DEFLATE];
    const ofHttp2 = isStream(socket);
    const lines = ofHttp2 ? connectLines(key) : acceptanceLines({ key });
    let response: string;
    try {
      if (chosen) {
        // As with ws, any text goes out, for the client to judge.
        websocket._protocol = textOf(chosen);
        lines.push(fieldLine('Sec-WebSocket-Protocol', websocket._protocol));
      }
      if (agreed !== undefined) lines.push(fieldLine('Sec-WebSocket-Extensions', agreed.header));
    } catch (error) {
      return refuseAndTell(this, request, socket, error);
    }
    refusingThrown(socket, () => this.emit('headers', lines, request));
    try {
      response = joinHead(Array.from(lines, textOf));
    } catch (error) {
      // RFC 6455 10.8 and RFC 7230 3.2.4: nothing with a line break in it is ever written into a head.
      return refuseAndTell(this, request, socket, error);
    }
    socket[kUsed] = true;
    if (ofHttp2) acceptStream(resetWhenDestroyed(socket), lines);
    else socket.write(response);
    socket.removeListener('error', onSocketError);
    if (channels.accepted.hasSubscribers) channels.accepted.publish({ server: this, websocket, request, socket });
    websocket.setSocket(socket, head, {
      ...options,
      owner: held,
      deflate: agreed === undefined ? undefined : { agreement: agreed.agreement, options: deflate ?? {} },
    });
    held.openConnections++;
    this.clients?.add(websocket);
    callback(websocket, request);
  }
}

/** Answers a request for a WebSocket that came on a stream of HTTP/2. */
function connect(
  server: WebSocketServer,
  stream: ServerHttp2Stream,
  request: http2.Http2ServerRequest,
  callback: (websocket: WebSocket, request: http2.Http2ServerRequest) => void,
): void {
  noteStream(stream);
  const judge = (strict: boolean): Opening | Refusal => judgeConnect(request.headers, { strict });
  // The parts of an IncomingMessage that the judging and the application's functions read are those of this request too.
  admit(server, request as unknown as IncomingMessage, stream, EMPTY, judge, callback as never);
}

/** Judges a request, asks the application, and answers. */
function admit(
  server: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  judge: (strict: boolean) => Opening | Refusal,
  callback: (websocket: WebSocket, request: IncomingMessage) => void,
): void {
  socket.on('error', onSocketError);
  noteAsked(socket, server, request);
  const { options } = server;
  let deflate: PerMessageDeflateOptions | undefined;
  try {
    deflate = resolveDeflate<PerMessageDeflateOptions>(options.perMessageDeflate);
  } catch (error) {
    return refuseAndTell(server, request, socket, error);
  }
  const opening = judge(Boolean(options.strictHandshake));
  if (!opening.accepted) return refuseOrTell(server, request, socket, opening);
  if (!refusingThrown(socket, () => server.shouldHandle(request))) return refuse(socket, 400);
  const { origins } = holdingsOf(server);
  if (origins !== undefined && !judgeOrigin(opening.origin, origins)) return refuse(socket, 403);
  const acceptance = judgeOffers(request, opening, { extensions: deflate !== undefined });
  if (!acceptance.accepted) return refuseOrTell(server, request, socket, acceptance);
  const agreed = deflate === undefined ? undefined : acceptDeflateOffer(acceptance.offers, deflate);
  if (agreed === 'refused') {
    const message = 'Invalid or unacceptable Sec-WebSocket-Extensions header';
    return refuseOrTell(server, request, socket, { status: 400, message, headers: {} });
  }
  const extensions: Extensions = agreed === undefined ? {} : { [PERMESSAGE_DEFLATE]: agreed };
  const { key, protocols } = acceptance;
  const complete = (): void => server.completeUpgrade(extensions, key, protocols, request, socket, head, callback);

  if (!options.verifyClient) return complete();
  if (!isFunction(server, 'verifyClient', request, socket)) return;
  const info: ClientInfo = {
    origin: opening.origin,
    secure: isSecure(request, socket),
    req: request,
  };
  if (options.verifyClient.length === 2) {
    const answer: VerifyClientAnswer = (accepted, status, message, headers) => {
      if (accepted) return complete();
      try {
        refuse(socket, status || 401, message, headers);
      } catch (error) {
        refuseAndTell(server, request, socket, error);
      }
    };
    // Called on the options, which are its `this`.
    refusingThrown(socket, () => void options.verifyClient!(info, answer));
  } else if (refusingThrown(socket, () => (options as { verifyClient: VerifyClientSync }).verifyClient(info))) {
    complete();
  } else {
    refuse(socket, 401);
  }
}

function createServer(server: WebSocketServer, timeout: number): Server {
  // The whole handshake has this long from the connection's first moment, however the bytes trickle in.
  const times =
    timeout === 0
      ? {}
      : { headersTimeout: timeout, requestTimeout: timeout, connectionsCheckingInterval: Math.min(1000, timeout) };
  return http.createServer(times, (_request: IncomingMessage, response: ServerResponse) => {
    const body = 'Upgrade Required';
    // Requests that come while the server is closing do not keep it open.
    if (server._state !== ServerState.Running) response.shouldKeepAlive = false;
    response.writeHead(426, { 'Content-Length': body.length, 'Content-Type': 'text/plain' });
    response.end(body);
  });
}

/** Makes a server of ours listen to an HTTP server; the function returned ends that. */
function listenTo(
  server: NonNullable<ServerOptions['server']>,
  ours: WebSocketServer,
  takeStream: (request: http2.Http2ServerRequest, stream: ServerHttp2Stream) => void,
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
  };
}

function isSecure(request: IncomingMessage, carrier: Duplex): boolean {
  if (isStream(carrier)) return Boolean(carrier.session?.encrypted);
  const socket = request.socket as { authorized?: boolean; encrypted?: boolean } | undefined;
  return Boolean(socket?.authorized || socket?.encrypted);
}

function emitClose(server: WebSocketServer): void {
  server._state = ServerState.Closed;
  server.emit('close');
}

function onSocketError(this: Duplex): void {
  this.destroy();
}

/** The text of any value, '' for undefined and null; throws for a value that has none. */
function textOf(value: unknown): string {
  return [value].join();
}

/** Whether an option is a function; if not, the client gets a 500 and the application is told. */
function isFunction(
  server: WebSocketServer,
  name: 'verifyClient' | 'handleProtocols' | 'WebSocket',
  request: IncomingMessage,
  socket: Duplex,
): boolean {
  if (typeof server.options[name] === 'function') return true;
  refuseAndTell(server, request, socket, new TypeError(`The "${name}" option must be a function`));
  return false;
}

/** Calls a function of the application; what it throws goes its way, after the client has its answer. */
function refusingThrown<T>(socket: UpgradeSocket, call: () => T): T {
  let isDone = false;
  try {
    const result = call();
    isDone = true;
    return result;
  } finally {
    // A function that admitted the client, or refused it, before it threw has answered.
    if (!isDone && !socket[kUsed] && !socket.writableEnded) refuse(socket, 500);
  }
}

/** Refuses a request that does not ask properly, or leaves that to the listeners of 'wsClientError'. */
function refuseOrTell(
  server: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  { status, message, headers }: Pick<Refusal, 'status' | 'message' | 'headers'>,
): void {
  if (server.listenerCount('wsClientError') > 0) {
    server.emit('wsClientError', new Error(message), socket, request);
  } else {
    refuse(socket, status, message, headers);
  }
}

/**
 * A value of the application's cannot be used: the listeners of 'wsClientError' hear why and answer, or else the client gets a
 * 500 and the listeners of 'error' hear it. It never throws, as any client may bring it about.
 */
function refuseAndTell(server: WebSocketServer, request: IncomingMessage, socket: Duplex, error: unknown): void {
  if (server.listenerCount('wsClientError') > 0) {
    server.emit('wsClientError', error, socket, request);
    return;
  }
  refuse(socket, 500);
  if (server.listenerCount('error') > 0) server.emit('error', error);
}

/** Answers with an error and ends the socket; throws before it writes, for values that cannot stand in a head. */
function refuse(socket: Duplex, status: unknown, message?: unknown, headers?: unknown): void {
  const fields = (headers ?? {}) as Record<string, FieldValue>;
  const text = textOf(message || '');
  if (isStream(socket)) refuseStream(socket, Number(status), text, fields);
  else {
    const response = writeRefusal(Number(status), text, fields);
    socket.once('finish', () => socket.destroy());
    socket.end(response);
  }
  publishRefused(socket, Number(status), text);
}
