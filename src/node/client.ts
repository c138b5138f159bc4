// `connectClient` performs a client's opening handshake over Node's http and https, including redirects (RFC 6455 4.1).
import { randomBytes } from 'node:crypto';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import { resolveDeflate, writeDeflateOffer } from '../extensions/permessage-deflate.js';
import { createRequest, judgeResponse, type Agreement, type HandshakeFailure } from '../handshake/client.js';
import { createConnect, judgeConnectResponse } from '../handshake/connect.js';
import { DEFAULT_MAX_REDIRECTS, DEFAULT_REQUEST_TIMEOUT } from '../spec/limits.js';
import { abort, abortError, abortHandshake, fail, tellUpgrade, type PendingRequest } from './abort-handshake.js';
import { isSamePeer, parseAddress, type Destination } from './client-address.js';
import { ownOptions, requestOptions, type ClientOptions, type ClientSocket } from './client-options.js';
import { checkEngineOptions, type PerMessageDeflateOptions } from './deflate/engines.js';
import { resetWhenDestroyed } from './http2/answer.js';
import { requestStream } from './http2/request.js';
import type { StreamRequest } from './http2/stream-request.js';
import { checkOptions, countOption, LONGEST_TIMER } from './options.js';
import { startTimer, stopTimer } from './turn.js';

export type { ClientOptions } from './client-options.js';

const EMPTY = Buffer.alloc(0);

// Deviation from ws (D13): Proxy-Authorization is dropped with the other secrets.
/** Header fields that are dropped on a redirect to another peer, or to one without TLS. */
const SECRETS: readonly string[] = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * Starts the opening handshake of a client, which ends with `setSocket`, or with 'error' and `emitClose`.
 * @param protocols the subprotocols to offer; if undefined, those of the options
 * @throws SyntaxError for an invalid address or subprotocol; RangeError for numbers that cannot be honoured; the errors
 *   of `http.request` for options that it refuses
 */
export function connectClient(
  websocket: ClientSocket,
  address: string | URL,
  protocols: string | readonly string[] | null | undefined,
  options: ClientOptions,
): void {
  new Opening(websocket, parseAddress(address), protocols, options).start();
}

/** One opening handshake: one request, and one more for each redirect. */
class Opening {
  private readonly options: Readonly<ClientOptions>;
  private readonly protocols: readonly string[];
  private readonly headers: Readonly<Record<string, unknown>>;
  private readonly deflate: PerMessageDeflateOptions | undefined;
  private readonly timeout: number;
  private readonly maxRedirects: number;
  private redirects = 0;
  /** The request that may still change the state, unless `_req` is null. A program may put another object there. */
  private current: PendingRequest | undefined;
  /** `user:password`: the first that the options or an address gave. */
  private auth: string | undefined;
  /** Ends the limits of the request: Node tells no end of one where a listener throws, as that of 'open' may. */
  private release = (): void => {};

  constructor(
    private readonly websocket: ClientSocket,
    /** The caller's address, the only destination that gets the caller's secrets. */
    private readonly home: Destination,
    protocols: string | readonly string[] | null | undefined,
    options: ClientOptions,
  ) {
    const own = ownOptions(options);
    checkOptions(own);
    this.options = own;
    const asked: unknown = protocols === undefined ? own.protocols : protocols;
    // As in ws, a value that is not a list of subprotocols is refused when the request is made.
    this.protocols = asked === undefined ? [] : Array.isArray(asked) ? (asked as string[]) : [asked as string];
    this.headers = { ...(own.headers as Record<string, unknown> | undefined) };
    if (own.generateMask && typeof own.generateMask !== 'function') {
      throw new TypeError('The "generateMask" option must be a function');
    }
    if (own.http2 && own.http2 !== true && typeof (own.http2 as { request?: unknown }).request !== 'function') {
      throw new TypeError('The "http2" option must be a boolean or a ClientHttp2Session');
    }
    // As in `ws`, an explicit `undefined` turns compression off.
    this.deflate = resolveDeflate('perMessageDeflate' in own ? own.perMessageDeflate : true);
    if (this.deflate !== undefined) checkEngineOptions(this.deflate);
    const timeout = countOption('handshakeTimeout', own.handshakeTimeout, DEFAULT_REQUEST_TIMEOUT);
    this.timeout = Math.min(timeout, LONGEST_TIMER);
    this.maxRedirects =
      own.maxRedirects === Infinity ? Infinity : countOption('maxRedirects', own.maxRedirects, DEFAULT_MAX_REDIRECTS);
  }

