// `playDeflate` sends generated messages, and streams that are wrong, through the codec's inflater and deflater and through zlib.
import { constants } from 'node:zlib';
import { createDeflater, createInflater } from '../../src/deflate/index.js';
import type { Deflater, Inflater } from '../../src/extensions/transform.js';
import { Role } from '../../src/spec/frame.js';
import { BitWriter, codesOf, dynamicHeader } from '../support/deflate-bits.js';
import type { Random } from '../support/random.js';
import { ZlibPair } from '../support/zlib-pair.js';
import { WideRandom } from './wide-random.js';

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
const STRATEGIES = [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE];
/** Connections that take turns in one episode, so that their windows come and go. */
const CONNECTIONS = 3;

/** What an episode has found: nothing, if all is well. */
export interface Findings {
  /** Streams that went from zlib to the inflater, from the deflater to zlib, and wrong ones that went to both inflaters. */
  inflated: number;
  deflated: number;
  wrong: number;
  /** How many of the wrong ones both refused. */
  refused: number;
  found: string[];
}

interface Connection {
  readonly settings: string;
  readonly zlib: ZlibPair;
  readonly inflater: Inflater;
  readonly deflater: Deflater;
  /** Bytes that its messages repeat. */
  readonly text: Uint8Array;
}

const agreed = (bits: number, takeover: boolean): Parameters<typeof createInflater>[0] => ({
  serverNoContextTakeover: !takeover,
  clientNoContextTakeover: !takeover,
  serverMaxWindowBits: bits,
  clientMaxWindowBits: bits,
});

function connect(random: Random): Connection {
  const bits = random.between(8, 15);
  const takeover = !random.oneIn(3);
  const zlibSettings = {
    level: random.between(0, 9),
    strategy: random.pick(STRATEGIES),
    memLevel: random.between(1, 9),
  };
  const level = random.between(1, 9);
  return {
    settings: JSON.stringify({ bits, takeover, ...zlibSettings, ours: level }),
    zlib: new ZlibPair(bits, takeover, zlibSettings),
    inflater: createInflater(agreed(bits, takeover), Role.Server),
    deflater: createDeflater(agreed(bits, takeover), Role.Client, { level }),
    text: words(random, 3000),
  };
}

/** Text of a few words. */
function words(random: Random, length: number): Uint8Array {
  const dictionary = Array.from({ length: 40 }, () =>
    random.octets(random.between(2, 9)).map((byte) => 97 + (byte % 26)),
  );
  const text = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const word = random.pick(dictionary).subarray(0, length - at);
    text.set(word, at);
    at += word.length;
  }
  return text;
}

/** Data of a random kind: mostly short, now and then longer than a block or a window. */
function message(random: Random, text: Uint8Array): Uint8Array {
  const longest = random.oneIn(500) ? 200_000 : random.oneIn(20) ? 6000 : 200;
  const length = random.below(longest);
  switch (random.below(6)) {
    case 0:
      return random.octets(length);
    case 1:
      return new Uint8Array(length).fill(random.below(256));
    case 2:
      return words(random, length);
    case 3:
      // Few values, some of them rare.
      return random.octets(length).map((byte) => byte & (byte >>> 4));
    default: {
      const start = random.below(text.length);
      return text.subarray(start, start + length);
    }
  }
}

/** A stream that is probably wrong: a right one that has been changed, or blocks of random codes. */
function wrongStream(random: Random, zlib: ZlibPair, text: Uint8Array): Uint8Array {
  if (random.oneIn(2)) return blocks(random);
  const right = zlib.deflate(message(random, text));
  switch (random.below(4)) {
    case 0:
      return right.subarray(0, random.below(right.length + 1));
    case 1: {
      const at = random.below(right.length + 1);
      return Buffer.concat([right.subarray(0, at), random.octets(random.between(1, 4)), right.subarray(at)]);
    }
    case 2:
      return Buffer.concat([right, Uint8Array.of(0, 0, 255, 255), blocks(random)]);
    default: {
      const changed = Buffer.from(right);
      for (let times = random.between(1, 3); times > 0; times--) {
        changed[random.below(changed.length)] ^= 1 << random.below(8);
      }
      return changed;
    }
  }
}

/** Blocks of all types, whose codes and symbols are random and often right. */
function blocks(random: Random): Uint8Array {
  const writer = new BitWriter();
  for (let count = random.between(1, 3); count > 0; count--) {
    const isFinal = random.oneIn(8);
    switch (random.below(8)) {
      case 0:
        for (let bits = random.between(1, 200); bits > 0; bits--) writer.put(random.below(2), 1);
        break;
      case 1: {
        const data = random.octets(random.below(40));
        const wrong = random.oneIn(8) ? 1 << random.below(16) : 0;
        writer
          .put(isFinal ? 1 : 0, 1)
          .put(0, 2)
          .align();
        writer.put(data.length, 16).put(data.length ^ 0xffff ^ wrong, 16);
        for (const byte of data) writer.put(byte, 8);
        break;
      }
      case 2:
        writer.put(isFinal ? 1 : 0, 1).put(1, 2);
        for (let bits = random.between(1, 300); bits > 0; bits--) writer.put(random.below(2), 1);
        break;
      default: {
        const literals = lengths(random, random.between(257, random.oneIn(20) ? 288 : 286), [256, 257, 265, 284]);
        const distances = lengths(random, random.between(1, random.oneIn(20) ? 32 : 30), [0]);
        dynamicHeader(writer, literals, distances, isFinal);
        putSymbols(random, writer, literals, distances);
      }
    }
  }
  return writer.bytes;
}

