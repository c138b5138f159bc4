// `SocketWriter` writes the sends of one connection to its socket's stream, and those of a burst in one write.
import { AsyncResource } from 'node:async_hooks';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { types } from 'node:util';
import type { Tray } from '../codec/out-memory.js';
import type { Connection } from '../connection/connection.js';
import { State } from '../connection/state.js';
import { Queue } from '../queue.js';
import { FULL_BATCH } from '../spec/limits.js';
import type { DirectWriter } from './direct-write.js';
import { flushLater, flushOnExit, isExiting, now, type Batch } from './flush-time.js';
import { tapFrames, type FrameTap } from './frame-tap.js';
import { guardWith, isGuardable, type Guard } from './guard.js';
import { handleWriter, isHttp2Stream, type Giver, type HandedChunk } from './http2/handle-write.js';
import { forgetWriter, noteUnsent } from './http2/last-writes.js';
import { isNodesStream, isPlain } from './plain-socket.js';
import { notSent, settle, type SendCallback } from './send-callback.js';
import { own, ownerOf } from './socket-owner.js';
import { joined } from './values.js';
import { directWriter, type WritePath } from './write-path.js';

/** The first sends of a burst, this many, are each written at once; later ones, until `LATEST` ms have passed, are gathered. */
const AT_ONCE = 3;
/** A gathered batch that is this old, in ms, leaves with the next send, or between two messages of a read. */
const LATEST = 1;

/** The callbacks of sends in one write. */
type Flight = SendCallback[] | undefined;

const guard = guardWith((socket) => ownerOf(socket)?.flush());

/** The writing half of a connection on a socket; Transport adds the reading half. */
export abstract class SocketWriter implements Batch, Giver {
  /** A promise job has been queued that flushes the batch. */
  private isScheduled = false;
  /** A read is being dispatched, after which the batch is flushed. */
  protected isReading = false;
  /** More messages of the same read follow the current one, and its answers wait for theirs. */
  protected isGathering = false;
  private isFlushing = false;
  private isGuarded = false;
  /** How many sends in a row were written at once, and when the last of `AT_ONCE` was written or the open batch began. */
  protected burst = 0;
  private since = 0;
  /** Callbacks of the sends in the open batch, and those of writes that `written` will be called for, oldest first. */
  private callbacks: SendCallback[] | undefined;
  private flights: Queue<Flight> | undefined;
  /** While congested: how many of the oldest flights the socket had already taken, and only has to confirm. */
  private taken = 0;
  protected readonly isNet: boolean;
  private readonly guarded: Guard;
  private readonly direct: DirectWriter | undefined;
  /** Whether the socket is an HTTP/2 stream with a handle that can be written to, and how many handed bytes wait. */
  private readonly hands: boolean;
  private handed = 0;
  /** The asynchronous context of the send that filled the socket; 'drain' is emitted in it. */
  private filledBy: AsyncResource | undefined;
  private wasEnded = false;

  constructor(
    readonly socket: Duplex,
    readonly connection: Connection,
    path: WritePath,
  ) {
    this.isNet = socket instanceof Socket;
    this.direct = this.isNet && path === 'direct' ? directWriter() : undefined;
    this.hands = !this.isNet && path === 'direct' && isHttp2Stream(socket);
    // A Proxy's methods and listeners may be called on the socket behind it, which is not registered as this connection's.
    this.guarded = types.isProxy(socket) ? guardWith(() => this.flush()) : guard;
    own(socket, this);
    flushOnExit();
  }

  /** Everything has been written, and there is room again. */
  protected abstract onDrain(): void;

  /** Whether a long payload may be kept by reference until it is written: only where it goes straight to the kernel. */
  get canLend(): boolean {
    return this.isNet && this.socket.writableLength === 0 && this.connection.outputLength < FULL_BATCH;
  }

  /** Bytes that wait to be written, framing included. */
  get writableLength(): number {
    return this.streamLength + this.connection.outputLength;
  }

  /** Bytes that the socket has not written yet. */
  private get streamLength(): number {
    return this.socket.writableLength + this.handed;
  }

  /** Whether the sender should wait for 'drain'. */
  get isFull(): boolean {
    return this.connection.congested && this.writableLength >= this.socket.writableHighWaterMark;
  }

  /** Records a send, and its callback, which is called when the socket has it; writes it at once or with its burst. */
  sent(callback: SendCallback | undefined): void {
    if (this.isGathering && this.isGuarded && this.connection.outputLength < FULL_BATCH) {
      if (callback !== undefined) this.remember(inOwnContext(callback));
      return;
    }
    this.sentLast(callback);
  }

