// A seed -> bytes of a client that would like a server to hold much memory, in the chunks in which they arrive.
import { deflateRawSync } from 'node:zlib';

const MASK = 0x80;
/** A thousand bytes of zeros for each byte sent, more or less. */
const BOMB = compress(Buffer.alloc(900_000));
const TEXT = compress(Buffer.from('{"name":"value"}'.repeat(500)));

function compress(octets) {
  // RFC 7692 7.2.1: the empty block at the end is left out.
  return deflateRawSync(octets, { finishFlush: 2 }).subarray(0, -4);
}

/** Numbers below a limit, the same for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** A header with a masking key of zeros, and `payload`; `announced` is the length it tells, the payload's own by default. */
export function frame(first, payload = Buffer.alloc(0), announced = payload.length) {
  const octets = announced < 126 ? 2 : announced < 65_536 ? 4 : 10;
  const header = Buffer.alloc(octets + 4);
  header[0] = first;
  header[1] = MASK | (octets === 2 ? announced : octets === 4 ? 126 : 127);
  if (octets === 4) header.writeUInt16BE(announced, 2);
  if (octets === 10) header.writeBigUInt64BE(BigInt(announced), 2);
  return Buffer.concat([header, payload]);
}

/** What one frame sequence may end with: a state in which the server waits for more, and keeps what it has. */
const ENDS = {
  'half a header': (below) => frame(0x82, undefined, 70_000).subarray(0, 1 + below(13)),
  'a long frame announced': (below, maxPayload) => {
    const announced = 1 + below(below(2) === 0 ? 70_000 : maxPayload);
    return frame(0x82, Buffer.alloc(below(Math.min(announced, 2000))), announced);
  },
  'a long frame begun': (below, maxPayload) => {
    const announced = 1 + below(maxPayload);
    return frame(0x81, Buffer.alloc(below(Math.min(announced, 100_000)), 'a'), announced);
  },
  'tiny fragments': (below) => {
    const more = frame(0x00, Buffer.alloc([0, 1, 7, 64][below(4)], 'f'));
    return Buffer.concat([frame(0x01 + below(2)), ...Array.from({ length: below(3000) }, () => more)]);
  },
  'long fragments': (below, maxPayload) => {
    const more = frame(0x00, Buffer.alloc(below(30_000)));
    const parts = Array.from({ length: below(6) }, () => more);
    return Buffer.concat([frame(0x02), ...parts, frame(0x00, undefined, 1 + below(maxPayload >> 1))]);
  },
  'compressed fragments': (below) => {
    const more = frame(0x00, BOMB.subarray(0, below(BOMB.length)));
    return Buffer.concat([frame(0x42, BOMB), ...Array.from({ length: below(20) }, () => more)]);
  },
  'pings between fragments': (below) => {
    const ping = frame(0x89, Buffer.alloc(below(126), 'p'));
    const pair = Buffer.concat([frame(0x00, Buffer.alloc(below(20))), ping]);
    return Buffer.concat([frame(0x02), ...Array.from({ length: below(1500) }, () => pair)]);
  },
  'text cut inside a character': (below) => {
    const text = Buffer.from('é'.repeat(below(3000) + 1)).subarray(0, -1);
    return frame(0x01, text, text.length + 1);
  },
};

/** Whole messages that may come before. */
const WHOLE = [
  () => frame(0x82),
  (below) => frame(0x81, Buffer.alloc(below(200), 'w')),
  (below) => frame(0x82, Buffer.alloc(below(40_000))),
  (below) => frame(0x8a, Buffer.alloc(below(126))),
  (below) => frame(0x89, Buffer.alloc(below(126))),
  () => frame(0xc1, TEXT),
  () => frame(0xc2, BOMB),
];

/** @returns {{ name: string, chunks: Buffer[], bytes: number, messages: number }} `messages` is how many come whole */
export function frameSequence(seed, maxPayload) {
  const below = randomFrom(seed);
  const before = Array.from({ length: below(3) === 0 ? below(30) : 0 }, () => WHOLE[below(WHOLE.length)](below));
  const names = Object.keys(ENDS);
  const name = names[below(names.length)];
  const wire = Buffer.concat([...before, ENDS[name](below, maxPayload)]);
  const chunks = [];
  const longest = [1, 3, 100, 1460, 65_536][below(5)];
  // Byte by byte to begin with, so that a long sequence does not take for ever.
  for (let at = 0; at < wire.length;) {
    const end = at + (chunks.length < 400 ? 1 + below(longest) : 65_536);
    chunks.push(wire.subarray(at, end));
    at = end;
  }
  const messages = before.filter((wire) => (wire[0] & 0x0f) < 3).length;
  return { name, chunks, octets: wire.length, messages };
}
