// A socket whose handshake is done, or an address to connect to -> the WebSocket object that users of `ws` know.
import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { encodeClosePayload } from '../codec/close-payload.js';
import { FrameEncoder, LEND_FROM } from '../codec/frame-encoder.js';
import { newStatistics, type Statistics } from '../codec/statistics.js';
import { Connection } from '../connection/connection.js';
import { State } from '../connection/state.js';
import { EventType, type ConnectionEvent } from '../connection/event.js';
import { PERMESSAGE_DEFLATE, type DeflateAgreement } from '../extensions/permessage-deflate.js';
import { CloseCode } from '../spec/close-code.js';
import { FIN, MAX_CONTROL_PAYLOAD, Opcode, Role } from '../spec/frame.js';
import { abortHandshake, connectClient, type ClientOptions } from './client.js';
import { BlobGate } from './blob-gate.js';
import { isBlob, isSteady, octetsOf, toCallback, toMask, toPayload, toReason, type Sendable } from './data.js';
import { createDeflater, createInflater, type PerMessageDeflateOptions } from './deflate/engines.js';
import { addEventFace } from './event-target.js';
import { startHeartbeat } from './heartbeat.js';
import { iterate } from './iterate.js';
import { emitsPlainly, loneMessageListener } from './lone-listener.js';
import { checkOptions, DEFAULT_CLOSE_TIMEOUT, type SharedOptions } from './options.js';
import { shape } from './shape.js';
import {
  BINARY_TYPES,
  ReadyState,
  STATE_NAMES,
  type BinaryType,
  type CloseInfo,
  type MessageOptions,
  type RawData,
} from './types.js';
import { notSent, settle, type SendCallback } from './send-callback.js';
import { Transport } from './transport.js';
import type { TransportOwner } from './transport-owner.js';
import { nodeValues } from './values.js';

/** What the handshake agreed on, for `setSocket`. */
export interface SocketOptions extends SharedOptions {
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
  readonly deflate?: { readonly agreement: DeflateAgreement; readonly options: PerMessageDeflateOptions } | undefined;
}

/** A violation by a peer whose socket nobody listens to for errors is told to this instead of thrown. */
export type ErrorOutlet = (error: Error, websocket: WebSocket) => void;

const EMPTY = Buffer.alloc(0);

/** What a connection needs to know once it comes to its end. */
class Ending {
  initiator: 'local' | 'peer' | 'none' = 'none';
  /** Runs while the peer has its time to end. */
  timer: NodeJS.Timeout | undefined;
  isSocketClosed = false;
  /** 'error' is emitted once: what fails after that is told no more. */
  isErrorTold = false;
  /** Octets of data that was sent too late. */
  tooLate = 0;
  info: CloseInfo | undefined;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class WebSocket extends EventEmitter implements TransportOwner {
  /** @internal */
  _isServer: boolean;
  /** @internal */
  _readyState: ReadyState = ReadyState.Connecting;
  /** @internal */
  _req: ClientRequest | null = null;
  /** @internal */
  _url: string | undefined;
  /** @internal */
  _protocol = '';
  /** @internal */
  _errorOutlet: ErrorOutlet | undefined;
  private _binaryType: BinaryType = 'nodebuffer';
  private _options: SharedOptions;
  private _connection: Connection | undefined;
  private _transport: Transport | undefined;
  private _agreement: DeflateAgreement | undefined;
  private _isPaused = false;
  private _closeTimeout: number = DEFAULT_CLOSE_TIMEOUT;
  /** Made once something points to the end. */
  private _end: Ending | undefined;
  private _maxBackpressure = 0;
  private _isPaced = false;
  /** A lone listener of 'message' is called without `emit`, which would look after its promise too, if it was asked to. */
  private readonly _isDirect = emitsPlainly();
  private _pacing: NodeJS.Immediate | undefined;
  private _stopHeartbeat: (() => void) | undefined;
  /** Where sends wait behind a Blob that is being read; made for the first one. */
  private _gate: BlobGate | undefined;
  /** Callbacks of sends that wait for the deflater, oldest first. */
  private _held: (SendCallback | undefined)[] | undefined;

  /**
   * @param address where to connect to, or null for a socket that `setSocket` will bring
   * @throws SyntaxError for a bad address or subprotocol; RangeError for an option that cannot be honoured
   */
  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions | null,
    options?: ClientOptions | SharedOptions,
  ) {
    super();
    if (address === null) {
      this._isServer = true;
      this._options = options ?? {};
      return;
    }
    this._isServer = false;
    if (typeof protocols === 'object' && protocols !== null && !Array.isArray(protocols)) {
      this._options = protocols;
      connectClient(this, address, undefined, protocols);
    } else {
      this._options = options ?? {};
      connectClient(this, address, protocols ?? undefined, this._options);
    }
  }

