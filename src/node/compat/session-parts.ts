// `SessionSender` and `SessionReceiver` are the `_sender` and `_receiver` of an open WebSocket, made when first asked for.
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { behind, tie } from '../behind.js';
import { catchUp } from '../flush-time.js';
import { positive, Receiver } from './receiver.js';
import { Sender, senderBehind, type SenderCallback } from './sender.js';
import { joined } from '../values.js';

/** The part of a session that its sender uses. */
export interface SendingSession {
  readonly socket: Duplex;
  /** Bytes that wait and are not in the socket yet. */
  readonly bytesBehindSocket: number;
  /** Sends encoded frames in their turn. */
  sendEncoded(frames: Uint8Array, callback: SenderCallback | undefined): void;
  /** Writes the parts of a frame to the socket, after everything sent before. */
  writeFrame(list: readonly Uint8Array[], callback: SenderCallback | undefined): void;
}

/**
 * The sender of one connection. A program that replaces `sendFrame` gets every frame of the connection, including those
 * of the library.
 */
export class SessionSender extends Sender {
  readonly #session: SendingSession;

  constructor(session: SendingSession) {
    super(session.socket);
    this.#session = session;
  }

  /** Whether frames have to go through a `sendFrame` of the application. */
  static isWrapped(sender: SessionSender): boolean {
    return sender.sendFrame !== ownSendFrame;
  }

  get _socket(): Duplex {
    return senderBehind(this).#session.socket;
  }

  get _bufferedBytes(): number {
    return senderBehind(this).#session.bytesBehindSocket;
  }

  override sendFrame(list: readonly Uint8Array[], callback?: SenderCallback): void {
    catchUp();
    const session = senderBehind(this).#session;
    if (SessionSender.isWrapped(this)) session.writeFrame(list, callback);
    else session.sendEncoded(joined(list), callback);
  }
}

// oxlint-disable-next-line unbound-method -- it is only compared
const { sendFrame: ownSendFrame } = SessionSender.prototype;

/** The name of a receiver's WebSocket, which `lib/constants.js` of the package gives to tools that watch `ws`. */
const kWebSocket = Symbol.for('wsimd:websocket');

// oxlint-disable-next-line unbound-method -- it is only compared
const { on: ownOn } = Receiver.prototype;

/** The part of a session that its receiver uses. */
export interface ReceivingSession {
  readonly face: object;
  maxPayload: number;
  skipUTF8Validation: boolean;
  tellMessage(data: unknown, isBinary: boolean): void;
  tellPing(data: Uint8Array): void;
  tellPong(data: Uint8Array): void;
}

/** Emits everything that a session receives; its initial listeners pass it on to the WebSocket. */
export class SessionReceiver extends EventEmitter {
  readonly #session: ReceivingSession;
  /** @internal */
  readonly _buffers: readonly unknown[] = tie([], this);

  constructor(session: ReceivingSession) {
    super();
    this.#session = session;
    Object.defineProperty(this, kWebSocket, { value: session.face });
    // oxlint-disable-next-line unbound-method -- it is called on this emitter
    const { on } = Receiver.prototype as EventEmitter;
    on.call(this, 'message', (data: unknown, isBinary: boolean) => session.tellMessage(data, isBinary));
    on.call(this, 'ping', (data: Uint8Array) => session.tellPing(data));
    on.call(this, 'pong', (data: Uint8Array) => session.tellPong(data));
  }

  /** Whether an application has replaced `on` of Receiver, which every connection's listeners then go through. */
  static isWatched(): boolean {
    return Receiver.prototype.on !== ownOn;
  }

  static #sessionOf(face: SessionReceiver): ReceivingSession {
    return (behind(face, '_buffers') ?? face).#session;
  }

  get _maxPayload(): number {
    return SessionReceiver.#sessionOf(this).maxPayload;
  }
  set _maxPayload(bytes: number) {
    SessionReceiver.#sessionOf(this).maxPayload = positive(bytes);
  }

  get _skipUTF8Validation(): boolean {
    return SessionReceiver.#sessionOf(this).skipUTF8Validation;
  }
  set _skipUTF8Validation(skips: boolean) {
    SessionReceiver.#sessionOf(this).skipUTF8Validation = skips;
  }
}
