// `EntryDraft` and `decodeEntry` convert the messages that a tick publishes to one topic to and from one entry of bytes.
import { Buffer } from 'node:buffer';

// | version 1 | origin 8 | number 6 | count 4 | count x (length 30 bits, compress 1 bit, isBinary 1 bit) | payloads |
const VERSION = 1;
const HEAD = 19;
const HEAD_OF_MESSAGE = 4;
export const ORIGIN_BYTES = 8;
const IS_BINARY = 1;
const COMPRESS = 2;

export interface EntryMessage {
  readonly payload: Uint8Array;
  readonly isBinary: boolean;
  /** Whether to compress for subscribers that agreed on it. */
  readonly compress: boolean;
}

export interface Entry {
  /** The publishing process, as hexadecimal digits. */
  readonly origin: string;
  /** Increases with each entry of its origin. */
  readonly number: number;
  readonly messages: readonly EntryMessage[];
}

/** The length of an entry whose messages have these bytes in total. */
export function entryBytes(messages: number, bytes: number): number {
  return HEAD + HEAD_OF_MESSAGE * messages + bytes;
}

const NOTHING = Buffer.alloc(0);

/** The messages of an entry, as they are published. */
export class EntryDraft {
  /** How many bytes the messages have. */
  bytes = 0;
  private readonly words: number[] = [];
  private memory: Buffer = NOTHING;

  /** How many messages there are. */
  get count(): number {
    return this.words.length;
  }

  /** Adds a message, whose bytes are copied. `length` is its own in bytes. */
  add(payload: Uint8Array | string, length: number, isBinary: boolean, compress: boolean): void {
    const { bytes: at } = this;
    const memory = this.reserve(at + length);
    if (typeof payload === 'string') memory.write(payload, at);
    else memory.set(payload, at);
    this.bytes = at + length;
    const flags = (compress ? COMPRESS : 0) | (isBinary ? IS_BINARY : 0);
    this.words.push(((length << 2) | flags) >>> 0);
  }

  /** The entry, in memory of its own. */
  encode(origin: Uint8Array, number: number): Buffer {
    const { words, memory, bytes } = this;
    const entry = Buffer.allocUnsafeSlow(entryBytes(words.length, bytes));
    entry[0] = VERSION;
    entry.set(origin, 1);
    entry.writeUIntLE(number, 9, 6);
    entry.writeUInt32LE(words.length, 15);
    let at = HEAD;
    for (const word of words) at = entry.writeUInt32LE(word, at);
    memory.copy(entry, at, 0, bytes);
    return entry;
  }

  private reserve(length: number): Buffer {
    const { memory } = this;
    if (length <= memory.length) return memory;
    const larger = Buffer.allocUnsafe(Math.max(length, 4 * memory.length));
    memory.copy(larger, 0, 0, this.bytes);
    return (this.memory = larger);
  }
}

/** Undefined for bytes that are not an entry: other programs may publish to the same engine. */
export function decodeEntry(bytes: Uint8Array): Entry | undefined {
  if (bytes.length < HEAD || bytes[0] !== VERSION) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = buffer.readUInt32LE(15);
  let at = HEAD + 4 * count;
  if (at > bytes.length) return undefined;
  const messages: EntryMessage[] = [];
  for (let index = 0; index < count; index++) {
    const word = buffer.readUInt32LE(HEAD + 4 * index);
    const end = at + (word >>> 2);
    if (end > bytes.length) return undefined;
    const payload = buffer.subarray(at, end);
    messages.push({ payload, isBinary: (word & IS_BINARY) !== 0, compress: (word & COMPRESS) !== 0 });
    at = end;
  }
  const origin = buffer.toString('hex', 1, 1 + ORIGIN_BYTES);
  return { origin, number: buffer.readUIntLE(9, 6), messages };
}