  // ---- what can be read

  /** How data of binary messages is handed out; other values than the four are ignored. */
  get binaryType(): BinaryType {
    return this._binaryType;
  }
  set binaryType(type: BinaryType) {
    if (!BINARY_TYPES.includes(type)) return;
    this._binaryType = type;
    if (this._connection !== undefined) this._connection.keepFragments = type === 'fragments';
  }

  /** Octets, framing included, that were sent and have not been handed to the operating system. */
  get bufferedAmount(): number {
    this._transport?.flush();
    const waiting = this._connection?.queuedOctets ?? 0;
    return (this._transport?.writableLength ?? 0) + waiting + (this._gate?.octets ?? 0) + (this._end?.tooLate ?? 0);
  }

  /** 'permessage-deflate' where that was agreed, else ''. */
  get extensions(): string {
    return Object.keys(this._extensions).join();
  }
  /**
   * The socket, null before the handshake is done. The user's own writes to it keep their place among the sends.
   * @internal
   */
  get _socket(): Duplex | null {
    return this._transport?.expose() ?? null;
  }
  /** @internal */
  get _extensions(): Record<string, unknown> {
    return this._agreement === undefined ? {} : { [PERMESSAGE_DEFLATE]: this._agreement };
  }

  get isPaused(): boolean {
    return this._isPaused;
  }
  /** The subprotocol, '' for none. */
  get protocol(): string {
    return this._protocol;
  }
  get readyState(): 0 | 1 | 2 | 3 {
    return this._readyState;
  }
  /** The address that was connected to; undefined on a server's side. */
  get url(): string | undefined {
    return this._url;
  }

  /** Whether to wait for 'drain' before sending more. */
  get needDrain(): boolean {
    this._transport?.flush();
    return this._transport?.isFull ?? false;
  }

  /** Messages, frames by opcode, and octets, both ways; undefined unless the option `statistics` asked for it. */
  statistics: Statistics | undefined;

  /** How the connection ended; undefined before 'close'. */
  get closeInfo(): CloseInfo | undefined {
    return this._end?.info;
  }

  // ---- opening

