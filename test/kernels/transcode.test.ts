import { describe, expect, it } from 'vitest';
import { kernelSets } from '../support/kernel-sets.js';
import { naiveTranscode } from '../support/naive/transcode.js';

const TEXTS: Record<string, string> = {
  ASCII: 'The quick brown fox jumps over the lazy dog, and then over every fence behind it. ',
  'Latin with accents': 'Où les élèves français étaient-ils à Noël? Ça, on ne l’a jamais su. ',
  Cyrillic: 'Привет, мир! Съешь же ещё этих мягких французских булок. ',
  CJK: '漢字かな交じり文章をここに書きます。世界中の人が読めるように、とても長く。',
  'CJK in ASCII': 'a漢bb字ccc漢字dddd漢字漢eeeee漢字漢字ffffff漢字漢字漢ggggggg漢字漢字漢字漢字漢字hhhh',
  emoji: '😀🙃👍🏽🎉🚀💡🔥😎🥳🫠🤖👻💯🧩🎲🪐',
  'every width': 'aé漢😀\0\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}z\u{d7ff}\u{e000}',
};

describe.each(kernelSets)('transcode in $name', (kernels) => {
  const { bytes } = kernels;
  const to = kernels.scratchAddress;
  const canary = new Uint8Array(64).fill(0xa5);
  const alignments = Array.from({ length: 64 }, (_, alignment) => kernels.arenaAddress + alignment);

  /** Transcodes `octets` at each of `places`; the bytes before `to` and after the room it may use stay as they are. */
  function check(octets: Uint8Array, places: number[]): void {
    const room = 2 * octets.length + 32;
    const expected = new Uint8Array(Uint16Array.from(naiveTranscode(octets)).buffer);
    for (const at of places) {
      bytes.fill(0xa5, to - 64, to + room + 64);
      bytes.set(octets, at);
      const end = to + 2 * kernels.transcode(at, octets.length, to);
      const same = Buffer.compare(bytes.subarray(to, end), expected) === 0;
      if (!same) expect.fail(`at ${at}: ${Buffer.from(octets).toString('hex')}`);
      const untouched = Buffer.compare(bytes.subarray(to - 64, to), canary) === 0;
      if (!untouched || Buffer.compare(bytes.subarray(to + room, to + room + 64), canary) !== 0) {
        expect.fail(`wrote around the units of ${Buffer.from(octets).toString('hex')}`);
      }
    }
  }

  /** The whole characters of `text`, repeated, that fill at most `length` bytes after `skipped` characters. */
  function fill(text: string, length: number, skipped: number): Uint8Array {
    const characters = Array.from(text);
    const parts: Uint8Array[] = [];
    let total = 0;
    for (let i = skipped; ; i++) {
      const part = Buffer.from(characters[i % characters.length]);
      if (total + part.length > length) return Buffer.concat(parts);
      parts.push(part);
      total += part.length;
    }
  }

  it.each(Object.keys(TEXTS))('gives the units of %s at every length and alignment', (name) => {
    for (let length = 0; length <= 300; length++) check(fill(TEXTS[name], length, length), alignments);
  });

  it.each(Object.keys(TEXTS))('reads nothing past the very end of memory: %s', (name) => {
    for (let length = 0; length <= 300; length++) {
      const octets = fill(TEXTS[name], length, length);
      check(octets, [bytes.length - octets.length]);
    }
  });

  it('gives every character, among neighbours of every width', () => {
    const characters: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point === 0xd800) point = 0xe000;
      characters.push(String.fromCodePoint(point));
    }
    const neighbours = ['', 'a', '漢😀'];
    for (const neighbour of neighbours) {
      for (let i = 0; i < characters.length; i += 8000) {
        const text = characters.slice(i, i + 8000).join(neighbour);
        const octets = Buffer.from(text);
        bytes.set(octets, kernels.arenaAddress);
        const units = kernels.transcode(kernels.arenaAddress, octets.length, to);
        const written = Buffer.from(bytes.buffer, to, 2 * units).toString('utf16le');
        if (written !== text) expect.fail(`from U+${characters[i].codePointAt(0)?.toString(16)} with "${neighbour}"`);
      }
    }
  });
});
