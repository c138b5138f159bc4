// What a soak message says about itself, and the ledger of one direction of one connection: which message came, which did not.
import { crc32 } from 'node:zlib';

/** Connection, sequence number, length of the body and its CRC-32, as eight hexadecimal digits each. */
export const HEAD = 32;

const BODIES = Buffer.from(
  'Съешь же ещё этих мягких французских булок, да выпей чаю. 漢字 😀 plain ASCII. '.repeat(4096),
);

/** The bytes of a message; its body begins and ends at a character, so that it can be sent as text. */
export function makeMessage(connection, sequence, length) {
  const start = border(((sequence * 7919 + connection * 104729) >>> 0) % 4096);
  const body = BODIES.subarray(start, border(start + length));
  const message = Buffer.allocUnsafe(HEAD + body.length);
  const head = [connection, sequence, body.length, crc32(body)].map((number) => number.toString(16).padStart(8, '0'));
  message.latin1Write(head.join(''), 0);
  message.set(body, HEAD);
  return message;
}

function border(at) {
  while ((BODIES[at] & 0xc0) === 0x80) at++;
  return at;
}

/** @returns connection and sequence number, or undefined when any byte of the message is wrong */
export function readMessage(octets) {
  if (octets.length < HEAD) return undefined;
  const [connection, sequence, length, crc] = [0, 8, 16, 24].map((at) => parseInt(octets.latin1Slice(at, at + 8), 16));
  const body = octets.subarray(HEAD);
  return body.length === length && crc32(body) === crc ? { connection, sequence } : undefined;
}

/** Counts of everything that must not happen; `add` joins the counts of several ledgers. */
export class Faults {
  lost = 0;
  duplicated = 0;
  reordered = 0;
  corrupted = 0;
  /** Healthy connections that ended otherwise than by the client's Close. */
  broken = 0;

  add(other) {
    for (const name of Object.keys(other)) this[name] += other[name];
  }
  /** The counts as plain data. */
  get counts() {
    return Object.fromEntries(Object.entries(this));
  }
  get total() {
    return Object.values(this).reduce((sum, count) => sum + count, 0);
  }
}

/** Follows one direction of one connection. */
export class Ledger {
  expected = 0;
  missing = new Set();

  constructor(connection, faults) {
    this.connection = connection;
    this.faults = faults;
  }

  receive(octets) {
    const message = readMessage(octets);
    if (message === undefined || message.connection !== this.connection) {
      this.faults.corrupted++;
    } else if (message.sequence >= this.expected) {
      for (; this.expected < message.sequence; this.expected++) {
        this.missing.add(this.expected);
        this.faults.lost++;
      }
      this.expected++;
    } else if (this.missing.delete(message.sequence)) {
      this.faults.lost--;
      this.faults.reordered++;
    } else {
      this.faults.duplicated++;
    }
  }

  /** Says how many messages were sent, once no more can come. */
  end(sent) {
    this.faults.lost += sent - this.expected;
  }
}
