// Entries: the messages of a tick as one row of bytes, and back.
import { expect, test } from 'vitest';
import { decodeEntry, encodeEntry, ORIGIN_BYTES } from '../../src/topics/entry.js';

test('an entry carries its messages with their flags, and bytes that are no entry carry none', () => {
  const origin = Buffer.alloc(ORIGIN_BYTES, 0xab);
  const messages = [0, 1, 300].flatMap((length) =>
    [false, true].flatMap((isBinary) =>
      [false, true].map((compress) => ({ payload: Buffer.alloc(length, 0x61), isBinary, compress })),
    ),
  );
  const entry = encodeEntry(origin, 2 ** 40, messages);
  expect(decodeEntry(entry)).toEqual({ origin: origin.toString('hex'), number: 2 ** 40, messages });
  for (const other of [Buffer.alloc(0), entry.subarray(0, 18), entry.subarray(0, 30), entry.subarray(0, -1)]) {
    expect(decodeEntry(other)).toBeUndefined();
  }
});