/** The lengths of a code for some symbols, complete unless chance has it otherwise. */
function lengths(random: Random, size: number, wanted: readonly number[]): number[] {
  const used = new Set(wanted.filter((symbol) => symbol < size && !random.oneIn(10)));
  for (let more = random.below(random.oneIn(4) ? size : 12); more > 0; more--) used.add(random.below(size));
  // A code is split where it is, until there are enough.
  const leaves = [0];
  while (leaves.length < used.size || leaves[0] === 0) {
    const at = random.oneIn(2) ? leaves.length - 1 : random.below(leaves.length);
    const depth = leaves[at];
    if (depth === 15) {
      if (leaves.every((length) => length === 15)) break;
      continue;
    }
    leaves.splice(at, 1, depth + 1, depth + 1);
  }
  const code = Array.from({ length: size }, () => 0);
  for (const symbol of used) code[symbol] = leaves.pop() ?? 0;
  if (random.oneIn(6)) code[random.below(size)] = random.below(16);
  return code;
}

function putSymbols(
  random: Random,
  writer: BitWriter,
  literals: readonly number[],
  distances: readonly number[],
): void {
  const codes = codesOf(literals);
  const backs = codesOf(distances);
  const symbols = codes.flatMap((code, symbol) => (code === undefined ? [] : [symbol]));
  for (let count = random.below(60); count > 0 && symbols.length > 0; count--) {
    const symbol = random.pick(symbols);
    if (symbol === 256) continue;
    const code = codes[symbol]!;
    writer.code(code.value, code.length);
    if (symbol < 256) continue;
    const extra = symbol < 265 || symbol > 284 ? 0 : (symbol - 261) >> 2;
    writer.put(random.next() & 0xffff, extra);
    const at = random.below(random.oneIn(8) ? backs.length : Math.min(backs.length, 6));
    const back = backs[at];
    if (back === undefined) continue;
    writer.code(back.value, back.length).put(random.next() & 0xffff, at < 4 ? 0 : (at >> 1) - 1);
  }
  const end = codes[256];
  if (end !== undefined && !random.oneIn(10)) writer.code(end.value, end.length);
}

const text = (bytes: Uint8Array | Error | undefined): string =>
  bytes instanceof Uint8Array ? Buffer.from(bytes).toString('latin1') : 'refused';

/** Plays one episode of a seed, of so many streams. */
export function playDeflate(seed: number, streams: number): Findings {
  const random = new WideRandom(seed, streams);
  const findings: Findings = { inflated: 0, deflated: 0, wrong: 0, refused: 0, found: [] };
  const connections = Array.from({ length: CONNECTIONS }, () => connect(random));
  const judge = new ZlibPair(15, false);
  const compare = (name: string, at: number, found: string, expected: string): void => {
    if (found !== expected) findings.found.push(`seed ${seed}, stream ${at}: ${name}`);
  };
  for (let at = 0; at < streams && findings.found.length === 0; at++) {
    const { settings, zlib, inflater, deflater, text: own } = random.pick(connections);
    switch (random.below(3)) {
      case 0: {
        const data = message(random, own);
        const result = inflater.inflate(zlib.deflate(data), data.length) as Uint8Array | Error;
        compare(`inflating what zlib wrote, ${settings}`, at, text(result), text(data));
        findings.inflated++;
        break;
      }
      case 1: {
        const data = message(random, own);
        const cut = random.oneIn(4) ? random.below(data.length + 1) : 0;
        const parts = [deflater.deflate(data.subarray(0, cut), false), deflater.deflate(data.subarray(cut), true)];
        const sent = Buffer.concat(parts as Uint8Array[]);
        compare(`deflating for zlib, ${settings}`, at, text(zlib.tryInflate(sent)), text(data));
        findings.deflated++;
        break;
      }
      default: {
        const payload = wrongStream(random, judge, own);
        const result = createInflater(agreed(15, false), Role.Server).inflate(payload, Infinity) as Uint8Array | Error;
        const expected = text(judge.tryInflate(payload));
        compare(`a stream that is wrong: ${Buffer.from(payload).toString('hex')}`, at, text(result), expected);
        findings.wrong++;
        if (expected === 'refused') findings.refused++;
      }
    }
  }
  for (const { zlib, inflater, deflater } of connections) {
    zlib.close();
    inflater.close();
    deflater.close();
  }
  judge.close();
  return findings;
}
