// `Connection` is one WebSocket connection after its handshake, with no sockets, no clocks and no callbacks (RFC 6455 5-7).
import { encodeClosePayload } from '../codec/close-payload.js';
import { toBytes, type Bytes, type Payload } from '../codec/payload.js';
import { limitOf, type TakeOptions } from '../codec/withheld.js';
import { internalError, violationError, type WebSocketError } from '../errors/violations.js';
import type { Inflater } from '../extensions/transform.js';
import { CloseCode } from '../spec/close-code.js';
import { FIN, Opcode } from '../spec/frame.js';
import { Violation } from '../spec/violation.js';
import type { PeerClose } from './closing.js';
import { EventType, type CloseEvent, type ConnectionEvent, type FailureEvent } from './event.js';
import type { ConnectionOptions } from './options.js';
import type { Outbound } from './outbound.js';
import { Pongs } from './pongs.js';
import { Sending } from './sending.js';
import { State } from './state.js';

export type { ConnectionOptions, SendOptions } from './options.js';

/**
 * One connection. Bytes go in by `receive`, events come out of `next` one at a time; all that is sent comes out of
 * `takeOutput` as chunks to write. Nothing that a peer sends makes it throw: the connection is failed and says so in an
 * event. A mistake of the caller's throws before anything has changed.
 */
export class Connection extends Sending {
  private readonly inflater: Inflater | undefined;
  private pongs: Pongs | undefined;
  private isCongested = false;
  /** Answer pings (RFC 6455 5.5.2). */
  autoPong: boolean;
  /** Answer the peer's Close (RFC 6455 5.5.1); otherwise the owner calls `close` when it has come. */
  autoClose = true;

  constructor(options: ConnectionOptions) {
    super(options);
    this.inflater = options.inflater;
    this.autoPong = options.autoPong !== false;
  }

  get state(): State {
    return this.closing.state;
  }

  /** The peer's Close frame, once it has come: its code (1005 for none) and reason. */
  get closeReceived(): PeerClose | undefined {
    return this.closing.received;
  }

  /** The code of our Close frame, 1005 for none, from when it is queued on; undefined before. */
  get closeQueued(): number | undefined {
    return this.closing.queued;
  }

  /** The same, from when `takeOutput` has handed the frame out. */
  get closeSent(): number | undefined {
    return this.closing.sent;
  }

  /** Why the connection was failed (RFC 6455 7.1.7), if it was. */
  get failure(): WebSocketError | undefined {
    return this.closing.failure;
  }

  /**
   * Says that the peer will send nothing more. Without its Close, the code is then 1006 (RFC 6455 7.1.5). All that has been
   * received and not told yet is still told by `next`.
   */
  receiveEnd(): void {
    if (!this.decoder.isBusy) this.stopReading();
    this.outbound?.abandon();
    this.closing.end();
  }

  /**
   * Fails the connection because the platform has no memory for the form in which its user takes a message (RFC 6455 7.4.1, code
   * 1009); `next` tells of it. @internal
   */
  refuseMessage(): void {
    this.failUntold(violationError(Violation.MessageTooBig));
  }

  /**
   * Starts the closing handshake (RFC 6455 7.1.2). Does nothing once a Close has been queued. The Close goes out behind
   * all that has been sent, but not behind a source that is not at its end: its message is abandoned (5.5.1).
   * @param code a code that may be sent (7.4), or undefined for none
   * @param reason at most 123 bytes as UTF-8
   * @returns whether the Close frame has been written by this call; otherwise, if it is queued, `takeReleased` will count it
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
   * Gives up the message that is being pulled, or is the next to be pulled, as where its source has thrown. The connection
   * goes on when nothing of the message has been written yet; otherwise it closes with 1011, since the peer cannot be told
   * that a message has no end. Does nothing where there is none.
   */
  dropSource(): void {
    const { outbound } = this;
    if (outbound === undefined) return;
    if (!outbound.dropSource() && this.closeQueued === undefined) {
      this.writeClose(encodeClosePayload(CloseCode.InternalError), CloseCode.InternalError, false);
    }
    this.settleOutbound();
    outbound.tellAbandoned();
  }

  /** Takes in the deflater's result for a frame, after it had answered LATER. */
  deflated(result: Uint8Array | WebSocketError): void {
    this.guard(() => this.outbound?.deflated(result));
    this.settleOutbound();
  }

  /**
   * Empties the output: chunks to write, in order, whose memory stays as it is unless `reuse` is called. An error of a
   * source goes through to the caller, once: the source is not asked again, all that has been written waits for the next call,
   * and `dropSource` or `close` gives the message up.
   * @param options a limit, past which the rest waits for the next calls, and no source is asked
   * @throws UsageError when the limit is no length
   */
  takeOutput(options?: TakeOptions): Uint8Array[] {
    const limit = options === undefined ? Infinity : limitOf(options);
    if (this.outbound !== undefined) this.pull(this.outbound, limit);
    if (!this.isCongested) this.settlePongs();
    const chunks = this.encoder.take(options);
    this.noteTaken();
    return chunks;
  }

