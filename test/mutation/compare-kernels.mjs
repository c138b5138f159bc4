// Two sets of kernels and a seed -> the first thing in which they differ, if there is one. Both get the same bytes at the same
// places of their areas; results, the bytes afterwards, the bytes around, the records and the state must be the same.
import { randomFrom } from '../memory/frames.mjs';
import { compareEdges, wholeFrame } from './compare-edges.mjs';
import { Difference, beginConnection, run, same, scan } from './kernel-pair.mjs';

const LENGTHS = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 79, 80, 127, 128, 255, 256, 300, 513];
const CHARACTERS = Array.from('az09\0\x7f\x80é߿ࠀ€漢字퟿￿\u{10000}😀\u{3ffff}\u{10ffff}').concat(['\ue000', 'a', 'b']);
const NOT_UTF8 = [
  '80',
  'c0af',
  'c1bf',
  'e09fbf',
  'eda080',
  'edbfbf',
  'f08fbfbf',
  'f4908080',
  'f5808080',
  'ff',
  'c3',
  'e282',
];
const STATES = [0, 0x00bf8001, 0x00bfa002, 0x009f8002, 0x00bf8002, 0x00bf9003, 0x008f8003, 0x00bf8003];
/** @returns {string | undefined} what differs */
export function compareKernels(ours, theirs, seed, rounds) {
  const below = randomFrom(seed);
  const both = [ours, theirs];
  try {
    compareMask(both, below);
    compareMaskFrames(both, below);
    compareMemory(both);
    compareShortText(both, below);
    compareEdges(both);
    for (let round = 0; round < rounds; round++) {
      compareText(both, below);
      compareScans(both, below);
    }
  } catch (error) {
    if (error instanceof Difference) return error.message;
    // A trap is a difference too: the other set does not trap.
    if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError) return `${error}`;
    throw error;
  }
  return undefined;
}

function octetsOf(below, length) {
  return Uint8Array.from({ length }, () => below(256));
}

function compareMask(both, below) {
  for (const length of [...Array(160).keys(), ...LENGTHS, 4097]) {
    for (let at = 0; at < (length < 70 ? 17 : 3); at++) {
      const key = below(2 ** 32) | 0;
      const work = (kernels, start) => void kernels.mask(start, length, key);
      run(both, 'scratchAddress', at, octetsOf(below, length), 0, work, `mask of ${length} at ${at}`);
    }
  }
}

function compareMaskFrames(both, below) {
  for (const lengths of [
    [0],
    [...Array(300).keys()],
    [125, 126, 127, 300, 65_535, 9],
    [65_536, 17],
    [0x01_23_45, 17],
  ]) {
    for (let at = 0; at < 17; at++) {
      const frames = Buffer.concat(lengths.map((length) => maskableFrame(below, length)));
      const work = (kernels, start) => void kernels.maskFrames(start, start + frames.length);
      run(both, 'outgoingAddress', at, frames, 0, work, `mask of ${lengths.length} frames at ${at}`);
    }
  }
}

/** A frame with a masking key, its payload not masked yet. */
function maskableFrame(below, length) {
  const header = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  header.set(octetsOf(below, header.length));
  header[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (header.length === 8) header.writeUInt16BE(length, 2);
  if (header.length === 14) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, octetsOf(below, length)]);
}

function compareMemory(both) {
  for (const name of ['recordCapacity', 'arenaLength', 'landingLength', 'scratchLength', 'outgoingLength']) {
    same(
      both.map((kernels) => kernels[name]),
      name,
    );
  }
  const ends = both.map(
    ({ bytes, landingAddress, landingLength }) => bytes.length >= landingAddress + landingLength + 64,
  );
  same(ends, 'room for all areas');
  for (const { stateAddress, arenaAddress, scratchAddress, landingAddress, outgoingAddress } of both) {
    const areas = [stateAddress, arenaAddress, scratchAddress, landingAddress, outgoingAddress];
    if (areas.some((address) => address % 64 !== 0)) throw new Difference('an area is not aligned');
  }
}

function textOf(below, length) {
  const plain = below(3);
  let text = '';
  while (text.length < length) {
    text += plain === 0 || below(4) === 0 ? 'plain '.repeat(1 + below(12)) : CHARACTERS[below(CHARACTERS.length)];
  }
  const octets = Buffer.from(text);
  return octets;
}

function spoiled(below, octets) {
  const wrong = Buffer.from(NOT_UTF8[below(NOT_UTF8.length)], 'hex');
  const at = below(octets.length + 1);
  switch (below(4)) {
    case 0:
      return Buffer.concat([octets.subarray(0, at), wrong, octets.subarray(at)]);
    case 1:
      return octets.subarray(0, at);
    case 2:
      return octets.subarray(at);
    default: {
      const flipped = Buffer.from(octets);
      if (flipped.length > 0) flipped[at % flipped.length] ^= 1 << below(8);
      return flipped;
    }
  }
}

function compareText(both, below) {
  const valid = textOf(below, LENGTHS[below(LENGTHS.length)]);
  const at = below(64);
  const octets = below(2) === 0 ? valid : spoiled(below, valid);
  compareOneText(both, valid, octets, at, STATES[below(STATES.length)]);
}

