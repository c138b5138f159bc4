// `Sending` is the half of a `Connection` that turns messages into frames and returns the frames as output (RFC 6455 5, 6.1).
import { checkOptions, checkRsv, toLimit } from '../codec/checks.js';
import { assertControlLength } from '../codec/control-length.js';
import { FrameEncoder } from '../codec/frame-encoder.js';
import type { Tray } from '../codec/out-memory.js';
import { toFrames, type Payload } from '../codec/payload.js';
import { checkMethod, UsageError } from '../errors/usage-error.js';
import { internalError, type WebSocketError } from '../errors/violations.js';
import type { Deflater } from '../extensions/transform.js';
import { FIN, Opcode } from '../spec/frame.js';
import { DEFAULT_CODEC_THRESHOLD } from '../spec/limits.js';
import { toBytes, type Bytes } from '../values/bytes.js';
import { lengthOf } from '../values/typed-array.js';
import type { Closing } from './closing.js';
import type { ConnectionOptions, SendOptions, SourceOptions } from './options.js';
import { Outbound, type FragmentSource } from './outbound.js';
import { Receiving } from './receiving.js';
import { State } from './state.js';

/** A base class of Connection, not used alone. */
export abstract class Sending extends Receiving {
  /** @internal */
  protected readonly encoder: FrameEncoder;
  /** The queued sends: present from the start with a deflater, else from the first source on. @internal */
  protected outbound: Outbound | undefined;
  /** Created at the first sign of the end. @internal */
  protected closing: Closing | undefined;
  /** @internal */
  protected writingStopped = false;
  /** @internal */
  protected readonly deflater: Deflater | undefined;
  private readonly threshold: number;
  /** The message begun with `fin: false` and not ended: whether it is compressed. */
  private openMessage: { readonly compress: boolean } | undefined;

  constructor(options: ConnectionOptions) {
    super(options);
    const { values } = this;
    const {
      role,
      generateMask,
      kernels,
      statistics,
      deflater,
      threshold = DEFAULT_CODEC_THRESHOLD,
      controlFirst = true,
    } = options;
    this.encoder = new FrameEncoder({ role, generateMask, traffic: statistics?.sent, kernels, values });
    this.deflater = deflater;
    this.threshold = toLimit('threshold', threshold);
    if (deflater !== undefined) {
      checkMethod('A deflater is', deflater, 'deflate');
      this.outbound = new Outbound(this.encoder, values, deflater, controlFirst);
    }
  }

  get state(): State {
    return this.closing === undefined ? State.Open : this.closing.state;
  }

  /** Fails the connection because of an error while sending; `next` reports it. @internal */
  protected abstract failUntold(error: WebSocketError): void;

  /** Counts the waiting frames that were written, and closes where the deflater failed. @internal */
  protected abstract settleOutbound(): void;

  /**
   * Sends a message, or one fragment of it (RFC 6455 5.4, 5.6).
   * @param data bytes, or text, which is sent as UTF-8 with lone surrogates replaced
   * @returns whether its frame has been written; if not, `takeReleased` will count it, unless `stopWriting` was called
   * @throws UsageError, before anything is sent, when the connection is not open, `data` is neither, or `options` are
   *   not an object
   */
  send(data: Payload, options: SendOptions = {}): boolean {
    // Looked at here too, so that nearly every message goes without the call.
    if (typeof options !== 'object' || options === null) checkOptions(options);
    const { binary = typeof data !== 'string', fin = true, compress = true, lent = false } = options;
    if (typeof data === 'string') return this.sendData(data, binary, fin, compress, lent);
    const length = lengthOf(data);
    if (length < 0 || lent || !fin || !this.isAlone) return this.sendData(toBytes(data), binary, fin, compress, lent);
    this.encoder.put(FIN | (binary ? Opcode.Binary : Opcode.Text), data as Uint8Array, length, false);
    return true;
  }

