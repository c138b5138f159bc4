// One Duplex socket <-> one Connection: octets as they are read, and what is sent in one tick in one write, in order.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Connection } from '../connection/connection.js';
import { afterFlush } from './after-flush.js';
import { destroyWhenOver } from './destroy-when-over.js';
import { beginReading, endReading, flushLater, flushOnExit, isExiting } from './flush-time.js';
import { land, type ReadPath } from './landing.js';
import { notSent, settle, type SendCallback } from './send-callback.js';
import { FULL, Share } from './share.js';
import type { TransportOwner } from './transport-owner.js';

/** A batch this long is written at once, in octets. */
const FLUSH_FROM = 64 * 1024;

const kTransport = Symbol('transport');
type OwnedSocket = Duplex & { [kTransport]?: Transport };

/** Reads and writes for one connection. The socket's listeners are shared functions, so that an idle one holds no closures. */
export class Transport {
  private isScheduled = false;
  /** The owner is dispatching what was read: the batch is flushed after that. */
  private isReading = false;
  /** Callbacks of the sends in the open batch, and of the writes that `written` is to be called for, oldest first. */
  private callbacks: SendCallback[] | undefined;
  private flights: (SendCallback[] | undefined)[] | undefined;
  /** While congested: how many of the oldest flights the socket had taken before that, and has only to say so. */
  private taken = 0;
  private readonly isNet: boolean;
  private needsDrain = false;
  private wasEnded = false;
  private isExposed = false;
  /** The socket can read into the kernels' memory, and does so once nothing is left in the stream. */
  private mayLand = false;
  private isFlushing = false;
  /** There while reads are full; an idle connection has none. */
  private share: Share | undefined;
  /** Set with every chunk that is read; whoever watches the connection's life clears it. */
  hasRead = false;

  constructor(
    readonly socket: Duplex,
    private readonly connection: Connection,
    readonly owner: TransportOwner,
  ) {
    this.isNet = socket instanceof Socket;
    (socket as OwnedSocket)[kTransport] = this;
    flushOnExit();
  }

  /** Starts reading; `head` is what came with the handshake. */
  start(head: Buffer, path: ReadPath): void {
    const { socket } = this;
    if (head.length > 0) socket.unshift(head);
    this.mayLand = path === 'landing' && this.isNet;
    this.landWhenEmpty();
    socket.on('close', onClose);
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('error', onError);
    if (!this.isNet) destroyWhenOver(socket);
  }

  /** Whether a long payload may be referred to until it is written: only where it goes straight to the kernel. */
  get canLend(): boolean {
    return this.isNet && this.socket.writableLength === 0 && this.connection.outputLength < FLUSH_FROM;
  }

  /** Octets that wait to be written, framing included. */
  get writableLength(): number {
    return this.socket.writableLength + this.connection.outputLength;
  }

  /** Whether the socket has asked to wait for 'drain'. */
  get isFull(): boolean {
    // What was taken at once leaves writableNeedDrain set until the next tick, and no 'drain' of ours follows it.
    return this.socket.writableLength > 0 && this.socket.writableNeedDrain;
  }

  /** Notes that something was sent, and whom to tell when it has been written. */
  sent(callback: SendCallback | undefined): void {
    if (callback !== undefined) this.remember(callback);
    this.schedule();
  }

  private remember(callback: SendCallback): void {
    (this.callbacks ??= []).push(callback);
  }

  /** Sees to it that the batch is written by the end of this tick. */
  schedule(): void {
    if (this.connection.outputLength >= FLUSH_FROM || isExiting()) {
      this.flush();
    } else if (!this.isScheduled && !this.isReading) {
      this.isScheduled = true;
      flushLater(this);
    }
  }

  /**
   * The socket for its user, whose own writes keep their place among the sends from now on: whatever is called on it that
   * puts octets into the stream, or ends it, flushes first.
   */
  expose(): Duplex {
    this.flush();
    const socket = this.socket as OwnedSocket;
    if (!this.isExposed) {
      this.isExposed = true;
      Object.assign(socket, FLUSHING);
    }
    return socket;
  }

  /** Writes the batch now. */
  flush(): void {
    this.isScheduled = false;
    if (this.isFlushing) return;
    this.isFlushing = true;
    this.writeBatches();
    this.isFlushing = false;
    if (this.connection.shouldEnd) this.end();
  }

  private writeBatches(): void {
    const { connection, socket } = this;
    while (connection.wantsWrite || this.callbacks !== undefined) {
      const chunks = connection.takeOutput();
      const { callbacks } = this;
      this.callbacks = undefined;
      if (chunks.length === 0) {
        // Nothing to write is left of these sends, so that the socket cannot tell: they are told with the last write.
        if (callbacks !== undefined) socket.write('', (error) => settle(callbacks, error));
        break;
      }
      const underWay = this.flights?.length ?? 0;
      const isTold = callbacks !== undefined || socket.writableLength > 0 || !this.isPrompt;
      const last = chunks.length - 1;
      if (last > 0) socket.cork();
      for (let i = 0; i < last; i++) socket.write(chunks[i]);
      if (isTold) this.writeTold(chunks[last], callbacks);
      else socket.write(chunks[last]);
      if (last > 0) socket.uncork();
      if (socket.writableLength > 0) {
        if (!isTold) this.writeTold('', undefined);
        if (!connection.congested) this.taken = underWay;
        connection.congested = true;
        if (socket.writableNeedDrain) this.needsDrain = true;
        break;
      }
      if (last === 0 && this.isNet) connection.reuse(chunks[0]);
    }
  }

