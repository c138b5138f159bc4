// Entries: the messages of a tick as one row of bytes, and back.
import { expect, test } from 'vitest';
import { decodeEntry, EntryDraft, entryBytes, ORIGIN_BYTES } from '../../src/topics/entry.js';

test('an entry carries its messages with their flags, and bytes that are no entry carry none', () => {
  const origin = Buffer.alloc(ORIGIN_BYTES, 0xab);
  const messages = [0, 1, 300].flatMap((length) =>
    [false, true].flatMap((isBinary) =>
      [false, true].map((compress) => ({ payload: Buffer.alloc(length, 0x61), isBinary, compress })),
    ),
  );
  const draft = new EntryDraft();
  for (const { payload, isBinary, compress } of messages) draft.add(payload, payload.length, isBinary, compress);
  expect([draft.count, draft.bytes]).toEqual([12, 1204]);
  const entry = draft.encode(origin, 2 ** 40);
  expect(entry.length).toBe(entryBytes(12, 1204));
  expect(decodeEntry(entry)).toEqual({ origin: origin.toString('hex'), number: 2 ** 40, messages });
  for (const other of [Buffer.alloc(0), entry.subarray(0, 18), entry.subarray(0, 30), entry.subarray(0, -1)]) {
    expect(decodeEntry(other)).toBeUndefined();
  }
});

test('text of any signs is in an entry as UTF-8, whatever is added around it', () => {
  const texts = ['', 'a', 'ü€😀', 'x'.repeat(5000), 'end'];
  const draft = new EntryDraft();
  for (const text of texts) draft.add(text, Buffer.byteLength(text), false, false);
  const { messages } = decodeEntry(draft.encode(Buffer.alloc(ORIGIN_BYTES), 1))!;
  expect(messages.map(({ payload }) => Buffer.from(payload).toString())).toEqual(texts);
});
