// `scanFrames` turns the bytes of a chunk into frame records in one call: it judges headers, unmasks payloads,
// validates text. It assumes 64 bytes of slack after `end`, and writes only payload bytes, the records and the state.
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
} from '../src/spec/frame';
import {
  PHASE_HEADER,
  PHASE_PAYLOAD,
  PHASE_STOPPED,
  RECORD_ASCII,
  RECORD_BYTES,
  RECORD_COMPRESSED,
  RECORD_END,
  RECORD_EXTRA,
  RECORD_FIN,
  RECORD_KIND,
  RECORD_LAST,
  RECORD_LENGTH,
  RECORD_OFFSET,
  RECORD_OPCODE,
  RECORD_RSV_SHIFT,
  RECORD_START,
  RECORD_TEXT,
  RECORD_UNCHECKED,
  RECORD_VALID,
  RECORD_VIOLATION,
  RECORD_WHOLE,
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
} from '../src/spec/record';
import { Violation } from '../src/spec/violation';
import { judgeHeader } from './judge';
import { maskAndFindAscii, mask, maskShortAndFindAscii } from './mask';
import { RECORD_CAPACITY, recordsAddress, stateAddress } from './memory';
import { continueUtf8, isAscii, isUtf8 } from './utf8';

const MAX_LENGTH: u64 = (1 << 53) - 1;

/**
 * Walks the frames in [at, end) for the connection whose decoder state lies at the state address.
 * @param config SCAN_* flags
 * @param maxPayload the longest message allowed, in bytes, at most 2^53 - 1
 * @returns the address after the last byte taken in: `end`, or less when the record table is full
 */