  /** Whether a write is over when it returns if the kernel took it whole; a callback for it costs up to a tenth of a short one. */
  private get isPrompt(): boolean {
    return this.isNet && (this.socket as Partial<TLSSocket>).encrypted !== true;
  }

  /** Writes, and has `written` called once the socket has written this and what came before it. */
  private writeTold(chunk: Uint8Array | string, callbacks: SendCallback[] | undefined): void {
    if (this.flights === undefined) this.flights = [callbacks];
    else this.flights.push(callbacks);
    this.socket.write(chunk, this.written.bind(this, callbacks));
  }

  /** Dispatches what has been taken in, then writes the answers. An owner that does not come back from it calls `endRead`. */
  read(): void {
    if (this.isReading) return;
    this.isReading = true;
    beginReading(this);
    this.owner.dispatch();
    this.endRead();
  }

  /** Writes what was sent while the owner dispatched. */
  endRead(): void {
    this.isReading = false;
    endReading();
    if (!this.isScheduled) this.flush();
  }

  /** Ends our half, once what was sent has been written. */
  end(): void {
    if (this.wasEnded) return;
    this.wasEnded = true;
    this.socket.end();
  }

  /** Writes what was sent and destroys the socket. */
  destroy(): void {
    this.flush();
    this.socket.destroy();
  }

  /** Tells every send that is not written yet that it never will be; a stream may close before it says so itself. */
  abandon(error: Error): void {
    const { callbacks = [], flights = [] } = this;
    this.callbacks = this.flights = undefined;
    settle([...flights.flat(), ...callbacks], error);
  }

  /** What already lies in the stream is read from there; after that the socket reads into the kernels' memory. */
  private landWhenEmpty(): void {
    if (!this.mayLand || this.socket.readableLength > 0) return;
    this.mayLand = false;
    land(this.socket as Socket, onLanded);
  }

  /** @internal */
  takeLanded(octets: number): void {
    this.hasRead = true;
    this.connection.receiveLanded(octets);
    this.read();
    // The next read, of any socket, lands in the same place.
    this.connection.detach();
    this.judgeShare(octets);
  }

  /** @internal */
  take(chunk: Buffer): void {
    this.hasRead = true;
    if (this.isNet) this.connection.receiveOwned(chunk);
    else this.connection.receive(chunk);
    this.read();
    this.connection.detach();
    this.landWhenEmpty();
    this.judgeShare(chunk.length);
  }

  private judgeShare(octets: number): void {
    if (octets < FULL) {
      this.share = undefined;
    } else if ((this.share ??= new Share()).isUsedUp) {
      this.share = undefined;
      this.owner.rest();
    }
  }

  private written(callbacks: SendCallback[] | undefined, error: Error | null | undefined): void {
    // A stream that is destroyed gives up what waits in it before it has told of the write under way: that is told at the end.
    const { flights } = this;
    if (flights?.[0] !== callbacks) return;
    // Where nothing is under way there is no list either.
    if (flights !== undefined && flights.length > 1) flights.shift();
    else this.flights = undefined;
    if (this.taken > 0) this.taken--;
    // Deviation from ws: of a write that was cut off by destroy() Node says that it went well; its callbacks get an error.
    else if (!error && this.connection.congested && this.socket.destroyed) error = notSent();
    if (!error && this.socket.writableLength === 0) {
      this.connection.congested = false;
      if (this.connection.wantsWrite) this.schedule();
    }
    const hasDrained = this.needsDrain && !this.connection.congested;
    if (hasDrained) this.needsDrain = false;
    if (callbacks !== undefined) settle(callbacks, error);
    if (hasDrained) this.owner.drained();
  }
}

const FLUSHING = afterFlush((socket: OwnedSocket) => socket[kTransport]?.flush());

function onLanded(this: Socket, octets: number): boolean {
  (this as OwnedSocket)[kTransport]?.takeLanded(octets);
  return true;
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  this[kTransport]!.take(chunk);
}

function onEnd(this: OwnedSocket): void {
  this[kTransport]!.owner.ended();
}

function onError(this: OwnedSocket, error: Error): void {
  this.removeListener('error', onError);
  this.on('error', () => {});
  this[kTransport]!.owner.failed(error);
  this.destroy();
}

function onClose(this: OwnedSocket): void {
  const transport = this[kTransport]!;
  this.removeListener('close', onClose);
  this.removeListener('data', onData);
  this.removeListener('end', onEnd);
  // What a paused socket had read is still delivered.
  const rest: unknown = this.readableLength > 0 ? this.read() : null;
  try {
    if (rest instanceof Uint8Array) transport.take(rest as Buffer);
  } finally {
    // A listener that throws does not keep the connection from being over.
    this[kTransport] = undefined;
    transport.owner.closed();
  }
}
