// `Messages` holds frames that are masked and encoded once, before the load, in one block that is sent repeatedly.
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync } from 'node:zlib';
import { FIN, FrameEncoder, Opcode, Role, RSV1 } from '../../sans-io.js';

/** A block of short messages has about this many bytes, so that masking keys repeat only after many messages. */
const BLOCK_LENGTH = 256 * 1024;
const COUNT_AT_MOST = 4096;
/** The length of the end of a sync flush, which a message leaves out (RFC 7692 7.2.1). */
const TAIL_LENGTH = 4;

export interface MessagesOptions {
  readonly payloads: readonly Uint8Array[];
  readonly isBinary: boolean;
  /** Whether each payload is compressed by itself, for servers with and without context takeover (RFC 7692 7.1.1). */
  readonly isCompressed: boolean;
}

/**
 * Messages in the order in which a connection sends them; the first follows the last again.
 * Deviation from RFC 6455 5.3: masking keys are random, and come again after a block, as a load needs no secrets.
 */
export class Messages {
  /** The number of messages in the block. */
  readonly count: number;
  readonly #block: Buffer;
  /** The offset of each message, and the end of the last one. */
  readonly #starts: Float64Array;

  constructor({ payloads, isBinary, isCompressed }: MessagesOptions) {
    const ready = isCompressed ? payloads.map(compressed) : payloads;
    const length = ready.reduce((sum, { byteLength }) => sum + byteLength + 8, 0);
    const rounds = Math.max(
      1,
      Math.min(Math.floor(BLOCK_LENGTH / length), Math.floor(COUNT_AT_MOST / payloads.length)),
    );
    this.count = rounds * payloads.length;
    this.#starts = new Float64Array(this.count + 1);
    const encoder = new FrameEncoder({ role: Role.Client });
    const first = FIN | (isCompressed ? RSV1 : 0) | (isBinary ? Opcode.Binary : Opcode.Text);
    for (let at = 0; at < this.count; at++) {
      encoder.frame(first, ready[at % ready.length]);
      this.#starts[at + 1] = encoder.length;
    }
    this.#block = Buffer.concat(encoder.take());
  }

  /** Returns the bytes of up to `count` messages from index `from` on, as many as the block has before its end. */
  piece(from: number, count: number): { bytes: Buffer; count: number } {
    const fitting = Math.min(count, this.count - from);
    return { bytes: this.#block.subarray(this.#starts[from], this.#starts[from + fitting]), count: fitting };
  }
}

function compressed(payload: Uint8Array): Uint8Array {
  const whole = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  return whole.subarray(0, whole.length - TAIL_LENGTH);
}
