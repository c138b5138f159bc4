// Bytes of a server -> whole frames, and payloads -> masked frames of a client (RFC 6455 5.2); shares no code with the library.

/** One masked frame; the masking key is four bytes of `random`. */
export function maskedFrame(first, payload, random) {
  const { length } = payload;
  const start = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = first;
  frame[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (start === 8) frame.writeUInt16BE(length, 2);
  if (start === 14) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.writeUInt32BE(random, start - 4);
  for (let i = 0; i < length; i++) frame[start + i] = payload[i] ^ frame[start - 4 + (i & 3)];
  return frame;
}

/** Puts chunks together and tells of each frame: its opcode and its payload. The library's server never fragments an echo. */
export class FrameReader {
  held = undefined;

  *push(chunk) {
    let octets = this.held === undefined ? chunk : Buffer.concat([this.held, chunk]);
    this.held = undefined;
    while (octets.length >= 2) {
      const short = octets[1];
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (octets.length < start) break;
      const length = short < 126 ? short : short === 126 ? octets.readUInt16BE(2) : Number(octets.readBigUInt64BE(2));
      if (octets.length < start + length) break;
      yield { first: octets[0], payload: octets.subarray(start, start + length) };
      octets = octets.subarray(start + length);
    }
    if (octets.length > 0) this.held = Buffer.from(octets);
  }
}
