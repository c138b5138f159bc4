// `callOverHttp2` and `serveOverHttp2` make HTTP/2 streams usable as sockets of the examiner (RFC 8441).

import http2, {
  type ClientHttp2Session,
  type Http2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { Duplex } from 'node:stream';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { HandshakeHeader } from './case.js';
import { acceptOf, createKey, HeaderReader, readHeader } from './handshake.js';

const { NGHTTP2_CANCEL } = http2.constants;

/** The most memory of a session, in megabytes. With Node's default of 10, sessions refuse streams during long messages. */
const SESSION_MEMORY = 1000;

/** Fields that only HTTP/1.1 has (RFC 9113 8.2.2, RFC 8441 5); a head of HTTP/1.1 that is made here has its own. */
const NOT_IN_HTTP2: readonly string[] = ['connection', 'host', 'upgrade', 'sec-websocket-key', 'sec-websocket-accept'];
const UPGRADE = 'Upgrade: websocket\r\nConnection: Upgrade\r\n';

type Callback = (error?: Error | null) => void;

/**
 * A stream with the interface of a socket. The first bytes written and the first bytes read are a head of HTTP/1.1, which is
 * the header fields of the stream in another form; the bytes after it are those of the stream.
 */
abstract class StreamSocket extends Duplex {
  /** The reader of the written head; undefined once it is complete. */
  #reader: HeaderReader | undefined = new HeaderReader();
  #stream: Http2Stream | undefined;

  constructor() {
    super({ allowHalfOpen: false });
  }

  /** Sends a head as header fields. */
  protected abstract writeHead(header: HandshakeHeader, fields: OutgoingHttpHeaders): void;

  /** Connects the writing half with a stream, and ends with it. */
  protected carry(stream: Http2Stream): void {
    this.#stream = stream;
    stream.on('error', (error) => this.destroy(error));
    stream.once('close', () => {
      if (!stream.readableEnded) this.destroy();
    });
  }

  /** Connects the reading half with a stream; `head` comes before the stream's bytes. */
  protected readBehind(stream: Http2Stream, head: string): void {
    this.push(head, 'latin1');
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    stream.once('end', () => this.push(null));
  }

  override _read(): void {
    this.#stream?.resume();
  }

  override _write(chunk: Buffer, _encoding: unknown, callback: Callback): void {
    let rest = chunk;
    if (this.#reader !== undefined) {
      const read = this.#reader.push(chunk);
      if (read === undefined) return callback();
      const header = read === null ? null : readHeader(read.header);
      if (read === null || header === null) return callback(new Error('This head is none of HTTP/1.1.'));
      this.#reader = undefined;
      this.writeHead(header, fieldsOf(read.header));
      ({ rest } = read);
    }
    if (rest.length > 0 && this.#stream !== undefined) this.#stream.write(rest, callback);
    else callback();
  }

  override _final(callback: Callback): void {
    if (this.#stream === undefined) callback();
    else this.#stream.end(callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const stream = this.#stream;
    if (stream !== undefined && !(stream.readableEnded && stream.writableFinished)) stream.close(NGHTTP2_CANCEL);
    callback(error);
  }
}

/** The fields of a head that HTTP/2 allows. */
function fieldsOf(head: Buffer): OutgoingHttpHeaders {
  const fields: Record<string, string[]> = {};
  for (const line of head.toString('latin1').trimEnd().split('\r\n').slice(1)) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).toLowerCase();
    if (!NOT_IN_HTTP2.includes(name)) (fields[name] ??= []).push(line.slice(at + 1).trim());
  }
  return fields;
}

/** The lines of a head for the header fields of a stream, with the empty line. */
function linesOf(headers: IncomingHttpHeaders): string {
  const lines = Object.entries(headers)
    .filter(([name]) => !name.startsWith(':') && !NOT_IN_HTTP2.includes(name))
    .flatMap(([name, values = []]) => [values].flat().map((value) => `${name}: ${value}\r\n`));
  return `${lines.join('')}\r\n`;
}

/** The client's end of a session with one stream. */
class CallingSocket extends StreamSocket {
  readonly #session: ClientHttp2Session;

  constructor(origin: string, tls: ConnectionOptions) {
    super();
    this.#session = http2.connect(origin, { ...tls, maxSessionMemory: SESSION_MEMORY });
    this.#session.on('error', (error) => this.destroy(error));
    this.#session.once('close', () => this.destroy());
    this.#session.once('remoteSettings', ({ enableConnectProtocol }) => {
      // RFC 8441 3: a client sends a request only where the server has announced the protocol.
      if (enableConnectProtocol === true) this.emit('connect');
      else this.destroy(new Error('it does not announce SETTINGS_ENABLE_CONNECT_PROTOCOL'));
    });
  }

  protected override writeHead({ startLine, values }: HandshakeHeader, fields: OutgoingHttpHeaders): void {
    const [, path] = startLine.split(' ');
    const [host] = values('host');
    const [key = ''] = values('sec-websocket-key');
    const stream = this.#session.request(
      { ...fields, ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, ':authority': host },
      { endStream: false },
    );
    this.carry(stream);
    stream.once('response', (headers) => {
      const { ':status': status = 0 } = headers;
      const opens = status >= 200 && status <= 299;
      // HTTP/2 has no Sec-WebSocket-Accept, which the examiner checks.
      const accept = `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n`;
      const head = opens ? `HTTP/1.1 101 OK\r\n${UPGRADE}${accept}` : `HTTP/1.1 ${status} Refused\r\n`;
      this.readBehind(stream, `${head}${linesOf(headers)}`);
    });
  }

  override _destroy(error: Error | null, callback: Callback): void {
    super._destroy(error, callback);
    this.#session.close();
  }
}

