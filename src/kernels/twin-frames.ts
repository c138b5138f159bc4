// `makeScanFrames` makes the JavaScript twin of assembly/frames.ts, which writes the same records, byte for byte.
import {
  FIN,
  LENGTH_16,
  LENGTH_64,
  LENGTH_BITS,
  MASK,
  MAX_CONTROL_PAYLOAD,
  MAX_HEADER,
  OPCODE_BITS,
  Opcode,
  RSV1,
  RSV_BITS,
} from '../spec/frame.js';
import {
  PHASE_HEADER,
  PHASE_PAYLOAD,
  PHASE_STOPPED,
  RECORD_ASCII,
  RECORD_COMPRESSED,
  RECORD_END,
  RECORD_FIN,
  RECORD_LAST,
  RECORD_OPCODE,
  RECORD_RSV_SHIFT,
  RECORD_START,
  RECORD_TEXT,
  RECORD_UNCHECKED,
  RECORD_VALID,
  RECORD_VIOLATION,
  RECORD_WHOLE,
  RECORD_WORDS,
  SCAN_LEAVE_LONG_TEXT,
  SCAN_RSV,
  SCAN_SERVER,
  SCAN_SKIP_UTF8,
  STATE_HEADER,
  STATE_HELD,
  STATE_KEY,
  STATE_KIND,
  STATE_MESSAGE,
  STATE_MESSAGE_LENGTH,
  STATE_PHASE,
  STATE_RECORDS,
  STATE_REMAINING,
  STATE_UTF8,
  UNCHECKED_FROM,
} from '../spec/record.js';
import { Violation } from '../spec/violation.js';
import type { Kernels } from './kernels.js';
import { writeRecord } from './write-record.js';

const MAX_SIGNED = 0x7fffffff;