export function scanFrames(at: usize, end: usize, config: i32, maxPayload: f64): usize {
  const state = stateAddress();
  const records = recordsAddress();
  const recordsEnd = records + <usize>RECORD_CAPACITY * RECORD_BYTES;
  const limit = <u64>maxPayload;
  const claimed = config & SCAN_RSV;
  const mustMask = config & SCAN_SERVER ? MASK : 0;
  let record = records;
  let phase = load<i32>(state, STATE_PHASE);
  let held: usize = <usize>load<i32>(state, STATE_HELD);
  let message = load<i32>(state, STATE_MESSAGE);
  let messageLength = <u64>load<f64>(state, STATE_MESSAGE_LENGTH);
  let utf8 = load<i32>(state, STATE_UTF8);
  let kind = load<i32>(state, STATE_KIND);
  let key = load<i32>(state, STATE_KEY);
  let remaining = <u64>load<f64>(state, STATE_REMAINING);
  let flags: i32 = 0;
  let length: u64 = 0;
  let violation: i32 = Violation.None;
  let detail: i32 = 0;

  const judgesText = !(config & SCAN_SKIP_UTF8);
  const shortLimit = <i32>min<u64>(limit, 0xffff);
  if (phase == PHASE_STOPPED) at = end;
  while (at < end) {
    if (phase == PHASE_HEADER) {
      // Most frames: a whole message without RSV bits, entirely in the chunk. The state remembers nothing of it, and
      // any other frame is left to the code below, which finds the violation.
      if (!message && !held) {
        while (at + MAX_HEADER <= end && record < recordsEnd) {
          const two = <i32>load<u16>(at);
          const opcode = (two & 0xff) ^ FIN;
          if (<u32>(opcode - Opcode.Text) > 1 || ((two >> 8) & MASK) != mustMask) break;
          let short = (two >> 8) & LENGTH_BITS;
          let payload = at + 2;
          if (short >= LENGTH_16) {
            if (short > LENGTH_16) break;
            short = <i32>bswap<u16>(load<u16>(at, 2));
            if (short < LENGTH_16) break;
            payload += 2;
          }
          if (mustMask) {
            key = load<i32>(payload);
            payload += 4;
          }
          if (short > shortLimit || payload + short > end) break;
          flags = RECORD_WHOLE | RECORD_VALID | opcode;
          if (opcode == Opcode.Text) {
            flags |= RECORD_TEXT;
            if (judgesText) {
              if (mustMask ? maskShortAndFindAscii(payload, short, key) : isAscii(payload, short)) {
                flags |= RECORD_ASCII;
              } else if (config & SCAN_LEAVE_LONG_TEXT && short >= UNCHECKED_FROM) {
                flags |= RECORD_UNCHECKED;
              } else if (!isUtf8(payload, short)) {
                // RFC 6455 8.1: text that is not UTF-8 fails the connection.
                violation = Violation.InvalidUtf8;
                at = payload;
                break;
              }
            } else if (mustMask) {
              maskShortAndFindAscii(payload, short, key);
            }
          } else if (mustMask) {
            maskShortAndFindAscii(payload, short, key);
          }
          record = writeRecord(record, flags, payload, short, short);
          at = payload + short;
        }
        if (violation || at == end) break;
      }
      if (record == recordsEnd) break;
      // A header that began in an earlier chunk is put together in the state and decoded there.
      let header = at;
      let available = end - at;
      if (held) {
        const more = min<usize>(<usize>MAX_HEADER - held, available);
        memory.copy(state + STATE_HEADER + held, at, more);
        header = state + STATE_HEADER;
        available = held + more;
      }
      if (available < 2) {
        held = hold(state, header, available);
        at = end;
        break;
      }
      const first = <i32>load<u8>(header);
      const second = <i32>load<u8>(header, 1);
      const opcode = first & OPCODE_BITS;
      const short = second & LENGTH_BITS;
      violation = judgeHeader(first, second, claimed, mustMask, message);
      if (violation) {
        detail = violation == Violation.InvalidControlLength ? short : opcode;
        break;
      }

      let octets: usize = 2;
      length = <u64>short;
      if (short >= LENGTH_16) {
        octets = short == LENGTH_16 ? 4 : 10;
        if (available < octets) {
          held = hold(state, header, available);
          at = end;
          break;
        }
        length = short == LENGTH_16 ? <u64>bswap<u16>(load<u16>(header, 2)) : bswap<u64>(load<u64>(header, 2));
        // RFC 6455 5.2: the most significant bit of a 64-bit length must be 0; numbers past 2^53 - 1 are not exact.
        if (length > MAX_LENGTH) violation = Violation.LengthTooLarge;
        // RFC 6455 5.2: the minimal number of bytes must be used to write the length.
        else if (length < (short == LENGTH_16 ? LENGTH_16 : 0x10000)) violation = Violation.NonMinimalLength;
      }
      if (!violation && opcode < Opcode.Close) {
        if (opcode != Opcode.Continuation) messageLength = 0;
        // RFC 6455 10.4: the limit counts every fragment, and is judged before any payload is taken in.
        if (messageLength + length > limit) violation = Violation.MessageTooBig;
      }
      if (violation) {
        detail = <i32>length;
        break;
      }
      if (mustMask) {
        if (available < octets + 4) {
          held = hold(state, header, available);
          at = end;
          break;
        }
        key = load<i32>(header + octets);
        octets += 4;
      } else {
        key = 0;
      }
      at += octets - held;
      held = 0;

      kind = RECORD_VALID | opcode | ((first & RSV_BITS) << RECORD_RSV_SHIFT);
      if (first & FIN) kind |= RECORD_FIN;
      if (opcode < Opcode.Close) {
        if (opcode != Opcode.Continuation) {
          message = RECORD_VALID;
          if (opcode == Opcode.Text) message |= RECORD_TEXT;
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

    // The payload, as much of it as the chunk has.
    const piece = <usize>min<u64>(remaining, <u64>(end - at));
    remaining -= <u64>piece;
    if (remaining == 0) flags |= RECORD_END;
    if (isJudgedText(flags, config)) {
      const ascii = key ? maskAndFindAscii(at, <i32>piece, key) : isAscii(at, <i32>piece);
      if (ascii && utf8 == 0) {
        flags |= RECORD_ASCII;
      } else if ((flags & RECORD_WHOLE) == RECORD_WHOLE && (flags & RECORD_OPCODE) == Opcode.Text) {
        if (config & SCAN_LEAVE_LONG_TEXT && piece >= <usize>UNCHECKED_FROM) flags |= RECORD_UNCHECKED;
        // RFC 6455 8.1: text that is not UTF-8 fails the connection.
        else if (!isUtf8(at, <i32>piece)) violation = Violation.InvalidUtf8;
      } else {
        // Deviation from ws (D10): fragments are judged as they come; ws judges the whole message at its end.
        utf8 = continueUtf8(at, <i32>piece, utf8);
        if (utf8 < 0 || (utf8 != 0 && (flags & RECORD_LAST) == RECORD_LAST)) violation = Violation.InvalidUtf8;
      }
      if (violation) break;
    } else if (key) {
      mask(at, <i32>piece, key);
    }

    record = writeRecord(record, flags, at, <i32>piece, <i32>min<u64>(length, <u64>i32.MAX_VALUE));
    at += piece;

    if (remaining == 0) {
      phase = PHASE_HEADER;
      const opcode = flags & RECORD_OPCODE;
      if (opcode < Opcode.Close) {
        if (flags & RECORD_FIN) message = 0;
      } else if (opcode == Opcode.Close) {
        // RFC 6455 5.5.1: nothing follows a Close frame.
        phase = PHASE_STOPPED;
        at = end;
      }
    } else {
      key = rotr<i32>(key, ((<i32>piece) & 3) << 3);
    }
  }

  if (violation) {
    // A continued piece and a header both leave room: the table is checked before each header.
    record = writeRecord(record, RECORD_VIOLATION, at, detail, violation);
    phase = PHASE_STOPPED;
    at = end;
  }
  store<i32>(state, phase, STATE_PHASE);
  store<i32>(state, <i32>held, STATE_HELD);
  store<i32>(state, message, STATE_MESSAGE);
  store<f64>(state, <f64>messageLength, STATE_MESSAGE_LENGTH);
  store<i32>(state, utf8, STATE_UTF8);
  store<i32>(state, kind, STATE_KIND);
  store<i32>(state, key, STATE_KEY);
  store<f64>(state, <f64>remaining, STATE_REMAINING);
  store<i32>(state, <i32>((record - records) / RECORD_BYTES), STATE_RECORDS);
  return at;
}

/** Writes a record (`src/spec/record.ts`), and returns where the next one goes. */
// @ts-ignore: asc knows decorators of functions
@inline
function writeRecord(record: usize, kind: i32, offset: usize, length: i32, extra: i32): usize {
  store<i32>(record, kind, RECORD_KIND << 2);
  store<i32>(record, <i32>offset, RECORD_OFFSET << 2);
  store<i32>(record, length, RECORD_LENGTH << 2);
  store<i32>(record, extra, RECORD_EXTRA << 2);
  return record + RECORD_BYTES;
}

/** Whether the piece belongs to text that can be validated as it comes. */
function isJudgedText(flags: i32, config: i32): bool {
  return (flags & (RECORD_TEXT | RECORD_COMPRESSED)) == RECORD_TEXT && !(config & SCAN_SKIP_UTF8);
}

/** Keeps the bytes of an unfinished header in the state. */
function hold(state: usize, header: usize, available: usize): usize {
  if (header != state + STATE_HEADER) memory.copy(state + STATE_HEADER, header, available);
  return available;
}
