// `Assembly` joins the pieces of one message in a buffer that grows with the bytes received, not with those announced.
import type { FrameDecoder } from '../codec/frame-decoder.js';
import type { Values } from '../values/values.js';

/** The first allocation for a message whose end is not in sight, in bytes. */
const FIRST = 128;
/** All memory of the thread that was allocated because a header announced it and that is not yet filled, in bytes. */
const EARLY_LIMIT = 16 * 1024 * 1024;

let early = 0;

/**
 * Collects one message at a time. Memory for a frame that has only been announced is taken at once while the thread's
 * sum of such memory stays within 16 MiB; past that the buffer doubles as bytes arrive, so that a peer can make
 * us hold at most twice the bytes that it has sent.
 */
export class Assembly {
  private bytes: Uint8Array | undefined;
  /** The number of bytes collected. */
  length = 0;
  /** Frames of the message that have begun, the first one counted. */
  fragments = 0;
  /** Chunks that the current frame has been spread over so far. */
  chunks = 0;
  /** Where frames have ended, if anybody wants to know. */
  ends: number[] | undefined;
  /** Bytes of this buffer that count against the thread's early memory. */
  private early = 0;

  constructor(private readonly values: Values) {}

  /**
   * Adds the decoder's current piece.
   * @param expected the bytes that the message will have at least, as far as its headers have told
   * @throws RangeError where memory is refused
   */
  add(decoder: FrameDecoder, expected: number): void {
    // An empty piece of which nothing is to follow.
    if (expected === this.length) return;
    const end = this.length + decoder.length;
    if (this.bytes === undefined || end > this.bytes.length) this.grow(end, Math.max(end, expected), decoder.fin);
    decoder.copyTo(this.bytes!, this.length);
    this.length = end;
    this.settle(Math.max(0, this.early - (this.bytes!.length - end)));
  }

  /**
   * Hands out the bytes collected, in memory that nobody else holds and that holds nothing else, and starts anew.
   * @throws RangeError where memory is refused
   */
  take(): Uint8Array {
    const { bytes, length, values } = this;
    this.drop();
    if (bytes === undefined) return values.allocate(0);
    if (length === bytes.length) return bytes;
    // A view would show, behind the message, bytes that others have left in the memory.
    const exact = values.allocate(length);
    exact.set(bytes.subarray(0, length));
    return exact;
  }

  /** Forgets the bytes collected. */
  drop(): void {
    this.settle(this.early);
    this.bytes = undefined;
    this.length = 0;
  }

  private settle(bytes: number): void {
    this.early -= bytes;
    early -= bytes;
  }

  /** Makes room for `needed` bytes; `isLast` says that `expected` is the whole message's length. */
  private grow(needed: number, expected: number, isLast: boolean): void {
    const held = this.bytes?.length ?? 0;
    // All that is held has been received, so that twice as much stays within the bound, and copying stays linear.
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
