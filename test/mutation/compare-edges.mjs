// Two sets of kernels -> an error where they differ on what chance seldom finds: every header, every cut through a frame, every way
// in which characters fill a block, every byte after which a character may be unfinished, and the end of memory.
import { Difference, beginConnection, run, same, scan } from './kernel-pair.mjs';

const SERVER = 1;
const SKIP_UTF8 = 2;
const LEAVE_LONG_TEXT = 4;
const NO_LIMIT = 2 ** 53 - 1;

export function compareEdges(both) {
  compareHeads(both);
  compareCuts(both);
  compareLengths(both);
  compareLongestShort(both);
  compareLimits(both);
  compareUnfinished(both);
  compareCutCharacters(both);
  compareBlocks(both);
  compareEndOfMemory(both);
}

/** Every first byte with second ones at the limits, after nothing and within a message. */
function compareHeads(both) {
  const rest = Buffer.from('0102030400000000090a0b0c0d0e', 'hex');
  for (const config of [0, SERVER, 0x10, SERVER | 0x20, SERVER | 0x40, 0x70]) {
    const before = config & SERVER ? ['', '018000000000', '42810000000041'] : ['', '0100', '420141'];
    const mask = (config & SERVER) << 7;
    for (const opened of before) {
      for (let first = 0; first < 256; first++) {
        for (const second of [mask, mask | 1, mask | 2, mask | 125, mask | 126, mask | 127, mask ^ 0x82]) {
          const wire = Buffer.concat([Buffer.from(opened, 'hex'), Buffer.from([first, second]), rest]);
          beginConnection(both);
          scan(both, 0, wire, config, NO_LIMIT, `scan with ${config} of ${wire.toString('hex')}`);
        }
      }
    }
  }
}

/** A frame, masked if there is a key. */
export function wholeFrame(first, payload, key) {
  const { length } = payload;
  const header = Buffer.from(length < 126 ? [first, length] : [first, 126, length >> 8, length & 255]);
  if (key === undefined) return Buffer.concat([header, payload]);
  header[1] |= 0x80;
  return Buffer.concat([header, key, payload.map((octet, index) => octet ^ key[index & 3])]);
}

/** Frames of every kind, cut in two near their beginning and near their end. */
function compareCuts(both) {
  const texts = [
    '',
    'a',
    'plain text',
    'é',
    'a漢',
    'ab😀',
    'plain '.repeat(60),
    '漢字'.repeat(50),
    `${'a'.repeat(300)}é`,
  ];
  const payloads = texts.flatMap((text) => {
    const octets = Buffer.from(text);
    return [octets, octets.subarray(0, -1), Buffer.concat([octets, Buffer.from([0xc3])])];
  });
  payloads.push(Buffer.from('a'.repeat(255)), Buffer.from('é'.repeat(128)), Buffer.from(`${'é'.repeat(127)}a`));
  for (const isServer of [false, true]) {
    const key = isServer ? Buffer.from('81c2e3f4', 'hex') : undefined;
    for (const payload of payloads) {
      const wires = [0x81, 0x82, 0xc1].map((first) => wholeFrame(first, payload, key));
      for (const middle of [0x80, 0x00]) {
        const start = wholeFrame(0x01, payload, key);
        wires.push(Buffer.concat([start, wholeFrame(middle, payload, key), wholeFrame(0x89, Buffer.from('ab'), key)]));
      }
      if (payload.length < 126) wires.push(wholeFrame(0x88, payload, key));
      for (const wire of wires) {
        const cuts = new Set();
        for (let near = 0; near < 16; near++)
          cuts.add(Math.min(near, wire.length)).add(Math.max(0, wire.length - near));
        for (const flags of [0, SKIP_UTF8, LEAVE_LONG_TEXT, 0x40]) {
          for (const cut of cuts) compareCut(both, wire, cut, flags | (isServer ? SERVER : 0));
        }
      }
    }
  }
}

function compareCut(both, wire, cut, config) {
  const what = `scan with ${config} of ${wire.toString('hex', 0, 300)} cut at ${cut}`;
  beginConnection(both);
  if (cut > 0) scan(both, 0, wire.subarray(0, cut), config, NO_LIMIT, what);
  if (cut < wire.length) scan(both, 5, wire.subarray(cut), config, NO_LIMIT, what);
}

/** Lengths at the limits of each form, in each form, against limits of messages just there. */
function compareLengths(both) {
  const lengths = [0, 1, 125, 126, 127, 65_534, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53];
  for (const length of lengths) {
    for (const form of [0, 2, 8]) {
      if ((form === 0 && length > 125) || (form === 2 && length > 65_535)) continue;
      const header = Buffer.alloc(2 + form);
      header[0] = 0x82;
      header[1] = form === 0 ? length : form === 2 ? 126 : 127;
      if (form === 2) header.writeUInt16BE(length, 2);
      if (form === 8) header.writeBigUInt64BE(BigInt(length), 2);
      const wire = Buffer.concat([header, Buffer.alloc(Math.min(length, 70_000) + 1)]);
      for (const limit of [0, length - 1, length, length + 1, NO_LIMIT]) {
        if (limit < 0 || limit > NO_LIMIT) continue;
        for (const end of new Set([header.length - 1, header.length, Math.min(length, 70_000) + header.length])) {
          beginConnection(both);
          scan(both, 3, wire.subarray(0, end), 0, limit, `scan of ${length} bytes in form ${form}, limit ${limit}`);
          // A second fragment counts with the first.
          const fragments = Buffer.concat([Buffer.from([0x02, 1, 0x61]), wire.subarray(0, end)]);
          fragments[3] = 0x80;
          beginConnection(both);
          scan(both, 3, fragments, 0, limit, `scan of 1 and ${length} bytes in form ${form}, limit ${limit}`);
        }
      }
    }
  }
}

