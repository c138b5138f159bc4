// `listenToStreams` makes WebSocket servers answer the extended CONNECT requests of an HTTP/2 server (RFC 8441).
import type {
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
  Settings,
} from 'node:http2';
import { isExtendedConnect } from '../../handshake/connect.js';
import { nextTurn } from '../turn.js';
import { letGo, requestOf } from './served-request.js';
import { INITIAL_WINDOW, SESSION_WINDOW, STREAM_WINDOW } from './windows.js';

/** The part of a WebSocket server that answers streams. */
export interface StreamServer {
  /** Whether a request is for this server; application code, which may throw. */
  wantsStream(request: Http2ServerRequest): boolean;
  takeStream(request: Http2ServerRequest, stream: ServerHttp2Stream): void;
}

/** The WebSocket servers of each HTTP server, in the order of their creation. */
const hooks = new WeakMap<Http2Server, Hook>();

/** Whether an HTTP server speaks HTTP/2. */
export function isHttp2Server(server: object): server is Http2Server {
  return typeof (server as Partial<Http2Server>).updateSettings === 'function';
}

/** Adds a WebSocket server to an HTTP server, whose sessions announce the protocol from now on; returns how to remove it. */
export function listenToStreams(server: Http2Server, ours: StreamServer): () => void {
  let hook = hooks.get(server);
  if (hook === undefined) hooks.set(server, (hook = new Hook(server)));
  hook.add(ours);
  return () => hook.remove(ours);
}

/** The listeners that all WebSocket servers of one HTTP server share. */
class Hook {
  private readonly all = new Set<StreamServer>();
  private readonly sessions = new Set<ServerHttp2Session>();
  private hasListened = false;

  constructor(private readonly server: Http2Server) {
    server.updateSettings({ enableConnectProtocol: true });
  }

  add(ours: StreamServer): void {
    if (this.all.size === 0) {
      this.server.on('session', this.onSession);
      this.server.on('stream', this.onStream);
      this.server.on('connect', this.onConnect);
    }
    this.all.add(ours);
  }

  remove(ours: StreamServer): void {
    this.all.delete(ours);
    // The HTTP server may be closed in the same turn.
    nextTurn(this.endSessions);
    if (this.all.size > 0) return;
    this.server.removeListener('session', this.onSession);
    this.server.removeListener('stream', this.onStream);
    this.server.removeListener('connect', this.onConnect);
  }

  private readonly onSession = (session: ServerHttp2Session): void => {
    // By a listener of the application, say one that bans addresses.
    if (session.destroyed) return;
    const { effectiveLocalWindowSize: size = INITIAL_WINDOW } = session.state;
    if (size === INITIAL_WINDOW) session.setLocalWindowSize(SESSION_WINDOW);
    session.on('localSettings', announce);
    session.on('stream', this.onLeft);
    this.sessions.add(session);
    session.once('close', () => this.sessions.delete(session));
  };

  /** Keeps the failure of a stream that no other listener takes from ending the process. */
  private readonly onLeft = (stream: ServerHttp2Stream): void => {
    if (this.server.listenerCount('stream') > Math.min(1, this.all.size)) return;
    if (stream.listenerCount('error') === 0) stream.on('error', () => {});
  };

  /** Once the HTTP server accepts no more connections, a session ends with its last stream: clients keep idle ones open. */
  private readonly endSessions = (): void => {
    if (!this.hasListened || this.server.listening) return;
    for (const session of this.sessions) session.close();
  };

  private readonly onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: string[],
  ): void => {
    // A listener of the application may have answered it.
    if (stream.headersSent || !isExtendedConnect(headers)) return;
    // Another protocol is left to other listeners, if there are any.
    if (headers[':protocol'] !== 'websocket' && this.server.listenerCount('connect') > 1) return;
    const request = requestOf(stream, headers, rawHeaders);
    this.hasListened ||= this.server.listening;
    stream.on('close', this.endSessions);
    this.choose(request).takeStream(request, stream);
  };

  /** The server that takes the request: the only one, or the first that wants it; the first of all refuses an unwanted one. */
  private choose(request: Http2ServerRequest): StreamServer {
    const [first] = this.all;
    if (this.all.size === 1) return first;
    for (const ours of this.all) {
      try {
        if (ours.wantsStream(request)) return ours;
      } catch {
        // It throws again when the server takes the stream, and the client then gets an answer.
        return ours;
      }
    }
    return first;
  }

  /** Node's 'request' interface emits this for every CONNECT, and answers with 405 itself where there is no listener. */
  private readonly onConnect = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    if (this.server.listenerCount('connect') > 1) return;
    if (isExtendedConnect(request.headers)) return void letGo(request.stream, request, response);
    response.statusCode = 405;
    response.end();
  };
}

/**
 * Widens the windows of streams, unless the application has chosen another than the usual, and says aloud how many streams are
 * taken: a browser that hears of no limit opens 100, and with 100 sockets gets no page. What was chosen can be read once it is in
 * force.
 */
function announce(this: ServerHttp2Session, { initialWindowSize, maxConcurrentStreams }: Settings): void {
  // Others of the application are on their way.
  if (this.pendingSettingsAck || this.destroyed) return;
  this.removeListener('localSettings', announce);
  this.settings({
    maxConcurrentStreams,
    initialWindowSize: initialWindowSize === INITIAL_WINDOW ? STREAM_WINDOW : initialWindowSize,
  });
}
