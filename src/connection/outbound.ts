// `Outbound` keeps messages and control frames in the order of their sends, although some are compressed later.
import type { FrameEncoder } from '../codec/frame-encoder.js';
import { toResult } from '../codec/payload.js';
import { internalError, type WebSocketError } from '../errors/violations.js';
import { LATER, type Deflater } from '../extensions/transform.js';
import { Queue } from '../queue.js';
import { FIN, OPCODE_BITS, Opcode, RSV1 } from '../spec/frame.js';
import { FULL_BATCH } from '../spec/limits.js';
import type { Values } from '../values/values.js';
import { checked, type FragmentSource, type ReadyFragment } from './fragment.js';

export type { Fragment, FragmentSource } from './fragment.js';

/** A frame, or a message still to be pulled, that has to wait for its turn. */
interface Waiting {
  /** The header's first byte, without FIN where it is a source's next fragment. */
  first: number;
  readonly data: Uint8Array | string;
  /** The length of `data` when it was sent; its owner may have detached it since. */
  readonly bytes: number;
  readonly compress: boolean;
  /** Whether it is a send of the connection's owner. */
  readonly counted: boolean;
  readonly source: FragmentSource | undefined;
  /** Whether `data` consists of encoded frames. */
  readonly encoded: boolean;
  /** The uncompressed message in `data`, where another deflater has compressed it. */
  readonly content?: Uint8Array | undefined;
}

/** Keeps the order of sends while the deflater has answered LATER, or a source has more fragments. */
export class Outbound {
  private readonly queue = new Queue<Waiting>();
  /** Whether a frame that has left the queue is being made: what the caller's code sends meanwhile waits behind it. */
  private isMaking = false;
  /** The frame that the deflater is busy with. */
  private deflating: Waiting | undefined;
  /** The number of waiting payload bytes, before compression; text counts its code units. */
  waitingBytes = 0;
  /** Counted frames that were written after they had waited. */
  private released = 0;
  /** Why the deflater failed; everything that waited is then dropped, except a Close. */
  failure: WebSocketError | undefined;
  /** The state of the source at the head of the queue: being asked, nothing ready, or thrown. */
  private isPulling = false;
  private isIdle = false;
  private isStuck = false;
  /** Whether there was no masking key for the Close that waited. */
  hasLostClose = false;
  /** Sources that were abandoned, and whose `abandoned` has not been called yet. */
  private readonly abandoned = new Queue<FragmentSource>();

  constructor(
    private readonly encoder: FrameEncoder,
    private readonly values: Values,
    private readonly deflater: Deflater | undefined,
    private readonly controlFirst = false,
  ) {}

  /** How many frames and messages wait. */
  get waiting(): number {
    // A source whose fragment is being compressed stays in the queue.
    const isBusy = this.isMaking || (this.deflating !== undefined && this.deflating.source === undefined);
    return this.queue.length + (isBusy ? 1 : 0);
  }

  /** Whether nothing is left before a message from a source. */
  get isAtSource(): boolean {
    return this.queue.first?.source !== undefined && (this.deflating ?? this.queue.first).source !== undefined;
  }

  /** Whether a source is at the head of the queue and may be asked: not while a frame before its next one is being made. */
  get mayPull(): boolean {
    // While the caller's code makes a part of a frame that has left the queue, none behind it may overtake it.
    return this.deflating === undefined && this.isAtSource && !this.encoder.isAsking;
  }

  /** Whether the current source may have a fragment: not after it had none, until it is asked again, nor after it threw. */
  get wantsPull(): boolean {
    return this.mayPull && !this.isIdle && !this.isStuck;
  }

  /** Counted frames that were written, after waiting, since the last call. */
  takeReleased(): number {
    const { released } = this;
    this.released = 0;
    return released;
  }