/** Frames at the end of the shortest form, whose next two bytes would be a length that fits, were they read as one. */
function compareLongestShort(both) {
  const payload = Buffer.alloc(130);
  payload.set([0x00, 0x80]);
  for (const key of [undefined, Buffer.from('00800000', 'hex')]) {
    for (const length of [124, 125, 126, 127]) {
      const frame = wholeFrame(0x82, payload.subarray(0, length), key);
      beginConnection(both);
      const what = `scan of frames of ${length} bytes, ${key === undefined ? 'not masked' : 'masked'}`;
      scan(both, 0, Buffer.concat([frame, frame, frame]), key === undefined ? 0 : SERVER, NO_LIMIT, what);
    }
  }
}

/** A message of three frames, each in a chunk of its own, against limits around the bytes of all. */
function compareLimits(both) {
  for (const lengths of [
    [5, 7, 300],
    [0, 200, 1],
    [300, 0, 1],
  ]) {
    const whole = lengths.reduce((sum, length) => sum + length);
    for (const limit of [whole - 1, whole, whole + 1]) {
      beginConnection(both);
      for (const [index, length] of lengths.entries()) {
        const wire = wholeFrame([0x02, 0x00, 0x80][index], Buffer.alloc(length));
        scan(both, 0, wire, 0, limit, `scan of frames of ${lengths.join(', ')} bytes within ${limit}`);
      }
    }
  }
}

/** Validation that goes on, from every state of an open character, over one byte and over two. */
function compareUnfinished(both) {
  const states = [0];
  for (const needed of [1, 2, 3]) {
    for (const lowest of [0x80, 0x90, 0xa0]) {
      for (const highest of [0x8f, 0x9f, 0xbf]) states.push(needed | (lowest << 8) | (highest << 16));
    }
  }
  const edges = [0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xff];
  const judge = (octets, state) => {
    const work = (kernels, start) => kernels.continueUtf8(start, octets.length, state);
    run(both, 'scratchAddress', 0, octets, 0, work, `continueUtf8 from ${state} of ${octets.toString('hex')}`);
  };
  for (let first = 0; first < 256; first++) {
    for (const state of states) judge(Buffer.from([first]), state);
    for (const second of edges) {
      judge(Buffer.from([first, second]), 0);
      for (const third of edges) judge(Buffer.from([0x61, first, second, third]), 0);
    }
  }
}

/** Characters cut short at every place of a block, at the end or with ASCII after them. */
function compareCutCharacters(both) {
  for (const cut of ['c3', 'e6', 'e6bc', 'f0', 'f09f', 'f09f98'].map((octets) => Buffer.from(octets, 'hex'))) {
    for (let length = 0; length <= 96; length++) {
      for (const after of [0, 1, 15, 16, 63, 64, 80, 130]) {
        // Not all ASCII from the start, which is looked for by another loop.
        const before = length < 2 ? Buffer.alloc(length, 'a') : Buffer.from(`é${'a'.repeat(length - 2)}`);
        const octets = Buffer.concat([before, cut, Buffer.alloc(after, 'a')]);
        const work = (kernels, start) => kernels.isUtf8(start, octets.length);
        run(both, 'arenaAddress', 0, octets, 0, work, `isUtf8 of ${octets.toString('hex')}`);
      }
    }
  }
}

/** Every way in which characters of one to four bytes fill a block that begins within one, and what may come after. */
function compareBlocks(both) {
  const characters = ['a', 'é', '漢', '😀'].map((character) => Buffer.from(character));
  const before = Buffer.from(`${'a'.repeat(15)}é`);
  const ends = ['', 'a', 'é', '漢漢漢漢漢漢漢', '😀', 'aaaaaaaaaaaaaaaaaaa'].map((end) => Buffer.from(end));
  const fill = (parts, left) => {
    if (left > 0) {
      for (const character of characters)
        if (character.length <= left) fill([...parts, character], left - character.length);
      return;
    }
    const block = Buffer.concat(parts);
    for (const [index, end] of ends.entries()) compareTranscoding(both, Buffer.concat([before, block, end]), index);
  };
  fill([], 14);
}

function compareTranscoding(both, text, at) {
  const units = both.map((kernels) => {
    const [from, to] = [kernels.arenaAddress + at, kernels.scratchAddress];
    kernels.bytes.set(text, from);
    const count = kernels.transcode(from, text.length, to);
    return Buffer.from(kernels.bytes.buffer, to, 2 * count);
  });
  if (!units[0].equals(units[1])) throw new Difference(`transcode of ${text.toString('hex')}`);
}

/** Text and masked bytes that end where memory ends: reading or writing past them traps. */
function compareEndOfMemory(both) {
  for (let length = 0; length <= 100; length++) {
    for (const character of ['a', 'é', 'éa', '漢', '😀']) {
      const text = Buffer.from(`${character.repeat(length / 2)}${'a'.repeat(length % 3)}`);
      const results = both.map((kernels) => {
        const start = kernels.bytes.length - text.length;
        kernels.bytes.set(text, start);
        const count = kernels.transcode(start, text.length, kernels.scratchAddress);
        const judged = [kernels.isUtf8(start, text.length), kernels.continueUtf8(start, text.length, 0)];
        kernels.mask(start, text.length, 0x01020304);
        return [count, ...judged, Buffer.from(kernels.bytes.subarray(start)).toString('hex')].join();
      });
      same(results, `at the end of memory, ${text.length} bytes`);
    }
  }
}
