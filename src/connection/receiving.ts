// `Receiving` is the half of a `Connection` that takes bytes in and returns events (RFC 6455 5).
import { checkOptions, checkRsv } from '../codec/checks.js';
import { FrameDecoder, isWhole } from '../codec/frame-decoder.js';
import { toResult } from '../codec/payload.js';
import { checkMethod, refuse } from '../errors/usage-error.js';
import type { WebSocketError } from '../errors/violations.js';
import { kernels as loadedKernels } from '../kernels/index.js';
import { RSV1 } from '../spec/frame.js';
import { DEFAULT_MAX_PAYLOAD } from '../spec/limits.js';
import { RECORD_COMPRESSED, RECORD_TEXT, RECORD_UNCHECKED, RECORD_WHOLE } from '../spec/record.js';
import { Violation } from '../spec/violation.js';
import { plainValues, type Values } from '../values/values.js';
import { EventType, type ConnectionEvent, type FailureEvent } from './event.js';
import { failed, Inbound } from './inbound.js';
import type { ConnectionOptions } from './options.js';

/** Of these bits, a message that needs no further look has only RECORD_WHOLE set. */
const PLAIN = RECORD_WHOLE | RECORD_COMPRESSED | RECORD_UNCHECKED;

/** A base class of Connection, not used alone. */
export abstract class Receiving {
  /** @internal */
  protected readonly values: Values;
  /** @internal */
  protected readonly decoder: FrameDecoder;
  /** @internal */
  protected readonly inbound: Inbound;
  /** A failure that happened while sending, which `next` will report. @internal */
  protected untold: FailureEvent | undefined;
  /** The bits of a record of which RECORD_WHOLE alone means that `next` need not look further; 0 where it always has to. */
  private readonly plainMask: number;

  constructor(options: ConnectionOptions) {
    checkOptions(options);
    const { values = plainValues, kernels = loadedKernels, maxPayload = DEFAULT_MAX_PAYLOAD, inflater } = options;
    const { text = 'bytes', rsv = 0 } = options;
    checkRsv(rsv);
    if (text !== 'bytes' && text !== 'string') refuse("The option text is 'bytes' or 'string'", text);
    if (inflater !== undefined) checkMethod('An inflater is', inflater, 'inflate');
    const strings = text === 'string';
    // Only valid UTF-8 can be transcoded to a string.
    const skipUtf8 = options.skipUTF8Validation === true && !strings;
    this.values = values;
    const looks = options.parts === true || (options.maxFramePayload ?? 0) > 0;
    this.plainMask = looks ? 0 : strings ? PLAIN | RECORD_TEXT : PLAIN;
    this.decoder = new FrameDecoder({
      role: options.role,
      rsv: rsv | (inflater === undefined ? 0 : RSV1),
      maxPayload,
      skipUtf8,
      strings,
      traffic: options.statistics?.received,
      kernels,
      values,
    });
    this.inbound = new Inbound(this.decoder, values, kernels, options, maxPayload, skipUtf8);
  }

  /** Acts on an event before it is returned: answers pings and Closes, and fails the connection. @internal */
  protected abstract follow(event: ConnectionEvent): ConnectionEvent;

  /** Takes in a chunk, which must stay unchanged until `next()` has returned undefined; messages never refer to it. */
  receive(chunk: Uint8Array): void {
    this.decoder.push(chunk);
  }

  /** As `receive`, for a chunk that the caller gives away: it may be unmasked in place, and messages be views of it. */
  receiveOwned(chunk: Uint8Array): void {
    this.decoder.pushOwned(chunk);
  }

  /** Takes in `length` bytes that a socket has read into the kernels' landing area. */
  receiveLanded(length: number): void {
    this.decoder.pushLanded(length);
  }

  /** Copies everything unread out of shared memory; needed when `next` is not called until it returns undefined. */
  detach(): void {
    this.decoder.leave();
  }

  /** The next event; undefined when more bytes, or the inflater's result, are needed. */
  next(): ConnectionEvent | undefined {
    // The path of nearly every message, short enough for the engine to inline it into its caller's loop.
    const { decoder, inbound } = this;
    if (this.untold !== undefined || inbound.inflating !== undefined) return this.nextHeld();
    if (!decoder.next()) return undefined;
    const kind = decoder.kindWord;
    if (!isWhole(kind, this.plainMask)) return this.nextOther();
    const data = decoder.take();
    if (data === undefined) return this.follow(failed(Violation.Internal));
    return {
      type: EventType.Message,
      data,
      isBinary: (kind & RECORD_TEXT) === 0,
      fragmentEnds: inbound.keepFragments ? [decoder.length] : undefined,
    };
  }

