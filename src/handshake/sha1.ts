// `sha1` computes a SHA-1 digest (RFC 3174) synchronously and without a platform's crypto, for the accept key alone.

const BLOCK_LENGTH = 64;

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** The message followed by a one bit, zeros, and its length in bits as the last 8 octets of a block (RFC 3174 4). */
function pad(message: Uint8Array): DataView {
  const blocks = Math.floor((message.length + 8) / BLOCK_LENGTH) + 1;
  const padded = new Uint8Array(blocks * BLOCK_LENGTH);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000));
  view.setUint32(padded.length - 4, message.length << 3);
  return view;
}

/** The 20 octets of the message's SHA-1 digest (RFC 3174 6.1). Not for secrets: the algorithm is broken for those. */
export function sha1(message: Uint8Array): Uint8Array {
  const view = pad(message);
  const words = new Int32Array(80);
  let h0 = 0x67452301;
  let h1 = 0xefcdab89 | 0;
  let h2 = 0x98badcfe | 0;
  let h3 = 0x10325476;
  let h4 = 0xc3d2e1f0 | 0;
  for (let block = 0; block < view.byteLength; block += BLOCK_LENGTH) {
    for (let t = 0; t < 16; t++) words[t] = view.getInt32(block + 4 * t);
    for (let t = 16; t < 80; t++) {
      words[t] = rotateLeft(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
    }
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    for (let t = 0; t < 80; t++) {
      let mixed: number;
      if (t < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
      else if (t < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
      else if (t < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
      else mixed = (b ^ c ^ d) + 0xca62c1d6;
      const next = (rotateLeft(a, 5) + mixed + e + words[t]) | 0;
      e = d;
      d = c;
      c = rotateLeft(b, 30);
      b = a;
      a = next;
    }
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
  }
  const digest = new DataView(new ArrayBuffer(20));
  for (const [index, word] of [h0, h1, h2, h3, h4].entries()) digest.setInt32(4 * index, word);
  return new Uint8Array(digest.buffer);
}