  /**
   * Takes over a socket whose handshake is done, and opens.
   * @param head octets that came with the handshake
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions = {}): void {
    const checked = checkOptions({ ...this._options, ...options });
    const role = this._isServer ? Role.Server : Role.Client;
    const { deflate } = options;
    let inflater, deflater;
    let threshold = 0;
    if (deflate !== undefined) {
      const { agreement } = deflate;
      this._agreement = agreement;
      inflater = createInflater(agreement, role, deflate.options, (result) => this._inflated(result));
      deflater = createDeflater(agreement, role, deflate.options, (result) => this._deflated(result));
      const forgets = this._isServer ? agreement.serverNoContextTakeover : agreement.clientNoContextTakeover;
      if (forgets) threshold = deflate.options.threshold ?? 1024;
    }
    if (checked.statistics) this.statistics = newStatistics();
    this._connection = new Connection({
      role,
      maxPayload: checked.maxPayload,
      maxFragments: checked.maxFragments,
      maxBufferedChunks: checked.maxBufferedChunks,
      skipUTF8Validation: checked.skipUTF8Validation,
      autoPong: checked.autoPong,
      text: checked.text,
      generateMask: options.generateMask as ((mask: Uint8Array) => void) | undefined,
      statistics: this.statistics,
      inflater,
      deflater,
      threshold,
      values: nodeValues,
    });
    this._connection.keepFragments = this._binaryType === 'fragments';
    this._closeTimeout = checked.closeTimeout;
    this._maxBackpressure = checked.maxBackpressure;
    this._isPaced = !checked.allowSynchronousEvents;
    this._transport = new Transport(socket, this._connection, this);
    const net = socket as Duplex & { setTimeout?: (ms: number) => void; setNoDelay?: () => void };
    net.setTimeout?.(0);
    net.setNoDelay?.();
    this._transport.start(head, checked.readPath);
    if (checked.heartbeat !== undefined) this._stopHeartbeat = startHeartbeat(this, this._transport, checked.heartbeat);
    this._readyState = ReadyState.Open;
    this.emit('open');
  }

  // ---- sending

  /**
   * Sends a message, or with `fin: false` a fragment of one.
   * @param callback told when it has been written, or with the error that kept it from being written
   * @throws Error while connecting; TypeError for data that cannot be sent
   */
  send(data: Sendable, options?: MessageOptions | SendCallback | null, callback?: SendCallback): void {
    if (typeof options === 'function') {
      callback = options;
      options = undefined;
    } else if (typeof options !== 'object' || options === null) {
      // As with ws, any other value says nothing.
      options = undefined;
    }
    if (this._readyState !== ReadyState.Open) {
      this._assertConnected();
      return this._sendTooLate(data, callback);
    }
    if (callback !== undefined && typeof callback !== 'function') callback = toCallback(callback);
    if (this._maxBackpressure > 0 && this._exceedsBackpressure()) return this._sendTooLate(data, callback);
    // Octets, which need nothing made of them, before all else: what stands here is what the engine puts into a listener.
    if (data instanceof Uint8Array && this._gate === undefined) this._sendPayload(data, options, callback, true);
    else this._sendOther(data, options, callback);
  }

  /** Sends a ping (RFC 6455 5.5.2) of at most 125 octets. Throws as `send`, and RangeError when it is longer. */
  ping(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this._sendControl(Opcode.Ping, data, mask, callback);
  }

  /** Sends an unasked pong (RFC 6455 5.5.3) of at most 125 octets. Throws as `ping`. */
  pong(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this._sendControl(Opcode.Pong, data, mask, callback);
  }

  /** What sends frames that were encoded beforehand: `Sender.frame` makes them, `sendFrame` sends them. @internal */
  get _sender(): { sendFrame(frames: Uint8Array[], callback?: SendCallback): void } {
    return { sendFrame: (frames, callback) => this._sendFrames(Buffer.concat(frames), callback) };
  }

  /** Sends whole frames, which nobody writes to any more. @internal */
  _sendFrames(frames: Uint8Array, callback?: SendCallback): void {
    if (this._readyState !== ReadyState.Open) return this._sendTooLate(frames, callback);
    if (this._maxBackpressure > 0 && this._exceedsBackpressure()) return this._sendTooLate(frames, callback);
    const { _connection: connection } = this;
    this._settle(connection!.sendEncoded(frames, true), callback);
  }

  // ---- closing

