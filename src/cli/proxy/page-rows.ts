// `PageRows` keeps the latest rows for the page of `wsimd proxy`, with the details that an opened row shows.
import { Buffer } from 'node:buffer';
import { excerpt } from '../../conformance/recorder.js';
import { visibleText } from '../../conformance/report/visible.js';
import { number as running, wireLine, type WireLine } from '../../conformance/report/wire-log.js';
import { EXCERPT_OCTETS, type WireLogRow } from '../../conformance/result.js';
import { hexDump } from '../tool/show.js';
import { isControl, textIn, type Frame, type Heads, type Message, type Side } from '../traffic/frame.js';
import { wordsOfFrame } from '../traffic/words.js';
import type { Passing } from './watch.js';

/** The most rows to keep, and the most bytes of their content. */
const MOST_ROWS = 5000;
const MOST_BYTES: number = 64 * 1024 * 1024;
/** The number of discarded rows that may stay in the array. */
const MOST_GONE = 500;
/** The most bytes of content that the details show as text and as hexadecimal digits. */
const SHOWN_TEXT: number = 1024 * 1024;
const SHOWN_HEX: number = 16 * 1024;
/** The most characters of a row's preview. */
const PREVIEW = 300;

/** A row as the page receives it. */
export interface Row {
  readonly id: number;
  readonly connection: number;
  /** In ms since 1970. */
  readonly time: number;
  readonly what: 'open' | 'frame' | 'bytes' | 'note' | 'end';
  readonly from?: Side;
  readonly kind?: string;
  readonly size?: string;
  /** The beginning of the content, or the sentence. */
  readonly text?: string;
  /** The rule that the frame breaks. */
  readonly fault?: string;
  /** Whether the list of messages shows the frame. */
  readonly isMessage?: boolean;
  /** Its line in the wire log. */
  readonly wire?: WireLine;
}

/** The parts of a row that are built only for an open page. */
type RowParts = Omit<Row, 'id' | 'connection' | 'time'>;

/** A kept row, which builds its `Row` only for an open page and stores as little as possible until then. */
abstract class Kept {
  private made: Row | undefined;

  constructor(
    readonly id: number,
    private readonly connection: number,
    private readonly time: number,
  ) {}

  get row(): Row {
    const { id, connection, time } = this;
    return (this.made ??= { id, connection, time, ...this.make() });
  }

  /** The content of the frame or its message. */
  get data(): Uint8Array | undefined {
    return undefined;
  }

  get heads(): Heads | undefined {
    return undefined;
  }

  protected abstract make(): RowParts;
}

class KeptFrame extends Kept {
  constructor(
    id: number,
    connection: number,
    time: number,
    private readonly frame: Frame,
    private readonly message: Message | undefined,
    private readonly number: number,
  ) {
    super(id, connection, time);
  }

  override get data(): Uint8Array {
    return this.message?.data ?? this.frame.payload;
  }

  protected override make(): RowParts {
    const { frame, message, number } = this;
    const { from, opcode } = frame;
    const { kind, size, preview, fault } = wordsOfFrame(frame, message);
    const isMessage = message !== undefined || isControl(opcode) || frame.fault !== undefined;
    const text = preview.length > PREVIEW ? `${preview.slice(0, PREVIEW)} …` : preview;
    const wire = wireOf(wireRow(frame), number);
    return { what: 'frame', from, kind, size, text, isMessage, wire, ...(fault === '' ? {} : { fault }) };
  }
}

class KeptBytes extends Kept {
  constructor(
    id: number,
    connection: number,
    time: number,
    private readonly from: Side,
    private readonly length: number,
    private readonly head: Uint8Array,
    private readonly number: number,
  ) {
    super(id, connection, time);
  }

  protected override make(): RowParts {
    const { from, length, head, number } = this;
    const bytes = { length, head };
    const row: WireLogRow =
      from === 'server' ? { kind: 'octetsReceived', bytes } : { kind: 'octetsSent', bytes, sync: false };
    return { what: 'bytes', from, wire: wireOf(row, number) };
  }
}

class KeptSentence extends Kept {
  constructor(
    id: number,
    connection: number,
    time: number,
    private readonly what: 'open' | 'note' | 'end',
    private readonly text: string,
    private readonly ownHeads?: Heads,
  ) {
    super(id, connection, time);
  }

  override get heads(): Heads | undefined {
    return this.ownHeads;
  }

  protected override make(): RowParts {
    return { what: this.what, text: visibleText(this.text) };
  }
}

