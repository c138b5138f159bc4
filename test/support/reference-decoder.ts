// A slow and obvious receiver, written from RFC 6455 sections 5 to 8 and from nothing else: it turns a whole string of
// bytes into the events that they mean. It reads from the first byte each time, so no cut in the stream can confuse it.
import { Violation } from '../../src/spec/violation.js';
import { mayBeSent } from './close-codes.js';
import type { Decoder } from './feeder.js';
import { fails, hex, type ReceiverOptions, type WireEvent } from './events.js';
import { naiveMask } from './naive/mask.js';
import { naiveUtf8State } from './naive/utf8.js';

/** A message whose last fragment has not arrived. */
interface OpenMessage {
  text: boolean;
  compressed: boolean;
  parts: Uint8Array[];
  /** What the headers of its frames have announced so far, in bytes. */
  announced: bigint;
  utf8: number;
}

/** The two bytes that every header begins with (RFC 6455 5.2). */
interface FirstOctets {
  fin: boolean;
  rsv1: boolean;
  rsv2: boolean;
  rsv3: boolean;
  opcode: number;
  masked: boolean;
  /** The payload length, or 126 or 127 where an extended length follows. */
  length7: number;
}

/** Everything that `wire` means to a receiver that has read no more than it. */
export function decodeReference(wire: Uint8Array, options: ReceiverOptions): WireEvent[] {
  const { role, skipUtf8 = false } = options;
  const longestMessage = Math.min(options.maxPayload ?? Infinity, Number.MAX_SAFE_INTEGER);
  const events: WireEvent[] = [];
  let message: OpenMessage | undefined;
  let at = 0;

  while (wire.length >= at + 2) {
    const frame = readFirstOctets(wire[at], wire[at + 1]);
    const isControl = frame.opcode >= 8;
    const disorder = judgeFirstOctets(frame, message !== undefined, options);
    if (disorder !== Violation.None) {
      return [...events, fails(disorder)];
    }
    at += 2;

    const extended = frame.length7 === 126 ? 2 : frame.length7 === 127 ? 8 : 0;
    if (wire.length < at + extended) {
      return events;
    }
    const length = extended === 0 ? BigInt(frame.length7) : bigEndian(wire.subarray(at, at + extended));
    const badLength = judgeLength(length, extended);
    if (badLength !== Violation.None) {
      return [...events, fails(badLength)];
    }
    at += extended;

    if (!isControl) {
      // 5.4: the first frame says what the message is; continuations only add to it.
      message ??= { text: frame.opcode === 1, compressed: frame.rsv1, parts: [], announced: 0n, utf8: 0 };
      message.announced += length;
      // 10.4: the limit holds for the message after reassembly, and is judged before the payload arrives. A message that
      // JavaScript cannot count is over any limit.
      if (message.announced > longestMessage) {
        return [...events, fails(Violation.MessageTooBig)];
      }
    }

    let key = 0;
    if (role === 'server') {
      if (wire.length < at + 4) {
        return events;
      }
      key = littleEndian(wire.subarray(at, at + 4));
      at += 4;
    }

    const isWhole = BigInt(wire.length - at) >= length;
    const end = isWhole ? at + Number(length) : wire.length;
    const payload = naiveMask(wire.subarray(at, end), key);
    at = end;

    if (isControl) {
      if (!isWhole) {
        return events;
      }
      const event = controlEvent(frame.opcode, payload, skipUtf8);
      events.push(event);
      if (event.type === 'close' || event.type === 'violation') {
        // 5.5.1, 7.1.7: nothing after a Close, or after a violation, is looked at.
        return events;
      }
    } else if (message !== undefined) {
      message.parts.push(payload);
      const isEnd = isWhole && frame.fin;
      if (message.text && !message.compressed && !skipUtf8) {
        message.utf8 = naiveUtf8State(payload, message.utf8);
        // 8.1: bytes that cannot be UTF-8 fail the connection where they stand; so does a message that ends inside a character.
        if (message.utf8 === -1 || (isEnd && message.utf8 !== 0)) {
          return [...events, fails(Violation.InvalidUtf8)];
        }
      }
      if (isEnd) {
        const { text, compressed, parts } = message;
        events.push({ type: 'message', text, compressed, data: hex(Buffer.concat(parts)) });
        message = undefined;
      }
    }
  }
  return events;
}

/** The reference decoder as something that a feeder can play to. */
export function referenceDecoder(options: ReceiverOptions): Decoder {
  const chunks: Uint8Array[] = [];
  return {
    feed: (chunk) => void chunks.push(chunk),
    events: () => decodeReference(Buffer.concat(chunks), options),
  };
}