  /** As `sent`, outside a dispatch or for its last message. */
  private sentLast(callback: SendCallback | undefined): void {
    if (this.isDue()) {
      if (callback !== undefined) this.remember(this.isFollowing ? inOwnContext(callback) : callback);
      this.flushOrThrow();
    } else {
      if (callback !== undefined) this.remember(inOwnContext(callback));
      this.wait();
    }
  }

  /** Whether the write is to follow others, and its end may be told in the context of one of them. */
  private get isFollowing(): boolean {
    return this.isFlushing || this.streamLength > 0 || this.socket.writableCorked > 0;
  }

  /** Calls a callback when the batch has been written. */
  protected remember(callback: SendCallback): void {
    (this.callbacks ??= []).push(callback);
  }

  /** Whether a send leaves at once: one of the first of its burst, a late one after them, or one that fills the batch. */
  private isDue(): boolean {
    const { connection } = this;
    if (connection.congested) {
      // Short sends wait here until the stream is empty, and then leave in one write.
      if (this.filledBy === undefined && this.isFull) this.filledBy = new AsyncResource('WebSocketDrain');
      if (connection.outputLength >= FULL_BATCH || isExiting()) return true;
      if (this.mayGather) return false;
      // A `write` of the application may never report its end.
      if (this.streamLength === 0) connection.congested = false;
      return true;
    }
    if (this.burst < AT_ONCE) {
      if (++this.burst === AT_ONCE) this.since = now();
      return true;
    }
    if (connection.outputLength >= FULL_BATCH || isExiting() || !this.mayGather) return true;
    const time = now();
    if (time - this.since <= LATEST) return false;
    this.since = time;
    return true;
  }

  /** Whether sends may share a write: not where a function of the application expects each of them by itself. */
  private get mayGather(): boolean {
    const { socket } = this;
    if (!this.isGuarded && !isGuardable(socket)) return false;
    return isNodesStream(socket, this.guarded.write) && this.frameTap() === undefined;
  }

  /** Leaves the batch until the end of the tick or, where the stream still has bytes to write, until those are written. */
  private wait(): void {
    if (!this.isGuarded) this.guard();
    if (this.connection.congested || this.isScheduled || this.isReading) return;
    this.isScheduled = true;
    flushLater(this);
  }

  /** Makes the batch leave by the end of this tick. */
  schedule(): void {
    if (this.connection.outputLength >= FULL_BATCH || isExiting() || !this.mayGather) this.flush();
    else this.wait();
  }

  /** Writes the batch at the end of the tick, unless it waits for the stream. */
  flushBatch(): void {
    this.isScheduled = false;
    this.burst = 0;
    if (!this.connection.congested) this.flush();
  }

  /** Writes a batch that waits, before the application learns how much does. */
  flushWaiting(): void {
    if (this.isScheduled || this.connection.wantsWrite || this.callbacks !== undefined) this.flushBatch();
  }

  /** As `sent`, for a message to many: each connection writes everything that a tick sends to many in one write. */
  gathered(): void {
    if (!this.isGathering) this.schedule();
  }

  /** From now on, a call of the application that writes to the socket, ends or destroys it flushes the batch first. */
  private guard(): void {
    if (!isGuardable(this.socket)) return;
    this.isGuarded = true;
    this.guarded.guardSocket(this.socket);
  }

  /** Writes the batch now; an error that the stream throws ends this connection. */
  flush(): void {
    try {
      this.flushOrThrow();
    } catch (error) {
      this.fail(error);
    }
  }

  /** As `flush`, for a send: the caller gets the error that the stream throws. */
  private flushOrThrow(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    try {
      this.writeBatches();
    } finally {
      this.isFlushing = false;
    }
    if (this.connection.shouldEnd) this.end();
  }

  /** An error that the stream threw outside a send ends this connection, like one that it emits. */
  private fail(error: unknown): void {
    // An error of another realm is not an instance of our Error.
    const isError = error instanceof Error || types.isNativeError(error);
    this.socket.destroy(isError ? error : new Error(String(error)));
  }

