// `Connection` is one WebSocket connection after its handshake, with no sockets, no clocks and no callbacks (RFC 6455 5-7).
import { encodeClosePayload } from '../codec/close-payload.js';
import { toResult, type Payload } from '../codec/payload.js';
import { limitOf, type TakeOptions } from '../codec/withheld.js';
import { internalError, violationError, type WebSocketError } from '../errors/violations.js';
import type { Inflater } from '../extensions/transform.js';
import { CloseCode } from '../spec/close-code.js';
import { FIN, Opcode } from '../spec/frame.js';
import { Violation } from '../spec/violation.js';
import { toBytes, type Bytes } from '../values/bytes.js';
import { Closing, type PeerClose } from './closing.js';
import { EventType, type CloseEvent, type ConnectionEvent, type FailureEvent } from './event.js';
import type { ConnectionOptions } from './options.js';
import { Pongs } from './pongs.js';
import { Sending } from './sending.js';
import { State } from './state.js';

export type { ConnectionOptions, SendOptions } from './options.js';

/**
 * One connection. `receive` takes bytes, `next` returns events one at a time, and `takeOutput` returns everything that was
 * sent as chunks to write. Nothing that a peer sends makes it throw: the connection fails, and `next` returns that as an
 * event. A mistake of the caller throws before anything has changed.
 */
export class Connection extends Sending {
  private readonly inflater: Inflater | undefined;
  /** @internal */ pongs: Pongs | undefined;
  private isCongested = false;
  /** Answer pings (RFC 6455 5.5.2). */
  autoPong: boolean;
  /** Answer the peer's Close (RFC 6455 5.5.1); otherwise the owner calls `close` after it. */
  autoClose = true;

  constructor(options: ConnectionOptions) {
    super(options);
    this.inflater = options.inflater;
    this.autoPong = options.autoPong !== false;
  }

  /** The peer's Close frame, once received: its code (1005 for none) and reason. */
  get closeReceived(): PeerClose | undefined {
    return this.closing?.received;
  }

  /** The code of our Close frame, 1005 for none, once it is queued; undefined before. */
  get closeQueued(): number | undefined {
    return this.closing?.queued;
  }

  /** The same, once `takeOutput` has handed out the frame. */
  get closeSent(): number | undefined {
    return this.closing?.sent;
  }

  /** The reason why the connection was failed (RFC 6455 7.1.7), if it was. */
  get failure(): WebSocketError | undefined {
    return this.closing?.failure;
  }

  /** Ends the peer's bytes: without its Close, the code is 1006 (RFC 6455 7.1.5). `next` still returns what was received. */
  receiveEnd(): void {
    if (!this.decoder.isBusy) this.endReading();
    this.outbound?.abandon();
    this.encoder.turns++;
    this.closeFacts().end();
  }

  /** Fails the connection with 1009 (RFC 6455 7.4.1): memory for the user's form of a message is refused. @internal */
  refuseMessage(): void {
    this.failUntold(violationError(Violation.MessageTooBig));
  }

  /**
   * Starts the closing handshake (RFC 6455 7.1.2). Does nothing once a Close has been queued. The Close follows everything
   * that was sent, but does not wait for a source that has not ended: its message is abandoned (5.5.1).
   * @param code a code that may be sent (7.4), or undefined for none
   * @param reason at most 123 bytes in UTF-8
   * @returns whether this call has written the Close frame; otherwise, if it is queued, `takeReleased` will count it
   * @throws TypeError when the code may not be sent; RangeError when the reason is too long; UsageError when it is neither
   * text nor bytes
   */
  close(code?: number, reason: Payload = ''): boolean {
    const payload = encodeClosePayload(code, reason);
    if (this.closeQueued !== undefined || this.state === State.Closed || this.writingStopped) return false;
    const written = this.writeClose(payload, code ?? CloseCode.NoStatus, true);
    this.outbound?.tellAbandoned();
    return written;
  }

