// `Session` is one open connection behind a WebSocket: it keeps callbacks in order, closes, and ends once.
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { State } from '../connection/state.js';
import type { DeflateAgreement } from '../extensions/permessage-deflate.js';
import type { WebSocketError } from '../errors/violations.js';
import { Queue } from '../queue.js';
import { CloseCode } from '../spec/close-code.js';
import { Aside } from './aside.js';
import { BlobGate } from './blob-gate.js';
import { channels, publishClose } from './channels.js';
import { SessionSender, type SendingSession } from './compat/session-parts.js';
import type { Sharing } from './deflate/sharing.js';
import { catchUp } from './flush-time.js';
import type { FrameTap } from './frame-tap.js';
import { startHeartbeat } from './heartbeat.js';
import type { CheckedOptions } from './options.js';
import { notSent, settle, type SendCallback } from './send-callback.js';
import { inOwnContext } from './socket-writer.js';
import { Teller, type Face, type OwnMethods } from './teller.js';
import { ReadyState, type BinaryType, type CloseInfo } from './types.js';

export type { Face, OwnMethods } from './teller.js';

/** The server that accepted a connection. It is called directly, since applications may remove all listeners. */
export interface SessionOwner {
  /** Gets a peer's violation, instead of an exception, where the WebSocket has no 'error' listener. */
  connectionError(error: Error, face: never): void;
  /** The connection has ended; 'close' follows. */
  closed(face: never): void;
}

/** Fields that a connection needs only when it comes to its end. */
class Ending {
  initiator: 'local' | 'peer' | 'none' = 'none';
  /** Limits the time that the peer has to end. */
  timer: NodeJS.Timeout | undefined;
  /** The peer has ended its half, which is told behind its messages. */
  isHalfOver = false;
  isSocketClosed = false;
  /** 'error' is emitted once; later failures are not reported. */
  isErrorTold = false;
  /** Bytes of data that was sent after the end. */
  tooLate = 0;
  /** Why this side gave up the connection, where the peer broke no rule. */
  cause: Error | undefined;
  info: CloseInfo | undefined;
}

/** Results of the handshake, and the options of this connection. */
export interface SessionParts {
  readonly checked: CheckedOptions;
  readonly agreement: DeflateAgreement | undefined;
  readonly sharing: Sharing | undefined;
  readonly owner: SessionOwner | undefined;
  readonly methods: OwnMethods;
}

const EMPTY = Buffer.alloc(0);

/** One object with its Teller, Transport and SocketWriter, which keeps an idle connection small. */
export class Session extends Teller implements SendingSession {
  readonly agreement: DeflateAgreement | undefined;
  /** The connections that can share compressed messages with this one. */
  readonly sharing: Sharing | undefined;
  readonly maxBackpressure: number;
  private readonly closeTimeout: number;
  private readonly owner: SessionOwner | undefined;
  private stopHeartbeat: (() => void) | undefined;
  /** Holds sends behind a Blob that is being read; created with the first one. */
  gate: BlobGate | undefined;
  /** Holds messages to many until a message in fragments ends; present while some wait. */
  aside: Aside | undefined;
  /** Callbacks of sends that wait for the deflater, oldest first. */
  private held: Queue<SendCallback | undefined> | undefined;
  /** So much waits behind the deflater, a Blob or a message in fragments that 'drain' is emitted once it has left. */
  isBehind = false;
  /** Created at the first sign of the end. */
  private ending: Ending | undefined;

  constructor(
    face: Face,
    socket: Duplex,
    connection: Connection,
    { checked, agreement, sharing, owner, methods }: SessionParts,
  ) {
    super(face, socket, connection, { ...checked, methods });
    this.agreement = agreement;
    this.sharing = sharing;
    this.maxBackpressure = checked.maxBackpressure;
    this.closeTimeout = checked.closeTimeout;
    this.owner = owner;
  }

  /** Starts reading; `head` came with the handshake. */
  open(head: Buffer, { readPath, heartbeat }: CheckedOptions): void {
    this.start(head, readPath);
    if (heartbeat !== undefined) this.stopHeartbeat = startHeartbeat(this.face, this, heartbeat);
  }

  // ---- sending