  /**
   * The payload of the next event where that is a message in one whole frame that was scanned already; else undefined, and
   * `next` returns the event. The path of nearly every message, without an object for an event.
   * `isBinary` tells the rest of it. @internal
   */
  nextPlain(): Uint8Array | undefined {
    const { inbound } = this;
    if (this.untold !== undefined || inbound.inflating !== undefined || inbound.keepFragments) return undefined;
    return this.decoder.nextWhole(this.plainMask);
  }

  /** Whether the message that `nextPlain` has just returned is binary. @internal */
  get isBinary(): boolean {
    return !this.decoder.isText;
  }

  /** The next event. The current record is no plain message; most often it is a short text that shares a string. */
  private nextOther(): ConnectionEvent | undefined {
    const { decoder, inbound } = this;
    const data = decoder.sharedText();
    if (data === undefined) return this.told(inbound.next());
    const fragmentEnds = inbound.keepFragments ? [decoder.length] : undefined;
    return { type: EventType.Message, data, isBinary: false, fragmentEnds };
  }

  /** The next event, when a failure has not been reported yet or the inflater has a message. */
  private nextHeld(): ConnectionEvent | undefined {
    const { untold } = this;
    this.untold = undefined;
    const event = untold ?? this.told(this.inbound.nextInflated());
    // A chunk that came meanwhile has been scanned where it lies, which its owner may use again now.
    if (event === undefined) this.decoder.leave();
    return event;
  }

  private told(event: ConnectionEvent | undefined): ConnectionEvent | undefined {
    return event === undefined || event.type === EventType.Message ? event : this.follow(event);
  }

  /** Takes the inflater's result for a message, after its answer LATER; `next` continues from there. Throws as `deflated`. */
  inflated(result: Uint8Array | WebSocketError): void {
    const message = toResult(result);
    const { inflating } = this.inbound;
    if (inflating !== undefined) inflating.result = message;
  }

  /** Whether more bytes can be used: not while the inflater is busy, nor after a Close, a failure or `stopReading`. */
  get wantsRead(): boolean {
    return this.inbound.inflating === undefined && !this.decoder.isStopped;
  }

  /** The RSV bits, in their places on the wire, of the first frame of the message that `next` returned last, whole or in part. */
  get rsv(): number {
    return this.inbound.rsv;
  }

  /** Whether the inflater is busy with a message, or its result has not been returned yet. */
  get isInflating(): boolean {
    return this.inbound.inflating !== undefined;
  }

  /** The longest message, in bytes, after decompression; 0 for no limit. A change applies from the next chunk on. @internal */
  get maxPayload(): number {
    return this.inbound.maxPayload;
  }
  /** @internal */
  set maxPayload(bytes: number) {
    // This one throws for what is no limit.
    this.decoder.limit(bytes);
    this.inbound.maxPayload = bytes;
  }

  /** Whether to skip the UTF-8 validation of text and close reasons; text returned as strings is always validated. @internal */
  get skipUTF8Validation(): boolean {
    return this.inbound.skipUtf8;
  }
  /** @internal */
  set skipUTF8Validation(skips: boolean) {
    const { inbound } = this;
    inbound.skipUtf8 = skips && !inbound.strings;
    this.decoder.skipUtf8(inbound.skipUtf8);
  }

  /** Whether to note the ends of fragments in each message, as its `fragmentEnds`. */
  get keepFragments(): boolean {
    return this.inbound.keepFragments;
  }
  set keepFragments(keeps: boolean) {
    this.inbound.keepFragments = keeps;
  }

  /** Whether pieces, or bytes not yet scanned, follow the last returned event. @internal */
  get hasMore(): boolean {
    return this.decoder.isBusy;
  }

  /** Received bytes that `next` has not returned yet. */
  get unread(): number {
    return this.decoder.unread;
  }

  /** Stops reading, and drops everything unread, with the message that the inflater works on. */
  stopReading(): void {
    this.endReading();
    this.inbound.inflating = undefined;
  }

  /** Reads nothing more, but the message that the inflater works on is still returned. @internal */
  protected endReading(): void {
    this.decoder.stop();
    this.inbound.drop();
  }
}
