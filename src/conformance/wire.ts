// `encodeHeader` and `FrameReader` write and read frames (RFC 6455 5.2) for the examiner.
// They share no code with the library, so that an error in the library cannot hide itself.

/** The defined opcodes (RFC 6455 5.2). They are plain numbers, because a testee may send any. */
export const Opcode: Readonly<Record<'Continuation' | 'Text' | 'Binary' | 'Close' | 'Ping' | 'Pong', number>> = {
  Continuation: 0,
  Text: 1,
  Binary: 2,
  Close: 8,
  Ping: 9,
  Pong: 10,
};

/** The fields of a frame's header. */
export interface FrameHeader {
  fin: boolean;
  /** 0 to 7; RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  rsv: number;
  opcode: number;
  /** The 4 bytes of the masking key, or null where the MASK bit is 0. */
  mask: Uint8Array | null;
  /** The length of the payload in bytes. */
  length: number;
}

/** The reason to fail a connection. */
export interface Fault {
  code: 1002 | 1007 | 1008 | 1009;
  text: string;
}

/** A frame that was read; the payload of one with a fault is skipped. */
export interface ReadFrame {
  header: FrameHeader;
  /** The unmasked payload; empty where there is a fault. */
  payload: Buffer;
  fault: Fault | null;
}

/** The form of a length, by its number of bits; null is the shortest, which is the only valid one. */
export type LengthForm = null | 7 | 16 | 64;

/** The longest payload that the examiner accepts, in bytes; no case needs more than 16 MiB. */
export const MAX_PAYLOAD: number = 64 * 1024 * 1024;

/** The bytes of a header, valid or not. */
export function encodeHeader(header: FrameHeader, form: LengthForm = null): Buffer {
  const { length, mask } = header;
  const chosen = form ?? (length <= 125 ? 7 : length <= 0xffff ? 16 : 64);
  const lengthOctets = chosen === 7 ? 0 : chosen === 16 ? 2 : 8;
  const bytes = Buffer.alloc(2 + lengthOctets + (mask === null ? 0 : 4));
  bytes[0] = (header.fin ? 0x80 : 0) | (header.rsv << 4) | header.opcode;
  bytes[1] = (mask === null ? 0 : 0x80) | (chosen === 7 ? length : chosen === 16 ? 126 : 127);
  if (chosen === 16) bytes.writeUInt16BE(length, 2);
  else if (chosen === 64) bytes.writeBigUInt64BE(BigInt(length), 2);
  if (mask !== null) bytes.set(mask, 2 + lengthOctets);
  return bytes;
}

/** XORs `bytes` with the masking key, in place (RFC 6455 5.3); `phase` is the number of payload bytes before them. */
export function applyMask(bytes: Uint8Array, mask: Uint8Array, phase: number = 0): void {
  const [a, b, c, d] = [mask[phase & 3], mask[(phase + 1) & 3], mask[(phase + 2) & 3], mask[(phase + 3) & 3]];
  let at = 0;
  // Bytes up to an aligned address, then words, then the remaining bytes.
  const key = [a, b, c, d];
  while (at < bytes.length && (bytes.byteOffset + at) % 4 !== 0) {
    bytes[at] = bytes[at] ^ key[at & 3];
    at++;
  }
  const count = (bytes.length - at) >> 2;
  if (count > 0) {
    const rotated = new Uint8Array([key[at & 3], key[(at + 1) & 3], key[(at + 2) & 3], key[(at + 3) & 3]]);
    const word = new Int32Array(rotated.buffer)[0];
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, count);
    for (let i = 0; i < count; i++) words[i] = words[i] ^ word;
    at += count * 4;
  }
  for (; at < bytes.length; at++) bytes[at] = bytes[at] ^ key[at & 3];
}

/** Whether an opcode is that of a control frame. */
export function isControl(opcode: number): boolean {
  return (opcode & 8) !== 0;
}

const EMPTY = Buffer.alloc(0);

/** Reads frames from chunks. `judge` returns the fault in a header, or null, before the payload is read. */
export class FrameReader {
  readonly #judge: (header: FrameHeader) => Fault | null;
  #chunks: Buffer[] = [];
  /** The index of the first chunk with unread bytes; the chunks before it are dropped from time to time. */
  #first = 0;
  #held = 0;
  #frame: FrameHeader | null = null;
  #skip = 0;
  #lost = false;

