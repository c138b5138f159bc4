// `Outbound` keeps messages and control frames in the order they were sent in, though some are compressed later.
import type { FrameEncoder } from '../codec/frame-encoder.js';
import { toBytes, type Payload } from '../codec/payload.js';
import { UsageError } from '../errors/usage-error.js';
import type { WebSocketError } from '../errors/violations.js';
import { LATER, type Deflater } from '../extensions/transform.js';
import { Queue } from '../queue.js';
import { FIN, OPCODE_BITS, Opcode, RSV1 } from '../spec/frame.js';
import { FULL_BATCH } from '../spec/limits.js';
import type { Values } from '../values/values.js';

/** One fragment of a message that is sent as there is room for it. */
export interface Fragment {
  /** Bytes, or text, which is sent as UTF-8. */
  readonly data: Payload;
  /** Whether the message ends with it. */
  readonly last: boolean;
}

/** A message that is sent in fragments as there is room for them. */
export interface FragmentSource {
  /** The next fragment; undefined when none is ready yet, and `takeOutput` is to be called again once one is. */
  pull(): Fragment | undefined;
  /** Called once when the message is given up before its end, as when the connection closes or fails. */
  cancel?(): void;
}

/** A fragment whose bytes are known to be some. */
interface ReadyFragment {
  readonly data: Uint8Array | string;
  readonly last: boolean;
}

/** A frame, or a message still to be pulled, that has to wait its turn. */
interface Waiting {
  /** The header's first byte, without FIN where it is a source's next fragment. */
  first: number;
  readonly data: Uint8Array | string;
  /** How long `data` was when it was sent; its owner may have detached it since. */
  readonly bytes: number;
  readonly compress: boolean;
  /** Whether the connection's owner counts this frame as one of its own. */
  readonly counted: boolean;
  readonly source: FragmentSource | undefined;
  /** Whether `data` already is whole frames. */
  readonly encoded: boolean;
  /** The message in `data`, uncompressed, where another deflater has compressed it. */
  readonly content?: Uint8Array | undefined;
}

