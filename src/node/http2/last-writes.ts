// `sendUnsent` has HTTP/2 sessions send what their streams hold when the process exits: else they wait for the end of the turn.
import http2, { type Http2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { isHttp2Stream } from './handle-write.js';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;

/** A connection whose stream has bytes that its session has not sent. */
export interface UnsentWriter {
  readonly socket: Duplex;
  /** Gives the stream everything that waits for it. */
  flush(): void;
}

const unsent = new Set<UnsentWriter>();
let isOver = false;

/** Notes a connection on a stream until `forgetUnsent`; sends at once where `sendUnsent` has been called. */
export function noteUnsent(writer: UnsentWriter): void {
  unsent.add(writer);
  if (isOver) sendNow(writer.socket);
}

export function forgetUnsent(writer: UnsentWriter): void {
  unsent.delete(writer);
}

/** Sends everything now; the process is about to exit. */
export function sendUnsent(): void {
  for (const writer of unsent) if (isHttp2Stream(writer.socket)) writer.flush();
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
