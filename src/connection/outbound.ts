// Messages and control frames, in the order they were sent -> frames in that same order, though some are compressed later.
import type { FrameEncoder } from '../codec/frame-encoder.js';
import type { WebSocketError } from '../errors/violations.js';
import { LATER, type Deflater } from '../extensions/transform.js';
import { Queue } from '../queue.js';
import { FIN, OPCODE_BITS, Opcode, RSV1 } from '../spec/frame.js';
import type { Values } from '../values/values.js';

/** One fragment of a message that is sent as there is room for it. */
export interface Fragment {
  readonly data: Uint8Array;
  readonly last: boolean;
}

/** Where a message comes from that is sent in fragments as there is room for them. */
export interface FragmentSource {
  /** The next fragment, or undefined when none is ready yet; the output is then left until it is asked for again. */
  pull(): Fragment | undefined;
}

/** A frame, or a message still to be pulled, that has to wait its turn. */
interface Waiting {
  readonly first: number;
  readonly data: Uint8Array | string;
  /** How long `data` was when it was sent; its owner may have detached it since. */
  readonly octets: number;
  readonly compress: boolean;
  /** Whether the connection's owner counts this frame as one of its own. */
  readonly counted: boolean;
  readonly source: FragmentSource | undefined;
  /** Whether `data` already is whole frames. */
  readonly encoded: boolean;
}

/** A batch is pulled from a source until it is this long, in octets. */
const PULL_UNTIL = 64 * 1024;

/** The order of what is sent while a deflater said LATER, or a source has more to give. */
export class Outbound {
  private readonly queue = new Queue<Waiting>();
  /** The frame that the deflater is busy with. */
  private deflating: Waiting | undefined;
  /** What waits, in octets of payload before compression; text counts its code units. */
  waitingOctets = 0;
  /** Counted frames that were written after they had waited. */
  private released = 0;
  /** Why the deflater failed, once it has; what waited is forgotten then, save for a Close. */
  failure: WebSocketError | undefined;

  constructor(
    private readonly encoder: FrameEncoder,
    private readonly values: Values,
    private readonly deflater: Deflater | undefined,
  ) {}

  /** How many frames and messages wait. */
  get waiting(): number {
    return this.queue.length + (this.deflating === undefined ? 0 : 1);
  }

  /** Whether a message is being pulled or is next to be pulled. */
  get hasSource(): boolean {
    return this.deflating === undefined && this.queue.first?.source !== undefined;
  }

  /** Counted frames that have been written since this was last asked, after they had waited. */
  takeReleased(): number {
    const { released } = this;
    this.released = 0;
    return released;
  }

  /**
   * Compresses a frame, or lets it wait behind what already waits.
   * @returns whether it has been written; if not, `takeReleased` counts it once it is
   */
  frame(first: number, data: Uint8Array | string, compress: boolean, counted: boolean, lent: boolean): boolean {
    // RFC 6455 5.4: control frames may stand between the fragments of a message; a Close waits for the message's end.
    const overtakes = this.hasSource && (first & OPCODE_BITS) > Opcode.Close;
    const octets = data.length;
    if (this.waiting > 0 && !overtakes) {
      const kept = typeof data === 'string' ? data : copyOf(data);
      this.enqueue({ first, data: kept, octets, compress, counted, source: undefined, encoded: false });
      return false;
    }
    if (compress) return this.deflate({ first, data, octets, compress, counted, source: undefined, encoded: false });
    // What overtakes is a control frame, whose payload is octets.
    this.encoder.put(first, data as Uint8Array, octets, lent);
    return true;
  }

  /** Lets octets that already are whole frames wait behind what waits. */
  encoded(frames: Uint8Array, lent: boolean): void {
    const data = lent ? frames : copyOf(frames);
    const octets = data.length;
    this.enqueue({ first: 0, data, octets, compress: false, counted: true, source: undefined, encoded: true });
  }

  /** Sends a message whose fragments are pulled from `source` as output is taken. */
  pullFrom(source: FragmentSource, opcode: Opcode): void {
    this.enqueue({ first: opcode, data: '', octets: 0, compress: false, counted: true, source, encoded: false });
  }

  /** Takes in what the deflater has made of the frame that it was busy with, and goes on. */
  deflated(result: Uint8Array | WebSocketError): void {
    const waiting = this.deflating;
    if (waiting === undefined) return;
    this.deflating = undefined;
    this.waitingOctets -= waiting.octets;
    if (this.compressed(waiting, result) && waiting.counted) this.released++;
    this.proceed();
  }

  /** Asks the source at the head of the queue for a fragment; undefined when the batch is full or nothing is ready. */
  pull(): Fragment | undefined {
    return this.hasSource && this.encoder.length < PULL_UNTIL ? this.queue.first!.source!.pull() : undefined;
  }

  /** Writes a fragment that `pull` has brought, and after a last one what waited behind it. */
  pulled({ data, last }: Fragment): void {
    const head = this.queue.first!;
    this.encoder.frame(head.first | (last ? FIN : 0), data);
    if (last) {
      this.queue.shift();
      this.released++;
      this.proceed();
    } else {
      this.queue.replaceFirst({ ...head, first: Opcode.Continuation });
    }
  }

  /** Forgets everything that waits. */
  drop(): void {
    this.queue.clear();
    this.deflating = undefined;
    this.waitingOctets = 0;
  }

  private enqueue(waiting: Waiting): void {
    this.queue.push(waiting);
    this.waitingOctets += waiting.octets;
  }

  /** Compresses one frame, and writes it if the deflater answers at once. */
  private deflate(waiting: Waiting): boolean {
    const { data, first } = waiting;
    const payload = typeof data === 'string' ? this.values.encode(data) : data;
    const result = this.deflater!.deflate(payload, (first & FIN) !== 0);
    if (result !== LATER) return this.compressed(waiting, result);
    this.deflating = waiting;
    this.waitingOctets += waiting.octets;
    return false;
  }

  /** Writes what has become of a frame; false when the deflater has failed on it. */
  private compressed({ first }: Waiting, result: Uint8Array | WebSocketError): boolean {
    if (ArrayBuffer.isView(result)) {
      this.encoder.put(first | firstRsv(first), result, result.length, true);
      return true;
    }
    this.failure = result;
    this.waitingOctets = 0;
    for (const waiting of this.queue.takeAll()) {
      if (waiting.first === (FIN | Opcode.Close)) this.enqueue(waiting);
    }
    return false;
  }

  private proceed(): void {
    while (this.deflating === undefined) {
      const next = this.queue.first;
      if (next === undefined || next.source !== undefined) return;
      this.queue.shift();
      this.waitingOctets -= next.octets;
      if (next.compress) {
        if (!this.deflate(next)) continue;
      } else if (typeof next.data === 'string') {
        this.encoder.putText(next.first, next.data);
      } else if (next.encoded) {
        this.encoder.putRaw(next.data, true);
      } else {
        this.encoder.put(next.first, next.data, next.data.length, true);
      }
      if (next.counted) this.released++;
    }
  }
}

/** What the caller may change after its call. `new Uint8Array` copies, where a Buffer's `slice` would not. */
function copyOf(octets: Uint8Array): Uint8Array {
  // What is detached has no octets, and cannot be copied.
  return octets.length === 0 ? new Uint8Array(0) : new Uint8Array(octets);
}

/** RFC 7692 6.1: RSV1 marks a compressed message, on its first frame only. */
function firstRsv(first: number): number {
  return (first & OPCODE_BITS) === Opcode.Continuation ? 0 : RSV1;
}
