// `TextWindow` makes one string of adjacent short text messages; each message is a slice of it.
import type { Kernels } from '../kernels/kernels.js';
import { Opcode } from '../spec/frame.js';
import {
  RECORD_ASCII,
  RECORD_COMPRESSED,
  RECORD_KIND,
  RECORD_LENGTH,
  RECORD_OFFSET,
  RECORD_OPCODE,
  RECORD_UNCHECKED,
  RECORD_WHOLE,
  RECORD_WORDS,
} from '../spec/record.js';
import type { Values } from '../values/values.js';

/** A window spans at most this many bytes, so that a kept slice pins about as much memory as a Buffer would. */
const WINDOW = 512;

const JUDGED = RECORD_OPCODE | RECORD_WHOLE | RECORD_ASCII | RECORD_UNCHECKED | RECORD_COMPRESSED;
const WHOLE_TEXT = Opcode.Text | RECORD_WHOLE;

/**
 * Making a string costs a call out of JavaScript; a slice does not. Valid while the records keep their places in the
 * kernels' table.
 */
export class TextWindow {
  private string = '';
  /** `string` holds the text of records [first, end). */
  private first = 0;
  private end = 0;
  /** For ASCII, the start of the string; for other text, the end of each record's code units. */
  private offset = 0;
  private ends: number[] | undefined;

  constructor(
    private readonly kernels: Kernels,
    private readonly values: Values,
  ) {}

  /** The text of the valid piece at `record`; with `ascii`, no byte is above 0x7f. */
  text(record: number, recordsEnd: number, ascii: boolean): string {
    if (record >= this.end) this.open(record, recordsEnd);
    const shared = this.slice(record);
    if (shared !== undefined) return shared;
    const { words, bytes } = this.kernels;
    const start = words[record + RECORD_OFFSET];
    return this.values.text(bytes, start, start + words[record + RECORD_LENGTH], ascii);
  }

  /** The text of `record`, where the window that is open covers it. */
  slice(record: number): string | undefined {
    if (record >= this.end) return undefined;
    if (this.ends === undefined) {
      const { words } = this.kernels;
      const at = words[record + RECORD_OFFSET] - this.offset;
      return this.string.slice(at, at + words[record + RECORD_LENGTH]);
    }
    const index = (record - this.first) / RECORD_WORDS;
    return this.string.slice(index === 0 ? 0 : this.ends[index - 1], this.ends[index]);
  }

  /** Drops the window: the records are about to change. */
  close(): void {
    this.end = 0;
    this.string = '';
    this.ends = undefined;
  }

  /** Opens a window where the next record shares one with this. */
  private open(record: number, recordsEnd: number): void {
    const { kernels, values } = this;
    const { words } = kernels;
    const kind = words[record + RECORD_KIND] & JUDGED;
    const isAscii = kind === (WHOLE_TEXT | RECORD_ASCII);
    if (!isAscii && kind !== WHOLE_TEXT) return;
    const decode = isAscii ? values.latin1 : values.utf16;
    if (decode === undefined) return;
    const start = words[record + RECORD_OFFSET];
    // Two messages of this length would not fit.
    if (words[record + RECORD_LENGTH] > WINDOW / 2) return;
    let end = record;
    let stop = start;
    while (end < recordsEnd && (words[end + RECORD_KIND] & JUDGED) === kind) {
      const after = words[end + RECORD_OFFSET] + words[end + RECORD_LENGTH];
      if (after - start > WINDOW) break;
      stop = after;
      end += RECORD_WORDS;
    }
    if (end - record < 2 * RECORD_WORDS) return;
    if (isAscii) {
      // Headers lie between the messages: bytes like others, one code unit each.
      this.offset = start;
      this.ends = undefined;
      this.string = decode(kernels.bytes, start, stop);
    } else {
      const { scratchAddress } = kernels;
      const ends: number[] = [];
      let units = 0;
      for (let at = record; at < end; at += RECORD_WORDS) {
        units += kernels.transcode(words[at + RECORD_OFFSET], words[at + RECORD_LENGTH], scratchAddress + 2 * units);
        ends.push(units);
      }
      this.ends = ends;
      this.string = decode(kernels.bytes, scratchAddress, scratchAddress + 2 * units);
    }
    this.first = record;
    this.end = end;
  }
}