function compareOneText(both, valid, octets, at, state) {
  const judge = (kernels, start) => kernels.isUtf8(start, octets.length);
  run(both, 'arenaAddress', at, octets, 0, judge, `isUtf8 of ${octets.toString('hex')}`);
  const goOn = (kernels, start) => kernels.continueUtf8(start, octets.length, state);
  run(both, 'arenaAddress', at, octets, 0, goOn, `continueUtf8 from ${state} of ${octets.toString('hex')}`);
  const units = both.map((kernels) => {
    const to = kernels.scratchAddress + 128 * 1024;
    kernels.bytes.set(valid, kernels.arenaAddress + at);
    const count = kernels.transcode(kernels.arenaAddress + at, valid.length, to);
    return Buffer.from(kernels.bytes.subarray(to, to + 2 * count)).toString('utf16le');
  });
  same(units, 'transcode');
  same([units[0], valid.toString()], 'transcode');
}

/** Text of every length up to a hundred bytes, ASCII or with one other character anywhere, alone and in a frame. */
function compareShortText(both, below) {
  for (let length = 0; length <= 100; length++) {
    for (let variant = 0; variant < 12; variant++) {
      const other = CHARACTERS[below(CHARACTERS.length)];
      const at = below(length + 1);
      const plain = 'abcdefghij'.repeat(11).slice(0, length);
      const text = Buffer.from(variant < 3 ? plain : plain.slice(0, at) + other.repeat(1 + below(9)) + plain.slice(at));
      const octets = variant < 10 ? text : spoiled(below, text);
      compareOneText(both, text, octets, below(64), STATES[below(STATES.length)]);
      for (const masked of [false, true]) {
        const key = masked ? Buffer.from(octetsOf(below, 4)) : undefined;
        const what = `scan of ${octets.toString('hex')}, ${masked ? 'masked' : 'not masked'}`;
        beginConnection(both);
        scan(both, below(64), wholeFrame(0x81, octets, key), masked ? 1 : 0, 1000, what);
        if (variant > 0) continue;
        // Text and binary to either side, with the text judged and not, masked as it must be and not.
        for (const first of [0x81, 0x82]) {
          for (let config = 0; config < 4; config++) {
            beginConnection(both);
            // Three, so that one of no payload does not lie at the end either, where the short way does not look.
            const wire = Buffer.concat(Array.from({ length: 3 }, () => wholeFrame(first, octets, key)));
            scan(both, below(64), wire, config, 1000, `${what}, with ${config}`);
          }
        }
      }
    }
  }
}

/** A frame as a peer might write it, most of them as they should be. */
function frameOf(below, isServer, rsv) {
  const opcode = below(12) === 0 ? below(16) : [0, 1, 1, 2, 2, 8, 9, 10][below(8)];
  const isControl = opcode >= 8;
  const fin = isControl && below(9) > 0 ? 0x80 : below(3) === 0 ? 0 : 0x80;
  const bits = below(10) === 0 ? 0x10 * below(8) : isControl || opcode === 0 || below(2) === 0 ? 0 : rsv;
  const longest = isControl && below(8) > 0 ? 126 : below(6) === 0 ? 70_000 : 400;
  const text =
    opcode < 2 && below(3) > 0 ? textOf(below, below(longest)) : Buffer.from(octetsOf(below, below(longest)));
  const payload = opcode < 2 && below(12) === 0 ? spoiled(below, text) : text;
  const length = below(40) === 0 ? [2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63][below(5)] : payload.length;
  const form = below(30) === 0 ? 8 : length < 126 ? 0 : length < 65_536 ? (below(30) === 0 ? 8 : 2) : 8;
  const mask = below(40) === 0 ? !isServer : isServer;
  const header = Buffer.alloc(2 + form);
  header[0] = fin | bits | opcode;
  header[1] = (mask ? 0x80 : 0) | (form === 0 ? length : form === 2 ? 126 : 127);
  if (form === 2) header.writeUInt16BE(length, 2);
  if (form === 8) header.writeBigUInt64BE(BigInt(length), 2);
  if (!mask) return Buffer.concat([header, payload]);
  const key = below(8) === 0 ? Buffer.alloc(4) : Buffer.from(octetsOf(below, 4));
  return Buffer.concat([header, key, payload.map((octet, index) => octet ^ key[index & 3])]);
}

function compareScans(both, below) {
  const isServer = below(2) === 0;
  const rsv = below(3) === 0 ? 0x10 * below(8) : 0;
  const config = (isServer ? 1 : 0) | (below(9) === 0 ? 2 : 0) | (below(3) === 0 ? 4 : 0) | rsv;
  const maxPayload = below(4) === 0 ? below(2000) : 2 ** 53 - 1;
  // Now and then more frames than the table of records holds.
  const empty = Buffer.from(isServer ? '82800000000082810000000041' : '8200820141', 'hex');
  const wire =
    below(40) === 0
      ? Buffer.concat(Array.from({ length: 2100 }, () => empty))
      : Buffer.concat(Array.from({ length: 1 + below(8) }, () => frameOf(below, isServer, rsv)));
  beginConnection(both);
  const longest = [8, 40, 1000, 200_000][below(4)];
  for (let from = 0, turns = 0; from < wire.length && turns < 300; turns++) {
    const chunk = wire.subarray(from, from + 1 + below(longest));
    const taken = scan(
      both,
      below(16),
      chunk,
      config,
      maxPayload,
      `scan with ${config} of ${wire.toString('hex', 0, 300)}`,
    );
    // Less is taken in only where the table is full, and the rest is scanned then.
    from += taken === 0 ? chunk.length : taken;
  }
}
