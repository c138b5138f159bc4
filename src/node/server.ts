// `WebSocketServer` opens WebSocket objects for HTTP requests that ask for one, and refuses others (RFC 6455 4.2).
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { PERMESSAGE_DEFLATE, resolveDeflate } from '../extensions/permessage-deflate.js';
import { judgeConnect } from '../handshake/connect.js';
import { fieldLine, joinHead } from '../handshake/field.js';
import { allowOrigins } from '../handshake/origin.js';
import { acceptanceLines, judgeOpening, type Opening, type Refusal } from '../handshake/server.js';
import { admit, type Extensions } from './accept/admit.js';
import { emitClose, holdingsOf, ServerState } from './accept/holdings.js';
import { createServer, listenTo } from './accept/http-server.js';
import {
  isFunction,
  isUsed,
  markUsed,
  refuse,
  refuseAndTell,
  refusingThrown,
  textOf,
  unwatchErrors,
} from './accept/refusal.js';
import { digest, writeHead } from './accept/write-head.js';
import { tie } from './behind.js';
import { noteAsked, publishAccepted } from './channels.js';
import type { BroadcastOptions } from './broadcast.js';
import type { Sendable } from './data.js';
import { drainServer, type DrainCounts, type DrainOptions } from './drain.js';
import { checkEngineOptions, type PerMessageDeflateOptions } from './deflate/engines.js';
import { acceptStream, connectLines, endWithServer, isStream, noteStream, resetWhenDestroyed } from './http2/answer.js';
import { requestOf } from './http2/served-request.js';
import { ServedSocketOptions } from './open.js';
import { checkServerOptions, DEFAULTS, type ServerOptions, type WebSocketClass } from './server-options.js';
import { WebSocket } from './websocket.js';

export type { Extensions } from './accept/admit.js';

const EMPTY = Buffer.alloc(0);

/** Accepts upgrade requests from an HTTP server, its own or the caller's, and turns them into connections. */
export class WebSocketServer extends EventEmitter {
  /** Read at each request, so that a change takes effect with the next request. */
  options: ServerOptions & { WebSocket: WebSocketClass };
  /** All open connections; undefined without `clientTracking`. */
  declare clients: Set<WebSocket> | undefined;
  /** The HTTP server in use; null after `close`, absent in noServer mode. @internal */
  declare _server: NonNullable<ServerOptions['server']> | null | undefined;
  /** @internal */
  declare _removeListeners: (() => void) | null | undefined;
  /** @internal */
  declare _shouldEmitClose: boolean | undefined;
  /** @internal */
  _state: number;

  /**
   * @param listening called once the server listens, with `port`
   * @throws TypeError unless exactly one of port, server and noServer is given, and for an unknown word; RangeError for a number
   *   that cannot be honoured
   */
  constructor(options?: ServerOptions, listening?: () => void) {
    super();
    const all = { ...DEFAULTS, WebSocket, ...options };
    const { port, host, backlog, server, noServer, clientTracking, allowedOrigins, signal } = all;
    const isOurs = port !== undefined && port !== null;
    if (Number(isOurs) + Number(Boolean(server)) + Number(Boolean(noServer)) !== 1) {
      throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified');
    }
    const { handshakeTimeout, acceptPath } = checkServerOptions(all);
    if (all.perMessageDeflate === true) all.perMessageDeflate = {};
    const deflate = resolveDeflate<PerMessageDeflateOptions>(all.perMessageDeflate);
    if (deflate !== undefined) checkEngineOptions(deflate);
    // A preset appears as the options that it stands for: code written for ws knows no presets.
    if (typeof all.perMessageDeflate === 'string') all.perMessageDeflate = deflate ?? false;
    if (allowedOrigins !== undefined) holdingsOf(this).origins = allowOrigins(allowedOrigins);

    if (isOurs) {
      this._server = createServer(this, handshakeTimeout, acceptPath);
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
    this.options = tie(all, this);
    this._state = ServerState.Running;
    if (signal) {
      const close = (): void => this.close();
      if (signal.aborted) process.nextTick(close);
      else signal.addEventListener('abort', close);
      this.once('close', () => signal.removeEventListener('abort', close));
    }
  }

  /** The address of the HTTP server; null while it does not listen. Throws in noServer mode. */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this._server ? this._server.address() : null;
  }

  /**
   * Accepts no more connections, and emits 'close' when the open ones have ended; it does not end them.
   * @param callback called when the server is closed, or with an Error when it was closed before
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
      // 'close' is emitted when the HTTP server's last socket has ended.
      server!.close(() => emitClose(this));
    } else if (this.clients !== undefined && this.clients.size > 0) {
      this._shouldEmitClose = true;
      holdingsOf(this).server = this;
    } else {
      process.nextTick(emitClose, this);
    }
  }

  /** Whether a request is for this server; may be overridden. */
  shouldHandle(request: IncomingMessage): boolean {
    if (!this.options.path) return true;
    const { url = '' } = request;
    const end = url.indexOf('?');
    return (end === -1 ? url : url.slice(0, end)) === this.options.path;
  }