  /** As `send`, without an object of options, for text, or bytes in memory that cannot be resized. @internal */
  sendData(data: Uint8Array | string, binary: boolean, fin: boolean, compress: boolean, lent: boolean): boolean {
    // The path of nearly every message, short for the same reason as that of `next`.
    if (!fin || !this.isAlone) return this.sendInTurn(data, binary, fin, compress, lent);
    const first = FIN | (binary ? Opcode.Binary : Opcode.Text);
    if (typeof data === 'string') this.encoder.putText(first, data);
    else this.encoder.put(first, data, data.length, lent);
    return true;
  }

  /** Whether a message was begun with `fin: false` and has not ended. @internal */
  get isAmidMessage(): boolean {
    return this.openMessage !== undefined;
  }

  /** Whether a whole message can be written at once: no other is under way, and nothing is compressed. */
  private get isAlone(): boolean {
    return (
      this.openMessage === undefined && this.outbound === undefined && !this.writingStopped && this.state === State.Open
    );
  }

  /** Sends a fragment, or data that may be compressed or have to wait; throws where nothing can be sent any more. */
  private sendInTurn(
    data: Uint8Array | string,
    binary: boolean,
    fin: boolean,
    compress: boolean,
    lent: boolean,
  ): boolean {
    this.assertOpen();
    const { openMessage } = this;
    const compressed = openMessage?.compress ?? this.wantsCompression(data, compress);
    const opcode = openMessage !== undefined ? Opcode.Continuation : binary ? Opcode.Binary : Opcode.Text;
    const written = this.write((fin ? FIN : 0) | opcode, data, compressed, true, lent);
    if (!fin || openMessage !== undefined) this.encoder.turns++;
    this.openMessage = fin ? undefined : { compress: compressed };
    return written;
  }

  /**
   * Sends a message whose fragments are pulled from `source` as output is taken. A Close abandons an unfinished source.
   * @throws UsageError when the connection is not open, a message is open, `source` has no `pull`, or `rsv` has other bits
   */
  sendFrom(source: FragmentSource, options: SourceOptions = {}): void {
    checkOptions(options);
    const { binary = true, rsv = 0, compress = false } = options;
    checkMethod('A source of fragments is', source, 'pull');
    if (source.cancel !== undefined) checkMethod('A source to give up is', source, 'cancel');
    checkRsv(rsv);
    this.assertOpen();
    if (this.writingStopped) {
      source.cancel?.();
      return;
    }
    if (this.openMessage !== undefined) throw new UsageError('The open message must be ended before another begins');
    this.encoder.turns++;
    this.outbound ??= new Outbound(this.encoder, this.values, this.deflater);
    this.outbound.pullFrom(
      source,
      rsv | (binary ? Opcode.Binary : Opcode.Text),
      compress && this.deflater !== undefined,
    );
  }

  /** Sends a ping (RFC 6455 5.5.2) of at most 125 bytes; returns and throws as `send`, and RangeError when it is longer. */
  ping(data: Payload = ''): boolean {
    return this.sendControl(Opcode.Ping, data);
  }

  /** Sends a pong (RFC 6455 5.5.3); takes, returns and throws as `ping`. */
  pong(data: Payload = ''): boolean {
    return this.sendControl(Opcode.Pong, data);
  }

  /**
   * Sends encoded frames, for instance frames that were encoded once for many connections.
   * @param frames their bytes, or a list of chunks of them, as `FrameEncoder.take` returns
   * @param lent whether `frames` stay unchanged until they have been written
   * @returns and throws as `send`
   */
  sendFrames(frames: Bytes | readonly Bytes[], lent = false): boolean {
    const whole = toFrames(frames, lent);
    return this.sendEncoded(whole.bytes, whole.lent);
  }

  /** As `sendFrames`, for bytes in memory that cannot be resized. @internal */
  sendEncoded(frames: Uint8Array, lent: boolean): boolean {
    this.assertOpen();
    if (this.writingStopped) return false;
    if (this.queuedMessages > 0) {
      this.outbound!.encoded(frames, lent);
      return false;
    }
    this.encoder.putRaw(frames, lent);
    return true;
  }