  /**
   * Starts the closing handshake (RFC 6455 7.1.2); while connecting, gives up.
   * @param code 1000-1003, 1007-1014 or 3000-4999
   * @param reason at most 123 octets as UTF-8
   * @throws TypeError for a code that may not be sent, or a reason that is neither string nor Uint8Array; RangeError when
   *   the reason is too long
   */
  close(code?: number, reason?: string | Uint8Array): void {
    switch (this._readyState) {
      case ReadyState.Closed:
        return;
      case ReadyState.Connecting:
        abortHandshake(this, this._req, 'WebSocket was closed before the connection was established');
        return;
      case ReadyState.Closing:
        this._transport?.flush();
        return;
      case ReadyState.Open: {
        const connection = this._connection!;
        const text = toReason(code, reason);
        if (this._gate?.isShut === true) {
          // A mistake throws here, not when the Blob has been read; and the reason is as it is here.
          const kept = encodeClosePayload(code, Buffer.from(text as Uint8Array)).subarray(2);
          this._gate.wait(0, undefined, () => this._settle(connection.close(code, kept), undefined));
        } else this._settle(connection.close(code, text), undefined);
        this._initiate('local');
        this._readyState = ReadyState.Closing;
        this._startCloseTimer();
        // A paused connection could never see the peer's Close.
        if (this._isPaused) this._resumeSocket();
      }
    }
  }

  /** Ends the connection without a closing handshake; what was sent before still goes out as far as the socket takes it. */
  terminate(): void {
    switch (this._readyState) {
      case ReadyState.Closed:
        return;
      case ReadyState.Connecting:
        abortHandshake(this, this._req, 'WebSocket was closed before the connection was established');
        return;
      default:
        this._readyState = ReadyState.Closing;
        this._transport?.destroy();
    }
  }

  /** Stops reading from the socket; messages already read may still come. */
  pause(): void {
    if (this._readyState === ReadyState.Connecting || this._readyState === ReadyState.Closed) return;
    this._isPaused = true;
    this._transport!.socket.pause();
  }

  /** Reads again. */
  resume(): void {
    if (this._readyState === ReadyState.Connecting || this._readyState === ReadyState.Closed) return;
    this._isPaused = false;
    if (this._pacing === undefined && this._connection?.isInflating !== true) this._transport!.socket.resume();
  }

  /** Messages one after another, with backpressure; ends when the connection closes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<{ data: RawData; isBinary: boolean }> {
    return iterate(this);
  }

  // ---- what the transport says

  /** @internal */
  dispatch(): void {
    const connection = this._connection!;
    if (this._pacing !== undefined) return;
    for (;;) {
      // Outside of a `try`, within which the engine would make the Buffer by a longer way.
      const data = connection.nextPlain();
      if (data !== undefined) {
        this._tellPlain(data, connection.isBinary);
      } else {
        const type = this._tellNext();
        if (type === undefined) break;
        if (type > EventType.Pong) continue;
      }
      if (this._isPaced) {
        this._goOnLater();
        break;
      }
    }
    if (connection.isInflating) {
      this._transport!.socket.pause();
    }
  }

  /** @internal */
  ended(): void {
    this._readyState = ReadyState.Closing;
    this._transport!.flush();
    this._transport!.end();
    // Deviation from ws: a peer that ends without a Close has closeTimeout to take what was sent; ws waits without end.
    this._startCloseTimer();
  }

  /** @internal */
  failed(): void {
    this._readyState = ReadyState.Closing;
  }

  /** @internal */
  drained(): void {
    if (this._readyState === ReadyState.Open) this.emit('drain');
  }

  /** @internal */
  closed(): void {
    this._readyState = ReadyState.Closing;
    const ending = this._ending();
    ending.isSocketClosed = true;
    clearTimeout(ending.timer);
    this._stopHeartbeat?.();
    this._emitCloseWhenTold();
  }

  /** @internal */
  rest(): void {
    if (this._pacing === undefined && this._readyState !== ReadyState.Closed) this._goOnLater();
  }

