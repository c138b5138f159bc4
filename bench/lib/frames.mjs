// Kinds and lengths of messages -> payloads, and frames as the wire carries them (RFC 6455 5.2), written without the
// library, so that a bench can tell when the library is wrong.

export const TEXT = 1;
export const BINARY = 2;

const SAMPLES = {
  ascii: 'The quick brown fox jumps over the lazy dog, {"price": 10345, "side": "buy"} ',
  cjk: '春眠不觉曉處處聞啼鳥夜來風雨聲花落知多少',
};
let seed = 1;

/** A number in [0, 2^32), from a fixed seed, so that all runs work on the same octets. */
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed;
}

/** Octets of a message: 'ascii' and 'cjk' are valid UTF-8, 'binary' is anything; `variant` tells messages apart. */
export function makePayload(kind, length, variant = 0) {
  const payload = Buffer.alloc(length);
  if (kind === 'binary') {
    for (let i = 0; i < length; i++) payload[i] = random() >>> 24;
    return payload;
  }
  const sample = SAMPLES[kind];
  const character = Buffer.byteLength(sample[0]);
  const from = variant % sample.length;
  const text = sample.slice(from) + sample.slice(0, from);
  // What does not fill a character at the end is left as spaces.
  payload.fill(0x20);
  payload.fill(text, 0, length - (length % character));
  return payload;
}

/** One frame with FIN set; masked with a key of its own when `isMasked`. */
export function makeFrame(opcode, payload, isMasked) {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 0x10000 ? 2 : 8;
  const frame = Buffer.alloc(2 + extended + (isMasked ? 4 : 0) + length);
  frame[0] = 0x80 | opcode;
  frame[1] = (isMasked ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  let at = 2 + extended;
  if (!isMasked) {
    frame.set(payload, at);
    return frame;
  }
  frame.writeUInt32BE(random(), at);
  const key = frame.subarray(at, at + 4);
  at += 4;
  for (let i = 0; i < length; i++) frame[at + i] = payload[i] ^ key[i & 3];
  return frame;
}

/** How many different payloads a stream repeats. */
const VARIANTS = 16;

/**
 * Messages in frames one after another, cut into chunks as a socket would deliver them.
 * @param {{ kind: string, length: number, octets?: number, chunk?: number, isMasked?: boolean }} options lengths in octets
 */
export function makeStream({ kind, length, octets = 1 << 20, chunk = 64 * 1024, isMasked = true }) {
  const opcode = kind === 'binary' ? BINARY : TEXT;
  const payloads = Array.from({ length: VARIANTS }, (_, variant) => makePayload(kind, length, variant));
  const messages = Math.max(VARIANTS, Math.floor(octets / (length + 8)));
  const frames = Array.from({ length: messages }, (_, i) => makeFrame(opcode, payloads[i % VARIANTS], isMasked));
  const all = Buffer.concat(frames);
  const chunks = [];
  for (let at = 0; at < all.length; at += chunk) chunks.push(all.subarray(at, at + chunk));
  return {
    messages,
    chunks,
    all,
    /** The payload of message number `i`. */
    payload: (i) => payloads[(i % messages) % VARIANTS],
  };
}

const pools = new WeakMap();

/**
 * Fresh copies of a stream's chunks, `count` times over, each in memory of its own, as a socket's reads are. The memory is
 * that of the copies before: a side that kept parts of those has looked at them by then, and no side pays for freeing what
 * another was given.
 */
export function copyChunks(stream, count) {
  if (!pools.has(stream)) pools.set(stream, []);
  const pool = pools.get(stream);
  const copies = [];
  for (let i = 0; i < count; i++) {
    for (const chunk of stream.chunks) {
      const at = copies.length;
      pool[at] ??= Buffer.allocUnsafeSlow(chunk.length);
      chunk.copy(pool[at]);
      copies.push(pool[at]);
    }
  }
  return copies;
}

/** Counts messages, keeps some, and compares those with what was sent once the clock has stopped. */
export class Audience {
  count = 0;
  octets = 0;
  kept = [];

  constructor(stream) {
    this.stream = stream;
  }

  /** Takes a message: octets, or a string. */
  take(data) {
    if ((this.count & 255) === 0) this.kept.push(this.count, data);
    this.count++;
    this.octets += data.length;
  }

  /** Throws unless exactly `messages` have come since the last time, and those kept are as they were sent. */
  check(messages) {
    const { kept } = this;
    if (this.count !== messages) throw new Error(`${this.count} messages came instead of ${messages}`);
    for (let i = 0; i < kept.length; i += 2) {
      const data = typeof kept[i + 1] === 'string' ? Buffer.from(kept[i + 1]) : kept[i + 1];
      if (Buffer.compare(data, this.stream.payload(kept[i])) !== 0)
        throw new Error(`message ${kept[i]} is not what was sent`);
    }
    this.count = this.octets = 0;
    this.kept = [];
  }
}
