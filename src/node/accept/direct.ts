// `DirectAccept` takes plain requests for a WebSocket off the sockets of an HTTP server before its parser sees them.
import http, { IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import process from 'node:process';
import { MAX_PLAIN_LENGTH, scanPlainUpgrade, targetEnd, targetStart } from '../../handshake/plain-upgrade.js';
import { RANGE, type HeadScanner } from '../../handshake/head-scanner.js';
import { startTimer, stopTimer } from '../turn.js';
import { unrefed } from '../unrefed.js';
import { copyLanded, land, landing } from '../landing.js';
import { nodeValues } from '../values.js';

/** The first reader of requests: this library for plain ones, or always the parser of node:http. */
export type AcceptPath = 'direct' | 'http';

const asked = process.env.WSIMD_ACCEPT_PATH;
/** The default accept path; the environment variable WSIMD_ACCEPT_PATH forces one. */
export const acceptPath: AcceptPath = asked === 'http' ? 'http' : 'direct';

/**
 * After one to two of these intervals, in ms, a silent connection is passed to node:http, which ends it in time. When many
 * connect at once, as after a deploy, the last ones send their requests after a second or so.
 */
const PATIENCE = 1000;

/** The method by which node:http gives a message its fields, with the number of names and values. */
interface TakesFields {
  _addHeaderLines?: (rawHeaders: string[], count: number) => void;
}

const EMPTY = Buffer.alloc(0);
const PROTOCOL = 'sec-websocket-protocol';

type Listener = (this: Server, socket: Socket) => void;

/** Replaces Node's own listener of 'connection', which gets every socket that begins with anything else. */
export class DirectAccept {
  /** Silent sockets: those of this interval, and of the one before. */
  private fresh = new Set<Socket>();
  private older = new Set<Socket>();
  private timer: NodeJS.Timeout | undefined;
  private readonly patience: number;
  private readonly onConnection: Listener;
  private readonly onLanded: (this: Socket, bytes: number) => boolean;
  private readonly onError: (this: Socket, error: Error) => void;

  private constructor(
    private readonly server: Server,
    private readonly parse: Listener,
    timeout: number,
  ) {
    this.patience = timeout === 0 ? PATIENCE : Math.min(PATIENCE, timeout / 10);
    // Shared by all sockets of the server: a waiting socket holds no closure.
    // oxlint-disable-next-line no-this-alias -- the functions have a `this` of their own
    const accept = this;
    this.onConnection = function (socket) {
      accept.take(socket);
    };
    this.onLanded = function (bytes) {
      return accept.read(this, bytes);
    };
    this.onError = function (error) {
      if (!server.emit('clientError', error, this)) this.destroy();
    };
    server.removeListener('connection', parse);
    server.on('connection', this.onConnection);
    // The parser does not know the sockets that wait here, but they are the server's connections too.
    Object.defineProperty(server, 'closeAllConnections', {
      configurable: true,
      writable: true,
      value(this: Server) {
        for (const socket of [...accept.older, ...accept.fresh]) socket.destroy();
        Object.getPrototypeOf(server).closeAllConnections.call(this);
      },
    });
  }

  /**
   * Puts itself before the parser of a server without listeners of the application.
   * @param timeout how long a handshake may take, in ms; 0 for no limit
   * @returns undefined where this Node does not support it, and the parser reads everything
   */
  static install(server: Server, timeout: number): DirectAccept | undefined {
    const [parse, ...more] = server.listeners('connection') as Listener[];
    if (parse === undefined || more.length > 0 || !makesRequests()) return undefined;
    return new DirectAccept(server, parse, timeout);
  }

  /** Leaves everything to the parser from now on, including the waiting sockets. */
  stop(): void {
    stopTimer(this.timer);
    this.server.removeListener('connection', this.onConnection);
    this.server.on('connection', this.parse);
    for (const socket of [...this.older, ...this.fresh]) this.handOver(socket, undefined);
  }

  /** Whether no other code reads the incoming bytes. */
  private get isAlone(): boolean {
    const { server } = this;
    return (
      server.listenerCount('connection') === 1 &&
      server.listenerCount('upgrade') === 1 &&
      server.listenerCount('request') === 1 &&
      server.timeout === 0 &&
      !server.maxHeadersCount &&
      http.maxHeaderSize >= MAX_PLAIN_LENGTH
    );
  }

  private take(socket: Socket): void {
    if (!this.isAlone || !isUntouched(socket) || !land(socket, this.onLanded)) {
      this.parse.call(this.server, socket);
      return;
    }
    socket.on('error', this.onError);
    socket.on('end', onEnd);
    this.fresh.add(socket);
    this.timer ??= unrefed(startTimer(() => this.lookAround(), this.patience));
    socket.read(0);
  }

  /** Passes on the sockets of the previous interval: each has had a whole interval to be read. */
  private lookAround(): void {
    const { older } = this;
    this.older = this.fresh;
    this.fresh = new Set();
    this.timer = this.older.size > 0 ? unrefed(startTimer(() => this.lookAround(), this.patience)) : undefined;
    for (const socket of older) this.handOver(socket, undefined);
  }

  private read(socket: Socket, bytes: number): boolean {
    const { memory, start } = landing;
    const scanner = this.isAlone && isUntouched(socket) ? scanPlainUpgrade(memory, start, start + bytes) : undefined;
    if (scanner === undefined) {
      this.handOver(socket, copyLanded(bytes));
    } else {
      this.release(socket);
      const length = scanner.at - start;
      const head = length === bytes ? EMPTY : copyLanded(bytes).subarray(length);
      this.server.emit('upgrade', requestOf(socket, memory, scanner), socket, head);
    }
    return true;
  }

  /** Passes a socket to the parser, with the bytes that it has sent. */
  private handOver(socket: Socket, chunk: Buffer | undefined): void {
    this.release(socket);
    if (socket.destroyed) return;
    this.parse.call(this.server, socket);
    if (chunk !== undefined) socket.push(chunk);
  }

  private release(socket: Socket): void {
    if (!this.fresh.delete(socket)) this.older.delete(socket);
    socket.removeListener('error', this.onError);
    socket.removeListener('end', onEnd);
    land(socket, pushLanded);
  }
}

let canMakeRequests: boolean | undefined;

/** Whether a message of this Node takes its fields as node:http passes them; tested once. */
function makesRequests(): boolean {
  if (canMakeRequests !== undefined) return canMakeRequests;
  try {
    const request = new IncomingMessage(new Socket()) as IncomingMessage & Required<TakesFields>;
    request._addHeaderLines(['A', 'b', 'A', 'c'], 4);
    canMakeRequests = request.headers.a === 'b, c' && request.rawHeaders.join() === 'A,b,A,c';
  } catch {
    canMakeRequests = false;
  }
  return canMakeRequests;
}

/** The request as node:http would have made it; its fields are assembled when they are read. */
function requestOf(socket: Socket, memory: Uint8Array, scanner: HeadScanner): IncomingMessage {
  const { ranges } = scanner;
  const text = nodeValues.latin1!(memory, scanner.from, scanner.at);
  const request = new IncomingMessage(socket);
  const rawHeaders: string[] = [];
  for (let at = 0; at < ranges.length; at += RANGE) {
    const name = text.slice(ranges[at] - scanner.from, ranges[at + 1] - scanner.from);
    // A copy: a subprotocol may be kept as long as its connection, and a slice would keep the whole head.
    const isKept = name.length === PROTOCOL.length && name.toLowerCase() === PROTOCOL;
    const value = isKept
      ? nodeValues.latin1!(memory, ranges[at + 2], ranges[at + 3])
      : text.slice(ranges[at + 2] - scanner.from, ranges[at + 3] - scanner.from);
    rawHeaders.push(name, value);
  }
  request.httpVersionMajor = request.httpVersionMinor = 1;
  request.httpVersion = '1.1';
  request.method = 'GET';
  request.url = text.slice(targetStart(scanner) - scanner.from, targetEnd(scanner) - scanner.from);
  (request as Required<TakesFields> & IncomingMessage)._addHeaderLines(rawHeaders, rawHeaders.length);
  (request as { upgrade?: boolean }).upgrade = true;
  request.complete = true;
  request.push(null);
  return request;
}

/** Whether a socket is as the server of node:net made it: unread, and without readers. */
function isUntouched(socket: Socket): boolean {
  return (
    Object.getPrototypeOf(socket) === Socket.prototype &&
    socket.readableFlowing === null &&
    socket.readableLength === 0 &&
    !socket.readableEnded &&
    !socket.destroyed &&
    socket.listenerCount('readable') === 0
  );
}

function onEnd(this: Socket): void {
  this.end();
}

/** Continues reading like any other socket of node:net: bytes go to its stream. */
function pushLanded(this: Socket, bytes: number): boolean {
  return this.push(copyLanded(bytes));
}