  /** Says that the connection is over; code 1006 where there was no Close frame. @internal */
  emitClose(): void {
    const connection = this._connection;
    const code = connection?.closeCode ?? CloseCode.Abnormal;
    const reason = (connection?.closeReceived?.reason as Buffer | undefined) ?? EMPTY;
    const wasClean = this._closeFrameReceived && this._closeFrameSent;
    this._readyState = ReadyState.Closed;
    if (connection !== undefined) {
      const error = notSent();
      this._transport!.abandon(error);
      const held = this._held;
      this._held = undefined;
      if (held !== undefined) settle(held, error);
      connection.dispose();
    }
    const ending = this._ending();
    const initiator = connection === undefined ? 'none' : ending.initiator;
    ending.info = { code, reason: reason.toString(), initiator, wasClean, error: connection?.failure };
    this.emit('close', code, reason);
  }

  /** @internal */
  get _closeFrameReceived(): boolean {
    return this._connection?.closeReceived !== undefined;
  }
  /** @internal */
  get _closeFrameSent(): boolean {
    return this._connection?.closeSent !== undefined;
  }

  // ---- rooms within

  private _assertConnected(): void {
    if (this._readyState === ReadyState.Connecting) {
      throw new Error('WebSocket is not open: readyState 0 (CONNECTING)');
    }
  }

  /** Sends what has to be made octets or text first, or to wait for a Blob. */
  private _sendOther(data: Sendable, options: MessageOptions | undefined, callback: SendCallback | undefined): void {
    if (isBlob(data)) {
      return this._sendBlob(data, callback, (octets) => this._sendPayload(octets, options, callback, true));
    }
    const payload = toPayload(data);
    const isOctets = typeof data !== 'string' && typeof data !== 'number';
    if (this._gate?.isShut !== true) return this._sendPayload(payload, options, callback, isOctets);
    const kept = typeof payload === 'string' ? payload : Buffer.from(payload);
    this._gate.wait(octetsOf(payload), callback, () => this._sendPayload(kept, options, callback, isOctets));
  }

  private _sendPayload(
    payload: Uint8Array | string,
    options: MessageOptions | undefined,
    callback: SendCallback | undefined,
    isOctets: boolean,
  ): void {
    // As in ws, an option that is there counts even if it is undefined. Deviation from ws: one that is inherited counts too.
    let binary = isOctets;
    let fin = true;
    let compress = true;
    if (options !== undefined) {
      if ('binary' in options) binary = Boolean(options.binary);
      if ('fin' in options) fin = Boolean(options.fin);
      if ('compress' in options) compress = Boolean(options.compress);
      if (toMask(options.mask, this._isServer) === this._isServer) {
        const first = (fin ? FIN : 0) | (binary ? Opcode.Binary : Opcode.Text);
        return this._sendFrame(first, payload, this._isServer, callback);
      }
    }
    const lent = payload.length >= LEND_FROM && this._transport!.canLend && isSteady(payload);
    if (this._connection!.sendData(payload, binary, fin, compress, lent)) this._transport!.sent(callback);
    else this._hold(callback);
  }

  /** Sends a frame that is masked, or not, against the custom of this role. */
  private _sendFrame(
    first: number,
    payload: Uint8Array | string,
    isMasked: boolean,
    callback: SendCallback | undefined,
  ): void {
    this._settle(this._connection!.sendEncoded(encodeFrame(first, payload, isMasked), false), callback);
  }

  /** After something was sent: its callback waits for the socket, or for the deflater first. */
  private _settle(written: boolean, callback: SendCallback | undefined): void {
    if (written) this._transport!.sent(callback);
    else this._hold(callback);
  }

  private _hold(callback: SendCallback | undefined): void {
    (this._held ??= []).push(callback);
  }

