// `acceptStream` and `refuseStream` answer a request for a WebSocket over HTTP/2 with header fields (RFC 8441 5).
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { acceptKey } from '../../handshake/accept.js';
import { fieldsOfLines } from '../../handshake/connect.js';
import type { FieldValue } from '../../handshake/field.js';
import { refusalParts } from '../../handshake/server.js';
import { Existing } from '../behind.js';
import { ownerOf } from '../socket-owner.js';
import { startTimer, stopTimer } from '../turn.js';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;

/** How long a client may take to end its half after the server has ended its own, in milliseconds. */
const END_TIME = 1000;

/** A field of each stream takes a quarter of the memory of a set of them. */
class Noted extends Existing {
  #isNoted = false;

  static add(stream: object): void {
    if (!Noted.has(stream)) new Noted(stream).#isNoted = true;
  }

  static has(stream: object): boolean {
    return #isNoted in stream && stream.#isNoted;
  }
}

/** Notes that a stream carries a request for a WebSocket, which is answered with header fields. */
export function noteStream(stream: ServerHttp2Stream): void {
  Noted.add(stream);
}

/** Whether a request came on an HTTP/2 stream, so that no head of HTTP/1.1 may be written. */
export function isStream(socket: Duplex): socket is ServerHttp2Stream {
  return Noted.has(socket);
}

/**
 * The lines of a response that opens a connection, to which listeners of 'headers' may add some.
 * @param key the client's Sec-WebSocket-Key, '' for none
 */
export function connectLines(key: string): string[] {
  return key === '' ? ['HTTP/2 200'] : ['HTTP/2 200', `Sec-WebSocket-Accept: ${acceptKey(key)}`];
}

/**
 * Opens the connection.
 * @param lines those of `connectLines`, and more; fields that exist only in HTTP/1.1 are left out
 */
export function acceptStream(stream: ServerHttp2Stream, [, ...lines]: readonly string[]): void {
  stream.respond({ ...fieldsOfLines(lines), ':status': 200 });
}

/** Answers with an error and ends the stream; throws before it writes, for values that cannot be in a head. */
export function refuseStream(
  stream: ServerHttp2Stream,
  status: number,
  message: string,
  headers: Record<string, FieldValue>,
): void {
  // RFC 8441 5: a status of 2xx opens the connection.
  if (status >= 200 && status <= 299) throw new RangeError(`Invalid status code: ${status}`);
  const { lines, text } = refusalParts(status, message, headers);
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.respond({ ...fieldsOfLines(lines.values()), ':status': status });
  stream.end(text);
  // A request that still continues is cut off after its answer.
  stream.once('finish', () => stream.close());
}

/**
 * Ends a server's stream whose client leaves its half open, as undici does: no code would read its further bytes.
 * RFC 9113 8.1: after END_STREAM a server may reset the stream with NO_ERROR.
 */
export function endWithServer(stream: ServerHttp2Stream): void {
  stream.on('finish', onFinish);
}

function onFinish(this: ServerHttp2Stream): void {
  if (this.readableEnded || this.closed) return;
  const timer = startTimer(() => {
    // Bytes that the handle has are sent before END_STREAM; the stream does not know of them.
    if ((ownerOf(this)?.writableLength ?? 0) === 0) this.close(NGHTTP2_NO_ERROR);
    else timer.refresh();
  }, END_TIME);
  this.once('close', () => stopTimer(timer));
}

/**
 * Makes `stream.destroy()` reset a stream that has not ended both ways (RFC 8441 5: a reset corresponds to a reset TCP
 * connection), where Node would report no error.
 */
export function resetWhenDestroyed<T extends http2.Http2Stream>(stream: T): T {
  return Object.defineProperty(stream, 'destroy', { value: destroyWithReset, writable: true, configurable: true });
}

function destroyWithReset(this: http2.Http2Stream, error?: Error): http2.Http2Stream {
  if (!this.closed && !(this.readableEnded && this.writableFinished)) this.close(NGHTTP2_CANCEL);
  return (Object.getPrototypeOf(this) as http2.Http2Stream).destroy.call(this, error);
}
