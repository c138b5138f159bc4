// `frameBytes` encodes a recorded frame as it was on the wire, including faults, with a new masking key (RFC 6455 5.2).
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { mask } from '../../sans-io.js';
import { shortestHeader, type RecordedFrame } from '../traffic/recorded.js';

const FIN = 0x80;
const MASK = 0x80;
const RSV_SHIFT = 4;
const KEY_BYTES = 4;
const [LENGTH_16, LENGTH_64] = [126, 127];

/** Returns the bytes of a frame. The part of a payload that was too long to record is zeros. */
export function frameBytes(frame: RecordedFrame): Buffer {
  const { opcode, fin, rsv, isMasked, length, payload } = frame;
  const shortest = shortestHeader(length, isMasked);
  const headerLength = Math.max(frame.headerLength ?? shortest, shortest);
  const payloadAt = headerLength;
  const extended = headerLength - 2 - (isMasked ? KEY_BYTES : 0);
  const bytes = Buffer.alloc(headerLength + length);
  bytes[0] = (fin ? FIN : 0) | (rsv << RSV_SHIFT) | opcode;
  bytes[1] = (isMasked ? MASK : 0) | (extended === 0 ? length : extended === 2 ? LENGTH_16 : LENGTH_64);
  if (extended === 2) bytes.writeUInt16BE(length, 2);
  else if (extended > 0) bytes.writeBigUInt64BE(BigInt(length), 2);
  bytes.set(payload, payloadAt);
  if (!isMasked) return bytes;
  const key = randomBytes(KEY_BYTES);
  key.copy(bytes, payloadAt - KEY_BYTES);
  mask(bytes, key.readInt32LE(), payloadAt);
  return bytes;
}
