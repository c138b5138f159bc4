// `Statistics` counts the messages, frames by opcode and bytes of a connection, each way.
import { FIN, OPCODE_BITS, Opcode } from '../spec/frame.js';
import { frameAt } from './header.js';

/** The counts of one direction. Bytes are payload bytes; a frame is counted when its header is read or written. */
export interface Traffic {
  messages: number;
  octets: number;
  /** Payload bytes of compressed messages, after and before compression; 0 where the owner's transforms do not count. */
  compressed: number;
  uncompressed: number;
  /** Indexed by opcode (RFC 6455 5.2): 0 to 15. */
  readonly frames: number[];
}

/** The counts of one connection. */
export interface Statistics {
  readonly received: Traffic;
  readonly sent: Traffic;
}

function traffic(): Traffic {
  return { messages: 0, octets: 0, compressed: 0, uncompressed: 0, frames: Array.from({ length: 16 }, () => 0) };
}

/** Counts that start at zero. */
export function newStatistics(): Statistics {
  return { received: traffic(), sent: traffic() };
}

/** Counts encoded frames, those that are whole. */
export function countFrames(traffic: Traffic, frames: Uint8Array): void {
  for (let at = 0; at + 2 <= frames.length;) {
    const { payload, end } = frameAt(frames, at);
    // Of a cut header, the end is no number.
    if (!(end <= frames.length)) return;
    count(traffic, frames[at], end - payload);
    at = end;
  }
}

/** Counts one sent frame. */
export function count(traffic: Traffic, first: number, length: number): void {
  const opcode = first & OPCODE_BITS;
  traffic.octets += length;
  traffic.frames[opcode]++;
  if (first & FIN && opcode < Opcode.Close) traffic.messages++;
}
