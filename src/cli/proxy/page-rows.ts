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

/** The content of a row. */
interface Content {
  readonly row: Row;
  readonly data: Uint8Array | undefined;
  readonly heads: Heads | undefined;
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
  private readonly contents = new Map<number, Content>();
  private readonly numbers = new WeakMap<Passing, number>();
  private readonly epoch = Date.now() - performance.now();
  private next = 1;
  private kept = 0;

  /** The rows that are kept, the oldest first. */
  get all(): Row[] {
    return [...this.contents.values()].map(({ row }) => row);
  }

  opened(connection: Passing, heads: Heads): Row {
    const [method, path] = heads.request.split(' ');
    const text = visibleText(`${method} ${path} from ${connection.peer}`);
    return this.keep(connection, connection.openedAt, { what: 'open', text }, undefined, heads);
  }

  frame(connection: Passing, frame: Frame, message: Message | undefined): Row {
    const { from, opcode } = frame;
    const { kind, size, preview, fault } = wordsOfFrame(frame, message);
    const data = message?.data ?? frame.payload;
    const isMessage = message !== undefined || isControl(opcode) || frame.fault !== undefined;
    const text = preview.length > PREVIEW ? `${preview.slice(0, PREVIEW)} …` : preview;
    const wire = this.wire(connection, wireRow(frame));
    const row = { what: 'frame', from, kind, size, text, isMessage, wire, ...(fault === '' ? {} : { fault }) } as const;
    return this.keep(connection, frame.time, row, data);
  }

  bytes(connection: Passing, from: Side, chunk: Uint8Array, time: number): Row {
    const bytes = excerpt(chunk);
    const row: WireLogRow =
      from === 'server' ? { kind: 'octetsReceived', bytes } : { kind: 'octetsSent', bytes, sync: false };
    return this.keep(connection, time, { what: 'bytes', from, wire: this.wire(connection, row) });
  }

  note(connection: Passing, text: string, what: 'note' | 'end' = 'note'): Row {
    return this.keep(connection, performance.now(), { what, text: visibleText(text) });
  }

  /** All about a row; undefined where it is not kept any more. */
  detail(id: number): Detail | undefined {
    const content = this.contents.get(id);
    if (content === undefined) return undefined;
    const { row, data, heads } = content;
    if (heads !== undefined) return { row, heads };
    if (data === undefined) return { row };
    const text = textIn(data.subarray(0, SHOWN_TEXT));
    return {
      row,
      ...(text === undefined || data.length === 0 ? {} : { text: visibleText(laidOut(text)) }),
      hex: hexDump(data.subarray(0, SHOWN_HEX)) + (data.length > SHOWN_HEX ? '\n…' : ''),
    };
  }

  private wire(connection: Passing, row: WireLogRow): WireLine {
    const at = this.numbers.get(connection) ?? 0;
    this.numbers.set(connection, at + 1);
    const line = wireLine(row, running(at));
    return { ...line, head: visibleText(line.head), rest: line.rest.map(visibleText) };
  }

  private keep(
    connection: Passing,
    time: number,
    row: Omit<Row, 'id' | 'connection' | 'time'>,
    data?: Uint8Array,
    heads?: Heads,
  ): Row {
    const id = this.next++;
    const whole: Row = { id, connection: connection.number, time: this.epoch + time, ...row };
    this.contents.set(id, { row: whole, data, heads });
    this.kept += data?.length ?? 0;
    for (const [oldest, { data: content }] of this.contents) {
      if (this.contents.size <= MOST_ROWS && (this.kept <= MOST_BYTES || oldest === id)) break;
      this.contents.delete(oldest);
      this.kept -= content?.length ?? 0;
    }
    return whole;
  }
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
