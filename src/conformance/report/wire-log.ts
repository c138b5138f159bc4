// `wireLines` and `wireRows` write the wire log of a case: lines for pages, and rows for JSON.
import { EXCERPT_OCTETS, type CaseResult, type Excerpt, type WireLogRow } from '../result.js';
import { hexOf, JSON_CUT, textOf } from './excerpt.js';
import { pythonLiteral } from './python.js';

/** The most characters of bytes or payload in a line. */
const WRAP = 100;

/** An entry of the log: its head, and its bytes or payload. */
export interface WireLine {
  direction: 'received' | 'sent' | 'local';
  /** The head, which begins with the running number: `007 RX OCTETS: `. */
  head: string;
  /** The lines of the bytes or of the payload. */
  rest: readonly string[];
  /** Whether the rest begins in the head's line, as bytes do, or below it, as a payload does. */
  inline: boolean;
}

/** The log of a page; its last line names the side that dropped TCP. */
export function wireLines(result: Pick<CaseResult, 'wirelog' | 'droppedByMe'>): WireLine[] {
  const lines = result.wirelog.map((row, at) => wireLine(row, number(at)));
  lines.push(local(`${number(lines.length)} TCP DROPPED BY ${result.droppedByMe ? 'ME' : 'PEER'}`));
  return lines;
}

/** The running number of a line, with at least three digits. */
export function number(at: number): string {
  return String(at).padStart(3, '0');
}

/** One line; `nnn` is its running number. */
export function wireLine(row: WireLogRow, nnn: string): WireLine {
  switch (row.kind) {
    case 'octetsReceived':
      return bytes('received', `${nnn} RX OCTETS: `, row.bytes);
    case 'octetsSent':
      return bytes('sent', `${nnn} TX OCTETS: `, row.bytes);
    case 'frameReceived':
      return frame(
        'received',
        `${nnn} RX FRAME : ${frameFields(row)}, MASKED=${pythonLiteral(row.mask !== null)}, MASK=${row.mask ?? 'None'}`,
        row,
      );
    case 'frameSent':
      return frame(
        'sent',
        `${nnn} TX FRAME : ${frameFields(row)}, MASK=${row.mask ?? 'None'}, PAYLOAD-REPEAT-LEN=${pythonLiteral(row.repeatLength)}` +
          `, CHOPSIZE=${pythonLiteral(row.chopSize)}, SYNC=${pythonLiteral(row.sync)}`,
        row,
      );
    case 'delay':
      return local(`${nnn} DELAY ${row.seconds.toFixed(6)} sec for TAG ${row.tag ?? 'None'}`);
    case 'delayOver':
      return local(`${nnn} DELAY TIMEOUT on TAG ${row.tag ?? 'None'}`);
    case 'failAfter':
      return local(`${nnn} FAIL CONNECTION AFTER ${row.seconds.toFixed(6)} sec`);
    case 'failing':
      return local(`${nnn} FAILING CONNECTION`);
    case 'closeAfter':
      return local(`${nnn} CLOSE CONNECTION AFTER ${row.seconds.toFixed(6)} sec`);
    case 'closing':
      return local(`${nnn} CLOSING CONNECTION`);
    case 'wireLog':
      return local(`${nnn} WIRELOG ${row.enabled ? 'ENABLED' : 'DISABLED'}`);
  }
}

interface FrameFields {
  payload: Excerpt;
  opcode: number;
  fin: boolean;
  rsv: number;
}

function frameFields({ payload, opcode, fin, rsv }: FrameFields): string {
  return `OPCODE=${opcode}, FIN=${pythonLiteral(fin)}, RSV=${rsv}, PAYLOAD-LEN=${payload.length}`;
}

function local(head: string): WireLine {
  return { direction: 'local', head, rest: [], inline: false };
}

function bytes(direction: 'received' | 'sent', head: string, shown: Excerpt): WireLine {
  return { direction, head, rest: wrap(hexOf(shown, EXCERPT_OCTETS)), inline: true };
}

const CLOSE_OPCODE = 8;

/** The line of a frame. Of a Close frame it shows only the reason; the closing table has the code, as in the classic page. */
function frame(direction: 'received' | 'sent', head: string, { opcode, payload }: FrameFields): WireLine {
  const shown =
    opcode === CLOSE_OPCODE ? { length: Math.max(0, payload.length - 2), head: payload.head.subarray(2) } : payload;
  return { direction, head, rest: shown.length === 0 ? [] : wrap(textOf(shown, EXCERPT_OCTETS)), inline: false };
}

function wrap(text: string): string[] {
  const characters = Array.from(text);
  const lines: string[] = [];
  for (let at = 0; at < characters.length; at += WRAP) lines.push(characters.slice(at, at + WRAP).join(''));
  return lines;
}

type Cell = string | number | boolean | null | readonly (string | number)[];

/** The log as rows of the classic JSON. */
export function wireRows(log: readonly WireLogRow[]): Cell[][] {
  return log.map(wireRow);
}

function wireRow(row: WireLogRow): Cell[] {
  switch (row.kind) {
    case 'octetsReceived':
      return ['RO', [row.bytes.length, hexOf(row.bytes, JSON_CUT)]];
    case 'octetsSent':
      return ['TO', [row.bytes.length, hexOf(row.bytes, JSON_CUT)], row.sync];
    case 'frameReceived':
      return [
        'RF',
        [row.payload.length, textOf(row.payload, JSON_CUT)],
        row.opcode,
        row.fin,
        row.rsv,
        row.mask !== null,
        row.mask,
      ];
    case 'frameSent':
      return [
        'TF',
        [row.payload.length, textOf(row.payload, JSON_CUT)],
        row.opcode,
        row.fin,
        row.rsv,
        row.mask,
        row.repeatLength,
        row.chopSize,
        row.sync,
      ];
    case 'delay':
      return ['CT', row.seconds, row.tag];
    case 'delayOver':
      return ['CTE', row.tag];
    case 'failAfter':
      return ['KL', row.seconds];
    case 'failing':
      return ['KLE'];
    case 'closeAfter':
      return ['TI', row.seconds];
    case 'closing':
      return ['TIE'];
    case 'wireLog':
      return ['WLM', row.enabled];
  }
}
