// `Transport` adds the reading half to a SocketWriter: chunks become events that its subclass dispatches.
import { Socket } from 'node:net';
import { Readable, type Duplex } from 'node:stream';
import { types } from 'node:util';
import type { ConnectionEvent } from '../connection/event.js';
import { destroyWhenOver } from './destroy-when-over.js';
import { isHttp2Stream } from './http2/handle-write.js';
import { beginReading, catchUp, endFlushOnExit, endReading } from './flush-time.js';
import { copyLanded, land, lands, type ReadPath } from './landing.js';
import { floods, FULL, type Share } from './share.js';
import { disown, own, ownerOf } from './socket-owner.js';
import { SocketWriter } from './socket-writer.js';

/** The socket of one connection, read and written; its listeners are shared functions: an idle one holds no closures. */
export abstract class Transport extends SocketWriter {
  /** The socket can read into the kernels' memory, and does so once the stream is empty. */
  private mayLand = false;
  /** Present while reads are full; an idle connection has none. */
  private share: Share | undefined;
  /** Set by every chunk that is read; cleared by the heartbeat. */
  hasRead = false;

  /** Dispatches the events of the bytes taken in. If it throws, it has called `detach` and `endRead` first. */
  protected abstract dispatch(): void;
  /** The peer has ended its half. */
  protected abstract onEnd(): void;
  /** The socket failed; it is being destroyed. */
  protected abstract onError(error: Error): void;
  /** The socket is gone, and all bytes read from it have been taken in. */
  protected abstract onClosed(): void;
  /** This peer has used its share of the thread: reading goes on in a later turn. */
  protected abstract rest(): void;

  /** Starts reading; `head` came with the handshake. */
  protected start(head: Buffer, path: ReadPath): void {
    const { socket } = this;
    if (head.length > 0) socket.unshift(head);
    this.mayLand = path === 'landing' && this.isNet;
    this.landWhenEmpty();
    if (types.isProxy(socket)) this.ownTarget();
    socket.on('close', onClose);
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('error', onError);
    if (isHttp2Stream(socket)) takePushes(socket, path);
    else if (!this.isNet) destroyWhenOver(socket);
  }

  /** Registers the socket behind a Proxy as this connection's, with its first event: listeners are called on that socket. */
  private ownTarget(): void {
    const { socket } = this;
    const names = ['close', 'data', 'end', 'error'];
    // oxlint-disable-next-line no-this-alias -- the listener has a `this` of its own
    const transport = this;
    // Not with `once`, which calls its listener on the Proxy.
    function tie(this: Duplex): void {
      for (const name of names) socket.removeListener(name, tie);
      own(this, transport);
    }
    for (const name of names) socket.on(name, tie);
  }

  /** Dispatches the events of the bytes taken in, then writes the answers. A dispatch that throws calls `endRead` itself. */
  protected read(): void {
    if (this.isReading) return;
    this.isReading = true;
    this.burst = 0;
    beginReading(this);
    this.dispatch();
    this.endRead();
  }

  /** The next event. A Close or a violation ends the connection: what was sent to many before it leaves first. */
  protected next(): ConnectionEvent | undefined {
    if (this.connection.hasMore) catchUp();
    return this.connection.next();
  }

  /** Writes everything that was sent during the dispatch. */
  protected endRead(): void {
    this.isReading = false;
    this.isGathering = false;
    endReading();
    this.flushBatch();
  }

  /** Pauses for the application: the stream fills up, as by the public path, so that the peer's end is seen. */
  protected pauseReading(): void {
    const { socket } = this;
    if (lands(socket) && socket.readableLength < socket.readableHighWaterMark) {
      pause.call(socket);
      // Starts the handle where it has been stopped.
      socket.read(0);
    } else {
      socket.pause();
      // A resume() before it, in this tick, has yet to start the handle.
      process.nextTick(stayPaused, socket);
    }
  }

  /** Bytes that already are in the stream are read from there; after that the socket reads into the kernels' memory. */
  private landWhenEmpty(): void {
    if (!this.mayLand || this.socket.readableLength > 0) return;
    this.mayLand = false;
    land(this.socket as Socket, onLanded);
  }

  private takeLanded(bytes: number): void {
    this.hasRead = true;
    this.connection.receiveLanded(bytes);
    this.read();
    // The next read, of any socket, overwrites these bytes.
    this.connection.detach();
    this.judgeShare(bytes);
  }

