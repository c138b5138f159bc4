// `PageRows` keeps the latest rows of the page of `wsimd proxy`, with all that a row tells when it is opened.
import { excerpt } from '../../conformance/recorder.js';
import { visibleText } from '../../conformance/report/visible.js';
import { number as running, wireLine, type WireLine } from '../../conformance/report/wire-log.js';
import type { WireLogRow } from '../../conformance/result.js';
import { hexDump } from '../tool/show.js';
import { isControl, textIn, type Frame, type Heads, type Message, type Side } from '../traffic/frame.js';
import { wordsOfFrame } from '../traffic/words.js';
import type { Passing } from './watch.js';

/** How many rows are kept, and how many bytes of content with them. */
const MOST_ROWS = 5000;
const MOST_BYTES: number = 64 * 1024 * 1024;
/** So many rows that are not kept any more may be in memory still. */
const MOST_GONE = 500;
/** How much of a content is shown, in bytes. */
const SHOWN_TEXT: number = 1024 * 1024;
const SHOWN_HEX: number = 16 * 1024;
/** The most characters of a row's preview. */
const PREVIEW = 300;

/** A row as the page gets it. */
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
  /** The rule that is broken. */
  readonly fault?: string;
  /** Whether the frame stands in the list of messages. */
  readonly isMessage?: boolean;
  /** Its line in the wire log. */
  readonly wire?: WireLine;
}

/** The parts of a row that are made when the page is open. */
type RowParts = Omit<Row, 'id' | 'connection' | 'time'>;

/** A row that is made when the page is open, and its content. */
class Kept {
  private made: Row | undefined;

  constructor(
    readonly id: number,
    private readonly connection: number,
    private readonly time: number,
    private readonly make: () => RowParts,
    readonly data: Uint8Array | undefined,
    readonly heads: Heads | undefined,
  ) {}

  get row(): Row {
    const { id, connection, time } = this;
    return (this.made ??= { id, connection, time, ...this.make() });
  }
}

/** All that a row tells when it is opened. */
export interface Detail {
  readonly row: Row;
  /** The content as text, laid out where it is JSON. */
  readonly text?: string;
  readonly hex?: string;
  readonly heads?: Heads;
}

export class PageRows {
  /** The rows, the oldest first, from `start` on; their ids follow each other. */
  private readonly kept: Kept[] = [];
  private start = 0;
  private next = 1;
  private bytesKept = 0;
  private bytesGone = 0;
  private readonly numbers = new WeakMap<Passing, number>();
  private readonly epoch = Date.now() - performance.now();

  /** The last rows, the oldest first. */
  last(count: number): Row[] {
    return this.kept.slice(Math.max(this.start, this.kept.length - count)).map(({ row }) => row);
  }

  opened(connection: Passing, heads: Heads): { readonly row: Row } {
    const make = (): RowParts => {
      const [method, path] = heads.request.split(' ');
      return { what: 'open', text: visibleText(`${method} ${path} from ${connection.peer}`) };
    };
    return this.keep(connection, connection.openedAt, make, undefined, heads);
  }

  frame(connection: Passing, frame: Frame, message: Message | undefined): { readonly row: Row } {
    const number = this.numberOf(connection);
    const make = (): RowParts => {
      const { from, opcode } = frame;
      const { kind, size, preview, fault } = wordsOfFrame(frame, message);
      const isMessage = message !== undefined || isControl(opcode) || frame.fault !== undefined;
      const text = preview.length > PREVIEW ? `${preview.slice(0, PREVIEW)} …` : preview;
      const wire = wireOf(wireRow(frame), number);
      return { what: 'frame', from, kind, size, text, isMessage, wire, ...(fault === '' ? {} : { fault }) };
    };
    return this.keep(connection, frame.time, make, message?.data ?? frame.payload);
  }

  bytes(connection: Passing, from: Side, chunk: Uint8Array, time: number): { readonly row: Row } {
    const number = this.numberOf(connection);
    const bytes = excerpt(chunk);
    const make = (): RowParts => {
      const row: WireLogRow =
        from === 'server' ? { kind: 'octetsReceived', bytes } : { kind: 'octetsSent', bytes, sync: false };
      return { what: 'bytes', from, wire: wireOf(row, number) };
    };
    return this.keep(connection, time, make);
  }

  note(connection: Passing, text: string, what: 'note' | 'end' = 'note'): { readonly row: Row } {
    return this.keep(connection, performance.now(), () => ({ what, text: visibleText(text) }));
  }

  /** All about a row; undefined where it is not kept any more. */
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

  private numberOf(connection: Passing): number {
    const at = this.numbers.get(connection) ?? 0;
    this.numbers.set(connection, at + 1);
    return at;
  }

  private keep(connection: Passing, time: number, make: () => RowParts, data?: Uint8Array, heads?: Heads): Kept {
    const { kept } = this;
    const one = new Kept(this.next++, connection.number, this.epoch + time, make, data, heads);
    kept.push(one);
    this.bytesKept += data?.length ?? 0;
    const isFull = (): boolean => kept.length - this.start > MOST_ROWS || this.bytesKept > MOST_BYTES;
    while (isFull() && this.start < kept.length - 1) {
      const length = kept[this.start++].data?.length ?? 0;
      this.bytesKept -= length;
      this.bytesGone += length;
    }
    // The memory of those that are gone is given back many at a time.
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

/** The row of the wire log: the client's side of it, so that it reads as the report of an examined server does. */
function wireRow(frame: Frame): WireLogRow {
  const { from, opcode, fin, rsv, length, payload, key = null } = frame;
  const shown = { payload: excerpt(payload, length), opcode, fin, rsv, mask: key };
  if (from === 'server') return { kind: 'frameReceived', ...shown };
  return { kind: 'frameSent', ...shown, repeatLength: null, chopSize: null, sync: false };
}

/** Text with its lines, where it is JSON on one line. */
function laidOut(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
