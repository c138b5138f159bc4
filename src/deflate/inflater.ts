// `WasmInflater` decompresses the messages of one connection (RFC 7692 7.2.2) in a module that all of a thread share.
import { UsageError } from '../errors/usage-error.js';
import { violationError, type WebSocketError } from '../errors/violations.js';
import type { Inflater } from '../extensions/transform.js';
import { Inflating, INFLATE_INPUT } from '../spec/deflate.js';
import { Violation } from '../spec/violation.js';
import { toBytes } from '../values/bytes.js';
import { joined } from '../values/joined.js';
import { machine, type Machine, type Tenant } from './machine.js';

/** RFC 7692 7.2.2: the bytes that the sender cut off, and the receiver appends. */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);
/** The state of a stream inside a block and the lengths of its codes, in bytes. */
const SUSPENDED = 32 + 320 + 32;
/** Output of this length is copied out of the memory in one piece, wherever the window is. */
const ONE_PIECE = 64 * 1024;

/** Inflates messages; it holds only its window, and only while another connection inflates. */
export class WasmInflater implements Inflater, Tenant {
  readonly #machine: Machine = machine();
  readonly #windowLength: number;
  readonly #takeover: boolean;
  /** The window, in its first bytes, while another connection inflates. */
  #window: Uint8Array = new Uint8Array(0);
  #filled = 0;
  /** The state of a stream that is inside a block, where a message ended there. */
  #state: Uint8Array | undefined;

  constructor(windowBits: number, takeover: boolean) {
    this.#windowLength = 1 << windowBits;
    this.#takeover = takeover;
  }

  inflate(data: Uint8Array, maxLength: number): Uint8Array | WebSocketError {
    const payload = toBytes(data);
    if (typeof maxLength !== 'number' || !(maxLength >= 0))
      throw new UsageError('The longest result is a number of bytes, or Infinity');
    const { exports, bytes, inputAddress } = this.#machine;
    this.#enter();
    if (exports.outputRoom() < ONE_PIECE) exports.moveWindow();
    const pieces: Uint8Array[] = [];
    let length = 0;
    let start = exports.outputEnd();
    let answer = Inflating.NeedsInput;
    for (let at = 0; at <= payload.length && answer !== Inflating.Ended; at += INFLATE_INPUT) {
      const piece = payload.subarray(at, at + INFLATE_INPUT);
      bytes.set(piece, inputAddress);
      const isLast = payload.length - at < INFLATE_INPUT;
      if (isLast) bytes.set(TAIL, inputAddress + piece.length);
      exports.feed(isLast ? piece.length + TAIL.length : piece.length);
      do {
        // RFC 6455 10.4: no more than one byte above the limit is ever made
        answer = exports.inflate(Math.min(exports.outputRoom(), maxLength + 1 - length));
        const made = exports.outputEnd() - start;
        if (answer === Inflating.Corrupt) return this.#fail(Violation.InvalidDeflate);
        if (length + made > maxLength) return this.#fail(Violation.MessageTooBig);
        if (answer === Inflating.IsFull) {
          pieces.push(bytes.slice(start, start + made));
          length += made;
          exports.moveWindow();
          start = exports.outputEnd();
        }
      } while (answer === Inflating.IsFull);
    }
    const last = bytes.slice(start, exports.outputEnd());
    // Deviation from RFC 7692 7.2.3.4: a final block (BFINAL) ends the message; blocks after it are ignored, as in
    // ws. The next message begins with an empty window.
    if (!this.#takeover || answer === Inflating.Ended) exports.restart();
    if (pieces.length === 0) return last;
    pieces.push(last);
    return joined(pieces);
  }

  close(): void {
    if (this.#machine.inflating === this) {
      this.#machine.inflating = undefined;
      this.#machine.exports.restart();
    }
    this.#window = new Uint8Array(0);
    this.#filled = 0;
    this.#state = undefined;
  }

  leave(): void {
    const { exports, bytes, suspendedAddress } = this.#machine;
    const filled = exports.windowFilled();
    const end = exports.outputEnd();
    if (this.#window.length < filled) this.#window = new Uint8Array(filled);
    this.#window.set(bytes.subarray(end - filled, end));
    this.#filled = filled;
    if (exports.isBetweenBlocks() !== 0) return;
    exports.suspend();
    this.#state = bytes.slice(suspendedAddress, suspendedAddress + SUSPENDED);
  }

  /** Copies the window into the memory, unless it is there. */
  #enter(): void {
    const { exports, bytes, suspendedAddress, inflating } = this.#machine;
    if (inflating === this) return;
    inflating?.leave();
    this.#machine.inflating = this;
    bytes.set(this.#window.subarray(0, this.#filled), exports.admit(this.#filled, this.#windowLength));
    if (this.#state === undefined) return;
    bytes.set(this.#state, suspendedAddress);
    exports.resume();
    this.#state = undefined;
  }

  #fail(violation: Violation.InvalidDeflate | Violation.MessageTooBig): WebSocketError {
    this.close();
    return violationError(violation);
  }
}
