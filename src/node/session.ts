// `Session` is one open connection behind a WebSocket: it dispatches events, keeps callbacks in order, and ends once.
import { AsyncResource } from 'node:async_hooks';
import { Buffer } from 'node:buffer';
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Statistics } from '../codec/statistics.js';
import type { Connection } from '../connection/connection.js';
import { EventType, type ConnectionEvent } from '../connection/event.js';
import { State } from '../connection/state.js';
import type { DeflateAgreement } from '../extensions/permessage-deflate.js';
import { Queue } from '../queue.js';
import { BlobGate } from './blob-gate.js';
import { SessionReceiver, SessionSender, type ReceivingSession, type SendingSession } from './compat/session-parts.js';
import { startHeartbeat } from './heartbeat.js';
import { emitsPlainly, loneMessageListener } from './lone-listener.js';
import type { CheckedOptions } from './options.js';
import { notSent, settle, type SendCallback } from './send-callback.js';
import { shape } from './shape.js';
import { inOwnContext, Transport, type FrameTap } from './transport.js';
import { nextTurn } from './turn.js';
import { ReadyState, type BinaryType, type CloseInfo } from './types.js';

/** A WebSocket as its session knows it. */
export interface Face extends EventEmitter {
  _readyState: ReadyState;
  _paused: boolean;
  readonly _isServer: boolean;
  readonly _binaryType: BinaryType;
  readonly isPaused: boolean;
  readonly readyState: number;
  statistics: Statistics | undefined;
  ping(): void;
  pong(data: Uint8Array): void;
  terminate(): void;
  emitClose(): void;
}

/** The server that accepted a connection. It is told directly: listeners are the application's, which may remove them all. */
export interface SessionOwner {
  /** A peer's violation is told to this instead of thrown, where the socket has no listener of 'error'. */
  connectionError(error: Error, face: never): void;
  /** The connection is over; 'close' follows. */
  closed(face: never): void;
}

/** The facts that a connection needs once it comes to its end. */
class Ending {
  initiator: 'local' | 'peer' | 'none' = 'none';
  /** Runs while the peer has its time to end. */
  timer: NodeJS.Timeout | undefined;
  isSocketClosed = false;
  /** 'error' is emitted once; a later failure is told no more. */
  isErrorTold = false;
  /** Bytes of data that was sent too late. */
  tooLate = 0;
  /** Why this side gave the connection up, where the peer broke no rule. */
  cause: Error | undefined;
  info: CloseInfo | undefined;
}

/** Things that the handshake brought, and the options of this connection. */
export interface SessionParts {
  readonly checked: CheckedOptions;
  readonly agreement: DeflateAgreement | undefined;
  readonly owner: SessionOwner | undefined;
  /** The `pong` that answers pings without a call of it, unless the application has put another in its place. */
  readonly pong: unknown;
}

const EMPTY = Buffer.alloc(0);
/** A batch gathered within a read is looked at after 1, 3, 7, ... messages, and at least after so many more. */
const LONGEST_STRIDE = 16;

/** One object with its Transport, so that an idle connection holds no more than it must. */
export class Session extends Transport implements SendingSession, ReceivingSession {
  readonly agreement: DeflateAgreement | undefined;
  readonly maxBackpressure: number;
  private readonly closeTimeout: number;
  private readonly isPaced: boolean;
  answersPings: boolean;
  /** The sender and receiver that the application has asked for, if it has. */
  private parts: { sender?: SessionSender; receiver?: SessionReceiver } | undefined;
  private readonly owner: SessionOwner | undefined;
  private readonly pong: unknown;
  /** A lone listener of 'message' is called without `emit`, which would look after its promise too, if it was asked to. */
  private readonly isDirect = emitsPlainly();
  /** The rest of what was read is dispatched in a later turn. */
  private isPacing = false;
  /** The asynchronous context of the read whose message is being inflated. */
  private inflating: AsyncResource | undefined;
  private stopHeartbeat: (() => void) | undefined;
  /** Where sends wait behind a Blob that is being read; made for the first one. */
  gate: BlobGate | undefined;
  /** Callbacks of sends that wait for the deflater, oldest first. */
  private held: Queue<SendCallback | undefined> | undefined;
  /** So much waits behind the deflater or a Blob that 'drain' tells when it no longer does. */
  isBehind = false;
  /** Made once something points to the end. */
  private ending: Ending | undefined;