  /**
   * Answers an upgrade request (RFC 6455 4.2).
   * @param callback called with the open connection; not called when the request is refused
   * @throws Error when the same socket is passed twice
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
   * Answers a request for a WebSocket over HTTP/2, an extended CONNECT (RFC 8441 5), with the arguments of an HTTP/2 server's
   * 'stream' event. The server must have been created with the setting `enableConnectProtocol`.
   * @param callback called with the open connection; not called when the request is refused
   */
  handleConnect(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    callback: (websocket: WebSocket, request: Http2ServerRequest) => void,
  ): void {
    const request = requestOf(stream, headers, Object.entries(headers).flat() as string[]);
    connect(this, stream, request, callback);
  }

  /**
   * Sends one message to every open connection that `filter` accepts; its frame is made once.
   * @throws TypeError for data that cannot be sent
   */
  broadcast(data: Exclude<Sendable, Blob>, options: BroadcastOptions = {}): void {
    holdingsOf(this).broadcaster.send(this.clients, data, options);
  }

  /**
   * Accepts no more connections (503 with Retry-After) and closes the open ones, spread evenly over `window`, each after everything
   * that was sent before. Resolves once all have ended, or rejects then with what a subclass has thrown; `close` then ends the
   * server itself.
   * @throws as `close` of a WebSocket for code and reason; RangeError for an invalid time
   */
  drain(options: DrainOptions = {}): Promise<DrainCounts> {
    return drainServer(this, options);
  }

  /**
   * Answers with 101 and opens the connection; called by `handleUpgrade`, and may be overridden.
   * @param extensions the agreements, by the extension's name
   * @param protocols the offered subprotocols, the preferred one first
   */
  completeUpgrade(
    extensions: Extensions,
    key: string,
    protocols: ReadonlySet<string>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (websocket: WebSocket, request: IncomingMessage) => void,
  ): void {
    // The peer has disconnected in the meantime.
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (isUsed(socket)) {
      throw new Error(
        'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      );
    }
    noteAsked(socket, this, request);
    const { options } = this;
    const held = holdingsOf(this);
    let checked: ReturnType<typeof checkServerOptions>;
    let deflate: PerMessageDeflateOptions | undefined;
    try {
      checked = checkServerOptions(options);
      deflate = resolveDeflate<PerMessageDeflateOptions>(options.perMessageDeflate);
    } catch (error) {
      return refuseAndTell(this, request, socket, error);
    }
    const { maxConnections, writePath } = checked;
    if (held.retryAfter !== undefined) {
      return refuse(socket, 503, undefined, { 'Retry-After': String(held.retryAfter) });
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
      // Called as a method of the options, as in ws.
      chosen = refusingThrown(socket, () => options.handleProtocols!(protocols as Set<string>, request));
    }
    const agreed = extensions[PERMESSAGE_DEFLATE];
    const ofHttp2 = isStream(socket);
    const lines = ofHttp2 ? connectLines(key) : acceptanceLines({ key, digest });
    try {
      if (chosen) {
        // As in ws, any text is sent, and the client judges it.
        websocket._protocol = textOf(chosen);
        lines.push(fieldLine('Sec-WebSocket-Protocol', websocket._protocol));
      }
      if (agreed !== undefined) lines.push(fieldLine('Sec-WebSocket-Extensions', agreed.header));
    } catch (error) {
      return refuseAndTell(this, request, socket, error);
    }
    refusingThrown(socket, () => this.emit('headers', lines, request));
    let response = '';
    try {
      const texts = Array.from(lines, textOf);
      response = joinHead(texts);
      // Throws for names that are not tokens, before anything is sent.
      if (ofHttp2) {
        // The application has ended the stream.
        if (socket.closed) return void socket.destroy();
        acceptStream(resetWhenDestroyed(socket), texts);
        endWithServer(socket);
      }
    } catch (error) {
      // RFC 6455 10.8 and RFC 7230 3.2.4: no line break is ever written into a head.
      return refuseAndTell(this, request, socket, error);
    }
    markUsed(socket);
    if (!ofHttp2) writeHead(socket, response, writePath);
    unwatchErrors(socket);
    if (!publishAccepted(this, websocket, request, socket)) return void socket.destroy();
    const agreement = agreed && { agreement: agreed.agreement, options: deflate ?? {} };
    websocket.setSocket(socket, head, new ServedSocketOptions(options, held, agreement));
    held.opened();
    this.clients?.add(websocket);
    callback(websocket, request);
  }
}

/** Answers a request for a WebSocket that came on an HTTP/2 stream. */
function connect(
  server: WebSocketServer,
  stream: ServerHttp2Stream,
  request: Http2ServerRequest,
  callback: (websocket: WebSocket, request: Http2ServerRequest) => void,
): void {
  noteStream(stream);
  const judge = (strict: boolean): Opening | Refusal => judgeConnect(request.headers, { strict });
  // This request has those parts of an IncomingMessage that the judgement and the application's functions read.
  admit(server, request as unknown as IncomingMessage, stream, EMPTY, judge, callback as never);
}
