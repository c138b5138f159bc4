// `sha1` computes a SHA-1 digest (RFC 3174) synchronously and without the platform's crypto, only for the accept key.

const BLOCK_LENGTH = 64;
/** In the last block: one byte 0x80 after the message, and its length in bits. */
const TRAILER_LENGTH = 9;

/** The digest so far, and the words of the current block: overwritten for each message. */
const hash = new Int32Array(5);
const words = new Int32Array(80);

/** The 20 bytes of the message's SHA-1 digest (RFC 3174 6.1). Not for secrets: the algorithm is broken for those. */
export function sha1(message: Uint8Array): Uint8Array {
  hash[0] = 0x67452301;
  hash[1] = 0xefcdab89;
  hash[2] = 0x98badcfe;
  hash[3] = 0x10325476;
  hash[4] = 0xc3d2e1f0;
  // RFC 3174 4: the message is followed by a one bit, zeros, and its length in bits as the last 8 bytes of a block
  const padded = new Uint8Array(Math.ceil((message.length + TRAILER_LENGTH) / BLOCK_LENGTH) * BLOCK_LENGTH);
  padded.set(message);
  padded[message.length] = 0x80;
  for (let at = 0; at < padded.length; at += BLOCK_LENGTH) {
    for (let t = 0; t < 16; t++) words[t] = wordAt(padded, at + 4 * t);
    if (at + BLOCK_LENGTH === padded.length) {
      words[14] = Math.floor(message.length / 0x2000_0000);
      words[15] = message.length << 3;
    }
    digestBlock();
  }
  const digest = new Uint8Array(20);
  for (let at = 0; at < 20; at++) digest[at] = hash[at >> 2] >>> (24 - 8 * (at & 3));
  return digest;
}

/** RFC 3174 6.1. A loop for each of the four functions: one that chooses among them in each round takes 10 times as long. */
function digestBlock(): void {
  for (let t = 16; t < 80; t++) words[t] = rotateLeft(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
  let a = hash[0];
  let b = hash[1];
  let c = hash[2];
  let d = hash[3];
  let e = hash[4];
  let t = 0;
  let next: number;
  for (; t < 20; t++) {
    next = (((rotateLeft(a, 5) + (d ^ (b & (c ^ d)))) | 0) + e + words[t] + 0x5a827999) | 0;
    e = d;
    d = c;
    c = rotateLeft(b, 30);
    b = a;
    a = next;
  }
  for (; t < 40; t++) {
    next = (((rotateLeft(a, 5) + (b ^ c ^ d)) | 0) + e + words[t] + 0x6ed9eba1) | 0;
    e = d;
    d = c;
    c = rotateLeft(b, 30);
    b = a;
    a = next;
  }
  for (; t < 60; t++) {
    next = (((rotateLeft(a, 5) + ((b & c) | (d & (b | c)))) | 0) + e + words[t] - 0x70e44324) | 0;
    e = d;
    d = c;
    c = rotateLeft(b, 30);
    b = a;
    a = next;
  }
  for (; t < 80; t++) {
    next = (((rotateLeft(a, 5) + (b ^ c ^ d)) | 0) + e + words[t] - 0x359d3e2a) | 0;
    e = d;
    d = c;
    c = rotateLeft(b, 30);
    b = a;
    a = next;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