  private take(chunk: Buffer): void {
    this.hasRead = true;
    if (this.isNet) this.connection.receiveOwned(chunk);
    else this.connection.receive(chunk);
    this.read();
    this.connection.detach();
    this.landWhenEmpty();
    this.judgeShare(chunk.length);
  }

  private judgeShare(bytes: number): void {
    if (bytes < FULL) {
      this.share = undefined;
      return;
    }
    this.share = floods.share(this.share);
    if (this.share.isUsedUp) this.rest();
  }

  /** The functions behind the listeners of a socket; static, so that users of the class see none of them. */
  static readonly listeners = {
    landed(socket: Socket, bytes: number): boolean {
      const transport = transportOf(socket);
      if (transport === undefined) return true;
      // A listener of the application counts or logs bytes: this socket is read by the public path.
      if (socket.isPaused() || isRead(socket)) return socket.push(copyLanded(bytes));
      transport.takeLanded(bytes);
      return true;
    },
    data: (socket: Duplex, chunk: Buffer): void => transportOf(socket)?.take(chunk),
    pushed(socket: Duplex, chunk: unknown): boolean {
      const transport = transportOf(socket);
      if (transport === undefined || !ArrayBuffer.isView(chunk) || !socket.readableFlowing || isRead(socket))
        return false;
      transport.take(chunk as Buffer);
      return true;
    },
    end(socket: Duplex): void {
      transportOf(socket)?.onEnd();
      // A stream that was reset takes no more bytes; by the public path Node 22 would wait for those that it holds.
      if (isHttp2Stream(socket) && socket.closed) socket.destroy();
    },
    error(socket: Duplex, error: Error): void {
      const transport = transportOf(socket);
      transport?.onError(error);
      socket.destroy();
    },
    close(socket: Duplex): void {
      const transport = transportOf(socket);
      if (transport === undefined) return;
      // Bytes that a paused socket had read are still delivered.
      const rest: unknown = socket.readableLength > 0 ? socket.read() : null;
      try {
        if (ArrayBuffer.isView(rest)) transport.take(rest as Buffer);
      } finally {
        // The connection ends even if a listener throws.
        disown(socket);
        endFlushOnExit();
        transport.onClosed();
      }
    },
  };
}

/** Whether the application reads the socket too, or bytes for it are still in the stream. */
function isRead(socket: Duplex): boolean {
  return socket.listenerCount('data') > 1 || socket.listenerCount('readable') > 0 || socket.readableLength > 0;
}

function stayPaused(socket: Duplex): void {
  if (socket.isPaused()) socket.pause();
}

function transportOf(socket: Duplex): Transport | undefined {
  return ownerOf(socket) as Transport | undefined;
}

/** Node pushes the bytes of an HTTP/2 stream to it: they need neither a 'data' event nor another read after each. */
function takePushes(stream: Duplex, path: ReadPath): void {
  if (path === 'landing' && stream.push === push) {
    Object.defineProperty(stream, 'push', { value: onPush, writable: true, configurable: true });
    stream.on('resume', onResume);
  }
}

// oxlint-disable-next-line unbound-method -- they are called on their stream
const { pause, push } = Readable.prototype;

const EMPTY = new Uint8Array(0);

/** The stream waits for the answer to its last `_read`, with which it asks its handle for more after a pause. */
function onResume(this: Duplex): void {
  push.call(this, EMPTY);
}

function onPush(this: Duplex, chunk: unknown, encoding?: BufferEncoding): boolean {
  return Transport.listeners.pushed(this, chunk) || push.call(this, chunk, encoding);
}

function onLanded(this: Socket, bytes: number): boolean {
  return Transport.listeners.landed(this, bytes);
}

function onData(this: Duplex, chunk: Buffer): void {
  Transport.listeners.data(this, chunk);
}

function onEnd(this: Duplex): void {
  Transport.listeners.end(this);
}

function onError(this: Duplex, error: Error): void {
  this.removeListener('error', onError);
  this.on('error', () => {});
  Transport.listeners.error(this, error);
}

function onClose(this: Duplex): void {
  this.removeListener('close', onClose);
  this.removeListener('data', onData);
  this.removeListener('end', onEnd);
  Transport.listeners.close(this);
}
