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

class WebSocketStream extends Duplex {
  readonly #ws: StreamableWebSocket;
  /** The WebSocket has failed and closes by itself, so that its Close frame still reaches the peer. */
  #hasFailed = false;
  /** Ends the writing side, while it waits for the socket. */
  #finish: (() => void) | undefined;

  constructor(ws: StreamableWebSocket, options: DuplexOptions | undefined) {
    super({
      ...options,
      // These options would replace the methods below.
      read: undefined,
      write: undefined,
      final: undefined,
      destroy: undefined,
      // Chunks are bytes or text, and the stream ends when both directions have ended.
      objectMode: false,
      writableObjectMode: false,
      autoDestroy: true,
      emitClose: true,
    });
    this.#ws = ws;
    // Later listeners of 'end' find the stream destroyed, as in ws.
    this.on('end', () => {
      if (this.writableFinished) this.destroy();
    });
    ws.on('message', (data: unknown, isBinary: boolean) => {
      if (this.destroyed) return;
      let chunk = data;
      try {
        if (!isBinary && this.readableObjectMode) chunk = String(data);
      } catch (error) {
        // Deviation from ws: text longer than the platform's longest string ends this stream, not the process.
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
      // Deviation from ws: when the socket closes before it has finished, the writing side ends too, instead of never.
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

  /** Starts the closing handshake; finished when our half of the socket has finished, or when the socket is gone. */
  override _final(callback: (error?: Error | null) => void): void {
    this.#whenOpen(() => {
      const ws = this.#ws;
      const socket = ws._socket;
      // The handshake has failed: 'error' follows and destroys the stream.
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
 * @param options the options of a Duplex. With `readableObjectMode` text is read as strings. `writableObjectMode`,
 *   `autoDestroy` and `emitClose` cannot be chosen.
 */
export function createWebSocketStream(ws: StreamableWebSocket, options?: DuplexOptions): Duplex {
  return new WebSocketStream(ws, options);
}