/** Keeps the order of sends while a deflater said LATER, or a source has more to give. */
export class Outbound {
  private readonly queue = new Queue<Waiting>();
  /** The frame that the deflater is busy with. */
  private deflating: Waiting | undefined;
  /** The bytes of payload that wait, before compression; text counts its code units. */
  waitingBytes = 0;
  /** Counted frames that were written after they had waited. */
  private released = 0;
  /** Why the deflater failed, once it has; all that waited is forgotten then, save for a Close. */
  failure: WebSocketError | undefined;
  /** The source at the head of the queue is being asked; had nothing ready; has thrown. */
  private isPulling = false;
  private isIdle = false;
  private isStuck = false;
  /** Sources that were given up and have not been told. */
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
    return this.queue.length + (this.deflating !== undefined && this.deflating.source === undefined ? 1 : 0);
  }

  /** Whether a message is being pulled or is next to be pulled. */
  get hasSource(): boolean {
    return this.deflating === undefined && this.queue.first?.source !== undefined;
  }

  /** Whether the source whose turn it is may have a fragment: not once it had none, until it is asked again, nor after it threw. */
  get wantsPull(): boolean {
    return this.hasSource && !this.isIdle && !this.isStuck;
  }

  /** Counted frames that have been written since this was last asked, after they had waited. */
  takeReleased(): number {
    const { released } = this;
    this.released = 0;
    return released;
  }

  /**
   * Compresses a frame, or lets it wait behind those that already wait.
   * @returns whether it has been written; if not, `takeReleased` counts it once it is
   */
  frame(first: number, data: Uint8Array | string, compress: boolean, counted: boolean, lent: boolean): boolean {
    // RFC 6455 5.4: control frames may stand between the fragments of a message. A Close finds no source: it is given up.
    const isControl = (first & OPCODE_BITS) > Opcode.Close;
    const overtakes = isControl && (this.controlFirst || this.queue.first?.source !== undefined);
    const bytes = data.length;
    if (this.waiting > 0 && !overtakes) {
      const kept = typeof data === 'string' ? data : copyOf(data);
      this.enqueue({ first, data: kept, bytes, compress, counted, source: undefined, encoded: false });
      return false;
    }
    if (compress) return this.deflate({ first, data, bytes, compress, counted, source: undefined, encoded: false });
    // Only a control frame overtakes, and its payload is bytes.
    this.encoder.put(first, data as Uint8Array, bytes, lent);
    return true;
  }

  /** Lets bytes that already are whole frames wait in turn; `content` is the message in them, where they are compressed. */
  encoded(frames: Uint8Array, lent: boolean, content?: Uint8Array): void {
    const data = lent ? frames : copyOf(frames);
    const bytes = data.length;
    this.enqueue({ first: 0, data, bytes, compress: false, counted: true, source: undefined, encoded: true, content });
  }

  /** Sends a message whose fragments are pulled from `source` as output is taken. */
  pullFrom(source: FragmentSource, first: number, compress = false): void {
    this.enqueue({ first, data: '', bytes: 0, compress, counted: true, source, encoded: false });
  }

  /** Takes in the deflater's output for the frame that it was busy with, and goes on. */
  deflated(result: Uint8Array | WebSocketError): void {
    const waiting = this.deflating;
    if (waiting === undefined) return;
    this.deflating = undefined;
    this.waitingBytes -= waiting.bytes;
    const isWritten = this.compressed(waiting, result);
    if (isWritten && waiting.source !== undefined) return this.fragmentWritten((waiting.first & FIN) !== 0);
    if (isWritten && waiting.counted) this.released++;
    this.proceed();
  }

  /**
   * Asks the source at the head of the queue for a fragment; undefined when `limit` bytes wait or nothing is ready. An
   * error of the source goes through, and the source is not asked again.
   * @throws UsageError when the fragment is none
   */
  pull(limit: number = FULL_BATCH): ReadyFragment | undefined {
    const isFull = this.encoder.length >= Math.min(limit, FULL_BATCH);
    if (!this.hasSource || this.isStuck || this.isPulling || isFull) return undefined;
    const head = this.queue.first!;
    this.isPulling = true;
    try {
      const fragment = checked(head.source!.pull());
      // The source may have closed the connection, or dropped itself.
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

  /** Writes a fragment that `pull` has brought, and after a last one all that waited behind it. */
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

  /** Goes on behind the message of the source at the head of the queue, where its last fragment was written. */
  private fragmentWritten(last: boolean): void {
    if (!last) return;
    this.queue.shift();
    this.isIdle = false;
    this.released++;
    this.proceed();
  }

  /** Gives up the first source and all that waits behind it, which cannot follow a message without an end. */
  abandon(): void {
    let isBehind = false;
    this.keep((waiting) => !(isBehind ||= waiting.source !== undefined));
  }

  /** Gives up the first source, and returns whether the rest can go on: not when some of its message has been written. */
  dropSource(): boolean {
    if (this.hasSource && this.queue.first!.first === Opcode.Continuation) {
      this.abandon();
      return false;
    }
    let isDropped = false;
    this.keep(({ source }) => isDropped || !(isDropped = source !== undefined));
    this.proceed();
    return true;
  }

  /** Tells the sources that were given up; an error of one goes through, and the others are told next time. */
  tellAbandoned(): void {
    for (let source = this.abandoned.shift(); source !== undefined; source = this.abandoned.shift()) source.cancel?.();
  }

  /** Forgets everything that waits. */
  drop(): void {
    this.deflating = undefined;
    this.keep(() => false);
  }

  /** Keeps those sends of the queue that `isKept` names, asked from its head on; sources that are not kept are given up. */
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
    // The result for a fragment whose source is given up would come too late.
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
    const result = this.deflater!.deflate(payload, (first & FIN) !== 0);
    if (result !== LATER) return this.compressed(waiting, result);
    this.deflating = waiting;
    this.waitingBytes += waiting.bytes;
    return false;
  }

  /** Writes the compressed form of a frame; false when the deflater has failed on it. */
  private compressed({ first }: Waiting, result: Uint8Array | WebSocketError): boolean {
    if (ArrayBuffer.isView(result)) {
      // RFC 7692 6.1: RSV1 marks a compressed message, on its first frame only.
      const rsv = (first & OPCODE_BITS) === Opcode.Continuation ? 0 : RSV1;
      this.encoder.put(first | rsv, result, result.length, true);
      return true;
    }
    this.failure = result;
    this.keep((waiting) => waiting.first === (FIN | Opcode.Close));
    return false;
  }

  private proceed(): void {
    while (this.deflating === undefined) {
      const next = this.queue.first;
      if (next === undefined || next.source !== undefined) return;
      this.queue.shift();
      this.waitingBytes -= next.bytes;
      if (next.compress) {
        if (!this.deflate(next)) continue;
      } else if (typeof next.data === 'string') {
        this.encoder.putText(next.first, next.data);
      } else if (next.encoded) {
        this.encoder.putRaw(next.data, true);
        if (next.content !== undefined) this.deflater?.learn?.(next.content);
      } else {
        this.encoder.put(next.first, next.data, next.data.length, true);
      }
      if (next.counted) this.released++;
    }
  }
}

/** A fragment that is ready to be written. */
function checked(fragment: Fragment | undefined): ReadyFragment | undefined {
  if (fragment === undefined) return undefined;
  if (typeof fragment !== 'object' || fragment === null) throw new UsageError('A source gives fragments, or undefined');
  const { data, last } = fragment;
  return { data: typeof data === 'string' ? data : toBytes(data), last };
}

/** A copy of bytes that the caller may change after its call. `new Uint8Array` copies, where a Buffer's `slice` would not. */
function copyOf(bytes: Uint8Array): Uint8Array {
  // Detached memory has no bytes, and cannot be copied.
  return bytes.length === 0 ? new Uint8Array(0) : new Uint8Array(bytes);
}