  /** Compresses a frame, or queues it behind those that wait; returns whether it was written, else `takeReleased` counts it. */
  frame(first: number, data: Uint8Array | string, compress: boolean, counted: boolean, lent: boolean): boolean {
    // RFC 6455 5.4: control frames may come between the fragments of a message. A Close meets no source at the head.
    const isControl = (first & OPCODE_BITS) > Opcode.Close;
    const overtakes = isControl && (this.controlFirst || this.queue.first?.source !== undefined);
    const bytes = data.length;
    if (this.waiting > 0 && !overtakes) {
      const kept = typeof data === 'string' ? data : copyOf(data);
      this.enqueue({ first, data: kept, bytes, compress, counted, source: undefined, encoded: false });
      return false;
    }
    if (compress) return this.deflate({ first, data, bytes, compress, counted, source: undefined, encoded: false });
    // Only control frames overtake, and their payloads are bytes.
    this.encoder.put(first, data as Uint8Array, bytes, lent);
    return true;
  }

  /** Queues encoded frames; `content` is the message in them, where they are compressed. */
  encoded(frames: Uint8Array, lent: boolean, content?: Uint8Array): void {
    const data = lent ? frames : copyOf(frames);
    const bytes = data.length;
    this.enqueue({ first: 0, data, bytes, compress: false, counted: true, source: undefined, encoded: true, content });
  }

  /** Sends a message whose fragments are pulled from `source` as output is taken. */
  pullFrom(source: FragmentSource, first: number, compress = false): void {
    this.enqueue({ first, data: '', bytes: 0, compress, counted: true, source, encoded: false });
  }

  /** Takes the deflater's output for the frame under way, and goes on. */
  deflated(result: Uint8Array | WebSocketError): void {
    const waiting = this.deflating;
    if (waiting === undefined) return;
    this.deflating = undefined;
    this.waitingBytes -= waiting.bytes;
    const isWritten = this.making(() => this.compressed(waiting, result));
    if (isWritten && waiting.source !== undefined) return this.fragmentWritten((waiting.first & FIN) !== 0);
    if (isWritten && waiting.counted) this.released++;
    this.proceed();
  }

  /** The next fragment of the source at the head, if it is due. Throws its error, or UsageError for an invalid one. */
  pull(limit: number = FULL_BATCH): ReadyFragment | undefined {
    const isFull = this.encoder.length >= Math.min(limit, FULL_BATCH);
    if (!this.mayPull || this.isStuck || this.isPulling || isFull) return undefined;
    const head = this.queue.first!;
    this.isPulling = true;
    try {
      const fragment = checked(head.source!.pull());
      // The source may have closed the connection, or called `dropSource`.
      if (this.queue.first !== head) return undefined;
      this.isIdle = fragment === undefined;
      return fragment;
    } catch (cause) {
      if (this.queue.first === head) this.isStuck = true;
      throw cause;
    } finally {
      this.isPulling = false;
    }
  }

  /** Writes a fragment from `pull` and, after a last one, everything that waited behind it. */
  pulled({ data, last }: ReadyFragment): void {
    const head = this.queue.first!;
    const first = head.first | (last ? FIN : 0);
    if (head.compress) {
      const { source } = head;
      head.first = Opcode.Continuation;
      const fragment = { first, data, bytes: data.length, compress: true, counted: false, source, encoded: false };
      if (this.deflate(fragment)) this.fragmentWritten(last);
      return;
    }
    if (typeof data === 'string') this.encoder.putText(first, data);
    else this.encoder.put(first, data, data.length, false);
    head.first = Opcode.Continuation;
    this.fragmentWritten(last);
  }

  /** Goes on after the message of the source at the head of the queue, once its last fragment was written. */
  private fragmentWritten(last: boolean): void {
    if (!last) return;
    this.queue.shift();
    this.isIdle = false;
    this.released++;
    this.proceed();
  }

  /** Abandons the first source, and drops everything behind it, which cannot follow an unfinished message. */
  abandon(): void {
    let isBehind = false;
    this.keep((waiting) => !(isBehind ||= waiting.source !== undefined));
  }

  /** Abandons the first source; false, and nothing changes, when its message has begun, after which the rest cannot go on. */
  dropSource(): boolean {
    const head = this.queue.first;
    if (head?.source !== undefined && head.first === Opcode.Continuation) return false;
    let isDropped = false;
    this.keep(({ source }) => isDropped || !(isDropped = source !== undefined));
    try {
      this.proceed();
    } catch (cause) {
      // The deflater has seen a message that the peer will never get.
      this.fail(internalError(cause));
    }
    return true;
  }

  /** Whether a source was abandoned that was not called back. */
  get hasUntold(): boolean {
    return this.abandoned.length > 0;
  }