  constructor(
    private readonly face: Face,
    socket: Duplex,
    connection: Connection,
    { checked, agreement, owner, pong }: SessionParts,
  ) {
    super(socket, connection);
    this.agreement = agreement;
    this.maxBackpressure = checked.maxBackpressure;
    this.closeTimeout = checked.closeTimeout;
    this.isPaced = !checked.allowSynchronousEvents;
    this.answersPings = checked.autoPong;
    this.owner = owner;
    this.pong = pong;
  }

  /** Starts reading; `head` came with the handshake. */
  open(head: Buffer, { readPath, heartbeat }: CheckedOptions): void {
    this.start(head, readPath);
    if (heartbeat !== undefined) this.stopHeartbeat = startHeartbeat(this.face, this, heartbeat);
  }

  // ---- sending

  /** Bytes that were sent and that the operating system does not have: one figure for all who ask. */
  get waitingBytes(): number {
    return this.writableLength + this.bytesBehind + (this.ending?.tooLate ?? 0);
  }

  get bytesBehindSocket(): number {
    return this.connection.outputLength + this.bytesBehind;
  }

  /** Bytes of payload that wait for the deflater, or for a Blob. */
  private get bytesBehind(): number {
    return this.connection.queuedOctets + (this.gate?.octets ?? 0);
  }

  /** After something was sent: its callback waits for the socket, or for the deflater first. */
  settleSend(isWritten: boolean, callback: SendCallback | undefined): void {
    if (isWritten) this.sent(callback);
    else this.hold(callback);
  }

  hold(callback: SendCallback | undefined): void {
    (this.held ??= new Queue()).push(callback && inOwnContext(callback));
    this.noteBehind();
  }

  private noteBehind(): void {
    this.isBehind ||= this.bytesBehind >= this.socket.writableHighWaterMark;
  }

  /** After something that had to wait was sent, says so once nothing waits any more. */
  private catchUp(): void {
    if (!this.isBehind || this.bytesBehind > 0) return;
    this.isBehind = false;
    if (!this.isFull) this.onDrain();
  }

  /** The sender of this connection; programs may put functions of their own on it. */
  get sender(): SessionSender {
    return ((this.parts ??= {}).sender ??= new SessionSender(this));
  }

  /** The receiver of this connection: programs may take its listeners away, or change its limits. */
  get receiver(): SessionReceiver {
    return ((this.parts ??= {}).receiver ??= new SessionReceiver(this));
  }

  sendEncoded(frames: Uint8Array, callback: SendCallback | undefined): void {
    if (this.face._readyState !== ReadyState.Open) {
      this.countTooLate(frames.length);
      if (callback !== undefined) process.nextTick(callback, notSent());
    } else if (this.maxBackpressure > 0 && this.waitingBytes > this.maxBackpressure) {
      this.failBackpressure();
      if (callback !== undefined) process.nextTick(callback, notSent());
    } else {
      this.settleSend(this.connection.sendEncoded(frames, true), callback);
    }
  }