/** Makes the twin's `scanFrames` over the memory and the leaf functions of `kernels`. */
export function makeScanFrames(kernels: Omit<Kernels, 'scanFrames'>): Kernels['scanFrames'] {
  const { bytes, words, doubles, stateAddress, recordsAddress, recordCapacity } = kernels;
  const stateWord = stateAddress >>> 2;
  const stateDouble = stateAddress >>> 3;
  const heldHeader = stateAddress + STATE_HEADER;
  const records = recordsAddress >>> 2;
  const recordsEnd = records + recordCapacity * RECORD_WORDS;

  /** Saves the bytes of an unfinished header in the state. */
  function hold(header: number, available: number): number {
    if (header !== heldHeader) bytes.copyWithin(heldHeader, header, header + available);
    return available;
  }

  return function scanFrames(at: number, end: number, config: number, maxPayload: number): number {
    const claimed = config & SCAN_RSV;
    const mustMask = config & SCAN_SERVER ? MASK : 0;
    let record = records;
    let phase = words[stateWord + (STATE_PHASE >>> 2)];
    let held = words[stateWord + (STATE_HELD >>> 2)];
    let message = words[stateWord + (STATE_MESSAGE >>> 2)];
    let messageLength = doubles[stateDouble + (STATE_MESSAGE_LENGTH >>> 3)];
    let utf8 = words[stateWord + (STATE_UTF8 >>> 2)];
    let kind = words[stateWord + (STATE_KIND >>> 2)];
    let key = words[stateWord + (STATE_KEY >>> 2)];
    let remaining = doubles[stateDouble + (STATE_REMAINING >>> 3)];
    let flags = 0;
    let length = 0;
    let violation = Violation.None;
    let detail = 0;

    if (phase === PHASE_STOPPED) at = end;
    while (at < end) {
      if (phase === PHASE_HEADER) {
        if (record === recordsEnd) break;
        // A header that began in an earlier chunk is joined in the state and decoded there.
        let header = at;
        let available = end - at;
        if (held) {
          const more = Math.min(MAX_HEADER - held, available);
          bytes.copyWithin(heldHeader + held, at, at + more);
          header = heldHeader;
          available = held + more;
        }
        if (available < 2) {
          held = hold(header, available);
          at = end;
          break;
        }
        const first = bytes[header];
        const second = bytes[header + 1];
        const opcode = first & OPCODE_BITS;
        const short = second & LENGTH_BITS;
        violation = judgeHeader(first, second, claimed, mustMask, message);
        if (violation) {
          detail = violation === Violation.InvalidControlLength ? short : opcode;
          break;
        }

        let octets = 2;
        length = short;
        if (short >= LENGTH_16) {
          octets = short === LENGTH_16 ? 4 : 10;
          if (available < octets) {
            held = hold(header, available);
            at = end;
            break;
          }
          length = 0;
          for (let i = 2; i < octets; i++) length = length * 256 + bytes[header + i];
          // RFC 6455 5.2: the most significant bit of a 64-bit length must be 0; numbers past 2^53 - 1 are not exact.
          if (length > Number.MAX_SAFE_INTEGER) violation = Violation.LengthTooLarge;
          // RFC 6455 5.2: the minimal number of bytes must be used to write the length.
          else if (length < (short === LENGTH_64 ? 0x10000 : LENGTH_16)) violation = Violation.NonMinimalLength;
        }
        if (!violation && opcode < Opcode.Close) {
          if (opcode !== Opcode.Continuation) messageLength = 0;
          // RFC 6455 10.4: the limit counts every fragment, and is judged before any payload is taken in.
          if (messageLength + length > maxPayload) violation = Violation.MessageTooBig;
        }
        if (violation) {
          detail = length | 0;
          break;
        }
        if (mustMask) {
          if (available < octets + 4) {
            held = hold(header, available);
            at = end;
            break;
          }
          const k = header + octets;
          key = bytes[k] | (bytes[k + 1] << 8) | (bytes[k + 2] << 16) | (bytes[k + 3] << 24);
          octets += 4;
        } else {
          key = 0;
        }
        at += octets - held;
        held = 0;

        kind = RECORD_VALID | opcode | ((first & RSV_BITS) << RECORD_RSV_SHIFT);
        if (first & FIN) kind |= RECORD_FIN;
        if (opcode < Opcode.Close) {
          if (opcode !== Opcode.Continuation) {
            message = RECORD_VALID;
            if (opcode === Opcode.Text) message |= RECORD_TEXT;
            if (first & claimed & RSV1) message |= RECORD_COMPRESSED;
            utf8 = 0;
          }
          kind |= message;
          messageLength += length;
        }
        remaining = length;
        phase = PHASE_PAYLOAD;
        flags = kind | RECORD_START;
      } else {
        flags = kind;
        length = 0;
      }

      // The payload, as far as the chunk has it.
      const piece = Math.min(remaining, end - at);
      remaining -= piece;
      if (remaining === 0) flags |= RECORD_END;
      if (key) kernels.mask(at, piece, key);
      // Text is validated as it arrives, unless it is compressed.
      if ((flags & (RECORD_TEXT | RECORD_COMPRESSED)) === RECORD_TEXT && !(config & SCAN_SKIP_UTF8)) {
        if (utf8 === 0 && isAscii(bytes, at, at + piece)) {
          flags |= RECORD_ASCII;
        } else if ((flags & RECORD_WHOLE) === RECORD_WHOLE && (flags & RECORD_OPCODE) === Opcode.Text) {
          if (config & SCAN_LEAVE_LONG_TEXT && piece >= UNCHECKED_FROM) flags |= RECORD_UNCHECKED;
          // RFC 6455 8.1: text that is not UTF-8 fails the connection.
          else if (!kernels.isUtf8(at, piece)) violation = Violation.InvalidUtf8;
        } else {
          utf8 = kernels.continueUtf8(at, piece, utf8);
          if (utf8 < 0 || (utf8 !== 0 && (flags & RECORD_LAST) === RECORD_LAST)) violation = Violation.InvalidUtf8;
        }
        if (violation) break;
      }

      record = writeRecord(words, record, flags, at, piece, Math.min(length, MAX_SIGNED));
      at += piece;

      if (remaining === 0) {
        phase = PHASE_HEADER;
        const opcode = flags & RECORD_OPCODE;
        if (opcode < Opcode.Close) {
          if (flags & RECORD_FIN) message = 0;
        } else if (opcode === Opcode.Close) {
          // RFC 6455 5.5.1: nothing follows a Close frame.
          phase = PHASE_STOPPED;
          at = end;
        }
      } else {
        const turn = (piece & 3) << 3;
        if (turn) key = (key >>> turn) | (key << (32 - turn));
      }
    }

    if (violation) {
      record = writeRecord(words, record, RECORD_VIOLATION, at, detail, violation);
      phase = PHASE_STOPPED;
      at = end;
    }
    words[stateWord + (STATE_PHASE >>> 2)] = phase;
    words[stateWord + (STATE_HELD >>> 2)] = held;
    words[stateWord + (STATE_MESSAGE >>> 2)] = message;
    doubles[stateDouble + (STATE_MESSAGE_LENGTH >>> 3)] = messageLength;
    words[stateWord + (STATE_UTF8 >>> 2)] = utf8;
    words[stateWord + (STATE_KIND >>> 2)] = kind;
    words[stateWord + (STATE_KEY >>> 2)] = key;
    doubles[stateDouble + (STATE_REMAINING >>> 3)] = remaining;
    words[stateWord + (STATE_RECORDS >>> 2)] = (record - records) / RECORD_WORDS;
    return at;
  };
}

