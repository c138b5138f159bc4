// `createWebSocketStream` wraps a WebSocket in a Duplex: it reads received messages as chunks and sends written chunks.
import type { EventEmitter } from 'node:events';
import { Duplex, type DuplexOptions } from 'node:stream';
import { ReadyState } from './types.js';

/** The members of a WebSocket that its stream uses. */
export interface StreamableWebSocket extends EventEmitter {
  readonly readyState: ReadyState;
  readonly isPaused: boolean;
  /** Null until the handshake has succeeded. */
  readonly _socket: Duplex | null;
  send(data: unknown, callback: (error?: Error | null) => void): void;
  close(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

/**
 * Wraps a WebSocket in a stream. Reading too slowly pauses the WebSocket; `end()` closes it, `destroy()` terminates it, and
 * its errors destroy the stream.
 * @param options the options of a Duplex. With `readableObjectMode` text is read as strings. `writableObjectMode`,
 *   `autoDestroy` and `emitClose` cannot be chosen.
 */
export function createWebSocketStream(ws: StreamableWebSocket, options?: DuplexOptions): Duplex {
  /** The WebSocket has failed and closes by itself, so that its Close frame still reaches the peer. */
  let hasFailed = false;
  /** Ends the writing side, while it waits for the socket. */
  let finish: (() => void) | undefined;
  const whenOpen = (work: () => void): void => {
    if (ws.readyState === ReadyState.Connecting) ws.once('open', work);
    else work();
  };

  // The methods need no `this`: a program may call them through a Proxy, or keep one and replace it.
  const stream = new Duplex({
    ...options,
    read: () => {
      if (ws.isPaused) ws.resume();
    },
    write: (chunk, _encoding, callback) => whenOpen(() => ws.send(chunk, callback)),
    // Starts the closing handshake; finished when our half of the socket has finished, or when the socket is gone.
    final: (callback) => {
      whenOpen(() => {
        const socket = ws._socket;
        // The handshake has failed: 'error' follows and destroys the stream.
        if (socket === null) return;
        if (socket.writableFinished || ws.readyState === ReadyState.Closed) {
          callback();
          return;
        }
        finish = () => {
          finish = undefined;
          callback();
        };
        socket.once('finish', () => finish?.());
        ws.close();
      });
    },
    // Terminates the connection; the events of the stream wait for the WebSocket's 'close'.
    destroy: (error, callback) => {
      if (ws.readyState === ReadyState.Closed) {
        callback(error);
        return;
      }
      let failure = error;
      ws.once('error', (later: Error) => {
        failure = later;
      });
      ws.once('close', () => callback(failure));
      if (!hasFailed) ws.terminate();
    },
    // Chunks are bytes or text, and the stream ends when both directions have ended.
    objectMode: false,
    writableObjectMode: false,
    autoDestroy: true,
    emitClose: true,
  });

  // Later listeners of 'end' find the stream destroyed, as in ws.
  stream.on('end', () => {
    if (stream.writableFinished) stream.destroy();
  });
  ws.on('message', (data: unknown, isBinary: boolean) => {
    if (stream.destroyed) return;
    let chunk = data;
    try {
      if (!isBinary && stream.readableObjectMode) chunk = String(data);
    } catch (error) {
      // Deviation from ws (D14): text longer than the platform's longest string ends this stream, not the process.
      stream.destroy(error as Error);
      return;
    }
    if (!stream.push(chunk)) ws.pause();
  });
  ws.once('error', (error: Error) => {
    hasFailed = true;
    stream.destroy(error);
  });
  ws.once('close', () => {
    // Deviation from ws (D14): when the socket closes early, the writing side ends too, instead of never.
    finish?.();
    if (!stream.destroyed) stream.push(null);
  });
  return stream;
}