  protected override frameTap(): FrameTap | undefined {
    const sender = this.parts?.sender;
    if (sender === undefined || !SessionSender.isWrapped(sender)) return undefined;
    return (list, callback) => sender.sendFrame(list, callback);
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

  /** Counts data that was sent to a connection that closes. */
  countTooLate(bytes: number): void {
    this.endFacts().tooLate += bytes;
  }

  get isServer(): boolean {
    return this.face._isServer;
  }

  /** Lets a send wait behind Blobs. */
  openGate(): BlobGate {
    return (this.gate ??= new BlobGate({
      isOpen: () => this.connection.state === State.Open && !this.socket.destroyed,
      waits: () => this.noteBehind(),
      passed: () => this.catchUp(),
      failed: (error) => {
        if (this.face._readyState === ReadyState.Closed) return;
        this.face.terminate();
        this.tellError(error, true);
      },
    }));
  }

  /** Ends the connection for a sender that went on past `maxBackpressure`. */
  failBackpressure(): void {
    const error = codedError('WS_ERR_BACKPRESSURE', 'More than maxBackpressure bytes wait to be written');
    this.giveUp(error);
    this.terminate();
    this.tellError(error, false);
  }

  /** Ends a connection whose peer is silent. */
  failHeartbeat(): void {
    this.giveUp(codedError('WS_ERR_HEARTBEAT', 'The peer has sent nothing for the time of the heartbeat'));
    this.face.terminate();
  }

  // ---- closing

  /** Starts the closing handshake. */
  close(write: () => void): void {
    write();
    this.initiate('local');
    this.setReadyState(ReadyState.Closing);
    this.startCloseTimer();
  }

  terminate(): void {
    this.setReadyState(ReadyState.Closing);
    this.destroy();
  }

  get closeInfo(): CloseInfo | undefined {
    return this.ending?.info;
  }

  get closeTimer(): NodeJS.Timeout | null {
    return this.ending?.timer ?? null;
  }

  get isErrorTold(): boolean {
    return this.ending?.isErrorTold ?? false;
  }

  /** Puts the state to closed, tells every callback that waits, and emits 'close'; code 1006 where no Close frame came. */
  finish(): void {
    const { connection } = this;
    const { closeReceived, closeCode: code } = connection;
    const reason = (closeReceived?.reason as Buffer | undefined) ?? EMPTY;
    const wasClean = closeReceived !== undefined && connection.closeSent !== undefined;
    this.setReadyState(ReadyState.Closed);
    const error = notSent();
    this.abandon(error);
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) settle(held.takeAll(), error);
    connection.dispose();
    const ending = this.endFacts();
    const { initiator } = ending;
    ending.info = { code, reason: reason.toString(), initiator, wasClean, error: connection.failure ?? ending.cause };
    this.owner?.closed(this.face as never);
    this.face.emit('close', code, reason);
  }

  // ---- reading

  /** Reads, or not: the one place that decides. */
  regulate(): void {
    const { face, socket } = this;
    if (face._paused || this.isPacing || this.connection.isInflating) socket.pause();
    else socket.resume();
  }

  protected override dispatch(): void {
    if (this.isPacing) return;
    const { connection } = this;
    const receiver = this.parts?.receiver;
    connection.autoPong = this.answersPings && this.face.pong === this.pong && receiver === undefined;
    let stride = 1;
    let left = stride;
    for (;;) {
      // Outside of a `try`, within which the engine would make the Buffer by a longer way.
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
      this.inflating ??= new AsyncResource('WebSocketInflate');
      this.regulate();
    }
  }

  protected override onEnd(): void {
    this.setReadyState(ReadyState.Closing);
    this.flush();
    this.end();
    // Deviation from ws: a peer that ends without a Close has closeTimeout to take what was sent; ws waits without end.
    this.startCloseTimer();
  }

  protected override onError(): void {
    this.setReadyState(ReadyState.Closing);
  }

  protected override onDrain(): void {
    if (this.face._readyState === ReadyState.Open && !this.isBehind) this.face.emit('drain');
  }

  protected override onClosed(): void {
    this.setReadyState(ReadyState.Closing);
    const ending = this.endFacts();
    ending.isSocketClosed = true;
    clearTimeout(ending.timer);
    this.stopHeartbeat?.();
    this.finishWhenTold();
  }

  protected override rest(): void {
    if (!this.isPacing && this.face._readyState !== ReadyState.Closed) this.goOnLater();
  }

