// `WebSocket` is the object that users of `ws` know: a client, which connects, or a server's side, which `setSocket` opens.
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Statistics } from '../codec/statistics.js';
import { PERMESSAGE_DEFLATE } from '../extensions/permessage-deflate.js';
import { CloseCode } from '../spec/close-code.js';
import { State } from '../connection/state.js';
import { Opcode } from '../spec/frame.js';
import { abortHandshake, type PendingRequest } from './abort-handshake.js';
import { behind, tie } from './behind.js';
import { connectClient, type ClientOptions } from './client.js';
import { isBlob, sizeOf, toCallback, toPayload, type Sendable } from './data.js';
import { channels, publishClose } from './channels.js';
import type { SessionReceiver, SessionSender } from './compat/session-parts.js';
import { addEventFace } from './event-target.js';
import { catchUp } from './flush-time.js';
import type { FramedMessage } from './framed-message.js';
import type { FramedRun } from './framed-run.js';
import { iterate } from './iterate.js';
import { slim } from './lone-listener.js';
import { openSession, ServedSocketOptions, type SocketOptions } from './open.js';
import type { SharedOptions } from './options.js';
import type { SendCallback } from './send-callback.js';
import { sendAlone, sendClose, sendControl, sendFramed, sendOther, sendPayload, sendRun } from './sends.js';
import type { Session } from './session.js';
import {
  BINARY_TYPES,
  ReadyState,
  STATE_NAMES,
  type BinaryType,
  type CloseInfo,
  type MessageOptions,
  type RawData,
} from './types.js';

export type { SocketOptions } from './open.js';

const EMPTY = Buffer.alloc(0);

/**
 * Sends a message to one of many connections of a server. False where `send` has to be called instead: the application has
 * replaced it, or no other connection can share this one's form of the message. @internal
 */
export let broadcastFrames: (websocket: WebSocket, message: FramedMessage, callback?: SendCallback) => boolean;

/** Whether a socket is one of ours, and nothing of the application looks at each of its sends: those to many may be joined. @internal */
export let joinsRuns: (socket: object) => boolean;

/** As `joinsRuns`, and the connection has no statistics and no `maxBackpressure`. @internal */
export let joinsRunsUncounted: (websocket: WebSocket) => boolean;

/** As `broadcastFrames`, for messages in one piece; false where they are to be sent one by one. @internal */
export let broadcastRun: (websocket: WebSocket, run: FramedRun) => boolean;

/** The WebSocket itself, where `face` may be a Proxy before it or an object that inherits from it. */
let realOf: (face: WebSocket) => WebSocket;

