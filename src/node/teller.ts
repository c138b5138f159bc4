// `Teller` emits the messages that its transport has read, at the pace that listeners and zlib allow.
import { AsyncResource } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Statistics } from '../codec/statistics.js';
import type { Connection } from '../connection/connection.js';
import { EventType, type ConnectionEvent } from '../connection/event.js';
import { channels, publishReceived } from './channels.js';
import { SessionReceiver, type ReceivingSession, type SessionSender } from './compat/session-parts.js';
import { emitsPlainly, loneMessageListener } from './lone-listener.js';
import { shape } from './shape.js';
import { Transport } from './transport.js';
import { nextTurn } from './turn.js';
import { ReadyState, type BinaryType } from './types.js';
import type { WritePath } from './write-path.js';

const { messageReceived, pingReceived, pongReceived, pongSent } = channels;

/** The part of a WebSocket that its session uses. */
export interface Face extends EventEmitter {
  _readyState: ReadyState;
  _paused: boolean;
  readonly _isServer: boolean;
  _binaryType: BinaryType;
  readonly isPaused: boolean;
  readonly readyState: ReadyState;
  statistics: Statistics | undefined;
  ping(): void;
  pong(data: Uint8Array, mask: boolean, callback: () => void): void;
  close(code?: number, reason?: Uint8Array): void;
  terminate(): void;
  emitClose(): void;
}

/** Methods of WebSocket that the application may have replaced. */
export type OwnMethods = Readonly<Pick<Face, 'close' | 'pong'>>;

/** How events are emitted. */
export interface TellerOptions {
  readonly allowSynchronousEvents: boolean;
  readonly autoPong: boolean;
  readonly writePath: WritePath;
  /** The methods of WebSocket before the application replaces any; a replaced one is called. */
  readonly methods: OwnMethods;
}

/** The age of a batch gathered within a read is checked after 1, 3, 7, ... messages, and at least after this many more. */
const LONGEST_STRIDE = 16;

/** The half of a Session that emits events. */
export abstract class Teller extends Transport implements ReceivingSession {
  answersPings: boolean;
  private readonly isPaced: boolean;
  protected readonly methods: OwnMethods;
  /** A lone 'message' listener is called without `emit`, unless `emit` was asked to capture rejections. */
  private readonly isDirect = emitsPlainly();
  /** The rest of the read bytes is dispatched in a later turn. */
  protected isPacing = false;
  /**
   * The asynchronous context of the last read whose message had to wait to be inflated. From then on all messages are
   * emitted in it, so that they see a context that a listener has entered, as with ws up to Node 22.
   */
  private scope: AsyncResource | undefined;
  /** Whether the scope is that of the message which is being inflated. */
  private isScoped = false;
  /** The sender and receiver, once the application has asked for them. */
  protected parts: { sender?: SessionSender; receiver?: SessionReceiver } | undefined;

  constructor(
    readonly face: Face,
    socket: Duplex,
    connection: Connection,
    options: TellerOptions,
  ) {
    super(socket, connection, options.writePath);
    this.isPaced = !options.allowSynchronousEvents;
    this.answersPings = options.autoPong;
    this.methods = options.methods;
    // Applications that watch receivers see each connection's listeners being added.
    if (SessionReceiver.isWatched()) this.parts = { receiver: new SessionReceiver(this) };
  }

  /** Whether sends wait that the answer to the peer's Close has to follow. */
  protected abstract get holdsSends(): boolean;
  /** The peer's Close has come. */
  protected abstract onPeerClose(): void;
  /** The peer broke a rule; the connection has been failed. */
  protected abstract onFailure(error: Error): void;
  /** All messages that were read have been emitted. */
  protected abstract onIdle(): void;
  /** Ends the session, if the socket is gone and every event has been emitted. */
  protected abstract finishWhenTold(): void;

  /** The receiver of this connection: programs may remove its listeners, or change its limits. */
  get receiver(): SessionReceiver {
    return ((this.parts ??= {}).receiver ??= new SessionReceiver(this));
  }

  get maxPayload(): number {
    return this.connection.maxPayload;
  }
  set maxPayload(bytes: number) {
    this.connection.maxPayload = bytes;
  }

  get skipUTF8Validation(): boolean {
    return this.connection.skipUTF8Validation;
  }
  set skipUTF8Validation(skips: boolean) {
    this.connection.skipUTF8Validation = skips;
  }

  /** Decides whether to read; no other place does. */
  regulate(): void {
    if (this.isBusy) return void this.socket.pause();
    if (this.face._paused) this.pauseReading();
    else this.socket.resume();
    this.onIdle();
  }

  /** Whether messages that were read wait to be emitted. */
  protected get isBusy(): boolean {
    return this.isPacing || this.connection.isInflating;
  }

  protected override read(): void {
    if (this.scope === undefined) super.read();
    else this.scope.runInAsyncScope(() => super.read());
  }

