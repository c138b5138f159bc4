// `createWebSocketStream` makes a Duplex of a WebSocket: a message received is a chunk to read, a chunk written a message sent.
import type { EventEmitter } from 'node:events';
import { Duplex, type DuplexOptions } from 'node:stream';
import { ReadyState } from './types.js';

/** The members that a stream around a WebSocket uses. */
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

class WebSocketStream extends Duplex {
  readonly #ws: StreamableWebSocket;
  /** The WebSocket has failed and closes by itself, so that its Close frame still reaches the peer. */
  #hasFailed = false;
  /** Ends the writing side, while that waits for the socket. */
  #finish: (() => void) | undefined;

  constructor(ws: StreamableWebSocket, options: DuplexOptions | undefined) {
    super({
      ...options,
      // Taken from `options`, these would replace the methods below.
      read: undefined,
      write: undefined,
      final: undefined,
      destroy: undefined,
      // A message is a chunk of bytes or text, and the end of both directions is the end of the stream.
      objectMode: false,
      writableObjectMode: false,
      autoDestroy: true,
      emitClose: true,
    });
    this.#ws = ws;
    // Listeners of 'end' that come later find the stream destroyed, as with ws.
    this.on('end', () => {
      if (this.writableFinished) this.destroy();
    });
    ws.on('message', (data: unknown, isBinary: boolean) => {
      if (this.destroyed) return;
      let chunk = data;
      try {
        if (!isBinary && this.readableObjectMode) chunk = String(data);
      } catch (error) {
        // Deviation from ws: text longer than the platform's strings can be ends this stream, not the process.
        this.destroy(error as Error);
        return;
      }
      if (!this.push(chunk)) ws.pause();
    });
    ws.once('error', (error: Error) => {
      this.#hasFailed = true;
      this.destroy(error);
    });
    ws.once('close', () => {
      // Deviation from ws: a socket that is gone before it has finished ends the writing side too, which else would never end.
      this.#finish?.();
      if (!this.destroyed) this.push(null);
    });
  }

  override _read(): void {
    if (this.#ws.isPaused) this.#ws.resume();
  }

  override _write(chunk: unknown, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#whenOpen(() => this.#ws.send(chunk, callback));
  }

  /** Starts the closing handshake; finished when our half of the socket is, or when there is no socket any more. */
  override _final(callback: (error?: Error | null) => void): void {
    this.#whenOpen(() => {
      const ws = this.#ws;
      const socket = ws._socket;
      // The handshake has failed: 'error' is on its way, and destroys the stream.
      if (socket === null) return;
      if (socket.writableFinished || ws.readyState === ReadyState.Closed) {
        callback();
        return;
      }
      this.#finish = () => {
        this.#finish = undefined;
        callback();
      };
      socket.once('finish', () => this.#finish?.());
      ws.close();
    });
  }

  /** Terminates the connection; the events of the stream wait for the WebSocket's 'close'. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const ws = this.#ws;
    if (ws.readyState === ReadyState.Closed) {
      callback(error);
      return;
    }
    let failure = error;
    ws.once('error', (later: Error) => {
      failure = later;
    });
    ws.once('close', () => callback(failure));
    if (!this.#hasFailed) ws.terminate();
  }

  #whenOpen(work: () => void): void {
    if (this.#ws.readyState === ReadyState.Connecting) this.#ws.once('open', work);
    else work();
  }
}

/**
 * Wraps a WebSocket in a stream. Reading too slowly pauses the WebSocket; `end()` closes it, `destroy()` terminates it, and
 * its errors destroy the stream.
 * @param options those of a Duplex. With `readableObjectMode` text is read as strings. Writing in object mode, `autoDestroy`
 *   and `emitClose` are not for the caller to choose.
 */
export function createWebSocketStream(ws: StreamableWebSocket, options?: DuplexOptions): Duplex {
  return new WebSocketStream(ws, options);
}
