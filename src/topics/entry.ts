// `encodeEntry` and `decodeEntry` carry the messages that a tick publishes to one topic as one entry of bytes.
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
  /** Whether subscribers that agreed on compression get it compressed. */
  readonly compress: boolean;
}

export interface Entry {
  /** The process that published it, as hexadecimal digits. */
  readonly origin: string;
  /** Rises with each entry of its origin. */
  readonly number: number;
  readonly messages: readonly EntryMessage[];
}

/** How long an entry is with messages of these bytes in all. */
export function entryBytes(messages: number, bytes: number): number {
  return HEAD + HEAD_OF_MESSAGE * messages + bytes;
}

export function encodeEntry(origin: Uint8Array, number: number, messages: readonly EntryMessage[]): Buffer {
  let at = entryBytes(messages.length, 0);
  const entry = Buffer.allocUnsafeSlow(messages.reduce((length, { payload }) => length + payload.length, at));
  entry[0] = VERSION;
  entry.set(origin, 1);
  entry.writeUIntLE(number, 9, 6);
  entry.writeUInt32LE(messages.length, 15);
  for (const [index, { payload, isBinary, compress }] of messages.entries()) {
    const flags = (compress ? COMPRESS : 0) | (isBinary ? IS_BINARY : 0);
    entry.writeUInt32LE(((payload.length << 2) | flags) >>> 0, HEAD + 4 * index);
    entry.set(payload, at);
    at += payload.length;
  }
  return entry;
}

/** Undefined for bytes that are no entry: others may publish to the same engine. */
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