  /**
   * Abandons the message that is pulled now or next, for instance after its source has thrown. The connection goes on when
   * none of it has been written or compressed; otherwise it closes with 1011: the protocol cannot cancel a message.
   */
  dropSource(): void {
    const { outbound } = this;
    if (outbound === undefined) return;
    this.encoder.turns++;
    if (!outbound.dropSource() && this.closeQueued === undefined) {
      this.guard(() => this.writeClose(encodeClosePayload(CloseCode.InternalError), CloseCode.InternalError, false));
    }
    this.settleOutbound();
    outbound.tellAbandoned();
  }

  /** Takes the deflater's result for a frame, after its answer LATER. Throws UsageError, before anything changes, for any other. */
  deflated(result: Uint8Array | WebSocketError): void {
    const frame = toResult(result);
    this.guard(() => this.outbound?.deflated(frame));
    this.encoder.turns++;
    this.settleOutbound();
  }

  /**
   * Empties the output: chunks to write, in order, whose memory stays unchanged unless `reuse` is called. Throws the error of a
   * source once: the written frames wait for the next call, and `dropSource` or `close` abandons the message.
   * @param options a limit; the rest waits for the next calls, and no source is asked beyond it
   * @throws UsageError when the limit is not a length
   */
  takeOutput(options?: TakeOptions): Uint8Array[] {
    const limit = options === undefined ? Infinity : limitOf(options);
    this.gather(limit);
    const chunks = this.encoder.take(options);
    this.noteTaken();
    return chunks;
  }

  /**
   * As `takeOutput`, but copies into the caller's memory as much as fits; the rest waits for the next call.
   * @returns the number of copied bytes; 0 when there is no output
   * @throws UsageError, before anything is taken, when `target` is not bytes
   */
  takeInto(target: Bytes): number {
    const bytes = toBytes(target);
    this.gather(bytes.length);
    const length = this.encoder.takeInto(bytes);
    this.noteTaken();
    return length;
  }

  private noteTaken(): void {
    if (this.encoder.length > 0) return;
    // A Close is the last frame of all.
    if (this.queuedMessages === 0 && this.outbound?.hasLostClose !== true) this.closing?.handOut();
    this.settlePongs();
  }

  /** Writes what is due: what the sources give within `limit`, and the latest pong. */
  private gather(limit: number): void {
    const { outbound } = this;
    outbound?.tellAbandoned();
    for (let fragment = outbound?.pull(limit); fragment !== undefined; fragment = outbound?.pull(limit)) {
      const pulled = fragment;
      this.guard(() => outbound?.pulled(pulled));
      this.encoder.turns++;
      this.settleOutbound();
    }
    this.settlePongs();
  }

  /**
   * Drops everything that waits to be sent, except a Close, and sends nothing more: `send` returns false. Output that a limit
   * has cut is still handed out whole, since its first frame has begun.
   */
  stopWriting(): void {
    if (this.writingStopped) return;
    this.endWriting();
    this.outbound?.tellAbandoned();
  }

  /** As `stopWriting`; abandoned sources are called back by the next call of the caller's, which takes their errors. */
  private endWriting(): void {
    const { closing, encoder, outbound } = this;
    this.writingStopped = true;
    encoder.turns++;
    if (encoder.isCut) outbound?.breakOff();
    else {
      outbound?.drop();
      encoder.take();
      closing?.writeAgain(encoder);
    }
    this.settleClose();
  }

  /**
   * Whether earlier output still waits to be written. Meanwhile, and while a limit keeps output back, automatic pongs are
   * counted, and beyond 60 of them only the latest ping is answered, once the output moves again.
   */
  get congested(): boolean {
    return this.isCongested;
  }
  set congested(isCongested: boolean) {
    this.isCongested = isCongested;
    this.settlePongs();
  }

  /** Whether the owner should end its half of the transport: both Closes have been exchanged, or the connection failed. */
  get shouldEnd(): boolean {
    return this.state === State.Closed && this.encoder.length === 0 && this.queuedMessages === 0;
  }

  /** The code of the closed connection: the peer's, 1005 for a Close without one, 1006 without a Close (RFC 6455 7.1.5). */
  get closeCode(): number {
    return this.closeReceived?.code ?? CloseCode.Abnormal;
  }