  protected override dispatch(): void {
    if (this.isPacing) return;
    const { connection, face, methods } = this;
    const receiver = this.parts?.receiver;
    connection.autoPong = this.answersPings && face.pong === methods.pong && receiver === undefined;
    connection.autoClose = face.close === methods.close && !this.holdsSends;
    let stride = 1;
    let left = stride;
    for (;;) {
      // Outside a `try`, which would make the engine allocate the Buffer on a slower path.
      const data = connection.nextPlain();
      if (data !== undefined) {
        const { hasMore } = connection;
        if (hasMore !== this.isGathering) this.setGathering(hasMore);
        this.tellPlain(data, connection.isBinary);
      } else {
        const type = this.tellNext();
        if (type === undefined) break;
        if (type > EventType.Pong) continue;
      }
      if (this.isPaced) {
        this.goOnLater();
        break;
      }
      if (this.isGathering && --left === 0) {
        stride = this.leaveIfLate() ? 1 : Math.min(2 * stride, LONGEST_STRIDE);
        left = stride;
      }
    }
    if (connection.isInflating) {
      if (!this.isScoped) this.scope = new AsyncResource('WebSocketInflate');
      this.isScoped = true;
      this.regulate();
    }
  }

  protected override rest(): void {
    if (!this.isPacing && this.face._readyState !== ReadyState.Closed) this.goOnLater();
  }

  /** Takes the message that the inflater has made. */
  inflated(result: Parameters<Connection['inflated']>[0]): void {
    this.isScoped = false;
    if (this.scope === undefined) this.tellInflated(result);
    else this.scope.runInAsyncScope(() => this.tellInflated(result));
  }

  private tellInflated(result: Parameters<Connection['inflated']>[0]): void {
    this.connection.inflated(result);
    // Not by `read`, which would enter the scope again.
    super.read();
    this.regulate();
    this.finishWhenTold();
  }

  /** Emits a message; an error of a listener is passed on. */
  private tellPlain(data: Uint8Array, isBinary: boolean): void {
    let isDone = false;
    try {
      this.tellShaped(data, isBinary, undefined);
      isDone = true;
    } finally {
      if (!isDone) this.interrupted();
    }
  }

  /** Emits the next event and returns its type; an error of a listener is passed on. */
  private tellNext(): EventType | undefined {
    let isDone = false;
    try {
      const event = this.next();
      if (event !== undefined) {
        this.setGathering(this.connection.hasMore);
        this.tell(event);
      }
      isDone = true;
      return event?.type;
    } finally {
      if (!isDone) this.interrupted();
    }
  }

  /** After a listener has thrown, sends are written, and the next event is emitted in the next turn. */
  private interrupted(): void {
    this.goOnLater();
    this.endRead();
  }

  private tellShaped(data: Uint8Array | string, isBinary: boolean, fragmentEnds: readonly number[] | undefined): void {
    const shaped = isBinary ? this.shape(data as Uint8Array, fragmentEnds) : data;
    if (shaped === undefined) return;
    const receiver = this.parts?.receiver;
    if (receiver === undefined) this.tellMessage(shaped, isBinary);
    else receiver.emit('message', shaped, isBinary);
  }

  /** The message in the user's type; undefined where memory for it is refused, which fails the connection. */
  private shape(data: Uint8Array, fragmentEnds: readonly number[] | undefined): ReturnType<typeof shape> | undefined {
    try {
      return shape(data, fragmentEnds, this.face._binaryType);
    } catch {
      this.connection.refuseMessage();
      return undefined;
    }
  }

  tellMessage(shaped: unknown, isBinary: boolean): void {
    const { face } = this;
    if (messageReceived.hasSubscribers) publishReceived(face, shaped, isBinary);
    const listener = this.isDirect ? loneMessageListener(face) : undefined;
    if (listener !== undefined) listener.call(face, shaped, isBinary);
    else face.emit('message', shaped, isBinary);
  }

  tellPing(data: Uint8Array): void {
    const { face, connection } = this;
    // The connection has answered this ping already, unless its own Close was before, or too many answers wait.
    const isAnswered = connection.autoPong && connection.closeQueued === undefined && !connection.pongs?.latest;
    if (pingReceived.hasSubscribers) pingReceived.publish({ websocket: face, data });
    if (isAnswered && pongSent.hasSubscribers) pongSent.publish({ websocket: face, data });
    // As in ws, also for a method of the application that passes the arguments on, or calls the callback.
    if (this.answersPings && !connection.autoPong && face._readyState === ReadyState.Open)
      face.pong(data, !face._isServer, () => {});
    face.emit('ping', data);
  }

  tellPong(data: Uint8Array): void {
    if (pongReceived.hasSubscribers) pongReceived.publish({ websocket: this.face, data });
    this.face.emit('pong', data);
  }

  private tell(event: ConnectionEvent): void {
    switch (event.type) {
      case EventType.Message:
        this.tellShaped(event.data, event.isBinary, event.fragmentEnds);
        return;
      case EventType.Ping:
        if (this.parts?.receiver === undefined) this.tellPing(event.data);
        else this.parts.receiver.emit('ping', event.data);
        return;
      case EventType.Pong:
        if (this.parts?.receiver === undefined) this.tellPong(event.data);
        else this.parts.receiver.emit('pong', event.data);
        return;
      case EventType.Close:
        this.onPeerClose();
        this.parts?.receiver?.emit('conclude', event.code, event.data);
        return;
      case EventType.Failure:
        this.onFailure(event.error);
        return;
      case EventType.Part:
        return;
    }
  }

  /** Dispatches the rest in a later turn; nothing is read until then. */
  private goOnLater(): void {
    this.connection.detach();
    this.isPacing = true;
    nextTurn(() => {
      this.isPacing = false;
      this.read();
      if (this.isPacing) return;
      this.regulate();
      this.finishWhenTold();
    });
    this.regulate();
  }
}