  /** Bytes that were sent and that the operating system does not have: one figure for all users. */
  get waitingBytes(): number {
    return this.writableLength + this.bytesBehind + (this.ending?.tooLate ?? 0);
  }

  get bytesBehindSocket(): number {
    return this.connection.outputLength + this.bytesBehind;
  }

  /** Bytes of payload that wait for the deflater, for a Blob, or for the end of a message in fragments. */
  private get bytesBehind(): number {
    return this.connection.queuedOctets + (this.gate?.bytes ?? 0) + (this.aside?.bytes ?? 0);
  }

  /** After a send: its callback waits for the socket, or for the deflater first. */
  settleSend(isWritten: boolean, callback: SendCallback | undefined): void {
    if (isWritten) this.sent(callback);
    else this.hold(callback);
  }

  hold(callback: SendCallback | undefined): void {
    (this.held ??= new Queue()).push(callback && inOwnContext(callback));
    this.noteBehind();
  }

  /** Keeps a message to many until the message under way, sent in fragments, is complete. */
  putAside(bytes: number, callback: SendCallback | undefined, send: (told: SendCallback | undefined) => void): void {
    (this.aside ??= new Aside()).put(bytes, callback && inOwnContext(callback), send);
    this.noteBehind();
  }

  /** Sends the kept messages, once no message is under way. */
  takeUp(aside: Aside): void {
    aside.release(() => !this.connection.isAmidMessage && this.connection.state === State.Open);
    if (aside.isEmpty) this.aside = undefined;
    this.drainIfOwed();
  }

  private noteBehind(): void {
    this.isBehind ||= this.bytesBehind >= this.socket.writableHighWaterMark;
  }

  /** After a waiting send has left: emits 'drain' if it was owed and nothing waits any more. */
  private drainIfOwed(): void {
    if (!this.isBehind || this.bytesBehind > 0) return;
    this.isBehind = false;
    if (!this.isFull) this.onDrain();
  }