  private writeBatches(): void {
    const { connection, socket } = this;
    while (connection.wantsWrite || this.callbacks !== undefined) {
      let chunks = connection.takeOutput();
      // What the stream would keep in its own queue never leaves it.
      if (chunks.length > 1 && this.hands && isExiting()) chunks = [joined(chunks)];
      const { callbacks } = this;
      this.callbacks = undefined;
      if (chunks.length === 0) {
        // These sends left nothing to write that the socket could confirm: an empty write calls back after the last one.
        if (callbacks !== undefined) socket.write('', (error) => settle(callbacks, error));
        break;
      }
      const tap = this.frameTap();
      if (tap !== undefined) {
        tapFrames(tap, joined(chunks), callbacks);
        continue;
      }
      const underWay = this.flights?.length ?? 0;
      const isPrompt = isPlain(socket, this.guarded.write);
      const isTold = callbacks !== undefined || socket.writableLength > 0 || !isPrompt;
      const last = chunks.length - 1;
      if (last === 0 && isPrompt && this.direct?.write(socket as Socket, chunks[0])) {
        // As the stream would: in the next tick, in the current context.
        if (callbacks !== undefined) process.nextTick(settle, callbacks);
        connection.reuse(chunks[0]);
        continue;
      }
      if (last === 0 && this.hands && this.hand(chunks[0], callbacks)) {
        this.congest(underWay);
        break;
      }
      if (last > 0) socket.cork();
      for (let i = 0; i < last; i++) socket.write(chunks[i]);
      if (isTold) this.writeTold(chunks[last], callbacks);
      else socket.write(chunks[last]);
      if (last > 0) socket.uncork();
      if (this.congestIfLeft(isTold, underWay)) break;
      if (last === 0 && isPrompt) connection.reuse(chunks[0]);
    }
  }

  /** Where the stream still has bytes of a write to write, the next sends wait; returns whether it has. */
  private congestIfLeft(isTold: boolean, underWay: number): boolean {
    if (this.socket.writableLength === 0) return false;
    if (!isTold) this.writeTold('', undefined);
    if (!this.isGuarded) this.guard();
    this.congest(underWay);
    return true;
  }

  /**
   * Hands frames that many connections share to the kernel at once; false where they have to take their place in the output.
   * Nothing changes them, so that the stream may keep them.
   */
  writeShared(frames: Uint8Array): boolean {
    const { connection, socket, direct } = this;
    if (direct === undefined || connection.state !== State.Open || connection.congested) return false;
    // Something waits before them.
    if (connection.wantsWrite || this.callbacks !== undefined || this.isGathering || this.isFlushing) return false;
    if (this.frameTap() !== undefined || !isPlain(socket, this.guarded.write)) return false;
    const underWay = this.flights?.length ?? 0;
    // What is sent meanwhile takes its place in the output.
    this.isFlushing = true;
    try {
      if (direct.write(socket as Socket, frames)) return true;
      // Where the kernel took a part, the stream takes that write over.
      if (socket.writableLength > 0) return false;
      socket.write(frames);
      this.congestIfLeft(false, underWay);
    } finally {
      this.isFlushing = false;
    }
    if (!connection.congested) this.flush();
    return true;
  }

  /** Whether messages to many may reach this connection joined and late; from then on, a call on its socket lets them go first. */
  joinsRuns(): boolean {
    if (!this.mayGather) return false;
    if (!this.isGuarded) this.guard();
    return true;
  }

  /** The socket has unwritten bytes: the next sends wait. */
  private congest(underWay: number): void {
    const { connection, socket } = this;
    if (!connection.congested) this.taken = underWay;
    connection.congested = true;
    if (!this.isNet) noteUnsent(this);
    if (this.streamLength >= socket.writableHighWaterMark) this.filledBy ??= new AsyncResource('WebSocketDrain');
  }

  /** Hands a chunk to the handle of an HTTP/2 stream; false where the stream has to be written to. */
  private hand(chunk: Uint8Array, callbacks: Flight): boolean {
    // One chunk at a time: everything that the handle holds counts as memory of the session, which is limited.
    if ((this.handed > 0 && !isExiting()) || !isNodesStream(this.socket, this.guarded.write)) return false;
    const handed = handleWriter.write(this.socket, chunk, this, isExiting());
    if (handed === undefined) return false;
    handed.flight = callbacks;
    handed.tray = this.connection.claim(chunk);
    (this.flights ??= new Queue()).push(callbacks);
    this.handed += chunk.length;
    return true;
  }