  start(): void {
    if (this.options.http2) this.requestStream();
    else this.finish(this.request(this.home));
  }

  private isCurrent(request: PendingRequest): boolean {
    return this.current === request && this.websocket._req !== null;
  }

  /** Connects over HTTP/2, or over HTTP/1.1 where the peer does not support that. */
  private requestStream(): void {
    const { websocket, options, home, protocols } = this;
    websocket._url = home.url.href;
    if (options.signal?.aborted) return abort(websocket, null, abortError(options.signal));
    const extensions = this.deflate && writeDeflateOffer(this.deflate);
    const { protocolVersion: version, origin } = options;
    const fields = createConnect({ version, protocols, extensions, origin, headers: this.headers });
    const auth = home.auth ?? options.auth ?? undefined;
    const request: StreamRequest = requestStream(home, options, fields, auth, {
      refused: () => {
        if (!this.isCurrent(request)) return;
        try {
          this.finish(this.request(home));
        } catch (error) {
          // The constructor, which would throw this, is over.
          fail(websocket, error);
        }
      },
      failed: (error) => this.isCurrent(request) && fail(websocket, error),
      responded: (...response) => this.isCurrent(request) && this.respondOnStream(request, ...response),
    });
    this.current = websocket._req = request;
    this.limit(request);
  }

  /** Returns whether the response is left to a listener of 'unexpected-response'. */
  private respondOnStream(
    request: StreamRequest,
    status: number,
    headers: IncomingHttpHeaders,
    stream: ClientHttp2Stream,
  ): boolean {
    const { websocket, options, protocols, deflate } = this;
    resetWhenDestroyed(stream);
    // The members of a response that listeners read.
    const response = Object.assign(stream, { statusCode: status, headers });
    if (status >= 200 && status <= 299) {
      tellUpgrade(websocket, response, stream);
      if (!this.isCurrent(request)) stream.destroy();
      else this.open(judgeConnectResponse(status, headers, { protocols, deflate }), stream, EMPTY);
    } else if (options.followRedirects && headers.location && status >= 300 && status < 400) {
      abortHandshake(websocket, request, 'Redirects are not followed over HTTP/2');
    } else {
      if (websocket.emit('unexpected-response', request, response)) return true;
      abortHandshake(websocket, request, `Unexpected server response: ${status}`);
    }
    return false;
  }

  /** Creates the request for a destination and its listeners; null if the handshake was given up at once. */
  private request(destination: Destination): ClientRequest | null {
    const { websocket, options, protocols, deflate } = this;
    websocket._url = destination.url.href;
    if (options.signal?.aborted) {
      abort(websocket, null, abortError(options.signal));
      return null;
    }
    const key = randomBytes(16).toString('base64');
    const isTrusted = this.isTrusted(destination);
    if (isTrusted) this.auth ??= destination.auth ?? options.auth ?? undefined;
    const fields = createRequest({
      key,
      version: options.protocolVersion,
      protocols,
      extensions: deflate && writeDeflateOffer(deflate),
      origin: options.origin,
      headers: isTrusted ? this.headers : this.withoutSecrets(destination),
    });
    const init = requestOptions(options, destination, fields, isTrusted ? this.auth : undefined);
    const request = destination.isSecure ? https.request(init) : http.request(init);
    this.current = websocket._req = request;
    this.limit(request);
    request.on('error', (error) => {
      if (this.isCurrent(request)) fail(websocket, error);
    });
    request.on('response', (response) => {
      if (this.isCurrent(request)) this.respond(request, response, destination);
    });
    request.on('upgrade', (response, socket, head) => {
      // Where a listener throws, Node tells no end of the request.
      const lost = (): void => {
        this.release();
        if (this.isCurrent(request)) fail(websocket, new Error('socket hang up'));
      };
      socket.once('close', lost);
      if (this.isCurrent(request)) tellUpgrade(websocket, response, socket);
      socket.removeListener('close', lost);
      // A listener may have closed the connection, and Node leaves an upgraded socket to the listener of 'upgrade'.
      if (!this.isCurrent(request)) socket.destroy();
      else this.open(judgeResponse(response, { key, protocols, deflate }), socket, head);
    });
    return request;
  }