/** The details that the page shows of an opened row. */
export interface Detail {
  readonly row: Row;
  /** The content as text, indented if it is JSON. */
  readonly text?: string;
  readonly hex?: string;
  readonly heads?: Heads;
}

export class PageRows {
  /** The rows from index `start` on, the oldest first, with consecutive ids. Those before `start` are discarded. */
  private readonly kept: Kept[] = [];
  private start = 0;
  private next = 1;
  private bytesKept = 0;
  private bytesGone = 0;
  private readonly epoch = Date.now() - performance.now();

  /** Returns the last `count` rows, the oldest first. */
  last(count: number): Row[] {
    return this.kept.slice(Math.max(this.start, this.kept.length - count)).map(({ row }) => row);
  }

  opened(connection: Passing, heads: Heads): { readonly row: Row } {
    const { number, peer, openedAt } = connection;
    const [method, path] = heads.request.split(' ');
    const text = `${method} ${path} from ${peer}`;
    return this.keep(new KeptSentence(this.next++, number, this.epoch + openedAt, 'open', text, heads), 0);
  }

  frame(connection: Passing, frame: Frame, message: Message | undefined): { readonly row: Row } {
    const time = this.epoch + frame.time;
    const line = connection.wireLines++;
    const kept = new KeptFrame(this.next++, connection.number, time, frame, message, line);
    return this.keep(kept, kept.data.length);
  }

  bytes(connection: Passing, from: Side, chunk: Uint8Array, time: number): { readonly row: Row } {
    const { length } = chunk;
    // A chunk with a small buffer is kept uncopied; of others, only the shown bytes are copied.
    const head = chunk.buffer.byteLength <= EXCERPT_OCTETS ? chunk : new Uint8Array(chunk.subarray(0, EXCERPT_OCTETS));
    const line = connection.wireLines++;
    return this.keep(new KeptBytes(this.next++, connection.number, this.epoch + time, from, length, head, line), 0);
  }

  note({ number }: Passing, text: string, what: 'note' | 'end' = 'note'): { readonly row: Row } {
    return this.keep(new KeptSentence(this.next++, number, this.epoch + performance.now(), what, text), 0);
  }

  /** Returns the details of a row, or undefined if it is no longer kept. */
  detail(id: number): Detail | undefined {
    const oldest = this.kept[this.start]?.id ?? id + 1;
    const found = id < oldest ? undefined : this.kept[this.start + id - oldest];
    if (found === undefined) return undefined;
    const { row, data, heads } = found;
    if (heads !== undefined) return { row, heads };
    if (data === undefined) return { row };
    const text = textIn(data.subarray(0, SHOWN_TEXT));
    return {
      row,
      ...(text === undefined || data.length === 0 ? {} : { text: visibleText(laidOut(text)) }),
      hex: hexDump(data.subarray(0, SHOWN_HEX)) + (data.length > SHOWN_HEX ? '\n…' : ''),
    };
  }

  private keep(one: Kept, length: number): Kept {
    const { kept } = this;
    kept.push(one);
    this.bytesKept += length;
    while ((kept.length - this.start > MOST_ROWS || this.bytesKept > MOST_BYTES) && this.start < kept.length - 1) {
      const gone = kept[this.start++].data?.length ?? 0;
      this.bytesKept -= gone;
      this.bytesGone += gone;
    }
    // Discarded rows leave the array many at a time, because each `splice` moves all that remain.
    if (this.start > MOST_GONE || this.bytesGone > MOST_BYTES) {
      kept.splice(0, this.start);
      this.start = this.bytesGone = 0;
    }
    return one;
  }
}

function wireOf(row: WireLogRow, number: number): WireLine {
  const line = wireLine(row, running(number));
  return { ...line, head: visibleText(line.head), rest: line.rest.map(visibleText) };
}

/** Returns the row of the wire log from the client's side, as the report of an examined server shows it. */
function wireRow(frame: Frame): WireLogRow {
  const { from, opcode, fin, rsv, length, payload } = frame;
  const mask = frame.isMasked ? hexOfKey(frame.maskingKey) : null;
  const shown = { payload: excerpt(payload, length), opcode, fin, rsv, mask };
  if (from === 'server') return { kind: 'frameReceived', ...shown };
  return { kind: 'frameSent', ...shown, repeatLength: null, chopSize: null, sync: false };
}

/** Returns a masking key as hexadecimal digits, in the order of its bytes on the wire. */
function hexOfKey(key: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(key);
  return bytes.toString('hex');
}

/** Indents text that is JSON, and returns other text unchanged. */
function laidOut(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