  /** The session has written a handed chunk. */
  wasTaken({ length, flight, tray }: HandedChunk, error: Error | null | undefined): void {
    this.handed -= length;
    // Of a destroyed stream, the session may still be writing a part.
    if (!this.socket.destroyed) this.connection.giveBack(length, tray as Tray | undefined);
    if (error) this.fail(error);
    this.written(flight as Flight, error);
    if (this.wasEnded && this.handed === 0) this.socket.end();
  }

  /** A function of the application that expects every frame, if there is one. */
  protected abstract frameTap(): FrameTap | undefined;

  /** Writes the parts of a frame, after everything that was sent before. */
  writeFrame(list: readonly Uint8Array[], callback: SendCallback | undefined): void {
    this.flush();
    const { socket } = this;
    const last = list.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(list[i]);
    socket.write(list[last], callback);
    if (last > 0) socket.uncork();
  }

  /** Writes, and calls `written` once the socket has written this chunk and all before it. */
  private writeTold(chunk: Uint8Array | string, callbacks: Flight): void {
    (this.flights ??= new Queue()).push(callbacks);
    this.socket.write(chunk, this.written.bind(this, callbacks));
  }

  private written(callbacks: Flight, error: Error | null | undefined): void {
    // A destroyed stream drops its waiting writes before it reports the one under way: that one is reported at the end.
    const { flights } = this;
    if (flights?.first !== callbacks) return;
    flights?.shift();
    if (flights?.length === 0) this.flights = undefined;
    if (this.taken > 0) this.taken--;
    // Deviation from ws (D15): Node reports success for a write that destroy() cut off; here its callback has an error.
    else if (!error && this.connection.congested && this.socket.destroyed) error = notSent();
    // Where the application's own writes follow ours in the stream, no callback of ours marks their end.
    const isOver = !error && (this.streamLength === 0 || this.flights === undefined);
    if (isOver) this.connection.congested = false;
    // Before the next batch is written: a stream may call back at once.
    if (callbacks !== undefined) settle(callbacks, error);
    if (isOver && !this.connection.congested && this.connection.wantsWrite) this.flush();
    const { filledBy } = this;
    if (filledBy !== undefined && !this.connection.congested) {
      this.filledBy = undefined;
      filledBy.runInAsyncScope(() => this.onDrain());
    }
  }

  /** Ends our half, once everything sent has been written. */
  end(): void {
    if (this.wasEnded) return;
    this.wasEnded = true;
    const { socket } = this;
    if (this.handed > 0) return;
    // Once a stream of HTTP/2 has been told to end, it reports success for writes that a reset cuts off.
    if (socket.writableLength > 0 && isHttp2Stream(socket)) socket.write('', () => socket.end());
    else socket.end();
  }

  /** Writes everything that was sent and destroys the socket. */
  destroy(): void {
    const { socket } = this;
    this.flush();
    // A session sends at the end of the turn, and a destroyed stream drops everything that waits for that.
    if (this.streamLength > 0 && isHttp2Stream(socket)) setImmediate(() => socket.destroy());
    else socket.destroy();
  }

  /** Calls back every unwritten send with an error; a stream may close before it does so itself. */
  protected abandon(): void {
    if (!this.isNet) forgetWriter(this);
    const { callbacks, flights } = this;
    if (callbacks === undefined && flights === undefined) return;
    this.callbacks = this.flights = undefined;
    const error = notSent();
    for (const flight of flights ?? []) settle(flight ?? [], error);
    settle(callbacks ?? [], error);
  }

  /** Sets whether more messages of the same read follow the next one, so that its answers wait for theirs. */
  protected setGathering(isGathering: boolean): void {
    if (!isGathering || this.isGathering) {
      this.isGathering = isGathering;
    } else if (this.mayGather) {
      this.since = now();
      this.isGathering = true;
    }
  }

  /** Writes the batch if it has waited for too long, and returns whether it had. */
  protected leaveIfLate(): boolean {
    const time = now();
    if (time - this.since <= LATEST) return false;
    this.since = time;
    if (!this.connection.congested) this.flush();
    return true;
  }

  /** The socket for its user: the batch is in its stream, and later calls on it keep their place among the sends. */
  expose(): Duplex {
    this.flush();
    if (!this.isGuarded) this.guard();
    return this.socket;
  }
}

/** A callback that runs in the asynchronous context of its own send, when several sends share the write. */
export function inOwnContext(callback: SendCallback): SendCallback {
  const scope = new AsyncResource('WebSocketSend');
  return (error) => scope.runInAsyncScope(callback, undefined, error);
}