  /** Sends the request, unless it has been given up. */
  private finish(request: ClientRequest | null): void {
    const { websocket, options } = this;
    if (request === null || !this.isCurrent(request)) return;
    if (!options.finishRequest) return void request.end();
    try {
      options.finishRequest(request, websocket);
    } catch (error) {
      if (this.redirects > 0) abort(websocket, request, error as Error);
      else {
        // The constructor throws this: no caller has the WebSocket yet, so an 'error' event would reach no listener.
        websocket._req = null;
        request.destroy();
      }
      throw error;
    }
  }

  /** Gives up the request when its time is over or the caller's signal aborts. */
  private limit(request: PendingRequest): void {
    const { websocket, timeout } = this;
    const signal = this.options.signal || undefined;
    const onAbort = (): void => {
      if (this.isCurrent(request)) abort(websocket, request, abortError(signal));
    };
    const onTimeout = (): void => {
      if (this.isCurrent(request)) abortHandshake(websocket, request, 'Opening handshake has timed out');
    };
    // Deviation from ws (D13): the time runs from the request's creation, and received bytes do not restart it.
    const timer = timeout > 0 ? startTimer(onTimeout, timeout) : undefined;
    signal?.addEventListener('abort', onAbort);
    this.release = () => {
      stopTimer(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    request.once('close', this.release);
  }

  /** Handles a response that is not an upgrade: follows a redirect, or leaves the response to the caller. */
  private respond(request: ClientRequest, response: IncomingMessage, from: Destination): void {
    const { websocket, options } = this;
    const { statusCode = 0 } = response;
    const { location } = response.headers;
    if (options.followRedirects && location && statusCode >= 300 && statusCode < 400) {
      websocket._redirects = ++this.redirects;
      if (this.redirects <= this.maxRedirects) this.redirect(request, location, from);
      else abortHandshake(websocket, request, 'Maximum redirects exceeded');
    } else if (!websocket.emit('unexpected-response', request, response)) {
      abortHandshake(websocket, request, `Unexpected server response: ${statusCode}`);
    }
  }

  private redirect(from: ClientRequest, location: string, base: Destination): void {
    const { websocket } = this;
    websocket._req = null;
    from.destroy();
    let request: ClientRequest | null;
    try {
      const destination = parseAddress(location, base.url);
      // Deviation from ws (D13): a server on the network cannot send a client to a Unix socket or pipe of this machine.
      if (destination.socketPath !== undefined && base.socketPath === undefined) {
        throw new Error('A redirect must not lead to an IPC path');
      }
      request = this.request(destination);
    } catch (error) {
      // Bytes from a server must not cause an exception that no caller can catch.
      fail(websocket, error);
      return;
    }
    if (request !== null) websocket.emit('redirect', websocket._url, request);
    this.finish(request);
  }

  /** Opens the connection, or fails it, according to the server's answer. */
  private open(judgement: Agreement | HandshakeFailure, socket: Duplex, head: Buffer): void {
    const { websocket, deflate: options } = this;
    if (!judgement.agreed) {
      socket.destroy();
      abortHandshake(websocket, null, judgement.message);
      return;
    }
    const agreement = judgement.deflate;
    websocket._req = null;
    this.release();
    websocket._protocol = judgement.protocol;
    websocket.setSocket(socket, head, {
      ...this.options,
      deflate: agreement && options && { agreement, options },
    });
  }

  /** Whether the caller's secrets may go to a destination: to their own peer, or where a listener of 'redirect' decides. */
  private isTrusted(destination: Destination): boolean {
    const { home } = this;
    if (this.websocket.listenerCount('redirect') > 0) return true;
    return isSamePeer(home, destination) && (destination.isSecure || !home.isSecure);
  }

  private withoutSecrets(destination: Destination): Readonly<Record<string, unknown>> {
    // A Host field that the caller chose is valid only for the peer that it was chosen for.
    const secrets = isSamePeer(this.home, destination) ? SECRETS : [...SECRETS, 'host'];
    return Object.fromEntries(Object.entries(this.headers).filter(([name]) => !secrets.includes(name.toLowerCase())));
  }
}