  /** Calls back the abandoned sources; an error of one is passed on, and the others are called next time. */
  tellAbandoned(): void {
    for (let source = this.abandoned.shift(); source !== undefined; source = this.abandoned.shift()) source.cancel?.();
  }

  /** Drops everything that waits. */
  drop(): void {
    this.deflating = undefined;
    this.hasLostClose = false;
    this.keep(() => false);
  }

  /** Drops everything that waits but a Close, which is written where there is a key for it. */
  breakOff(): void {
    this.deflating = undefined;
    this.keep(isClose);
    try {
      this.proceed();
    } catch {
      // RFC 6455 5.3: no frame is sent without a fresh masking key.
    }
  }

  /** Keeps the queued sends that `isKept` accepts, from the head on; other sources are abandoned. */
  private keep(isKept: (waiting: Waiting) => boolean): void {
    const all = this.queue.takeAll();
    this.isIdle = this.isStuck = false;
    this.waitingBytes = 0;
    for (const waiting of all) {
      if (isKept(waiting)) this.enqueue(waiting);
      else if (waiting.source !== undefined) this.abandoned.push(waiting.source);
    }
    const { deflating } = this;
    if (deflating === undefined) return;
    // The result for a fragment of an abandoned source would come too late.
    if (deflating.source !== undefined && this.queue.first?.source !== deflating.source) this.deflating = undefined;
    else this.waitingBytes += deflating.bytes;
  }

  private enqueue(waiting: Waiting): void {
    this.queue.push(waiting);
    this.waitingBytes += waiting.bytes;
  }

  /** Compresses one frame, and writes it if the deflater answers at once. */
  private deflate(waiting: Waiting): boolean {
    const { data, first } = waiting;
    const payload = typeof data === 'string' ? this.values.encode(data) : data;
    const result = this.encoder.undisturbed(() => this.deflater!.deflate(payload, (first & FIN) !== 0));
    if (result !== LATER) return this.compressed(waiting, toResult(result));
    this.deflating = waiting;
    this.waitingBytes += waiting.bytes;
    // A frame that is being made now would overtake this one.
    this.encoder.turns++;
    return false;
  }

  /** Writes the compressed form of a frame; false when the deflater has failed. */
  private compressed({ first }: Waiting, result: Uint8Array | WebSocketError): boolean {
    if (ArrayBuffer.isView(result)) {
      // RFC 7692 6.1: RSV1 marks a compressed message, on its first frame only.
      const rsv = (first & OPCODE_BITS) === Opcode.Continuation ? 0 : RSV1;
      this.encoder.put(first | rsv, result, result.length, true);
      return true;
    }
    this.fail(result);
    return false;
  }

  private fail(error: WebSocketError): void {
    this.failure = error;
    this.keep(isClose);
  }

  private proceed(): void {
    while (this.deflating === undefined && !this.isMaking) {
      const next = this.queue.first;
      if (next === undefined || next.source !== undefined) return;
      this.queue.shift();
      this.waitingBytes -= next.bytes;
      if (this.making(() => this.make(next)) && next.counted) this.released++;
    }
  }

  private making(make: () => boolean): boolean {
    this.isMaking = true;
    try {
      return make();
    } finally {
      this.isMaking = false;
    }
  }

  /** Writes a frame that has waited; false where it is not written, as the deflater has failed or answers later. */
  private make(next: Waiting): boolean {
    if (next.compress) return this.deflate(next);
    if (typeof next.data === 'string') {
      this.encoder.putText(next.first, next.data);
    } else if (next.encoded) {
      this.encoder.putRaw(next.data, true);
      if (next.content !== undefined) this.deflater?.learn?.(next.content);
    } else {
      this.hasLostClose = isClose(next);
      this.encoder.put(next.first, next.data, next.data.length, true);
      this.hasLostClose = false;
    }
    return true;
  }
}

const isClose = ({ first }: Waiting): boolean => first === (FIN | Opcode.Close);

/** A copy of bytes that the caller may change after its call. `new Uint8Array` copies, where a Buffer's `slice` would not. */
function copyOf(bytes: Uint8Array): Uint8Array {
  // Detached memory has no bytes, and cannot be copied.
  return bytes.length === 0 ? new Uint8Array(0) : new Uint8Array(bytes);
}