  private _sendControl(
    opcode: Opcode.Ping | Opcode.Pong,
    data: Sendable | SendCallback,
    mask: boolean | SendCallback | undefined,
    callback: SendCallback | undefined,
  ): void {
    this._assertConnected();
    if (typeof data === 'function') {
      callback = data;
      data = mask = undefined;
    } else if (typeof mask === 'function') {
      callback = mask;
      mask = undefined;
    }
    const given: Sendable = data;
    if (this._readyState !== ReadyState.Open) return this._sendTooLate(given, callback);
    callback = toCallback(callback);
    const payload = isBlob(given) ? undefined : toPayload(given);
    // RFC 6455 5.5: control frames carry at most 125 octets.
    if ((payload === undefined ? (given as Blob).size : octetsOf(payload)) > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(`The data size must not be greater than ${MAX_CONTROL_PAYLOAD} bytes`);
    }
    const send = (octets: Uint8Array | string): void => {
      const connection = this._connection!;
      if (toMask(mask, this._isServer) === this._isServer) {
        this._sendFrame(FIN | opcode, octets, this._isServer, callback);
      } else {
        this._settle(opcode === Opcode.Ping ? connection.ping(octets) : connection.pong(octets), callback);
      }
    };
    if (payload === undefined) this._sendBlob(given as Blob, callback, send);
    else if (this._gate?.isShut !== true) send(payload);
    else {
      const kept = typeof payload === 'string' ? payload : Buffer.from(payload);
      this._gate.wait(octetsOf(payload), callback, () => send(kept));
    }
  }

  /** Data for a connection that is closing: counted as buffered, and its callback is told so. */
  private _sendTooLate(data: Sendable, callback: SendCallback | undefined): void {
    if (data || typeof data === 'number')
      this._ending().tooLate += isBlob(data) ? data.size : octetsOf(toPayload(data));
    if (!callback) return;
    const state = this._readyState;
    process.nextTick(callback, new Error(`WebSocket is not open: readyState ${state} (${STATE_NAMES[state]})`));
  }

  /** Whether more waits than the limit, where there is one, allows; the connection is ended then. */
  private _exceedsBackpressure(): boolean {
    if (this._transport!.writableLength <= this._maxBackpressure) return false;
    const error = Object.assign(new Error('More than maxBackpressure octets wait to be written'), {
      code: 'WS_ERR_BACKPRESSURE',
    });
    this.terminate();
    this._emitError(error);
    return true;
  }

  /** Sends a Blob once it has been read; what is sent meanwhile waits behind it. */
  private _sendBlob(blob: Blob, callback: SendCallback | undefined, send: (octets: Uint8Array) => void): void {
    this._gate ??= new BlobGate(
      () => this._connection!.state === State.Open && !this._transport!.socket.destroyed,
      (error) => {
        this.terminate();
        this.emit('error', error);
      },
    );
    this._gate.read(blob, callback, send);
  }

  /** Tells a message; a listener's error goes its way. */
  private _tellPlain(data: Uint8Array, isBinary: boolean): void {
    let isDone = false;
    try {
      this._tellMessage(data, isBinary, undefined);
      isDone = true;
    } finally {
      if (!isDone) this._interrupted();
    }
  }

  /** Tells whatever comes next, and returns what it was; a listener's error goes its way. */
  private _tellNext(): EventType | undefined {
    let isDone = false;
    try {
      const event = this._connection!.next();
      if (event !== undefined) this._tell(event);
      isDone = true;
      return event?.type;
    } finally {
      if (!isDone) this._interrupted();
    }
  }

  /** A listener has thrown: what was sent is written, and the next event is told in the next turn. */
  private _interrupted(): void {
    this._goOnLater();
    this._transport!.endRead();
  }

  private _tellMessage(
    data: Uint8Array | string,
    isBinary: boolean,
    fragmentEnds: readonly number[] | undefined,
  ): void {
    const shaped = isBinary ? shape(data as Uint8Array, fragmentEnds, this._binaryType) : data;
    const listener = this._isDirect ? loneMessageListener(this) : undefined;
    if (listener !== undefined) listener.call(this, shaped, isBinary);
    else this.emit('message', shaped, isBinary);
  }