/** The session of such a `face`; undefined before the handshake is done. */
let sessionOf: (face: WebSocket) => Session | undefined;

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class WebSocket extends EventEmitter {
  /** @internal */
  _isServer: boolean;
  /** @internal */
  _readyState: ReadyState = ReadyState.Connecting;
  /** @internal */
  _req: PendingRequest | null = null;
  /** @internal */
  _url: string | undefined;
  /** @internal */
  _protocol = '';
  /** @internal */
  _paused = false;
  /** @internal */
  _binaryType: BinaryType = 'nodebuffer';
  /** The agreements by name. @internal */
  _extensions: Record<string, unknown> = tie({}, this);
  /** Bytes that were sent though the connection never opened. @internal */
  declare _bufferedAmount: number | undefined;
  /** The open connection; kept after its end, for the facts about it. */
  #session: Session | undefined;
  #options: SharedOptions;

  /**
   * @param address the server's address, or null for a socket that `setSocket` will bring
   * @throws SyntaxError for an invalid address or subprotocol; RangeError for a number that cannot be honoured; TypeError for
   *   an unknown word
   */
  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions | null,
    options?: ClientOptions | SharedOptions,
  ) {
    super();
    slim(this);
    if (address === null) {
      this._isServer = true;
      this.#options = options ?? {};
      return;
    }
    this._isServer = false;
    if (typeof protocols === 'object' && protocols !== null && !Array.isArray(protocols)) {
      this.#options = protocols;
      connectClient(this, address, undefined, protocols);
    } else {
      this.#options = options ?? {};
      connectClient(this, address, protocols, this.#options);
    }
  }

  // ---- facts

  /** The type of binary messages; values other than the four are ignored. */
  get binaryType(): BinaryType {
    return this._binaryType;
  }
  set binaryType(type: BinaryType) {
    if (!BINARY_TYPES.includes(type)) return;
    this._binaryType = type;
    sessionOf(this)?.setBinaryType(type);
  }

  /** Bytes, framing included, that were sent and that the operating system does not have yet. */
  get bufferedAmount(): number {
    const session = sessionOf(this);
    if (session === undefined) return this._bufferedAmount ?? 0;
    catchUp();
    session.flushWaiting();
    return session.waitingBytes;
  }

  /** 'permessage-deflate' where it was agreed, else ''. */
  get extensions(): string {
    return Object.keys(this._extensions).join();
  }
  /**
   * The socket, null before the handshake is done. The user's own writes to it keep their place among the sends.
   * @internal
   */
  get _socket(): Duplex | null {
    catchUp();
    return sessionOf(this)?.expose() ?? null;
  }

  get isPaused(): boolean {
    return this._paused;
  }
  /** The agreed subprotocol, or ''. */
  get protocol(): string {
    return this._protocol;
  }
  get readyState(): 0 | 1 | 2 | 3 {
    return this._readyState;
  }
  /** The address of the server; undefined on a server's side. */
  get url(): string | undefined {
    return this._url;
  }

  /** Whether to wait for 'drain' before sending more. */
  get needDrain(): boolean {
    const session = sessionOf(this);
    if (session === undefined) return false;
    catchUp();
    session.flushWaiting();
    return session.isBehind || session.isFull;
  }
  set needDrain(value: unknown) {
    own(this, 'needDrain', value);
  }

  /** Messages, frames by opcode, and bytes, both ways; undefined unless the option `statistics` asked for it. */
  declare statistics: Statistics | undefined;

  /** How the connection ended; undefined before 'close'. */
  get closeInfo(): CloseInfo | undefined {
    return sessionOf(this)?.closeInfo ?? closeInfoOf.get(realOf(this));
  }
  set closeInfo(value: unknown) {
    own(this, 'closeInfo', value);
  }

  // ---- opening

  /**
   * Takes over a socket after the handshake, and opens.
   * @param head bytes that came with the handshake
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions = {}): void {
    const real = realOf(this);
    const isServed = options instanceof ServedSocketOptions;
    // A subclass may have changed a copy of the server's options.
    const { shared } = options as Partial<ServedSocketOptions>;
    const all = isServed ? options : { ...real.#options, ...shared, ...options };
    // A Proxy whose maker puts Proxies in the place of its target's fields has put one here.
    if (!isServed && behind(real, '_extensions') === undefined) tie(real._extensions, real);
    openSession(this, socket, head, all, METHODS, (session) => {
      real.#session = session;
      if (session.agreement !== undefined) this._extensions[PERMESSAGE_DEFLATE] = session.agreement;
    });
    this._readyState = ReadyState.Open;
    if (channels.open.hasSubscribers) channels.open.publish({ websocket: this });
    this.emit('open');
  }

  // ---- sending

  /**
   * Sends a message, or with `fin: false` a fragment of one.
   * @param callback called when the data has been written, or with the error that prevented it
   * @throws Error while connecting; TypeError for data that cannot be sent, or a callback that is not a function
   */
  send(data: Sendable, options?: MessageOptions | SendCallback | null, callback?: SendCallback): void {
    // This message may have to wait behind those that were put off.
    catchUp();
    if (typeof options === 'function') {
      callback = options;
      options = undefined;
    } else if (typeof options !== 'object' || options === null) {
      // As in ws, any other value is ignored.
      options = undefined;
    }
    if (this._readyState !== ReadyState.Open) return sendTooLate(this, data, callback);
    if (callback !== undefined && typeof callback !== 'function') callback = toCallback(callback);
    const session = (#session in this ? this.#session : sessionOf(this))!;
    if (session.maxBackpressure > 0 && exceedsBackpressure(session)) return sendTooLate(this, data, callback);
    // Bytes first, and short: V8 inlines this branch into the user's listener.
    if (data instanceof Uint8Array && session.gate === undefined) sendPayload(session, data, options, callback, true);
    else sendOther(session, data, options, callback);
  }

  /** Sends a ping (RFC 6455 5.5.2) of at most 125 bytes. Throws as `send`, and RangeError when it is longer. */
  ping(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    sendControlOf(this, Opcode.Ping, data, mask, callback);
  }

  /** Sends an unsolicited pong (RFC 6455 5.5.3) of at most 125 bytes. Throws as `ping`. */
  pong(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    sendControlOf(this, Opcode.Pong, data, mask, callback);
  }

  static {
    realOf = (face) => (#session in face ? face : (behind(face, '_extensions') ?? face));
    sessionOf = (face) => {
      const real = realOf(face);
      return #session in real ? real.#session : undefined;
    };
    broadcastFrames = (websocket, message, callback) => {
      if (websocket.send !== METHODS.send) return false;
      if (websocket._readyState !== ReadyState.Open) return true;
      const session = sessionOf(websocket)!;
      // The peer's Close or fault is not told yet.
      if (session.connection.state !== State.Open) return true;
      if (session.maxBackpressure > 0 && exceedsBackpressure(session)) return true;
      if (message.compress && session.agreement !== undefined && session.sharing === undefined) {
        sendAlone(session, message, callback);
        return true;
      }
      sendFramed(session, message, callback);
      return true;
    };
    joinsRuns = (socket) =>
      socket instanceof WebSocket && socket.send === METHODS.send && sessionOf(socket)?.joinsRuns() === true;
    joinsRunsUncounted = (websocket) =>
      joinsRuns(websocket) && websocket.statistics === undefined && sessionOf(websocket)!.maxBackpressure === 0;
    broadcastRun = (websocket, run) => {
      if (websocket.send !== METHODS.send || websocket._readyState !== ReadyState.Open) return false;
      const session = sessionOf(websocket)!;
      // Each message is looked at by itself.
      if (session.maxBackpressure > 0 || channels.messageSent.hasSubscribers) return false;
      return sendRun(session, run);
    };
  }

  // ---- closing

  /**
   * Starts the closing handshake (RFC 6455 7.1.2); while connecting, gives up.
   * @param code 1000-1003, 1007-1014 or 3000-4999
   * @param reason at most 123 bytes in UTF-8
   * @throws TypeError for a code that may not be sent, or a reason that is neither string nor Uint8Array; RangeError when
   *   the reason is too long
   */
  close(code?: number, reason?: string | Uint8Array): void {
    catchUp();
    switch (this._readyState) {
      case ReadyState.Closed:
        return;
      case ReadyState.Connecting:
        giveUp(this);
        return;
      case ReadyState.Closing:
        sessionOf(this)?.flush();
        return;
      case ReadyState.Open: {
        const session = sessionOf(this)!;
        session.close(() => {
          sendClose(session, code, reason);
          this._readyState = ReadyState.Closing;
        });
      }
    }
  }

  /** Ends the connection without a closing handshake; earlier sends are still written as far as the socket takes them. */
  terminate(): void {
    catchUp();
    switch (this._readyState) {
      case ReadyState.Closed:
        return;
      case ReadyState.Connecting:
        giveUp(this);
        return;
      default:
        this._readyState = ReadyState.Closing;
        sessionOf(this)?.terminate();
    }
  }

  /** Stops reading from the socket; messages that were already read may still come. */
  pause(): void {
    if (this._readyState === ReadyState.Connecting || this._readyState === ReadyState.Closed) return;
    this._paused = true;
    sessionOf(this)?.setPaused(true);
  }

  /** Reads again. */
  resume(): void {
    if (this._readyState === ReadyState.Connecting || this._readyState === ReadyState.Closed) return;
    this._paused = false;
    sessionOf(this)?.setPaused(false);
  }

  /** Iterates over the messages, with backpressure; ends when the connection closes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<{ data: RawData; isBinary: boolean }> {
    return iterate(this);
  }

  /** Ends the WebSocket; code 1006 where there was no Close frame. @internal */
  emitClose(): void {
    const session = sessionOf(this);
    if (session !== undefined) return session.finish();
    this._readyState = ReadyState.Closed;
    const code = CloseCode.Abnormal;
    const info: CloseInfo = { code, reason: '', initiator: 'none', wasClean: false, error: undefined };
    closeInfoOf.set(realOf(this), info);
    publishClose(this, info);
    this.emit('close', code, EMPTY);
  }

  /** @internal */
  get _closeFrameReceived(): boolean {
    return sessionOf(this)?.connection.closeReceived !== undefined;
  }
  /** @internal */
  get _closeFrameSent(): boolean {
    return sessionOf(this)?.connection.closeSent !== undefined;
  }
  /** @internal */
  get _closeTimer(): NodeJS.Timeout | null {
    return sessionOf(this)?.closeTimer ?? null;
  }
  /** @internal */
  get _errorEmitted(): boolean {
    // A client that never opened has told why.
    return sessionOf(this)?.isErrorTold ?? (!this._isServer && this._readyState > ReadyState.Connecting);
  }

  /** @internal */
  get _closeCode(): number {
    return sessionOf(this)?.connection.closeCode ?? CloseCode.Abnormal;
  }
  /** @internal */
  get _closeMessage(): Uint8Array {
    return sessionOf(this)?.connection.closeReceived?.reason ?? EMPTY;
  }
  /** Sends pre-encoded frames, with `sendFrame`; null before the handshake is done. @internal */
  get _sender(): SessionSender | null {
    catchUp();
    const session = sessionOf(this);
    session?.expose();
    return session?.sender ?? null;
  }
  /** @internal */
  get _receiver(): SessionReceiver | null {
    return sessionOf(this)?.receiver ?? null;
  }
  /** @internal */
  get _redirects(): number | undefined {
    return this._isServer ? undefined : 0;
  }
  /** @internal */
  get _autoPong(): boolean {
    return sessionOf(this)?.answersPings ?? true;
  }
  set _autoPong(answers: boolean) {
    const session = sessionOf(this);
    if (session !== undefined) session.answersPings = answers;
  }
}

/** Facts about connections that never opened. */
const closeInfoOf = new WeakMap<WebSocket, CloseInfo>();

/** The methods that an application may replace, to tell whether it has. */
// oxlint-disable-next-line unbound-method -- they are only compared
const METHODS = (({ send, close, pong }) => ({ send, close, pong }))(WebSocket.prototype);

function sendControlOf(
  websocket: WebSocket,
  opcode: Opcode.Ping | Opcode.Pong,
  data: Sendable | SendCallback,
  mask: boolean | SendCallback | undefined,
  callback: SendCallback | undefined,
): void {
  if (typeof data === 'function') {
    callback = data;
    data = mask = undefined;
  } else if (typeof mask === 'function') {
    callback = mask;
    mask = undefined;
  }
  const given: Sendable = data;
  if (websocket._readyState !== ReadyState.Open) return sendTooLate(websocket, given, callback);
  sendControl(sessionOf(websocket)!, opcode, given, mask, toCallback(callback));
}

/** Data for a closing connection: it counts as buffered, and its callback gets an error. */
function sendTooLate(websocket: WebSocket, data: Sendable, callback: SendCallback | undefined): void {
  const state = websocket._readyState;
  if (state === ReadyState.Connecting) throw new Error('WebSocket is not open: readyState 0 (CONNECTING)');
  if (data || typeof data === 'number') {
    const bytes = isBlob(data) ? data.size : sizeOf(toPayload(data));
    const session = sessionOf(websocket);
    if (session !== undefined) session.countTooLate(bytes);
    else websocket._bufferedAmount = (websocket._bufferedAmount ?? 0) + bytes;
  }
  if (!callback) return;
  process.nextTick(callback, new Error(`WebSocket is not open: readyState ${state} (${STATE_NAMES[state]})`));
}

/** Whether more waits than the limit allows, if there is one; the connection is ended then. */
function exceedsBackpressure(session: Session): boolean {
  if (session.waitingBytes <= session.maxBackpressure) return false;
  session.failBackpressure();
  return true;
}

/** Gives up the opening handshake. */
function giveUp(websocket: WebSocket): void {
  const { _req: request } = websocket;
  realOf(websocket)._req = null;
  abortHandshake(websocket, request, 'WebSocket was closed before the connection was established');
}

/** Stores an application's own value under a name of ours. */
function own(websocket: WebSocket, name: string, value: unknown): void {
  Object.defineProperty(websocket, name, { value, writable: true, enumerable: true, configurable: true });
}

for (const [name, value] of [
  ['CONNECTING', ReadyState.Connecting],
  ['OPEN', ReadyState.Open],
  ['CLOSING', ReadyState.Closing],
  ['CLOSED', ReadyState.Closed],
] as const) {
  Object.defineProperty(WebSocket, name, { enumerable: true, value });
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true, value });
}
for (const name of ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState', 'url']) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
addEventFace(WebSocket.prototype);

// In `ws` these are plain fields, which programs write to.
for (const name of [
  '_closeCode',
  '_closeFrameReceived',
  '_closeFrameSent',
  '_closeMessage',
  '_closeTimer',
  '_errorEmitted',
  '_receiver',
  '_redirects',
  '_sender',
  '_socket',
]) {
  Object.defineProperty(WebSocket.prototype, name, {
    set(this: WebSocket, value: unknown) {
      own(this, name, value);
    },
  });
}
