// `encodeFrame` and `readFrames` write and read the frames between a hub of topics and its processes.
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Recovery } from '../broker.js';
import type { Place } from '../position.js';

// | length of the rest 4 | kind 1 | request 4 | length of the topic 2 | topic | body |
const HEAD = 11;

/** The longest entry, in bytes: several of them may wait for a process. */
export const MAX_ENTRY: number = 16 * 1024 * 1024;
// Topics are at most 256 bytes.
export const MAX_FRAME: number = MAX_ENTRY + 1024;

export enum HubKind {
  Subscribe = 1,
  Unsubscribe = 2,
  Publish = 3,
  Read = 4,
  /** Answered with an empty reply, after everything that was sent before. */
  Pulse = 5,
  Reply = 6,
  Entry = 7,
}

export interface HubFrame {
  readonly kind: HubKind;
  /** The request that a reply answers; 0 for none. */
  readonly request: number;
  readonly topic: string;
  readonly body: Buffer;
}

export function encodeFrame(kind: HubKind, request: number, topic: string, ...parts: readonly Uint8Array[]): Buffer {
  const topicLength = Buffer.byteLength(topic);
  let at = HEAD + topicLength;
  const frame = Buffer.allocUnsafe(parts.reduce((length, part) => length + part.length, at));
  frame.writeUInt32LE(frame.length - 4, 0);
  frame[4] = kind;
  frame.writeUInt32LE(request, 5);
  frame.writeUInt16LE(topicLength, 9);
  frame.write(topic, HEAD);
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** Takes the frames of a socket; one that sends something else, or a frame longer than `limit`, is ended. */
export function readFrames(socket: Socket, take: (frame: HubFrame) => void, limit: number = Infinity): void {
  const reader = new FrameReader(take, limit);
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
}

/** Joins chunks into frames. */
class FrameReader {
  private chunks: Buffer[] = [];
  private length = 0;
  private needed = 4;

  constructor(
    private readonly take: (frame: HubFrame) => void,
    private readonly limit: number,
  ) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    if (this.length < this.needed) return;
    const bytes = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks);
    let at = 0;
    this.needed = 4;
    while (bytes.length - at >= 4) {
      this.needed = 4 + bytes.readUInt32LE(at);
      if (this.needed > this.limit) throw new RangeError('The frame is too long');
      if (bytes.length - at < this.needed) break;
      const topicEnd = at + HEAD + bytes.readUInt16LE(at + 9);
      this.take({
        kind: bytes[at + 4],
        request: bytes.readUInt32LE(at + 5),
        topic: bytes.toString('utf8', at + HEAD, topicEnd),
        body: bytes.subarray(topicEnd, at + this.needed),
      });
      at += this.needed;
      this.needed = 4;
    }
    this.chunks = at === bytes.length ? [] : [bytes.subarray(at)];
    this.length = bytes.length - at;
  }
}

/** An offset or another number, or none, as 8 bytes. */
export function encodeOffset(offset: number | undefined): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(offset ?? -1);
  return bytes;
}

export function decodeOffset(bytes: Buffer): number | undefined {
  const offset = bytes.readDoubleLE();
  return offset >= 0 ? Math.floor(offset) : undefined;
}

/** A place, or no place, as bytes. */
export function encodePlace(place: Place | undefined): Buffer {
  if (place === undefined) return Buffer.of(0);
  const epoch = Buffer.from(place.epoch);
  return Buffer.concat([Buffer.of(epoch.length), epoch, encodeOffset(place.offset)]);
}

/** The place at the start of bytes, and its end. */
export function decodePlace(bytes: Buffer): [Place | undefined, number] {
  const end = 1 + bytes[0];
  if (end === 1) return [undefined, 1];
  const offset = bytes.readDoubleLE(end);
  return [{ epoch: bytes.toString('utf8', 1, end), offset, before: offset - 1 }, end + 8];
}

const IS_WHOLE = 1;
const HAS_MORE = 2;

export function encodeRecovery({ epoch, last, isWhole, entries, hasMore }: Recovery): Buffer {
  const flags = (isWhole ? IS_WHOLE : 0) | (hasMore === true ? HAS_MORE : 0);
  const parts = [encodePlace({ epoch, offset: last }), Buffer.of(flags)];
  for (const { offset, entry } of entries) {
    const head = Buffer.allocUnsafe(12);
    head.writeDoubleLE(offset);
    head.writeUInt32LE(entry.length, 8);
    parts.push(head, entry as Buffer);
  }
  return Buffer.concat(parts);
}

export function decodeRecovery(bytes: Buffer): Recovery {
  const [place, end] = decodePlace(bytes);
  const { epoch, offset: last } = place!;
  const entries: { offset: number; entry: Buffer }[] = [];
  for (let at = end + 1; at < bytes.length;) {
    const length = bytes.readUInt32LE(at + 8);
    entries.push({ offset: bytes.readDoubleLE(at), entry: bytes.subarray(at + 12, at + 12 + length) });
    at += 12 + length;
  }
  const flags = bytes[end];
  return { epoch, last, isWhole: (flags & IS_WHOLE) !== 0, entries, hasMore: (flags & HAS_MORE) !== 0 };
}