  constructor(judge: (header: FrameHeader) => Fault | null) {
    this.#judge = judge;
  }

  /** Takes in a chunk of the transport. */
  push(chunk: Buffer): void {
    // After a length that cannot be skipped, the start of the next frame is unknown.
    if (this.#lost) return;
    this.#chunks.push(chunk);
    this.#held += chunk.length;
  }

  /** The next whole frame, or one with a fault as soon as its header is read; undefined until more bytes arrive. */
  next(): ReadFrame | undefined {
    if (!this.#skipped()) return undefined;
    if (this.#frame === null) {
      const taken = this.#takeHeader();
      if (taken === undefined) return undefined;
      const { header } = taken;
      const fault = this.#faultOf(header, taken.minimal);
      if (fault !== null) {
        if (header.length > MAX_PAYLOAD) this.#lose();
        else this.#skip = header.length;
        return { header, payload: EMPTY, fault };
      }
      this.#frame = header;
    }
    const header = this.#frame;
    if (this.#held < header.length) return undefined;
    this.#frame = null;
    const payload = this.#take(header.length);
    if (header.mask !== null) applyMask(payload, header.mask);
    return { header, payload, fault: null };
  }

  #faultOf(header: FrameHeader, minimal: boolean): Fault | null {
    if (header.length > Number.MAX_SAFE_INTEGER) return { code: 1002, text: 'frame length with its top bit set' };
    if (header.length > MAX_PAYLOAD) return { code: 1009, text: `frame of ${header.length} bytes` };
    if (!minimal) return { code: 1002, text: 'frame length not in its shortest form' };
    return this.#judge(header);
  }

  #lose(): void {
    this.#lost = true;
    this.#chunks = [];
    this.#first = 0;
    this.#held = 0;
  }

  #skipped(): boolean {
    if (this.#skip === 0) return true;
    const count = Math.min(this.#skip, this.#held);
    this.#drop(count);
    this.#skip -= count;
    return this.#skip === 0;
  }

  #takeHeader(): { header: FrameHeader; minimal: boolean } | undefined {
    if (this.#held < 2) return undefined;
    const start = this.#peek(2);
    const first = start[0];
    const second = start[1];
    const short = second & 0x7f;
    const lengthOctets = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = (second & 0x80) !== 0;
    const size = 2 + lengthOctets + (masked ? 4 : 0);
    if (this.#held < size) return undefined;
    const bytes = this.#take(size);
    const length =
      lengthOctets === 0
        ? short
        : lengthOctets === 2
          ? bytes.readUInt16BE(2)
          : bytes.readUInt32BE(2) * 2 ** 32 + bytes.readUInt32BE(6);
    const header: FrameHeader = {
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      opcode: first & 15,
      mask: masked ? bytes.subarray(size - 4) : null,
      length,
    };
    return { header, minimal: length > (lengthOctets === 0 ? -1 : lengthOctets === 2 ? 125 : 0xffff) };
  }

  #peek(count: number): Buffer {
    const first = this.#chunks[this.#first];
    if (first.length >= count) return first.subarray(0, count);
    return Buffer.concat(this.#chunks.slice(this.#first, this.#first + 16), count);
  }

  /** Takes `count` bytes as a copy, so that a frame does not keep its chunk. */
  #take(count: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(count);
    let at = 0;
    while (at < count) {
      const chunk = this.#chunks[this.#first];
      const part = Math.min(chunk.length, count - at);
      chunk.copy(bytes, at, 0, part);
      at += part;
      this.#drop(part);
    }
    return bytes;
  }

  /** Drops the first `count` unread bytes. */
  #drop(count: number): void {
    this.#held -= count;
    while (count > 0) {
      const chunk = this.#chunks[this.#first];
      if (chunk.length > count) {
        this.#chunks[this.#first] = chunk.subarray(count);
        return;
      }
      count -= chunk.length;
      this.#first++;
    }
    if (this.#first * 2 < this.#chunks.length) return;
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
  }
}
