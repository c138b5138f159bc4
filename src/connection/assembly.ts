// `Assembly` joins the pieces of one message in a buffer that grows with the received bytes, not with announced ones.
import type { FrameDecoder } from '../codec/frame-decoder.js';
import type { Values } from '../values/values.js';

/** The first allocation for a message of unknown length, in bytes. */
const FIRST = 128;
/** Memory of this thread that was allocated for announced lengths and is not filled yet, in bytes. */
const EARLY_LIMIT = 16 * 1024 * 1024;

let early = 0;

/**
 * Collects one message at a time. Memory for an announced frame is allocated at once while the thread's sum of such
 * memory stays within 16 MiB; beyond that the buffer doubles as bytes arrive, so that a peer can make us hold at most
 * twice the bytes that it has sent.
 */
export class Assembly {
  private bytes: Uint8Array | undefined;
  /** The number of bytes collected. */
  length = 0;
  /** The number of frames of the message that have begun. */
  fragments = 0;
  /** The number of chunks that the current frame has arrived in so far. */
  chunks = 0;
  /** The ends of the frames, each place once, where the owner asked for them. */
  ends: number[] | undefined;
  /** Bytes of this buffer that count against the thread's limit on early memory. */
  private early = 0;

  constructor(private readonly values: Values) {}

  /**
   * Adds the decoder's current piece.
   * @param expected the minimum length of the message in bytes, as announced by its headers so far
   * @throws RangeError where memory is refused
   */
  add(decoder: FrameDecoder, expected: number): void {
    // An empty piece, and nothing of the message follows.
    if (expected === this.length) return;
    const end = this.length + decoder.length;
    if (this.bytes === undefined || end > this.bytes.length) this.grow(end, Math.max(end, expected), decoder.fin);
    decoder.takeTo(this.bytes!, this.length);
    this.length = end;
    this.settle(Math.max(0, this.early - (this.bytes!.length - end)));
  }

  /**
   * Returns the collected bytes, in memory of their own that nothing else refers to, and starts again.
   * @throws RangeError where memory is refused
   */
  take(): Uint8Array {
    const { bytes, length, values } = this;
    this.drop();
    if (bytes === undefined) return values.allocate(0);
    if (length === bytes.length) return bytes;
    // A view would expose, behind the message, bytes that earlier users left in the memory.
    const exact = values.allocate(length);
    exact.set(bytes.subarray(0, length));
    return exact;
  }

  /** Notes the end of a frame. Empty frames add nothing to `maxPayload`, so that their number has no limit there. */
  noteEnd(): void {
    const { length } = this;
    const ends = (this.ends ??= []);
    if (ends.at(-1) !== length) ends.push(length);
  }

  /** Drops the collected bytes. */
  drop(): void {
    this.settle(this.early);
    this.bytes = undefined;
    this.length = 0;
  }

  private settle(bytes: number): void {
    this.early -= bytes;
    early -= bytes;
  }

  /** Makes room for `needed` bytes; with `isLast`, `expected` is the length of the whole message. */
  private grow(needed: number, expected: number, isLast: boolean): void {
    const held = this.bytes?.length ?? 0;
    // All held bytes have been received, so that doubling stays within the bound, and the cost of copying stays linear.
    let capacity = Math.max(needed, 2 * held, FIRST);
    if (capacity >= expected) {
      if (isLast) capacity = expected;
    } else if (early + expected - needed <= EARLY_LIMIT) {
      capacity = expected;
      this.early = expected - needed;
      early += this.early;
    }
    const grown = this.values.allocate(capacity);
    if (this.bytes !== undefined) grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
