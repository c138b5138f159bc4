// `NeutralScan` reads frames without judging them, for a tap or a proxy, and keeps the fields of each header.
import { writeRecord } from '../kernels/write-record.js';
import {
  FIN,
  LENGTH_16,
  LENGTH_64,
  LENGTH_BITS,
  MASK,
  MAX_HEADER,
  OPCODE_BITS,
  Opcode,
  RSV_BITS,
} from '../spec/frame.js';
import {
  RECORD_END,
  RECORD_FIN,
  RECORD_RSV_SHIFT,
  RECORD_START,
  RECORD_TEXT,
  RECORD_VALID,
  RECORD_VIOLATION,
  RECORD_WORDS,
  STATE_RECORDS,
} from '../spec/record.js';
import { Violation } from '../spec/violation.js';
import { Scan } from './scan.js';

/** A frame's header, as it was on the wire (RFC 6455 5.2). */
export interface FrameHeader {
  /** The start of the frame, in bytes from the first one that the decoder took in. */
  readonly offset: number;
  /** The length of the header, 2 to 14 bytes, including the masking key. */
  readonly headerLength: number;
  /** The payload's length, in bytes, up to 2^53 - 1. */
  readonly length: number;
  /** The bit MASK. */
  readonly isMasked: boolean;
  /** The masking key as `mask` takes it, its first byte lowest; 0 where the frame is unmasked. */
  readonly maskingKey: number;
}

/** Scans in JavaScript, with either set of kernels to unmask. A record's extra word is an index into `headers`. */
export class NeutralScan extends Scan {
  /** The frames of the last scan; the first one may continue from the scan before. */
  headers: FrameHeader[] = [];
  /** Bytes taken in so far. */
  private position = 0;
  /** The header that is being read, and the number of its bytes so far. */
  private readonly header = new Uint8Array(MAX_HEADER);
  private held = 0;
  /** The frame whose payload is being read: its kind word, its key rotated to the next byte, and the missing bytes. */
  private current: FrameHeader | undefined;
  private kind = 0;
  private key = 0;
  private left = 0;

  override get unmasks(): boolean {
    return true;
  }

  override get remaining(): number {
    return this.left;
  }

  override get isBetween(): boolean {
    return this.held === 0 && this.current === undefined;
  }

  override run(address: number, length: number): number {
    const { words, stateAddress, recordCapacity } = this.kernels;
    const end = address + length;
    const recordsEnd = this.firstRecord + recordCapacity * RECORD_WORDS;
    let record = this.firstRecord;
    let at = address;
    this.headers = this.current === undefined ? [] : [this.current];
    while (at < end && record < recordsEnd && !this.isStopped) {
      let start = 0;
      if (this.current === undefined) {
        at = this.readHeader(at, end);
        const total = this.headerLength;
        if (this.held < total) break;
        if (!this.begin(this.position + at - address)) {
          // Such a length cannot be counted, and no later frame could be found.
          record = writeRecord(words, record, RECORD_VIOLATION, at, 0, Violation.LengthTooLarge);
          break;
        }
        start = RECORD_START;
      }
      const piece = Math.min(this.left, end - at);
      if (this.key !== 0) this.kernels.mask(at, piece, this.key);
      this.left -= piece;
      const turn = (piece & 3) << 3;
      if (turn !== 0) this.key = (this.key >>> turn) | (this.key << (32 - turn));
      const flags = this.kind | start | (this.left === 0 ? RECORD_END : 0);
      record = writeRecord(words, record, flags, at, piece, this.headers.length - 1);
      at += piece;
      if (this.left === 0) this.current = undefined;
    }
    words[(stateAddress + STATE_RECORDS) >>> 2] = (record - this.firstRecord) / RECORD_WORDS;
    if (this.isStopped) at = end;
    this.position += at - address;
    return at - address;
  }

  override stop(): void {
    super.stop();
    this.current = undefined;
    this.held = 0;
    this.left = 0;
  }

  /** The length of the header that is being read, as far as its first two bytes tell. */
  private get headerLength(): number {
    if (this.held < 2) return 2;
    const second = this.header[1];
    const short = second & LENGTH_BITS;
    const extended = short < LENGTH_16 ? 0 : short === LENGTH_64 ? 8 : 2;
    return 2 + extended + ((second & MASK) === 0 ? 0 : 4);
  }

  /** Takes in bytes of a header, and returns where they end. */
  private readHeader(at: number, end: number): number {
    const { bytes } = this.kernels;
    while (at < end && this.held < this.headerLength) this.header[this.held++] = bytes[at++];
    return at;
  }

  /** Begins the frame whose header is whole and ends at `position`; false where its length is past 2^53 - 1. */
  private begin(position: number): boolean {
    const { header, held } = this;
    const isMasked = (header[1] & MASK) !== 0;
    const keyAt = isMasked ? held - 4 : held;
    let length = keyAt === 2 ? header[1] & LENGTH_BITS : 0;
    for (let at = 2; at < keyAt; at++) length = 0x100 * length + header[at];
    this.held = 0;
    if (length > Number.MAX_SAFE_INTEGER) {
      this.isStopped = true;
      return false;
    }
    const key = new DataView(header.buffer).getInt32(isMasked ? keyAt : 0, true);
    this.key = isMasked ? key : 0;
    this.left = length;
    this.current = { offset: position - held, headerLength: held, length, isMasked, maskingKey: this.key };
    this.headers.push(this.current);
    const opcode = header[0] & OPCODE_BITS;
    this.kind = RECORD_VALID | opcode | ((header[0] & RSV_BITS) << RECORD_RSV_SHIFT);
    if (header[0] & FIN) this.kind |= RECORD_FIN;
    if (opcode === Opcode.Text) this.kind |= RECORD_TEXT;
    return true;
  }
}