  /**
   * As `sendEncoded`, for a server's frames that many connections send and nothing changes any more. @internal
   * @param content the uncompressed message in `frames`, where it was compressed once for all connections
   */
  sendShared(frames: Uint8Array, content?: Uint8Array): boolean {
    this.assertOpen();
    if (this.writingStopped) return false;
    if (this.queuedMessages > 0) {
      this.outbound!.encoded(frames, true, content);
      return false;
    }
    this.encoder.putShared(frames);
    if (content !== undefined) this.learn(content);
    return true;
  }

  /** Notes the content of a message that was compressed once for all connections, and sent: later ones refer to it. @internal */
  learn(content: Uint8Array): void {
    this.deflater?.learn?.(content);
  }

  /** Confirms that `chunk`, the only one of the last `takeOutput`, has been written and nothing refers to it. */
  reuse(chunk: Uint8Array): void {
    this.encoder.reuse(chunk);
  }

  /** The memory of `chunk`, the only one of the last `takeOutput`, for an owner that will call `giveBack`. @internal */
  claim(chunk: Uint8Array): Tray | undefined {
    return this.encoder.claim(chunk);
  }

  /** As `reuse`, for a chunk of `length` bytes that was claimed, whatever was taken since. @internal */
  giveBack(length: number, tray: Tray | undefined): void {
    this.encoder.giveBack(length, tray);
  }

  /** The number of bytes that `takeOutput` would return now. */
  get outputLength(): number {
    return this.encoder.length;
  }

  /**
   * Whether there is output to take, a source may have some, or one was given up and its `cancel` waits. A source that had
   * nothing ready counts again once `takeOutput` has found a fragment: the owner calls it when there is one.
   */
  get wantsWrite(): boolean {
    return this.encoder.length > 0 || this.outbound?.wantsPull === true || this.outbound?.hasUntold === true;
  }

  /** The number of frames written since output was last taken, control frames included. */
  get outputFrames(): number {
    return this.encoder.frames;
  }

  /** The number of frames and messages that wait for the deflater or to be pulled; they are not in the output yet. */
  get queuedMessages(): number {
    return this.outbound?.waiting ?? 0;
  }

  /** The number of payload bytes that wait for the deflater, or behind a message from a source. */
  get queuedOctets(): number {
    return this.outbound?.waitingBytes ?? 0;
  }

  /** The number of waiting sends that were written since the last call. */
  takeReleased(): number {
    return this.outbound?.takeReleased() ?? 0;
  }

  /** Writes a frame, or queues it; returns whether it was written. @internal */
  protected write(
    first: number,
    data: Uint8Array | string,
    compress: boolean,
    counted: boolean,
    lent: boolean,
  ): boolean {
    if (this.writingStopped) return false;
    if (!compress && this.queuedMessages === 0) {
      if (typeof data === 'string') this.encoder.putText(first, data);
      else this.encoder.put(first, data, data.length, lent);
      return true;
    }
    // A frame that is compressed, or waits, needs it there.
    const order = this.outbound!;
    if (!compress) return order.frame(first, data, false, counted, lent);
    try {
      return order.frame(first, data, true, counted, lent);
    } catch (cause) {
      // The deflater has seen a message that the peer will never get: nothing compressed can follow it.
      this.failUntold(internalError(cause));
      throw cause;
    } finally {
      this.settleOutbound();
    }
  }

  private sendControl(opcode: Opcode.Ping | Opcode.Pong, data: Payload): boolean {
    this.assertOpen();
    const payload = typeof data === 'string' ? this.values.encode(data) : toBytes(data);
    assertControlLength(payload.length);
    return this.write(FIN | opcode, payload, false, true, false);
  }

  private wantsCompression(data: Uint8Array | string, asked: boolean): boolean {
    if (this.deflater === undefined || !asked) return false;
    const { threshold } = this;
    if (threshold === 0) return true;
    if (typeof data !== 'string') return data.length >= threshold;
    return data.length >= threshold || this.values.encode(data).length >= threshold;
  }

  private assertOpen(): void {
    // RFC 6455 5.5.1: after a Close frame nothing more is sent.
    const { state } = this;
    if (state !== State.Open) throw new UsageError(`The connection is ${state}, nothing can be sent`);
  }
}