  /**
   * As `takeOutput`, into the caller's memory: as much as fits; the rest waits for the next call.
   * @returns how many bytes were copied; 0 when there is no output
   * @throws UsageError, before anything is taken, when `target` is no bytes
   */
  takeInto(target: Bytes): number {
    const bytes = toBytes(target);
    if (this.outbound !== undefined) this.pull(this.outbound, bytes.length);
    if (!this.isCongested) this.settlePongs();
    const length = this.encoder.takeInto(bytes);
    this.noteTaken();
    return length;
  }

  /** A Close is the last frame of all. */
  private noteTaken(): void {
    const { closing, encoder } = this;
    if (this.queuedMessages === 0 && encoder.length === 0) closing.sent = closing.queued;
  }

  private pull(outbound: Outbound, limit: number): void {
    outbound.tellAbandoned();
    for (let fragment = outbound.pull(limit); fragment !== undefined; fragment = outbound.pull(limit)) {
      const pulled = fragment;
      this.guard(() => outbound.pulled(pulled));
      this.settleOutbound();
    }
  }

  /**
   * Drops all that waits to be sent, save for a Close, and sends nothing more: `send` returns false. Output that a limit has
   * cut goes out whole, since its first frame has begun.
   */
  stopWriting(): void {
    if (this.writingStopped) return;
    const { closing, encoder, outbound } = this;
    this.writingStopped = true;
    outbound?.drop();
    if (!encoder.isCut) {
      encoder.take();
      const { unsent } = closing;
      if (unsent !== undefined) encoder.put(FIN | Opcode.Close, unsent, unsent.length, false);
    }
    this.settleClose();
    outbound?.tellAbandoned();
  }

  /**
   * Whether earlier output still waits to be written out. While it does, automatic pongs are counted, and past 60 of
   * them only the latest ping is answered, once the output moves again.
   */
  get congested(): boolean {
    return this.isCongested;
  }
  set congested(isCongested: boolean) {
    this.isCongested = isCongested;
    if (!isCongested) this.settlePongs();
  }

  /** Whether the owner should end its half of the transport: both Closes have been exchanged, or the connection failed. */
  get shouldEnd(): boolean {
    return this.closing.state === State.Closed && this.encoder.length === 0 && this.queuedMessages === 0;
  }

  /** The code that the connection closed with: the peer's, 1005 for none in its Close, 1006 without one (RFC 6455 7.1.5). */
  get closeCode(): number {
    return this.closeReceived?.code ?? CloseCode.Abnormal;
  }

  /** Gives back all memory; nothing is read or sent afterwards. */
  dispose(): void {
    this.stopReading();
    this.writingStopped = true;
    this.outbound?.drop();
    this.encoder.take();
    this.pongs = undefined;
    this.inbound.inflating = undefined;
    this.inflater?.close();
    this.deflater?.close();
    this.closing.end();
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

  /** Answers a ping, at once or, when too many answers wait to be written, by the latest ping alone. */
  private answer(data: Uint8Array): void {
    if (!this.autoPong || this.state !== State.Open) return;
    const pongs = (this.pongs ??= new Pongs());
    this.guard(() => {
      if (pongs.admit(data)) this.write(FIN | Opcode.Pong, data, false, false, false);
    });
  }

  private settlePongs(): void {
    const data = this.pongs?.takeLatest();
    if (data !== undefined) this.answer(data);
  }

  private closed({ code, data }: CloseEvent): void {
    const { closing } = this;
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

  /** Fails the connection (RFC 6455 7.1.7): a Close with the error's code, after all that is already queued, and no more reading. */
  private fail(error: WebSocketError): FailureEvent {
    const { closing } = this;
    if (closing.failure === undefined) {
      closing.failure = error;
      this.stopReading();
      if (closing.queued === undefined) {
        try {
          this.writeClose(encodeClosePayload(error.closeCode), error.closeCode, false);
        } catch {
          // RFC 6455 5.3: no frame goes out without a fresh masking key, so that none goes out at all.
          this.stopWriting();
        }
      }
      closing.end();
    }
    return { type: EventType.Failure, error };
  }

  /** Writes where no caller waits for an error, as when there is no masking key: the connection is failed, and `next` says so. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.outbound?.drop();
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
    // RFC 6455 5.5.1: no data follows a Close, so that nothing waits for a message whose end is not at hand.
    this.outbound?.abandon();
    const written = this.write(FIN | Opcode.Close, payload, false, counted, false);
    if (!this.writingStopped) this.closing.queue(code, payload);
    this.settleClose();
    return written;
  }

  private settleClose(): void {
    const isOurs = this.closing.queued !== undefined || this.writingStopped;
    this.closing.settle(isOurs && this.queuedMessages === 0);
  }
}
