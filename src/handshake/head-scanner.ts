// `HeadScanner` finds the lines of an HTTP/1.1 head in bytes, once and without a string (RFC 7230 3).
import { isTokenByte } from '../extensions/token.js';
import { MAX_FIELDS, MAX_HEAD_LENGTH } from '../spec/limits.js';

/** Why a head is refused: a text, and the status of a server's answer. */
export interface HeadError {
  readonly status: number;
  readonly message: string;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const DELETE = 0x7f;

const BAD_CHARACTER: HeadError = { status: 400, message: 'Invalid character in head' };
const BAD_FIELD: HeadError = { status: 400, message: 'Invalid header field' };
const TOO_LONG: HeadError = { status: 431, message: 'Head too long' };
const TOO_MANY: HeadError = { status: 431, message: 'Too many header fields' };

/** Judges the start line, which is in `bytes` from `from` to `to`. */
export type JudgeStart = (bytes: Uint8Array, from: number, to: number) => HeadError | undefined;

/** The numbers in `ranges` for each field: the start and end of its name and of its value. */
export const RANGE = 4;

/** One pass over a head that grows at its end. All places are indices into the bytes of the last call of `scan`. */
export class HeadScanner {
  /** Places of the fields, `RANGE` numbers each, in the order of the wire. */
  readonly ranges: number[] = [];
  /** The end of the start line. */
  startEnd = -1;
  /** The end of the scanned bytes; of the head, once it is whole. */
  at: number;
  /** All bytes of the head, combined by OR: below 0x80 they are ASCII. */
  bits = 0;
  private lineStart: number;
  private afterCr = false;

  constructor(
    readonly from: number,
    private readonly judgeStart: JudgeStart,
  ) {
    this.at = this.lineStart = from;
  }

  /**
   * Scans the bytes up to `end` that it has not seen yet.
   * @param bytes the head from its first byte at `from`; the bytes seen before are unchanged
   * @returns true for a whole head, false where it continues, or why it is refused
   */
  scan(bytes: Uint8Array, end: number): boolean | HeadError {
    const limit = Math.min(end, this.from + MAX_HEAD_LENGTH);
    let { at, bits, afterCr } = this;
    while (at < limit) {
      const byte = bytes[at++];
      bits |= byte;
      if (afterCr) {
        // RFC 7230 3.5, 9.5: a bare CR or LF ends no line, so that no other reader can see other lines than this one
        if (byte !== LF) return BAD_CHARACTER;
        afterCr = false;
        const isLast = this.lineStart === at - 2 && this.startEnd !== -1;
        const error = isLast ? undefined : this.takeLine(bytes, at - 2);
        if (error !== undefined) return error;
        this.lineStart = this.at = at;
        this.bits = bits;
        if (isLast) return true;
      } else if (byte < SPACE || byte === DELETE) {
        if (byte === CR) afterCr = true;
        else if (byte !== TAB) return BAD_CHARACTER;
      }
    }
    this.at = at;
    this.bits = bits;
    this.afterCr = afterCr;
    return end > limit ? TOO_LONG : false;
  }

  private takeLine(bytes: Uint8Array, end: number): HeadError | undefined {
    if (this.startEnd !== -1) return this.takeField(bytes, end);
    this.startEnd = end;
    return this.judgeStart(bytes, this.from, end);
  }

  private takeField(bytes: Uint8Array, end: number): HeadError | undefined {
    const { lineStart, ranges } = this;
    let colon = lineStart;
    while (isTokenByte(bytes[colon])) colon++;
    // RFC 7230 3.2.4: no blank before the colon, and no folded line, which would begin with a blank
    if (colon === lineStart || bytes[colon] !== COLON) return BAD_FIELD;
    if (ranges.length === RANGE * MAX_FIELDS) return TOO_MANY;
    let from = colon + 1;
    let to = end;
    while (from < to && isBlank(bytes[from])) from++;
    while (to > from && isBlank(bytes[to - 1])) to--;
    ranges.push(lineStart, colon, from, to);
    return undefined;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
