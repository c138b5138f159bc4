// `WasmDeflater` compresses the messages of one connection (RFC 7692 7.2.1) in a module that all of a thread share.
import type { Deflater } from '../extensions/transform.js';
import { DEFLATE_INPUT, Flush } from '../spec/deflate.js';
import { toBytes } from '../values/bytes.js';
import { joined } from '../values/joined.js';
import { machine, type Machine, type Tenant } from './machine.js';

/** RFC 7692 7.2.3.6: the compressed form of an empty message. */
const EMPTY_MESSAGE = 0x00;
/**
 * The part of a window, in bytes, that is kept while another connection deflates. A sender need not use its whole window,
 * and most of the time of a return goes into inserting these bytes into their chains again.
 */
const CARRIED = 8192;

/** The effort of levels 1 to 9: good, lazy and nice lengths of matches, and the longest search of a chain. */
const EFFORTS: readonly (readonly [good: number, lazy: number, nice: number, chain: number])[] = [
  [4, 4, 8, 4],
  [4, 4, 16, 8],
  [4, 4, 32, 32],
  [4, 5, 16, 16],
  [8, 16, 32, 32],
  [8, 16, 128, 128],
  [8, 32, 128, 256],
  [32, 128, 258, 1024],
  [32, 258, 258, 4096],
];

/** Deflates messages; it holds only its window, and only while another connection deflates. */
export class WasmDeflater implements Deflater, Tenant {
  readonly #machine: Machine = machine();
  readonly #windowLength: number;
  readonly #takeover: boolean;
  readonly #level: number;
  /** The window, in its first bytes, while another connection deflates. */
  #window: Uint8Array = new Uint8Array(0);
  #filled = 0;

  /** @param level from 1, the fastest, to 9, the smallest */
  constructor(windowBits: number, takeover: boolean, level: number) {
    this.#windowLength = 1 << windowBits;
    this.#takeover = takeover;
    this.#level = level;
  }

  deflate(data: Uint8Array, final: boolean): Uint8Array {
    const payload = toBytes(data);
    const { exports, bytes, deflatedAddress } = this.#machine;
    this.#enter();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < payload.length; at += DEFLATE_INPUT) {
      const piece = payload.subarray(at, at + DEFLATE_INPUT);
      bytes.set(piece, exports.room(piece.length));
      const isLast = payload.length - at <= DEFLATE_INPUT;
      const length = exports.deflate(piece.length, !isLast ? Flush.None : final ? Flush.Cut : Flush.Whole);
      pieces.push(bytes.slice(deflatedAddress, deflatedAddress + length));
    }
    if (final && !this.#takeover) exports.restartDeflater();
    if (pieces.length === 0) return final ? Uint8Array.of(EMPTY_MESSAGE) : new Uint8Array(0);
    return pieces.length === 1 ? pieces[0] : joined(pieces);
  }

  close(): void {
    if (this.#machine.deflating === this) {
      this.#machine.deflating = undefined;
      this.#machine.exports.restartDeflater();
    }
    this.#window = new Uint8Array(0);
    this.#filled = 0;
  }

  // The window of a message in fragments is kept too. Every payload ends with a flush, so that nothing else is pending.
  leave(): void {
    const { exports, bytes } = this.#machine;
    const filled = Math.min(exports.deflaterFilled(), CARRIED);
    const end = exports.room(0);
    if (this.#window.length < filled) this.#window = new Uint8Array(filled);
    this.#window.set(bytes.subarray(end - filled, end));
    this.#filled = filled;
  }

  /** Copies the window into the memory, unless it is there. */
  #enter(): void {
    const { exports, bytes, deflating } = this.#machine;
    if (deflating === this) return;
    deflating?.leave();
    this.#machine.deflating = this;
    const [good, lazy, nice, chain] = EFFORTS[this.#level - 1];
    const window = this.#window.subarray(0, this.#filled);
    bytes.set(window, exports.admitDeflater(window.length, this.#windowLength, good, lazy, nice, chain));
  }
}