  private _tell(event: ConnectionEvent): void {
    switch (event.type) {
      case EventType.Message:
        this._tellMessage(event.data, event.isBinary, event.fragmentEnds);
        return;
      case EventType.Ping:
        this.emit('ping', event.data);
        return;
      case EventType.Pong:
        this.emit('pong', event.data);
        return;
      case EventType.Close:
        this._initiate('peer');
        if (this._readyState === ReadyState.Open) this._readyState = ReadyState.Closing;
        this._startCloseTimer();
        return;
      case EventType.Failure:
        this._initiate('local');
        this._readyState = ReadyState.Closing;
        this._startCloseTimer();
        this._emitError(event.error);
        return;
      case EventType.Part:
        return;
    }
  }

  // Deviation from ws: a peer's violation does not throw for want of an 'error' listener; the server is told of it.
  private _emitError(error: Error): void {
    const ending = this._ending();
    if (ending.isErrorTold) return;
    ending.isErrorTold = true;
    if (this.listenerCount('error') > 0) this.emit('error', error);
    else this._errorOutlet?.(error, this);
  }

  /** Dispatches what is left in a later turn; until then nothing is read. */
  private _goOnLater(): void {
    this._connection!.detach();
    this._transport!.socket.pause();
    this._pacing = setImmediate(() => {
      this._pacing = undefined;
      this._transport!.read();
      if (this._pacing !== undefined) return;
      if (!this._isPaused && !this._connection!.isInflating) this._transport!.socket.resume();
      this._emitCloseWhenTold();
    });
  }

  private _inflated(result: Parameters<Connection['inflated']>[0]): void {
    this._connection!.inflated(result);
    this._transport!.read();
    if (!this._connection!.isInflating && !this._isPaused && this._pacing === undefined)
      this._transport!.socket.resume();
    this._emitCloseWhenTold();
  }

  private _deflated(result: Parameters<Connection['deflated']>[0]): void {
    const connection = this._connection!;
    connection.deflated(result);
    for (let count = connection.takeReleased(); count > 0; count--) {
      const callback = this._held!.shift();
      this._transport!.sent(callback);
    }
    this._transport!.schedule();
    if (connection.failure !== undefined) this._transport!.read();
  }

  private _emitCloseWhenTold(): void {
    if (this._end?.isSocketClosed !== true || this._readyState === ReadyState.Closed) return;
    if (this._pacing === undefined && !this._connection!.isInflating) this.emitClose();
  }

  private _resumeSocket(): void {
    this._isPaused = false;
    this._transport!.socket.resume();
  }

  private _ending(): Ending {
    return (this._end ??= new Ending());
  }

  /** Notes who began the end, if nobody has before. */
  private _initiate(initiator: 'local' | 'peer'): void {
    const ending = this._ending();
    if (ending.initiator === 'none') ending.initiator = initiator;
  }

  private _startCloseTimer(): void {
    this._ending().timer ??= setTimeout(() => this._transport!.socket.destroy(), this._closeTimeout);
    if (this._isPaused) this._resumeSocket();
  }
}

for (const [name, value] of [
  ['CONNECTING', 0],
  ['OPEN', 1],
  ['CLOSING', 2],
  ['CLOSED', 3],
] as const) {
  Object.defineProperty(WebSocket, name, { enumerable: true, value });
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true, value });
}
for (const name of ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState', 'url']) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
addEventFace(WebSocket.prototype);

/** One frame, masked or not, for a user who asks for what the role does not say (RFC 6455 5.1). */
function encodeFrame(first: number, payload: Uint8Array | string, isMasked: boolean): Uint8Array {
  const encoder = new FrameEncoder({ role: isMasked ? Role.Client : Role.Server, values: nodeValues });
  if (typeof payload === 'string') encoder.text(first, payload);
  else encoder.frame(first, payload);
  return Buffer.concat(encoder.take());
}