// 5.2
function readFirstOctets(first: number, second: number): FirstOctets {
  return {
    fin: (first & 0b1000_0000) !== 0,
    rsv1: (first & 0b0100_0000) !== 0,
    rsv2: (first & 0b0010_0000) !== 0,
    rsv3: (first & 0b0001_0000) !== 0,
    opcode: first & 0b0000_1111,
    masked: (second & 0b1000_0000) !== 0,
    length7: second & 0b0111_1111,
  };
}

/** The order of the questions is that of `ws`, so that a frame with two faults gets the same error from both. */
function judgeFirstOctets(frame: FirstOctets, isMessageOpen: boolean, { role, rsv = 0 }: ReceiverOptions): Violation {
  // 5.2: a reserved bit is zero unless an extension has given it a meaning.
  if ((frame.rsv2 && (rsv & 0x20) === 0) || (frame.rsv3 && (rsv & 0x10) === 0)) {
    return Violation.UnexpectedRsv23;
  }
  if (frame.rsv1 && (rsv & 0x40) === 0) {
    return Violation.UnexpectedRsv1;
  }
  const disorder = judgeOpcode(frame, isMessageOpen);
  if (disorder !== Violation.None) {
    return disorder;
  }
  // 5.1: a client masks all of its frames, a server none.
  if (role === 'server' && !frame.masked) {
    return Violation.ExpectedMask;
  }
  if (role === 'client' && frame.masked) {
    return Violation.UnexpectedMask;
  }
  return Violation.None;
}

function judgeOpcode({ fin, rsv1, opcode, length7 }: FirstOctets, isMessageOpen: boolean): Violation {
  switch (opcode) {
    case 0x0:
      // RFC 7692 6: only the first frame of a message says that it is compressed.
      if (rsv1) {
        return Violation.UnexpectedRsv1;
      }
      // 5.4: a continuation needs a message to go on with.
      return isMessageOpen ? Violation.None : Violation.InvalidOpcode;
    case 0x1:
    case 0x2:
      // 5.4: the fragments of one message are not interleaved with those of another.
      return isMessageOpen ? Violation.InvalidOpcode : Violation.None;
    case 0x8:
    case 0x9:
    case 0xa:
      // 5.5: a control frame is one frame,
      if (!fin) {
        return Violation.ExpectedFin;
      }
      // RFC 7692 6: never compressed,
      if (rsv1) {
        return Violation.UnexpectedRsv1;
      }
      // 5.5, 5.5.1: at most 125 bytes long; and a Close has no payload or begins it with a code of two bytes.
      return length7 > 125 || (opcode === 0x8 && length7 === 1) ? Violation.InvalidControlLength : Violation.None;
    default:
      // 5.2: 3 to 7 and 11 to 15 are reserved.
      return Violation.InvalidOpcode;
  }
}

/** `extended` is how many bytes of extended length the number was written in: 0, 2 or 8. */
function judgeLength(length: bigint, extended: number): Violation {
  // 5.2: the most significant bit of 64 must be 0; and 2^53 - 1 is as far as JavaScript counts.
  if (length > 2n ** 53n - 1n) {
    return Violation.LengthTooLarge;
  }
  // 5.2: the minimal number of bytes must be used.
  if ((extended === 2 && length <= 125n) || (extended === 8 && length <= 65_535n)) {
    return Violation.NonMinimalLength;
  }
  return Violation.None;
}

function controlEvent(opcode: number, payload: Uint8Array, skipUtf8: boolean): WireEvent {
  if (opcode === 0x9) {
    return { type: 'ping', data: hex(payload) };
  }
  if (opcode === 0xa) {
    return { type: 'pong', data: hex(payload) };
  }
  // 7.1.5: a Close without a code is reported as 1005.
  if (payload.length === 0) {
    return { type: 'close', code: 1005, reason: '' };
  }
  const code = payload[0] * 256 + payload[1];
  const reason = payload.subarray(2);
  if (!mayBeSent(code)) {
    return fails(Violation.InvalidCloseCode);
  }
  // 5.5.1: the reason is UTF-8.
  if (!skipUtf8 && naiveUtf8State(reason) !== 0) {
    return fails(Violation.InvalidUtf8);
  }
  return { type: 'close', code, reason: hex(reason) };
}

function bigEndian(octets: Uint8Array): bigint {
  return octets.reduce((value, octet) => value * 256n + BigInt(octet), 0n);
}

/** A masking key as a number whose lowest byte is the key's first byte. */
function littleEndian([first, second, third, fourth]: Uint8Array): number {
  return first | (second << 8) | (third << 16) | (fourth << 24);
}
