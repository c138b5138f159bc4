// `RecordedConnection` and `recordedMessages` are the traffic of a recording, as frames and as messages.
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
  /** The length of the header, its masking key counted, where that is not the shortest. */
  readonly headerLength: number | undefined;
  /** The payload's length in bytes. */
  readonly length: number;
  /** The payload; fewer bytes than `length` where the frame was too long to be kept. */
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
  /** When it ended, in ms since it opened; undefined where the recording ends before. */
  end?: number;
}

/** A frame that has passed as a recorded one; `opened` is when its connection opened, on the clock of the frame. */
export function recordedFrame(frame: Frame, opened: number): RecordedFrame {
  const { from, opcode, fin, rsv, isMasked, length, payload } = frame;
  const headerLength = frame.headerLength === shortestHeader(length, isMasked) ? undefined : frame.headerLength;
  return { from, time: frame.time - opened, opcode, fin, rsv, isMasked, headerLength, length, payload };
}

/** The length of a header whose length field has the fewest bytes (RFC 6455 5.2). */
export function shortestHeader(length: number, isMasked: boolean): number {
  const extended = length < 126 ? 0 : length <= 0xffff ? 2 : 8;
  return 2 + extended + (isMasked ? 4 : 0);
}

/** A message of a recording, whole and inflated. */
export interface RecordedMessage {
  readonly from: Side;
  /** When its last frame came, in ms since the connection opened. */
  readonly time: number;
  readonly isBinary: boolean;
  readonly data: Uint8Array;
}

/** The messages of a connection, in the order of their ends; those that are not whole, or do not inflate, are left out. */
export function recordedMessages({ heads, frames }: RecordedConnection): RecordedMessage[] {
  const compressions = compressionsIn(fieldIn(heads.response, 'sec-websocket-extensions'));
  const sides = { client: new Messages(compressions?.client), server: new Messages(compressions?.server) };
  return frames.flatMap((frame) => {
    const { from, time } = frame;
    const message = sides[from].push(frame)?.message;
    if (message?.data === undefined) return [];
    // A frame that was too long to be kept left less than it announced.
    if (!message.isCompressed && message.data.length < message.wireLength) return [];
    return [{ from, time, isBinary: message.isBinary, data: message.data }];
  });
}

/** The value of a field in a head, repeated ones joined; undefined where it has none. */
export function fieldIn(head: string, name: string): string | undefined {
  const values = fieldsOf(head)
    .filter(([field]) => field.toLowerCase() === name)
    .map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

/** The fields of a head, in its order. */
export function fieldsOf(head: string): [name: string, value: string][] {
  const lines = head.split('\r\n').slice(1).filter(Boolean);
  return lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}