/** The server's end of a stream. */
class ServedSocket extends StreamSocket {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    super();
    this.#stream = stream;
    this.carry(stream);
    const { ':method': method, ':path': path, ':authority': authority, host = authority } = headers;
    const opens = method === 'CONNECT' && headers[':protocol'] === 'websocket';
    const [key = createKey()] = [headers['sec-websocket-key']].flat();
    const upgrade = opens ? `${UPGRADE}Sec-WebSocket-Key: ${key}\r\n` : '';
    const start = `${opens ? 'GET' : method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
    this.readBehind(stream, `${start}${upgrade}${linesOf(headers)}`);
  }

  protected override writeHead({ status, values }: HandshakeHeader, fields: OutgoingHttpHeaders): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.headersSent) return;
    // A client that sends a key expects its answer, although RFC 8441 5 has neither.
    const [accept] = values('sec-websocket-accept');
    const own = accept === undefined ? {} : { 'sec-websocket-accept': accept };
    stream.respond({ ...fields, ...own, ':status': status === 101 ? 200 : status });
  }
}

/**
 * Connects to a server: a session with one stream, which emits 'connect' once the server has announced the protocol.
 * @param host the host and port, as in a URL
 */
export function callOverHttp2(host: string, secure: boolean, tls: ConnectionOptions): Duplex {
  return new CallingSocket(`${secure ? 'https' : 'http'}://${host}`, tls);
}

/**
 * Makes a server, and calls `serve` with each of its streams as a socket.
 * @param tls a certificate and its key; undefined for clear text
 * @param hold called with each session, which stays open until it is destroyed
 */
export function serveOverHttp2(
  tls: TlsOptions | undefined,
  serve: (socket: Duplex) => void,
  hold: (session: ServerHttp2Session) => void,
): NetServer {
  const settings = { enableConnectProtocol: true };
  const own = { settings, maxSessionMemory: SESSION_MEMORY };
  const server = tls === undefined ? http2.createServer(own) : http2.createSecureServer({ ...tls, ...own });
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', () => undefined);
    hold(session);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    serve(new ServedSocket(stream, headers));
  });
  return server;
}