  /** Releases all memory; nothing is read or sent afterwards. */
  dispose(): void {
    this.stopReading();
    this.writingStopped = true;
    this.encoder.turns++;
    this.outbound?.drop();
    this.encoder.take();
    this.pongs = undefined;
    this.inflater?.close();
    this.deflater?.close();
    this.closeFacts().drop();
    this.outbound?.tellAbandoned();
  }

  /** @internal */
  protected override follow(event: ConnectionEvent): ConnectionEvent {
    switch (event.type) {
      case EventType.Ping:
        this.answer(event.data);
        return event;
      case EventType.Close:
        this.closed(event);
        return event;
      case EventType.Failure:
        return this.fail(event.error);
      default:
        return event;
    }
  }

  /** Answers a ping at once or, when too many answers wait to be written, later with the latest ping alone. */
  private answer(data: Uint8Array): void {
    if (!this.autoPong || this.state !== State.Open) return;
    const pongs = (this.pongs ??= new Pongs());
    this.guard(() => {
      if (pongs.admit(data)) this.write(FIN | Opcode.Pong, data, false, false, false);
    });
  }

  private settlePongs(): void {
    if (this.isCongested || this.encoder.keepsBack) return;
    const data = this.pongs?.takeLatest();
    if (data !== undefined) this.answer(data);
  }

  private closed({ code, data }: CloseEvent): void {
    const closing = this.closeFacts();
    const answers = this.autoClose && closing.queued === undefined;
    closing.receive({ code, reason: data }, answers);
    this.decoder.stop();
    if (!answers) return this.settleClose();
    // RFC 6455 5.5.1: a Close is answered by a Close, typically with the code received.
    this.guard(() => {
      const payload = code === CloseCode.NoStatus ? encodeClosePayload() : encodeClosePayload(code, data);
      this.writeClose(payload, code, false);
    });
  }

  /** Fails the connection (RFC 6455 7.1.7): a Close with the error's code, after everything queued, and no more reading. */
  private fail(error: WebSocketError): FailureEvent {
    const closing = this.closeFacts();
    if (closing.failure === undefined) {
      closing.failure = error;
      this.endReading();
      // Nothing is sent any more, by the caller's source of keys neither: the Close may break off a message.
      closing.end();
      try {
        if (closing.queued === undefined) this.writeClose(encodeClosePayload(error.closeCode), error.closeCode, false);
      } catch {
        // RFC 6455 5.3: no frame is sent without a fresh masking key, so that none is sent at all.
        this.endWriting();
      }
    }
    return { type: EventType.Failure, error };
  }

  /** Writes where no caller expects an error, such as that of a missing key: the connection fails, and `next` reports it. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.outbound?.breakOff();
      this.failUntold(internalError(cause));
    }
  }

  /** @internal */
  protected override failUntold(error: WebSocketError): void {
    if (this.failure === undefined) this.untold = this.fail(error);
  }

  /** @internal */
  protected override settleOutbound(): void {
    if (this.outbound?.failure !== undefined) this.failUntold(this.outbound.failure);
    this.settleClose();
  }

  private writeClose(payload: Uint8Array, code: number, counted: boolean): boolean {
    const { outbound } = this;
    // RFC 6455 5.5.1: no data follows a Close, nor a message to be pulled; it goes on where the Close cannot be written.
    const isBetween = outbound?.isAtSource === true && !this.writingStopped;
    if (isBetween) this.encoder.put(FIN | Opcode.Close, payload, payload.length, false);
    outbound?.abandon();
    const written = isBetween || this.write(FIN | Opcode.Close, payload, false, counted, false);
    this.encoder.turns++;
    if (!this.writingStopped) this.closeFacts().queue(code, payload);
    this.settleClose();
    return written;
  }

  private closeFacts(): Closing {
    return (this.closing ??= new Closing());
  }

  private settleClose(): void {
    const isOurs = this.closeQueued !== undefined || this.writingStopped;
    this.closing?.settle(isOurs && this.queuedMessages === 0);
  }
}