/** Whether [at, end) holds no byte above 0x7f. */
function isAscii(bytes: Uint8Array, at: number, end: number): boolean {
  for (; at + 4 <= end; at += 4) {
    if ((bytes[at] | bytes[at + 1] | bytes[at + 2] | bytes[at + 3]) & 0x80) return false;
  }
  for (; at < end; at++) if (bytes[at] & 0x80) return false;
  return true;
}

/** The rule that a header's first two bytes break, given the RSV bits claimed, the role, and the unfinished message. */
function judgeHeader(first: number, second: number, claimed: number, mustMask: number, message: number): Violation {
  // RFC 6455 5.2: RSV bits must be 0 unless an extension has given them a meaning.
  const unclaimed = first & RSV_BITS & ~claimed;
  if (unclaimed) return unclaimed === RSV1 ? Violation.UnexpectedRsv1 : Violation.UnexpectedRsv23;
  const opcode = first & OPCODE_BITS;
  const short = second & LENGTH_BITS;
  switch (opcode) {
    case Opcode.Continuation:
      // RFC 7692 6.1: RSV1 is set on the first frame of a message only.
      if (first & RSV1) return Violation.UnexpectedRsv1;
      // RFC 6455 5.4: a continuation continues a message.
      if (!message) return Violation.InvalidOpcode;
      break;
    case Opcode.Text:
    case Opcode.Binary:
      // RFC 6455 5.4: the fragments of one message are not interleaved with another message.
      if (message) return Violation.InvalidOpcode;
      break;
    case Opcode.Close:
    case Opcode.Ping:
    case Opcode.Pong:
      // RFC 6455 5.5: control frames must not be fragmented.
      if (!(first & FIN)) return Violation.ExpectedFin;
      // RFC 7692 6.1: control frames are not compressed.
      if (first & RSV1) return Violation.UnexpectedRsv1;
      // RFC 6455 5.5: control frames carry at most 125 bytes. 5.5.1: the payload of a Close starts with a 2-byte code.
      if (short > MAX_CONTROL_PAYLOAD || (opcode === Opcode.Close && short === 1))
        return Violation.InvalidControlLength;
      break;
    default:
      // RFC 6455 5.2: an unknown opcode fails the connection.
      return Violation.InvalidOpcode;
  }
  // RFC 6455 5.1: a client masks every frame, a server none.
  if ((second & MASK) !== mustMask) return mustMask ? Violation.ExpectedMask : Violation.UnexpectedMask;
  return Violation.None;
}