  /** The sender of this connection; programs may replace its functions. */
  get sender(): SessionSender {
    return ((this.parts ??= {}).sender ??= new SessionSender(this));
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

  /** Counts data that was sent on a closing connection. */
  countTooLate(bytes: number): void {
    this.endFacts().tooLate += bytes;
  }

  get isServer(): boolean {
    return this.face._isServer;
  }

  /** Queues a send behind Blobs. */
  openGate(): BlobGate {
    // The peer's Close may be among the bytes that are being read: its answer has to follow this send.
    this.connection.autoClose = false;
    return (this.gate ??= new BlobGate({
      isOpen: () => this.connection.state === State.Open && !this.socket.destroyed,
      waits: () => this.noteBehind(),
      passed: () => this.drainIfOwed(),
      failed: (error) => {
        if (this.face._readyState === ReadyState.Closed) return;
        this.face.terminate();
        this.tellError(error, true);
      },
    }));
  }

  /** Ends the connection of a sender that exceeded `maxBackpressure`. */
  failBackpressure(): void {
    const error = codedError('WS_ERR_BACKPRESSURE', 'More than maxBackpressure bytes wait to be written');
    this.giveUp(error);
    this.face.terminate();
    this.tellError(error, false);
  }

  /** Ends a connection whose peer is silent. */
  failHeartbeat(): void {
    this.giveUp(codedError('WS_ERR_HEARTBEAT', 'The peer has sent nothing for the time of the heartbeat'));
    this.face.terminate();
  }

  // ---- choices of the application, who may have made them on an object that inherits from the WebSocket

  setPaused(paused: boolean): void {
    this.face._paused = paused;
    this.regulate();
  }

  setBinaryType(type: BinaryType): void {
    this.face._binaryType = type;
    this.connection.keepFragments = type === 'fragments';
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

  /** Sets the state to CLOSED, calls every waiting callback, and emits 'close'; code 1006 where no Close frame came. */
  finish(): void {
    const { connection } = this;
    const { closeReceived, closeCode: code } = connection;
    const reason = (closeReceived?.reason as Buffer | undefined) ?? EMPTY;
    const wasClean = closeReceived !== undefined && connection.closeSent !== undefined;
    this.setReadyState(ReadyState.Closed);
    this.abandon();
    const { held, aside } = this;
    this.held = this.aside = undefined;
    if (held !== undefined) settle(held.takeAll(), notSent());
    if (aside !== undefined) settle(aside.abandon(), notSent());
    connection.dispose();
    const ending = this.endFacts();
    const { initiator } = ending;
    ending.info = { code, reason: reason.toString(), initiator, wasClean, error: connection.failure ?? ending.cause };
    this.owner?.closed(this.face as never);
    publishClose(this.face, ending.info);
    this.face.emit('close', code, reason);
  }

  protected override onEnd(): void {
    // Some streams had begun to end when they were paused.
    if (this.isBusy) this.endFacts().isHalfOver = true;
    else this.endHalf();
  }

  protected override onIdle(): void {
    if (this.ending?.isHalfOver !== true) return;
    this.ending.isHalfOver = false;
    this.endHalf();
  }

  private endHalf(): void {
    catchUp();
    // The Close that answers the peer's follows the sends that wait, and ends our half; its timer runs already.
    if (this.holdsSends && this.connection.closeReceived !== undefined) return;
    this.setReadyState(ReadyState.Closing);
    this.flush();
    this.end();
    // Deviation from ws (D15): a peer that ends without a Close has closeTimeout to take all bytes; ws waits for ever.
    this.startCloseTimer();
  }

  protected override get holdsSends(): boolean {
    return this.gate?.isShut === true;
  }

  protected override onPeerClose(): void {
    this.initiate('peer');
    const { face, connection } = this;
    if (this.isCloseOwn && connection.autoClose) {
      if (face._readyState === ReadyState.Open) this.setReadyState(ReadyState.Closing);
      this.startCloseTimer();
      return;
    }
    // As in ws, a `close` of the application answers the peer's Close, and the answer follows a Blob that is being read.
    const { code, reason } = connection.closeReceived!;
    if (code === CloseCode.NoStatus) face.close();
    else face.close(code, reason);
  }

  protected override onFailure(error: Error): void {
    this.initiate('local');
    if (!this.isCloseOwn) this.face.close((error as WebSocketError).closeCode);
    this.setReadyState(ReadyState.Closing);
    this.startCloseTimer();
    this.tellError(error, false);
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

  /** Takes the frame that the deflater has made. */
  deflated(result: Parameters<Connection['deflated']>[0]): void {
    const { connection } = this;
    connection.deflated(result);
    // All their frames are in the batch already, and leave in the first write.
    for (let count = connection.takeReleased(); count > 0; count--) {
      const callback = this.held!.shift();
      if (callback !== undefined) this.remember(callback);
    }
    this.schedule();
    if (connection.failure !== undefined) this.read();
    this.drainIfOwed();
  }

  // ---- private

  private setReadyState(state: ReadyState): void {
    this.face._readyState = state;
  }

  // Deviation from ws (D2): a peer's violation does not throw for want of an 'error' listener; the server tells.
  /** Emits 'error', once. With `isOurs` the application caused it, and it throws where there is no listener. */
  private tellError(error: Error, isOurs: boolean): void {
    const ending = this.endFacts();
    if (ending.isErrorTold) return;
    ending.isErrorTold = true;
    if (channels.error.hasSubscribers) channels.error.publish({ websocket: this.face, error });
    if (isOurs || this.face.listenerCount('error') > 0) this.face.emit('error', error);
    else this.owner?.connectionError(error, this.face as never);
  }

  protected override finishWhenTold(): void {
    if (this.ending?.isSocketClosed !== true || this.face._readyState === ReadyState.Closed) return;
    if (!this.isBusy) this.face.emitClose();
  }

  /** Whether closing calls no method of the application. */
  private get isCloseOwn(): boolean {
    return this.face.close === this.methods.close;
  }

  private endFacts(): Ending {
    return (this.ending ??= new Ending());
  }

  private giveUp(cause: Error): void {
    this.initiate('local');
    this.endFacts().cause ??= cause;
  }

  /** Records who began the end, the first time. */
  private initiate(initiator: 'local' | 'peer'): void {
    const ending = this.endFacts();
    if (ending.initiator === 'none') ending.initiator = initiator;
  }

  private startCloseTimer(): void {
    this.endFacts().timer ??= setTimeout(() => this.socket.destroy(), this.closeTimeout);
    // A paused connection would never see the peer's Close.
    if (this.face._paused) {
      this.face._paused = false;
      this.regulate();
    }
  }
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
