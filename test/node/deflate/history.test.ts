import { expect, test } from 'vitest';
import { History } from '../../../src/node/deflate/history.js';

test('a history keeps the last bytes of all that was appended, at most a window', () => {
  const history = new History({ windowBits: 8 });
  let all = Buffer.alloc(0);
  expect(history.window).toBeUndefined();
  for (const length of [0, 10, 200, 100, 0, 255, 256, 1000, 1]) {
    const octets = Buffer.alloc(length, length);
    all = Buffer.concat([all, octets]);
    history.append(octets);
    if (all.length > 0) expect(Buffer.from(history.window ?? [])).toEqual(all.subarray(-256));
  }
  history.clear();
  expect(history.window).toBeUndefined();
});

test('a history is a copy', () => {
  const history = new History({});
  const octets = Buffer.from('abc');
  history.append(octets);
  octets.fill(0);
  expect(Buffer.from(history.window ?? []).toString()).toBe('abc');
});

test('a history begins, and begins again, with the dictionary of the options', () => {
  const dictionary = Buffer.from('preset');
  for (const preset of [dictionary, Uint8Array.from(dictionary).buffer]) {
    const history = new History({ windowBits: 15, dictionary: preset });
    history.append(Buffer.from(' and more'));
    expect(Buffer.from(history.window ?? []).toString()).toBe('preset and more');
    history.clear();
    expect(Buffer.from(history.window ?? []).toString()).toBe('preset');
  }
});
