// `sendUnsent` has HTTP/2 sessions send what their streams hold when the process exits: else they wait for the end of the turn.
import http2, { type Http2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { isHttp2Stream } from './handle-write.js';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;

/** A connection on a stream. */
export interface UnsentWriter {
  readonly socket: Duplex;
  /** `congested`: the stream has bytes that its session has not sent. */
  readonly connection: { readonly congested: boolean };
  /** Gives the stream everything that waits for it. */
  flush(): void;
}

/** Open connections that have waited for their sessions. They stay here when they wait no more: leaving costs more than a look. */
const writers = new Set<UnsentWriter>();
let isOver = false;

/** Notes a connection that waits for its session, until `forgetWriter`; sends at once where `sendUnsent` has been called. */
export function noteUnsent(writer: UnsentWriter): void {
  writers.add(writer);
  if (isOver) sendNow(writer.socket);
}

/** Drops a connection that is closed. */
export function forgetWriter(writer: UnsentWriter): void {
  writers.delete(writer);
}

/** Sends everything now; the process is about to exit. */
export function sendUnsent(): void {
  const unsent = [...writers].filter(({ socket, connection }) => connection.congested && isHttp2Stream(socket));
  for (const writer of unsent) writer.flush();
  isOver = true;
  const sessions = new Set<unknown>();
  for (const { socket } of unsent) {
    const { session } = socket as Http2Stream;
    if (!sessions.has(session) && sendNow(socket)) sessions.add(session);
  }
}

/**
 * A stream that is reset makes its session send first, within the call; the reset itself would follow in the next turn. Not with
 * CANCEL while the session reads, and in late versions of Node 24 with no code then.
 */
function sendNow(socket: Duplex): boolean {
  if (!isHttp2Stream(socket)) return false;
  const stream = socket as Http2Stream;
  if (stream.closed || stream.destroyed) return false;
  // With NO_ERROR a stream that ends would be reset behind its end.
  stream.close(stream.writableEnded ? NGHTTP2_CANCEL : NGHTTP2_NO_ERROR);
  return true;
}
