// `readRecording` reads recordings line by line.
import type * as fs from 'node:fs';
import { expect, it, vi } from 'vitest';
import { readRecording } from '../../../src/cli/traffic/recording.js';

const HEAD = '{"recording":1,"started":"2024-01-01T00:00:00.000Z","url":"ws://127.0.0.1:1/"}';
const FRAME = '{"time":0,"from":"client","opcode":1,"text":"x"}';

// Half a gigabyte, from which no string is made, takes a test too long.
vi.mock(import('node:fs'), async (load) => {
  const actual = await load();
  const toString = function (this: Buffer, encoding?: BufferEncoding, from = 0, to = this.length): string {
    if (to - from > 100) throw new RangeError('Cannot create a string longer than 100 characters');
    return Buffer.from(this.subarray(from, to)).toString(encoding);
  };
  const readFileSync = (): Buffer => Object.assign(Buffer.from(`${HEAD}\n${FRAME}\n${FRAME}\n`), { toString });
  return { ...actual, readFileSync: readFileSync as unknown as typeof fs.readFileSync };
});

it('reads a recording that is too long for a string', () => {
  const [{ frames }] = readRecording('long.jsonl');
  expect(frames.map(({ payload }) => String(payload))).toEqual(['x', 'x']);
});