  /** Takes in the message that the inflater has made. */
  inflated(result: Parameters<Connection['inflated']>[0]): void {
    const { inflating } = this;
    this.inflating = undefined;
    if (inflating === undefined) this.tellInflated(result);
    else inflating.runInAsyncScope(() => this.tellInflated(result));
  }

  /** Takes in the frame that the deflater has made. */
  deflated(result: Parameters<Connection['deflated']>[0]): void {
    const { connection } = this;
    connection.deflated(result);
    for (let count = connection.takeReleased(); count > 0; count--) this.sent(this.held!.shift());
    this.schedule();
    if (connection.failure !== undefined) this.read();
    this.catchUp();
  }

  // ---- rooms within

  private setReadyState(state: ReadyState): void {
    this.face._readyState = state;
  }

  private tellInflated(result: Parameters<Connection['inflated']>[0]): void {
    this.connection.inflated(result);
    this.read();
    this.regulate();
    this.finishWhenTold();
  }

  /** Tells a message; an error of a listener's goes its way. */
  private tellPlain(data: Uint8Array, isBinary: boolean): void {
    let isDone = false;
    try {
      this.tellShaped(data, isBinary, undefined);
      isDone = true;
    } finally {
      if (!isDone) this.interrupted();
    }
  }

  /** Tells the next event and returns its type; an error of a listener's goes its way. */
  private tellNext(): EventType | undefined {
    let isDone = false;
    try {
      const event = this.connection.next();
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

  /** After a listener has thrown, sends are written and the next event is told in the next turn. */
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

  /** The message as its user wants it; undefined where there is no memory for that, which fails the connection. */
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
    const listener = this.isDirect ? loneMessageListener(face) : undefined;
    if (listener !== undefined) listener.call(face, shaped, isBinary);
    else face.emit('message', shaped, isBinary);
  }

  tellPing(data: Uint8Array): void {
    if (this.answersPings && !this.connection.autoPong && this.face._readyState === ReadyState.Open)
      this.face.pong(data);
    this.face.emit('ping', data);
  }

  tellPong(data: Uint8Array): void {
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
        this.initiate('peer');
        if (this.face._readyState === ReadyState.Open) this.setReadyState(ReadyState.Closing);
        this.startCloseTimer();
        return;
      case EventType.Failure:
        this.initiate('local');
        this.setReadyState(ReadyState.Closing);
        this.startCloseTimer();
        this.tellError(event.error, false);
        return;
      case EventType.Part:
        return;
    }
  }

  // Deviation from ws: a peer's violation does not throw for want of an 'error' listener; the server is told of it.
  /** Emits 'error', once; `isOurs` says that the application caused it, so that it may throw for want of a listener. */
  private tellError(error: Error, isOurs: boolean): void {
    const ending = this.endFacts();
    if (ending.isErrorTold) return;
    ending.isErrorTold = true;
    if (isOurs || this.face.listenerCount('error') > 0) this.face.emit('error', error);
    else this.owner?.connectionError(error, this.face as never);
  }

  /** Dispatches the rest in a later turn; until then nothing is read. */
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

  private finishWhenTold(): void {
    if (this.ending?.isSocketClosed !== true || this.face._readyState === ReadyState.Closed) return;
    if (!this.isPacing && !this.connection.isInflating) this.face.emitClose();
  }

  private endFacts(): Ending {
    return (this.ending ??= new Ending());
  }

  private giveUp(cause: Error): void {
    this.initiate('local');
    this.endFacts().cause ??= cause;
  }

  /** Notes who began the end, the first time. */
  private initiate(initiator: 'local' | 'peer'): void {
    const ending = this.endFacts();
    if (ending.initiator === 'none') ending.initiator = initiator;
  }

  private startCloseTimer(): void {
    this.endFacts().timer ??= setTimeout(() => this.socket.destroy(), this.closeTimeout);
    // A paused connection could never see the peer's Close.
    if (this.face._paused) {
      this.face._paused = false;
      this.regulate();
    }
  }
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
