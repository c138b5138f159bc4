// `FrameCursor` reads the fields of one frame record after another (`spec/record.ts`).
import type { Opcode } from '../spec/frame.js';
import {
  RECORD_ASCII,
  RECORD_COMPRESSED,
  RECORD_END,
  RECORD_EXTRA,
  RECORD_FIN,
  RECORD_KIND,
  RECORD_LENGTH,
  RECORD_OFFSET,
  RECORD_OPCODE,
  RECORD_RSV,
  RECORD_RSV_SHIFT,
  RECORD_START,
  RECORD_TEXT,
  RECORD_UNCHECKED,
  RECORD_VIOLATION,
  RECORD_WORDS,
} from '../spec/record.js';
import { Violation } from '../spec/violation.js';

const NO_RECORDS = new Int32Array(0);
/** The only record after memory was refused: a violation that is not the peer's. Nothing writes to it. */
const REFUSED = new Int32Array(RECORD_WORDS);
REFUSED[RECORD_KIND] = RECORD_VIOLATION;
REFUSED[RECORD_EXTRA] = Violation.Internal;

/** A base class of FrameDecoder, not used alone. */
export abstract class FrameCursor {
  /** The records of the last scan: a cursor into the kernels' table, or into a copy once another decoder scans. @internal */
  protected records: Int32Array = NO_RECORDS;
  /** @internal */
  protected record: number = -RECORD_WORDS;
  /** @internal */
  protected firstRecord = 0;
  /** @internal */
  protected recordsEnd = 0;
  /** The current record's kind word. @internal */
  protected kind = 0;

  /** The frame's own opcode (RFC 6455 5.2). */
  get opcode(): Opcode {
    return this.kind & RECORD_OPCODE;
  }
  /** Whether the frame is its message's last (RFC 6455 5.2). */
  get fin(): boolean {
    return (this.kind & RECORD_FIN) !== 0;
  }
  /** The frame's RSV bits, in their places on the wire. */
  get rsv(): number {
    return (this.kind & RECORD_RSV) >> RECORD_RSV_SHIFT;
  }
  /** Whether the piece begins its frame. */
  get start(): boolean {
    return (this.kind & RECORD_START) !== 0;
  }
  /** Whether the piece ends its frame. */
  get end(): boolean {
    return (this.kind & RECORD_END) !== 0;
  }
  /** Whether the frame belongs to a text message. */
  get isText(): boolean {
    return (this.kind & RECORD_TEXT) !== 0;
  }
  /** Whether all bytes of this piece of text are below 0x80. */
  get isAscii(): boolean {
    return (this.kind & RECORD_ASCII) !== 0;
  }
  /** Whether the text still has to pass `values.isUtf8`, which is faster on it than the kernel. */
  get isUnchecked(): boolean {
    return (this.kind & RECORD_UNCHECKED) !== 0;
  }
  /** Whether the frame belongs to a message whose first frame had RSV1 set (RFC 7692 6). */
  get isCompressed(): boolean {
    return (this.kind & RECORD_COMPRESSED) !== 0;
  }
  /** The piece's length, in bytes; 0 where there is no piece, as at a violation. */
  get length(): number {
    return this.hasPiece ? this.records[this.record + RECORD_LENGTH] : 0;
  }
  /** Bytes of the current frame that have not come yet; meaningful at the chunk's last piece. */
  abstract get remaining(): number;

  /** The length of the whole frame, in bytes, up to 2^53 - 1, where the piece begins it. */
  get frameLength(): number {
    return this.start && !this.end ? this.length + this.remaining : this.length;
  }
  /** The rule that the peer broke, in a record of a violation; the only other meaningful getter is then `detail`. */
  get violation(): Violation {
    return this.kind === RECORD_VIOLATION ? this.records[this.record + RECORD_EXTRA] : Violation.None;
  }
  /** The invalid number: an opcode or a length. */
  get detail(): number {
    return this.records[this.record + RECORD_LENGTH];
  }
  /** The kind word as it stands in the record (`spec/record.ts`). @internal */
  get kindWord(): number {
    return this.kind;
  }

  /** Whether a frame's record is current: not before the first `next`, nor at a violation, whose length is no payload's. @internal */
  protected get hasPiece(): boolean {
    return this.record >= this.firstRecord && this.kind !== RECORD_VIOLATION;
  }

  /** Payload bytes of the unread records. @internal */
  protected get unreadRecords(): number {
    const { records, recordsEnd } = this;
    let bytes = 0;
    for (let at = this.record + RECORD_WORDS; at < recordsEnd; at += RECORD_WORDS) {
      if (records[at] !== RECORD_VIOLATION) bytes += records[at + RECORD_LENGTH];
    }
    return bytes;
  }

  /**
   * Copies the unread records out of `table`, and the current one where it `isCurrent`.
   * @returns the memory that their payloads span, as [start, end); undefined without records
   * @internal
   */
  protected carryRecords(table: Int32Array, isCurrent: boolean): readonly [number, number] | undefined {
    const from = isCurrent ? this.record : this.record + RECORD_WORDS;
    if (from === this.recordsEnd) return undefined;
    const records = table.slice(from, this.recordsEnd);
    this.records = records;
    this.firstRecord = 0;
    this.recordsEnd -= from;
    this.record = isCurrent ? 0 : -RECORD_WORDS;
    const last = this.recordsEnd - RECORD_WORDS;
    const tail = records[last] === RECORD_VIOLATION ? 0 : records[last + RECORD_LENGTH];
    return [records[RECORD_OFFSET], records[last + RECORD_OFFSET] + tail];
  }

  /** Points before the records [first, end) of `table`. @internal */
  protected read(table: Int32Array, first: number, end: number): void {
    this.records = table;
    this.firstRecord = first;
    this.record = first - RECORD_WORDS;
    this.recordsEnd = end;
  }

  /** Has no record, or only that of refused memory, or of a violation that was told and stays. @internal */
  protected readNothing(isRefused: boolean): void {
    if (isRefused) this.read(REFUSED, 0, RECORD_WORDS);
    else if (this.kind === RECORD_VIOLATION && this.record >= this.firstRecord) {
      this.read(this.records.slice(this.record, this.record + RECORD_WORDS), 0, RECORD_WORDS);
      this.record = 0;
    } else this.read(NO_RECORDS, 0, 0);
  }
}
