// `wordsOfFrame` describes a frame, and the message that it ends, for a line of output.
import { Buffer } from 'node:buffer';
import { Opcode } from '../../sans-io.js';
import { visibleText } from '../../conformance/report/visible.js';
import { explainClose } from '../tool/close-words.js';
import { isControl, kindOf, textIn, type Frame, type Message } from './frame.js';

/** The most bytes of content that a line is made from. */
const LOOK = 1024;
const BYTES_SHOWN = 24;

/** The parts of a frame's line. */
export interface FrameWords {
  /** Such as `text`, or `continuation, ends text of 3 frames`. */
  readonly kind: string;
  /** Such as `5 B`, or `12 B from 7`. */
  readonly size: string;
  /** The beginning of the content, on one line; '' for none. */
  readonly preview: string;
  /** The broken rule; '' for none. */
  readonly fault: string;
}

export function wordsOfFrame(frame: Frame, message: Message | undefined): FrameWords {
  const { opcode, fin, length, payload, fault, came } = frame;
  const broken = fault === undefined ? '' : `${fault.text} (${fault.section})`;
  const words = { kind: kindOf(opcode), size: `${length} B`, preview: '', fault: broken };
  if (isControl(opcode)) {
    words.preview = opcode === Opcode.Close ? closePreview(payload) : previewOf(payload, false);
  } else if (message === undefined) {
    if (!fin) words.kind += ', goes on';
    if (came < length) words.size = `${came} of ${length} B`;
    if (frame.rsv === 0) words.preview = previewOf(payload, opcode === Opcode.Binary);
  } else {
    const { data, isBinary, frames, wireLength, isCompressed } = message;
    if (frames > 1) words.kind += `, ends ${isBinary ? 'binary' : 'text'} of ${frames} frames`;
    if (data === undefined) words.preview = isCompressed ? '(not inflated)' : '';
    else {
      words.size = isCompressed ? `${data.length} B from ${wireLength}` : `${data.length} B`;
      words.preview = previewOf(data, isBinary);
    }
  }
  return words;
}

function closePreview(payload: Uint8Array): string {
  if (payload.length < 2) return '';
  const code = (payload[0] << 8) | payload[1];
  const reason = previewOf(payload.subarray(2), false);
  return `${code} (${explainClose(code)})${reason === '' ? '' : `: ${reason}`}`;
}

/** Returns bytes as one line without control characters, in hexadecimal digits if they are not text. */
export function previewOf(data: Uint8Array, isBinary: boolean): string {
  const look = data.subarray(0, LOOK);
  const text = isBinary ? undefined : textIn(data.length > LOOK ? cutAtCharacter(look) : look);
  if (text === undefined) {
    const shown = hexadecimal(look);
    return data.length > BYTES_SHOWN ? `${shown} …` : shown;
  }
  const line = visibleText(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  return data.length > LOOK ? `${line} …` : line;
}

const DIGITS: Uint8Array = Buffer.from('0123456789abcdef');
/** The buffer for pairs of digits with spaces between them. */
const PAIRS = Buffer.alloc(3 * BYTES_SHOWN, ' ');

/** Returns the first bytes in hexadecimal digits. */
function hexadecimal(bytes: Uint8Array): string {
  const count = Math.min(bytes.length, BYTES_SHOWN);
  for (let at = 0; at < count; at++) {
    PAIRS[3 * at] = DIGITS[bytes[at] >> 4];
    PAIRS[3 * at + 1] = DIGITS[bytes[at] & 0xf];
  }
  return PAIRS.toString('latin1', 0, Math.max(0, 3 * count - 1));
}

/** Returns bytes of UTF-8 without an incomplete character at their end. */
function cutAtCharacter(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  for (let back = 1; back <= 4 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      if (needed > back) end = bytes.length - back;
      break;
    }
  }
  return bytes.subarray(0, end);
}
