// `RecordedConnection` holds the frames of a recorded connection, and `recordedMessages` returns its messages.
import type { Frame, Heads, Side } from './frame.js';
import { Messages } from './messages.js';
import { compressionsIn } from './tap.js';

/** A frame of a recording. */
export interface RecordedFrame {
  readonly from: Side;
  /** Since the connection opened, in ms. */
  readonly time: number;
  readonly opcode: number;
  readonly fin: boolean;
  /** 0 to 7; RSV1 is 4. */
  readonly rsv: number;
  readonly isMasked: boolean;
  /** The header's length in bytes, including the masking key, if it is not the shortest possible. */
  readonly headerLength: number | undefined;
  /** The payload's length in bytes. */
  readonly length: number;
  /** The payload; only its beginning if the frame was too long to keep. */
  readonly payload: Uint8Array;
}

/** A connection of a recording. */
export interface RecordedConnection {
  readonly number: number;
  readonly url: string;
  /** When it opened, in ms since 1970. */
  readonly started: number;
  readonly heads: Heads;
  readonly frames: RecordedFrame[];
  /** When it ended, in ms since it opened; undefined if the recording ends before. */
  end?: number;
}

/** Converts a frame; `opened` is the time at which its connection opened, on the clock of the frame. */
export function recordedFrame(frame: Frame, opened: number): RecordedFrame {
  const { from, opcode, fin, rsv, isMasked, length, payload } = frame;
  const headerLength = frame.headerLength === shortestHeader(length, isMasked) ? undefined : frame.headerLength;
  return { from, time: frame.time - opened, opcode, fin, rsv, isMasked, headerLength, length, payload };
}

/** Returns the length of a header whose length field has the fewest bytes (RFC 6455 5.2). */
export function shortestHeader(length: number, isMasked: boolean): number {
  const extended = length < 126 ? 0 : length <= 0xffff ? 2 : 8;
  return 2 + extended + (isMasked ? 4 : 0);
}

/** A message of a recording, whole and inflated. */
export interface RecordedMessage {
  readonly from: Side;
  /** The arrival of its last frame, in ms since the connection opened. */
  readonly time: number;
  readonly isBinary: boolean;
  readonly data: Uint8Array;
}

/** Returns the complete messages of a connection that can be inflated, in the order of their ends. */
export function recordedMessages({ heads, frames }: RecordedConnection): RecordedMessage[] {
  const compressions = compressionsIn(fieldIn(heads.response, 'sec-websocket-extensions'));
  const sides = { client: new Messages(compressions?.client), server: new Messages(compressions?.server) };
  return frames.flatMap((frame) => {
    const { from, time } = frame;
    const message = sides[from].push(frame)?.message;
    if (message?.data === undefined) return [];
    // Only the beginning was kept of a frame that was too long.
    if (!message.isCompressed && message.data.length < message.wireLength) return [];
    return [{ from, time, isBinary: message.isBinary, data: message.data }];
  });
}

/** Returns the value of a field in a head, with repeated ones joined; undefined if there is none. */
export function fieldIn(head: string, name: string): string | undefined {
  const values = fieldsOf(head)
    .filter(([field]) => field.toLowerCase() === name)
    .map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

/** Returns the fields of a head, in their order. */
export function fieldsOf(head: string): [name: string, value: string][] {
  const lines = head.split('\r\n').slice(1).filter(Boolean);
  return lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}
